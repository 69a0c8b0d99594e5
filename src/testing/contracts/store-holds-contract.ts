/** Messages on hold, and the end of a store. */
import assert from 'node:assert/strict';
import { givesItsOwn, vandalize } from './contract.js';
import { at, fullHeld, held } from './samples.js';
import { ids, openRoom, storeCases } from './store-case.js';

export const holdCases = storeCases([
  {
    name: 'keeps every field of a held message, and owns it',
    rules: ['STO-07', 'STO-06'],
    test: async (store) => {
      const given = fullHeld('h1');
      const holding = store.holdMessage(given, 5);
      vandalize(given);
      await holding;
      await givesItsOwn(() => store.listHeld('edit', 'sms:external', at()));
      assert.deepEqual(await store.listHeld('edit', 'sms:external', at()), [fullHeld('h1')]);
    },
  },
  {
    name: 'holds messages in the order they came, until they are dropped or expire',
    rules: ['IDN-11', 'EDT-06'],
    test: async (store) => {
      for (const id of ['z', 'a', 'm']) await store.holdMessage(held(id), 5);
      await store.holdMessage(held('brief', { expiresAt: at(10) }), 5);
      await store.holdMessage(held('edit', { kind: 'edit' }), 5);
      await store.holdMessage(held('grace', { key: 'grace' }), 5);
      const listed = async (now: string, key = 'ada', kind: 'challenge' | 'edit' = 'challenge'): Promise<string[]> =>
        ids(await store.listHeld(kind, key, now));
      assert.deepEqual(await listed(at(9)), ['z', 'a', 'm', 'brief']);
      assert.deepEqual(await listed(at(10)), ['z', 'a', 'm'], 'expired exactly then');
      assert.deepEqual(await listed(at(60)), []);
      assert.deepEqual([await listed(at(), 'grace'), await listed(at(), 'ada', 'edit'), await listed(at(), 'nobody')], [['grace'], ['edit'], []]);
      assert.deepEqual(await listed(at(9)), ['z', 'a', 'm', 'brief'], 'looking takes nothing');
      await store.dropHeld([]);
      await store.dropHeld(['unknown']);
      const unwanted = ['a', 'edit', 'unknown'];
      const dropping = store.dropHeld(unwanted);
      vandalize(unwanted);
      await dropping;
      assert.deepEqual([await listed(at()), await listed(at(), 'ada', 'edit'), await listed(at(), 'grace')], [['z', 'm', 'brief'], [], ['grace']]);
      await store.dropHeld(['a', 'z', 'm', 'brief']);
      assert.deepEqual(await listed(at()), []);
      await store.holdMessage(held('z'), 5);
      assert.deepEqual(await listed(at()), ['z']);
    },
  },
  {
    name: 'holds no more of one kind and key than it was told: the oldest go',
    rules: ['IDN-11'],
    test: async (store) => {
      for (let n = 0; n < 5; n++) await store.holdMessage(held(`h${n}`), 3);
      await store.holdMessage(held('other', { key: 'grace' }), 3);
      await store.holdMessage(held('edit', { kind: 'edit' }), 3);
      assert.deepEqual(ids(await store.listHeld('challenge', 'ada', at())), ['h2', 'h3', 'h4']);
      assert.deepEqual(ids(await store.listHeld('challenge', 'grace', at())), ['other']);
      assert.deepEqual(ids(await store.listHeld('edit', 'ada', at())), ['edit']);
      await store.dropHeld(['h0']);
      assert.deepEqual(ids(await store.listHeld('challenge', 'ada', at())), ['h2', 'h3', 'h4']);
    },
  },
  {
    name: 'keeps what is held for no room, or for another one, when a room is deleted',
    rules: ['STO-10'],
    test: async (store) => {
      await openRoom(store, 'one');
      await openRoom(store, 'two');
      await store.holdMessage(held('h1', { roomId: 'one' }), 5);
      await store.holdMessage(held('h2', { roomId: 'two' }), 5);
      await store.holdMessage(held('h3'), 5);
      await store.deleteRoom('one');
      assert.deepEqual(ids(await store.listHeld('challenge', 'ada', at())), ['h2', 'h3']);
    },
  },
  {
    name: 'closes once, and again without effect',
    rules: ['KIT-04'],
    test: async (store) => {
      await openRoom(store);
      await store.close();
      await store.close();
    },
  },
]);
