/** What is used of baileys 7, in its own types: where a version drifts from them, the build breaks. */
import type * as baileys from 'baileys';

type WholeSocket = baileys.WASocket;

/** The part of a socket that is used. */
export interface BaileysSocket {
  readonly ev: Pick<baileys.BaileysEventEmitter, 'on'>;
  readonly signalRepository: { readonly lidMapping: Pick<WholeSocket['signalRepository']['lidMapping'], 'getPNForLID'> };
  readonly user: WholeSocket['user'];
  readonly sendMessage: WholeSocket['sendMessage'];
  readonly sendPresenceUpdate: WholeSocket['sendPresenceUpdate'];
  readonly presenceSubscribe: WholeSocket['presenceSubscribe'];
  readonly readMessages: WholeSocket['readMessages'];
  readonly requestPairingCode: WholeSocket['requestPairingCode'];
  readonly end: WholeSocket['end'];
}

/** The part of the module that is used; `import('baileys')` has it. */
export interface BaileysModule {
  readonly makeWASocket: (config: baileys.UserFacingSocketConfig) => BaileysSocket;
  readonly initAuthCreds: typeof baileys.initAuthCreds;
  readonly BufferJSON: typeof baileys.BufferJSON;
  readonly proto: Pick<typeof baileys.proto, 'Message'>;
  readonly getMediaKeys: typeof baileys.getMediaKeys;
}
