/** Files for tests of SqliteStore, and a look into them that no store has. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { loadSqlite, type Database } from '../../src/providers/sqlite/database.js';
import { SqliteStore, type SqliteStoreOptions } from '../../src/providers/sqlite/index.js';

const folders: string[] = [];
const opened: SqliteStore[] = [];

afterEach(() => {
  for (const store of opened.splice(0)) store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A path in a folder of its own; both are gone after the test. */
export function newPath(name = 'rooms.db'): string {
  const folder = mkdtempSync(join(tmpdir(), 'roomkit-sqlite-'));
  folders.push(folder);
  return join(folder, name);
}

/** A store that is closed after the test, if the test does not. */
export async function openStore(options: SqliteStoreOptions | string = newPath()): Promise<SqliteStore> {
  const store = await SqliteStore.open(options);
  opened.push(store);
  return store;
}

/** The connection of a store: for looking, and for what goes wrong below it. */
export function connectionOf(store: SqliteStore): Database {
  return store['database'];
}

/** A connection of one's own to a file that no store has open. */
export async function inspect<Result>(path: string, look: (database: Database) => Result): Promise<Result> {
  const database = new (await loadSqlite())(path);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

/** Stands between a store and its connection: sees each SQL text that is executed as it is or begins and ends a transaction, and may do something else. */
export function intercept(store: SqliteStore, exec: (sql: string, execute: () => void) => void): void {
  const database = connectionOf(store);
  const original = database.exec.bind(database);
  Object.defineProperty(database, 'exec', { value: (sql: string) => exec(sql, () => original(sql)), configurable: true });
  const transaction = store['transaction'];
  const [begin, commit] = [transaction.begin.bind(transaction), transaction.commit.bind(transaction)];
  transaction.begin = () => exec('BEGIN IMMEDIATE', begin);
  transaction.commit = () => exec('COMMIT', commit);
}

/** Each SQL text that a store prepares from now on, once. */
export function watchStatements(store: SqliteStore, seen: (sql: string) => void): void {
  const database = connectionOf(store);
  const original = database.prepare.bind(database);
  const prepare = (sql: string): ReturnType<Database['prepare']> => {
    seen(sql);
    return original(sql);
  };
  Object.defineProperty(database, 'prepare', { value: prepare, configurable: true });
}
