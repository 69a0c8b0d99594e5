/** A PostgreSQL server for tests: the one of TEST_POSTGRES_URL, or one that lives as long as the test file. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { startPostgres, type OwnPostgres, type OwnPostgresOptions } from '../../servers/postgres.js';

export interface TestPostgres {
  readonly url: string;
  /** A name for a schema that nobody else has. */
  schema(): string;
  /** As the superuser, on a connection of its own. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Null where the server is somebody else's. */
  readonly server: { stop(): Promise<void>; start(): Promise<void> } | null;
}

/** Starts the server before the tests of a file, and ends it behind them. */
export function postgres({ flags }: Pick<OwnPostgresOptions, 'flags'> = {}): TestPostgres {
  let url = process.env['TEST_POSTGRES_URL'] ?? '';
  let own: OwnPostgres | undefined;
  const isOurs = url === '' || flags !== undefined;

  beforeAll(async () => {
    if (!isOurs) return;
    own = await startPostgres({ fsync: false, ...(flags !== undefined && { flags }) });
    url = own.url;
  }, 60_000);
  afterAll(() => own?.remove(), 60_000); // it is stopped, and its files are removed

  return {
    get url() {
      return url;
    },
    schema: () => `test_${randomUUID().replaceAll('-', '')}`,
    query: async (sql) => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    get server() {
      return own ?? null;
    },
  };
}
