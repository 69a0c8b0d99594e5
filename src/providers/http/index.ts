/**
 * `roomkit/http`: messages to and from any system that takes and makes HTTP calls.
 * @module roomkit/http
 */
export type { WebhookHTTPConfig } from './config.js';
export { WebhookHTTPProvider } from './provider.js';
export { verifyRoomkitSignature, type RoomkitSignatureOptions, type SignedHeaders } from './signature.js';
export { parseHttpWebhook } from './webhook.js';
