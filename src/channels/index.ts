/** Text channels: transports through a vendor's client, live connections, and the browser wire protocol. */
export { holdsMedia, TransportChannel, type TransportChannelOptions, type TransportProvider, type TransportRequest } from './transport.js';
export { inboundDraft } from './inbound-draft.js';
export { WebSocketChannel, type SubscribeOptions, type WebSocketChannelOptions } from './websocket.js';
export type { ConnectionLimits, ConnectionOptions, ConnectionSend } from './websocket/connection.js';
export type { ConnectionFrame, EventFrame, ResyncFrame, Shared, StreamFrame } from './websocket/frames.js';
export { SUBPROTOCOL, WIRE_LIMITS, WIRE_VERSION, type ClientFrame, type ServerFrame, type WireErrorCode, type WireEvent } from './wire/frames.js';
export { parseClientFrame, type ParsedFrame } from './wire/parse.js';
export { hostEvent, wireEvent, type NameOf } from './wire/event.js';
export { WireConnection, type WireConnectionOptions, type WireKit, type WirePrincipal } from './wire/connection.js';
export { createWebhookHandler, type WebhookHandlerOptions, type WebhookProvider, type WebhookRequest } from './webhook.js';
