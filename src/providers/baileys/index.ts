/**
 * `roomkit/baileys`: a person's own WhatsApp, linked like a second device.
 * @module roomkit/baileys
 */
export type {
  WhatsAppClosedReason,
  WhatsAppFile,
  WhatsAppFileMessage,
  WhatsAppKey,
  WhatsAppPairing,
  WhatsAppPersonalDriver,
  WhatsAppPersonalEvent,
  WhatsAppPersonalMessage,
  WhatsAppPlace,
  WhatsAppPresence,
  WhatsAppReceipt,
  WhatsAppSaid,
  WhatsAppSendOptions,
  WhatsAppSent,
} from './driver.js';
export { WhatsAppPersonalProvider, WhatsAppPersonalProvider as NeonizeWhatsAppProvider, type WhatsAppPersonalProviderOptions } from './provider.js';
export { WhatsAppPersonalSource, type WhatsAppPersonalSourceOptions } from './source.js';
