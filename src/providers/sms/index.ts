/**
 * `roomkit/sms`: what a vendor of text messages has said, for programs that read webhooks by themselves.
 * @module roomkit/sms
 */
export { extractSmsMeta } from './extract.js';
export { SmsMeta, type SmsFields, type SmsVendor } from './meta.js';
