/** Where the database is, and how it is used. */
import { ValidationError } from './core.js';

/** Which database, and how its connections are used. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database?sslmode=require`; default: the environment variable DATABASE_URL. */
  readonly url?: string;
  /** The schema that holds RoomKit's tables. Default `roomkit`. */
  readonly schema?: string;
  /** How many connections are kept, and how many there may be. Default 2 and 10. */
  readonly pool?: { readonly min?: number; readonly max?: number };
  /** TLS: true, or what `node:tls` takes. Default: as the URL says. */
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly rejectUnauthorized?: boolean };
  /** A statement that takes longer is ended by the server. Default 30,000. */
  readonly statementTimeoutMs?: number;
  /** So long is waited for a connection, new or free. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Set it to false behind a pooler that cannot keep prepared statements. Default true. */
  readonly prepare?: boolean;
  /** False: an older schema is refused (`store_outdated`) and not brought forward, so the user needs no right to create. Default true. */
  readonly migrate?: boolean;
  /** True opens a schema although a copy into it was interrupted, for programs that make the copy. Default false: `store_unfinished`. */
  readonly unfinished?: boolean;
}

export interface PostgresConfig {
  readonly url: string;
  readonly schema: string;
  readonly min: number;
  readonly max: number;
  readonly ssl: PostgresOptions['ssl'];
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly prepare: boolean;
  readonly migrate: boolean;
  readonly unfinished: boolean;
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

export function checkedConfig(given: PostgresOptions | string, environment: Readonly<Record<string, string | undefined>>): PostgresConfig {
  const options = typeof given === 'string' ? { url: given } : given;
  const url = options.url ?? environment['DATABASE_URL'];
  const { schema = 'roomkit', pool = {}, ssl, statementTimeoutMs = 30_000, connectTimeoutMs = 10_000, prepare = true } = options;
  const { migrate = true, unfinished = false } = options;
  if (typeof url !== 'string' || !isPostgresUrl(url)) {
    throw new ValidationError(
      "PostgreSQL needs a URL such as 'postgres://user:password@host:5432/database'" +
        (url === undefined || url === '' ? ', as an option or in DATABASE_URL.' : `; the one given is none (${schemeOf(url)}).`),
    );
  }
  if (!SCHEMA.test(schema) || schema.startsWith('pg_')) {
    throw new ValidationError(`'${schema}' is no name for a schema of RoomKit's own. Use small letters, digits and '_', such as 'roomkit'.`);
  }
  const { min = 2, max = 10 } = pool;
  if (!Number.isInteger(min) || !Number.isInteger(max) || min < 0 || max < 1 || min > max) {
    throw new ValidationError(`A pool of ${min} to ${max} connections cannot be. Give whole numbers, such as { min: 2, max: 10 }.`);
  }
  for (const [name, ms] of Object.entries({ statementTimeoutMs, connectTimeoutMs })) {
    if (!Number.isFinite(ms) || ms <= 0) throw new ValidationError(`${name} is ${ms}. Give a number of milliseconds above 0.`);
  }
  return { url, schema, min, max, ssl, statementTimeoutMs, connectTimeoutMs, prepare, migrate, unfinished };
}

/** The database without its password, for messages. */
export function placeOf({ url, schema }: Pick<PostgresConfig, 'url' | 'schema'>): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname} (schema '${schema}')`;
}

function isPostgresUrl(url: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url);
}

function schemeOf(url: string): string {
  const colon = url.indexOf('://');
  return colon === -1 ? 'it has no scheme' : `its scheme is '${url.slice(0, Math.min(colon, 20))}'`;
}
