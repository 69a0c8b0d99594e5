/** Deliveries while their store, their vendor or their channel is in trouble: nothing lost, nothing doubled, nothing stuck. */
import { describe, expect, it } from 'vitest';
import { DeliveryError, InMemoryStore } from '../../src/core/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { makeKit, openRoom, TestTransport, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('a breaker shared by several rooms', () => {
  it('lets one probe pass while the lanes of the other rooms wait for what it finds', async () => {
    verifies('RES-01', 'FIG-09');
    const { kit, clock } = makeKit();
    const vendor = new TestTransport('vendor');
    const web = new TestTransport('web');
    const rooms = ['r1', 'r2', 'r3'];
    for (const channel of [web, vendor]) kit.registerChannel(channel);
    for (const roomId of rooms) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
      await kit.attachChannel(roomId, 'vendor', { retryPolicy: { maxRetries: 20, baseDelaySeconds: 0.1, exponentialBase: 1 } });
    }
    vendor.failNext(5, () => new DeliveryError('unavailable', 'down', { retryable: true }));
    for (const roomId of rooms) void kit.processInbound({ channelId: 'web', senderId: 'u', content: roomId }, { roomId });
    await clock.advance(1000);
    expect(vendor.attempts).toBe(5);
    vendor.hangNext();
    await clock.advance(60_000);
    expect(vendor.attempts).toBe(6); // the probe
    await clock.advance(10_000);
    expect(vendor.attempts).toBe(6);
    vendor.resume();
    await clock.advance(2000);
    expect(vendor.texts.toSorted()).toEqual(rooms);
    await kit.close();
  });
});

describe('a store that fails', () => {
  async function faulty(): Promise<
    Harness & { store: FaultStore; vendor: TestTransport; roomId: string; say: (content: string) => Promise<unknown> }
  > {
    const clock = new TestClock();
    const store = new FaultStore(undefined, { clock });
    const { kit } = makeKit({ clock, store });
    const vendor = new TestTransport('vendor');
    const roomId = await openRoom(kit, [new TestTransport('web'), vendor]);
    return { kit, clock, store, vendor, roomId, say: (content) => kit.processInbound({ channelId: 'web', senderId: 'u', content }, { roomId }) };
  }

  it.each(['before', 'after'] as const)('%s it records what a vendor took makes nobody send it again', async (when) => {
    verifies('OUT-03', 'OUT-14', 'RES-01');
    const { kit, clock, store, vendor, roomId, say } = await faulty();
    store.fail('updateRow', { times: 7, when });
    const calls = [say('one'), say('two'), say('three')];
    await clock.advance(20_000);
    expect(await Promise.all(calls)).toMatchObject([1, 2, 3].map(() => ({ deliveryResults: { vendor: { status: 'sent', attempts: 1 } } })));
    expect(vendor.texts).toEqual(['one', 'two', 'three']);
    expect((await kit.listDeliveries({ roomId })).map((row) => [row.state, row.attempts])).toEqual([1, 2, 3].map(() => ['sent', 1]));
    expect(kit.stats().breakers['vendor']).toBe('closed');
    await kit.close();
  });

  it('keeps what comes later waiting until the failure of what came before is on record', async () => {
    verifies('OUT-02', 'INV-10');
    const { kit, clock, store, vendor, roomId, say } = await faulty();
    vendor.failNext(1, () => new DeliveryError('invalid_number', 'no such number', { retryable: false }));
    store.fail('updateRow', { times: 3 });
    void say('one');
    void say('two');
    await clock.advance(200);
    expect(vendor.texts).toEqual([]);
    await clock.advance(5000);
    expect(vendor.texts).toEqual(['two']);
    expect((await kit.listDeliveries({ roomId })).map((row) => row.state)).toEqual(['failed', 'sent']);
    await kit.close();
  });

  it('for good is told once the caller has waited long enough, and ends with the kit', async () => {
    verifies('INB-21', 'INV-11');
    const { kit, clock, store, vendor, say } = await faulty();
    store.fail('updateRow', { times: Infinity });
    const call = say('one');
    await clock.advance(31_000);
    expect(await call).toMatchObject({ deliveryResults: { vendor: { status: 'queued' } } });
    expect(vendor.texts).toEqual(['one']);
    const closing = kit.close();
    await clock.advance(20_000);
    await closing;
    expect([kit.stats().tasks, clock.pendingTimers]).toEqual([0, 0]);
  });
});

describe('a transport that hangs', () => {
  it.each([true, false])(
    'over an event it is told of (durable: %s) keeps its caller no longer than a delivery may take, and still gets the event',
    async (durable) => {
      verifies('INB-21', 'BC-02');
      const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 10 });
      const vendor = new TestTransport('vendor', { durable, onEvent: () => new Promise(() => undefined) });
      const roomId = await openRoom(kit, [new TestTransport('web'), vendor]);
      const call = kit.processInbound({ channelId: 'web', senderId: 'u', content: 'x' }, { roomId });
      await clock.advance(11_000);
      expect((await call).deliveryResults['vendor']?.status).toBe(durable ? 'queued' : 'sent');
      await clock.advance(10_000);
      expect(vendor.texts).toEqual(['x']);
      await kit.close();
    },
  );

  it('in every attempt is reported queued after the first, however many it has', async () => {
    verifies('INB-21');
    const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 10 });
    const vendor = new TestTransport('vendor');
    const roomId = await openRoom(kit, [new TestTransport('web'), vendor]);
    vendor.hangNext(10);
    const call = kit.processInbound({ channelId: 'web', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(10_500);
    expect((await call).deliveryResults['vendor']).toMatchObject({ status: 'queued' });
    await clock.advance(60_000);
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'failed', attempts: 4 }]);
    await kit.close();
  });

  it('while its channel is shown out is not tried again', async () => {
    verifies('OUT-13');
    const { kit, clock } = makeKit({ deliveryTimeoutSeconds: 10 });
    const vendor = new TestTransport('vendor');
    const roomId = await openRoom(kit, [new TestTransport('web'), vendor]);
    vendor.hangNext();
    const call = kit.processInbound({ channelId: 'web', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(5000);
    await kit.detachChannel(roomId, 'vendor');
    await clock.advance(60_000);
    await call;
    expect(vendor.attempts).toBe(1);
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'cancelled' }]);
    await kit.close();
  });
});

describe('a vendor that is asked what became of a delivery', () => {
  it('and hangs is asked no longer than a delivery may take', async () => {
    verifies('OUT-09');
    const inner = new InMemoryStore();
    const open = (options: object): Harness & { vendor: TestTransport } => {
      const clock = new TestClock();
      const { kit } = makeKit({ clock, store: new FaultStore(inner, { clock, persistent: true, ownsStore: false }) });
      return { kit, clock, vendor: new TestTransport('vendor', options) };
    };
    const first = open({});
    const roomId = await openRoom(first.kit, [new TestTransport('web'), first.vendor]);
    first.vendor.hangNext();
    void first.kit.processInbound({ channelId: 'web', senderId: 'u', content: 'x' }, { roomId });
    await first.clock.advance(10);
    (first.kit.store as FaultStore).crash('*');

    const signals: AbortSignal[] = [];
    const { kit, clock, vendor } = open({
      lookupDelivery: (_key: string, signal: AbortSignal) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    kit.registerChannel(vendor);
    await clock.advance(31_000);
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    await clock.advance(31_000);
    expect(vendor.texts).toEqual(['x']);
    await kit.close();
  });
});

describe('many deliveries at a time', () => {
  it('are no leak, and Node does not take them for one', async () => {
    verifies('INV-11');
    const warnings: unknown[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', onWarning);
    const { kit, clock } = makeKit();
    const vendors = Array.from({ length: 30 }, (_, n) => new TestTransport(`vendor-${n}`));
    const roomId = await openRoom(kit, [new TestTransport('web'), ...vendors]);
    for (const vendor of vendors) vendor.hangNext();
    const call = kit.processInbound({ channelId: 'web', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(10);
    for (const vendor of vendors) vendor.resume();
    await call;
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    await kit.close();
  });
});
