/**
 * `roomkit/baileys`: a person's own WhatsApp, linked like a second device.
 * @module roomkit/baileys
 */
export type {
  WhatsAppArrival,
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
export { baileysDriver, type BaileysDriverOptions } from './adapter/driver.js';
export type { BaileysModule, BaileysSocket } from './adapter/library.js';
export { FileWhatsAppSession, type FileWhatsAppSessionOptions } from './session/file-session.js';
export type { WhatsAppSessionStore } from './session/store.js';
