/** Rooms: kept whole, changed by who owns what, found again. */
import assert from 'node:assert/strict';
import type { ConversationStore } from '../../core/store/store.js';
import { givesItsOwn, refused, settled, vandalize } from './contract.js';
import { approval, at, binding, fullRoom, participant, room, row, source, turn } from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

export const roomCases = storeCases([
  {
    name: 'keeps every field of a room',
    rules: ['STO-07'],
    test: async (store) => {
      const full = fullRoom('full');
      const plain = room('plain');
      assert.deepEqual(await store.createRoom(fullRoom('full')), full);
      assert.deepEqual(await store.createRoom(plain), plain);
      assert.deepEqual(await store.getRoom('full'), full);
      assert.deepEqual(await store.getRoom('plain'), plain);
      assert.deepEqual((await store.loadRoom('full'))?.room, full);
      assert.deepEqual(await store.findRooms({ organizationId: 'org' }), [full]);
    },
  },
  {
    name: 'refuses a second room with the same id, and keeps the first',
    rules: ['STO-03'],
    test: async (store) => {
      await openRoom(store, 'room', { metadata: { first: true } });
      await say(store, 'room', 'e1');
      await refused(() => store.createRoom(room('room', { metadata: { second: true } })), 'room_exists');
      assert.deepEqual((await store.getRoom('room'))?.metadata, { first: true });
      assert.equal(await store.countEvents('room'), 1);
      const { values, errors } = await settled(Array.from({ length: 8 }, (_, n) => () => store.createRoom(room('raced', { metadata: { n } }))));
      assert.equal(values.length, 1, 'of eight creations at once, one succeeds');
      assert.equal(errors.length, 7);
      assert.deepEqual((await store.getRoom('raced'))?.metadata, values[0]?.metadata);
    },
  },
  {
    name: 'knows nothing of a room that is not there',
    rules: ['STO-01'],
    test: async (store) => {
      assert.equal(await store.getRoom('nowhere'), null);
      assert.equal(await store.loadRoom('nowhere'), null);
      assert.equal(await store.deleteRoom('nowhere'), false);
      assert.equal(await store.getEvent('nowhere', 'e'), null);
      assert.deepEqual(await store.listEvents('nowhere'), []);
      assert.equal(await store.countEvents('nowhere'), 0);
      assert.equal(await store.getBinding('nowhere', 'sms'), null);
      assert.deepEqual(await store.listBindings('nowhere'), []);
      assert.equal(await store.getParticipant('nowhere', 'ada'), null);
      assert.deepEqual(await store.listParticipants('nowhere'), []);
      assert.deepEqual(await store.listTasks('nowhere'), []);
      assert.deepEqual(await store.listObservations('nowhere'), []);
      assert.equal(await store.getReadMarker('nowhere', 'sms'), null);
      assert.deepEqual(await store.findRooms({}), []);
      assert.deepEqual(await store.findRoomIdsByChannel('sms'), []);
      assert.equal(await store.findLatestRoom({ participantId: 'ada' }), null);
      await refused(() => store.updateRoom(room('nowhere')), 'room_not_found');
      await refused(() => store.patchRoomMetadata('nowhere', { a: 1 }), 'room_not_found');
      await refused(() => store.putBinding(binding('nowhere', 'sms')), 'room_not_found');
      await refused(() => store.putParticipant(participant('nowhere', 'ada')), 'room_not_found');
      assert.equal(await store.getRoom('nowhere'), null);
    },
  },
  {
    name: 'owns its rooms: nobody changes them from outside',
    rules: ['STO-06'],
    test: async (store) => {
      const given = fullRoom('room');
      const creating = store.createRoom(given);
      vandalize(given); // before the answer is there
      vandalize(await creating);
      await store.putBinding(binding('room', 'sms'));
      await store.putParticipant(participant('room', 'ada'));
      await givesItsOwn(
        () => store.getRoom('room'),
        () => store.loadRoom('room'),
        () => store.findRooms({}),
        () => store.findLatestRoom({ participantId: 'ada' }),
        () => store.findRoomIdsByChannel('sms'),
        () => store.findRoute({ channelId: 'sms', channelType: 'sms', senderId: 'ada', address: 'ada' }),
        async () => (await store.createRoomOnce('key', fullRoom('room'), 60)).room,
      );
      assert.deepEqual(await store.getRoom('room'), fullRoom('room'));

      const changed = { ...fullRoom('room'), metadata: { deep: { a: [1] } } };
      const updating = store.updateRoom(changed);
      vandalize(changed);
      vandalize(await updating);
      assert.deepEqual((await store.getRoom('room'))?.metadata, { deep: { a: [1] } });

      const patch = { deep: { b: [2] } };
      const patching = store.patchRoomMetadata('room', patch);
      vandalize(patch);
      vandalize(await patching);
      assert.deepEqual((await store.getRoom('room'))?.metadata, { deep: { b: [2] } });
      assert.deepEqual((await store.loadRoom('room'))?.room, await store.getRoom('room'));
    },
  },
  {
    name: 'writes what callers own, and never counters or the time of creation',
    rules: ['STO-14', 'STO-07'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e1');
      const read = await store.getRoom('room');
      assert.ok(read);
      const wanted = { ...fullRoom('room'), updatedAt: at(100), createdAt: at(99), eventCount: 77, latestIndex: 88, version: read.version };
      const expected = { ...wanted, createdAt: at(), eventCount: 1, latestIndex: 0, version: read.version + 1 };
      assert.deepEqual(await store.updateRoom(wanted), expected);
      assert.deepEqual(await store.getRoom('room'), expected);
      assert.deepEqual((await store.loadRoom('room'))?.room, expected);

      const bare = { ...room('room'), version: expected.version, updatedAt: at(50) };
      const after = { ...bare, updatedAt: at(100), eventCount: 1, latestIndex: 0, version: expected.version + 1 };
      await store.updateRoom(bare);
      assert.deepEqual(await store.getRoom('room'), after, 'what is left out is gone, and the time of change does not go back');
      assert.equal((await say(store, 'room', 'e2')).event.index, 1);
    },
  },
  {
    name: 'refuses a stale room, and says what to use instead',
    rules: ['STO-14'],
    test: async (store) => {
      await openRoom(store);
      const stale = await store.getRoom('room');
      assert.ok(stale);
      for (const change of [
        () => say(store, 'room', 'e1'),
        async () => store.patchRoomMetadata('room', { a: 1 }),
        async () => store.updateRoom({ ...((await store.getRoom('room')) ?? stale), status: 'paused' }),
        async () => store.deleteEvent('room', 'e1'),
      ]) {
        const before = await store.getRoom('room');
        await change();
        assert.ok(before);
        const error = await refused(() => store.updateRoom({ ...before, status: 'closed' }), 'conflict');
        assert.match(error.message, /updateRoomMetadata/);
        assert.match(error.message, /setActiveAgent/);
      }
      await refused(() => store.updateRoom({ ...stale, version: stale.version + 100 }), 'conflict');
      const now = await store.getRoom('room');
      assert.equal(now?.status, 'paused');
      assert.deepEqual(now.metadata, { a: 1 });
      assert.ok(await store.updateRoom({ ...now, status: 'closed' }));
      assert.equal((await store.getRoom('room'))?.status, 'closed');
    },
  },
  {
    name: 'merges metadata key by key, also many at once',
    rules: ['ROOM-06'],
    test: async (store) => {
      await openRoom(store, 'room', { metadata: { keep: 1, replace: { a: 1 }, drop: true } });
      const before = await store.getRoom('room');
      const patched = await store.patchRoomMetadata('room', { replace: { b: 2 }, drop: undefined, add: [null] });
      assert.deepEqual(patched.metadata, { keep: 1, replace: { b: 2 }, add: [null] });
      assert.equal(patched.version, (before?.version ?? 0) + 1);
      assert.deepEqual(await store.getRoom('room'), patched);
      await Promise.all(Array.from({ length: 20 }, async (_, n) => store.patchRoomMetadata('room', { [`key_${n}`]: n })));
      const { metadata } = (await store.getRoom('room')) ?? {};
      for (let n = 0; n < 20; n++) assert.equal(metadata?.[`key_${n}`], n);
      assert.equal(metadata?.['keep'], 1);
    },
  },
  {
    name: 'gives one frozen snapshot of a room until something changes',
    rules: ['STO-06'],
    test: async (store) => {
      await openRoom(store);
      await store.putBinding(binding('room', 'sms'));
      const changes: readonly (readonly [string, () => unknown])[] = [
        ['an event', () => say(store, 'room', 'e1')],
        ['a removed event', () => store.deleteEvent('room', 'e1')],
        ['metadata', () => store.patchRoomMetadata('room', { a: 1 })],
        ['a binding', () => store.putBinding(binding('room', 'sms', { muted: true }))],
        ['a participant', () => store.putParticipant(participant('room', 'ada'))],
        ['an attached channel', () => say(store, 'room', 'e2', {}, { binding: binding('room', 'mail') })],
        ['a detached channel', () => say(store, 'room', 'e3', {}, { removeBinding: 'mail' })],
        ['somebody who joined', () => say(store, 'room', 'e4', {}, { participant: participant('room', 'grace') })],
        ['a closed room', () => say(store, 'room', 'e5', {}, { roomPatch: { status: 'closed' } })],
      ];
      for (const [what, change] of changes) {
        const before = await store.loadRoom('room');
        assert.equal(await store.loadRoom('room'), before, 'the same object while nothing has changed');
        const copy = structuredClone(before);
        vandalize(before);
        assert.deepEqual(await store.loadRoom('room'), copy, 'nobody can change what is shared');
        await change();
        const after = await store.loadRoom('room');
        assert.notEqual(after, before, `${what} makes a new snapshot`);
        assert.notDeepEqual(after, before, `${what} is seen in it`);
        assert.deepEqual(after?.room, await store.getRoom('room'));
        assert.deepEqual(after?.bindings, await store.listBindings('room'));
        assert.deepEqual(after?.participants, await store.listParticipants('room'));
      }
      const before = await store.loadRoom('room');
      await say(store, 'room', 'e6');
      const after = await store.loadRoom('room');
      assert.equal(after?.bindings, before?.bindings, 'bindings are the same list while none of them changes');
      assert.equal(after?.participants, before?.participants);
      assert.deepEqual(before, { ...after, room: before?.room }, 'what was given out earlier stays as it was');
    },
  },
  {
    name: 'finds rooms by organization, status, timers and metadata, newest first',
    rules: ['STO-01'],
    test: async (store) => {
      await openRoom(store, 'a', { createdAt: at(1), organizationId: 'one', metadata: { flag: true, count: 1, text: '1', deep: { x: [1, 2] } } });
      await openRoom(store, 'b', { createdAt: at(2), organizationId: 'one', status: 'closed', metadata: { flag: 1, none: null } });
      await openRoom(store, 'c', { createdAt: at(3), organizationId: 'two', timers: { inactiveAfterSeconds: 1 }, metadata: { flag: false } });
      await openRoom(store, 'd', { createdAt: at(3), status: 'paused', timers: { closedAfterSeconds: 1 }, metadata: { 'od"d.k[0]y $': 'x' } });
      await openRoom(store, 'e', { createdAt: at(3), status: 'archived', timers: { lastActivityAt: at() } });
      const found = async (query: Parameters<ConversationStore['findRooms']>[0]): Promise<string[]> => ids(await store.findRooms(query));
      assert.deepEqual(await found({}), ['e', 'd', 'c', 'b', 'a']);
      assert.deepEqual(await found({ limit: 2 }), ['e', 'd']);
      assert.deepEqual(await found({ limit: 2, offset: 3 }), ['b', 'a']);
      assert.deepEqual(await found({ offset: 4 }), ['a']);
      assert.deepEqual(await found({ limit: 0 }), []);
      assert.deepEqual(await found({ organizationId: 'one' }), ['b', 'a']);
      assert.deepEqual(await found({ organizationId: 'three' }), []);
      assert.deepEqual(await found({ status: 'active' }), ['c', 'a']);
      assert.deepEqual(await found({ status: ['paused', 'archived'] }), ['e', 'd']);
      assert.deepEqual(await found({ status: [] }), []);
      assert.deepEqual(await found({ status: 'active', organizationId: 'one' }), ['a']);
      assert.deepEqual(await found({ withTimers: true }), ['d', 'c']);
      assert.deepEqual(await found({ withTimers: false }), ['e', 'd', 'c', 'b', 'a']);
      assert.deepEqual(await found({ metadata: { flag: true } }), ['a']);
      assert.deepEqual(await found({ metadata: { flag: 1 } }), ['b']);
      assert.deepEqual(await found({ metadata: { flag: false } }), ['c']);
      assert.deepEqual(await found({ metadata: { count: 1, flag: true } }), ['a']);
      assert.deepEqual(await found({ metadata: { count: '1' } }), []);
      assert.deepEqual(await found({ metadata: { text: '1' } }), ['a']);
      assert.deepEqual(await found({ metadata: { text: 1 } }), []);
      assert.deepEqual(await found({ metadata: { none: null } }), ['b']);
      assert.deepEqual(await found({ metadata: { deep: { x: [1, 2] } } }), ['a']);
      assert.deepEqual(await found({ metadata: { deep: { x: [1] } } }), []);
      assert.deepEqual(await found({ metadata: { 'od"d.k[0]y $': 'x' } }), ['d']);
      await store.patchRoomMetadata('a', { flag: 2 });
      await say(store, 'c', 'e1', {}, { roomPatch: { status: 'closed' } });
      const d = await store.getRoom('d');
      assert.ok(d);
      await store.updateRoom({ ...d, timers: {} });
      assert.deepEqual(await found({ metadata: { flag: 2 } }), ['a'], 'found by what it is now');
      assert.deepEqual(await found({ status: 'closed' }), ['c', 'b']);
      assert.deepEqual(await found({ withTimers: true }), ['c']);
    },
  },
  {
    name: 'creates a room once per key, within the time it was told',
    rules: ['RTR-04'],
    test: async (store) => {
      const given = room('one', { createdAt: at(0), metadata: { a: 1 } });
      const creating = store.createRoomOnce('key', given, 60);
      vandalize(given);
      const first = await creating;
      assert.deepEqual(first, { room: room('one', { createdAt: at(0), metadata: { a: 1 } }), created: true });
      assert.deepEqual(await store.getRoom('one'), first.room);
      const again = await store.createRoomOnce('key', room('two', { createdAt: at(59) }), 60);
      assert.deepEqual(again, { room: first.room, created: false });
      assert.equal(await store.getRoom('two'), null);
      assert.equal((await store.createRoomOnce('other', room('three', { createdAt: at(1) }), 60)).created, true);
      assert.deepEqual(await store.createRoomOnce('fresh', room('three', { createdAt: at(2), metadata: { b: 1 } }), 60), {
        room: room('three', { createdAt: at(1) }),
        created: false,
      });
      const late = await store.createRoomOnce('key', room('four', { createdAt: at(60) }), 60);
      assert.deepEqual([late.room.id, late.created], ['four', true], 'after sixty seconds the key is free');
      assert.equal((await store.createRoomOnce('key', room('five', { createdAt: at(119) }), 60)).room.id, 'four');
      await store.deleteRoom('four');
      assert.deepEqual((await store.createRoomOnce('key', room('six', { createdAt: at(61) }), 60)).created, true, 'a key stands for no deleted room');
      vandalize(again);
      assert.deepEqual(await store.getRoom('one'), first.room);

      const { values } = await settled(
        Array.from({ length: 10 }, (_, n) => () => store.createRoomOnce('raced', room(`raced-${n}`, { createdAt: at(200) }), 60)),
      );
      assert.equal(values.length, 10);
      assert.equal(values.filter(({ created }) => created).length, 1, 'of ten at once, one creates');
      assert.equal(new Set(values.map((value) => value.room.id)).size, 1, 'and all get the same room');
    },
  },
  {
    name: 'deletes a room with everything that belongs to it, and nothing else',
    rules: ['STO-10'],
    test: async (store) => {
      await fill(store, 'gone');
      await fill(store, 'stays');
      const kept = await traces(store, 'stays');
      assert.deepEqual(kept, ALL_TRACES, 'the room has a trace of every kind');
      assert.deepEqual(await traces(store, 'gone'), ALL_TRACES);
      assert.equal(await store.deleteRoom('gone'), true);
      assert.deepEqual(await traces(store, 'gone'), []);
      assert.deepEqual(await traces(store, 'stays'), kept);
      assert.equal(await store.deleteRoom('gone'), false);
      await refused(() => say(store, 'gone', 'late'), 'room_not_found');
      assert.deepEqual(await traces(store, 'gone'), []);

      await openRoom(store, 'gone');
      assert.deepEqual(
        await traces(store, 'gone'),
        ['getRoom', 'loadRoom', 'loadArrival', 'findRooms'],
        'a new room of this name begins with nothing',
      );
      const first = await say(store, 'gone', 'new', { idempotencyKey: 'key-gone' });
      assert.deepEqual([first.event.index, first.duplicate], [0, false]);
    },
  },
]);

async function fill(store: ConversationStore, roomId: string): Promise<void> {
  await openRoom(store, roomId, { organizationId: roomId });
  await say(store, roomId, `${roomId}-e1`, {
    content: { type: 'text', body: `word${roomId}` },
    idempotencyKey: `key-${roomId}`,
    source: source('sms', { externalId: `external-${roomId}` }),
  });
  await say(
    store,
    roomId,
    `${roomId}-e2`,
    {},
    {
      binding: binding(roomId, 'sms', { address: '+1' }),
      participant: participant(roomId, 'ada', { externalId: '+1' }),
      outbox: [row(roomId, `${roomId}-e2`, 'mail')],
      turns: [turn(roomId, `${roomId}-turn`, 'helper')],
      approvals: [approval(roomId, `${roomId}-approval`)],
    },
  );
  await store.updateRow(`${roomId}-e2>mail`, { provider: 'vendor', providerMessageId: `SM-${roomId}` });
  await store.createTask({ id: `${roomId}-task`, roomId, title: 'T', status: 'in_progress', createdAt: at(), expiresAt: at(9), metadata: {} });
  await store.addObservation({ id: `${roomId}-seen`, roomId, channelId: 'helper', content: 'O', confidence: 1, createdAt: at(), metadata: {} });
  await store.setReadMarker(roomId, 'sms', 1);
  await store.recordOutcomes([{ roomId, eventId: `${roomId}-e1`, results: [{ channelId: 'web', status: 'sent', attempts: 1 }] }]);
  await store.holdMessage(
    {
      id: `${roomId}-held`,
      kind: 'challenge',
      key: roomId,
      roomId,
      message: { channelId: 'sms', senderId: 'ada', content: 'x' },
      heldAt: at(),
      expiresAt: at(60),
    },
    5,
  );
}

/** By which ways something of this room is still found. */
async function traces(store: ConversationStore, roomId: string): Promise<string[]> {
  const route = { channelId: 'sms', channelType: 'sms', senderId: 'nobody', address: 'nowhere', organizationId: roomId } as const;
  const claimed = await store.claimDue({ owner: 'kit', now: at(), leaseUntil: at(30), limit: 100 });
  const found: Record<string, unknown> = {
    getRoom: await store.getRoom(roomId),
    loadRoom: await store.loadRoom(roomId),
    loadArrival: await store.loadArrival(roomId, `key-${roomId}`),
    findRooms: (await store.findRooms({})).find(({ id }) => id === roomId),
    findLatestRoom: await store.findLatestRoom({ participantId: 'ada', organizationId: roomId }),
    findRoomIdsByChannel: (await store.findRoomIdsByChannel('sms')).find((id) => id === roomId),
    keyed: (await store.findRoute({ ...route, idempotencyKey: `key-${roomId}` })).keyed,
    addressed: (await store.findRoute({ ...route, address: '+1' })).addressed[0],
    participating: (await store.findRoute({ ...route, senderId: 'ada' })).participating[0],
    bound: (await store.findRoute(route)).bound[0],
    getEvent: await store.getEvent(roomId, `${roomId}-e1`),
    listEvents: (await store.listEvents(roomId))[0],
    countEvents: (await store.countEvents(roomId)) || null,
    byKey: await store.getEventByIdempotencyKey(`key-${roomId}`, { roomId }),
    byKeyOfChannel: await store.getEventByIdempotencyKey(`key-${roomId}`, { channelId: 'sms' }),
    byExternalId: await store.getEventByExternalId('sms', `external-${roomId}`),
    getBinding: await store.getBinding(roomId, 'sms'),
    listBindings: (await store.listBindings(roomId))[0],
    getParticipant: await store.getParticipant(roomId, 'ada'),
    listParticipants: (await store.listParticipants(roomId))[0],
    getTask: await store.getTask(`${roomId}-task`),
    listTasks: (await store.listTasks(roomId))[0],
    listDueTasks: (await store.listDueTasks()).find((one) => one.roomId === roomId),
    getApproval: await store.getApproval(`${roomId}-approval`),
    listApprovals: (await store.listApprovals({ roomId }))[0],
    listObservations: (await store.listObservations(roomId))[0],
    getReadMarker: await store.getReadMarker(roomId, 'sms'),
    getRow: await store.getRow(`${roomId}-e2>mail`),
    listRows: (await store.listRows({ roomId }))[0],
    rowsOfEvent: (await store.listRows({ eventId: `${roomId}-e2` }))[0],
    byProviderMessage: await store.findRowByProviderMessage('vendor', `SM-${roomId}`),
    getTurn: await store.getTurn(`${roomId}-turn`),
    listTurns: (await store.listTurns({ roomId }))[0],
    claimedRow: claimed.rows.find((one) => one.roomId === roomId),
    claimedTurn: claimed.turns.find((one) => one.roomId === roomId),
    resultOfRow: (await store.deliveryResults(roomId, [`${roomId}-e2`])).get(`${roomId}-e2`),
    outcome: (await store.deliveryResults(roomId, [`${roomId}-e1`])).get(`${roomId}-e1`),
    listHeld: (await store.listHeld('challenge', roomId, at()))[0],
  };
  return Object.keys(found).filter((name) => found[name] !== null && found[name] !== undefined);
}

const ALL_TRACES = [
  ...['getRoom', 'loadRoom', 'loadArrival', 'findRooms', 'findLatestRoom', 'findRoomIdsByChannel', 'keyed', 'addressed', 'participating', 'bound'],
  ...['getEvent', 'listEvents', 'countEvents', 'byKey', 'byKeyOfChannel', 'byExternalId', 'getBinding', 'listBindings'],
  ...[
    'getParticipant',
    'listParticipants',
    'getTask',
    'listTasks',
    'listDueTasks',
    'getApproval',
    'listApprovals',
    'listObservations',
    'getReadMarker',
    'getRow',
    'listRows',
    'rowsOfEvent',
  ],
  ...['byProviderMessage', 'getTurn', 'listTurns', 'claimedRow', 'claimedTurn', 'resultOfRow', 'outcome', 'listHeld'],
];
