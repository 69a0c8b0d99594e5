/**
 * What is known of a client of WhatsApp Web (WP-01): this file, and nothing else. `baileysDriver` is the one that is bundled;
 * `FakeWhatsAppDriver` of `roomkit/emulators` stands in its place in tests. Chats and people are named by WhatsApp's own ids
 * (`4915112345678@s.whatsapp.net`, `120363000000000000@g.us`, `123456789012345@lid`).
 */

/** A client of WhatsApp Web, linked to somebody's account. What it rejects with are ProviderErrors: `code` and `retryable` count. */
export interface WhatsAppPersonalDriver {
  /** As in `source.provider` of events. */
  readonly name: string;
  /**
   * Opens one connection and tells what happens on it, in order; `closed` is the last. Ends without a word when `signal` aborts.
   * Throws what keeps it from connecting at all, such as a session that cannot be read. One at a time.
   */
  connect(options: { readonly signal: AbortSignal }): AsyncIterable<WhatsAppPersonalEvent>;
  /** A text. */
  sendMessage(chat: string, text: string, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** A picture, with its caption. */
  sendImage(chat: string, file: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** A video, with its caption. */
  sendVideo(chat: string, file: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** A voice note where `isVoiceNote` says so; it has no caption either way. */
  sendAudio(chat: string, file: WhatsAppFile & { readonly isVoiceNote: boolean }, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** Any other file, under its name. */
  sendDocument(chat: string, file: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** A place on the map. */
  sendLocation(chat: string, place: WhatsAppPlace, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** An empty emoji takes the reaction back. */
  sendReaction(target: WhatsAppKey, emoji: string): Promise<void>;
  /** Puts another text in the place of a message of one's own. */
  editMessage(target: WhatsAppKey, text: string, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** Takes a message back for everybody. */
  deleteMessage(target: WhatsAppKey, options: WhatsAppSendOptions): Promise<WhatsAppSent>;
  /** Shows that somebody types or speaks here, or has stopped. */
  sendPresence(chat: string, presence: 'composing' | 'recording' | 'paused'): Promise<void>;
  /** Shows the senders that these were read. */
  markRead(keys: readonly WhatsAppKey[]): Promise<void>;
  /** The bytes of a file that a message names. Rejects with `media_too_large` when there are more. */
  download(file: WhatsAppFileMessage, options: { readonly maxBytes: number; readonly signal: AbortSignal }): Promise<Uint8Array>;
  /** Forgets the session: whoever connects next has to be linked anew. Only when the operator says so. */
  forgetSession(): Promise<void>;
  /** Ends the connection, if there is one. Idempotent. */
  close(): Promise<void>;
}

/** How something is sent. */
export interface WhatsAppSendOptions {
  /** The id that the message is to have: the same for every attempt. */
  readonly id: string;
  /** The message that is answered; shown above the answer. */
  readonly quoted?: { readonly key: WhatsAppKey; readonly text: string };
  /** Nobody waits any more. What is on its way may arrive all the same. */
  readonly signal: AbortSignal;
}

/** What was sent. */
export interface WhatsAppSent {
  readonly id: string;
}

/** A message as WhatsApp names it, in the words of the wire. */
export interface WhatsAppKey {
  readonly chat: string;
  readonly id: string;
  /** Written by the account that is linked. */
  readonly isFromMe: boolean;
  /** In groups: who wrote it. */
  readonly participant?: string;
}

/** A file to send. */
export interface WhatsAppFile {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
  readonly filename?: string;
  readonly caption?: string;
}

/** A place. */
export interface WhatsAppPlace {
  readonly latitude: number;
  readonly longitude: number;
  readonly name?: string;
  readonly address?: string;
}

/** What happens on a connection. */
export type WhatsAppPersonalEvent =
  | WhatsAppPairing
  | { readonly type: 'connected'; readonly me: { readonly jid: string; readonly lid?: string } }
  | WhatsAppArrival
  | WhatsAppReceipt
  | WhatsAppPresence
  | { readonly type: 'moved'; readonly from: string; readonly to: string }
  | { readonly type: 'ignored'; readonly reason: string }
  | { readonly type: 'closed'; readonly reason: WhatsAppClosedReason; readonly statusCode?: number };

/** A message has come. */
export interface WhatsAppArrival {
  readonly type: 'message';
  readonly message: WhatsAppPersonalMessage;
  /** Called once the kit has it, or never will. What was not taken, a driver may tell again after the next start. */
  readonly taken?: () => void;
}

/** Somebody has to link the account: scan a QR code, or type a code on the phone. */
export interface WhatsAppPairing {
  readonly type: 'pairing';
  readonly kind: 'qr' | 'code';
  readonly value: string;
}

/**
 * Why a connection has ended. `lost` and `restart` (asked for by WhatsApp, as after linking) may be tried again at any time;
 * `logged_out`, `banned`, `replaced` (another program uses the session) and `outdated` (the client is too old) wait for the operator.
 */
export type WhatsAppClosedReason = 'lost' | 'restart' | 'logged_out' | 'banned' | 'replaced' | 'outdated';

/** What became of a message that was sent from here. */
export interface WhatsAppReceipt {
  readonly type: 'receipt';
  readonly id: string;
  /** The same for the same person whatever the wire calls them: the number where it is known. */
  readonly chat: string;
  readonly status: 'sent' | 'delivered' | 'read' | 'failed';
  /** Whose receipt it is. Absent when WhatsApp itself says it. */
  readonly from?: string;
  /** Milliseconds since 1970. */
  readonly at?: number;
  /** Of a failure: WhatsApp's number for it. */
  readonly errorCode?: string;
}

/** Somebody types, speaks, has stopped, comes or goes. */
export interface WhatsAppPresence {
  readonly type: 'presence';
  readonly chat: string;
  readonly from: string;
  readonly state: 'composing' | 'recording' | 'paused' | 'available' | 'unavailable';
}

/** A message that came. */
export interface WhatsAppPersonalMessage {
  /** As the wire names it: for answers, reactions and receipts. */
  readonly key: WhatsAppKey;
  /** The chat, and who wrote it: the number where it is known. */
  readonly chat: string;
  readonly from: string;
  /** Who wrote it, as the wire has it. */
  readonly rawFrom: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** The name that the person has given themselves. */
  readonly pushName?: string;
  /** The id of the message it answers. */
  readonly answers?: string;
  readonly said: WhatsAppSaid;
}

/** What a message says. */
export type WhatsAppSaid =
  | { readonly type: 'text'; readonly text: string }
  | WhatsAppFileMessage
  | ({ readonly type: 'location' } & WhatsAppPlace)
  | { readonly type: 'reaction'; readonly targetId: string; readonly emoji: string }
  | { readonly type: 'edit'; readonly targetId: string; readonly said: WhatsAppSaid }
  | { readonly type: 'delete'; readonly targetId: string };

/** A file that a message names. */
export interface WhatsAppFileMessage {
  readonly type: 'file';
  readonly kind: 'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker';
  readonly mimeType: string;
  readonly filename?: string;
  readonly caption?: string;
  readonly sizeBytes?: number;
  readonly seconds?: number;
  /** What the driver needs to fetch it. Never stored, never shown: it holds keys. */
  readonly handle: unknown;
}
