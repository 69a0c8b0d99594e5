/** A callback that says the key of the message names its delivery even when the vendor's answer was lost (OUT-07, OUT-09). */
import { describe, expect, it } from 'vitest';
import { DeliveryError, InMemoryStore, type DeliveryStatus } from '../../src/core/index.js';
import { makeKit, openRoom, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

class SurvivingStore extends InMemoryStore {
  override readonly persistent = true;
}

const report = (idempotencyKey: string, more: Partial<DeliveryStatus> = {}): DeliveryStatus => ({
  provider: 'acme',
  messageId: 'acme-7',
  status: 'sent',
  channelId: 'b',
  idempotencyKey,
  ...more,
});

describe('a status with the key of its message', () => {
  it('ends a delivery whose answer was lost, so that it is not sent twice', async () => {
    verifies('OUT-07', 'OUT-09');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b', { providerName: 'acme' });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.failNext(1, () => new DeliveryError('network_error', 'The answer was cut off.', { retryable: true }));
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId, wait: 'commit' });
    await clock.advance(10);
    expect(b.attempts).toBe(1);
    await kit.processDeliveryStatus(report(`${event?.id ?? ''}:b`));
    await clock.advance(600_000);
    expect(b.attempts).toBe(1);
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'sent', providerMessageId: 'acme-7' }]);
    await kit.close();
  });

  it('ends a delivery of a process that is gone, among others that are as uncertain', async () => {
    verifies('OUT-07', 'OUT-09');
    const store = new SurvivingStore();
    const first = makeKit({ store }); // left as it is: its vendor never answers
    const hanging = new TestTransport('b', { providerName: 'acme' });
    hanging.hangNext(2);
    for (const channel of [new TestTransport('a'), hanging]) first.kit.registerChannel(channel);
    const ids: string[] = [];
    for (const roomId of ['one', 'two']) {
      await first.kit.createRoom({ roomId });
      for (const channelId of ['a', 'b']) await first.kit.attachChannel(roomId, channelId);
      const { event } = await first.kit.processInbound({ channelId: 'a', senderId: 'u', content: roomId }, { roomId, wait: 'commit' });
      ids.push(event?.id ?? '');
    }
    await first.clock.advance(10);
    expect(store.listRows({}).map(({ state }) => state)).toEqual(['sending', 'sending']);

    const { kit, clock } = makeKit({ store });
    const b = new TestTransport('b', { providerName: 'acme' });
    kit.registerChannel(b);
    await clock.advance(1000);
    expect(b.attempts).toBe(0); // both wait for a word of the vendor
    await kit.processDeliveryStatus(report(`${ids[1] ?? ''}:b`, { status: 'delivered' }));
    await clock.advance(60_000);
    expect(b.texts).toEqual(['one']);
    expect(await kit.listDeliveries({ roomId: 'two' })).toMatchObject([{ state: 'delivered', providerMessageId: 'acme-7' }]);
    await kit.close();
  });

  it('moves nothing for a key of another channel, an unknown key, or a second message of the same key', async () => {
    verifies('OUT-07');
    const { kit } = makeKit();
    const b = new TestTransport('b', { providerName: 'acme' });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const key = `${event?.id ?? ''}:b`;
    for (const status of [report(`${event?.id ?? ''}:c`), report('nonsense'), report(''), report(`${key}:0`), report(key), report(':b')])
      expect(await kit.processDeliveryStatus({ ...status, status: 'failed' })).toBeNull();
    expect((await kit.listDeliveries({ roomId }))[0]?.state).toBe('sent');
    await kit.close();
  });

  it('of one part of a split text moves nothing: neither by its key nor as the only open delivery', async () => {
    verifies('OUT-07', 'TRC-03');
    const { kit, clock } = makeKit();
    const texts: string[] = [];
    const b = new TestTransport('b', {
      providerName: 'acme',
      capabilities: { maxLength: 10, overflow: 'split' },
      deliver: async (_event, _binding, _context, options) => {
        const { parts = [], idempotencyKey } = options;
        for (const [index, part] of parts.entries()) {
          texts.push(part);
          await options.markPartsSent?.(index + 1);
          if (index === parts.length - 1) continue;
          await kit.processDeliveryStatus(report(`${idempotencyKey}:${index}`, { messageId: `part-${index}`, status: 'delivered' }));
          await kit.processDeliveryStatus({ provider: 'acme', messageId: `part-${index}`, status: 'delivered', channelId: 'b', roomId });
          states.push(...(await kit.listDeliveries({ roomId })).map(({ state }) => state));
        }
        return { providerMessageId: 'last' };
      },
    });
    const states: string[] = [];
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'one two three four' }, { roomId });
    await clock.advance(0);
    expect(texts).toEqual(['one two', 'three four']);
    expect(states).toEqual(['sending']);
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'sent', providerMessageId: 'last' }]);
    await kit.close();
  });
});
