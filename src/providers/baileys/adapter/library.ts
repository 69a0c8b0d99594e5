/** What is used of baileys 7, in its own types: where a version drifts from them, the build breaks. */
import type * as baileys from 'baileys';

/** The part of a socket that is used. */
export interface BaileysSocket {
  readonly ev: Pick<baileys.BaileysEventEmitter, 'on'>;
  readonly signalRepository: { readonly lidMapping: Pick<baileys.WASocket['signalRepository']['lidMapping'], 'getPNForLID'> };
  readonly user: baileys.WASocket['user'];
  readonly sendMessage: baileys.WASocket['sendMessage'];
  readonly sendPresenceUpdate: baileys.WASocket['sendPresenceUpdate'];
  readonly presenceSubscribe: baileys.WASocket['presenceSubscribe'];
  readonly readMessages: baileys.WASocket['readMessages'];
  readonly requestPairingCode: baileys.WASocket['requestPairingCode'];
  readonly end: baileys.WASocket['end'];
}

/** The part of the module that is used; `import('baileys')` has it. */
export interface BaileysModule {
  readonly makeWASocket: (config: baileys.UserFacingSocketConfig) => BaileysSocket;
  readonly initAuthCreds: typeof baileys.initAuthCreds;
  readonly BufferJSON: typeof baileys.BufferJSON;
  readonly proto: Pick<typeof baileys.proto, 'Message'>;
  readonly getMediaKeys: typeof baileys.getMediaKeys;
}
