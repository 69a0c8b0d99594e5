/**
 * `roomkit/sqlite`: rooms in one SQLite file, for small deployments and for trying things.
 * @module roomkit/sqlite
 */
export { SqliteStore, type SqliteStoreOptions } from './store.js';
