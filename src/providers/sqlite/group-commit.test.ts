/** Group commit: one transaction for all who write at the same moment, and everybody's own answer (STO-12). */
import { describe, expect, it } from 'vitest';
import { inspect, intercept, newPath, openStore } from '../../../test/support/sqlite.js';
import { verifies } from '../../../test/requirements.js';
import * as samples from '../../testing/contracts/samples.js';
import type { SqliteStore } from './index.js';

/** What a store says to its connection, in short. */
function transactionsOf(store: SqliteStore): string[] {
  const log: string[] = [];
  intercept(store, (sql, execute) => {
    log.push(sql);
    execute();
  });
  return log;
}

const say = (store: SqliteStore, id: string, more: object = {}): ReturnType<SqliteStore['commitEvent']> =>
  store.commitEvent({ event: samples.draft('room', id), ...more });

describe.each(['full', 'normal'] as const)('group commit with synchronous %s', (synchronous) => {
  async function openRoom(path = newPath()): Promise<SqliteStore> {
    const store = await openStore({ path, synchronous });
    await store.createRoom(samples.room('room'));
    return store;
  }

  it('shares one transaction among those who write at the same moment', async () => {
    verifies('STO-12');
    const store = await openRoom();
    const log = transactionsOf(store);
    const events = await Promise.all(Array.from({ length: 50 }, (_, n) => say(store, `e${n}`)));
    expect(log.filter((sql) => sql === 'BEGIN IMMEDIATE')).toHaveLength(1);
    expect(log.filter((sql) => sql === 'COMMIT')).toHaveLength(1);
    expect(
      log.filter((sql) => sql === 'SAVEPOINT one'),
      'savepoints, for nobody was refused',
    ).toHaveLength(0);
    expect(events.map(({ event }) => event.index)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(events.map(({ state }) => state.room.latestIndex)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('lets a lone write wait for nobody', async () => {
    verifies('STO-12');
    const store = await openRoom();
    let turns = 0;
    const count = (): void => {
      turns++;
      if (turns < 100) setImmediate(count);
    };
    setImmediate(count);
    for (let n = 0; n < 10; n++) await say(store, `e${n}`);
    expect(turns, 'turns of the event loop that ten writes took').toBe(0);
  });

  it('leaves the neighbours of a refused write alone', async () => {
    verifies('STO-12');
    const path = newPath();
    const store = await openRoom(path);
    await say(store, 'open', { turns: [samples.turn('room', 'turn', 'helper')] });
    const completesTurn = { turnId: 'turn', state: 'committed', endReason: 'completed', replyEventIds: [], usage: {} };
    const refusing = {
      binding: samples.binding('room', 'refused'),
      participant: samples.participant('room', 'refused'),
      outbox: [samples.row('room', 'refused', 'sms')],
      roomPatch: { metadata: { refused: true } },
    };
    const results = await Promise.allSettled([
      say(store, 'a', { binding: samples.binding('room', 'sms') }),
      say(store, 'conflict', { ...refusing, expectedLatestIndex: 99 }),
      say(store, 'b', { completesTurn }),
      say(store, 'twice', { ...refusing, completesTurn }),
      // Refused by the engine itself when most of it is written: the row's id is taken by the one before it.
      say(store, 'c', { outbox: [samples.row('room', 'c', 'sms')] }),
      say(store, 'half', { ...refusing, outbox: [samples.row('room', 'half', 'sms'), samples.row('room', 'c', 'sms')] }),
      store.createRoom(samples.room('room')),
      store.putParticipant(samples.participant('room', 'ada')),
      store.patchRoomMetadata('nowhere', { a: 1 }),
      say(store, 'd'),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? 'stored' : (result.reason as { code: string }).code))).toEqual([
      ...['stored', 'conflict', 'stored', 'conflict', 'stored', 'conflict', 'room_exists', 'stored', 'room_not_found', 'stored'],
    ]);
    const check = (one: SqliteStore): void => {
      expect(one.listEvents('room').map(({ id, index }) => [id, index])).toEqual([
        ['open', 0],
        ['a', 1],
        ['b', 2],
        ['c', 3],
        ['d', 4],
      ]);
      expect(one.getRoom('room')).toMatchObject({ latestIndex: 4, eventCount: 5, metadata: {} });
      expect(one.listBindings('room').map(({ channelId }) => channelId)).toEqual(['sms']);
      expect(one.listParticipants('room').map(({ id }) => id)).toEqual(['ada']);
      expect(one.listRows({}).map(({ id }) => id)).toEqual(['c>sms']);
      expect(one.getTurn('turn')?.state).toBe('committed');
    };
    check(store);
    store.close();
    check(await openStore({ path, synchronous }));
  });

  it('takes a lone write back that is refused half-way', async () => {
    verifies('STO-12', 'STO-01');
    const path = newPath();
    const store = await openRoom(path);
    await say(store, 'a', { outbox: [samples.row('room', 'a', 'sms')] });
    const before = store.loadRoom('room');
    const log = transactionsOf(store);
    const half = say(store, 'half', { binding: samples.binding('room', 'sms'), outbox: [samples.row('room', 'a', 'sms')] });
    await expect(half).rejects.toMatchObject({ code: 'conflict' });
    expect(log).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK']);
    expect([store.loadRoom('room'), store.listEvents('room').length, store.listBindings('room')]).toEqual([before, 1, []]);
    await expect(store.updateRoom(samples.room('room', { version: 99 }))).rejects.toMatchObject({ code: 'conflict' });
    expect((await say(store, 'b')).event.index).toBe(1);
    store.close();
    expect((await openStore({ path, synchronous })).listEvents('room').map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('answers nobody before the whole group is on the disk, and takes all back when it cannot be', async () => {
    verifies('STO-12', 'STO-01');
    const path = newPath();
    const store = await openRoom(path);
    await say(store, 'before');
    const before = store.loadRoom('room');
    let disk: 'works' | 'fails' = 'fails';
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT' && disk === 'fails') throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      execute();
    });
    const again = samples.draft('room', 'again');
    const results = await Promise.allSettled([
      store.commitEvent({ event: again }),
      say(store, 'b', { binding: samples.binding('room', 'sms'), roomPatch: { status: 'closed' } }),
      store.createRoom(samples.room('other')),
      store.deleteRoom('room'),
    ]);
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store_failed', retryable: true } });
    expect({ ...store.loadRoom('room'), revision: 0 }).toEqual({ ...before, revision: 0 }); // read again
    expect([store.getRoom('other'), store.listEvents('room').length, store.listBindings('room')]).toEqual([null, 1, []]);

    disk = 'works';
    expect((await store.commitEvent({ event: again })).event.index, 'the same commit may be tried again').toBe(1);
    expect((await say(store, 'c')).state.room).toMatchObject({ status: 'active', latestIndex: 2, eventCount: 3 });
    store.close();
    await inspect(path, (database) => {
      expect(database.prepare('SELECT id FROM events ORDER BY idx').all()).toMatchObject([{ id: 'before' }, { id: 'again' }, { id: 'c' }]);
    });
  });

  it('tells each of a group what failed when the database takes back the transaction by itself', async () => {
    verifies('STO-12');
    const store = await openRoom();
    let writes = 0;
    intercept(store, (sql, execute) => {
      // As SQLite does on a full disk: the write fails, and the transaction is gone when it is to be taken back.
      if (sql === 'RELEASE one' && ++writes === 2) {
        store['database'].exec('ROLLBACK');
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      }
      execute();
    });
    // One that is refused, so that each gets a savepoint.
    const refused = say(store, 'refused', { expectedLatestIndex: 99 });
    const told = expect(refused).rejects.toMatchObject({ code: 'conflict' });
    const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => say(store, id)));
    await told;
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store_full' } });
    expect(store.getRoom('room')).toMatchObject({ latestIndex: -1, eventCount: 0 });
    expect((await say(store, 'd')).event.index).toBe(0);
  });
});
