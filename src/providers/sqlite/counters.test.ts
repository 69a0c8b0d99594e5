/** What a message writes, and how the counters of rooms follow it (STO-02, STO-23). */
import { copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { connectionOf, inspect, intercept, newPath, openStore, watchStatements } from '../../../test/support/sqlite.js';
import { verifies } from '../../../test/requirements.js';
import * as samples from '../../testing/contracts/samples.js';
import type { Database } from './database.js';
import type { SqliteStore } from './index.js';

const NEVER = '1970-01-01T00:00:00.000Z';

async function say(store: SqliteStore, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await store.commitEvent({ event: samples.draft('room', `e${n}`, { createdAt: samples.at(n) }) });
}

/** The row itself: up to where the counters are written. */
const written = (database: Database): unknown => database.prepare("SELECT latest_index, event_count FROM counters WHERE room_id = 'room'").get();

describe('what a message writes', () => {
  it('is its event alone, in one statement', async () => {
    verifies('STO-23');
    const store = await openStore();
    await store.createRoom(samples.room('room'));
    const statements: string[] = [];
    watchStatements(store, (sql) => statements.push(sql));
    await say(store, 0, 30);
    expect(statements.filter((sql) => !sql.startsWith('SELECT'))).toEqual([expect.stringMatching(/^INSERT INTO events /)]);
  });

  it('gives an event without a key no place among keys', async () => {
    verifies('STO-23');
    const store = await openStore();
    const indexes = connectionOf(store).prepare('PRAGMA index_list(events)').all() as { name: string; unique: number; partial: number }[];
    expect(indexes.filter(({ partial }) => partial === 0).map(({ unique }) => unique)).toEqual([1]); // by id
    expect(indexes.find(({ name }) => name === 'events_by_room_key')).toMatchObject({ unique: 1, partial: 1 });
  });
});

describe('the counters of a room', () => {
  it('are right whatever of them is written, after a crash as well', async () => {
    verifies('STO-02', 'STO-23');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room', { updatedAt: NEVER }));
    await say(store, 0, 40);
    expect(written(connectionOf(store))).toEqual({ latest_index: 31, event_count: 32 });
    const crash = async (): Promise<SqliteStore> => {
      const copy = newPath();
      for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
      return openStore(copy);
    };
    const agree = async (): Promise<void> => {
      const room = store.getRoom('room');
      const crashed = await crash();
      expect(crashed.findRooms({})).toEqual([room]);
      expect(crashed.readRecords({ kind: 'room' }).records).toMatchObject([{ room }]);
      expect(crashed.getRoom('room')).toEqual(room);
    };
    expect(store.getRoom('room')).toMatchObject({ eventCount: 40, latestIndex: 39, version: 40, updatedAt: samples.at(39) });
    await agree();
    // What is removed is no longer counted, and its index is not given again (STO-02).
    await store.deleteEvent('room', 'e39');
    await say(store, 40, 45);
    expect(store.getRoom('room')).toMatchObject({ eventCount: 44, latestIndex: 44, version: 46 });
    await agree();
    await store.changeRecords({ roomId: 'room', remove: [{ kind: 'event', id: 'e44' }] });
    await say(store, 45, 46);
    await store.patchRoomMetadata('room', { a: 1 });
    await say(store, 46, 48);
    expect(store.getRoom('room')).toMatchObject({ eventCount: 46, latestIndex: 47, metadata: { a: 1 } });
    await agree();
    const crashed = await crash();
    expect((await crashed.commitEvent({ event: samples.draft('room', 'next') })).event.index).toBe(48);
  });

  it('are written when the store is closed', async () => {
    verifies('STO-23');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    await say(store, 0, 31);
    // The next one would write them, and is taken back.
    let isFull = true;
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT' && isFull) throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      execute();
    });
    await expect(say(store, 31, 32)).rejects.toMatchObject({ code: 'store_full' });
    isFull = false;
    expect(written(connectionOf(store))).toEqual({ latest_index: -1, event_count: 0 });
    const room = store.getRoom('room');
    store.close();
    await inspect(path, (database) => expect(written(database)).toEqual({ latest_index: 30, event_count: 31 }));
    expect((await openStore(path)).getRoom('room')).toEqual(room);
  });
});
