/** `roomkit db`, `outbox` and `rooms` as people type them, on SQLite files. Built by `npm test`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COPY_MARK, InMemoryStore, silentLogger, type ConversationStore, type RecordChanges } from '../../src/core/index.js';
import { RoomKit } from '../../src/core/kit.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { MockSMSProvider } from '../../src/testing/index.js';
import { SMSChannel, WebSocketChannel } from '../../src/channels/index.js';
import { tableOf } from '../../src/cli/operations/table.js';
import { roomsIn } from '../../src/cli/operations/room-files.js';
import { copyStore } from '../../src/cli/operations/copy.js';
import { verifies } from '../requirements.js';
import { connectionOf } from '../support/sqlite.js';
import { UserFolder } from './program.js';

let folder: UserFolder;
beforeEach(() => {
  folder = new UserFolder();
});
afterEach(() => folder.remove());

const SECRET = 'a word of Ada';

/** A file with the rooms 'one' and 'two': Ada has written in 'one', and a delivery to her has failed. */
async function fill(name = 'rooms.db'): Promise<string> {
  const path = join(folder.path, name);
  const kit = new RoomKit({ store: await SqliteStore.open(path), logger: silentLogger, deliveryTimeoutSeconds: 1 });
  const provider = new MockSMSProvider();
  provider.failNext({ success: false, error: 'refused', retryable: false });
  kit.registerChannel(new SMSChannel('sms', { provider, fromNumber: '+15550100' }));
  await kit.createRoom({ roomId: 'one', organizationId: 'acme', metadata: { note: SECRET } });
  await kit.createRoom({ roomId: 'two' });
  kit.registerChannel(new WebSocketChannel('web'));
  await kit.attachChannel('one', 'sms', { metadata: { phone_number: '+15550199' } });
  await kit.attachChannel('one', 'web');
  await kit.processInbound({ channelId: 'sms', senderId: '+15550199', content: SECRET, idempotencyKey: 'vendor-1' }, { roomId: 'one' });
  await kit.processInbound({ channelId: 'web', senderId: 'grace', content: SECRET }, { roomId: 'one' });
  await kit.close();
  return name;
}

async function run(...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const program = folder.roomkit(...args);
  const code = await program.ended;
  return { code, out: program.out, errors: program.errors };
}

async function withFile<T>(name: string, use: (store: SqliteStore) => Promise<T> | T): Promise<T> {
  const store = await SqliteStore.open(join(folder.path, name));
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

describe('roomkit db', { timeout: 30_000 }, () => {
  it('says how a file stands, and brings an older one forward when it is told to', async () => {
    verifies('STO-22', 'STO-13');
    writeFileSync(join(folder.path, 'old.db'), gunzipSync(readFileSync('src/providers/sqlite/fixtures/version-1.db.gz')));
    const before = await run('db', 'status', 'old.db');
    expect(before.out).toMatch(/schema +1; this version of roomkit writes \d+\nrooms +3\nevents +2\n/);
    expect(before.out).toContain("It must be migrated: 'roomkit db migrate'");
    const dry = await run('db', 'migrate', '--store', 'old.db', '--dry-run');
    expect(dry.out).toContain('2: moves the counters of rooms into a table of their own');
    expect(dry.out).toContain('nothing was changed');
    await expect(SqliteStore.open({ path: join(folder.path, 'old.db'), migrate: false })).rejects.toMatchObject({ code: 'store_outdated' });
    expect(JSON.parse((await run('db', 'status', 'old.db', '--json')).out)).toMatchObject({ schemaVersion: 1, mustMigrate: true, rooms: 3 });
    const done = await run('db', 'migrate', 'old.db', '--json');
    expect(JSON.parse(done.out)).toMatchObject({ from: 1, isDone: true });
    expect(JSON.parse((await run('db', 'status', 'old.db', '--json')).out)).toMatchObject({ mustMigrate: false, pending: [], rooms: 3 });
    (await SqliteStore.open({ path: join(folder.path, 'old.db'), migrate: false })).close();
  });

  it('refuses what is not there, in use, or no database, and makes no file', async () => {
    verifies('STO-22');
    for (const command of [
      ['db', 'status'],
      ['db', 'migrate'],
      ['outbox', 'list'],
      ['rooms', 'list'],
    ]) {
      const { code, errors } = await run(...command, 'none.db');
      expect([code, errors], command.join(' ')).toEqual([1, expect.stringContaining("There is no database 'none.db'")]);
    }
    expect(existsSync(join(folder.path, 'none.db'))).toBe(false);
    await fill();
    await withFile('rooms.db', async () => {
      expect((await run('db', 'status', 'rooms.db')).errors).toContain('is in use by another process. Stop that one first');
    });
    folder.write('notes.db', 'no database at all, but a text that is long enough to be looked at as one'.repeat(20));
    expect((await run('db', 'status', 'notes.db')).errors).toContain('is not a database, or is damaged');
    await withFile('newer.db', (store) => connectionOf(store).exec('PRAGMA user_version = 99'));
    for (const command of ['status', 'migrate'])
      expect((await run('db', command, 'newer.db')).errors).toMatch(
        /written by a newer version of roomkit \(schema 99; this one knows \d+\). Update/,
      );
    const wrong = await run('db', 'status', 'mysql://ada:hunter2@host/db');
    expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining("'mysql://host/db' is no database of RoomKit")]);
    expect((await run('rooms', 'list')).errors).toContain('ROOMKIT_STORE');
  });

  it('copies a file into another one, which goes on where it stopped', async () => {
    verifies('STO-21', 'STO-20', 'INB-08', 'STO-02');
    await fill();
    const before = await withFile('rooms.db', (store) => store.loadRoom('one'));
    const copied = await run('db', 'copy', 'rooms.db', 'copy.db');
    expect(copied.errors).toBe('');
    expect(copied.out).toMatch(/RECORDS +COUNT +DIGEST\n/);
    expect(copied.out).toContain('the same on both sides');
    const kit = new RoomKit({ store: await SqliteStore.open(join(folder.path, 'copy.db')), logger: silentLogger });
    const provider = new MockSMSProvider();
    kit.registerChannel(new SMSChannel('sms', { provider, fromNumber: '+15550100' }));
    expect(await kit.store.loadRoom('one')).toEqual(before);
    const again = await kit.processInbound({ channelId: 'sms', senderId: '+15550199', content: SECRET, idempotencyKey: 'vendor-1' });
    expect(again.duplicate).toBe(true);
    const next = await kit.processInbound({ channelId: 'sms', senderId: '+15550199', content: 'next' });
    expect(next.event?.index).toBe((before?.room.latestIndex ?? 0) + 1);
    await kit.close();
    const refused = await run('db', 'copy', 'rooms.db', 'copy.db');
    expect([refused.code, refused.errors]).toEqual([1, expect.stringContaining('has rooms already')]);
    expect((await run('db', 'copy', 'rooms.db', './rooms.db')).errors).toContain('FROM and TO are the same');
  });

  it('leaves what an interrupted copy has begun unusable until it is made again', async () => {
    verifies('STO-21');
    await fill();
    const target = await SqliteStore.open(join(folder.path, 'copy.db'));
    await withFile('rooms.db', async (source) => {
      let pages = 0;
      const dying: ConversationStore = new Proxy<ConversationStore>(source, {
        get: (inner, name) => {
          const value: unknown = Reflect.get(inner, name);
          if (typeof value !== 'function') return value;
          return (...given: unknown[]): unknown => {
            if (name === 'readRecords' && ++pages > 6) throw new Error('killed');
            return Reflect.apply(value, inner, given);
          };
        },
      });
      await expect(copyStore(dying, target, () => undefined)).rejects.toThrow('killed');
    });
    expect(target.getRoom('one')).not.toBeNull();
    target.close();
    await expect(SqliteStore.open(join(folder.path, 'copy.db'))).rejects.toMatchObject({ code: 'store_unfinished' });
    expect((await run('db', 'status', 'copy.db')).out).toContain('A copy into it was interrupted');
    expect((await run('rooms', 'list', 'copy.db')).errors).toContain('Make the copy again');
    expect((await run('db', 'copy', 'rooms.db', 'copy.db')).code).toBe(0);
    await withFile('copy.db', (store) => expect([store.getFact(COPY_MARK), store.getRoom('one')?.id]).toEqual([null, 'one']));
  });

  it('finds that the two differ, and leaves the copy unusable', async () => {
    verifies('STO-21');
    await fill();
    await withFile('rooms.db', async (source) => {
      const target = new InMemoryStore();
      const losing: ConversationStore = new Proxy<ConversationStore>(target, {
        get: (inner, name) => {
          if (name === 'changeRecords')
            return ({ add = [] }: RecordChanges) => target.changeRecords({ add: add.filter(({ kind }) => kind !== 'row') });
          const value: unknown = Reflect.get(inner, name);
          return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
        },
      });
      await expect(copyStore(source, losing, () => undefined)).rejects.toThrow(/differ \(row\)/);
      expect(target.getFact(COPY_MARK)).not.toBeNull();
    });
  });
});

describe('roomkit outbox', { timeout: 30_000 }, () => {
  it('lists deliveries without what people said, puts them back and gives them up', async () => {
    verifies('STO-22', 'OUT-09');
    await fill();
    const listed = await run('outbox', 'list', 'rooms.db');
    expect(listed.out).toMatch(/^ID +STATE +ROOM +INDEX +CHANNEL +TRIES +SINCE +NEXT +ERROR\n\S+ +failed +one /);
    expect(listed.out).toContain('refused');
    expect(listed.out).not.toContain(SECRET);
    const json = await run(
      'outbox',
      'list',
      'rooms.db',
      '--json',
      '--state',
      'failed',
      '--organization',
      'acme',
      '--room',
      'one',
      '--channel',
      'sms',
    );
    expect(json.out).not.toContain(SECRET);
    const [{ id }] = JSON.parse(json.out) as [{ id: string }];
    expect((await run('outbox', 'list', 'rooms.db', '--content')).out).toContain(SECRET);
    for (const other of [
      ['--organization', 'others'],
      ['--room', 'two'],
      ['--channel', 'web'],
      ['--state', 'queued,sent'],
    ])
      expect((await run('outbox', 'list', 'rooms.db', ...other)).out, other.join(' ')).toMatch(/^No deliveries are /);

    const early = await run('outbox', 'cancel', id, '--store', 'rooms.db');
    expect([early.code, early.errors]).toEqual([1, expect.stringContaining(`${id} is failed. It has to be queued or unknown.`)]);
    expect((await run('outbox', 'retry', id, '--store', 'rooms.db')).out).toBe(`${id} is put back.\n`);
    await withFile('rooms.db', (store) => expect(store.getRow(id)).toMatchObject({ state: 'queued' }));
    expect((await run('outbox', 'cancel', id, '--store', 'rooms.db', '--json')).out).toContain('"cancelled"');
    const unknown = await run('outbox', 'retry', 'nothing', '--store', 'rooms.db');
    expect([unknown.code, unknown.errors]).toEqual([1, expect.stringContaining("There is no delivery 'nothing'")]);
    const wrong = await run('outbox', 'list', 'rooms.db', '--state', 'lost');
    expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining("--state is 'lost'. Give one of queued,")]);
  });
});

describe('roomkit rooms', { timeout: 30_000 }, () => {
  it('lists and shows rooms, without what people said unless it is told to', async () => {
    verifies('STO-22');
    await fill();
    const listed = await run('rooms', 'list', 'rooms.db');
    expect(listed.out).toMatch(/^ID +STATUS +EVENTS +ORGANIZATION +CREATED +UPDATED\n/);
    expect(listed.out).toMatch(/one +active +\d+ +acme /);
    const json = await run('rooms', 'list', 'rooms.db', '--json', '--status', 'active,closed', '--channel', 'sms');
    expect((JSON.parse(json.out) as { id: string }[]).map(({ id }) => id)).toEqual(['one']);
    const shown = await run('rooms', 'show', 'one', '--store', 'rooms.db');
    expect(shown.out).toMatch(/CHANNEL +TYPE +CATEGORY +ACCESS\nsms +sms +transport +read_write/);
    for (const { out } of [listed, json, shown, await run('rooms', 'show', 'one', '--store', 'rooms.db', '--json')])
      expect(out).not.toMatch(/a word of Ada|\+15550199/);
    expect((await run('rooms', 'list', 'rooms.db', '--content')).out).toContain(SECRET);
    expect((await run('rooms', 'show', 'one', '--store', 'rooms.db', '--content')).out).toContain(SECRET);
    expect((await run('rooms', 'list', 'rooms.db', '--organization', 'others')).out).toBe('No rooms.\n');
    expect((await run('rooms', 'show', 'none', '--store', 'rooms.db')).errors).toContain("There is no room 'none'");
  });

  it('closes rooms as a kit does, and deletes them only when it is told twice', async () => {
    verifies('STO-22', 'ROOM-04', 'STO-10');
    await fill();
    expect((await run('rooms', 'close', 'two', '--store', 'rooms.db')).out).toBe('two is closed.\n');
    await withFile('rooms.db', (store) => {
      expect(store.getRoom('two')?.status).toBe('closed');
      expect(store.listEvents('two').at(-1)?.content).toMatchObject({ code: 'room_closed' });
    });
    const asked = await run('rooms', 'delete', 'one', '--store', 'rooms.db');
    expect([asked.code, asked.errors]).toEqual([1, expect.stringMatching(/1 room\(s\) with \d+ event\(s\) would be deleted for good. Say --yes/)]);
    expect((await run('rooms', 'delete', 'one', 'none', '--yes', '--store', 'rooms.db')).errors).toContain("'none'");
    await withFile('rooms.db', (store) => expect(store.getRoom('one')).not.toBeNull());
    expect((await run('rooms', 'delete', 'one', '--yes', '--store', 'rooms.db')).out).toContain('Deleted 1 room(s)');
    await withFile('rooms.db', (store) => expect([store.getRoom('one'), store.listRows({})]).toEqual([null, []]));
  });

  it('writes rooms as lines and takes them whole, and never over one that is there', async () => {
    verifies('STO-20');
    await fill();
    const exported = await run('rooms', 'export', 'one', 'two', '--store', 'rooms.db');
    expect(exported.errors).toBe('2 room(s) written.\n');
    expect(exported.out.split('\n')[0]).toBe('{"format":"roomkit-rooms","version":1}');
    folder.write('rooms.jsonl', exported.out);
    const refused = await run('rooms', 'import', 'rooms.jsonl', '--store', 'rooms.db');
    expect([refused.code, refused.errors]).toEqual([1, expect.stringContaining('is there already, and nothing was imported')]);
    const state = await withFile('rooms.db', async (store) => {
      const before = [store.loadRoom('one'), store.listEvents('one'), store.listRows({ roomId: 'one' })];
      await store.deleteRoom('one');
      return before;
    });
    expect((await run('rooms', 'import', 'rooms.jsonl', '--replace', '--store', 'rooms.db')).out).toMatch(
      /^Imported 2 room\(s\) with \d+ records\.\n$/,
    );
    await withFile('rooms.db', (store) => expect([store.loadRoom('one'), store.listEvents('one'), store.listRows({ roomId: 'one' })]).toEqual(state));
    expect((await run('rooms', 'export', '--all', '--store', 'rooms.db')).out.split('\n').length).toBe(exported.out.split('\n').length);
  });

  it('refuses lines that are wrong with their number and how to mend them, before anything is written', () => {
    verifies('STO-20');
    const header = '{"format":"roomkit-rooms","version":1}';
    const room = JSON.stringify({
      kind: 'room',
      room: { id: 'r', status: 'active', createdAt: '', updatedAt: '', timers: {}, metadata: {}, eventCount: 0, latestIndex: -1, version: 0 },
      bindings: [],
      participants: [],
      markers: {},
      fence: -1,
    });
    const file = (...lines: string[]): string => `${[header, ...lines].join('\n')}\n`;
    expect([...roomsIn(file(room), 'f').keys()]).toEqual(['r']);
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /Line 1 of f/],
      ['{"format":"other"}\n', /Line 1 .*Only files of 'roomkit rooms export'/],
      ['{"format":"roomkit-rooms","version":2}\n', /Line 1 .*version 2 is not known; this roomkit reads 1/],
      [file('{"kind":'), /Line 2 .*no JSON.*export the room again/],
      [file('[]'), /Line 2 .*no object/],
      [file('{"kind":"thing"}'), /Line 2 .*"thing" is not known. It is one of identity, /],
      [file('{"kind":"fact"}'), /Line 2 .*belongs to no room. Take the line out/],
      [file('{"kind":"task","task":{"id":"t","roomId":"r","status":"x","createdAt":""}}'), /Line 2 .*room 'r' of this task has not come before/],
      [file(room, room), /Line 3 .*comes a second time/],
      [file(room, '{"kind":"event"}'), /Line 3 .*has no 'event'/],
      [file(room, '{"kind":"event","event":{"id":"e"}}'), /Line 3 .*its event has no 'roomId'/],
      [file(room).trimEnd(), /Line 2 .*cut off/],
    ];
    for (const [text, why] of wrong) expect(() => roomsIn(text, 'f'), text).toThrow(why);
  });
});

describe('the program', { timeout: 30_000 }, () => {
  it('teaches each command, and says what it does not understand with 2', async () => {
    verifies('STO-22');
    expect((await run('--help')).out).toContain('roomkit db ...');
    expect((await run('db', '--help')).out).toMatch(/roomkit db status \[URL\|FILE\] +how a database stands/);
    expect((await run('rooms', 'export', '--help')).out).toContain('roomkit rooms export ROOM > rooms.jsonl');
    const cases: readonly (readonly [string[], string])[] = [
      [['db'], 'There are db status, db migrate, db copy'],
      [['db', 'drop'], "'db drop' is no command"],
      [['rooms', 'show', '--store', 'x.db'], 'Say what: roomkit rooms show ROOM'],
      [['rooms', 'close', '--store', 'x.db'], 'Say which: roomkit rooms close ROOM…'],
      [['rooms', 'list', '--limit', '0', '--store', 'x.db'], "--limit is '0'"],
      [['db', 'status', '--force', 'x.db'], "'roomkit db status --help' lists the options"],
    ];
    for (const [typed, said] of cases) {
      const { code, errors } = await run(...typed);
      expect([code, errors], typed.join(' ')).toEqual([2, expect.stringContaining(said)]);
    }
  });

  it('makes tables that fit, and that no text of others can disturb', () => {
    verifies('STO-22');
    const rows = [
      ['a', 1, 'short'],
      ['b\u001b[31m\r', 200, 'ünd 😀 a long text'],
    ];
    expect(tableOf(['ID', 'N', 'TEXT'], rows)).toBe('ID    N  TEXT\na     1  short\nb·  200  ünd 😀 a long text');
    expect(tableOf(['ID', 'N', 'TEXT'], rows, { width: 14, isColoured: true })).toBe(
      '\u001b[1mID    N  TEXT\u001b[22m\na     1  short\nb·  200  ünd …',
    );
  });
});
