/**
 * `roomkit/sinch`: text messages over Sinch.
 * @module roomkit/sinch
 */
export type { HttpProviderOptions } from '../_shared/http/options.js';
export type { SinchConfig, SinchRegion, SinchSignatureScheme } from './config.js';
export { SinchSMSProvider } from './sms.js';
export { parseSinchWebhook } from './webhook.js';
