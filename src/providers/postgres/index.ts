/**
 * `roomkit/postgres`: rooms in PostgreSQL, for as many processes as one likes.
 * @module roomkit/postgres
 */
export { PostgresStore } from './store.js';
export type { PostgresOptions } from './config.js';
