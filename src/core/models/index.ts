/** All plain data of the engine. */
export * from './vocabulary.js';
export * from './content.js';
export * from './event.js';
export * from './room.js';
export * from './people.js';
export * from './capabilities.js';
export * from './binding.js';
export * from './delivery.js';
export * from './task.js';
export * from './approval.js';
export * from './trace.js';
export * from './ai.js';
export * from './usage.js';
export * from './conversation-state.js';
export * from './voice-events.js';
export * from './ephemeral.js';
export type { Awaitable, Metadata } from './json.js';
