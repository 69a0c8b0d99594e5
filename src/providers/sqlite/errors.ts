/** SQLite's errors in words that say how to mend them. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConflictError, RoomKitError } from './core.js';

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that a user can do something about. */
const BUSY = 5;
const LOCKED = 6;
const READ_ONLY = 8;
const INPUT_OUTPUT = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const CONSTRAINT = 19;
const NOT_A_DATABASE = 26;
/** The extended code of a lock that could not be taken: a file that may be read and not written shows itself so. */
const NOT_LOCKED = 3850;

/** What a database error means for the person who runs this. Errors of our own, and mistakes in code, pass unchanged. */
export function storeError(error: unknown, path: string): Error {
  const code = sqliteCode(error);
  if (code === undefined) {
    if (error instanceof SyntaxError) return say('store_corrupt', `A row of '${path}' cannot be read. Restore a copy of the file.`, false, error);
    return error instanceof Error ? error : new Error(String(error));
  }
  switch (extendedCode(error) === NOT_LOCKED ? READ_ONLY : code) {
    case BUSY:
    case LOCKED:
      return say(
        'store_busy',
        `The database '${path}' is in use by another process. Stop that one first, or give this one a file of its own.`,
        true,
        error,
      );
    case READ_ONLY:
      return say(
        'store_read_only',
        `The database '${path}' cannot be written. Give this process the right to write the file and its folder.`,
        false,
        error,
      );
    case INPUT_OUTPUT:
      return say(
        'store_failed',
        `The disk of the database '${path}' failed (${messageOf(error)}). What was committed is on it; check the disk, then start again.`,
        true,
        error,
      );
    case FULL:
      return say(
        'store_full',
        `There is no room on the disk for the database '${path}'. Free some space; nothing that was committed is lost.`,
        true,
        error,
      );
    case CANNOT_OPEN:
      return say('store_unavailable', `The database '${path}' cannot be opened: ${whyNotOpened(path)}`, false, error);
    case CORRUPT:
    case NOT_A_DATABASE:
      return say(
        'store_corrupt',
        `The file '${path}' is not a database, or is damaged. Move it away and restore a copy, or start with a new file.`,
        false,
        error,
      );
    case CONSTRAINT:
      return new ConflictError(`The database '${path}' has this already (${messageOf(error)}). Ids are unique; choose another one.`, {
        retryable: false,
        cause: error,
      });
    default:
      return say('store_failed', `The database '${path}' failed: ${messageOf(error)}`, false, error);
  }
}

/** Whether a row could not be written because of this unique index, such as `events.room_id, events.idx`. */
export function violates(error: unknown, columns: string): boolean {
  return sqliteCode(error) === CONSTRAINT && messageOf(error).endsWith(columns);
}

function sqliteCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff; // the low byte of an extended code is the primary one
}

function extendedCode(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as Error & { errcode?: unknown }).errcode : undefined;
  return typeof code === 'number' ? code : undefined;
}

function whyNotOpened(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) return `its folder '${folder}' does not exist. Create the folder first.`;
  if (existsSync(path) && statSync(path).isDirectory()) return 'this is a folder. Name a file in it.';
  return 'this process may not open it. Check its rights on the file and its folder.';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(code: string, text: string, retryable: boolean, cause: unknown): RoomKitError {
  return new RoomKitError(code, text, { cause, retryable });
}
