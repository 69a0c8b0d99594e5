/**
 * `roomkit/messenger`: Facebook Messenger for pages.
 * @module roomkit/messenger
 */
export type { MessengerConfig } from './config.js';
export { FacebookMessengerProvider } from './messenger.js';
export { parseMessengerWebhook } from './webhook.js';
