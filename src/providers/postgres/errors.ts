/** PostgreSQL's errors in words that say how to mend them. */
import { ConflictError, RoomKitError } from './core.js';

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html) that are told apart. */
const UNIQUE = '23505';
const NO_PERMISSION = '42501';
const TIMED_OUT = '57014';
const AGAIN: readonly string[] = ['40001', '40P01'];
/** The server ends the connection, and whatever ran on it was rolled back. */
const ENDED: readonly string[] = ['57P01', '57P02', '57P03'];
const NO_NETWORK: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'];
/** Of `node:tls`: whoever vouches for it is not known, it is another host's, or its time is over. */
const CERTIFICATE = /CERT|^UNABLE_TO_|^ERR_TLS_/;
const BROKEN: readonly string[] = ['ECONNRESET', 'EPIPE'];
/** Of the driver, where the server has answered that it takes no TLS. */
const NO_TLS = 'The server does not support SSL connections';

/** What a database error means for the person who runs this. Errors of our own, and mistakes in code, pass unchanged. */
export function storeError(error: unknown, place: string): Error {
  if (error instanceof RoomKitError) return error;
  const code = codeOf(error) ?? '';
  if (error instanceof SyntaxError) return say('store_corrupt', `A row of ${place} cannot be read. Restore a copy of it.`, false, error);
  if (NO_NETWORK.includes(code)) {
    return say(
      'store_unavailable',
      `Nothing answers at ${place} (${code}). Check the host and port of the URL, and that the server runs.`,
      true,
      error,
    );
  }
  if (messageOf(error) === NO_TLS) {
    return say(
      'store_tls',
      `The server of ${place} takes no TLS, and the URL or the option ssl demands it. Leave out sslmode and ssl, or set up TLS there.`,
      false,
      error,
    );
  }
  if (isConnectionLost(error)) {
    return say('store_unavailable', `The connection to ${place} was lost (${messageOf(error)}). It is made anew by itself.`, true, error);
  }
  if (isPoolExhausted(error)) {
    return say(
      'store_busy',
      `No connection to ${place} became free or was made in time. Raise pool.max or connectTimeoutMs, or look for what is slow.`,
      true,
      error,
    );
  }
  if (CERTIFICATE.test(code)) {
    return say(
      'store_denied',
      `The certificate of ${place} is not trusted (${messageOf(error)}). Give its authority by ssl: { ca }, and the host by the name that it was issued to.`,
      false,
      error,
    );
  }
  if (code.startsWith('28') && messageOf(error).includes('no encryption')) {
    return say(
      'store_tls',
      `The server of ${place} takes this user over TLS only. Add ?sslmode=require to the URL, or set the option ssl.`,
      false,
      error,
    );
  }
  if (code.startsWith('28')) return say('store_denied', `The database ${place} refuses this user or password. Check the URL.`, false, error);
  switch (code) {
    case '3D000':
      return say('store_unavailable', `The database ${place} does not exist. Create it first: createdb NAME.`, false, error);
    case NO_PERMISSION:
      return say(
        'store_denied',
        `This user may not do that in ${place} (${messageOf(error)}). Grant CREATE on the database, or create the schema and make the user its owner.`,
        false,
        error,
      );
    case UNIQUE:
      return new ConflictError(
        `The database ${place} has this already (${constraintOf(error) ?? messageOf(error)}). Ids are unique; choose another one.`,
        {
          retryable: false,
          cause: error,
        },
      );
    case TIMED_OUT:
      return say('store_slow', `A statement took longer than statementTimeoutMs in ${place} and was ended; nothing of it is stored.`, true, error);
    case '53100':
      return say('store_full', `There is no room on the disk of ${place}. Free some space; nothing that was committed is lost.`, true, error);
    case '53300':
      return say('store_busy', `The server of ${place} takes no more connections. Lower pool.max, or raise its max_connections.`, true, error);
    case '25006':
      return say('store_read_only', `The database ${place} cannot be written: it is a replica, or set so. Name the primary server.`, true, error);
    case '54000':
      return say('store_failed', `An id is too long for an index of ${place} (${messageOf(error)}). Ids may have some 2,500 bytes.`, false, error);
    default:
      if (AGAIN.includes(code)) return new ConflictError(`Too many wrote the same in ${place} at once. Repeat the call.`, { cause: error });
      if (code === '') return error instanceof Error ? error : new Error(String(error));
      return say('store_failed', `The database ${place} failed: ${messageOf(error)} (${code})`, false, error);
  }
}

/** Two transactions were in each other's way, and this one was rolled back. */
export function isInTheWay(error: unknown): boolean {
  return AGAIN.includes(codeOf(error) ?? '') || (codeOf(error) === UNIQUE && constraintOf(error) === 'events_by_index');
}

/** Whether this unique index refused a row. */
export function violates(error: unknown, constraint: string): boolean {
  return codeOf(error) === UNIQUE && constraintOf(error) === constraint;
}

/** The connection is gone; what ran on it may or may not have been committed. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  if (code.startsWith('08') || ENDED.includes(code) || BROKEN.includes(code)) return true;
  return error instanceof Error && /^Connection terminated|^Client (?:has encountered a connection error|was closed)/.test(error.message);
}

/** The server says itself that it has ended the connection, before the statement was done. */
export function wasRolledBack(error: unknown): boolean {
  return ENDED.includes(codeOf(error) ?? '');
}

function isPoolExhausted(error: unknown): boolean {
  return error instanceof Error && /^timeout exceeded|^Connection terminated due to connection timeout/.test(error.message);
}

/** SQLSTATE, or the code of a socket's error. */
export function codeOf(error: unknown): string | undefined {
  return partOf(error, 'code');
}

export function detailOf(error: unknown): string {
  return partOf(error, 'detail') ?? '';
}

function constraintOf(error: unknown): string | undefined {
  return partOf(error, 'constraint');
}

/** Of the server's error, also when it was put into words already. */
function partOf(error: unknown, part: 'code' | 'detail' | 'constraint'): string | undefined {
  const source = error instanceof RoomKitError ? error.cause : error;
  const value: unknown = source instanceof Error && part in source ? (source as Error & Record<typeof part, unknown>)[part] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(code: string, text: string, retryable: boolean, cause: unknown): RoomKitError {
  return new RoomKitError(code, text, { cause, retryable });
}
