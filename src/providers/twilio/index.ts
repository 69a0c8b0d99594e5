/**
 * `roomkit/twilio`: text messages and RCS over Twilio.
 * @module roomkit/twilio
 */
export type { HttpProviderOptions } from '../_shared/http/options.js';
export type { TwilioConfig } from './config.js';
export { TwilioSMSProvider } from './sms.js';
export { parseTwilioWebhook } from './webhook.js';
