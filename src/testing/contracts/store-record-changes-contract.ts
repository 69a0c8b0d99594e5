/** Records looked through, rewritten and removed: what erasure and retention are made of (ERA-05, ERA-06). */
import assert from 'node:assert/strict';
import { ConflictError, FencedError } from '../../core/errors.js';
import { recordsOf, roomIdOf, type RecordKind, type StoredRecord } from '../../core/store/records.js';
import type { ConversationStore } from '../../core/store/store.js';
import { erasedKey } from '../../core/store/erased-key.js';
import { refused, vandalize } from './contract.js';
import * as samples from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

/** Every page, two records at a time. */
async function all<Kind extends RecordKind>(
  store: ConversationStore,
  kind: Kind,
  containing?: readonly string[],
): Promise<Extract<StoredRecord, { readonly kind: Kind }>[]> {
  const found: Extract<StoredRecord, { readonly kind: Kind }>[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.readRecords?.({
      kind,
      limit: 2,
      ...(containing !== undefined && { containing }),
      ...(after !== undefined && { after }),
    });
    found.push(...((page?.records ?? []) as typeof found)); // they are of this kind
    after = page?.next;
    if (after === undefined) return found;
  }
}

export const recordChangeCases = storeCases([
  {
    name: 'gives only those records that hold a text, page by page',
    rules: ['ERA-06'],
    test: async (store) => {
      if (store.readRecords === undefined) return;
      const odd = 'a"b\\c\u0000ü😀';
      for (const roomId of ['one', 'two', odd]) {
        await openRoom(store, roomId);
        await store.putParticipant(samples.participant(roomId, 'ada', { externalId: '+15550001' }));
        await store.putParticipant(samples.participant(roomId, odd, { displayName: `Name of ${roomId}` }));
        await store.putBinding(samples.binding(roomId, 'sms', { address: `+1555001${roomId.length}` }));
        await store.putBinding(samples.binding(roomId, 'web'));
      }
      await store.patchRoomMetadata('two', { customer: '+15550009' });
      await store.holdMessage(
        samples.held('h1', { key: 'k', roomId: 'one', message: { channelId: 'sms', senderId: '+15550001', content: 'hi' } }),
        5,
      );
      await store.holdMessage(samples.held('h2', { key: 'k' }), 5);
      await store.createRoomOnce(`sms ${odd}`, samples.room('made'), 60);
      for (const id of ['e1', 'e2', 'e3']) await say(store, 'one', id, { content: { type: 'text', body: `${odd} ${id}` } });
      const events = async (...containing: string[]): Promise<string[]> =>
        ids((await all(store, 'event', containing)).map(({ event }) => event)).sort();
      assert.deepEqual(await events(`${odd} e2`, 'e3'), ['e2', 'e3']);
      assert.deepEqual(await events('e3'), ['e3'], 'also behind a page on which there is none');
      assert.deepEqual(await events('nowhere'), []);
      assert.deepEqual(await events(), []);
      const rooms = async (...containing: string[]): Promise<string[]> => (await all(store, 'room', containing)).map(({ room }) => room.id).sort();
      assert.deepEqual(await rooms('+15550001'), ['one', 'two', odd].sort(), 'by its participants');
      assert.deepEqual(await rooms('Name of one', 'nowhere'), ['one']);
      assert.deepEqual(await rooms(`+1555001${odd.length}`), [odd], 'by its bindings');
      assert.deepEqual(await rooms('+15550009'), ['two'], 'by what it is itself');
      assert.deepEqual(await rooms(odd), ['one', 'two', odd].sort(), 'whatever characters the text has');
      const held = async (...containing: string[]): Promise<string[]> =>
        ids((await all(store, 'held', containing)).map((record) => record.held)).sort();
      assert.deepEqual([await held('+15550001'), await held('k')], [['h1'], ['h1', 'h2']]);
      assert.deepEqual(
        (await all(store, 'creation', [odd])).map(({ key, roomId }) => [key, roomId]),
        [[`sms ${odd}`, 'made']],
      );
      assert.deepEqual(await all(store, 'creation', ['nowhere']), []);
    },
  },
  {
    name: 'gives no records of a room that was deleted',
    rules: ['ERA-06', 'STO-10'],
    test: async (store) => {
      if (store.readRecords === undefined) return;
      for (const roomId of ['gone', 'stays']) {
        await store.createRoomOnce(`key of ${roomId}`, samples.room(roomId), 60);
        await say(store, roomId, `event of ${roomId}`, {}, { outbox: [samples.row(roomId, `event of ${roomId}`, 'sms')] });
        await store.createTask(samples.task(roomId, `task of ${roomId}`));
        await store.holdMessage(samples.held(`held of ${roomId}`, { roomId }), 5);
      }
      const rooms = async (): Promise<unknown[]> => {
        const found: unknown[] = [];
        for (const kind of ['room', 'creation', 'event', 'row', 'task', 'held'] as const) found.push((await all(store, kind)).map(roomIdOf).sort());
        return found;
      };
      assert.deepEqual(
        await rooms(),
        Array.from({ length: 6 }, () => ['gone', 'stays']),
      );
      await store.deleteRoom('gone');
      assert.deepEqual(
        await rooms(),
        Array.from({ length: 6 }, () => ['stays']),
      );
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
        { kind: 'event', event: { ...event, content: { type: 'text', body: 'other zebra' }, metadata: { erased: true }, idempotencyKey: 'k1' } },
        { kind: 'participant', participant: samples.participant(room, 'ada', { displayName: 'Somebody' }) },
        { kind: 'binding', binding: samples.binding(room, 'sms', { address: '+2' }) },
        { kind: 'task', task: samples.task(room, 't1', { title: 'Other' }) },
        { kind: 'observation', observation: samples.observation(room, 'o1', { content: 'Other' }) },
        { kind: 'approval', approval: { ...samples.approval(room, 'a1'), arguments: {}, state: 'cancelled' } },
        { kind: 'event', event: { ...event, id: 'unknown', index: 77 } },
        { kind: 'participant', participant: samples.participant(room, 'unknown') },
        { kind: 'binding', binding: samples.binding(room, 'unknown') },
        { kind: 'task', task: samples.task(room, 'unknown') },
        { kind: 'observation', observation: samples.observation(room, 'unknown') },
        { kind: 'approval', approval: samples.approval(room, 'unknown') },
      ] as const;
      const given = structuredClone(put);
      const changing = store.changeRecords({ roomId: room, put: given });
      vandalize(given);
      await changing;
      const [stored] = await store.listEvents(room);
      assert.deepEqual(stored, put[0].event);
      assert.ok(Object.isFrozen(stored));
      assert.equal(await store.getEventByIdempotencyKey('k0', { roomId: room }), null);
      assert.equal((await store.getEventByIdempotencyKey('k1', { roomId: room }))?.id, 'e0');
      if (store.searchEvents !== undefined) {
        assert.deepEqual(ids(await store.searchEvents({ text: 'zebra' })), ['e0']);
        assert.deepEqual(await store.searchEvents({ text: 'text' }), []);
      }
      assert.deepEqual(await store.listParticipants(room), [put[1].participant]);
      assert.deepEqual(await store.listBindings(room), [put[2].binding]);
      assert.deepEqual((await store.loadRoom(room))?.participants, [put[1].participant], 'also in the snapshot');
      assert.deepEqual((await store.loadRoom(room))?.bindings, [put[2].binding]);
      assert.deepEqual(
        (await store.findRoute({ channelId: 'sms', channelType: 'sms', senderId: 'x', address: '+2' })).addressed.map(({ roomId }) => roomId),
        [room],
      );
      assert.deepEqual(await store.listTasks(room), [put[3].task]);
      assert.deepEqual(await store.listObservations(room), [put[4].observation]);
      assert.deepEqual(await store.listApprovals({ roomId: room }), [put[5].approval]);
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
      const other = { is: 'kept' };
      for (const key of ['fact', 'other']) await store.putFact?.(key, other);
      const [row] = await store.listRows({ roomId: room, eventId: 'e2' });
      await store.changeRecords({
        roomId: room,
        remove: [
          { kind: 'event', id: 'e0' },
          { kind: 'event', id: 'unknown' },
          { kind: 'outcome', id: 'e1' },
          { kind: 'participant', id: 'p1' },
          { kind: 'binding', id: 'web' },
          { kind: 'task', id: 't1' },
          { kind: 'observation', id: 'o1' },
          { kind: 'approval', id: 'approval e0' },
          { kind: 'row', id: row?.id ?? assert.fail() },
          { kind: 'turn', id: 'turn e1' },
          { kind: 'held', id: 'h1' },
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
          { kind: 'creation', id: 'creation' },
          { kind: 'merge', id: 'i3' },
          { kind: 'identity', id: 'i1' },
          { kind: 'fact', id: 'fact' },
        ],
      });
      assert.deepEqual(await all(store, 'creation'), []);
      assert.deepEqual([(await store.getFact?.('fact')) ?? null, (await store.getFact?.('other')) ?? other], [null, other]);
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
        async () => change({ roomId: room, fencingToken: 6, put: [{ kind: 'participant', participant }] }),
        (error) => error instanceof FencedError,
      );
      await assert.rejects(
        async () =>
          change({
            roomId: room,
            fencingToken: 7,
            put: [
              { kind: 'participant', participant },
              { kind: 'event', event: { ...event, idempotencyKey: 'k1' } },
            ],
          }),
        (error) => error instanceof ConflictError,
      );
      assert.deepEqual(await store.listParticipants(room), [samples.participant(room, 'ada')]);
      assert.deepEqual(
        (await store.listEvents(room)).map(({ idempotencyKey }) => idempotencyKey),
        ['k0', 'k1'],
      );
      await change({ roomId: room, fencingToken: 8, put: [{ kind: 'participant', participant }] });
      assert.deepEqual(await store.listParticipants(room), [participant]);
      await assert.rejects(
        async () => store.putParticipant(participant, { fencingToken: 7 }),
        (error) => error instanceof FencedError,
      );
      await change({ roomId: 'gone', put: [{ kind: 'participant', participant: samples.participant('gone', 'ada') }] });
      assert.deepEqual(await store.listParticipants('gone'), []);
    },
  },
  {
    name: 'removes what is of the room it names alone, and nothing of a room where it names none',
    rules: ['ERA-06'],
    test: async (store) => {
      if (store.changeRecords === undefined) return;
      for (const room of ['one', 'two']) {
        await openRoom(store, room);
        await say(
          store,
          room,
          `e ${room}`,
          {},
          { turns: [samples.turn(room, `turn ${room}`, 'agent')], approvals: [samples.approval(room, `a ${room}`)] },
        );
        await store.putParticipant(samples.participant(room, 'ada'));
        await store.createTask(samples.task(room, `task ${room}`));
        await store.addObservation(samples.observation(room, `o ${room}`));
        await store.recordOutcomes([{ roomId: room, eventId: `e ${room}`, results: [{ channelId: 'web', status: 'sent', attempts: 1 }] }]);
      }
      const before = await read(store, 'two');
      const remove = [
        { kind: 'event', id: 'e two' },
        { kind: 'outcome', id: 'e two' },
        { kind: 'participant', id: 'ada' },
        { kind: 'turn', id: 'turn two' },
        { kind: 'approval', id: 'a two' },
        { kind: 'task', id: 'task two' },
        { kind: 'observation', id: 'o two' },
      ] as const;
      await store.changeRecords({ roomId: 'one', remove });
      assert.deepEqual(await store.listParticipants('one'), []);
      assert.deepEqual(await read(store, 'two'), before);
      await store.changeRecords({ remove });
      assert.deepEqual(await read(store, 'two'), before);
    },
  },
  {
    name: 'removes first, rewrites then, and adds last, in one step',
    rules: ['ERA-06', 'STO-20', 'STO-01'],
    test: async (store) => {
      if (store.changeRecords === undefined) return;
      await openRoom(store, 'room');
      const { event: first } = await say(store, 'room', 'e0', { idempotencyKey: 'k0' });
      const { event: second } = await say(store, 'room', 'e1', { idempotencyKey: 'k1' });
      const task = samples.task('room', 'task', { title: 'New' });
      await store.createTask(samples.task('room', 'task'));
      await store.createIdentity({ id: 'i1', channelAddresses: { sms: ['+1'] } });
      await store.changeRecords({
        roomId: 'room',
        remove: [
          { kind: 'event', id: 'e0' },
          { kind: 'task', id: 'task' },
          { kind: 'identity', id: 'i1' },
        ],
        put: [{ kind: 'event', event: { ...second, idempotencyKey: 'k0' } }],
        add: [
          { kind: 'task', task },
          { kind: 'identity', identity: { id: 'i2', channelAddresses: { sms: ['+1'] } } },
        ],
      });
      assert.equal((await store.getEventByIdempotencyKey('k0', { roomId: 'room' }))?.id, 'e1');
      assert.deepEqual(await store.listTasks('room'), [task]);
      assert.equal((await store.resolveIdentity({ channelType: 'sms', address: '+1' }))?.id, 'i2');
      const before = await read(store, 'room');
      const change = store.changeRecords.bind(store);
      await refused(
        () =>
          change({
            roomId: 'room',
            remove: [{ kind: 'event', id: 'e1' }],
            put: [{ kind: 'event', event: first }],
            add: [{ kind: 'task', task: samples.task('room', 'task') }],
          }),
        'conflict',
      );
      assert.deepEqual(await read(store, 'room'), before, 'what could not be added has taken nothing away');
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
        put: [{ kind: 'event', event: { ...event, content: { type: 'text', body: '' }, idempotencyKey: erasedKey('SM1') } }],
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

/** What there is of one room. */
async function read(store: ConversationStore, roomId: string): Promise<readonly unknown[]> {
  const found: StoredRecord[] = [];
  for await (const records of recordsOf(store, { roomId })) found.push(...records);
  return found;
}
