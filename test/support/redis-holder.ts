/** A process that takes a room and keeps it, until it is killed: `node redis-holder URL ROOM LEASE_SECONDS`. */
import { RedisLockManager } from '../../src/providers/redis/index.js';

const [url = '', roomId = '', leaseSeconds = '30'] = process.argv.slice(2);
const locks = new RedisLockManager({ url, leaseSeconds: Number(leaseSeconds) });
const lease = await locks.acquire(roomId);
lease.signal?.addEventListener('abort', () => process.send?.('lost'));
process.send?.(lease.token);
