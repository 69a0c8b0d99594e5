/** Where the conversation is kept: in a file of one process, or in a database that several share. */
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
