/** Records as erasure and retention see them (ERA-05, ERA-06). For stores that can be looked through. */
import assert from 'node:assert/strict';
import { ConflictError, FencedError } from '../../core/errors.js';
import type { ConversationStore, ListedRecords, PersonalRecordQuery } from '../../core/store/store.js';
import { erasedKey } from '../../core/store/erased-key.js';
import { givesItsOwn, vandalize } from './contract.js';
import * as samples from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

/** Every page, one record at a time where the store takes it so. */
async function all<Kind extends keyof ListedRecords>(
  store: ConversationStore,
  query: Omit<PersonalRecordQuery<Kind>, 'limit'>,
): Promise<ListedRecords[Kind][]> {
  const found: ListedRecords[Kind][] = [];
  for (let after: string | undefined; ;) {
    const page = await store.listRecords?.({ ...query, limit: 2, ...(after !== undefined && { after }) });
    found.push(...(page?.records ?? []));
    after = page?.next;
    if (after === undefined) return found;
  }
}

export const personalRecordCases = storeCases([
  {
    name: 'gives every participant, binding, held message and creation, page by page, and only those that hold a text',
    rules: ['ERA-06', 'STO-06'],
    test: async (store) => {
      if (store.listRecords === undefined) return;
      const odd = 'a"b\\c\u0000ü😀';
      for (const roomId of ['one', 'two', odd]) {
        await openRoom(store, roomId);
        await store.putParticipant(samples.participant(roomId, 'ada', { externalId: '+15550001' }));
        await store.putParticipant(samples.participant(roomId, odd, { displayName: `Name of ${roomId}` }));
        await store.putBinding(samples.binding(roomId, 'sms', { address: '+15550001' }));
        await store.putBinding(samples.binding(roomId, 'web'));
      }
      await store.holdMessage(
        samples.held('h1', { key: 'k', roomId: 'one', message: { channelId: 'sms', senderId: '+15550001', content: 'hi' } }),
        5,
      );
      await store.holdMessage(samples.held('h2', { key: 'k' }), 5);
      await store.createRoomOnce(`sms ${odd}`, samples.room('made'), 60);
      const keys = (list: readonly { readonly roomId: string; readonly id: string }[]): string[] =>
        list.map(({ roomId, id }) => `${roomId} ${id}`).sort();
      for (const id of ['e1', 'e2', 'e3']) await say(store, 'one', id, { content: { type: 'text', body: `${odd} ${id}` } });
      assert.deepEqual(ids(await all(store, { kind: 'event', containing: [`${odd} e2`, 'e3'] })).sort(), ['e2', 'e3']);
      assert.deepEqual(
        (await all(store, { kind: 'event' })).sort((a, b) => a.index - b.index),
        await store.listEvents('one'),
      );
      assert.equal((await all(store, { kind: 'participant' })).length, 6);
      assert.deepEqual(keys(await all(store, { kind: 'participant', containing: ['+15550001'] })), ['one ada', `${odd} ada`, 'two ada'].sort());
      assert.deepEqual(keys(await all(store, { kind: 'participant', containing: ['Name of one', 'nowhere'] })), [`one ${odd}`]);
      assert.equal((await all(store, { kind: 'participant', containing: [odd] })).length, 4, 'whatever characters the text has');
      assert.deepEqual(await all(store, { kind: 'participant', containing: [] }), []);
      assert.deepEqual(
        (await all(store, { kind: 'participant' })).find(({ roomId, id }) => roomId === 'one' && id === 'ada'),
        await store.getParticipant('one', 'ada'),
      );
      assert.equal((await all(store, { kind: 'binding' })).length, 6);
      assert.deepEqual(
        (await all(store, { kind: 'binding', containing: ['+15550001'] })).map(({ channelId }) => channelId),
        ['sms', 'sms', 'sms'],
      );
      assert.deepEqual(ids(await all(store, { kind: 'held' })).sort(), ['h1', 'h2']);
      assert.deepEqual(ids(await all(store, { kind: 'held', containing: ['+15550001'] })), ['h1']);
      assert.deepEqual(await all(store, { kind: 'creation', containing: [odd] }), [{ key: `sms ${odd}`, roomId: 'made' }]);
      assert.deepEqual(await all(store, { kind: 'creation', containing: ['nowhere'] }), []);
      await givesItsOwn(() => store.listRecords?.({ kind: 'participant', limit: 100 }));
    },
  },
  {
    name: 'lists no records of a room that was deleted',
    rules: ['ERA-06', 'STO-10'],
    test: async (store) => {
      if (store.listRecords === undefined) return;
      for (const roomId of ['gone', 'stays']) {
        await store.createRoomOnce(`key of ${roomId}`, samples.room(roomId), 60);
        await store.putParticipant(samples.participant(roomId, 'ada'));
        await store.putBinding(samples.binding(roomId, 'sms'));
        await say(store, roomId, `event of ${roomId}`);
        await store.holdMessage(samples.held(`held of ${roomId}`, { roomId }), 5);
      }
      const count = async (): Promise<number[]> => [
        (await store.listRecords?.({ kind: 'event', limit: 100 }))?.records.length ?? 0,
        (await store.listRecords?.({ kind: 'participant', limit: 100 }))?.records.length ?? 0,
        (await store.listRecords?.({ kind: 'binding', limit: 100 }))?.records.length ?? 0,
        (await store.listRecords?.({ kind: 'held', limit: 100 }))?.records.length ?? 0,
        (await store.listRecords?.({ kind: 'creation', limit: 100 }))?.records.length ?? 0,
      ];
      assert.deepEqual(await count(), [2, 2, 2, 2, 2]);
      await store.deleteRoom('gone');
      assert.deepEqual(await count(), [1, 1, 1, 1, 1]);
    },
  },
  {
    name: 'rewrites records as a whole, leaves out what is not there, and owns what it was given',
    rules: ['ERA-06', 'STO-06', 'STO-07'],
    test: async (store) => {
      if (store.changeRecords === undefined) return;
      const room = 'room';
      await openRoom(store, room);
      const { event } = await say(store, room, 'e0', { idempotencyKey: 'k0' }, { approvals: [samples.approval(room, 'a1')] });
      await store.putParticipant(samples.participant(room, 'ada', { displayName: 'Ada' }));
      await store.putBinding(samples.binding(room, 'sms', { address: '+1' }));
      await store.createTask(samples.task(room, 't1'));
      await store.addObservation(samples.observation(room, 'o1'));
      const put = [
        { kind: 'event', record: { ...event, content: { type: 'text', body: 'other zebra' }, metadata: { erased: true }, idempotencyKey: 'k1' } },
        { kind: 'participant', record: samples.participant(room, 'ada', { displayName: 'Somebody' }) },
        { kind: 'binding', record: samples.binding(room, 'sms', { address: '+2' }) },
        { kind: 'task', record: samples.task(room, 't1', { title: 'Other' }) },
        { kind: 'observation', record: samples.observation(room, 'o1', { content: 'Other' }) },
        { kind: 'approval', record: { ...samples.approval(room, 'a1'), arguments: {}, state: 'cancelled' } },
        { kind: 'event', record: { ...event, id: 'unknown', index: 77 } },
        { kind: 'participant', record: samples.participant(room, 'unknown') },
        { kind: 'binding', record: samples.binding(room, 'unknown') },
        { kind: 'task', record: samples.task(room, 'unknown') },
        { kind: 'observation', record: samples.observation(room, 'unknown') },
        { kind: 'approval', record: samples.approval(room, 'unknown') },
      ] as const;
      const given = structuredClone(put);
      const changing = store.changeRecords({ roomId: room, put: given });
      vandalize(given);
      await changing;
      const [stored] = await store.listEvents(room);
      assert.deepEqual(stored, put[0].record);
      assert.ok(Object.isFrozen(stored));
      assert.equal(await store.getEventByIdempotencyKey('k0', { roomId: room }), null);
      assert.equal((await store.getEventByIdempotencyKey('k1', { roomId: room }))?.id, 'e0');
      if (store.searchEvents !== undefined) {
        assert.deepEqual(ids(await store.searchEvents({ text: 'zebra' })), ['e0']);
        assert.deepEqual(await store.searchEvents({ text: 'text' }), []);
      }
      assert.deepEqual(await store.listParticipants(room), [put[1].record]);
      assert.deepEqual(await store.listBindings(room), [put[2].record]);
      assert.deepEqual((await store.loadRoom(room))?.participants, [put[1].record], 'also in the snapshot');
      assert.deepEqual((await store.loadRoom(room))?.bindings, [put[2].record]);
      assert.deepEqual(
        (await store.findRoute({ channelId: 'sms', channelType: 'sms', senderId: 'x', address: '+2' })).addressed.map(({ roomId }) => roomId),
        [room],
      );
      assert.deepEqual(await store.listTasks(room), [put[3].record]);
      assert.deepEqual(await store.listObservations(room), [put[4].record]);
      assert.deepEqual(await store.listApprovals({ roomId: room }), [put[5].record]);
      assert.deepEqual(await store.listApprovals({ state: 'pending' }), []);
      assert.equal((await store.getRoom(room))?.eventCount, 1);
      assert.equal(await store.getTask('unknown'), null);
    },
  },
  {
    name: 'removes records of each kind, and counts the events that are left',
    rules: ['ERA-06', 'STO-02'],
    test: async (store) => {
      if (store.changeRecords === undefined) return;
      const room = 'room';
      await openRoom(store, room);
      for (const id of ['e0', 'e1', 'e2'])
        await say(
          store,
          room,
          id,
          { idempotencyKey: `key ${id}` },
          {
            outbox: [samples.row(room, id, 'sms')],
            turns: [samples.turn(room, `turn ${id}`, 'agent')],
            approvals: [samples.approval(room, `approval ${id}`)],
          },
        );
      for (const id of ['p1', 'p2']) await store.putParticipant(samples.participant(room, id));
      for (const id of ['sms', 'web']) await store.putBinding(samples.binding(room, id));
      for (const id of ['t1', 't2']) await store.createTask(samples.task(room, id));
      for (const id of ['o1', 'o2']) await store.addObservation(samples.observation(room, id));
      for (const id of ['h1', 'h2']) await store.holdMessage(samples.held(id, { key: 'k' }), 5);
      await store.recordOutcomes(
        ['e0', 'e1'].map((eventId) => ({ roomId: room, eventId, results: [{ channelId: 'web', status: 'sent', attempts: 1 }] })),
      );
      await store.createIdentity({ id: 'i1', channelAddresses: { sms: ['+1'] } });
      await store.createIdentity({ id: 'i2', channelAddresses: { sms: ['+2'] } });
      await store.createIdentity({ id: 'i3' });
      await store.mergeIdentities({ intoId: 'i1', fromId: 'i3', by: 'host', at: samples.at() });
      await store.createRoomOnce('creation', samples.room('made'), 60);
      const [row] = await store.listRows({ roomId: room, eventId: 'e2' });
      await store.changeRecords({
        roomId: room,
        remove: [
          { kind: 'event', record: (await store.listEvents(room))[0] ?? assert.fail() },
          { kind: 'event', record: { ...((await store.listEvents(room))[0] ?? assert.fail()), id: 'unknown' } },
          { kind: 'outcome', record: { roomId: room, eventId: 'e1' } },
          { kind: 'participant', record: samples.participant(room, 'p1') },
          { kind: 'binding', record: samples.binding(room, 'web') },
          { kind: 'task', record: samples.task(room, 't1') },
          { kind: 'observation', record: samples.observation(room, 'o1') },
          { kind: 'approval', record: samples.approval(room, 'approval e0') },
          { kind: 'row', record: row ?? assert.fail() },
          { kind: 'turn', record: { id: 'turn e1', roomId: room } },
          { kind: 'held', record: { id: 'h1' } },
        ],
      });
      assert.deepEqual(ids(await store.listEvents(room)), ['e1', 'e2']);
      assert.deepEqual([(await store.getRoom(room))?.eventCount, (await store.getRoom(room))?.latestIndex], [2, 2]);
      assert.equal(await store.getEventByIdempotencyKey('key e0', { roomId: room }), null);
      assert.deepEqual(Object.keys((await store.deliveryResults(room, ['e0'])).get('e0') ?? {}), ['sms'], 'its outcomes are gone, its row is not');
      assert.deepEqual(Object.keys((await store.deliveryResults(room, ['e1'])).get('e1') ?? {}), ['sms']);
      assert.deepEqual(ids(await store.listParticipants(room)), ['p2']);
      assert.deepEqual(
        (await store.listBindings(room)).map(({ channelId }) => channelId),
        ['sms'],
      );
      assert.deepEqual([(await store.loadRoom(room))?.participants.length, (await store.loadRoom(room))?.bindings.length], [1, 1]);
      assert.deepEqual(await store.findRoomIdsByChannel('web'), []);
      assert.equal(await store.findLatestRoom({ participantId: 'p1' }), null);
      assert.deepEqual([ids(await store.listTasks(room)), await store.getTask('t1')], [['t2'], null]);
      assert.deepEqual(ids(await store.listObservations(room)), ['o2']);
      assert.deepEqual(ids(await store.listApprovals({ roomId: room })).sort(), ['approval e1', 'approval e2']);
      assert.deepEqual(
        (await store.listRows({ roomId: room })).map(({ eventId }) => eventId),
        ['e0', 'e1'],
      );
      assert.deepEqual(await store.listRows({ roomId: room, eventId: 'e2' }), []);
      assert.deepEqual(ids(await store.listTurns({ roomId: room })).sort(), ['turn e0', 'turn e2']);
      assert.equal(await store.getTurn('turn e1'), null);
      assert.deepEqual(ids(await store.listHeld('challenge', 'k', samples.at(-10))), ['h2']);
      await store.changeRecords({
        remove: [
          { kind: 'creation', record: { key: 'creation' } },
          { kind: 'merge', record: { fromId: 'i3' } },
          { kind: 'identity', record: { id: 'i1' } },
        ],
      });
      assert.deepEqual((await store.listRecords?.({ kind: 'creation', limit: 10 }))?.records, []);
      assert.deepEqual([await store.getIdentity('i1'), await store.getIdentity('i3')], [null, null]);
      assert.equal(await store.resolveIdentity({ channelType: 'sms', address: '+1' }), null);
      assert.equal((await store.resolveIdentity({ channelType: 'sms', address: '+2' }))?.id, 'i2');
      await store.createIdentity({ id: 'i3', channelAddresses: { sms: ['+1'] } });
    },
  },
  {
    name: 'changes records together or not at all, under the room’s fence, and nothing of a room that is gone',
    rules: ['ERA-06', 'LOCK-03', 'STO-03'],
    test: async (store) => {
      if (store.changeRecords === undefined) return;
      const room = 'room';
      await openRoom(store, room);
      const { event } = await say(store, room, 'e0', { idempotencyKey: 'k0' });
      await say(store, room, 'e1', { idempotencyKey: 'k1' });
      await store.putParticipant(samples.participant(room, 'ada'), { fencingToken: 7 });
      const change = store.changeRecords.bind(store);
      const participant = samples.participant(room, 'ada', { displayName: 'Other' });
      await assert.rejects(
        async () => change({ roomId: room, fencingToken: 6, put: [{ kind: 'participant', record: participant }] }),
        (error) => error instanceof FencedError,
      );
      await assert.rejects(
        async () => change({ roomId: room, fencingToken: 7, remove: [], put: [{ kind: 'event', record: { ...event, idempotencyKey: 'k1' } }] }),
        (error) => error instanceof ConflictError,
      );
      assert.deepEqual(await store.listParticipants(room), [samples.participant(room, 'ada')]);
      assert.deepEqual(
        (await store.listEvents(room)).map(({ idempotencyKey }) => idempotencyKey),
        ['k0', 'k1'],
      );
      await change({ roomId: room, fencingToken: 8, put: [{ kind: 'participant', record: participant }] });
      assert.deepEqual(await store.listParticipants(room), [participant]);
      await assert.rejects(
        async () => store.putParticipant(participant, { fencingToken: 7 }),
        (error) => error instanceof FencedError,
      );
      await change({ roomId: 'gone', put: [{ kind: 'participant', record: samples.participant('gone', 'ada') }] });
      assert.deepEqual(await store.listParticipants('gone'), []);
    },
  },
  {
    name: 'forgets what generations of a room cost before a time',
    rules: ['ERA-06'],
    test: async (store) => {
      if (store.changeRecords === undefined || store.addUsage === undefined) return;
      for (const id of ['room', 'other']) await openRoom(store, id);
      const record = { turnId: 't', agentId: 'agent', provider: 'mock', model: 'm', tokens: { input_tokens: 1 }, ms: 1 };
      for (const roomId of ['room', 'other']) await store.addUsage([1, 2, 3].map((second) => ({ ...record, roomId, at: samples.at(second) })));
      await store.changeRecords({ roomId: 'room', usageBefore: samples.at(3) });
      assert.equal((await store.sumUsage?.({ roomId: 'room' }))?.[0]?.generations, 1);
      assert.equal((await store.sumUsage?.({ roomId: 'other' }))?.[0]?.generations, 3);
    },
  },
  {
    name: 'knows an erased event by the key it had, so that a repeat of it is none that is new',
    rules: ['ERA-05'],
    test: async (store) => {
      if (store.changeRecords === undefined) return;
      for (const id of ['room', 'other']) await openRoom(store, id);
      const { event } = await say(store, 'room', 'e0', { idempotencyKey: 'SM1' });
      await store.changeRecords({
        roomId: 'room',
        put: [{ kind: 'event', record: { ...event, content: { type: 'text', body: '' }, idempotencyKey: erasedKey('SM1') } }],
      });
      const repeated = await say(store, 'room', 'e1', { idempotencyKey: 'SM1' });
      assert.deepEqual([repeated.duplicate, repeated.event.id], [true, 'e0']);
      assert.equal((await store.getEventByIdempotencyKey('SM1', { roomId: 'room' }))?.id, 'e0');
      assert.equal((await store.getEventByIdempotencyKey('SM1', { channelId: 'sms' }))?.id, 'e0');
      assert.equal(
        (await store.findRoute({ channelId: 'sms', channelType: 'sms', senderId: 'x', address: 'x', idempotencyKey: 'SM1' })).keyed,
        'room',
      );
      const another = await say(store, 'other', 'e2', { idempotencyKey: 'SM1' });
      assert.equal(another.duplicate, false, 'a key counts in its own room');
      await say(store, 'room', 'e3', { idempotencyKey: 'SM2' });
      assert.equal(await store.countEvents('room'), 2);
      await store.purge?.();
      assert.deepEqual(ids(await store.listEvents('room')), ['e0', 'e3']);
    },
  },
]);
