/**
 * `roomkit/nats`: messages from subjects of NATS and streams of JetStream, for `kit.attachSource`, and what happens at the moment
 * between processes. Needs the package `@nats-io/transport-node`.
 * @module roomkit/nats
 */
export { NATSRealtime, type NATSRealtimeOptions } from './realtime.js';
export type { NATSConnectionOptions } from './servers.js';
export { NATSSource } from './source.js';
export type { NATSJetStreamOptions, NATSSourceOptions } from './options.js';
export type { SourceOptions } from '../_shared/source/options.js';
export type { ReceivedMessage, SourceParser } from '../_shared/source/parser.js';
