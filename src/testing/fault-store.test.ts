import { describe, expect, it } from 'vitest';
import { SystemClock } from '../core/clock.js';
import { InMemoryStore } from '../core/store/in-memory.js';
import type { Room } from '../core/models/room.js';
import { FaultStore } from './fault-store.js';
import { TestClock } from './test-clock.js';

function room(id: string): Room {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id,
    status: 'active',
    createdAt: at,
    updatedAt: at,
    timers: {},
    metadata: {},
    agentResponsePolicy: 'agent_chain',
    eventCount: 0,
    latestIndex: -1,
    version: 0,
  };
}

const isSettled = async (call: unknown): Promise<boolean> => (await Promise.race([call, Promise.resolve('pending')])) !== 'pending';

describe('FaultStore', () => {
  it('is the store it wraps as long as nothing is planned: same answers, at once where they come at once', () => {
    const inner = new InMemoryStore();
    const store = new FaultStore(inner);
    expect(store).toMatchObject({ name: 'memory', persistent: false, shared: false });
    expect(store.createRoom(room('r'))).toMatchObject({ id: 'r' });
    expect(store.getRoom('r')).toEqual(inner.getRoom('r'));
    expect(store.searchEvents).toBeUndefined();
    expect([store.calls('getRoom'), store.calls()]).toEqual([1, 2]);
  });

  it('has every method of the store it wraps', () => {
    const inner = new InMemoryStore();
    const names = Object.getOwnPropertyNames(InMemoryStore.prototype).concat(Object.keys(inner));
    const methods = names.filter((name) => name !== 'constructor' && typeof inner[name as keyof InMemoryStore] === 'function');
    expect(methods.length).toBeGreaterThan(40);
    const store = new FaultStore(inner);
    for (const name of methods) expect(store[name as keyof FaultStore], name).toBeTypeOf('function');
  });

  it('fails the nth call, so many times, before it has an effect', async () => {
    const store = new FaultStore();
    store.fail('createRoom', { nth: 2, times: 2 });
    await store.createRoom(room('1'));
    await expect(store.createRoom(room('2'))).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    await expect(store.createRoom(room('3'))).rejects.toThrow();
    await store.createRoom(room('4'));
    expect((await store.findRooms({})).map(({ id }) => id).sort()).toEqual(['1', '4']);
  });

  it('fails after the effect: it is stored, and nobody is told', async () => {
    const store = new FaultStore();
    const error = new Error('The connection was lost.');
    store.fail('createRoom', { when: 'after', error });
    await expect(store.createRoom(room('1'))).rejects.toBe(error);
    expect(store.getRoom('1')).toMatchObject({ id: '1' });
  });

  it('throws at once when told so', () => {
    const store = new FaultStore();
    store.fail('getRoom', { throws: true });
    store.fail('createRoom', { throws: true, when: 'after' });
    expect(() => store.getRoom('1')).toThrow('told to fail');
    expect(() => store.createRoom(room('1'))).toThrow('told to fail');
    expect(store.getRoom('1')).toMatchObject({ id: '1' });
  });

  it('delays on the clock it is given, before or after the effect', async () => {
    const clock = new TestClock();
    const store = new FaultStore(new InMemoryStore(), { clock });
    store.delay('createRoom', 1000);
    store.delay('createRoom', 1000, { when: 'after', nth: 2 });
    const before = store.createRoom(room('1'));
    const after = store.createRoom(room('2'));
    await clock.advance(999);
    expect([store.getRoom('1'), store.getRoom('2')]).toMatchObject([null, { id: '2' }]);
    expect([await isSettled(before), await isSettled(after)]).toEqual([false, false]);
    await clock.advance(1);
    expect([await isSettled(before), await isSettled(after)]).toEqual([true, true]);
    expect(new FaultStore(new InMemoryStore(), { clock: new SystemClock() }).hanging).toBe(0);
  });

  it('hangs until it is resumed', async () => {
    const store = new FaultStore();
    store.hang('createRoom');
    const call = store.createRoom(room('1'));
    await Promise.resolve();
    expect([store.hanging, await isSettled(call), store.getRoom('1')]).toEqual([1, false, null]);
    store.resume();
    expect(await call).toMatchObject({ id: '1' });
    expect(store.hanging).toBe(0);
  });

  it('crashes: nothing is answered any more, and nothing reaches the inner store', async () => {
    const inner = new InMemoryStore();
    const store = new FaultStore(inner);
    store.crash('*', { nth: 2, when: 'after' });
    await store.createRoom(room('1'));
    const calls = [store.createRoom(room('2')), store.createRoom(room('3')), store.close()];
    for (let n = 0; n < 10; n++) await Promise.resolve();
    expect(store.crashed).toBe(true);
    for (const call of calls) expect(await isSettled(call)).toBe(false);
    expect([inner.getRoom('2'), inner.getRoom('3')]).toMatchObject([{ id: '2' }, null]);
  });

  it('forgets what is planned when it is cleared, and refuses plans that make no sense', () => {
    const store = new FaultStore();
    store.fail('getRoom', { throws: true });
    store.clear();
    expect(store.getRoom('1')).toBeNull();
    expect(() => store.fail('getRoom', { nth: 0 })).toThrow('nth 0');
    expect(() => store.fail('getRoom', { times: 0 })).toThrow('times 0');
    expect(() => store.delay('getRoom', -1)).toThrow('-1 ms');
  });

  it('can stand for a store that survives its kit', async () => {
    const inner = new InMemoryStore();
    const store = new FaultStore(inner, { persistent: true, shared: true, ownsStore: false });
    let closed = 0;
    inner.close = () => void closed++;
    expect([store.persistent, store.shared]).toEqual([true, true]);
    await store.close();
    expect(closed).toBe(0);
    await new FaultStore(inner).close();
    expect(closed).toBe(1);
  });
});
