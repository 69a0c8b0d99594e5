/** Locks that are leases, where a server is asked for them: many rooms at once, and answers that come too late. */
import { expect, it } from 'vitest';
import { TestClock } from '../../testing/index.js';
import { verifies } from '../../../test/requirements.js';
import { silentLogger } from '../index.js';
import { LeasedLocks } from './leased-locks.js';

it('is no leak: nobody is warned when twenty rooms are waited for', async () => {
  verifies('LOCK-04');
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const backend = { take: () => Promise.resolve({ askAgainInMs: 60_000 }), renew: () => Promise.resolve(true), release: () => Promise.resolve() };
    const locks = new LeasedLocks(backend, { clock: new TestClock(), logger: silentLogger });
    const waiting = Array.from({ length: 20 }, (_, n) => locks.acquire(`room-${n}`).catch((error: unknown) => error));
    await new Promise((resolve) => setImmediate(resolve));
    await locks.close();
    for (const refused of await Promise.all(waiting)) expect(String(refused)).toContain('The lock manager is closed.');
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', onWarning);
  }
});

it('is nobody’s lock when it comes later than its lease lasts: somebody else may have the room by then', async () => {
  verifies('LOCK-03', 'LOCK-04');
  const clock = new TestClock();
  const given: number[] = [];
  const returned: number[] = [];
  const backend = {
    take: async () => {
      if (given.push(given.length + 1) === 1) await clock.sleep(15_000);
      return { token: given.length };
    },
    renew: () => Promise.resolve(true),
    release: (_roomId: string, token: number) => Promise.resolve(void returned.push(token)),
  };
  const locks = new LeasedLocks(backend, { clock, logger: silentLogger, leaseSeconds: 10 });
  const acquiring = locks.acquire('room');
  await clock.advance(16_000);
  const lease = await acquiring;
  expect([lease.token, returned]).toEqual([2, [1]]);
  await lease.release();
  await locks.close();
});
