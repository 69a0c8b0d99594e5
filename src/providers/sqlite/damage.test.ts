/** Files that cannot be opened, written or read: each says how to mend it, and nothing that was committed is lost. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { connectionOf, inspect, intercept, newPath, openStore } from '../../../test/support/sqlite.js';
import { verifies } from '../../../test/requirements.js';
import * as samples from '../../testing/contracts/samples.js';
import { SqliteStore } from './index.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NOBODY = 65_534;

/** Ordinary rights, as a server has them: the rights of files do not bind root. */
async function withoutRoot<Result>(run: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}

/** A file with one room and some events; how many there are. */
async function filled(path: string, events = 20): Promise<void> {
  const store = await openStore(path);
  await store.createRoom(samples.room('room'));
  for (let n = 0; n < events; n++) await store.commitEvent({ event: samples.draft('room', `e${n}`) });
  store.close();
}

/** Everything that is answered is a gapless beginning of what was committed. */
function beginningOf(store: SqliteStore): number {
  const events = store.listEvents('room');
  expect(events.map(({ id, index }) => [id, index])).toEqual(events.map((_, n) => [`e${n}`, n]));
  const room = store.getRoom('room');
  if (room !== null) expect(room).toMatchObject({ eventCount: events.length, latestIndex: events.length - 1 });
  expect(store.searchEvents({ text: 'text', limit: 10_000 })).toHaveLength(events.length);
  return events.length;
}

describe('a database that cannot be opened', () => {
  it('because its folder is missing', async () => {
    verifies('CON-07');
    const path = join(dirname(newPath()), 'missing', 'rooms.db');
    const opening = SqliteStore.open(path);
    await expect(opening).rejects.toMatchObject({ code: 'store_unavailable', retryable: false });
    await expect(opening).rejects.toThrow(`its folder '${dirname(path)}' does not exist. Create the folder first.`);
    mkdirSync(dirname(path));
    await filled(path);
  });

  it('because it is a folder', async () => {
    verifies('CON-07');
    const path = dirname(newPath());
    await expect(SqliteStore.open(path)).rejects.toThrow(/this is a folder. Name a file in it/);
  });

  it('because it is no database, and is left as it is', async () => {
    verifies('CON-07');
    const path = newPath('notes.txt');
    writeFileSync(path, 'Dear diary, '.repeat(1000));
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store_corrupt', retryable: false });
    await expect(SqliteStore.open(path)).rejects.toThrow(new RegExp(`${path}.*not a database.*Move it away`));
    expect(readFileSync(path, 'utf8')).toBe('Dear diary, '.repeat(1000));
  });

  it('because this process may not read it', async () => {
    verifies('CON-07');
    const path = newPath();
    await filled(path);
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0);
    await withoutRoot(() => expect(SqliteStore.open(path)).rejects.toThrow(/Check its rights on the file/));
    chmodSync(path, 0o644);
    expect(beginningOf(await openStore(path))).toBe(20);
  });

  it.each(['the file', 'its folder', 'both'])('because %s may only be read', async (what) => {
    verifies('CON-07');
    const path = newPath();
    await filled(path);
    const before = readFileSync(path);
    chmodSync(dirname(path), what === 'the file' ? 0o777 : 0o555);
    chmodSync(path, what === 'its folder' ? 0o666 : 0o444);
    await withoutRoot(async () => {
      const opening = SqliteStore.open(path);
      await expect(opening).rejects.toMatchObject({ retryable: false });
      await expect(opening).rejects.toThrow(
        /Give this process the right to write the file and its folder|Check its rights on the file and its folder/,
      );
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o644);
    expect(beginningOf(await openStore(path))).toBe(20);
  });
});

describe('a database in use', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('by another process is refused until that one ends', async () => {
    verifies('STO-09', 'CON-07');
    const path = newPath();
    await filled(path);
    const program = `
      const [major] = process.versions.node.split('.').map(Number);
      const { DatabaseSync } = await import(major >= 23 ? 'node:sqlite' : '@photostructure/sqlite');
      const database = new DatabaseSync(${JSON.stringify(path)});
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT');
      process.stdout.write('holds it');
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    const opening = SqliteStore.open(path);
    await expect(opening).rejects.toMatchObject({ code: 'store_busy', retryable: true });
    await expect(opening).rejects.toThrow(new RegExp(`${path}.*in use by another process. Stop that one first, or give this one a file of its own`));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(beginningOf(await openStore(path))).toBe(20);
  });

  it('by this process is refused too, and the first one goes on', async () => {
    verifies('STO-09', 'CON-07');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store_busy' });
    await store.commitEvent({ event: samples.draft('room', 'e0') });
    store.close();
    expect(beginningOf(await openStore(path))).toBe(1);
  });

  it('is opened by one of two who open it at once', async () => {
    verifies('STO-13');
    const path = newPath();
    const results = await Promise.allSettled([SqliteStore.open(path), SqliteStore.open(path), SqliteStore.open(path)]);
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(opened).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'store_busy' });
    await opened[0]?.createRoom(samples.room('room'));
    opened[0]?.close();
    expect((await openStore(path)).getRoom('room')?.id).toBe('room');
  });
});

describe('a full disk', () => {
  /** Commits until one is refused; how many were stored. */
  async function fill(store: SqliteStore): Promise<number> {
    for (let stored = store.countEvents('room'); stored < 5000; stored++) {
      const event = samples.draft('room', `e${stored}`, { metadata: { filler: 'x'.repeat(2000) } });
      try {
        await store.commitEvent({ event });
      } catch (error) {
        expect(error).toMatchObject({ code: 'store_full', retryable: true });
        expect((error as Error).message).toMatch(/no room on the disk.*Free some space; nothing that was committed is lost/);
        return stored;
      }
    }
    throw new Error('The disk was never full.');
  }

  it('refuses what it cannot take, keeps all it took, and goes on when there is room', async () => {
    verifies('CON-07', 'STO-01');
    const path = newPath();
    const store = await openStore({ path, synchronous: 'normal' });
    await store.createRoom(samples.room('room'));
    const [{ pages }] = connectionOf(store).prepare('SELECT page_count AS pages FROM pragma_page_count').all() as [{ pages: number }];
    connectionOf(store).exec(`PRAGMA max_page_count = ${Number(pages) + 60}`);
    const stored = await fill(store);
    expect(stored).toBeGreaterThan(10);
    const big = samples.draft('room', `e${stored}`, { metadata: { filler: 'x'.repeat(100_000) } });
    const results = await Promise.allSettled([
      store.commitEvent({ event: big }),
      store.commitEvent({ event: samples.draft('room', 'never', { metadata: { filler: 'y'.repeat(100_000) } }) }),
    ]);
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store_full' } });
    expect(beginningOf(store)).toBe(stored);
    connectionOf(store).exec('PRAGMA max_page_count = 100000');
    expect((await store.commitEvent({ event: big })).event.index, 'the refused one may come again').toBe(stored);
    store.close();
    expect(beginningOf(await openStore(path))).toBe(stored + 1);
  });

  const folder = dirname(newPath());
  const mounted = (...options: string[]): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', ...options, 'tmpfs', folder]).status === 0;
  const canMount = existsSync('/proc/mounts') && mounted('size=64k') && spawnSync('umount', [folder]).status === 0;

  it.skipIf(!canMount)('is a small one (a file system of its own), also when the store is closed on it', async () => {
    verifies('CON-07', 'STO-01');
    mkdirSync(folder, { recursive: true });
    expect(mounted('size=800k')).toBe(true);
    try {
      const path = join(folder, 'rooms.db');
      const store = await openStore(path);
      await store.createRoom(samples.room('room'));
      const stored = await fill(store);
      expect(stored).toBeGreaterThan(10);
      expect(beginningOf(store)).toBe(stored);
      store.close();
      expect(mounted('remount,size=8m')).toBe(true);
      const again = await openStore(path);
      expect(beginningOf(again)).toBe(stored);
      await again.commitEvent({ event: samples.draft('room', `e${stored}`) });
      again.close();
    } finally {
      spawnSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a damaged file', () => {
  function overwrite(path: string, from: number, bytes: number): void {
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, from);
    closeSync(file);
  }

  it('is told at once when its header is gone', async () => {
    verifies('CON-07');
    const path = newPath();
    await filled(path);
    overwrite(path, 0, 100);
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store_corrupt', retryable: false });
  });

  it('is told when the damage is met: reads and writes are refused, and the rest still answers', async () => {
    verifies('CON-07');
    const path = newPath();
    await filled(path, 400);
    const [first] = await inspect(
      path,
      (database) => database.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'events'").all() as { rootpage: number }[],
    );
    overwrite(path, (Number(first?.rootpage) - 1) * 4096, 4096);
    const store = await openStore(path);
    expect(() => store.listEvents('room')).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    await expect(store.commitEvent({ event: samples.draft('room', 'late') })).rejects.toThrow(/damaged. Move it away and restore a copy/);
    expect(() => store.getRoom('room'), 'which tells how many events it has').toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    await expect(store.createRoom(samples.room('other'))).resolves.toMatchObject({ id: 'other' });
  });

  it('is told when a row cannot be read', async () => {
    verifies('CON-07');
    const path = newPath();
    await filled(path);
    await inspect(path, (database) => database.exec('UPDATE events SET json = \'{"id":\' WHERE idx = 3'));
    const store = await openStore(path);
    expect(() => store.getEvent('room', 'e3')).toThrow(/cannot be read. Restore a copy/);
    expect(store.getEvent('room', 'e4')?.index).toBe(4);
  });

  it('is told when it ends too early', async () => {
    verifies('CON-07');
    const path = newPath();
    await filled(path, 400);
    truncateSync(path, statSync(path).size / 2);
    const meeting = (async () => {
      const store = await openStore(path);
      return store.listEvents('room');
    })();
    await expect(meeting).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});

describe('a crash', () => {
  /** The files as they are on the disk now, opened as after a crash. */
  async function afterCrash(path: string, logBytes?: number): Promise<SqliteStore> {
    const copy = newPath();
    copyFileSync(path, copy);
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    if (logBytes !== undefined) truncateSync(`${copy}-wal`, logBytes);
    return openStore(copy);
  }

  it('loses nothing that was answered, and keeps nothing that was not', async () => {
    verifies('STO-01', 'STO-09');
    const path = newPath();
    const store = await openStore(path);
    await store.createRoom(samples.room('room'));
    for (let n = 0; n < 30; n++) await store.commitEvent({ event: samples.draft('room', `e${n}`) });
    expect(beginningOf(await afterCrash(path)), 'all that was answered').toBe(30);
    let image: Promise<SqliteStore> | undefined;
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT') image ??= afterCrash(path);
      execute();
    });
    await Promise.all(['e30', 'e31'].map((id) => store.commitEvent({ event: samples.draft('room', id), outbox: [samples.row('room', id, 'sms')] })));
    const crashed = await image;
    expect(crashed === undefined ? -1 : beginningOf(crashed), 'nothing of what was being written').toBe(30);
    expect(crashed?.listRows({})).toEqual([]);
    expect(beginningOf(await afterCrash(path))).toBe(32);
  });

  it('anywhere in the log leaves a gapless beginning, with counters that agree', async () => {
    verifies('STO-01', 'STO-02', 'STO-09');
    const path = newPath();
    const store = await openStore({ path, synchronous: 'normal' });
    await store.createRoom(samples.room('room'));
    for (let n = 0; n < 40; n++) await store.commitEvent({ event: samples.draft('room', `e${n}`) });
    const size = statSync(`${path}-wal`).size;
    const counts: number[] = [];
    for (let cut = 0; cut <= 24; cut++) {
      const crashed = await afterCrash(path, Math.floor((size * cut) / 24));
      counts.push(beginningOf(crashed));
      crashed.close();
    }
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(40);
    expect(new Set(counts).size, 'the cuts fell between many commits').toBeGreaterThan(10);
  });
});
