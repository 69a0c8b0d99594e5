/** Turns of agents: kept, claimed, and completed exactly once. */
import assert from 'node:assert/strict';
import type { TurnState } from '../../core/models/vocabulary.js';
import type { TurnCompletion, TurnQuery } from '../../core/store/store.js';
import { givesItsOwn, refused, settled, vandalize } from './contract.js';
import { at, binding, fullTurn, participant, row, turn } from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

export const turnCases = storeCases([
  {
    name: 'keeps every field of a turn, and owns it',
    rules: ['STO-07', 'STO-06', 'TURN-01'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0');
      const given = [fullTurn('room', 't1', 'helper'), turn('room', 't2', 'other')];
      const committing = say(store, 'room', 'e1', {}, { turns: given });
      vandalize(given);
      await committing;
      const wanted = { ...fullTurn('room', 't1', 'helper'), triggerIndex: 1 };
      await givesItsOwn(
        () => store.getTurn('t1'),
        () => store.listTurns({ roomId: 'room' }),
      );
      assert.deepEqual(await store.getTurn('t1'), wanted);
      assert.deepEqual(await store.getTurn('t2'), { ...turn('room', 't2', 'other'), triggerIndex: 1 });
      assert.deepEqual(await store.listTurns({ channelId: 'helper' }), [wanted]);
      assert.equal(await store.getTurn('unknown'), null);
    },
  },
  {
    name: 'changes every field of a turn that may change, and only from the state it was told',
    rules: ['STO-07', 'TURN-03'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0', {}, { turns: [turn('room', 't1', 'helper')] });
      const { id: _id, roomId: _room, channelId: _channel, createdAt: _at, ...patch } = { ...fullTurn('room', 't1', 'helper'), triggerIndex: 4 };
      const wanted = { ...fullTurn('room', 't1', 'helper'), triggerIndex: 4, createdAt: at() };
      const own = structuredClone(patch);
      const changing = store.updateTurn('t1', own);
      vandalize(own);
      const changed = await changing;
      assert.deepEqual(changed, wanted);
      vandalize(changed);
      assert.deepEqual(await store.getTurn('t1'), wanted);
      assert.deepEqual(await store.listTurns({ roomId: 'room' }), [wanted]);
      assert.deepEqual(await store.updateTurn('t1', { attempts: 9 }), { ...wanted, attempts: 9 }, 'what a patch leaves out stays');
      const { leaseOwner: _owner, leaseUntil: _until, ...free } = { ...wanted, attempts: 9 };
      assert.deepEqual(
        await store.updateTurn('t1', { leaseOwner: undefined, leaseUntil: undefined }),
        free,
        'what it names and does not have is gone',
      );
      assert.deepEqual(await store.getTurn('t1'), free);
      assert.equal(await store.updateTurn('unknown', { attempts: 1 }), null);
      assert.equal(await store.updateTurn('t1', { state: 'running' }, ['queued', 'running']), null);
      assert.equal((await store.getTurn('t1'))?.state, 'failed');
      await say(store, 'room', 'e1', {}, { turns: [turn('room', 't2', 'helper')] });
      const claims = await Promise.all(
        Array.from({ length: 10 }, async (_, n) => store.updateTurn('t2', { state: 'running', leaseOwner: `kit-${n}` }, ['queued'])),
      );
      const won = claims.filter((claim) => claim !== null);
      assert.equal(won.length, 1, 'of ten claims at once, one wins');
      assert.deepEqual(await store.getTurn('t2'), won[0]);
    },
  },
  {
    name: 'lists turns by room, channel and state, in the order of their triggers',
    rules: ['TURN-01'],
    test: async (store) => {
      const states: readonly TurnState[] = [
        ...(['queued', 'running', 'waiting', 'committed', 'empty'] as const),
        ...(['failed', 'cancelled', 'rejected', 'expired', 'merged'] as const),
      ];
      for (const roomId of ['b', 'a']) await openRoom(store, roomId);
      for (const [n, state] of states.entries()) {
        for (const roomId of ['b', 'a'])
          await say(store, roomId, `${roomId}${n}`, {}, { turns: [turn(roomId, `${roomId}${n}`, n % 2 === 0 ? 'x' : 'y', { state })] });
      }
      const listed = async (query: TurnQuery): Promise<string[]> => ids(await store.listTurns(query));
      assert.deepEqual(await listed({ roomId: 'a' }), ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9']);
      assert.equal((await listed({})).length, 20);
      assert.deepEqual(await listed({ limit: 2 }), ['a0', 'a1']);
      assert.deepEqual(await listed({ roomId: 'b', channelId: 'y', limit: 2 }), ['b1', 'b3']);
      for (const [n, state] of states.entries()) assert.deepEqual(await listed({ state }), [`a${n}`, `b${n}`], state);
      assert.deepEqual(await listed({ state: ['queued', 'running'], channelId: 'y' }), ['a1', 'b1']);
      assert.deepEqual(await listed({ state: ['queued', 'failed'], roomId: 'a' }), ['a0', 'a5']);
      assert.deepEqual(await listed({ state: 'running', roomId: 'a', channelId: 'y' }), ['a1']);
      assert.deepEqual(await listed({ state: [] }), []);
      await store.updateTurn('a0', { state: 'empty' });
      assert.deepEqual([await listed({ state: 'queued' }), await listed({ state: 'empty', roomId: 'a' })], [['b0'], ['a0', 'a4']]);
    },
  },
  {
    name: 'completes a turn in the commit of its reply',
    rules: ['STO-04', 'TURN-03'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0', {}, { turns: [turn('room', 't1', 'helper', { state: 'running', attempts: 1 }), turn('room', 't2', 'other')] });
      await say(store, 'room', 'reply', {}, { completesTurn: completion('t1', 'reply') });
      assert.deepEqual(await store.getTurn('t1'), {
        ...turn('room', 't1', 'helper', { attempts: 1 }),
        triggerIndex: 0,
        ...{ state: 'committed', endReason: 'completed', replyEventIds: ['reply'], usage: { input: 1, output: 2 } },
      });
      assert.deepEqual(ids(await store.listTurns({ state: ['queued', 'running'] })), ['t2']);
      await say(store, 'room', 'partial', {}, { completesTurn: { ...completion('t2', 'partial'), state: 'cancelled', endReason: 'cancelled' } });
      assert.deepEqual([(await store.getTurn('t2'))?.state, (await store.getTurn('t2'))?.endReason], ['cancelled', 'cancelled']);
      const { event } = await say(store, 'room', 'free', {}, { completesTurn: completion('unknown', 'free') });
      assert.equal(event.index, 3, 'a turn that is not known is nobody’s');
    },
  },
  {
    name: 'refuses a second reply of a turn, with all that came with it',
    rules: ['STO-04'],
    test: async (store) => {
      await openRoom(store);
      const ended: readonly TurnState[] = ['committed', 'empty', 'failed', 'cancelled', 'rejected', 'expired', 'merged'];
      await say(store, 'room', 'e0', {}, { turns: ended.map((state) => turn('room', state, 'helper')) });
      await say(store, 'room', 'reply', {}, { completesTurn: completion('committed', 'reply') });
      for (const state of ended.slice(1)) await store.updateTurn(state, { state });
      const before = [await store.loadRoom('room'), await store.listEvents('room'), await store.listTurns({}), await store.listRows({})];
      for (const state of ended) {
        const error = await refused(
          () =>
            say(
              store,
              'room',
              'again',
              {},
              {
                completesTurn: completion(state, 'again'),
                binding: binding('room', 'new'),
                participant: participant('room', 'new'),
                outbox: [row('room', 'again', 'sms')],
                turns: [turn('room', 'next', 'helper')],
                roomPatch: { status: 'closed' },
                target: { eventId: 'e0', metadata: { edited: true } },
              },
            ),
          'conflict',
        );
        assert.match(error.message, /turn_already_committed/);
        assert.equal((error as { retryable?: boolean }).retryable, false, 'trying again cannot help');
        assert.deepEqual(
          [await store.loadRoom('room'), await store.listEvents('room'), await store.listTurns({}), await store.listRows({})],
          before,
          `nothing of a second reply of a turn that is ${state}`,
        );
      }
      await say(store, 'room', 'e1', {}, { turns: [turn('room', 'raced', 'helper')] });
      const { values } = await settled(
        Array.from({ length: 8 }, (_, n) => () => say(store, 'room', `raced-${n}`, {}, { completesTurn: completion('raced', `raced-${n}`) })),
      );
      assert.equal(values.length, 1, 'of eight replies at once, one is posted');
      assert.deepEqual((await store.getTurn('raced'))?.replyEventIds, [values[0]?.event.id]);
      assert.equal(await store.countEvents('room'), 4);
    },
  },
  {
    name: 'makes several queued turns one, whole or not at all',
    rules: ['COL-02', 'COL-03', 'COL-07', 'STO-06'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      for (const n of [0, 1, 2, 3, 4])
        await say(store, 'room', `e${n}`, {}, { turns: [turn('room', `t${n}`, 'helper', { triggerEventIds: [`e${n}`] })] });
      await say(store, 'room', 'e5', {}, { turns: [turn('room', 'foreign', 'another')] });
      await say(store, 'other', 'f0', {}, { turns: [turn('other', 'elsewhere', 'helper')] });
      await store.updateTurn('t0', { state: 'running', attempts: 1 });
      await store.updateTurn('t3', { state: 'cancelled' });
      const untouched = async (): Promise<unknown> => [await store.getTurn('t3'), await store.getTurn('foreign'), await store.getTurn('elsewhere')];
      const before = await untouched();
      const turnIds = ['t2', 't3', 't1', 't2', 't0', 'foreign', 'elsewhere', 'unknown'];
      const merging = store.mergeTurns({ intoId: 't0', turnIds });
      vandalize(turnIds);
      const first = await merging;
      const into = { ...turn('room', 't0', 'helper', { state: 'running', attempts: 1, triggerEventIds: ['e0', 'e1', 'e2'] }), triggerIndex: 2 };
      const merged = (n: number) => ({
        ...turn('room', `t${n}`, 'helper', { state: 'merged', mergedInto: 't0', triggerEventIds: [`e${n}`] }),
        triggerIndex: n,
      });
      assert.deepEqual(first, { turn: into, merged: [merged(1), merged(2)] }, 'what is queued in its lane, in the order it came');
      vandalize(first);
      assert.deepEqual([await store.getTurn('t0'), await store.getTurn('t1'), await store.getTurn('t2')], [into, merged(1), merged(2)]);
      assert.deepEqual(await untouched(), before, 'what has ended, or belongs to another lane, stays as it is');
      assert.deepEqual(ids(await store.listTurns({ roomId: 'room', channelId: 'helper', state: ['queued', 'running'] })), ['t0', 't4']);
      const inOrder = ids(await store.listTurns({ roomId: 'room', channelId: 'helper' }));
      assert.ok(inOrder.indexOf('t1') < inOrder.indexOf('t0'), 'a turn stands where the newest message stands that it answers');
      assert.deepEqual((await store.mergeTurns({ intoId: 't0', turnIds: ['t1'] }))?.merged, [], 'nothing is merged twice');
      const last = await store.mergeTurns({ intoId: 't4', turnIds: ['t0'] });
      assert.deepEqual([last?.turn.triggerEventIds, last?.merged], [['e4'], []], 'what runs is not merged');
      await say(store, 'room', 'reply', {}, { completesTurn: completion('t0', 'reply') });
      assert.equal(await store.mergeTurns({ intoId: 't0', turnIds: ['t4'] }), null, 'what has ended takes nothing in');
      assert.equal(await store.mergeTurns({ intoId: 'unknown', turnIds: ['t4'] }), null);
      assert.equal((await store.getTurn('t4'))?.state, 'queued');

      await say(store, 'room', 'e6', {}, { turns: [turn('room', 't6', 'helper', { triggerEventIds: ['e6'] })] });
      const burst = await store.mergeTurns({ intoId: 't6', turnIds: ['t4'] });
      assert.deepEqual([burst?.turn.triggerEventIds, burst?.turn.state], [['e4', 'e6'], 'queued'], 'a queued one takes in as well');

      await say(store, 'room', 'e7', {}, { turns: [turn('room', 't7', 'helper', { triggerEventIds: ['e7'] })] });
      await store.updateTurn('t6', { leaseOwner: 'p1' });
      await store.updateTurn('t7', { leaseOwner: 'p2' });
      assert.equal(await store.mergeTurns({ intoId: 't6', turnIds: ['t7'], owner: 'p2' }), null, 'nothing joins what is another owner’s');
      assert.deepEqual((await store.mergeTurns({ intoId: 't6', turnIds: ['t7'], owner: 'p1' }))?.merged, [], 'nor does what is another owner’s');
      await store.updateTurn('t7', { leaseOwner: 'p1' });
      assert.deepEqual(ids((await store.mergeTurns({ intoId: 't6', turnIds: ['t7'], owner: 'p1' }))?.merged ?? []), ['t7']);
    },
  },
  {
    name: 'lets nobody end or change a turn that another owner has',
    rules: ['STO-16', 'STO-04'],
    test: async (store) => {
      await openRoom(store, 'room');
      await say(store, 'room', 'e0', {}, { turns: [turn('room', 't0', 'helper'), turn('room', 't1', 'helper')] });
      for (const id of ['t0', 't1']) await store.updateTurn(id, { state: 'running', leaseOwner: 'p2' });
      await refused(() => say(store, 'room', 'late', {}, { completesTurn: { ...completion('t0', 'late'), owner: 'p1' } }), 'conflict');
      const change = { turnId: 't1', from: ['running'], patch: { state: 'waiting' } } as const;
      await refused(() => say(store, 'room', 'later', {}, { turnChanges: [{ ...change, owner: 'p1' }] }), 'conflict');
      assert.deepEqual(ids(await store.listEvents('room')), ['e0'], 'nothing of it is stored');
      await say(store, 'room', 'reply', {}, { completesTurn: { ...completion('t0', 'reply'), owner: 'p2' } });
      await say(store, 'room', 'asked', {}, { turnChanges: [{ ...change, owner: 'p2' }] });
      assert.deepEqual([(await store.getTurn('t0'))?.state, (await store.getTurn('t1'))?.state], ['committed', 'waiting']);
    },
  },
  {
    name: 'claims open turns as they were',
    rules: ['OUT-08', 'TURN-03'],
    test: async (store) => {
      await openRoom(store, 'b');
      await openRoom(store, 'a');
      const states: readonly TurnState[] = ['running', 'queued', 'waiting', 'committed', 'failed', 'expired', 'queued'];
      for (const [n, state] of states.entries()) await say(store, 'a', `a${n}`, {}, { turns: [turn('a', `a${n}`, 'x', { state, attempts: 1 })] });
      await say(store, 'b', 'b0', {}, { turns: [turn('b', 'b0', 'x')], outbox: [row('b', 'b0', 'sms')] });
      const claim = { owner: 'kit', now: at(0), leaseUntil: at(30), limit: 100 };
      const { rows, turns } = await store.claimDue(claim);
      assert.deepEqual([ids(rows), ids(turns)], [['b0>sms'], ['a0', 'a1', 'a6', 'b0']]);
      assert.deepEqual([turns[0]?.state, turns[0]?.attempts], ['running', 1], 'so that the caller knows it was cut off');
      const stored = await store.getTurn('a0');
      assert.deepEqual([stored?.leaseOwner, stored?.leaseUntil, stored?.state], ['kit', at(30), 'running']);
      assert.equal((await store.getTurn('a2'))?.leaseOwner, undefined);
      const excepted = await store.claimDue({ ...claim, exceptLanes: new Set(['a\u0000x', 'b\u0000sms']) });
      assert.deepEqual([ids(excepted.rows), ids(excepted.turns)], [[], ['b0']]);
      const few = await store.claimDue({ ...claim, limit: 3 });
      assert.equal(few.rows.length + few.turns.length, 3);
      const other = ids((await store.claimDue({ ...claim, owner: 'other' })).turns);
      assert.deepEqual(other, store.shared ? [] : ['a0', 'a1', 'a6', 'b0']);
      await store.releaseLeases('kit');
      assert.deepEqual(ids((await store.claimDue({ ...claim, owner: 'other' })).turns), ['a0', 'a1', 'a6', 'b0']);
      await store.updateTurn('a0', { state: 'committed' });
      assert.deepEqual(ids((await store.claimDue({ ...claim, owner: 'other' })).turns), ['a1', 'a6', 'b0']);
    },
  },
  {
    name: 'puts a turn behind what is open in its lane, and with whoever holds that',
    rules: ['STO-16'],
    test: async (store) => {
      if (!store.shared) return;
      await openRoom(store, 'room');
      const put = async (id: string, owner: string, now: number, channelId = 'agent') => {
        const given = turn('room', id, channelId, { state: 'running', attempts: 1, leaseOwner: owner, leaseUntil: at(now + 30) });
        const { placed } = await say(store, 'room', id, {}, { turns: [given], now: at(now) });
        const [one] = placed?.turns ?? [];
        assert.ok(one, 'a shared store says where it has put each turn');
        assert.deepEqual(await store.getTurn(given.id), one.row, 'as stored');
        return [one.row.state, one.row.attempts, one.row.leaseOwner, one.row.leaseUntil, one.previousIndex];
      };
      assert.deepEqual(await put('e0', 'one', 0), ['running', 1, 'one', at(30), undefined]);
      assert.deepEqual(await put('e1', 'two', 1), ['queued', 0, 'one', at(30), 0]);
      assert.deepEqual(await put('e2', 'two', 1, 'other'), ['running', 1, 'two', at(31), undefined]);
      assert.deepEqual(await put('e3', 'two', 40), ['queued', 0, undefined, undefined, 1], 'the lease has ended: it is claimed as a whole');
      assert.equal(await store.updateTurn('e0', { state: 'failed' }, undefined, undefined, 'two'), null);
      assert.equal((await store.updateTurn('e0', { state: 'failed' }, ['running'], undefined, 'one'))?.state, 'failed');
    },
  },
]);

function completion(turnId: string, eventId: string): TurnCompletion {
  return { turnId, state: 'committed', endReason: 'completed', replyEventIds: [eventId], usage: { input: 1, output: 2 } };
}
