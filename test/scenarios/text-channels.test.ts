/** What all text channels share: limits, typed taps, opt-outs; through a kit and a vendor that does what it is told. */
import { describe, expect, it } from 'vitest';
import { smsSegments, TransportChannel, type ChannelOutput, type TransportChannelOptions } from '../../src/index.js';
import { MockTransportProvider } from '../../src/testing/index.js';
import { makeKit, TestAgent, TestTransport, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

interface Phone extends Harness {
  readonly provider: MockTransportProvider;
  /** What arrived at the phone, in order. */
  readonly texts: () => string[];
  readonly say: (content: string) => ReturnType<Harness['kit']['processInbound']>;
}

/** A colleague at `desk` writes to a phone by SMS. */
async function phone(options: Partial<TransportChannelOptions> = {}): Promise<Phone> {
  const harness = makeKit();
  const { kit } = harness;
  const provider = new MockTransportProvider('vendor');
  kit.registerChannel(
    new TransportChannel('sms', {
      channelType: 'sms',
      provider,
      recipientKey: 'phone_number',
      capabilities: { mediaTypes: ['text', 'media'], maxLength: 1600, overflow: 'split' },
      ...options,
    }),
  );
  kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false }));
  await kit.createRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'desk');
  await kit.attachChannel('r', 'sms', { metadata: { phone_number: '+15550100' } });
  return {
    ...harness,
    provider,
    texts: () => provider.sent.map(({ content }) => (content.type === 'text' ? content.body : content.type)),
    say: (content) => kit.processInbound({ channelId: 'desk', senderId: 'colleague', content }, { roomId: 'r' }),
  };
}

describe('the length of a text message', () => {
  it('F26 1600 units with an emoji at the border: what does not fit goes whole into the next part', async () => {
    verifies('F26', 'TRC-03');
    const family = '👨‍👩‍👧‍👦';
    const { kit, say, texts } = await phone();
    await say('a'.repeat(1600));
    await say('a'.repeat(1598) + '😀');
    await say('a'.repeat(1599) + '😀');
    await say('a'.repeat(1595) + family);
    expect(texts()).toEqual(['a'.repeat(1600), 'a'.repeat(1598) + '😀', 'a'.repeat(1599), '😀', 'a'.repeat(1595), family]);
    await kit.close();

    const cut = await phone({ capabilities: { mediaTypes: ['text'], maxLength: 1600 } });
    await cut.say('a'.repeat(1596) + '😀bcd');
    await cut.say('a'.repeat(1590) + family + 'b');
    expect(cut.texts()).toEqual(['a'.repeat(1596) + '...', 'a'.repeat(1590) + '...']);
    await cut.kit.close();
  });

  it('F26 parts go in order, each under its own key, and after a failure on from the first that was not taken', async () => {
    verifies('F26', 'TRC-03', 'OUT-05');
    const { kit, clock, provider, say, texts } = await phone();
    const [one, two, three] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(1499)}.`);
    provider.onSend = ({ part, attempt }) => {
      if (part?.index === 1 && attempt === 1) throw new Error('down');
    };
    const call = say(`${one} ${two} ${three}`);
    const behind = say('and this');
    await clock.advance(60_000);
    expect((await call).deliveryResults['sms']).toMatchObject({ status: 'sent', attempts: 2 });
    await behind;
    expect(texts()).toEqual([one, two, three, 'and this']);
    expect(provider.requests.map(({ part, attempt }) => [part?.index, part?.count, attempt])).toEqual([
      [0, 3, 1],
      [1, 3, 1],
      [1, 3, 2],
      [2, 3, 2],
      [undefined, undefined, 1],
    ]);
    const keys = provider.sent.map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(4);
    expect(provider.requests[1]?.idempotencyKey).toBe(provider.requests[2]?.idempotencyKey);
    await kit.close();
  });

  it('F26 a table whose writer fails in the middle of a row arrives as far as it came, cut between rows', async () => {
    verifies('F26', 'TRC-03', 'STR-04', 'STR-05');
    const { kit, texts } = await phone({ capabilities: { mediaTypes: ['text'], maxLength: 320, overflow: 'split' } });
    const head = '| order | state | when |\n|---|---|---|\n';
    const rows = Array.from({ length: 30 }, (_, row) => `| no. ${row} | on its way | 2026-11-${String(row + 1).padStart(2, '0')} |\n`);
    const agent: TestAgent = new TestAgent('bot', (): ChannelOutput => ({
      responded: true,
      responseStream: {
        deltas: (async function* () {
          for (const piece of [head, ...rows]) yield await Promise.resolve(piece);
          yield '| no. 30 | on i';
          throw new Error('the vendor hung up');
        })(),
        placeholder: { source: { ...agent.source, direction: 'outbound' }, content: { type: 'text', body: '' } },
        finish: () => ({ endReason: 'completed', usage: {} }),
      },
    }));
    kit.registerChannel(agent);
    await kit.attachChannel('r', 'bot');
    await kit.processInbound({ channelId: 'sms', senderId: '+15550100', content: 'where are my orders?' }, { roomId: 'r' });
    const parts = texts();
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.join('\n')).toBe(`${head}${rows.join('')}| no. 30 | on i`);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(320);
      expect(part.startsWith('|')).toBe(true);
      expect(part.endsWith('|') || part === parts.at(-1)).toBe(true);
      expect(smsSegments(part).segments).toBeLessThanOrEqual(3);
    }
    await kit.close();
  });
});
