/**
 * `roomkit/sources`: persistent connections that bring messages, for `kit.attachSource`.
 * @module roomkit/sources
 */
export { SSESource } from './sse.js';
export { WebSocketSource } from './websocket.js';
export type { SSESourceOptions, WebSocketSourceOptions } from './options.js';
export type { SourceOptions } from '../_shared/source/options.js';
export type { ReceivedMessage, SourceParser } from '../_shared/source/parser.js';
