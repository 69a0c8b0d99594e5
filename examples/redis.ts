/** Several processes over Redis: the lock of rooms, what happens at the moment, and what a server that is not there looks like. */
// #region kit
import { InMemoryStore, RoomKit, silentLogger, type Logger } from 'roomkit';
import { RedisLockManager, RedisRealtime } from 'roomkit/redis';

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:1';
const store = new InMemoryStore(); // in several processes: one that they share
const kit = new RoomKit({ store, lockManager: new RedisLockManager({ url }), realtime: new RedisRealtime({ url }) });
// #endregion
await kit.close();

// #region cluster
import { Cluster } from 'ioredis';

const client = new Cluster([{ host: 'redis-1', port: 6379 }], { lazyConnect: true });
const overCluster = new RedisLockManager({ client });
// #endregion
console.log(overCluster.distributed);
await overCluster.close();
client.disconnect();

const giveUp = new AbortController();
const logger: Logger = {
  ...silentLogger,
  warn: (message, fields) => {
    console.log(message);
    console.log(fields?.['error'] instanceof Error ? fields['error'].message : '');
    giveUp.abort(new Error('nobody waits any more'));
  },
};
const locks = new RedisLockManager({ url: 'redis://:secret@127.0.0.1:1', logger });
await Promise.resolve(locks.acquire('room-1', { signal: giveUp.signal })).catch((error: unknown) => console.log(String(error)));
await locks.close();

// prints:
// true
// The lock of a room could not be asked for; it is tried again.
// Redis '127.0.0.1:1' cannot be reached (ECONNREFUSED). Check its url, and what lies between.
// Error: nobody waits any more
