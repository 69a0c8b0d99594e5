/** Text channels: transports through a vendor's client, and live connections. */
export { TransportChannel, type TransportChannelOptions, type TransportProvider, type TransportRequest } from './transport.js';
export { WebSocketChannel, type WebSocketChannelOptions } from './websocket.js';
export type { ConnectionFrame, ConnectionOptions, ConnectionSend, EventFrame, ResyncFrame } from './websocket/connection.js';
export type { StreamFrame } from './websocket/stream.js';
