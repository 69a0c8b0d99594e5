/**
 * A kit over HTTP and WebSocket: `serve` on a port of Node, or one web-standard handler to mount elsewhere.
 * @module roomkit/server
 */
export { serve, studioPages, type RoomKitServer, type ServeOptions } from './node.js';
export { createHandler, toRouteHandlers, type RouteHandlers, type ServerHandler } from './handler.js';
export { attachSockets, toNodeListener, type AttachedSockets, type AttachSocketsOptions } from './mount.js';
export type { NodeListener } from './node/listener.js';
export type { HandlerOptions } from './parts.js';
export type { ServerLimits } from './limits.js';
export type { PageHandler } from './pages.js';
export type { FieldError, Problem } from './problem.js';
export type { Peer } from './auth/address.js';
export { apiKeys, createApiKey, type ApiKey } from './auth/api-keys.js';
export { ClientTokens, type ClientTokenOptions, type MintedToken } from './auth/client-tokens.js';
export type { Authenticate, ClientPrincipal, Principal, Scope } from './auth/principal.js';
