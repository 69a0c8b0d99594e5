import { describe, expect, it } from 'vitest';
import { FaultLockManager } from './fault-lock-manager.js';
import { TestClock } from './test-clock.js';

const isSettled = async (call: unknown): Promise<boolean> => (await Promise.race([call, Promise.resolve('pending')])) !== 'pending';
const soon = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await Promise.resolve();
};

describe('FaultLockManager', () => {
  it('is the manager it wraps as long as nothing is planned', async () => {
    const locks = new FaultLockManager();
    const first = await locks.acquire('r');
    const second = locks.acquire('r');
    await soon();
    expect([locks.distributed, first.token, await isSettled(second)]).toEqual([false, undefined, false]);
    await first.release();
    await first.release();
    await (await second).release();
    expect([locks.calls('acquire'), locks.calls('release'), locks.calls()]).toEqual([2, 2, 4]);
  });

  it('fails, delays and hangs', async () => {
    const clock = new TestClock();
    const locks = new FaultLockManager(undefined, { clock });
    locks.fail('acquire');
    await expect(locks.acquire('r')).rejects.toMatchObject({ code: 'lock_unavailable' });
    locks.delay('acquire', 500);
    const slow = locks.acquire('r');
    await clock.advance(499);
    expect(await isSettled(slow)).toBe(false);
    await clock.advance(1);
    locks.hang('release');
    const releasing = (await slow).release();
    await soon();
    const next = locks.acquire('r');
    expect(await isSettled(next)).toBe(false);
    locks.resume();
    await releasing;
    await (await next).release();
  });

  it('frees what was taken although its taker was told that it failed', async () => {
    const locks = new FaultLockManager();
    locks.fail('acquire', { when: 'after' });
    await expect(locks.acquire('r')).rejects.toThrow();
    await soon();
    await (await locks.acquire('r')).release();
  });

  it('loses a lease: its signal aborts, the next holder is let in with a higher token', async () => {
    const locks = new FaultLockManager(undefined, { fencing: true, distributed: true });
    expect([locks.distributed, await locks.lose('r')]).toEqual([true, false]);
    const first = await locks.acquire('r');
    const second = locks.acquire('r');
    expect(await locks.lose('r')).toBe(true);
    expect(first.signal?.aborted).toBe(true);
    const now = await second;
    expect([first.token, now.token]).toEqual([1, 2]);
    await first.release(); // does nothing: it is not its lock any more
    const third = locks.acquire('r');
    await soon();
    expect(await isSettled(third)).toBe(false);
    await now.release();
    expect((await third).token).toBe(3);
  });

  it('crashes: nobody is answered any more', async () => {
    const locks = new FaultLockManager();
    locks.crash('acquire', { when: 'after' });
    const call = locks.acquire('r');
    await soon();
    expect([await isSettled(call), await isSettled(locks.acquire('other'))]).toEqual([false, false]);
    locks.clear();
  });
});
