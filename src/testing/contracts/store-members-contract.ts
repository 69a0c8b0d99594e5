/** Bindings, participants, tasks, observations and read markers of a room. */
import assert from 'node:assert/strict';
import { givesItsOwn, refused, vandalize } from './contract.js';
import { at, binding, fullBinding, fullObservation, fullParticipant, fullTask, observation, participant, task } from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

export const memberCases = storeCases([
  {
    name: 'keeps every field of a binding, in the order channels were attached',
    rules: ['STO-07'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      await store.putBinding(binding('room', 'z'));
      await store.putBinding(fullBinding('room', 'a'));
      await store.putBinding(binding('room', 'm', { retryPolicy: null }));
      await store.putBinding(binding('other', 'z', { muted: true }));
      assert.deepEqual(await store.getBinding('room', 'a'), fullBinding('room', 'a'));
      assert.deepEqual((await store.getBinding('room', 'm'))?.retryPolicy, null, 'no retries is not the default retries');
      const wanted = [binding('room', 'z'), fullBinding('room', 'a'), binding('room', 'm', { retryPolicy: null })];
      assert.deepEqual(await store.listBindings('room'), wanted);
      assert.deepEqual((await store.loadRoom('room'))?.bindings, wanted);
      await store.putBinding(fullBinding('room', 'z'));
      await store.putBinding(binding('room', 'a'));
      assert.deepEqual(
        await store.listBindings('room'),
        [fullBinding('room', 'z'), binding('room', 'a'), wanted[2]],
        'replaced whole, each in its place',
      );
      assert.deepEqual(await store.listBindings('other'), [binding('other', 'z', { muted: true })]);
      assert.equal(await store.getBinding('room', 'unknown'), null);
    },
  },
  {
    name: 'keeps every field of a participant, in the order they joined',
    rules: ['STO-07'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      await store.putParticipant(participant('room', 'z'));
      await store.putParticipant(fullParticipant('room', 'a'));
      await store.putParticipant(participant('other', 'z', { displayName: 'Another' }));
      assert.deepEqual(await store.getParticipant('room', 'a'), fullParticipant('room', 'a'));
      const wanted = [participant('room', 'z'), fullParticipant('room', 'a')];
      assert.deepEqual(await store.listParticipants('room'), wanted);
      assert.deepEqual((await store.loadRoom('room'))?.participants, wanted);
      await store.putParticipant(fullParticipant('room', 'z'));
      await store.putParticipant(participant('room', 'a'));
      assert.deepEqual(
        await store.listParticipants('room'),
        [fullParticipant('room', 'z'), participant('room', 'a')],
        'replaced whole, each in its place',
      );
      assert.deepEqual(await store.getParticipant('other', 'z'), participant('other', 'z', { displayName: 'Another' }));
      assert.equal(await store.getParticipant('room', 'unknown'), null);
    },
  },
  {
    name: 'owns bindings and participants: nobody changes them from outside',
    rules: ['STO-06'],
    test: async (store) => {
      await openRoom(store);
      const [one, two] = [fullBinding('room', 'one'), fullBinding('room', 'two')];
      const [ada, grace] = [fullParticipant('room', 'ada'), fullParticipant('room', 'grace')];
      const writes = [
        store.putBinding(one),
        store.putParticipant(ada),
        say(store, 'room', 'e0', {}, { binding: two }),
        say(store, 'room', 'e1', {}, { participant: grace }),
      ];
      for (const given of [one, two, ada, grace]) vandalize(given); // before the answers are there
      for (const write of writes) await write;
      await givesItsOwn(
        () => store.getBinding('room', 'one'),
        () => store.listBindings('room'),
        () => store.getParticipant('room', 'ada'),
        () => store.listParticipants('room'),
        () => store.loadRoom('room'),
      );
      const bindings = [...(await store.listBindings('room'))].sort((a, b) => (a.channelId < b.channelId ? -1 : 1));
      assert.deepEqual(bindings, [fullBinding('room', 'one'), fullBinding('room', 'two')]);
      // Which of the writes that were under way at once came first, nobody says.
      const people = [...(await store.listParticipants('room'))].sort((a, b) => (a.id < b.id ? -1 : 1));
      assert.deepEqual(people, [fullParticipant('room', 'ada'), fullParticipant('room', 'grace')]);
      assert.deepEqual((await store.loadRoom('room'))?.bindings, [fullBinding('room', 'one'), fullBinding('room', 'two')]);
    },
  },
  {
    name: 'keeps every field of a task, and replaces it',
    rules: ['STO-07', 'STO-06'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      const given = fullTask('room', 't1');
      const creating = store.createTask(given);
      vandalize(given);
      await creating;
      await store.createTask(task('room', 't2'));
      await store.createTask(task('other', 't3'));
      await givesItsOwn(
        () => store.getTask('t1'),
        () => store.listTasks('room'),
      );
      assert.deepEqual(await store.getTask('t1'), fullTask('room', 't1'));
      assert.deepEqual(await store.listTasks('room'), [fullTask('room', 't1'), task('room', 't2')]);
      assert.deepEqual(ids(await store.listTasks('room', { status: 'pending' })), ['t2']);
      assert.deepEqual(ids(await store.listTasks('room', { status: 'completed' })), []);
      await store.updateTask(task('room', 't1', { status: 'completed' }));
      const changed = fullTask('room', 't2');
      const updating = store.updateTask(changed);
      vandalize(changed);
      await updating;
      assert.deepEqual(await store.listTasks('room'), [task('room', 't1', { status: 'completed' }), fullTask('room', 't2')]);
      assert.deepEqual(ids(await store.listTasks('room', { status: 'completed' })), ['t1']);
      assert.equal(await store.getTask('unknown'), null);
      await store.updateTask(task('other', 't1'));
      assert.deepEqual([ids(await store.listTasks('room')), ids(await store.listTasks('other')).sort()], [['t2'], ['t1', 't3']], 'an id is one task');
      await refused(() => store.createTask(task('nowhere', 't4')), 'room_not_found');
      assert.equal(await store.getTask('t4'), null);
    },
  },
  {
    name: 'lists tasks in progress by when their time comes',
    rules: ['LTR-03'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      const waiting = (roomId: string, id: string, seconds: number) => task(roomId, id, { status: 'in_progress', expiresAt: at(seconds) });
      await store.createTask(waiting('room', 'late', 30));
      await store.createTask(waiting('other', 'soon', 10));
      await store.createTask(waiting('room', 'middle', 20));
      await store.createTask({ ...waiting('room', 'ended', 5), status: 'completed' });
      await store.createTask(task('room', 'endless', { status: 'in_progress' }));
      await givesItsOwn(() => store.listDueTasks());
      assert.deepEqual(await store.listDueTasks(), [waiting('other', 'soon', 10), waiting('room', 'middle', 20), waiting('room', 'late', 30)]);
      assert.deepEqual(ids(await store.listDueTasks({ limit: 1 })), ['soon']);
      assert.deepEqual(ids(await store.listDueTasks({ before: at(20) })), ['soon']);
      assert.deepEqual(ids(await store.listDueTasks({ before: at(21), limit: 5 })), ['soon', 'middle']);
      await store.updateTask({ ...waiting('other', 'soon', 10), status: 'failed' });
      assert.deepEqual(ids(await store.listDueTasks()), ['middle', 'late']);
    },
  },
  {
    name: 'keeps every field of an observation, in the order they were made',
    rules: ['STO-07', 'STO-06'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      const given = fullObservation('room', 'z');
      const adding = store.addObservation(given);
      vandalize(given);
      await adding;
      await store.addObservation(observation('room', 'a'));
      await store.addObservation(observation('other', 'o'));
      await givesItsOwn(() => store.listObservations('room'));
      assert.deepEqual(await store.listObservations('room'), [fullObservation('room', 'z'), observation('room', 'a')]);
      await store.addObservation(observation('room', 'z'));
      assert.deepEqual(await store.listObservations('room'), [observation('room', 'z'), observation('room', 'a')]);
      assert.deepEqual(await store.listObservations('other'), [observation('other', 'o')]);
      await refused(() => store.addObservation(observation('nowhere', 'n')), 'room_not_found');
    },
  },
  {
    name: 'moves read markers forward only',
    rules: ['ROOM-12'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      assert.equal(await store.getReadMarker('room', 'sms'), null);
      await store.setReadMarker('room', 'sms', 0);
      assert.equal(await store.getReadMarker('room', 'sms'), 0);
      await store.setReadMarker('room', 'sms', 4);
      await store.setReadMarker('room', 'sms', 2);
      await store.setReadMarker('room', 'mail', 1);
      assert.equal(await store.getReadMarker('room', 'sms'), 4);
      assert.equal(await store.getReadMarker('room', 'mail'), 1);
      assert.equal(await store.getReadMarker('other', 'sms'), null);
      await Promise.all([7, 9, 8].map(async (index) => store.setReadMarker('room', 'sms', index)));
      assert.equal(await store.getReadMarker('room', 'sms'), 9);
      await store.setReadMarker('nowhere', 'sms', 1);
      assert.equal(await store.getReadMarker('nowhere', 'sms'), null);
    },
  },
]);
