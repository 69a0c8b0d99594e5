/** How often a process writes that it is still there (OUT-08). */
import { expect, it } from 'vitest';
import { InMemoryLockManager, RoomKit, silentLogger } from '../../src/index.js';
import { FaultStore, TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';

it('leases are renewed four times in their time and not with every look for work, and at once again when that failed', async () => {
  verifies('OUT-08', 'STO-16');
  const clock = new TestClock();
  const store = new FaultStore(undefined, { clock, shared: true, persistent: true });
  await using kit = new RoomKit({ store, clock, logger: silentLogger, lockManager: new InMemoryLockManager(), leaseSeconds: 40 });
  await kit.createRoom({ roomId: 'room' });
  await clock.advance(1_000);
  const [renewals, looks] = [store.calls('renewLeases'), store.calls('claimDue')];
  expect(renewals).toBe(1);
  await clock.advance(40_000);
  expect(store.calls('renewLeases') - renewals).toBe(4);
  expect(store.calls('claimDue') - looks).toBe(40);
  store.fail('renewLeases');
  await clock.advance(12_000);
  expect(store.calls('renewLeases') - renewals).toBe(6);
});
