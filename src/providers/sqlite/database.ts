/** Opens a SQLite file with what this Node has: `node:sqlite`, else the package `@photostructure/sqlite`, which has the same API. */
import { existsSync } from 'node:fs';
import { COPY_MARK, MissingPeerError, outdatedSchema, RoomKitError, unfinishedCopy, ValidationError } from './core.js';
import { storeError } from './errors.js';
import { checkOwn, migrate, pendingSteps, SCHEMA_VERSION } from './schema.js';

export type SqlValue = string | number | bigint | null | Uint8Array;

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  /** Whole numbers as bigint, those that `run` returns included. */
  setReadBigInts(enabled: boolean): void;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export type DatabaseClass = new (path: string) => Database;

export const IN_MEMORY = ':memory:';
const SYNCHRONOUS: readonly string[] = ['full', 'normal'];

/** A file that is ours, on this version's schema, and held by this process alone. */
export async function openFile(
  path: string,
  synchronous: 'full' | 'normal',
  { migrates = true, unfinished = false }: { readonly migrates?: boolean; readonly unfinished?: boolean } = {},
): Promise<Database> {
  if (!SYNCHRONOUS.includes(synchronous)) {
    throw new ValidationError(`SqliteStore was given synchronous '${String(synchronous)}'. Choose 'full' (survives power loss) or 'normal'.`);
  }
  const DatabaseSync = await loadSqlite();
  let database: Database | undefined;
  try {
    database = new DatabaseSync(path);
    // One process at a time: a second one is told so instead of corrupting what the first believes.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    checkOwn(database, path);
    const { version, steps } = pendingSteps(database);
    // A new file has nothing that could be lost.
    if (!migrates && steps.length > 0 && version > 0) throw outdatedSchema(`The database '${path}'`, version, SCHEMA_VERSION);
    startWriteAheadLog(database, path);
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    database.exec('PRAGMA wal_autocheckpoint = 4000');
    // What is rewritten or removed is overwritten in the file, too (ERA-08).
    database.exec('PRAGMA secure_delete = ON');
    database.exec('BEGIN IMMEDIATE; COMMIT');
    migrate(database);
    if (!unfinished && database.prepare('SELECT 1 FROM facts WHERE key = ?').get(COPY_MARK) !== undefined)
      throw unfinishedCopy(`The database '${path}'`);
    return database;
  } catch (error) {
    database?.close();
    throw storeError(error, path);
  }
}

/** The file as it is, held by this process alone: nothing is created or changed. */
export async function lookInto(path: string): Promise<Database> {
  if (!existsSync(path)) {
    throw new RoomKitError('store_unavailable', `There is no database '${path}'. Check the path; a kit makes the file when it is first opened.`);
  }
  const DatabaseSync = await loadSqlite();
  let database: Database | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    checkOwn(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw storeError(error, path);
  }
}

/** What is committed is in the log first: after a crash the file is as it was, or as it is after. */
function startWriteAheadLog(database: Database, path: string): void {
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
  if (mode !== 'wal' && path !== IN_MEMORY) {
    throw new RoomKitError(
      'store_unavailable',
      `The database '${path}' cannot keep a write-ahead log (its journal stays '${mode}'). Put it on a local disk, not on a network folder.`,
    );
  }
}

/** The class of this Node, or of the package. */
export async function loadSqlite(): Promise<DatabaseClass> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) {
    const name = 'node:sqlite'; // not known to the types of the oldest Node we support
    const builtIn = (await import(name)) as { DatabaseSync: DatabaseClass };
    return builtIn.DatabaseSync;
  }
  try {
    const peer = (await import('@photostructure/sqlite')) as unknown as { DatabaseSync: DatabaseClass }; // the same API under its own types
    return peer.DatabaseSync;
  } catch (error) {
    throw new MissingPeerError('SqliteStore on this version of Node', '@photostructure/sqlite', { cause: error });
  }
}
