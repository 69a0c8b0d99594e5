/** The contracts of store, lock and realtime on a real PostgreSQL server. */
import { describe, it } from 'vitest';
import { silentLogger } from '../../src/core/index.js';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from '../../src/providers/postgres/index.js';
import { lockContract, realtimeContract, storeContract, type LockSetup, type RealtimeSetup } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();
const open = (): Promise<PostgresStore> => PostgresStore.open({ url: server.url, schema: server.schema(), pool: { min: 0, max: 4 } });

describe('the contract of storage on PostgreSQL', () => {
  it.each(storeContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('STO-08', 'STO-11', ...one.rules);
    await one.run(open);
  });
});

describe('the contract of the lock on PostgreSQL', () => {
  const openLocks = async (): Promise<LockSetup> => {
    const options = { url: server.url, schema: server.schema(), pool: { min: 0, max: 4 }, leaseSeconds: 0.3, logger: silentLogger };
    return {
      locks: await PostgresLockManager.open(options),
      another: () => PostgresLockManager.open(options),
      lose: async (roomId) =>
        void (await server.query(`UPDATE "${options.schema}".leases SET token = 0, until = '-infinity' WHERE room_id = '${roomId}'`)),
      forget: async () => void (await server.query(`TRUNCATE "${options.schema}".leases`)),
    };
  };

  it.each(lockContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('LOCK-01', 'LOCK-04', 'LOCK-05', ...one.rules);
    await one.run(openLocks);
  });
});

describe('the contract of realtime on PostgreSQL', () => {
  const openRealtime = async (): Promise<RealtimeSetup> => {
    let errors = 0;
    const logger = { ...silentLogger, error: () => void errors++ };
    const options = { url: server.url, schema: server.schema(), pool: { min: 0, max: 2 }, logger };
    return { realtime: await PostgresRealtime.open(options), another: () => PostgresRealtime.open(options), errorsLogged: () => errors };
  };

  it.each(realtimeContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('EPH-01', ...one.rules);
    await one.run(openRealtime);
  });
});
