/**
 * `roomkit/elasticemail`: mail over Elastic Email, both ways.
 * @module roomkit/elasticemail
 */
export type { MailSenderOptions } from '../_shared/mail/settings.js';
export type { ElasticEmailConfig } from './config.js';
export { ElasticEmailProvider } from './elasticemail.js';
export { parseElasticEmailWebhook } from './webhook.js';
