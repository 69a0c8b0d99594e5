/** What is open, counted: for those who watch a kit. */
import assert from 'node:assert/strict';
import type { ConversationStore, WorkSummary } from '../../core/store/store.js';
import { approval, at, row, task, turn } from './samples.js';
import { openRoom, say, storeCases } from './store-case.js';

const NOW = at(100);
const NOTHING: WorkSummary = {
  deliveries: { queued: 0, sending: 0, unknown: 0, later: 0 },
  turns: { queued: 0, running: 0 },
  leases: { held: 0, foreign: 0, foreignOwners: 0 },
  waiting: { approvals: 0, tasks: 0, overdue: 0 },
};

/** Rows of one room, each in a lane of its own, so that a shared store puts none behind another. */
async function put(store: ConversationStore, roomId: string, fields: readonly Parameters<typeof row>[3][]): Promise<void> {
  const outbox = fields.map((own, n) => row(roomId, `${roomId}-rows`, `c${n}`, own));
  await say(store, roomId, `${roomId}-rows`, {}, { outbox, now: NOW });
}

export const summaryCases = storeCases([
  {
    name: 'counts nothing where nothing is open',
    rules: ['OPS-02'],
    test: async (store) => {
      await openRoom(store);
      assert.deepEqual(await store.summarizeWork({ owner: 'one', now: NOW }), NOTHING);
      await put(store, 'room', [{ state: 'sent' }, { state: 'failed' }, { state: 'expired' }, { state: 'cancelled' }]);
      const turns = (['committed', 'failed', 'waiting', 'merged'] as const).map((state) => turn('room', state, state, { state }));
      await say(store, 'room', 'turns', {}, { turns, now: NOW });
      await store.createTask(task('room', 'open', { status: 'in_progress' }));
      await store.createTask(task('room', 'done', { status: 'completed', expiresAt: at(1) }));
      await say(store, 'room', 'answered', {}, { approvals: [approval('room', 'answered', { state: 'approved' })] });
      assert.deepEqual(await store.summarizeWork({ owner: 'one', now: NOW }), NOTHING);
    },
  },
  {
    name: 'counts what is open, and tells the oldest of it',
    rules: ['OPS-02', 'STO-10'],
    test: async (store) => {
      await openRoom(store, 'stays');
      await openRoom(store, 'gone');
      await put(store, 'stays', [
        { createdAt: at(30) },
        { createdAt: at(20), nextAttemptAt: at(100) },
        { createdAt: at(10), nextAttemptAt: at(101) },
        { state: 'sending', createdAt: at(6), attempts: 1 },
        { state: 'unknown', createdAt: at(7), attempts: 1 },
      ]);
      await put(store, 'gone', [{ createdAt: at(1) }, { state: 'unknown', createdAt: at(2), attempts: 1 }]);
      const turns = [
        turn('stays', 't0', 'a', { createdAt: at(41) }),
        turn('stays', 't1', 'b', { createdAt: at(40), state: 'running', attempts: 1 }),
        turn('stays', 't2', 'c', { createdAt: at(42) }),
      ];
      await say(store, 'stays', 'turns', {}, { turns, now: NOW });
      await say(store, 'gone', 'turns-of-gone', {}, { turns: [turn('gone', 't3', 'a', { createdAt: at(3) })], now: NOW });
      const approvals = [approval('stays', 'a0', { expiresAt: at(99) }), approval('stays', 'a1', { expiresAt: at(101) })];
      await say(store, 'stays', 'asked', {}, { approvals });
      await store.createTask(task('stays', 'k0', { status: 'in_progress', expiresAt: NOW }));
      await store.createTask(task('stays', 'k1', { status: 'in_progress', expiresAt: at(102) }));
      await store.createTask(task('stays', 'k2', { status: 'in_progress', expiresAt: at(103) }));
      await store.deleteRoom('gone');
      assert.deepEqual(await store.summarizeWork({ owner: 'one', now: NOW }), {
        deliveries: { queued: 3, sending: 1, unknown: 1, later: 1, oldestDueAt: at(20), oldestUnansweredAt: at(6) },
        turns: { queued: 2, running: 1, oldestAt: at(40) },
        leases: { held: 0, foreign: 0, foreignOwners: 0 },
        waiting: { approvals: 2, tasks: 3, overdue: 2 },
      });
      await store.updateRow('stays-rows>c1', { state: 'sent' });
      await store.updateRow('stays-rows>c3', { state: 'sent' });
      await store.updateTurn('t1', { state: 'committed' });
      const { deliveries, turns: left } = await store.summarizeWork({ owner: 'one', now: NOW });
      assert.deepEqual(deliveries, { queued: 2, sending: 0, unknown: 1, later: 1, oldestDueAt: at(30), oldestUnansweredAt: at(7) });
      assert.deepEqual(left, { queued: 2, running: 0, oldestAt: at(41) });
      const later = await store.summarizeWork({ owner: 'one', now: at(200) });
      assert.deepEqual([later.deliveries.later, later.deliveries.oldestDueAt, later.waiting.overdue], [0, at(10), 5]);
    },
  },
  {
    name: 'tells leases of others from its own where they count',
    rules: ['OPS-02', 'OUT-08'],
    test: async (store) => {
      await openRoom(store);
      const lease = (leaseOwner: string, seconds: number) => ({ leaseOwner, leaseUntil: at(seconds), state: 'sending' as const, attempts: 1 });
      await put(store, 'room', [lease('one', 110), lease('two', 120), lease('two', 115), lease('three', 118), lease('four', 100), {}]);
      const turns = [
        turn('room', 't0', 'a', { ...lease('one', 111), state: 'running' }),
        turn('room', 't1', 'b', { ...lease('five', 112), state: 'running' }),
      ];
      await say(store, 'room', 'turns', {}, { turns, now: NOW });
      const { leases } = await store.summarizeWork({ owner: 'one', now: NOW });
      const counted = { held: 2, foreign: 4, foreignOwners: 3, nextForeignEndAt: at(112) };
      assert.deepEqual(leases, store.shared ? counted : NOTHING.leases);
      const { leases: ofTwo } = await store.summarizeWork({ owner: 'two', now: at(117) });
      assert.deepEqual(ofTwo, store.shared ? { held: 1, foreign: 1, foreignOwners: 1, nextForeignEndAt: at(118) } : NOTHING.leases);
      await store.releaseLeases('two');
      if (store.shared) assert.equal((await store.summarizeWork({ owner: 'two', now: NOW })).leases.held, 0);
    },
  },
]);
