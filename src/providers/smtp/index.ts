/**
 * `roomkit/smtp`: mail over any server: sent over SMTP, read from a mailbox over IMAP.
 * @module roomkit/smtp
 */
export type { MailSenderOptions } from '../_shared/mail/settings.js';
export type { IMAPConfig, MailServerOptions, SMTPConfig } from './config.js';
export { IMAPSource } from './imap.js';
export { SMTPProvider } from './smtp.js';
