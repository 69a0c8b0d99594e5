/** What this provider uses of the core, in one place. */
export * from '../../core/index.js';
export { copyJson, freezeJson } from '../../core/models/json.js';
export { mergeMetadata } from '../../core/store/metadata.js';
export { patchedRoom } from '../../core/store/room-patch.js';
export { alreadyCommitted, resultOfRow } from '../../core/store/memory/outbox.js';
