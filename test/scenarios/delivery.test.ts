/** Durable delivery: rows, lanes, retries, breakers, limits, recovery (behaviour §10, §21). */
import { describe, expect, it } from 'vitest';
import { DeliveryError, InMemoryStore, type OutboxRow } from '../../src/core/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { verifies } from '../requirements.js';

/** Rows survive the kit: what a persistent store does, in memory. */
class SurvivingStore extends InMemoryStore {
  override readonly persistent = true;
}

const unavailable = (extra: object = {}): DeliveryError => new DeliveryError('unavailable', 'down', { retryable: true, ...extra });

describe('a durable delivery', () => {
  it('is a row, written with its event and closed after the vendor has taken it', async () => {
    verifies('OUT-01', 'OUT-03', 'OUT-06', 'INV-17', 'STO-01');
    const { kit } = makeKit();
    const b = new TestTransport('b', { providerName: 'acme' });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const [row] = await kit.listDeliveries({ roomId });
    expect(row).toMatchObject({
      eventId: result.event?.id,
      eventIndex: 2,
      channelId: 'b',
      state: 'sent',
      attempts: 1,
      idempotencyKey: `${result.event?.id}:b`,
      provider: 'acme',
      providerMessageId: 'b-1',
    });
    expect(b.heard[0]?.idempotencyKey).toBe(row?.idempotencyKey);
    expect((await kit.getEvent(roomId, result.event?.id ?? ''))?.deliveryResults).toMatchObject({ b: { status: 'sent', providerMessageId: 'b-1' } });
    await kit.close();
  });

  it('is retried with growing patience, and fails in the end without touching the event', async () => {
    verifies('OUT-05', 'FIG-04', 'INB-22', 'RES-04');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, new TestTransport('c')]);
    const attempts: number[] = [];
    b.failNext(10, () => {
      attempts.push(clock.monotonic() / 1000);
      return unavailable();
    });
    const seen: unknown[] = [];
    kit.on('delivery_failed', (event) => void seen.push(['failed', event.channelId, event.data['attempts'], event.data['code']]));
    kit.on('delivery_succeeded', (event) => void seen.push(['succeeded', event.channelId]));
    kit.on('broadcast_partial_failure', (event) => void seen.push(['partial', event.data]));
    const errors: unknown[] = [];
    kit.hook('on_error', (error) => void errors.push([error.category, error.code, error.channel_id]));
    const from = clock.monotonic() / 1000;
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(10_000);
    const result = await call;
    expect(attempts.map((at) => at - from)).toEqual([0, 1, 3, 7]);
    expect(result).toMatchObject({
      blocked: false,
      event: { status: 'delivered' },
      deliveryResults: { b: { status: 'failed', attempts: 4, error: { code: 'unavailable' } }, c: { status: 'sent' } },
    });
    expect(seen).toEqual([
      ['succeeded', 'c'],
      ['failed', 'b', 4, 'unavailable'],
      ['partial', { failed: 1, total: 2, errors: { b: 'unavailable' } }],
    ]);
    expect(errors).toEqual([['delivery', 'unavailable', 'b']]);
    await kit.close();
  });

  it('F20 permanent_errors_are_not_retried', async () => {
    verifies('F20', 'OUT-05');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.failNext(1, () => new DeliveryError('invalid_number', 'no such number', { retryable: false }));
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(result.deliveryResults['b']).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'invalid_number', retryable: false } });
    expect(await kit.listDeliveries({ roomId })).toMatchObject([
      { state: 'failed', attempts: 1, lastError: { code: 'invalid_number', message: 'no such number', retryable: false } },
    ]);
    // Said to be worth a try, it still ends with its policy, which allows none, or none for this code.
    await kit.attachChannel(roomId, 'b', { retryPolicy: { maxRetries: 3, retryableErrors: ['other'] } });
    b.failNext(1);
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'y' }, { roomId })).deliveryResults['b']).toMatchObject({
      status: 'failed',
      attempts: 1,
    });
    await kit.attachChannel(roomId, 'b', { retryPolicy: null });
    b.failNext(1);
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'z' }, { roomId })).deliveryResults['b']).toMatchObject({
      status: 'failed',
      attempts: 1,
    });
    await kit.attachChannel(roomId, 'b', { retryPolicy: { maxRetries: 1 } });
    b.failNext(2);
    const last = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'last' }, { roomId });
    await clock.advance(60_000);
    expect((await last).deliveryResults['b']).toMatchObject({ status: 'failed', attempts: 2, error: { retryable: true } });
    expect(b.texts).toEqual([]);
    await kit.close();
  });

  it('F22 retry_after', async () => {
    verifies('F22', 'RES-03', 'OUT-05');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const c = new TestTransport('c');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    await kit.createRoom({ roomId: 'other' });
    for (const id of ['a', 'b']) await kit.attachChannel('other', id);
    b.failNext(1, () => unavailable({ retryAfterSeconds: 20 }));
    const first = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'one' }, { roomId });
    await clock.advance(1000);
    const elsewhere = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'two' }, { roomId: 'other' });
    await clock.advance(18_000);
    expect({ b: b.texts, c: c.texts }).toEqual({ b: [], c: ['one'] });
    await clock.advance(2000);
    expect([...b.texts].sort()).toEqual(['one', 'two']);
    await Promise.all([first, elsewhere]);
    await kit.close();
  });

  it('keeps its lane: what comes later goes out later, other lanes go on', async () => {
    verifies('OUT-02', 'INV-09', 'INV-10', 'F23');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const c = new TestTransport('c');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    b.failNext(2);
    const calls = ['1', '2', '3'].map((content) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId }));
    await clock.advance(0);
    expect({ b: b.texts, c: c.texts }).toEqual({ b: [], c: ['1', '2', '3'] });
    await clock.advance(5000);
    await Promise.all(calls);
    expect(b.texts).toEqual(['1', '2', '3']);
    expect(b.indexes).toEqual([...b.indexes].sort((x, y) => x - y));
    await kit.close();
  });

  it('F23 slow_target_is_alone', async () => {
    verifies('F23', 'INB-21', 'OUT-02');
    const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 10 });
    const [b, c] = [new TestTransport('b'), new TestTransport('c')];
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    b.hangNext(4);
    const first = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'one' }, { roomId });
    await clock.advance(0);
    expect(c.texts).toEqual(['one']);
    const second = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'two' }, { roomId, wait: 'commit' });
    expect(second.blocked).toBe(false);
    await clock.advance(0);
    expect(c.texts).toEqual(['one', 'two']);
    await clock.advance(60_000);
    expect((await first).deliveryResults).toMatchObject({ c: { status: 'sent' } });
    expect(['queued', 'failed']).toContain((await first).deliveryResults['b']?.status);
    b.resume();
    await clock.advance(60_000);
    await kit.close();
  });

  it('that waits longer than its time is reported queued and goes on', async () => {
    verifies('INB-21', 'OUT-10');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.isReady = false;
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(31_000);
    expect((await call).deliveryResults['b']).toMatchObject({ status: 'queued', attempts: 0 });
    expect((await kit.listDeliveries({ roomId }))[0]).toMatchObject({ state: 'queued', attempts: 0 });
    b.isReady = true;
    await clock.advance(2000);
    expect(b.texts).toEqual(['x']);
    expect((await kit.listDeliveries({ roomId }))[0]).toMatchObject({ state: 'sent', attempts: 1 });
    await kit.close();
  });

  it('F19 recovery_before_transport_is_ready', async () => {
    verifies('F19', 'OUT-08', 'OUT-10');
    const store = new SurvivingStore();
    const first = makeKit({ store });
    const roomId = await openRoom(first.kit, [new TestTransport('a')]);
    first.kit.registerChannel(new TestTransport('b', { ready: () => false }));
    await first.kit.attachChannel(roomId, 'b');
    for (const content of ['1', '2']) void first.kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId, wait: 'commit' });
    await first.clock.advance(100);
    // The process dies here; another one finds the rows.
    const { kit, clock } = makeKit({ store });
    const b = new TestTransport('b');
    b.isReady = false;
    kit.registerChannel(new TestTransport('a'));
    kit.registerChannel(b);
    await clock.advance(20_000);
    expect((await kit.listDeliveries({ roomId })).map((row) => [row.state, row.attempts])).toEqual([
      ['queued', 0],
      ['queued', 0],
    ]);
    b.isReady = true;
    await clock.advance(2000);
    expect(b.texts).toEqual(['1', '2']);
    await kit.close();
  });

  it('F18 old_pending_rows_expire', async () => {
    verifies('F18', 'OUT-10');
    const store = new SurvivingStore();
    const first = makeKit({ store });
    const roomId = await openRoom(first.kit, [new TestTransport('a'), new TestTransport('b', { ready: () => false })]);
    for (let n = 0; n < 110; n++) await first.kit.processInbound({ channelId: 'a', senderId: 'u', content: `${n}` }, { roomId, wait: 'commit' });
    const { kit, clock } = makeKit({ store });
    clock.jump(15 * 3600 * 1000);
    const b = new TestTransport('b');
    kit.registerChannel(b);
    const failed: unknown[] = [];
    kit.on('delivery_failed', (event) => void failed.push(event.data['code']));
    await clock.advance(30_000);
    expect(b.attempts).toBe(0);
    expect(failed).toEqual(Array.from({ length: 110 }, () => 'expired'));
    expect(new Set((await kit.listDeliveries({ roomId })).map((row) => row.state))).toEqual(new Set(['expired']));
    await kit.close();
  });

  it('end when their time is over, however long their channel would make them wait', async () => {
    verifies('OUT-10');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const c = new TestTransport('c');
    b.isReady = false;
    c.failNext(5, () => new DeliveryError('rate_limited', 'Later.', { retryable: true, retryAfterSeconds: 7200 }));
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId, wait: 'commit' });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'y' }, { roomId, wait: 'commit' });
    await clock.advance(3_599_000);
    expect((await kit.listDeliveries({ roomId })).map((row) => row.state)).toEqual(['queued', 'queued', 'queued', 'queued']);
    const failed: unknown[] = [];
    kit.on('delivery_failed', (event) => void failed.push([event.channelId, event.data['code']]));
    const [, waiting] = await kit.listDeliveries({ roomId, channelId: 'b' });
    expect(await kit.cancelDelivery(waiting?.id ?? '')).toBe(true);
    await clock.advance(2000);
    const states = async (channelId: string) => (await kit.listDeliveries({ roomId, channelId })).map((row) => row.state);
    expect(await states('b')).toEqual(['expired', 'cancelled']);
    expect(await states('c')).toEqual(['expired', 'expired']);
    expect(b.attempts).toBe(0);
    expect(c.attempts).toBe(1);
    expect(failed.toSorted()).toEqual([
      ['b', 'expired'],
      ['c', 'expired'],
      ['c', 'expired'],
    ]);
    await kit.close();
  });

  it('keep the process alive as long as somebody waits for them, and no longer', async () => {
    verifies('CON-03', 'INB-21');
    /** Knows how many sleeps are under way: on a real clock, each keeps the process alive. */
    class CountingClock extends TestClock {
      sleeping = 0;
      override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
        this.sleeping++;
        await super.sleep(ms, signal).finally(() => this.sleeping--);
      }
    }
    const clock = new CountingClock();
    const store = new SurvivingStore();
    const { kit } = makeKit({ clock, store });
    const b = new TestTransport('b');
    b.failNext(1, () => new DeliveryError('rate_limited', 'Later.', { retryable: true, retryAfterSeconds: 25 }));
    b.failNext(9, () => new DeliveryError('rate_limited', 'Later.', { retryable: true, retryAfterSeconds: 600 }));
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const second = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'y' }, { roomId });
    await clock.advance(20_000);
    expect(clock.sleeping).toBe(1);
    await clock.advance(41_000);
    expect((await call).deliveryResults['b']?.status).toBe('queued');
    expect((await second).deliveryResults['b']?.status).toBe('queued');
    expect(clock.sleeping).toBe(0);
    // Nor does what an earlier process left.
    const another = new CountingClock(clock.now());
    const again = makeKit({ clock: another, store });
    const later = new TestTransport('b');
    later.isReady = false;
    again.kit.registerChannel(later);
    await another.advance(700_000);
    expect(another.sleeping).toBe(0);
    later.isReady = true;
    await another.advance(10_000);
    expect(later.texts).toEqual(['x', 'y']);
    await again.kit.close();
    const closing = kit.close();
    await clock.advance(20_000);
    await closing;
  });

  it('keep what the vendor reported before it answered', async () => {
    verifies('OUT-07');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b', { providerName: 'acme' });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.hangNext();
    void kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(10);
    await kit.processDeliveryStatus({ provider: 'acme', messageId: 'b-1', status: 'delivered', channelId: 'b' });
    b.resume();
    await clock.advance(10);
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'delivered', providerMessageId: 'b-1', attempts: 1 }]);
    await kit.close();
  });

  it('keep their order in a room whose commit takes long while thousands of others become active', async () => {
    verifies('OUT-02', 'INV-10');
    /** Commits to one room wait until they are let go. */
    class SlowStore extends InMemoryStore {
      waiting: (() => void)[] = [];
      slow = false;
      override commitEvent(...given: Parameters<InMemoryStore['commitEvent']>): ReturnType<InMemoryStore['commitEvent']> {
        if (!this.slow || given[0].event.roomId !== 'room') return super.commitEvent(...given);
        return new Promise((resolve, reject) => {
          this.waiting.push(() => void Promise.resolve(super.commitEvent(...given)).then(resolve, reject));
        }) as never; // the contract allows a promise; the store in memory never gives one
      }
    }
    const store = new SlowStore();
    const { kit, clock } = makeKit({ store });
    const b = new TestTransport('b', { durable: false });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    store.slow = true;
    const first = kit.processInbound({ channelId: 'a', senderId: 'u', content: '1' }, { roomId });
    await clock.advance(0);
    for (let n = 0; n < 17_000; n++) {
      await kit.createRoom({ roomId: `other-${n}` });
      await kit.attachChannel(`other-${n}`, 'a');
      await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId: `other-${n}` });
    }
    b.hangNext();
    store.slow = false;
    store.waiting.shift()?.();
    const second = kit.processInbound({ channelId: 'a', senderId: 'u', content: '2' }, { roomId });
    await clock.advance(10);
    expect(b.texts).toEqual([]);
    b.resume();
    await Promise.all([first, second]);
    expect(b.texts).toEqual(['1', '2']);
    await kit.close();
  });

  it('F17 crash_between_accept_and_mark', async () => {
    verifies('F17', 'OUT-09', 'FIG-15');
    const crashed = async (): Promise<{ store: SurvivingStore; roomId: string; row: OutboxRow }> => {
      const store = new SurvivingStore();
      const { kit, clock } = makeKit({ store });
      const b = new TestTransport('b', { providerName: 'acme' });
      const roomId = await openRoom(kit, [new TestTransport('a'), b]);
      b.hangNext();
      void kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
      await clock.advance(10);
      const [row] = store.listRows({ roomId });
      return { store, roomId, row: row as OutboxRow };
    };
    // A vendor that knows idempotency keys: the same key again.
    {
      const { store, row } = await crashed();
      expect(row.state).toBe('sending');
      const { kit, clock } = makeKit({ store });
      const b = new TestTransport('b', { supportsIdempotencyKey: true });
      kit.registerChannel(b);
      await clock.advance(1000);
      expect(b.heard.map((heard) => heard.idempotencyKey)).toEqual([row.idempotencyKey]);
      await kit.close();
    }
    // A vendor that can be asked: nothing is sent again.
    {
      const { store, roomId } = await crashed();
      const { kit, clock } = makeKit({ store });
      const b = new TestTransport('b', { lookupDelivery: async () => ({ providerMessageId: 'known' }) });
      kit.registerChannel(b);
      await clock.advance(1000);
      expect(b.attempts).toBe(0);
      expect((await kit.listDeliveries({ roomId }))[0]).toMatchObject({ state: 'sent', providerMessageId: 'known' });
      await kit.close();
    }
    // A callback within 30 s resolves it.
    {
      const { store, roomId } = await crashed();
      const { kit, clock } = makeKit({ store });
      const b = new TestTransport('b');
      kit.registerChannel(b);
      await clock.advance(5000);
      expect((await kit.listDeliveries({ roomId }))[0]?.state).toBe('unknown');
      await kit.processDeliveryStatus({ provider: 'acme', messageId: 'm-1', status: 'delivered', roomId });
      await clock.advance(60_000);
      expect(b.attempts).toBe(0);
      expect((await kit.listDeliveries({ roomId }))[0]).toMatchObject({ state: 'delivered', providerMessageId: 'm-1' });
      await kit.close();
    }
    // Nobody knows: at least once, or held.
    for (const [onUnknown, attempts, state] of [
      ['resend', 1, 'sent'],
      ['hold', 0, 'unknown'],
    ] as const) {
      const { store, roomId } = await crashed();
      const { kit, clock } = makeKit({ store, onUnknown });
      const b = new TestTransport('b');
      kit.registerChannel(b);
      const unknown: unknown[] = [];
      kit.on('delivery_unknown', (event) => void unknown.push(event.channelId));
      await clock.advance(60_000);
      expect({ attempts: b.attempts, state: (await kit.listDeliveries({ roomId }))[0]?.state }).toEqual({ attempts, state });
      expect(unknown.length > 0).toBe(onUnknown === 'hold');
      await kit.close();
    }
  });

  it('F03 failure_after_commit_is_not_reprocessed', async () => {
    verifies('F03', 'OUT-08', 'INB-08', 'OUT-14');
    const store = new SurvivingStore();
    const first = makeKit({ store });
    const roomId = await openRoom(first.kit, [
      new TestTransport('a'),
      new TestTransport('b', { ready: () => false }),
      new TestAgent('bot', () => undefined),
    ]);
    const message = { channelId: 'a', senderId: 'u', content: 'x', idempotencyKey: 'k' };
    const before = await first.kit.processInbound(message, { roomId, wait: 'commit' });
    const { kit, clock } = makeKit({ store });
    const b = new TestTransport('b');
    const bot = new TestAgent('bot', () => undefined);
    for (const channel of [new TestTransport('a'), b, bot]) kit.registerChannel(channel);
    const again = await kit.processInbound(message, { roomId });
    expect(again).toMatchObject({ duplicate: true, event: { id: before.event?.id } });
    await clock.advance(10_000);
    expect(b.texts).toEqual(['x']);
    expect(messagesOf(await gapless(kit, roomId))).toHaveLength(1);
    await kit.close();
  });

  it('F27a breaker_probe_lost', async () => {
    verifies('F27a', 'RES-01', 'FIG-09', 'F21');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    await kit.attachChannel(roomId, 'b', { retryPolicy: null });
    const states: string[] = [];
    kit.on('circuit_breaker_opened', () => void states.push('opened'));
    kit.on('circuit_breaker_closed', () => void states.push('closed'));
    b.failNext(5);
    for (let n = 0; n < 5; n++) await kit.processInbound({ channelId: 'a', senderId: 'u', content: `${n}` }, { roomId });
    expect(b.attempts).toBe(5);
    const sixth = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'sixth' }, { roomId });
    const seventh = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'seventh' }, { roomId });
    await clock.advance(59_000);
    expect(b.attempts).toBe(5);
    expect((await sixth).deliveryResults['b']).toMatchObject({ status: 'queued' });
    // The probe is cancelled: the row it was for is gone. The next one probes again.
    const rows = await kit.listDeliveries({ roomId, state: 'queued' });
    expect(rows).toHaveLength(2);
    expect(await kit.cancelDelivery(rows[0]?.id ?? '')).toBe(true);
    await clock.advance(2000);
    expect(b.texts).toEqual(['seventh']);
    await seventh;
    await clock.advance(0);
    expect(states).toEqual(['opened', 'closed']);
    await kit.close();
  });

  it('F27b slow_rates', async () => {
    verifies('F27b', 'RES-02');
    const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 1 });
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    await kit.attachChannel(roomId, 'b', { rateLimit: { maxPerMinute: 30 } });
    for (let n = 0; n < 4; n++) await kit.processInbound({ channelId: 'a', senderId: 'u', content: `${n}` }, { roomId, wait: 'commit' });
    await clock.advance(100);
    expect(b.texts).toEqual(['0']);
    await clock.advance(2000);
    expect(b.texts).toEqual(['0', '1']);
    await clock.advance(4000);
    expect(b.texts).toEqual(['0', '1', '2', '3']);
    await kit.close();
  });

  it('F27b slow_rates: each window by itself, all together, and for this channel in this room', async () => {
    verifies('F27b', 'RES-02');
    const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 1 });
    const [b, c] = [new TestTransport('b'), new TestTransport('c')];
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    await kit.createRoom({ roomId: 'other' });
    for (const id of ['a', 'b']) await kit.attachChannel('other', id);
    const rateLimit = { maxPerSecond: 1, maxPerMinute: 30, maxPerHour: 100 };
    for (const id of [roomId, 'other']) await kit.attachChannel(id, 'b', { rateLimit });
    const say = (content: string, to: string) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId: to, wait: 'commit' });
    for (const content of ['1', '2', '3']) await say(content, roomId);
    for (const content of ['one', 'two']) await say(content, 'other');
    await clock.advance(1000);
    expect({ b: b.texts, c: c.texts }).toEqual({ b: ['1', 'one'], c: ['1', '2', '3'] });
    // The slowest window, one in 36 seconds, holds; a minute's or a second's token changes nothing.
    await clock.advance(34_900);
    expect(b.texts).toEqual(['1', 'one']);
    await clock.advance(200);
    expect([...b.texts].sort()).toEqual(['1', '2', 'one', 'two']);
    await clock.advance(36_000);
    expect(b.texts.filter((text) => /\d/.test(text))).toEqual(['1', '2', '3']);
    await kit.close();
  });

  it('tells at once what the rate makes wait for long, never sends it late, and never to a channel that has left', async () => {
    verifies('RES-02', 'OUT-10', 'OUT-13', 'INB-21');
    const { kit, clock } = makeKit({ outboxTtlSeconds: 600 });
    const [b, c] = [new TestTransport('b'), new TestTransport('c')];
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    await kit.attachChannel(roomId, 'b', { rateLimit: { maxPerHour: 1 } });
    await kit.attachChannel(roomId, 'c', { rateLimit: { maxPerMinute: 1 } });
    const failed: unknown[] = [];
    kit.on('delivery_failed', ({ channelId, data }) => void failed.push([channelId, data['code']]));
    const say = (content: string) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
    const statuses = async (content: string) =>
      Object.values((await say(content)).deliveryResults ?? {}).map((one) => `${one.channelId} ${one.status}`);
    expect(await statuses('1')).toEqual(['b sent', 'c sent']);
    expect(await statuses('2')).toEqual(['b queued', 'c queued']); // the clock has not moved
    expect(await statuses('3')).toEqual(['b queued', 'c queued']); // nor for what waits behind it
    await kit.detachChannel(roomId, 'c');
    await clock.advance(3_600_000);
    expect({ b: b.texts, c: c.texts }).toEqual({ b: ['1'], c: ['1'] });
    expect(failed).toEqual([
      ['b', 'expired'],
      ['b', 'expired'],
    ]);
    expect(kit.stats()).toMatchObject({ lanes: 0, queued: 0 });
    await kit.close();
  });

  it('holds no closing kit up while it waits for long, and goes on after the restart', async () => {
    verifies('KIT-03', 'OUT-08', 'RES-02');
    const store = new SurvivingStore();
    const { kit, clock } = makeKit({ store });
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    await kit.attachChannel(roomId, 'b', { rateLimit: { maxPerHour: 1 } });
    for (const content of ['1', '2', '3']) await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
    const closing = kit.close();
    await clock.advance(0); // and not drainSeconds
    await closing;
    expect(clock.pendingTimers).toBe(0);
    const another = new TestClock(clock.now());
    const again = makeKit({ clock: another, store });
    const later = new TestTransport('b');
    again.kit.registerChannel(later);
    await another.advance(3_700_000);
    expect(later.texts).toEqual(['2', '3']);
    const ending = again.kit.close();
    await another.advance(0);
    await ending;
  });

  it("keeps to the channel's own limit in all its rooms together, and to the binding's beside it", async () => {
    verifies('RES-02');
    const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 1 });
    const b = new TestTransport('b', { rateLimit: { maxPerSecond: 1 } });
    kit.registerChannel(new TestTransport('a'));
    kit.registerChannel(b);
    for (const roomId of ['one', 'two', 'slow']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'a');
      await kit.attachChannel(roomId, 'b', roomId === 'slow' ? { rateLimit: { maxPerMinute: 2 } } : {});
    }
    const say = (roomId: string, content: string) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId, wait: 'commit' });
    await say('one', '1');
    await say('two', '2');
    await say('one', '3');
    await clock.advance(500);
    expect(b.texts).toEqual(['1']);
    await clock.advance(1000);
    expect(b.texts).toEqual(['1', '2']);
    await clock.advance(10_000);
    expect(b.texts).toEqual(['1', '2', '3']);
    await say('slow', '4');
    await say('slow', '5');
    await clock.advance(10_000);
    expect(b.texts).toEqual(['1', '2', '3', '4']);
    await clock.advance(25_000);
    expect(b.texts).toEqual(['1', '2', '3', '4', '5']);
    expect(() => kit.registerChannel(new TestTransport('c', { rateLimit: { maxPerSecond: 0 } }))).toThrow(/rateLimit.maxPerSecond is 0/);
    await kit.close();
  });

  it('to a detached channel is cancelled, a closed room keeps its own', async () => {
    verifies('OUT-13');
    const { kit, clock } = makeKit();
    const [b, c] = [new TestTransport('b'), new TestTransport('c')];
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c]);
    b.isReady = c.isReady = false;
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId, wait: 'commit' });
    await kit.detachChannel(roomId, 'b');
    await kit.closeRoom(roomId);
    b.isReady = c.isReady = true;
    await clock.advance(3000);
    expect({ b: b.texts, c: c.texts }).toEqual({ b: [], c: ['x'] });
    const states = Object.fromEntries((await kit.listDeliveries({ roomId })).map((row) => [row.channelId, row.state]));
    expect(states).toEqual({ b: 'cancelled', c: 'sent' });
    await kit.close();
  });

  it('can be made again by hand, or given up', async () => {
    verifies('OUT-06');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.failNext(1, () => new DeliveryError('refused', 'no', { retryable: false }));
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const [row] = await kit.listDeliveries({ roomId, state: 'failed' });
    expect(await kit.redeliver(row?.id ?? '')).toBe(true);
    await clock.advance(1000);
    expect(b.texts).toEqual(['x']);
    expect(await kit.redeliver(row?.id ?? '')).toBe(false);
    expect(await kit.cancelDelivery(row?.id ?? '')).toBe(false);
    await kit.close();
  });

  it('F25 late_and_repeated_status', async () => {
    verifies('F25', 'OUT-07', 'WHK-01', 'WHK-02', 'HK-17');
    const { kit } = makeKit();
    const b = new TestTransport('b', { providerName: 'acme' });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const steps: string[] = [];
    kit.onDeliveryStatus((status) => void steps.push(`${status.status} ${status.channelId}`));
    const status = (state: 'delivered' | 'sent' | 'read' | 'failed', messageId = 'b-1') =>
      kit.processWebhook({ type: 'status', status: { provider: 'acme', messageId, status: state } }, 'b');
    for (const state of ['delivered', 'sent', 'delivered', 'failed'] as const) await status(state);
    await status('read', 'unknown-id');
    await kit.processWebhook({ type: 'ignored' }, 'b');
    expect((await kit.listDeliveries({ roomId }))[0]?.state).toBe('delivered');
    await status('read');
    expect(steps).toEqual(['delivered b', 'read b']);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'y' }, { roomId });
    await status('failed', 'b-2');
    await status('delivered', 'b-2');
    expect((await kit.listDeliveries({ roomId })).map((row) => row.state)).toEqual(['read', 'delivered']);
    await kit.close();
  });

  it('whose content nothing can carry fails without calling the vendor', async () => {
    verifies('OUT-04', 'TRC-04');
    const { kit } = makeKit({
      transcoder: {
        transcode: (content) => {
          if (content.type === 'rich') throw new Error('cannot');
          return content.type === 'media' ? null : content;
        },
      },
    });
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    for (const content of [
      { type: 'media', url: 'https://x/y.png', mimeType: 'image/png' },
      { type: 'rich', body: 'x' },
    ] as const) {
      expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId })).deliveryResults['b']).toMatchObject({
        status: 'failed',
        error: { code: 'transcoding_failed' },
      });
    }
    expect(b.attempts).toBe(0);
    await kit.close();
  });

  it('with nothing to send with is skipped', async () => {
    verifies('OUT-11');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b', { deliver: async () => ({ skipped: true }) });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const skipped: unknown[] = [];
    kit.on('delivery_skipped', (event) => void skipped.push(event.channelId));
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(0);
    expect(result.deliveryResults['b']).toMatchObject({ status: 'skipped', attempts: 0 });
    expect((await kit.listDeliveries({ roomId }))[0]?.state).toBe('cancelled');
    expect(skipped).toEqual(['b']);
    await kit.close();
  });

  it('of a store that does not survive lives in memory and nothing else differs', async () => {
    verifies('OUT-12');
    const { kit } = makeKit();
    expect(kit.store.persistent).toBe(false);
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect((await kit.listDeliveries({ roomId })).map((row) => row.state)).toEqual(['sent']);
    await kit.close();
  });

  it('of split text sends its parts in order and resumes after a failure', async () => {
    verifies('F26', 'TRC-03');
    const { kit, clock } = makeKit();
    const sent: string[] = [];
    let fail = 1;
    const b = new TestTransport('b', {
      capabilities: { mediaTypes: ['text'], maxLength: 10, overflow: 'split' },
      deliver: async (_event, _binding, _context, options) => {
        const parts = options.parts ?? [];
        for (let part = options.partsSent; part < parts.length; part++) {
          if (part === 1 && fail-- > 0) throw unavailable();
          sent.push(parts[part] ?? '');
          await options.markPartsSent?.(part + 1);
        }
      },
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'one two three four five' }, { roomId });
    await clock.advance(5000);
    expect((await call).deliveryResults['b']).toMatchObject({ status: 'sent', attempts: 2 });
    expect(sent).toEqual(['one two', 'three four', 'five']);
    await kit.close();
  });

  it('F26 limits', async () => {
    verifies('F26', 'TRC-03', 'FIG-05');
    const { kit } = makeKit();
    const b = new TestTransport('b', { capabilities: { mediaTypes: ['text'], maxLength: 10 } });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    for (const content of ['abcdefghijklmnopqrstuvwxyz', '👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 'short'])
      await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
    expect(b.texts).toEqual(['abcdefg...', '...', 'short']);
    await kit.close();
  });
});

describe('a live delivery', () => {
  it('has no row, is made in order, and its outcome is recorded behind', async () => {
    verifies('OUT-15', 'INV-10');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b', { durable: false, channelType: 'websocket' });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.hangNext();
    const calls = ['1', '2', '3'].map((content) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId }));
    await clock.advance(0);
    expect(b.texts).toEqual([]);
    b.resume();
    await clock.advance(0);
    const [first] = await Promise.all(calls);
    expect(b.texts).toEqual(['1', '2', '3']);
    expect(await kit.listDeliveries({ roomId })).toEqual([]);
    await clock.advance(100);
    expect((await kit.getEvent(roomId, first?.event?.id ?? ''))?.deliveryResults).toMatchObject({ b: { status: 'sent' } });
    await kit.close();
  });

  it('is tried once, unless a policy says otherwise', async () => {
    verifies('OUT-05', 'OUT-15');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b', { durable: false });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.failNext(1);
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId })).deliveryResults['b']).toMatchObject({
      status: 'failed',
      attempts: 1,
    });
    await kit.attachChannel(roomId, 'b', { retryPolicy: { maxRetries: 2 } });
    b.failNext(1);
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'y' }, { roomId });
    await clock.advance(2000);
    expect((await call).deliveryResults['b']).toMatchObject({ status: 'sent', attempts: 2 });
    await kit.close();
  });

  it('that hangs is timed out and frees its lane', async () => {
    verifies('RES-04', 'INB-21', 'CON-08');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b', { durable: false });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    b.hangNext();
    const slow = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'slow' }, { roomId });
    await clock.advance(30_000);
    expect((await slow).deliveryResults['b']).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'next' }, { roomId })).deliveryResults['b']).toMatchObject({
      status: 'sent',
    });
    b.resume();
    await clock.advance(0);
    await kit.close();
  });
});

describe('planning', () => {
  it('leaves work for a channel that another process has', async () => {
    verifies('BC-01', 'OUT-10');
    const warnings: string[] = [];
    const { kit, clock } = makeKit({
      logger: { debug: () => undefined, info: () => undefined, warn: (message) => void warnings.push(message), error: () => undefined },
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
    await kit.unregisterChannel('b');
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(result.deliveryResults['b']).toMatchObject({ status: 'queued' });
    expect(warnings.some((message) => message.includes('not registered'))).toBe(true);
    const b = new TestTransport('b');
    kit.registerChannel(b);
    await kit.recover();
    await clock.advance(1000);
    expect(b.texts).toEqual(['x']);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['x']);
    await kit.close();
  });
});
