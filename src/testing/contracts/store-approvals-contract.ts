/** Approvals: made and answered with a commit, once, whole or not at all. */
import assert from 'node:assert/strict';
import type { ApprovalState } from '../../core/models/approval.js';
import type { ApprovalQuery, EventCommit } from '../../core/store/store.js';
import { givesItsOwn, refused, settled, vandalize } from './contract.js';
import { approval, at, fullApproval, task, turn } from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

export const approvalCases = storeCases([
  {
    name: 'keeps every field of an approval, and owns it',
    rules: ['APR-01', 'STO-06', 'STO-07'],
    test: async (store) => {
      await openRoom(store);
      const given = [fullApproval('room', 'a1'), approval('room', 'a2', { approvers: 'tool' })];
      const committing = say(store, 'room', 'e0', {}, { approvals: given });
      vandalize(given);
      await committing;
      await givesItsOwn(
        () => store.getApproval('a1'),
        () => store.listApprovals({ roomId: 'room' }),
      );
      assert.deepEqual(await store.getApproval('a1'), fullApproval('room', 'a1'));
      assert.deepEqual(await store.listApprovals({ agentId: 'helper' }), [approval('room', 'a2', { approvers: 'tool' })]);
      assert.equal(await store.getApproval('unknown'), null);
    },
  },
  {
    name: 'lists approvals by room, turn, agent, organization and state, the first to expire first',
    rules: ['APR-03', 'PERM-09'],
    test: async (store) => {
      await openRoom(store, 'a', { organizationId: 'org' });
      await openRoom(store, 'b');
      const states: readonly ApprovalState[] = ['pending', 'approved', 'rejected', 'expired', 'cancelled'];
      for (const [n, state] of states.entries()) {
        for (const roomId of ['a', 'b']) {
          const fields = { state, expiresAt: at(60 - n), agentId: n % 2 === 0 ? 'x' : 'y', turnId: `t${n}` };
          await say(store, roomId, `${roomId}${n}`, {}, { approvals: [approval(roomId, `${roomId}${n}`, fields)] });
        }
      }
      const listed = async (query: ApprovalQuery): Promise<string[]> => ids(await store.listApprovals(query));
      assert.deepEqual(await listed({}), ['a4', 'b4', 'a3', 'b3', 'a2', 'b2', 'a1', 'b1', 'a0', 'b0']);
      assert.deepEqual(await listed({ roomId: 'a' }), ['a4', 'a3', 'a2', 'a1', 'a0']);
      assert.deepEqual(await listed({ organizationId: 'org', limit: 2 }), ['a4', 'a3']);
      assert.deepEqual(await listed({ organizationId: 'another' }), []);
      assert.deepEqual(await listed({ turnId: 't3' }), ['a3', 'b3']);
      assert.deepEqual(await listed({ agentId: 'y', roomId: 'b' }), ['b3', 'b1']);
      for (const [n, state] of states.entries()) assert.deepEqual(await listed({ state }), [`a${n}`, `b${n}`], state);
      assert.deepEqual(await listed({ state: ['pending', 'expired'], roomId: 'a' }), ['a3', 'a0']);
      assert.deepEqual(await listed({ state: 'pending', roomId: 'b', agentId: 'x', turnId: 't0' }), ['b0']);
      assert.deepEqual(await listed({ state: [] }), []);
      await store.deleteRoom('a');
      assert.deepEqual([await listed({ state: 'pending' }), await store.getApproval('a1')], [['b0'], null], 'they go with their room');
    },
  },
  {
    name: 'suspends a turn in the commit of its request',
    rules: ['APR-01', 'STO-01'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0', {}, { turns: [turn('room', 't1', 'helper', { state: 'running', attempts: 1 })] });
      const suspended = { loop: { messages: [] }, replyEventIds: [], suspendedAt: at(3) };
      const commit: Omit<EventCommit, 'event'> = {
        approvals: [approval('room', 'a1', { turnId: 't1' })],
        turnChanges: [{ turnId: 't1', from: ['running'], patch: { state: 'waiting', attempts: 0, suspended } }],
      };
      await say(store, 'room', 'asked', {}, commit);
      const waiting = { ...turn('room', 't1', 'helper', { state: 'waiting', suspended }), triggerIndex: 0 };
      assert.deepEqual([await store.getTurn('t1'), ids(await store.listApprovals({ state: 'pending' }))], [waiting, ['a1']]);
      assert.deepEqual(ids(await store.listTurns({ state: ['queued', 'running'] })), [], 'it is not open: nobody takes it up');
      const claim = { owner: 'kit', now: at(0), leaseUntil: at(30), limit: 9 };
      assert.deepEqual((await store.claimDue(claim)).turns, []);
      const again = { ...commit, approvals: [approval('room', 'a2')] };
      const error = await refused(() => say(store, 'room', 'again', {}, again), 'conflict');
      assert.match(error.message, /turn_moved_on/);
      assert.equal((error as { retryable?: boolean }).retryable, false);
      const unknown = { turnChanges: [{ turnId: 'unknown', from: ['running'] as const, patch: { state: 'waiting' as const } }] };
      await refused(() => say(store, 'room', 'unknown', {}, unknown), 'conflict');
      assert.deepEqual([await store.getApproval('a2'), await store.countEvents('room')], [null, 2], 'nothing of what was refused is there');
    },
  },
  {
    name: 'answers an approval once, whoever is first, with all that belongs to it',
    rules: ['APR-03', 'STO-01'],
    test: async (store) => {
      await openRoom(store);
      const waiting = turn('room', 't1', 'helper', { state: 'waiting' });
      await say(store, 'room', 'e0', {}, { turns: [waiting], approvals: [approval('room', 'a1'), approval('room', 'a2')] });
      const answer = (state: ApprovalState, by: string): Omit<EventCommit, 'event'> => ({
        resolves: [
          { approvalId: 'a1', patch: { state, resolvedAt: at(5), resolvedBy: by, reason: 'Why', approvedArguments: { n: 1 }, changedBy: by } },
        ],
        turnChanges: [{ turnId: 't1', from: ['waiting'], patch: { state: 'queued', expiresAt: at(99) } }],
      });
      const { values, errors } = await settled(
        Array.from({ length: 8 }, (_, n) => () => say(store, 'room', `r${n}`, {}, answer(n % 2 === 0 ? 'approved' : 'rejected', `p${n}`))),
      );
      assert.equal(values.length, 1, 'of eight answers at once, one counts');
      for (const error of errors) assert.equal((error as { code?: string }).code, 'conflict');
      const number = Number(values[0]?.event.id.slice(1));
      const by = `p${number}`;
      const resolved = approval('room', 'a1', {
        ...{ state: number % 2 === 0 ? 'approved' : 'rejected', resolvedAt: at(5), resolvedBy: by, reason: 'Why' },
        ...{ approvedArguments: { n: 1 }, changedBy: by },
      });
      assert.deepEqual(await store.getApproval('a1'), resolved);
      assert.deepEqual(ids(await store.listApprovals({ state: 'pending' })), ['a2']);
      const queued = await store.getTurn('t1');
      assert.deepEqual([queued?.state, queued?.expiresAt, await store.countEvents('room')], ['queued', at(99), 2]);
      assert.deepEqual(ids(await store.listTurns({ state: ['queued', 'running'] })), ['t1'], 'it is open again');
      const both: Omit<EventCommit, 'event'> = {
        resolves: ['a2', 'a1'].map((approvalId) => ({ approvalId, patch: { state: 'cancelled' as const } })),
      };
      const error = await refused(() => say(store, 'room', 'both', {}, both), 'conflict');
      assert.match(error.message, /approval_not_pending/);
      assert.equal((error as { retryable?: boolean }).retryable, false);
      assert.equal((await store.getApproval('a2'))?.state, 'pending', 'one that is refused leaves the others as they are');
      await refused(() => say(store, 'room', 'none', {}, { resolves: [{ approvalId: 'unknown', patch: { state: 'approved' } }] }), 'conflict');
    },
  },
  {
    name: 'makes tasks with a commit, and ends one in progress once',
    rules: ['LTR-01', 'LTR-02'],
    test: async (store) => {
      await openRoom(store);
      const waiting = task('room', 't1', { status: 'in_progress', expiresAt: at(9), metadata: { tool: 'ship' } });
      const given = structuredClone(waiting);
      const committing = say(store, 'room', 'e0', {}, { tasks: [given, task('room', 't2')] });
      vandalize(given);
      await committing;
      assert.deepEqual(await store.listTasks('room'), [waiting, task('room', 't2')]);
      const patch = { status: 'completed' as const, metadata: { tool: 'ship', result: 'Done' } };
      const { values } = await settled(
        Array.from({ length: 6 }, (_, n) => () => say(store, 'room', `r${n}`, {}, { endsTask: { taskId: 't1', patch } })),
      );
      assert.equal(values.length, 1, 'of six ends at once, one counts');
      assert.deepEqual(await store.getTask('t1'), { ...waiting, ...patch });
      await say(store, 'room', 'again', {}, { tasks: [waiting] });
      assert.deepEqual(await store.getTask('t1'), { ...waiting, ...patch }, 'what has ended does not begin again');
      assert.deepEqual(await store.listDueTasks(), []);
      const error = await refused(() => say(store, 'room', 'late', {}, { endsTask: { taskId: 't2', patch } }), 'conflict');
      assert.match(error.message, /task_ended/);
      assert.equal((error as { retryable?: boolean }).retryable, false);
      await refused(() => say(store, 'room', 'none', {}, { endsTask: { taskId: 'unknown', patch } }), 'conflict');
      assert.equal(await store.countEvents('room'), 3);
    },
  },
]);
