/** What a file gives beyond the contract of storage: a log, uniqueness in the engine, everything there after a restart. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectionOf, inspect, intercept, newPath, openStore } from '../../../test/support/sqlite.js';
import { erasedKey, type RoomEvent } from '../../core/index.js';
import { verifies } from '../../../test/requirements.js';
import * as samples from '../../testing/contracts/samples.js';
import { SqliteStore } from './index.js';

const pragma = (store: SqliteStore, name: string): unknown => Object.values(connectionOf(store).prepare(`PRAGMA ${name}`).get() as object)[0];

describe('SqliteStore', () => {
  it('writes ahead into a log, at the safety it was told', async () => {
    verifies('STO-09', 'STO-12');
    const path = newPath();
    const store = await openStore(path);
    expect([pragma(store, 'journal_mode'), pragma(store, 'synchronous'), pragma(store, 'locking_mode')]).toEqual(['wal', 2, 'exclusive']);
    await store.createRoom(samples.room('room'));
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const normal = await openStore({ path: newPath(), synchronous: 'normal' });
    expect([pragma(normal, 'journal_mode'), pragma(normal, 'synchronous')]).toEqual(['wal', 1]);
  });

  it('is one file after it is closed', async () => {
    verifies('STO-09');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    store.close();
    expect(readdirSync(dirname(path))).toEqual(['rooms.db']);
  });

  it('says what it keeps', async () => {
    verifies('OUT-12');
    const [file, memory] = [await openStore(newPath()), await openStore(':memory:')];
    expect([file.name, file.persistent, file.shared]).toEqual(['sqlite', true, false]);
    expect([memory.persistent, existsSync(':memory:')]).toEqual([false, false]);
  });

  it('has everything again after it was opened anew', async () => {
    verifies('STO-09', 'STO-07');
    const path = newPath();
    const first = await openStore(path);
    await first.createRoom(samples.fullRoom('full'));
    await first.createRoom(samples.room('room', { timers: { inactiveAfterSeconds: 5 } }));
    await first.commitEvent({
      event: samples.fullEvent('room', 'e0'),
      binding: samples.fullBinding('room', 'mail'),
      participant: samples.fullParticipant('room', 'ada'),
      outbox: [samples.fullRow('room', 'e0', 'mail')],
      turns: [samples.fullTurn('room', 't0', 'helper')],
      roomPatch: { metadata: { topic: 'x' } },
      fencingToken: 3,
    });
    await first.commitEvent({ event: samples.draft('room', 'e1', { createdAt: samples.at(90), content: { type: 'text', body: 'a needle' } }) });
    await first.deleteEvent('room', 'e1');
    await first.commitEvent({ event: samples.draft('room', 'e2', { createdAt: samples.at(99), content: { type: 'text', body: 'another needle' } }) });
    await first.createIdentity(samples.fullIdentity('one'));
    await first.createTask(samples.fullTask('room', 'task'));
    await first.addObservation(samples.fullObservation('room', 'seen'));
    await first.setReadMarker('room', 'mail', 2);
    await first.recordOutcomes([{ roomId: 'room', eventId: 'e2', results: [{ channelId: 'web', status: 'sent', attempts: 1 }] }]);
    await first.holdMessage(samples.fullHeld('held'), 5);
    const read = async (store: SqliteStore): Promise<unknown> => ({
      rooms: store.findRooms({}),
      states: ['full', 'room'].map((id) => ({ ...store.loadRoom(id), revision: 0 })), // each process counts its own
      events: store.listEvents('room'),
      found: store.searchEvents({ text: 'needle' }),
      rows: store.listRows({}),
      turns: store.listTurns({}),
      identity: store.getIdentity('one'),
      tasks: store.listTasks('room'),
      observations: store.listObservations('room'),
      marker: store.getReadMarker('room', 'mail'),
      results: store.deliveryResults('room', ['e0', 'e2']),
      held: store.listHeld('edit', 'sms:external', samples.at()),
    });
    const before = await read(first);
    expect(first.getRoom('room')?.updatedAt).toBe(samples.at(99));
    first.close();

    const second = await openStore(path);
    expect(await read(second)).toEqual(before);
    expect((await second.commitEvent({ event: samples.draft('room', 'e3') })).event.index).toBe(3);
    await expect(second.commitEvent({ event: samples.draft('room', 'e4'), fencingToken: 2 })).rejects.toMatchObject({ code: 'fenced' });
  });

  it('keeps index and key unique in the engine itself', async () => {
    verifies('STO-03');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    await store.commitEvent({ event: samples.draft('room', 'e0', { idempotencyKey: 'key' }) });
    store.close();
    await inspect(path, (database) => {
      const insert = (id: string, index: number, key: string): unknown =>
        database
          .prepare(
            "INSERT INTO events (id, room_id, idx, channel_id, idempotency_key, visibility, json) VALUES (?, 'room', ?, 'sms', ?, 'all', '{}')",
          )
          .run(id, index, key);
      expect(() => insert('e1', 1, 'key')).toThrow(/UNIQUE/);
      const place = (index: number): unknown => database.prepare("INSERT INTO places (room_id, idx, number) VALUES ('room', ?, 9)").run(index);
      place(0); // the event waits for it
      expect(() => place(0)).toThrow(/UNIQUE/);
    });
  });

  it('refuses an event that is given with an index which is taken, and leaves everything as it was', async () => {
    verifies('STO-03', 'STO-20');
    const store = await openStore();
    await store.createRoom(samples.room('room'));
    for (const id of ['e0', 'e1']) await store.commitEvent({ event: samples.draft('room', id) });
    const event = { ...samples.draft('room', 'twin'), index: 1 } as RoomEvent;
    await expect(store.changeRecords({ add: [{ kind: 'event', event }] })).rejects.toMatchObject({ code: 'conflict', retryable: false });
    expect(store.listEvents('room').map(({ id }) => id)).toEqual(['e0', 'e1']);
    expect((await store.commitEvent({ event: samples.draft('room', 'e2') })).event.index).toBe(2);
  });

  it('looks again when the disk has events of a room that memory does not know of', async () => {
    verifies('STO-03');
    const store = await openStore(newPath());
    await store.createRoom(samples.room('room'));
    await store.commitEvent({ event: samples.draft('room', 'e0') });
    connectionOf(store).exec(
      'INSERT INTO events (id, room_id, idx, channel_id, visibility, json) VALUES (\'intruder\', \'room\', 1, \'sms\', \'all\', \'{"id":"intruder","roomId":"room","index":1}\')',
    );
    // One that the disk does not take: from now on only what is on it counts.
    let isFull = true;
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT' && isFull) throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      execute();
    });
    await expect(store.commitEvent({ event: samples.draft('room', 'e1') })).rejects.toMatchObject({ code: 'store_full' });
    isFull = false;
    expect((await store.commitEvent({ event: samples.draft('room', 'e2') })).event.index).toBe(2);
    expect(store.getRoom('room')).toMatchObject({ latestIndex: 2, eventCount: 3 });
  });

  it('knows an erased key by its digest, in a file that is opened again too', async () => {
    verifies('ERA-05', 'STO-03');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    const { event } = await store.commitEvent({ event: samples.draft('room', 'e0', { idempotencyKey: 'SM1' }) });
    expect(store.getEventByIdempotencyKey('SM1', { roomId: 'room' })?.id).toBe('e0'); // nothing is erased yet
    await store.updateEvent({ ...event, idempotencyKey: erasedKey('SM1') });
    const check = async (one: SqliteStore): Promise<void> => {
      for (const where of [{ roomId: 'room' }, { channelId: 'sms' }]) expect(one.getEventByIdempotencyKey('SM1', where)?.id).toBe('e0');
      expect(await one.commitEvent({ event: samples.draft('room', 'again', { idempotencyKey: 'SM1' }) })).toMatchObject({ duplicate: true });
      expect(one.findRoute({ channelId: 'sms', channelType: 'sms', senderId: 'ada', address: '+1', idempotencyKey: 'SM1' }).keyed).toBe('room');
    };
    await check(store);
    store.close();
    await check(await openStore(path));
  });

  it('takes an id once, in any room', async () => {
    verifies('STO-03');
    const store = await openStore(newPath());
    for (const roomId of ['room', 'other']) await store.createRoom(samples.room(roomId));
    await store.commitEvent({ event: samples.draft('room', 'e0'), outbox: [samples.row('room', 'e0', 'sms')] });
    await expect(store.commitEvent({ event: samples.draft('other', 'e0') })).rejects.toMatchObject({ code: 'conflict', retryable: false });
    await expect(store.commitEvent({ event: samples.draft('other', 'e1'), outbox: [samples.row('room', 'e0', 'sms')] })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(store.getRoom('other')).toMatchObject({ latestIndex: -1, eventCount: 0 });
    expect(store.listEvents('other')).toEqual([]);
  });

  it('edits and removes messages of any age', async () => {
    verifies('STO-09');
    // The text index keeps what it removed under row ids that no double holds; they come out with whatever is written next.
    const store = await openStore({ path: newPath(), synchronous: 'normal' });
    await store.createRoom(samples.room('room'));
    for (let n = 0; n < 300; n++) await store.commitEvent({ event: samples.draft('room', `e${n}`) });
    for (let n = 0; n < 300; n += 3) {
      await store.updateEvent({ ...samples.draft('room', `e${n}`), content: { type: 'text', body: 'rewritten' } });
      await store.deleteEvent('room', `e${n + 1}`);
      await store.setReadMarker('room', 'sms', n);
    }
    expect(store.searchEvents({ text: 'rewritten', limit: 1000 })).toHaveLength(100);
    expect(store.listEvents('room')).toHaveLength(200);
    await store.deleteRoom('room');
    expect(store.searchEvents({ text: 'rewritten' })).toEqual([]);
  });

  it('does nothing after it was closed, and says so', async () => {
    verifies('KIT-04');
    const path = newPath();
    const store = await openStore(path);
    const creating = store.createRoom(samples.room('room'));
    store.close();
    store.close();
    expect((await creating).id, 'what was accepted before is written').toBe('room');
    await expect(store.createRoom(samples.room('late'))).rejects.toMatchObject({ code: 'store_closed' });
    expect(() => store.getRoom('room')).toThrow(/closed. Open it again with SqliteStore.open/);
    expect((await openStore(path)).getRoom('room')?.id).toBe('room');
  });

  it('says what it cannot be opened with', async () => {
    verifies('CON-07');
    await expect(SqliteStore.open('')).rejects.toThrow(/needs a path/);
    await expect(SqliteStore.open({ path: newPath(), synchronous: 'off' as 'full' })).rejects.toThrow(/'off'.*'full'/);
    await expect(SqliteStore.open({} as { path: string })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('says what it cannot store, and stores the rest', async () => {
    verifies('STO-12');
    const store = await openStore(newPath());
    const odd = store.createRoom(samples.room('odd', { metadata: { amount: 1n } }));
    const good = store.createRoom(samples.room('good'));
    await expect(odd).rejects.toThrow(/BigInt/);
    expect((await good).id).toBe('good');
    expect(store.getRoom('odd')).toBeNull();
  });
});
