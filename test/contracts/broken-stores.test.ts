/** The contract of storage finds what is wrong with a store: each of these breaks one thing, and fails. */
import { describe, expect, it } from 'vitest';
import { InMemoryStore, type ConversationStore } from '../../src/core/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { storeContract, type OpenStore, type StoreCase } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { failures, withMethods } from './broken.js';
import { FAKES, LEASE_FAKES, SEARCH_FAKES, type Break } from './store-fakes.js';

class SharedMemoryStore extends InMemoryStore {
  override readonly shared: boolean = true;
}

function openBroken(breakIt: Break, make: () => ConversationStore | Promise<ConversationStore> = () => new InMemoryStore()): OpenStore {
  return async () => {
    const store = await make();
    return withMethods(store, breakIt(store));
  };
}

function caseOf(beginning: string): StoreCase {
  const [found, another] = storeContract.filter(({ name }) => name.startsWith(beginning));
  if (found === undefined || another !== undefined) throw new Error(`Not exactly one case of the contract starts with '${beginning}'.`);
  return found;
}

describe('the contract of storage', () => {
  it('passes a store that only looks broken', async () => {
    verifies('STO-11');
    expect(
      await failures(
        storeContract,
        openBroken(() => ({})),
      ),
    ).toEqual([]);
  });

  it.each(FAKES)('finds a store that %s', async (_what, finder, breakIt) => {
    verifies('STO-11');
    const found = caseOf(finder);
    expect(await failures([found], openBroken(breakIt))).toEqual([found.name]);
  });

  it.each(LEASE_FAKES)('finds a shared store that %s', async (_what, finder, breakIt) => {
    verifies('STO-11');
    const found = caseOf(finder);
    const open = openBroken(breakIt, () => new SharedMemoryStore());
    expect(await failures([found], open)).toEqual([found.name]);
  });

  it.each(['keeps lanes of other owners apart', 'gives a lane to one of many'])('finds a shared store without leases: %s', async (finder) => {
    verifies('STO-11');
    class WithoutLeases extends SharedMemoryStore {
      override claimDue(...claim: Parameters<InMemoryStore['claimDue']>): ReturnType<InMemoryStore['claimDue']> {
        Reflect.set(this, 'shared', false); // as the store in memory is for one process
        try {
          return super.claimDue(...claim);
        } finally {
          Reflect.set(this, 'shared', true);
        }
      }
    }
    const found = caseOf(finder);
    expect(await failures([found], () => new WithoutLeases())).toEqual([found.name]);
  });

  it.each(SEARCH_FAKES)('finds a store that %s', async (_what, breakIt) => {
    verifies('STO-11', 'STO-09');
    const found = caseOf('searches the words');
    const open = openBroken(breakIt, () => SqliteStore.open(':memory:'));
    expect(await failures([found], open)).toEqual([found.name]);
  });
});
