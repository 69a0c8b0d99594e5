/** What generations cost: kept with their turns, and summed. For stores that keep usage. */
import assert from 'node:assert/strict';
import type { UsageQuery, UsageRecord, UsageSum } from '../../core/models/usage.js';
import type { ConversationStore } from '../../core/store/store.js';
import { givesItsOwn, refused, vandalize } from './contract.js';
import { at, room, turn } from './samples.js';
import { openRoom, say, storeCases } from './store-case.js';

export const usageCases = storeCases([
  {
    name: 'keeps usage with the end of its turn, or not at all',
    rules: ['USG-01', 'STO-04'],
    test: async (store) => {
      if (store.sumUsage === undefined) return;
      await openRoom(store);
      await say(store, 'room', 'e0', {}, { turns: [turn('room', 't1', 'helper'), turn('room', 't2', 'helper')] });
      const records = [used({ turnId: 't1' })];
      const completesTurn = { turnId: 't1', state: 'committed', endReason: 'completed', replyEventIds: ['e1'], usage: {}, records } as const;
      const committing = say(store, 'room', 'e1', {}, { completesTurn });
      vandalize(records);
      await committing;
      assert.equal((await total(store, {})).generations, 1);
      await refused(() => say(store, 'room', 'e2', {}, { completesTurn: { ...completesTurn, records: [used({ turnId: 't1' })] } }), 'conflict');
      assert.equal((await total(store, {})).generations, 1, 'of what was refused nothing is kept');
      const states = ['queued', 'running'] as const;
      assert.notEqual(await store.updateTurn('t2', { state: 'failed' }, states, [used({ turnId: 't2' })]), null);
      assert.equal(await store.updateTurn('t2', { state: 'failed' }, states, [used({ turnId: 't2' })]), null);
      assert.equal((await total(store, {})).generations, 2, 'and of a change that did not take place');
    },
  },
  {
    name: 'sums tokens of every kind, times and costs, by agent, provider and model',
    rules: ['USG-01', 'USG-02'],
    test: async (store) => {
      if (store.sumUsage === undefined) return;
      await openRoom(store);
      const given = [
        used({ tokens: { input_tokens: 10, output_tokens: 5 }, ms: 100, cost: 0.25 }),
        used({ tokens: { input_tokens: 1, cache_read_tokens: 7, cache_write_tokens: 3, reasoning_tokens: 2, audio_tokens: 4 }, ms: 50.5 }),
        used({ tokens: { audio_tokens: 1 }, ms: 0, cost: 0 }),
        used({ model: 'large', tokens: {}, ms: 1 }),
        used({ provider: 'other', tokens: { output_tokens: 9 }, ms: 1, cost: 1 }),
        used({ agentId: 'b-agent' }),
        used({ agentId: 'ünd "so"', model: 'it\'s "new"' }),
      ];
      const own = structuredClone(given.slice(0, 4));
      const adding = store.addUsage?.(own);
      vandalize(own);
      await adding;
      await store.addUsage?.(given.slice(4));
      const sums = await sum(store, {});
      assert.deepEqual(
        sums.map(({ agentId, provider, model }) => [agentId, provider, model]),
        [
          ['agent', 'other', 'small'],
          ['agent', 'vendor', 'large'],
          ['agent', 'vendor', 'small'],
          ['b-agent', 'vendor', 'small'],
          ['ünd "so"', 'vendor', 'it\'s "new"'],
        ],
      );
      assert.deepEqual(sums[2], {
        agentId: 'agent',
        provider: 'vendor',
        model: 'small',
        generations: 3,
        tokens: { input_tokens: 11, output_tokens: 5, cache_read_tokens: 7, cache_write_tokens: 3, reasoning_tokens: 2, audio_tokens: 5 },
        ms: 150.5,
        cost: 0.25,
        unpriced: 1,
      });
      assert.deepEqual(
        sums[1],
        { agentId: 'agent', provider: 'vendor', model: 'large', generations: 1, tokens: {}, ms: 1, unpriced: 1 },
        'no price, no cost',
      );
      await givesItsOwn(() => sum(store, {}));
    },
  },
  {
    name: 'sums usage by room, agent, organization and time',
    rules: ['USG-01', 'PERM-09'],
    test: async (store) => {
      if (store.sumUsage === undefined) return;
      await store.createRoom(room('gone', { organizationId: 'acme' }));
      await store.createRoom(room('stays', { organizationId: 'acme' }));
      await store.createRoom(room('globex-1', { organizationId: 'globex' }));
      await store.addUsage?.([
        used({ roomId: 'gone', at: at(0) }),
        used({ roomId: 'gone', at: at(1), agentId: 'other' }),
        used({ roomId: 'stays', at: at(2) }),
        used({ roomId: 'globex-1', at: at(3) }),
        used({ roomId: 'unknown', at: at(3) }),
      ]);
      const counted = async (query: UsageQuery): Promise<number> => (await total(store, query)).generations;
      assert.equal(await counted({}), 4, 'of a room that is not there nothing is kept');
      assert.equal(await counted({ roomId: 'gone' }), 2);
      assert.equal(await counted({ roomId: 'unknown' }), 0);
      assert.equal(await counted({ agentId: 'agent' }), 3);
      assert.equal(await counted({ roomId: 'gone', agentId: 'agent' }), 1);
      assert.equal(await counted({ organizationId: 'acme' }), 3);
      assert.equal(await counted({ organizationId: 'acme', roomId: 'globex-1' }), 0);
      assert.equal(await counted({ from: at(1) }), 3, 'from is inclusive');
      assert.equal(await counted({ to: at(1) }), 1, 'to is exclusive');
      assert.equal(await counted({ from: at(1), to: at(3), organizationId: 'acme', agentId: 'agent' }), 1);
      await store.deleteRoom('gone');
      assert.equal(await counted({}), 2, 'it goes with its room');
      assert.equal(await counted({ roomId: 'gone' }), 0);
      await store.createRoom(room('gone'));
      assert.equal(await counted({ roomId: 'gone' }), 0);
    },
  },
]);

function used(fields: Partial<UsageRecord> = {}): UsageRecord {
  return {
    roomId: 'room',
    turnId: 't1',
    agentId: 'agent',
    provider: 'vendor',
    model: 'small',
    tokens: { input_tokens: 1 },
    ms: 1,
    at: at(),
    ...fields,
  };
}

async function sum(store: ConversationStore, query: UsageQuery): Promise<readonly UsageSum[]> {
  return (await store.sumUsage?.(query)) ?? [];
}

async function total(store: ConversationStore, query: UsageQuery): Promise<{ generations: number }> {
  return { generations: (await sum(store, query)).reduce((count, { generations }) => count + generations, 0) };
}
