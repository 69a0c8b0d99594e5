/**
 * `roomkit/sendgrid`: mail over SendGrid, both ways.
 * @module roomkit/sendgrid
 */
export type { MailSenderOptions } from '../_shared/mail/settings.js';
export type { SendGridConfig } from './config.js';
export { SendGridProvider } from './sendgrid.js';
export { parseSendGridEvents, parseSendGridInbound, parseSendGridWebhook } from './webhook.js';
