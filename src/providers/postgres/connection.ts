/** The connections of a store: statements, transactions, and what is tried again (STO-08). */
import type pg from 'pg';
import type { ClientBase, Pool, PoolConfig } from 'pg';
import { loadPeer } from '../_shared/peer.js';
import { placeOf, type PostgresConfig } from './config.js';
import { RoomKitError } from './core.js';
import { isConnectionLost, isInTheWay, storeError, wasRolledBack } from './errors.js';
import { prepareSchema } from './schema.js';
import { encodeValue, parseJson, type Value } from './text.js';

type Driver = typeof pg;
export type Row = Readonly<Record<string, unknown>>;

/** Where statements run: on any connection, each by itself, or within a transaction. `@rooms` is the table of our schema. */
export interface Sql {
  all(sql: string, ...values: Value[]): Promise<Row[]>;
}

/** How often an operation runs that others were in the way of (STO-03). */
const MAX_ATTEMPTS = 6;
const JSON_TYPES: readonly number[] = [114, 3802];
/** Lists of JSON are lists of texts. */
const JSON_LIST = 199;
const TEXT_LIST = 1009;
const NUMBER_TYPES: readonly number[] = [20, 1700];
/** Lists of whole numbers. */
const NUMBER_LIST = 1016;
/** Texts of statements are few, because lists travel as one value. */
const MAX_PREPARED = 500;

/** The column `json` of all rows, parsed. */
export async function models<T>(sql: Sql, text: string, ...values: Value[]): Promise<T[]> {
  return (await sql.all(text, ...values)).map(({ json }) => parseJson<T>(json as string));
}

/** The column `json` of the first row, parsed; null without one. */
export async function model<T>(sql: Sql, text: string, ...values: Value[]): Promise<T | null> {
  const [row] = await sql.all(text, ...values);
  return row === undefined ? null : parseJson<T>(row['json'] as string);
}

/** The configuration of the driver: JSON stays text, and whole numbers are numbers. */
export async function loadDriver(feature: string): Promise<Driver> {
  const loaded = await loadPeer(feature, 'pg', () => import('pg'));
  return loaded.default;
}

export function driverConfig(driver: Driver, config: PostgresConfig): PoolConfig {
  const getTypeParser = (type: number, format?: 'text' | 'binary'): unknown => {
    if (JSON_TYPES.includes(type)) return (text: string) => text;
    if (NUMBER_TYPES.includes(type)) return Number;
    if (type === NUMBER_LIST) return numbersOf;
    return driver.types.getTypeParser(type === JSON_LIST ? TEXT_LIST : type, format);
  };
  return {
    connectionString: config.url,
    application_name: 'roomkit',
    statement_timeout: config.statementTimeoutMs,
    idle_in_transaction_session_timeout: config.statementTimeoutMs,
    connectionTimeoutMillis: config.connectTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: getTypeParser as typeof driver.types.getTypeParser },
    ...(config.ssl !== undefined && { ssl: config.ssl }),
  };
}

/** `{1,2,NULL}`. */
function numbersOf(list: string): (number | null)[] {
  return list
    .slice(1, -1)
    .split(',')
    .map((one) => (one === 'NULL' ? null : Number(one)));
}

export class Connections implements Sql {
  readonly place: string;
  /** How often the server was asked: for measuring. */
  roundTrips = 0;
  readonly #texts = new Map<string, { readonly text: string; readonly name: string }>();
  #ending: Promise<void> | undefined;

  private constructor(
    private readonly pool: Pool,
    readonly config: PostgresConfig,
  ) {
    this.place = placeOf(config);
    // A connection that breaks while nobody uses it is replaced by the next one.
    pool.on('error', () => undefined);
    // So is one that breaks in the moment in which it is handed out, or says once more that it is broken when it was given up: an
    // error that nobody listens to would end the process.
    pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  /** Connects when it is first needed, and looks at nothing before. */
  static async open(config: PostgresConfig, feature: string): Promise<Connections> {
    const driver = await loadDriver(feature);
    return new Connections(new driver.Pool({ ...driverConfig(driver, config), min: config.min, max: config.max, idleTimeoutMillis: 30_000 }), config);
  }

  /** Connects, and brings the schema to this version; closed again when that cannot be. */
  static async start(config: PostgresConfig, feature: string): Promise<Connections> {
    const connections = await Connections.open(config, feature);
    try {
      await connections.transaction((sql) => prepareSchema(sql, config, connections.place));
      return connections;
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  /** One statement by itself. It is repeated when it is known that nothing of it was stored. */
  all(sql: string, ...values: Value[]): Promise<Row[]> {
    return this.#again((client) => this.#run(client, sql, values), wasRolledBack);
  }

  /** One statement, which is not repeated. Rejects with the server's own error, or {@link NotConnected}. */
  once(sql: string, ...values: Value[]): Promise<Row[]> {
    this.#assertOpen();
    return this.#withClient((client) => this.#run(client, sql, values));
  }

  /** A statement that changes nothing, or nothing more when it is repeated: after a lost connection it is. */
  read(sql: string, ...values: Value[]): Promise<Row[]> {
    return this.#again((client) => this.#run(client, sql, values), isConnectionLost);
  }

  /** All of it or nothing. Repeated as a whole when it is known that nothing of it was stored. */
  transaction<T>(run: (sql: Sql) => Promise<T>): Promise<T> {
    let isCommitting = false;
    return this.#again(
      async (client) => {
        isCommitting = false;
        await this.#run(client, 'BEGIN', []);
        try {
          const result = await run({ all: (sql, ...values) => this.#run(client, sql, values) });
          isCommitting = true;
          await this.#run(client, 'COMMIT', []);
          return result;
        } catch (error) {
          if (!isConnectionLost(error) && !isCommitting) await this.#run(client, 'ROLLBACK', []);
          throw error;
        }
      },
      (error) => isConnectionLost(error) && (!isCommitting || wasRolledBack(error)),
    );
  }

  close(): Promise<void> {
    return (this.#ending ??= this.pool.end());
  }

  async #again<T>(run: (client: ClientBase) => Promise<T>, isKnownLost: (error: unknown) => boolean): Promise<T> {
    let lost = 0;
    for (let attempt = 1; ; attempt++) {
      this.#assertOpen();
      try {
        return await this.#withClient(run);
      } catch (error) {
        const isLost = error instanceof NotConnected ? isConnectionLost(error.cause) : isKnownLost(error);
        if (isLost && lost++ === 0) continue;
        if (isInTheWay(error) && attempt < MAX_ATTEMPTS) continue;
        throw storeError(error instanceof NotConnected ? error.cause : error, this.place);
      }
    }
  }

  #assertOpen(): void {
    if (this.#ending === undefined) return;
    throw new RoomKitError('store_closed', `The database ${this.place} is closed. Open it again with PostgresStore.open(url).`);
  }

  async #withClient<T>(run: (client: ClientBase) => Promise<T>): Promise<T> {
    let client;
    try {
      client = await this.pool.connect();
    } catch (error) {
      throw new NotConnected(error);
    }
    let broken: Error | undefined;
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      return await run(client);
    } catch (error) {
      if (isConnectionLost(error)) broken = error as Error;
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async #run(client: ClientBase, sql: string, values: readonly Value[]): Promise<Row[]> {
    this.roundTrips++;
    const { text, name } = this.#textOf(sql);
    const isNamed = this.config.prepare && values.length > 0;
    const result = await client.query<Row>({ text, ...(isNamed && { name }), values: values.map(encodeValue) });
    return result.rows;
  }

  #textOf(sql: string): { readonly text: string; readonly name: string } {
    let known = this.#texts.get(sql);
    if (known === undefined) {
      known = { text: inSchema(sql, this.config.schema), name: this.#texts.size < MAX_PREPARED ? `roomkit${this.#texts.size}` : '' };
      if (this.#texts.size < MAX_PREPARED) this.#texts.set(sql, known);
    }
    return known;
  }
}

/** `@rooms` becomes the table of this schema. */
export function inSchema(sql: string, schema: string): string {
  return sql.replace(/@([a-z_]+)/g, (_name, table: string) => `"${schema}".${table}`);
}

/** No connection came about: nothing was done. */
export class NotConnected extends Error {
  constructor(override readonly cause: unknown) {
    super('not connected');
  }
}
