/** `roomkit/sqlite`: rooms in one SQLite file, for small deployments and for trying things. */
export { SqliteStore, type SqliteStoreOptions } from './store.js';
