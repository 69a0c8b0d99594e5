/** What is used of baileys 7, in its own types: where a version drifts from them, the build breaks. */
import type * as baileys from 'baileys';

/** The part of a socket that is used. */
export interface BaileysSocket {
  readonly ev: Pick<baileys.BaileysEventEmitter, 'on'>;
  readonly signalRepository: { readonly lidMapping: Pick<baileys.WASocket['signalRepository']['lidMapping'], 'getPNForLID'> };
  readonly user: baileys.WASocket['user'];
  /** Sends whatever has content: texts, files, reactions, edits. */
  readonly sendMessage: baileys.WASocket['sendMessage'];
  /** Shows a chat that somebody types. */
  readonly sendPresenceUpdate: baileys.WASocket['sendPresenceUpdate'];
  /** Asks to be told when somebody types. */
  readonly presenceSubscribe: baileys.WASocket['presenceSubscribe'];
  /** Marks messages as read. */
  readonly readMessages: baileys.WASocket['readMessages'];
  /** Asks for a code to type on the phone, in the place of a QR code. */
  readonly requestPairingCode: baileys.WASocket['requestPairingCode'];
  /** Closes the connection. */
  readonly end: baileys.WASocket['end'];
}

/** The part of the module that is used; `import('baileys')` has it. */
export interface BaileysModule {
  /** Opens a connection. */
  readonly makeWASocket: (config: baileys.UserFacingSocketConfig) => BaileysSocket;
  /** The beginning of a session. */
  readonly initAuthCreds: typeof baileys.initAuthCreds;
  readonly BufferJSON: typeof baileys.BufferJSON;
  readonly proto: Pick<typeof baileys.proto, 'Message'>;
  /** The keys of a file, from the one that its message has. */
  readonly getMediaKeys: typeof baileys.getMediaKeys;
}
