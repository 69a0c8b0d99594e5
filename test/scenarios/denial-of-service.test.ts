/** What would make a kit slow, deep or large is refused, or costs no more than its size (security table, denial of service). */
import { describe, expect, it } from 'vitest';
import { OptOutGuard } from '../../src/channels/opt-out/index.js';
import { plainAddress } from '../../src/channels/opt-out/record.js';
import {
  channelCapabilities,
  extractText,
  limitLength,
  RoomKit,
  silentLogger,
  splitText,
  transcodeFor,
  type EventContent,
} from '../../src/core/index.js';
import { smsSegments, splitSms } from '../../src/core/delivery/sms-segments.js';
import { marksOf, scrubbed } from '../../src/core/erasure/marks.js';
import { markdownToHtml, textToHtml } from '../../src/providers/_shared/mail/markdown.js';
import { withoutQuotedHistory } from '../../src/providers/_shared/mail/quoted.js';
import { wordsOf } from '../../src/providers/postgres/text.js';
import { searchable } from '../../src/providers/sqlite/text.js';
import { verifies } from '../requirements.js';
import { AskedServer } from '../server/served-kit.js';
import { TestTransport } from '../support/harness.js';

/** A tenth of what one text may be (CON-13): what takes the square of its length takes minutes. */
const MOST = 100_000;
/** Beginnings of what patterns look for, again and again, and never its end. */
const BAITS = [
  ...['a', ' ', '<', '>', '*', '_', '`', '[', '(', '&', '-', '#', '!', '|', '\n', '\t', '\r', '1', '+', '@', '"', '\\', '😀', 'ä'],
  ...[
    '<a ',
    '<!--',
    '](',
    '![',
    '**',
    '\n>',
    '\n> ',
    '\n- ',
    'On ',
    '1. ',
    'http://',
    'www.',
    'a@',
    '@a',
    '&#',
    '<b><',
    '\n\n',
    ' \n',
    '+1 ',
    '[a](',
    'x-y_',
  ],
];

function textsOf(bait: string): string[] {
  const long = bait.repeat(Math.floor((MOST - 2) / bait.length));
  return [`${long}!`, `a${long}`];
}

describe('denial of service', () => {
  it('denial of service: a megabyte of nested JSON is refused, and nothing of it is kept', async () => {
    verifies('AUTH-13', 'CON-13');
    const server = await AskedServer.open();
    const half = 1_000_000 / 2;
    for (const body of ['['.repeat(half) + ']'.repeat(half), '{"a":'.repeat(half / 3), `{"content":${'['.repeat(half)}`]) {
      const { status } = await server.ask({ key: 'acme' }, 'POST', '/api/rooms/acme-1/messages', { body });
      expect([400, 413]).toContain(status);
    }
    expect(await server.kit.store.countEvents('acme-1'), 'only what opened the room').toBe(2);
    await server.kit.close();
  });

  it('denial of service: no pattern takes more than its time over a hundred thousand characters that were made for it', () => {
    verifies('CON-11');
    const capabilities = channelCapabilities({ mediaTypes: ['text'], maxLength: 1600 });
    const marks = marksOf(
      {
        identity: null,
        organizationId: undefined,
        identityIds: new Set(['a']),
        addresses: new Set(['+15550001', 'a@example.com']),
        names: new Set(['a a', '1.1']),
      },
      { ids: [], names: [] },
    );
    const content = (body: string): EventContent => ({ type: 'text', body });
    let done = 0;
    for (const text of BAITS.flatMap(textsOf)) {
      extractText(content(text));
      limitLength(content(text), capabilities);
      transcodeFor({ type: 'rich', body: text, format: 'html' }, capabilities);
      transcodeFor({ type: 'rich', body: text, format: 'markdown' }, capabilities);
      splitText(text, 1600);
      smsSegments(text);
      splitSms(text);
      withoutQuotedHistory(text);
      markdownToHtml(text);
      textToHtml(text);
      plainAddress(text, 'sms');
      wordsOf(text);
      searchable(text);
      scrubbed({ text }, marks, { names: true });
      done++;
    }
    expect(done).toBe(2 * BAITS.length);
  }, 60_000);

  it('denial of service: ten megabytes in one text are refused', async () => {
    verifies('CON-13');
    const kit = new RoomKit({ logger: silentLogger });
    kit.registerChannel(new TestTransport('sms'));
    new OptOutGuard().install(kit);
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'sms');
    const bait = { channelId: 'sms', senderId: '+1', content: 'a'.repeat(10_000_000) };
    await expect(kit.processInbound(bait, { roomId: 'room' })).rejects.toMatchObject({ code: 'invalid' });
    expect(await kit.store.countEvents('room')).toBe(1);
    await kit.close();
  });

  it('denial of service: of a hundred thousand rooms a kit keeps the active ones in mind, and no more', async () => {
    verifies('CON-11');
    const kit = new RoomKit({ logger: silentLogger, traceEvents: 0 });
    kit.registerChannel(new TestTransport('web', { channelType: 'websocket', durable: false }));
    let largest = 0;
    for (let sender = 0; sender < 100_000; sender++) {
      const { blocked } = await kit.processInbound({ channelId: 'web', senderId: `sender-${sender}`, content: 'hello' });
      if (blocked) throw new Error('A message was refused.');
      if (sender % 1000 === 0) largest = Math.max(largest, kit.stats().rooms);
    }
    expect((await kit.listRooms()).length).toBe(100_000);
    expect(largest).toBeLessThanOrEqual(16_384);
    expect(kit.stats()).toMatchObject({ lanes: 0, queued: 0, tasks: 0 });
    await kit.close();
  }, 120_000);
});
