/**
 * Media that stays: a store of files with signed links, and the guarded fetch by which media of others comes into it.
 * @module roomkit/media
 */
export { FileMediaStore, type FileMediaStoreOptions } from './file-media-store.js';
export { guardedFetch, type GuardedFetchOptions } from '../_shared/guarded-fetch.js';
export type { AddressGuard, Lookup, ResolvedAddress } from '../_shared/guarded-address.js';
