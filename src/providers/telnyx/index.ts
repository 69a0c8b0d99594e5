/**
 * `roomkit/telnyx`: text messages and RCS over Telnyx.
 * @module roomkit/telnyx
 */
export type { HttpProviderOptions } from '../_shared/http/options.js';
export type { TelnyxAccountOptions, TelnyxConfig } from './config.js';
export { TelnyxSMSProvider } from './sms.js';
export { parseTelnyxWebhook, type ParseTelnyxOptions } from './webhook.js';
