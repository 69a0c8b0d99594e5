/**
 * `roomkit/voicemeup`: text messages over VoiceMeUp.
 * @module roomkit/voicemeup
 */
export type { HttpProviderOptions } from '../_shared/http/options.js';
export type { VoiceMeUpConfig } from './config.js';
export { VoiceMeUpSMSProvider } from './sms.js';
export { parseVoicemeupWebhook } from './webhook.js';
