/** Opens a SQLite file with what this Node has: `node:sqlite`, else the package `@photostructure/sqlite`, which has the same API. */
import { MissingPeerError, RoomKitError } from '../../core/index.js';

export type SqlValue = string | number | bigint | null | Uint8Array;

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type DatabaseClass = new (path: string) => Database;

export async function openDatabase(path: string): Promise<Database> {
  const DatabaseSync = await loadSqlite();
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw storeError(error, path);
  }
}

async function loadSqlite(): Promise<DatabaseClass> {
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

/** A database error in words that say how to mend it. Errors of our own pass unchanged. */
export function storeError(error: unknown, path: string): Error {
  if (error instanceof RoomKitError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const say = (code: string, text: string, retryable: boolean): RoomKitError => new RoomKitError(code, text, { cause: error, retryable });
  if (/locked|busy/i.test(message)) {
    return say('store_busy', `The database '${path}' is in use by another process. Stop that one first, or give this one a file of its own.`, true);
  }
  if (/readonly|read-only|read only/i.test(message)) {
    return say('store_read_only', `The database '${path}' cannot be written. Give this process the right to write the file and its folder.`, false);
  }
  if (/full|no space/i.test(message))
    return say('store_full', `There is no room on the disk for the database '${path}'. Free some space; nothing that was committed is lost.`, true);
  if (/unable to open|cantopen|no such file/i.test(message)) {
    return say('store_unavailable', `The database '${path}' cannot be opened. Create its folder, and check the rights of this process there.`, false);
  }
  if (/not a database|malformed|corrupt/i.test(message)) {
    return say(
      'store_corrupt',
      `The file '${path}' is not a database, or is damaged. Move it away and restore a copy, or start with a new file.`,
      false,
    );
  }
  return say('store_failed', `The database '${path}' failed: ${message}`, true);
}
