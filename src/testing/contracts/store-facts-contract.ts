/** Facts: what belongs to no room. For stores that keep them. */
import assert from 'node:assert/strict';
import { givesItsOwn, vandalize } from './contract.js';
import { openRoom, storeCases } from './store-case.js';

export const factCases = storeCases([
  {
    name: 'keeps facts under their keys until they are replaced or forgotten, and owns them',
    rules: ['STO-15', 'STO-06'],
    test: async (store) => {
      if (store.getFact === undefined) return;
      assert.equal(await store.getFact('opt_out:+1'), null);
      const given = { at: '2026-01-01T00:00:00.000Z', nested: { words: ['stop', 'ünd \u0000 \ud83d\ude00'] }, none: null };
      const expected = structuredClone(given);
      const keeping = store.putFact?.('opt_out:+1', given);
      vandalize(given);
      await keeping;
      assert.deepEqual(await store.getFact('opt_out:+1'), expected);
      await givesItsOwn(() => store.getFact?.('opt_out:+1'));
      await store.putFact?.('opt_out:+1', { other: true });
      assert.deepEqual(await store.getFact('opt_out:+1'), { other: true }, 'replaced as a whole');
      await store.putFact?.('opt_out:+2', {});
      assert.deepEqual(await store.getFact('opt_out:+2'), {}, 'an empty fact is a fact');
      await store.putFact?.('opt_out:+1', null);
      await store.putFact?.('unknown', null);
      assert.deepEqual([await store.getFact('opt_out:+1'), await store.getFact('opt_out:+2')], [null, {}]);
    },
  },
  {
    name: 'lists facts by what their keys begin with, in order, page by page, whatever the keys are',
    rules: ['STO-15', 'STO-03'],
    test: async (store) => {
      if (store.listFacts === undefined) return;
      const keys = ['b:2', 'a:1', 'b:', 'b:1', 'b', 'c:1', 'b:\u0000', 'b:%', 'B:1', 'b:ü'];
      for (const key of keys) await store.putFact?.(key, { key });
      const listed = async (query: { prefix: string; after?: string; limit?: number }): Promise<string[]> =>
        ((await store.listFacts?.(query)) ?? []).map(({ key, fact }) => (assert.deepEqual(fact, { key }), key));
      assert.deepEqual(await listed({ prefix: 'a' }), ['a:1']);
      assert.deepEqual((await listed({ prefix: 'b:' })).sort(), ['b:', 'b:\u0000', 'b:%', 'b:1', 'b:2', 'b:ü'].sort());
      assert.deepEqual((await listed({ prefix: '' })).length, keys.length);
      assert.deepEqual(await listed({ prefix: 'd' }), []);
      const all = await listed({ prefix: 'b:' });
      assert.deepEqual(await listed({ prefix: 'b:', limit: 2 }), all.slice(0, 2));
      const after = all[1] ?? '';
      assert.deepEqual(await listed({ prefix: 'b:', after, limit: 3 }), all.slice(2, 5));
      assert.deepEqual(await listed({ prefix: 'b:', after: all.at(-1) ?? '' }), []);
      assert.ok(all.indexOf('b:1') < all.indexOf('b:2'));
      await givesItsOwn(() => store.listFacts?.({ prefix: 'b:' }));
    },
  },
  {
    name: 'keeps facts when a room is deleted: they belong to none',
    rules: ['STO-15', 'STO-10'],
    test: async (store) => {
      if (store.getFact === undefined) return;
      await openRoom(store);
      await store.putFact?.('room', { kept: true });
      await store.deleteRoom('room');
      assert.deepEqual(await store.getFact('room'), { kept: true });
    },
  },
]);
