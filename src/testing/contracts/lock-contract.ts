/** The contract of the per-room lock (behaviour §9.1). */
import assert from 'node:assert/strict';
import type { RoomLease, RoomLockManager } from '../../core/locks/lock.js';
import type { Awaitable } from '../../core/models/json.js';
import type { ContractCase } from './contract.js';
import { turnsOfTheLoop, until } from './settling.js';

/** A lock manager with nothing locked, and what else it can do. The suite closes it. */
export interface LockSetup {
  readonly locks: RoomLockManager;
  /** A second manager of the same rooms, as another process has it. For managers that are `distributed`. */
  readonly another?: () => Awaitable<RoomLockManager>;
  /** Takes the lease of this room from whoever holds it, as if it had ended. For managers whose leases can be lost. */
  readonly lose?: (roomId: string) => Awaitable<void>;
  /** Loses all memory, as a server that was started again. For managers that give tokens. */
  readonly forget?: () => Awaitable<void>;
}

/** Gives a new manager each time it is called. */
export type OpenLocks = () => Awaitable<LockSetup>;
/** One promise of lock managers. */
export type LockCase = ContractCase<OpenLocks>;

/**
 * What every RoomLockManager promises, as cases that any test runner can run on a manager of yours.
 * @example
 * import { lockContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * describe('MyLocks', () => {
 *   for (const c of lockContract) it(c.name, () => c.run(() => ({ locks: new MyLocks() })));
 * });
 */
export const lockContract: readonly LockCase[] = lockCases([
  {
    name: 'lets one in at a time, in the order they came',
    rules: ['LOCK-05'],
    test: async ({ locks }) => {
      const log: string[] = [];
      let inside = 0;
      let most = 0;
      const enter = async (name: number): Promise<void> => {
        const lease = await locks.acquire('room');
        most = Math.max(most, ++inside);
        log.push(`in ${name}`);
        await turnsOfTheLoop(2);
        inside--;
        log.push(`out ${name}`);
        await lease.release();
      };
      const first = await granted(take(locks, 'room'));
      const waiting = Array.from({ length: 12 }, (_, name) => enter(name));
      await turnsOfTheLoop();
      assert.deepEqual(log, [], 'the room is held');
      await first.release();
      await until(() => log.length === 24, 'all twelve were in');
      await Promise.all(waiting);
      assert.equal(most, 1, 'one at a time');
      assert.deepEqual(log, Array.from({ length: 12 }, (_, name) => [`in ${name}`, `out ${name}`]).flat());
      await (await granted(take(locks, 'room'))).release();
    },
  },
  {
    name: 'keeps rooms apart',
    rules: ['LOCK-05'],
    test: async ({ locks }) => {
      const held = await granted(take(locks, 'one'));
      const waiting = take(locks, 'one');
      const other = await granted(take(locks, 'two'));
      await other.release();
      await turnsOfTheLoop();
      assert.equal(waiting.lease, undefined);
      await held.release();
      await (await granted(waiting)).release();
    },
  },
  {
    name: 'releases once: again has no effect',
    rules: ['LOCK-01'],
    test: async ({ locks }) => {
      const first = await granted(take(locks, 'room'));
      await first.release();
      const second = await granted(take(locks, 'room'));
      await first.release();
      const third = take(locks, 'room');
      await first.release();
      await turnsOfTheLoop();
      assert.equal(third.lease, undefined, 'the second lease still holds');
      await second.release();
      await (await granted(third)).release();
    },
  },
  {
    name: 'lets waiters go when their signal aborts, with its reason',
    rules: ['LOCK-05'],
    test: async ({ locks }) => {
      const held = await granted(take(locks, 'room'));
      const [leaving, late] = [new AbortController(), new AbortController()];
      const first = take(locks, 'room', leaving.signal);
      const second = take(locks, 'room', late.signal);
      const reason = new Error('enough');
      leaving.abort(reason);
      const error = await refusal(first);
      assert.ok(error === reason || error.cause === reason, `rejects with the reason of the signal, not with ${error.message}`);
      await refusal(take(locks, 'room', AbortSignal.abort(reason)));
      await turnsOfTheLoop();
      assert.equal(second.lease, undefined);
      await held.release();
      const lease = await granted(second);
      late.abort(new Error('too late'));
      await turnsOfTheLoop();
      const third = take(locks, 'room');
      await turnsOfTheLoop();
      assert.equal(third.lease, undefined, 'to abort after one is in lets nobody else in');
      await lease.release();
      await (await granted(third)).release();
    },
  },
  {
    name: 'passes over all who left, and forgets nobody who waits',
    rules: ['LOCK-05'],
    test: async ({ locks }) => {
      const held = await granted(take(locks, 'room'));
      const controllers = Array.from({ length: 10 }, () => new AbortController());
      const waiting = controllers.map(({ signal }) => take(locks, 'room', signal));
      const last = take(locks, 'room');
      for (const [n, controller] of controllers.entries()) if (n % 2 === 0) controller.abort(new Error('left'));
      await held.release();
      for (const [n, waiter] of waiting.entries()) {
        if (n % 2 === 0) await refusal(waiter);
        else await (await granted(waiter)).release();
      }
      await (await granted(last)).release();
    },
  },
  {
    name: 'holds what is held or awaited while thousands of other rooms come and go',
    rules: ['LOCK-05'],
    test: async ({ locks }) => {
      const held = await granted(take(locks, 'room'));
      const waiting = take(locks, 'room');
      for (let n = 0; n < 3000; n++) await (await granted(take(locks, `other-${n}`))).release();
      const late = take(locks, 'room');
      await turnsOfTheLoop();
      assert.deepEqual([waiting.lease, late.lease], [undefined, undefined]);
      await held.release();
      const lease = await granted(waiting);
      for (let n = 0; n < 3000; n++) await (await granted(take(locks, `another-${n}`))).release();
      await turnsOfTheLoop();
      assert.equal(late.lease, undefined);
      await lease.release();
      await (await granted(late)).release();
    },
  },
  {
    name: 'gives tokens that grow, where it gives any, also after it has lost its memory',
    rules: ['LOCK-01'],
    test: async ({ locks, forget }) => {
      const tokens: number[] = [];
      const rounds = forget === undefined ? 1 : 3;
      for (let round = 0; round < rounds; round++) {
        const leases = Array.from({ length: 8 }, async () => {
          const lease = await granted(take(locks, 'room'));
          if (lease.token !== undefined) tokens.push(lease.token);
          await lease.release();
        });
        let done = false;
        void Promise.all(leases).then(() => (done = true));
        await until(() => done, 'everybody was in');
        await forget?.();
      }
      if (locks.distributed) assert.equal(tokens.length, 8 * rounds, 'with several processes every lease has a token');
      for (const [n, token] of tokens.entries()) {
        assert.ok(Number.isSafeInteger(token), `a token is a whole number, not ${token}`);
        assert.ok(n === 0 || token > (tokens[n - 1] ?? Infinity), `tokens grow: ${tokens.join(', ')}`);
      }
    },
  },
  {
    name: 'says that a lease is lost, and lets the next one in',
    rules: ['LOCK-01'],
    test: async ({ locks, lose }) => {
      if (lose === undefined) return;
      const lost = await granted(take(locks, 'room'));
      const other = await granted(take(locks, 'other'));
      assert.ok(lost.signal, 'a lease that can be lost has a signal');
      assert.equal(lost.signal.aborted, false);
      const next = take(locks, 'room');
      await lose('room');
      const lease = await granted(next);
      assert.equal(lost.signal.aborted, true);
      assert.equal(other.signal?.aborted, false, 'only the lost one');
      await lost.release();
      const third = take(locks, 'room');
      await turnsOfTheLoop();
      assert.equal(third.lease, undefined, 'to release a lost lease lets nobody in');
      assert.equal(lease.signal?.aborted, false);
      await lease.release();
      await (await granted(third)).release();
      await other.release();
    },
  },
  {
    name: 'excludes other processes, where it says so',
    rules: ['LOCK-01'],
    test: async ({ locks, another }) => {
      if (!locks.distributed) return;
      assert.ok(another, 'a distributed manager is tried with a second one: give `another`');
      const second = await another();
      try {
        const held = await granted(take(locks, 'room'));
        const waiting = take(second, 'room');
        await turnsOfTheLoop();
        assert.equal(waiting.lease, undefined);
        await held.release();
        const lease = await granted(waiting);
        assert.ok((lease.token ?? 0) > (held.token ?? Infinity), 'tokens grow from process to process');
        await lease.release();
      } finally {
        await second.close?.();
      }
    },
  },
  {
    name: 'closes, and again without effect',
    rules: ['KIT-04'],
    test: async ({ locks }) => {
      await (await granted(take(locks, 'room'))).release();
      await locks.close?.();
      await locks.close?.();
    },
  },
]);

interface LockTest {
  readonly name: string;
  readonly rules: readonly string[];
  test(setup: LockSetup): Promise<void>;
}

function lockCases(tests: readonly LockTest[]): readonly LockCase[] {
  return tests.map(({ name, rules, test }) => ({
    name,
    rules,
    run: async (open) => {
      const setup = await open();
      try {
        await test(setup);
      } finally {
        await setup.locks.close?.();
      }
    },
  }));
}

/** Somebody who waits for a room, and what came of it so far. */
interface Waiter {
  lease?: RoomLease;
  error?: Error;
}

function take(locks: RoomLockManager, roomId: string, signal?: AbortSignal): Waiter {
  const waiter: Waiter = {};
  const waiting = (async () => locks.acquire(roomId, signal === undefined ? {} : { signal }))();
  waiting.then(
    (lease) => (waiter.lease = lease),
    (error: unknown) => (waiter.error = error instanceof Error ? error : new Error(String(error))),
  );
  return waiter;
}

async function granted(waiter: Waiter): Promise<RoomLease> {
  await until(() => waiter.lease !== undefined || waiter.error !== undefined, 'whoever waits for a free room gets it');
  return waiter.lease ?? assert.fail(`a room was refused: ${waiter.error?.message}`);
}

async function refusal(waiter: Waiter): Promise<Error> {
  await until(() => waiter.lease !== undefined || waiter.error !== undefined, 'whoever leaves is let go');
  return waiter.error ?? assert.fail('whoever left is given no room');
}
