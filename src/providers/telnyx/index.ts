/**
 * `roomkit/telnyx`: text messages and RCS over Telnyx.
 * @module roomkit/telnyx
 */
export type { HttpProviderOptions } from '../_shared/http/options.js';
export type { TelnyxAccountOptions, TelnyxConfig, TelnyxRCSConfig } from './config.js';
export { TelnyxRCSProvider } from './rcs.js';
export { parseTelnyxRcsWebhook } from './rcs-webhook.js';
export { TelnyxSMSProvider } from './sms.js';
export { parseTelnyxWebhook, type ParseTelnyxOptions } from './webhook.js';
