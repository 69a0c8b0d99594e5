/**
 * `roomkit/whatsapp`: WhatsApp for businesses over Meta's Cloud API.
 * @module roomkit/whatsapp
 */
export { WhatsAppCloudProvider } from './cloud.js';
export type { WhatsAppConfig, WindowPolicy, WindowTemplate } from './config.js';
export { parseWhatsAppWebhook, type WhatsAppWebhookOptions } from './webhook.js';
