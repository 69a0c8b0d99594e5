/**
 * `roomkit/redis`: what several processes share of rooms, over Redis: who works on which, and what happens at the moment. Needs the
 * package `ioredis`.
 * @module roomkit/redis
 */
export { RedisLockManager } from './lock-manager.js';
export { RedisRealtime } from './realtime.js';
export type { RedisClient, RedisLockOptions, RedisOptions } from './options.js';
