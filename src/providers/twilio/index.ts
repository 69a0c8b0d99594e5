/**
 * `roomkit/twilio`: text messages and RCS over Twilio.
 * @module roomkit/twilio
 */
export type { HttpProviderOptions } from '../_shared/http/options.js';
export type { TwilioConfig, TwilioRCSConfig } from './config.js';
export { TwilioRCSProvider } from './rcs.js';
export { TwilioSMSProvider } from './sms.js';
export { parseTwilioRcsWebhook, parseTwilioWebhook } from './webhook.js';
