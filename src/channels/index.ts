/** Text channels: transports through a vendor's client, and live connections. */
export { TransportChannel, type TransportChannelOptions, type TransportProvider, type TransportRequest } from './transport.js';
export { WebSocketChannel, type WebSocketChannelOptions } from './websocket.js';
export type { ConnectionFrame, ConnectionOptions, ConnectionSend, EventFrame, ResyncFrame } from './websocket/connection.js';
export type { StreamFrame } from './websocket/stream.js';
export { SUBPROTOCOL, WIRE_LIMITS, WIRE_VERSION, type ClientFrame, type ServerFrame, type WireErrorCode, type WireEvent } from './wire/frames.js';
export { parseClientFrame, type ParsedFrame } from './wire/parse.js';
export { eventText, hostEvent, wireEvent } from './wire/event.js';
export { WireConnection, type WireConnectionOptions, type WireKit, type WirePrincipal } from './wire/connection.js';
