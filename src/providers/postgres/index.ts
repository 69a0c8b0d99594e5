/**
 * `roomkit/postgres`: rooms in PostgreSQL, for as many processes as one likes.
 * @module roomkit/postgres
 */
export { PostgresStore } from './store.js';
export { PostgresLockManager, type PostgresLockOptions } from './locks.js';
export { PostgresRealtime, type PostgresRealtimeOptions } from './realtime.js';
export type { PostgresOptions } from './config.js';
