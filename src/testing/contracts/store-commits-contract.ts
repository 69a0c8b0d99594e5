/** The commit: the one way a timeline grows, all of it or nothing. */
import assert from 'node:assert/strict';
import type { ConversationStore, EventCommit } from '../../core/store/store.js';
import { refused, settled, vandalize } from './contract.js';
import { at, binding, CONTENTS, draft, fullBinding, fullEvent, fullParticipant, held, participant, room, row, turn } from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

export const commitCases = storeCases([
  {
    name: 'gives events their indexes from 0 and moves the counters on in the same step',
    rules: ['STO-01', 'STO-02'],
    test: async (store) => {
      const before = await openRoom(store);
      for (let n = 0; n < 5; n++) {
        const { event, state, duplicate, target } = await say(store, 'room', `e${n}`, { createdAt: at(n) });
        assert.deepEqual({ ...event }, { ...draft('room', `e${n}`), index: n, createdAt: at(n) });
        assert.equal(duplicate, false);
        assert.equal(target, undefined);
        const wanted = { ...before, latestIndex: n, eventCount: n + 1, version: before.version + n + 1, updatedAt: at(n) };
        assert.deepEqual(state.room, wanted);
        assert.deepEqual(await store.getRoom('room'), wanted);
        assert.deepEqual(await store.getEvent('room', `e${n}`), event);
        assert.equal(await store.countEvents('room'), n + 1);
      }
      await openRoom(store, 'other');
      assert.equal((await say(store, 'other', 'o0')).event.index, 0, 'each room counts for itself');
      assert.equal(await store.getEvent('other', 'e0'), null, 'an event is found in its own room only');
      assert.equal(await store.getEvent('room', 'unknown'), null);
    },
  },
  {
    name: 'keeps every field of an event, and every kind of content',
    rules: ['STO-07'],
    test: async (store) => {
      await openRoom(store);
      const { event } = await store.commitEvent({ event: fullEvent('room', 'full') });
      const full = { ...fullEvent('room', 'full'), index: 0 };
      assert.deepEqual({ ...event }, full);
      assert.deepEqual({ ...(await store.getEvent('room', 'full')) }, full);
      assert.deepEqual(await store.listEvents('room'), [event]);
      for (const [n, content] of CONTENTS.entries()) {
        await say(store, 'room', `c${n}`, { content: structuredClone(content) });
        assert.deepEqual((await store.getEvent('room', `c${n}`))?.content, content);
      }
      assert.deepEqual(
        (await store.listEvents('room', { afterIndex: 0 })).map(({ content }) => content),
        CONTENTS,
      );
    },
  },
  {
    name: 'gives out frozen events: nobody changes them from outside',
    rules: ['STO-06'],
    test: async (store) => {
      await openRoom(store);
      const { event } = await store.commitEvent({ event: fullEvent('room', 'full') });
      const full = { ...fullEvent('room', 'full'), index: 0 };
      for (const given of [
        event,
        await store.getEvent('room', 'full'),
        ...(await store.listEvents('room')),
        await store.getEventByIdempotencyKey('key-full', { roomId: 'room' }),
        await store.getEventByIdempotencyKey('key-full', { channelId: 'sms' }),
        await store.getEventByExternalId('sms', 'external-full'),
        (await store.commitEvent({ event: fullEvent('room', 'full') })).event,
      ]) {
        vandalize(given);
        assert.deepEqual({ ...given }, full, 'what was given out is frozen to the bottom');
        assert.deepEqual({ ...(await store.getEvent('room', 'full')) }, full);
      }
      const changed = { ...event, content: { type: 'text', body: 'changed' } as const, metadata: { deep: { a: [1] } } };
      const updating = store.updateEvent(changed);
      vandalize(changed.metadata);
      vandalize(await updating);
      assert.deepEqual((await store.getEvent('room', 'full'))?.metadata, { deep: { a: [1] } });
      const effect = { eventId: 'full', content: { type: 'text', body: 'edited' } as const, metadata: { edited: { by: ['ada'] } } };
      const editing = say(store, 'room', 'edit', {}, { target: effect });
      vandalize(effect);
      vandalize((await editing).target);
      const target = await store.getEvent('room', 'full');
      assert.deepEqual([target?.content, target?.metadata['edited']], [{ type: 'text', body: 'edited' }, { by: ['ada'] }]);
    },
  },
  {
    name: 'answers a key it knows with the earlier event, and stores nothing of the second commit',
    rules: ['STO-01', 'STO-03'],
    test: async (store) => {
      await openRoom(store);
      const first = await say(store, 'room', 'e1', { idempotencyKey: 'key' });
      await say(store, 'room', 'asking', {}, { turns: [turn('room', 'open', 'helper')] });
      const before = await everything(store);
      const again = await say(
        store,
        'room',
        'e2',
        { idempotencyKey: 'key', content: { type: 'text', body: 'second' } },
        { ...full('e2'), target: { eventId: 'e1', metadata: { edited: true } } },
      );
      assert.equal(again.duplicate, true);
      assert.deepEqual({ ...again.event }, { ...first.event });
      assert.deepEqual(again.state, await store.loadRoom('room'));
      assert.deepEqual(await everything(store), before);
      await openRoom(store, 'other');
      const elsewhere = await say(store, 'other', 'e3', { idempotencyKey: 'key' });
      assert.deepEqual([elsewhere.duplicate, elsewhere.event.id], [false, 'e3'], 'keys are unique in a room');
      assert.equal((await say(store, 'room', 'e4')).duplicate, false);
      assert.equal((await say(store, 'room', 'e5')).duplicate, false, 'events without a key are all different');
    },
  },
  {
    name: 'makes one event of many commits with one key at once',
    rules: ['STO-03'],
    test: async (store) => {
      await openRoom(store);
      const { values } = await settled(Array.from({ length: 12 }, (_, n) => () => say(store, 'room', `e${n}`, { idempotencyKey: 'key' })));
      assert.equal(values.length, 12);
      assert.equal(values.filter(({ duplicate }) => !duplicate).length, 1);
      assert.equal(new Set(values.map(({ event }) => event.id)).size, 1, 'all get the same event');
      assert.equal(await store.countEvents('room'), 1);
    },
  },
  {
    name: 'finds the event of a key in a room, and the newest in any room of a channel',
    rules: ['INB-08'],
    test: async (store) => {
      for (const id of ['one', 'two', 'three']) await openRoom(store, id);
      await say(store, 'one', 'e1', { idempotencyKey: 'key', source: { ...draft('one', 'x').source, externalId: 'ext' } });
      await say(store, 'two', 'e2', { idempotencyKey: 'key', source: { ...draft('two', 'x').source, externalId: 'ext' } });
      await say(store, 'three', 'e3', { idempotencyKey: 'key', source: { ...draft('three', 'x').source, channelId: 'mail', externalId: 'ext' } });
      const byKey = async (where: { roomId: string } | { channelId: string }): Promise<string | undefined> =>
        (await store.getEventByIdempotencyKey('key', where))?.id;
      assert.equal(await byKey({ roomId: 'one' }), 'e1');
      assert.equal(await byKey({ roomId: 'nowhere' }), undefined);
      assert.equal(await byKey({ channelId: 'sms' }), 'e2');
      assert.equal(await byKey({ channelId: 'mail' }), 'e3');
      assert.equal(await byKey({ channelId: 'none' }), undefined);
      assert.equal(await store.getEventByIdempotencyKey('other', { roomId: 'one' }), null);
      assert.equal((await store.getEventByExternalId('sms', 'ext'))?.id, 'e2');
      assert.equal((await store.getEventByExternalId('mail', 'ext'))?.id, 'e3');
      assert.equal(await store.getEventByExternalId('sms', 'other'), null);
      await store.deleteRoom('two');
      assert.equal(await byKey({ channelId: 'sms' }), 'e1', 'without the newest, the one before it');
      assert.equal((await store.getEventByExternalId('sms', 'ext'))?.id, 'e1');
      await store.deleteEvent('one', 'e1');
      assert.equal(await byKey({ channelId: 'sms' }), undefined);
      assert.equal(await byKey({ roomId: 'one' }), undefined);
      assert.equal(await store.getEventByExternalId('sms', 'ext'), null);
      const anew = await say(store, 'one', 'e4', { idempotencyKey: 'key' });
      assert.equal(anew.duplicate, false, 'a key lives as long as its event');
    },
  },
  {
    name: 'keeps keys, addresses and ids apart that differ in the oddest character only',
    rules: ['STO-03', 'STO-07'],
    test: async (store) => {
      await openRoom(store, 'plain');
      for (const [n, odd] of ODD_TEXTS.entries()) {
        const fields = { idempotencyKey: odd, source: { ...draft('plain', 'x').source, externalId: odd } };
        const { event, duplicate } = await say(store, 'plain', `e${n}`, fields, { outbox: [row('plain', `e${n}`, 'mail')] });
        assert.equal(duplicate, false, `${JSON.stringify(odd)} is a key of its own`);
        assert.deepEqual([event.idempotencyKey, event.source.externalId], [odd, odd]);
        assert.equal((await store.createRoomOnce(odd, room(`room-${n}`), 60)).created, true, `${JSON.stringify(odd)} is a room of its own`);
        await store.putBinding(binding(`room-${n}`, 'sms', { address: odd }));
        await store.putParticipant(participant(`room-${n}`, `p${n}`, { externalId: odd }));
        await store.createIdentity({ id: `identity-${n}`, channelAddresses: { sms: [odd] } });
        await store.updateRow(`e${n}>mail`, { provider: 'vendor', providerMessageId: odd });
        await store.holdMessage(held(`h${n}`, { key: odd }), 5);
      }
      const route = { channelId: 'sms', channelType: 'sms', senderId: 'nobody', address: 'nowhere' } as const;
      for (const [n, odd] of ODD_TEXTS.entries()) {
        assert.equal((await store.getEventByIdempotencyKey(odd, { roomId: 'plain' }))?.id, `e${n}`);
        assert.equal((await store.getEventByIdempotencyKey(odd, { channelId: 'sms' }))?.idempotencyKey, odd);
        assert.equal((await store.getEventByExternalId('sms', odd))?.id, `e${n}`);
        assert.equal((await store.createRoomOnce(odd, room('another'), 60)).room.id, `room-${n}`);
        assert.deepEqual(
          (await store.findRoute({ ...route, address: odd })).addressed.map(({ roomId }) => roomId),
          [`room-${n}`],
        );
        assert.deepEqual(
          (await store.findRoute({ ...route, senderId: odd })).participating.map(({ roomId }) => roomId),
          [`room-${n}`],
        );
        assert.equal((await store.findLatestRoom({ participantId: odd }))?.id, `room-${n}`);
        assert.equal((await store.getBinding(`room-${n}`, 'sms'))?.address, odd);
        assert.equal((await store.resolveIdentity({ channelType: 'sms', address: odd }))?.id, `identity-${n}`);
        assert.equal((await store.findRowByProviderMessage('vendor', odd))?.id, `e${n}>mail`);
        assert.deepEqual(ids(await store.listHeld('challenge', odd, at())), [`h${n}`]);
      }
      for (const [n, odd] of ODD_TEXTS.entries()) {
        await openRoom(store, `only-${n}`);
        await store.putBinding(binding(`only-${n}`, `channel-${n}`, { address: odd }));
        assert.deepEqual((await store.findRoute({ ...route, channelId: `channel-${n}` })).bound, [
          { roomId: `only-${n}`, createdAt: at(), address: odd },
        ]);
      }
    },
  },
  {
    name: 'refuses a commit to a room that is not there',
    rules: ['STO-01'],
    test: async (store) => {
      await refused(() => say(store, 'nowhere', 'e1', { idempotencyKey: 'key' }, full('e1', 'nowhere')), 'room_not_found');
      assert.equal(await store.getEventByIdempotencyKey('key', { channelId: 'sms' }), null);
      assert.equal(await store.getRow('e1>mail'), null);
      assert.equal(await store.getTurn('turn-of-e1'), null);
    },
  },
  {
    name: 'stores binding, participant, rows, turns, room and target with the event',
    rules: ['STO-01', 'STO-07'],
    test: async (store) => {
      await openRoom(store, 'room', { timers: { inactiveAfterSeconds: 60 } });
      await say(store, 'room', 'e0', { metadata: { a: 1, b: 1 } });
      const result = await say(
        store,
        'room',
        'e1',
        {},
        {
          binding: fullBinding('room', 'mail'),
          participant: fullParticipant('room', 'ada'),
          outbox: [row('room', 'e1', 'sms'), row('room', 'e1', 'mail')],
          turns: [turn('room', 't1', 'helper')],
          roomPatch: { status: 'paused', lastActivityAt: at(9), closedAt: at(8), metadata: { topic: 'x' } },
          target: { eventId: 'e0', content: { type: 'text', body: 'edited' }, metadata: { b: 2, edited: true } },
        },
      );
      assert.equal(result.event.index, 1);
      assert.deepEqual(result.state.bindings, [fullBinding('room', 'mail')]);
      assert.deepEqual(result.state.participants, [fullParticipant('room', 'ada')]);
      assert.deepEqual(result.state, await store.loadRoom('room'));
      const { status, timers, closedAt, metadata } = (await store.getRoom('room')) ?? {};
      assert.deepEqual(
        { status, timers, closedAt, metadata },
        {
          status: 'paused',
          timers: { inactiveAfterSeconds: 60, lastActivityAt: at(9) },
          closedAt: at(8),
          metadata: { topic: 'x' },
        },
      );
      assert.deepEqual(await store.getBinding('room', 'mail'), fullBinding('room', 'mail'));
      assert.deepEqual(await store.getParticipant('room', 'ada'), fullParticipant('room', 'ada'));
      assert.deepEqual(
        (await store.listRows({ eventId: 'e1' })).map(({ channelId, eventIndex }) => [channelId, eventIndex]).sort(),
        [
          ['mail', 1],
          ['sms', 1],
        ],
        'rows get the index of their event',
      );
      assert.equal((await store.getTurn('t1'))?.triggerIndex, 1);
      assert.deepEqual(result.target?.content, { type: 'text', body: 'edited' });
      assert.deepEqual(result.target.metadata, { a: 1, b: 2, edited: true });
      assert.deepEqual(result.target, await store.getEvent('room', 'e0'));
      assert.deepEqual(await store.listEvents('room'), [result.target, result.event]);
    },
  },
  {
    name: 'takes back what a commit had set: closing, metadata, a binding',
    rules: ['STO-01'],
    test: async (store) => {
      await openRoom(store, 'room', { closedAt: at(5), status: 'closed', metadata: { keep: 1, drop: 1 } });
      await store.putBinding(binding('room', 'sms'));
      await store.putBinding(binding('room', 'mail'));
      const { state } = await say(
        store,
        'room',
        'e1',
        {},
        { removeBinding: 'sms', roomPatch: { status: 'active', closedAt: null, metadata: { drop: undefined, add: 2 } } },
      );
      const now = await store.getRoom('room');
      assert.equal(now?.status, 'active');
      assert.equal('closedAt' in now, false);
      assert.deepEqual(now.metadata, { keep: 1, add: 2 });
      assert.deepEqual(ids(state.bindings.map(({ channelId }) => ({ id: channelId }))), ['mail']);
      assert.equal(await store.getBinding('room', 'sms'), null);
      await say(store, 'room', 'e2', {}, { removeBinding: 'nobody' });
      assert.deepEqual(await store.listBindings('room'), [binding('room', 'mail')]);
    },
  },
  {
    name: 'changes the target of an edit or delete, and goes on without one that is gone',
    rules: ['EDT-04'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      await say(store, 'room', 'e0', { metadata: { a: 1 } });
      await say(store, 'other', 'foreign');
      const deleted = await say(store, 'room', 'e1', {}, { target: { eventId: 'e0', metadata: { deleted: true } } });
      assert.deepEqual(
        { ...deleted.target },
        { ...draft('room', 'e0'), index: 0, metadata: { a: 1, deleted: true } },
        'without content it keeps its own',
      );
      const missing = await say(store, 'room', 'e2', {}, { target: { eventId: 'gone', metadata: { deleted: true } } });
      assert.equal(missing.target, undefined);
      const foreign = await say(store, 'room', 'e3', {}, { target: { eventId: 'foreign', metadata: { deleted: true } } });
      assert.equal(foreign.target, undefined, 'a commit reaches into no other room');
      assert.deepEqual((await store.getEvent('other', 'foreign'))?.metadata, {});
      assert.equal(await store.countEvents('room'), 4);
    },
  },
  {
    name: 'commits only on the version and the latest event it was told to expect',
    rules: ['LOCK-07'],
    test: async (store) => {
      const { version } = await openRoom(store);
      await say(store, 'room', 'e0', {}, { expectedVersion: version, expectedLatestIndex: -1 });
      await say(store, 'room', 'open', {}, { turns: [turn('room', 'open', 'helper')] });
      const before = await everything(store);
      for (const expected of [
        { expectedVersion: version },
        { expectedVersion: version + 9 },
        { expectedLatestIndex: 0 },
        { expectedLatestIndex: 2 },
        { expectedVersion: version + 2, expectedLatestIndex: 0 },
      ]) {
        await refused(() => say(store, 'room', 'e2', { idempotencyKey: 'key' }, { ...full('e2'), ...expected }), 'conflict');
        assert.deepEqual(await everything(store), before, 'a refused commit leaves nothing behind');
      }
      const { event } = await say(store, 'room', 'e2', { idempotencyKey: 'key' }, { expectedVersion: version + 2, expectedLatestIndex: 1 });
      assert.equal(event.index, 2);
      const { values, errors } = await settled(
        Array.from({ length: 10 }, (_, n) => () => say(store, 'room', `r${n}`, {}, { expectedLatestIndex: 2 })),
      );
      assert.deepEqual([values.length, errors.length], [1, 9], 'of ten that expect the same, one commits');
      assert.equal(await store.countEvents('room'), 4);
    },
  },
  {
    name: 'remembers rooms without asking, if it does so at all: those it has seen, and what its own commits have made of them',
    rules: ['STO-18'],
    test: async (store) => {
      if (store.knownRoom === undefined) return;
      assert.equal(store.knownRoom('room'), null, 'a room that it has not seen');
      await openRoom(store);
      await store.loadRoom('room');
      await say(store, 'room', 'e0');
      await say(store, 'room', 'attached', {}, { binding: binding('room', 'mail') });
      const known = store.knownRoom('room');
      assert.deepEqual(known, await store.loadRoom('room'));
      assert.equal(typeof known?.revision, 'number', 'a commit can find out whether it still holds');
      await store.deleteRoom('room');
      assert.equal(await store.loadRoom('room'), null);
      assert.equal(store.knownRoom('room'), null, 'a room that it has not found any more');
    },
  },
  {
    name: 'commits only on the revision it was told to expect: counters may have moved on, nothing else',
    rules: ['STO-18'],
    test: async (store) => {
      await openRoom(store);
      const revision = async (): Promise<number | undefined> => (await store.loadRoom('room'))?.revision;
      const expected = async (): Promise<{ expectedRevision: number }> => ({ expectedRevision: (await revision()) ?? -1 });
      if ((await revision()) === undefined) {
        assert.equal(store.shared, false, 'a store that is shared gives revisions');
        return;
      }
      const first = await expected();
      await say(store, 'room', 'e0', {}, first);
      await say(store, 'room', 'e1', {}, first);
      await store.deleteEvent('room', 'e1');
      assert.deepEqual(await expected(), first, 'counters are no change');
      const changes: readonly [what: string, change: () => unknown][] = [
        ['metadata', () => store.patchRoomMetadata('room', { n: 1 })],
        [
          'the room itself',
          async () => {
            const room = await store.getRoom('room');
            if (room !== null) await store.updateRoom({ ...room, status: 'paused' });
          },
        ],
        ['a binding', () => store.putBinding(binding('room', 'sms', { muted: true }))],
        ['an attached channel', () => say(store, 'room', 'attached', {}, { binding: binding('room', 'mail') })],
        ['a detached channel', () => say(store, 'room', 'detached', {}, { removeBinding: 'mail' })],
        ['a participant', () => store.putParticipant(participant('room', 'ada'))],
        ['somebody who joined', () => say(store, 'room', 'joined', {}, { participant: participant('room', 'grace') })],
        ['a closed room', () => say(store, 'room', 'closed', {}, { roomPatch: { status: 'closed' } })],
      ];
      for (const [what, change] of changes) {
        const before = await expected();
        await change();
        const stored = await everything(store);
        await refused(() => say(store, 'room', `late-${what}`, { idempotencyKey: 'key' }, { ...full('late'), ...before }), 'conflict');
        assert.deepEqual(await everything(store), stored, `after ${what} nothing is stored of a commit that does not know of it`);
        await say(store, 'room', `e-${what}`, { idempotencyKey: what }, await expected());
        const again = await say(store, 'room', `again-${what}`, { idempotencyKey: what }, before);
        assert.equal(again.duplicate, true, 'what is stored already answers, whatever was expected');
      }
      const old = await expected();
      await store.deleteRoom('room');
      await openRoom(store);
      await refused(() => say(store, 'room', 'e0', {}, old), 'conflict');
      assert.equal((await store.getRoom('room'))?.latestIndex, -1);
    },
  },
  {
    name: 'reads a room together with the event of a key',
    rules: ['STO-18', 'INB-08'],
    test: async (store) => {
      await openRoom(store, 'other');
      await say(store, 'other', 'there', { idempotencyKey: 'key' });
      assert.equal(await store.loadArrival('room', 'key'), null);
      await openRoom(store);
      for (const key of ['key', 'ke', '', '\u0000key', undefined]) {
        assert.deepEqual(await store.loadArrival('room', key), { state: await store.loadRoom('room'), earlier: null });
      }
      const { event } = await say(store, 'room', 'e0', { idempotencyKey: 'key' });
      await say(store, 'room', 'e1');
      const found = await store.loadArrival('room', 'key');
      assert.deepEqual(found?.earlier, event);
      assert.equal(found?.state, await store.loadRoom('room'), 'the same snapshot');
      assert.equal((await store.loadArrival('room'))?.earlier, null);
    },
  },
  {
    name: 'refuses a fencing token lower than one it has seen, for every write of the room',
    rules: ['STO-01'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      await say(store, 'room', 'e0', {}, { fencingToken: 5 });
      await say(store, 'room', 'e1', {}, { fencingToken: 5 });
      await say(store, 'room', 'e2', {}, { fencingToken: 7 });
      const now = await store.getRoom('room');
      const event = await store.getEvent('room', 'e0');
      assert.ok(now);
      assert.ok(event);
      const before = await everything(store);
      const old = { fencingToken: 6 };
      for (const write of [
        () => say(store, 'room', 'late', {}, { ...full('late'), ...old }),
        () => store.updateRoom({ ...now, status: 'closed' }, old),
        () => store.patchRoomMetadata('room', { late: true }, old),
        () => store.updateEvent({ ...event, metadata: { late: true } }, old),
        () => store.deleteEvent('room', 'e0', old),
        () => store.putBinding(binding('room', 'sms'), old),
        () => store.putParticipant(participant('room', 'ada'), old),
      ]) {
        await refused(write, 'fenced');
        assert.deepEqual(await everything(store), before, 'a fenced writer leaves nothing behind');
      }
      await say(store, 'room', 'e3');
      await say(store, 'other', 'o0', {}, { fencingToken: 1 });
      await store.patchRoomMetadata('room', { a: 1 }, { fencingToken: 7 });
      await store.putBinding(binding('room', 'sms'), { fencingToken: 8 });
      await refused(() => say(store, 'room', 'late', {}, { fencingToken: 7 }), 'fenced');
      const { event: last } = await say(store, 'room', 'e4', {}, { fencingToken: 8 });
      assert.equal(last.index, 4);
    },
  },
  {
    name: 'stays gapless under many writers of many rooms at once',
    rules: ['STO-02', 'STO-03', 'INV-01'],
    test: async (store) => {
      const rooms = ['a', 'b', 'c'];
      const answered = new Map(rooms.map((roomId) => [roomId, new Map<string, number>()]));
      for (const roomId of rooms) await openRoom(store, roomId);
      const writers = Array.from({ length: 12 }, (_, writer) => async () => {
        for (let n = 0; n < 10; n++) {
          const roomId = rooms[(writer + n) % rooms.length] ?? 'a';
          const id = `${writer}-${n}`;
          const key = n % 3 === 0 ? { idempotencyKey: `key-${writer % 4}-${n}` } : {};
          if (n % 5 === 4) await store.patchRoomMetadata(roomId, { [id]: true });
          const { event } = await say(store, roomId, id, key, {
            ...(n % 2 === 0 && { outbox: [row(roomId, id, 'mail')] }),
            ...(n % 4 === 0 && { binding: binding(roomId, `channel-${writer}`) }),
          });
          answered.get(roomId)?.set(event.id, event.index);
        }
      });
      const { errors } = await settled(writers);
      assert.deepEqual(errors, []);
      for (const roomId of rooms) {
        const events = await store.listEvents(roomId);
        assert.deepEqual(
          events.map(({ index }) => index),
          events.map((_, position) => position),
        );
        assert.deepEqual(
          new Map(events.map(({ id, index }) => [id, index])),
          new Map([...(answered.get(roomId) ?? [])].sort(([, a], [, b]) => a - b)),
          'exactly what was answered is there',
        );
        const now = await store.getRoom(roomId);
        assert.deepEqual([now?.latestIndex, now?.eventCount], [events.length - 1, events.length]);
        const keys = events.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
        assert.equal(new Set(keys).size, keys.length, 'no key twice');
        for (const { eventId, eventIndex } of await store.listRows({ roomId }))
          assert.equal((await store.getEvent(roomId, eventId))?.index, eventIndex);
      }
    },
  },
]);

/** Alike for whoever cuts, folds, trims, normalises or converts texts. */
const ODD_TEXTS: readonly string[] = [
  ...['', 'a', 'A', 'a ', ' a', 'a\u0000', 'a\u0000b', 'a\u0000c', '\u0000', '\u0001', 'a\u0001', 'a\u00010000', 'a\u00010000b'],
  ...['\ud800', '\ud801', 'x\udc00', '\ufffd', '😀', 'é', 'e\u0301', 'ß', 'ss', '\u2028', '\n', '\r\n', "'", '"', '%', '_', '1', '01', '1.0', 'null'],
  'x'.repeat(1000),
  `${'x'.repeat(1000)}y`,
];

/** All that can come with a commit; `open` is a turn that it would complete. */
function full(eventId: string, roomId = 'room'): Omit<EventCommit, 'event'> {
  return {
    binding: binding(roomId, 'new'),
    participant: participant(roomId, 'new'),
    outbox: [row(roomId, eventId, 'mail')],
    turns: [turn(roomId, `turn-of-${eventId}`, 'helper')],
    roomPatch: { status: 'closed', metadata: { changed: true } },
    completesTurn: { turnId: 'open', state: 'committed', endReason: 'completed', replyEventIds: [eventId], usage: {} },
  };
}

/** What a commit to the room could have changed. */
async function everything(store: ConversationStore): Promise<unknown> {
  return {
    state: await store.loadRoom('room'),
    room: await store.getRoom('room'),
    events: await store.listEvents('room'),
    count: await store.countEvents('room'),
    bindings: await store.listBindings('room'),
    participants: await store.listParticipants('room'),
    rows: await store.listRows({ roomId: 'room' }),
    turns: await store.listTurns({ roomId: 'room' }),
    key: await store.getEventByIdempotencyKey('key', { roomId: 'room' }),
  };
}
