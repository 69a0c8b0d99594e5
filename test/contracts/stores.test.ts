/** The contract of storage, on every store there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { InMemoryStore, type ConversationStore } from '../../src/core/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { storeContract, type OpenStore } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';

const folder = mkdtempSync(join(tmpdir(), 'roomkit-stores-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** What several processes see of a store: leases count (OUT-08). */
class SharedMemoryStore extends InMemoryStore {
  override readonly shared = true;
}

const STORES: Readonly<Record<string, OpenStore>> = {
  InMemoryStore: () => new InMemoryStore(),
  'InMemoryStore with leases': () => new SharedMemoryStore(),
  'SqliteStore in a file': (): Promise<ConversationStore> => SqliteStore.open({ path: join(folder, `${files++}.db`), synchronous: 'normal' }),
  'SqliteStore in memory': () => SqliteStore.open(':memory:'),
};

describe.each(Object.entries(STORES))('the contract of storage on %s', (_name, open) => {
  it.each(storeContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('STO-11', ...one.rules);
    await one.run(open);
  });
});
