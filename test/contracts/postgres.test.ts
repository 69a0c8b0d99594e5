/** The contract of storage on a real PostgreSQL server. */
import { describe, it } from 'vitest';
import { PostgresStore } from '../../src/providers/postgres/index.js';
import { storeContract } from '../../src/testing/index.js';
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
