/** The file's schema: how it grows, and which files are left alone (STO-13). */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { connectionOf, inspect, newPath, openStore } from '../../../test/support/sqlite.js';
import { verifies } from '../../../test/requirements.js';
import * as samples from '../../testing/contracts/samples.js';
import type { Database } from './database.js';
import { SqliteStore } from './index.js';
import { migrate, SCHEMA_VERSION } from './schema.js';

/** Written by the code of version 1, with a row in every table. */
function writeVersion1(path: string): void {
  writeFileSync(path, gunzipSync(readFileSync(new URL('./fixtures/version-1.db.gz', import.meta.url))));
}

const version = (database: Database): unknown => (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
const tables = (database: Database): string[] =>
  (database.prepare('SELECT name FROM sqlite_master ORDER BY name').all() as { name: string }[]).map(({ name }) => name);

describe('the schema of SqliteStore', () => {
  it('is written into a new file, with its version', async () => {
    verifies('STO-13');
    const path = newPath();
    (await openStore(path)).close();
    await inspect(path, (database) => {
      expect(version(database)).toBe(SCHEMA_VERSION);
      expect(tables(database)).toContain('counters');
    });
  });

  it('brings an older file forward, with everything in it', async () => {
    verifies('STO-13');
    const path = newPath();
    writeVersion1(path);
    await inspect(path, (database) => expect(version(database)).toBe(1));
    const store = await openStore(path);
    expect(version(connectionOf(store))).toBe(SCHEMA_VERSION);

    const { budget: _budget, ...aiConfig } = samples.fullRoom('full').aiConfig;
    expect(store.getRoom('full')).toEqual({ ...samples.fullRoom('full'), aiConfig });
    const room = store.getRoom('room');
    expect(room).toEqual(
      samples.room('room', {
        organizationId: 'org',
        metadata: { a: 1 },
        eventCount: 2,
        latestIndex: 2,
        version: 4,
        updatedAt: room?.updatedAt ?? '',
      }),
    );
    expect(store.listEvents('room').map(({ index }) => index)).toEqual([0, 1]);
    expect(store.getEvent('room', 'e0')).toEqual({ ...samples.fullEvent('room', 'e0'), index: 0 });
    expect(store.searchEvents({ text: 'invoice' }).map(({ id }) => id)).toEqual(['e1']);
    expect(store.getEventByIdempotencyKey('key-e0', { roomId: 'room' })?.id).toBe('e0');
    expect(store.getEventByExternalId('sms', 'external-e0')?.id).toBe('e0');
    expect(store.listBindings('room')).toEqual([samples.fullBinding('room', 'mail'), samples.binding('room', 'sms', { address: '+1' })]);
    expect(store.listParticipants('room')).toEqual([samples.fullParticipant('room', 'ada')]);
    expect(store.getIdentity('two')).toMatchObject({ id: 'one', externalIds: { crm: '1', shop: '2' } });
    expect(store.resolveIdentity({ channelType: 'sms', address: '+1-two', organizationId: 'org' })?.id).toBe('one');
    expect(await store.unmergeIdentity('two')).toMatchObject({ fromId: 'two' });
    const { expiresAt: _laterToo, ...task } = samples.fullTask('room', 'task');
    expect(store.getTask('task')).toEqual(task);
    expect(store.listObservations('room')).toEqual([samples.fullObservation('room', 'seen')]);
    expect(store.getReadMarker('room', 'sms')).toBe(1);
    const { partMessageIds: _partsToo, trace: _traced, ...row } = samples.fullRow('room', 'e1', 'mail');
    expect(store.getRow('e1>mail')).toEqual({ ...row, eventIndex: 1 });
    const { mergedInto: _later, trace: _tracedToo, suspended: _waits, ...turn } = samples.fullTurn('room', 't1', 'helper'); // what turns did not have yet
    expect(store.getTurn('t1')).toEqual({ ...turn, triggerIndex: 1 });
    expect(store.deliveryResults('room', ['e0']).get('e0')).toEqual({ web: { channelId: 'web', status: 'sent', attempts: 1 } });
    expect(store.listHeld('edit', 'sms:external', samples.at())).toEqual([{ ...samples.fullHeld('held'), roomId: 'room' }]);

    // What the new version goes by was derived from what the old one had.
    expect(store.findRoute({ channelId: 'sms', channelType: 'sms', senderId: 'nobody', address: '+1' }).addressed).toEqual([
      { roomId: 'room', createdAt: samples.at() },
    ]);
    expect((await store.createRoomOnce('key', samples.room('again'), 60)).created).toBe(false);
    await expect(store.commitEvent({ event: samples.draft('room', 'late'), fencingToken: 6 })).rejects.toMatchObject({ code: 'fenced' });
    expect((await store.commitEvent({ event: samples.draft('room', 'e3'), fencingToken: 7 })).event.index).toBe(3);
    store.close();
    const again = await openStore(path);
    expect(again.getRoom('room')).toMatchObject({ eventCount: 3, latestIndex: 3 });
    expect(again.listEvents('room')).toHaveLength(3);
  });

  it('leaves nothing behind where a step writes a table anew', async () => {
    verifies('STO-13', 'ERA-08');
    const said = async (): Promise<string> => {
      const path = newPath();
      writeVersion1(path);
      await inspect(path, (database) => {
        const insert = database.prepare(
          "INSERT INTO events (id, room_id, idx, channel_id, visibility, json) VALUES (?, 'room', ?, 'sms', 'all', '{\"said\":\"a word of somebody\"}')",
        );
        for (let n = 0; n < 500; n++) insert.run(`more-${n}`, n + 10);
      });
      return path;
    };
    const copies = (path: string): number => readFileSync(path, 'latin1').split('a word of somebody').length - 1;
    const path = await said();
    expect(copies(path)).toBe(500);
    await SqliteStore.migrate(path);
    expect(copies(path), 'each event is in the file once, and not in pages that are free').toBe(500);
    const opened = await said();
    await openStore(opened);
    expect([statSync(`${opened}-wal`).size, copies(opened)], 'what the log keeps while the file is open, and the file').toEqual([0, 500]);
  });

  it('goes forward in one transaction: a step that fails leaves the old file as it was', async () => {
    verifies('STO-13');
    const path = newPath();
    writeVersion1(path);
    await inspect(path, (database) => {
      database.exec('CREATE TABLE counters (mine)'); // the step makes a table of this name, after others
      const before = tables(database);
      expect(() => migrate(database)).toThrow(/counters/);
      expect(version(database)).toBe(1);
      expect(tables(database)).toEqual(before);
      database.exec('DROP TABLE counters');
    });
    expect((await openStore(path)).countEvents('room')).toBe(2);
  });

  it('refuses a file that a newer version has written, names both, and leaves it as it is', async () => {
    verifies('STO-13');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    store.close();
    await inspect(path, (database) => database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 5}`));
    const before = readFileSync(path);
    const opening = SqliteStore.open(path);
    await expect(opening).rejects.toMatchObject({ code: 'store_newer', retryable: false });
    await expect(opening).rejects.toThrow(new RegExp(`${path}.*schema ${SCHEMA_VERSION + 5}; this one knows ${SCHEMA_VERSION}.*Update roomkit`));
    expect(readFileSync(path).equals(before)).toBe(true);
    await inspect(path, (database) => database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`));
    expect((await openStore(path)).getRoom('room')?.id).toBe('room');
  });

  it('refuses the database of another program, whatever its version, and leaves it as it is', async () => {
    verifies('STO-13');
    for (const foreign of [
      'CREATE TABLE rooms (id)',
      'CREATE TABLE notes (id); PRAGMA user_version = 1',
      'CREATE TABLE notes (id); PRAGMA application_id = 99',
    ]) {
      const path = newPath();
      await inspect(path, (database) => database.exec(foreign));
      const before = readFileSync(path);
      await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store_foreign' });
      expect(readFileSync(path).equals(before)).toBe(true);
    }
  });

  it('takes an empty file', async () => {
    verifies('STO-13');
    const path = newPath();
    writeFileSync(path, '');
    await (await openStore(path)).createRoom(samples.room('room'));
  });
});
