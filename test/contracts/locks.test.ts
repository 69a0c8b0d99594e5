/** The contract of the lock, on every manager there is, and on some that break it. */
import { describe, expect, it } from 'vitest';
import { InMemoryLockManager, type RoomLease, type RoomLockManager } from '../../src/core/index.js';
import { FaultLockManager, lockContract, type LockSetup, type OpenLocks } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { failures } from './broken.js';

/** What a server for locks does: several managers, tokens that outlive its memory, leases that can be lost. */
class LockServer {
  #locks = new FaultLockManager(undefined, { distributed: true });
  #token = 0;

  setup(manager: (server: LockServer) => RoomLockManager = (server) => server.manager()): LockSetup {
    return {
      locks: manager(this),
      another: () => manager(this),
      lose: async (roomId) => void (await this.#locks.lose(roomId)),
      forget: () => void (this.#locks = new FaultLockManager(undefined, { distributed: true })),
    };
  }

  manager(token: () => number = () => ++this.#token): RoomLockManager {
    return {
      distributed: true,
      acquire: async (roomId, options) => {
        const lease = await this.#locks.acquire(roomId, options);
        const { signal } = lease;
        return { token: token(), release: () => lease.release(), ...(signal !== undefined && { signal }) };
      },
    };
  }
}

const MANAGERS: Readonly<Record<string, OpenLocks>> = {
  InMemoryLockManager: () => ({ locks: new InMemoryLockManager() }),
  'FaultLockManager with leases': () => {
    const locks = new FaultLockManager(undefined, { fencing: true });
    return { locks, lose: async (roomId) => void (await locks.lose(roomId)) };
  },
  'a manager of several processes': () => new LockServer().setup(),
};

describe.each(Object.entries(MANAGERS))('the contract of the lock on %s', (_name, open) => {
  it.each(lockContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('LOCK-01', 'LOCK-05', ...one.rules);
    await one.run(open);
  });
});

describe('the contract of the lock', () => {
  it.each<readonly [string, string, OpenLocks]>([
    ['lets everybody in', 'lets one in at a time', () => ({ locks: { distributed: false, acquire: () => ({ release: () => undefined }) } })],
    ['lets the last one in first', 'lets one in at a time', () => ({ locks: new LastComeFirstServed() })],
    ['has one lock for all rooms', 'keeps rooms apart', () => over((locks) => ({ acquire: (_room, options) => locks.acquire('all', options) }))],
    ['frees the next one’s lease', 'releases once', () => over((locks) => ({ acquire: (room, options) => releasesAgain(locks, room, options) }))],
    ['does not hear signals', 'lets waiters go when their signal aborts', () => over((locks) => ({ acquire: (room) => locks.acquire(room) }))],
    [
      'gives a reason of its own',
      'lets waiters go when their signal aborts',
      () => over((locks) => ({ acquire: async (room, options) => withoutReason(locks, room, options) })),
    ],
    [
      'keeps the place of who left',
      'passes over all who left',
      () => over((locks) => ({ acquire: (room, options) => keepsPlace(locks, room, options) })),
    ],
    ['forgets who waits', 'holds what is held or awaited', () => over((locks) => forgetsAfter(locks, 1000))],
    ['gives the same token twice', 'gives tokens that grow', () => new LockServer().setup((server) => server.manager(() => 7))],
    [
      'gives no token',
      'gives tokens that grow',
      () =>
        new LockServer().setup((server) => ({
          ...server.manager(),
          acquire: async (room, options) => without(await server.manager().acquire(room, options), 'token'),
        })),
    ],
    ['begins again with its tokens', 'gives tokens that grow', beginsAgain],
    [
      'does not say that a lease is lost',
      'says that a lease is lost',
      () =>
        new LockServer().setup((server) => ({
          distributed: true,
          acquire: async (room, options) => without(await server.manager().acquire(room, options), 'signal'),
        })),
    ],
    ['is not distributed', 'excludes other processes', () => ({ locks: new LockServer().manager(), another: () => new LockServer().manager() })],
    ['closes once only', 'closes, and again', closesOnceOnly],
  ])('finds a manager that %s', async (_what, finder, open) => {
    verifies('LOCK-01', 'LOCK-05');
    const found = lockContract.filter(({ name }) => name.startsWith(finder));
    expect(found).toHaveLength(1);
    expect(await failures(found, open)).toEqual([found[0]?.name]);
  });
});

type Acquire = RoomLockManager['acquire'];
type AcquireOptions = Parameters<Acquire>[1];

function over(own: (locks: InMemoryLockManager) => Partial<RoomLockManager>): LockSetup {
  const locks = new InMemoryLockManager();
  return { locks: { distributed: false, acquire: (room, options) => locks.acquire(room, options), ...own(locks) } };
}

function without<Value extends object, Key extends keyof Value>(value: Value, key: Key): Value {
  const copy = { ...value };
  Reflect.deleteProperty(copy, key);
  return copy;
}

class LastComeFirstServed implements RoomLockManager {
  readonly distributed = false;
  readonly #waiting = new Map<string, ((lease: RoomLease) => void)[]>();

  acquire(roomId: string): RoomLease | Promise<RoomLease> {
    const waiting = this.#waiting.get(roomId);
    if (waiting !== undefined) return new Promise((resolve) => waiting.push(resolve));
    this.#waiting.set(roomId, []);
    return this.#lease(roomId);
  }

  #lease(roomId: string): RoomLease {
    let released = false;
    return {
      release: () => {
        if (released) return;
        released = true;
        const next = this.#waiting.get(roomId)?.pop();
        if (next === undefined) this.#waiting.delete(roomId);
        else next(this.#lease(roomId));
      },
    };
  }
}

async function releasesAgain(locks: InMemoryLockManager, roomId: string, options: AcquireOptions): Promise<RoomLease> {
  const lease = await locks.acquire(roomId, options);
  newest.set(roomId, lease);
  return { release: () => void newest.get(roomId)?.release() };
}
const newest = new Map<string, RoomLease>();

async function withoutReason(locks: InMemoryLockManager, roomId: string, options: AcquireOptions): Promise<RoomLease> {
  try {
    return await locks.acquire(roomId, options);
  } catch {
    throw new Error('Something went wrong.');
  }
}

/** Tells who left, and lets the lease that comes later lie. */
function keepsPlace(locks: InMemoryLockManager, roomId: string, options: AcquireOptions): Promise<RoomLease> {
  return new Promise((resolve, reject) => {
    options?.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error));
    void Promise.resolve(locks.acquire(roomId)).then(resolve);
  });
}

function forgetsAfter(first: InMemoryLockManager, rooms: number): Partial<RoomLockManager> {
  let locks = first;
  let count = 0;
  return {
    acquire: (room, options) => {
      if (++count % rooms === 0) locks = new InMemoryLockManager();
      return locks.acquire(room, options);
    },
  };
}

function beginsAgain(): LockSetup {
  const server = new LockServer();
  let token = 0;
  const setup = server.setup((one) => one.manager(() => ++token));
  return {
    ...setup,
    forget: async () => {
      await setup.forget?.();
      token = 0;
    },
  };
}

function closesOnceOnly(): LockSetup {
  let closed = false;
  return over(() => ({
    close: () => {
      if (closed) throw new Error('closed already');
      closed = true;
    },
  }));
}
