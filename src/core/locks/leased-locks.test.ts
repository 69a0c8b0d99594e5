/** Many rooms are waited for at once. */
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
