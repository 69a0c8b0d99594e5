/** The table of what text channels make of content, held against the channels: what is slanted there they cannot carry, and nothing else. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  EmailChannel,
  HTTPChannel,
  MessengerChannel,
  SMSChannel,
  TelegramChannel,
  WhatsAppChannel,
  WhatsAppPersonalChannel,
  type ChannelCapabilities,
  type TransportChannel,
} from '../src/index.js';

const CHANNELS: Readonly<Record<string, TransportChannel>> = {
  EmailChannel: new EmailChannel('email'),
  HTTPChannel: new HTTPChannel('http'),
  MessengerChannel: new MessengerChannel('messenger'),
  SMSChannel: new SMSChannel('sms'),
  TelegramChannel: new TelegramChannel('telegram'),
  WhatsAppChannel: new WhatsAppChannel('whatsapp'),
  WhatsAppPersonalChannel: new WhatsAppPersonalChannel('personal'),
};

/** What a channel has to be able to do for a cell that is not slanted, and no dash. */
const ABILITIES: Readonly<Record<string, (can: ChannelCapabilities) => boolean>> = {
  buttons: (can) => can.supportsButtons,
  'quick replies': (can) => can.supportsQuickReplies,
  cards: (can) => can.supportsCards,
  edit: (can) => can.supportsEdit,
  delete: (can) => can.supportsDelete,
  reactions: (can) => can.supportsReactions,
  typing: (can) => can.supportsTyping,
  'read receipts': (can) => can.supportsReadReceipts,
};
const TYPES = ['text', 'rich', 'media', 'audio', 'video', 'location', 'template'] as const;

const lines = readFileSync(new URL('../docs/guides/text-channels-content.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const [head = [], , ...rows] = lines;
const columns = head.slice(1).map((name) => name.replaceAll('`', ''));

describe('the table of text channels', () => {
  it('has all channels and all kinds', () => {
    expect([...columns].sort()).toEqual(Object.keys(CHANNELS).sort());
    expect(rows.map(([name]) => name).sort()).toEqual([...TYPES, ...Object.keys(ABILITIES)].sort());
  });

  it.each(rows.flatMap(([content = '', ...cells]) => cells.map((cell, index) => [content, columns[index] ?? '', cell] as const)))(
    'is true of %s over %s',
    (content, name, cell) => {
      const capabilities = CHANNELS[name]?.capabilities;
      if (capabilities === undefined) throw new Error(`There is no channel ${name}.`);
      const type = TYPES.find((known) => known === content);
      const can = type === undefined ? (ABILITIES[content]?.(capabilities) ?? false) : capabilities.mediaTypes.includes(type);
      expect(cell).not.toBe('');
      expect(!/^\*.*\*$/.test(cell) && cell !== '–').toBe(can);
    },
  );
});
