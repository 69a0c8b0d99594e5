/** What of a reply is its own. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../../test/requirements.js';
import { withoutQuotedHistory } from './quoted.js';

const CASES: Readonly<Record<string, readonly [given: string, own: string]>> = {
  'a plain mail': ['Hello,\r\n\r\nwhere is my parcel?\r\n\r\nAda', 'Hello,\n\nwhere is my parcel?\n\nAda'],
  'Gmail, broken over two lines': [
    'Yes, please.\n\nOn Tue, Nov 24, 2026 at 10:00 AM Desk <desk@shop.example>\nwrote:\n\n> Shall we send it again?\n> Desk\n',
    'Yes, please.',
  ],
  Outlook: [
    'Yes.\n\nFrom: Desk <desk@shop.example>\nSent: Tuesday, November 24, 2026 10:00\nTo: Ada\nSubject: Your parcel\n\nShall we send it again?',
    'Yes.',
  ],
  'Outlook on the web': [
    'Yes.\n________________________________\nFrom: Desk\nSent: Tuesday 10:00\nTo: Ada\nSubject: Your parcel\n\nShall we?',
    'Yes.',
  ],
  'Outlook, German': ['Ja.\n\nVon: Desk\nGesendet: Dienstag, 24. November 2026\nAn: Ada\nBetreff: Ihr Paket\n\nNoch einmal?', 'Ja.'],
  'an old separator': ['Yes.\n\n-----Original Message-----\nShall we send it again?', 'Yes.'],
  'German, Thunderbird': ['Ja.\n\nAm 24.11.26 um 10:00 schrieb Desk:\n> Noch einmal schicken?\n', 'Ja.'],
  French: ["Oui.\n\nLe mar. 24 nov. 2026 à 10:00, Desk <desk@shop.example> a écrit :\n> On l'envoie ?", 'Oui.'],
  'an answer below': ['On Tue, 24 Nov 2026, Desk wrote:\n> Shall we send it again?\n\nYes, please.', 'Yes, please.'],
  'answers in between': ['On Tue, 24 Nov 2026, Desk wrote:\n> Again?\n\nYes.\n\n> To the same place?\n\nNo, to work.\n', 'Yes.\n\nNo, to work.'],
  'a signature': ['Yes.\n-- \nAda Lovelace\n+44 1234', 'Yes.'],
  'quotes without a heading': ['> Again?\nYes.', 'Yes.'],
  'nothing of its own': ['> Again?\n> Desk', ''],
  'a sentence that only begins like a heading': ['On Monday I wrote to you:\nnothing came.', 'On Monday I wrote to you:\nnothing came.'],
  'a person called From': ['From: my heart\nthank you', 'From: my heart\nthank you'],
};

describe('a reply without its history', () => {
  for (const [name, [given, own]] of Object.entries(CASES))
    it(name, () => {
      verifies('EM-05');
      expect(withoutQuotedHistory(given)).toBe(own);
    });

  it('takes time in proportion to its length, whatever it holds', () => {
    verifies('EM-05');
    for (const line of ['> ', 'On 1 wrote', 'From: a', '-'.repeat(400), '_'.repeat(30), '\n', ' ', 'On '.repeat(100)]) {
      const text = `${line}\n`.repeat(64_000 / (line.length + 1));
      expect(withoutQuotedHistory(text).length).toBeLessThanOrEqual(text.length);
    }
  });
});
