/** The bundled driver, over baileys 7 (WP-01). @see https://baileys.wiki */
import type { AnyMessageContent, MiscMessageGenerationOptions, WAMessageKey } from 'baileys';
import { ProviderError, RoomKitError, ValidationError } from '../../../core/errors.js';
import type { MediaFetch } from '../../../core/media/media-store.js';
import { checkOptionNames, type OptionNames } from '../../../core/option-names.js';
import { guardedFetch } from '../../_shared/guarded-fetch.js';
import { loadPeer } from '../../_shared/peer.js';
import type {
  WhatsAppFile,
  WhatsAppFileMessage,
  WhatsAppKey,
  WhatsAppPersonalDriver,
  WhatsAppPersonalEvent,
  WhatsAppPlace,
  WhatsAppSendOptions,
  WhatsAppSent,
} from '../driver.js';
import type { WhatsAppSessionStore } from '../session/store.js';
import { Connection } from './connection.js';
import { sendFailure } from './failure.js';
import { Inbox } from './inbox.js';
import type { BaileysModule } from './library.js';
import { downloadMedia } from './media.js';
import { hideSessionKeys } from './quiet.js';

/** What {@link baileysDriver} is made with. */
export interface BaileysDriverOptions {
  /** Where the session is kept: {@link FileWhatsAppSession}, or a store of your own. */
  readonly session: WhatsAppSessionStore;
  /** Link by a code that is typed on the phone with this number, in place of a QR code. */
  readonly pairingNumber?: string;
  /** How the phone lists this device. Default `RoomKit`. */
  readonly deviceName?: string;
  /**
   * Show the account as online while the source is attached. Default true: others' typing is told to nobody else. The phone of
   * the account then rings less; false leaves it as it is.
   */
  readonly marksOnline?: boolean;
  /** The version of WhatsApp Web that it calls itself, where WhatsApp takes that of the library no longer: `[2, 3000, 1043857760]`. */
  readonly version?: readonly [number, number, number];
  /** Fetches files from WhatsApp's servers. Default: `guardedFetch()` of `roomkit/media`. */
  readonly fetch?: MediaFetch;
  /** The module `baileys`, where your program loads it itself. Default: `import('baileys')`. */
  readonly baileys?: BaileysModule;
}

const FEATURE = 'baileysDriver';
const NAMES: OptionNames<BaileysDriverOptions> = {
  session: true,
  pairingNumber: true,
  deviceName: true,
  marksOnline: true,
  version: true,
  fetch: true,
  baileys: true,
};
/** Of the encrypted file; the source says how large the file itself may be. */
const MAX_SEALED_BYTES = 256 * 1024 * 1024;

/**
 * A driver over the package `baileys`, version 7.0.0-rc14. Logs nothing.
 * @example baileysDriver({ session: new FileWhatsAppSession({ directory: './whatsapp' }) })
 */
export function baileysDriver(options: BaileysDriverOptions): WhatsAppPersonalDriver {
  checkOptionNames(FEATURE, options ?? {}, NAMES);
  const { session, pairingNumber } = options ?? {};
  if (typeof session?.load !== 'function' || typeof session.save !== 'function')
    throw new ValidationError(
      `${FEATURE} has no session. Pass { session: new FileWhatsAppSession({ directory: './whatsapp' }) }, or a store of your own.`,
    );
  const { version } = options;
  if (version !== undefined && (!Array.isArray(version) || version.length !== 3 || !version.every((part) => Number.isInteger(part) && part >= 0)))
    throw new ValidationError(
      `The version of ${FEATURE} is '${String(version)}'. Give the three numbers of a version of WhatsApp Web: [2, 3000, 1043857760].`,
    );
  const digits = pairingNumber?.replace(/[\s()+.-]/g, '');
  if (digits !== undefined && !/^\d{7,15}$/.test(digits))
    throw new ValidationError(
      `The pairingNumber of ${FEATURE} is '${String(pairingNumber)}'. Give the account's number with its country, such as '+4915112345678'.`,
    );
  return new BaileysDriver({ ...options, ...(digits !== undefined && { pairingNumber: digits }) });
}

class BaileysDriver implements WhatsAppPersonalDriver {
  readonly name = 'whatsapp_personal';
  readonly #options: BaileysDriverOptions;
  readonly #fetch: MediaFetch;
  #connection: Connection | undefined;
  /** One for all connections: what the kit has yet to take of the last is known to the next. */
  #inbox: Inbox | undefined;

  constructor(options: BaileysDriverOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? guardedFetch({ maxBytes: MAX_SEALED_BYTES, timeoutSeconds: 300 });
  }

  async *connect({ signal }: { readonly signal: AbortSignal }): AsyncIterable<WhatsAppPersonalEvent> {
    if (this.#connection !== undefined) throw new ValidationError('This driver is connected already. One driver serves one source.');
    const baileys = await this.#load();
    hideSessionKeys();
    const connection = await Connection.open(
      baileys,
      this.#options,
      async () => (this.#inbox ??= await Inbox.open(this.#options.session, baileys.BufferJSON)),
      signal,
    );
    if (connection === undefined) return;
    this.#connection = connection;
    const end = (): void => void connection.end();
    signal.addEventListener('abort', end, { once: true });
    try {
      yield* connection.events();
    } finally {
      signal.removeEventListener('abort', end);
      this.#connection = undefined;
      await connection.end();
    }
  }

  sendMessage(chat: string, text: string, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    // Without it baileys would look at what links in the text lead to.
    return this.#send(chat, { text, linkPreview: null }, options);
  }

  sendImage(chat: string, { bytes, mimeType, caption }: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send(chat, { image: bufferOf(bytes), mimetype: mimeType, ...(caption !== undefined && { caption }) }, options);
  }

  sendVideo(chat: string, { bytes, mimeType, caption }: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send(chat, { video: bufferOf(bytes), mimetype: mimeType, ...(caption !== undefined && { caption }) }, options);
  }

  sendAudio(chat: string, file: WhatsAppFile & { readonly isVoiceNote: boolean }, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send(chat, { audio: bufferOf(file.bytes), mimetype: file.mimeType, ptt: file.isVoiceNote }, options);
  }

  sendDocument(chat: string, { bytes, mimeType, filename, caption }: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    const more = { ...(filename !== undefined && { fileName: filename }), ...(caption !== undefined && { caption }) };
    return this.#send(chat, { document: bufferOf(bytes), mimetype: mimeType, ...more }, options);
  }

  sendLocation(chat: string, { latitude, longitude, name, address }: WhatsAppPlace, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    const more = { ...(name !== undefined && { name }), ...(address !== undefined && { address }) };
    return this.#send(chat, { location: { degreesLatitude: latitude, degreesLongitude: longitude, ...more } }, options);
  }

  async sendReaction(target: WhatsAppKey, emoji: string): Promise<void> {
    await this.#ask((socket) => socket.sendMessage(target.chat, { react: { text: emoji, key: wireKey(target) } }));
  }

  editMessage(target: WhatsAppKey, text: string, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send(target.chat, { text, linkPreview: null, edit: wireKey(target) }, options);
  }

  deleteMessage(target: WhatsAppKey, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send(target.chat, { delete: wireKey(target) }, options);
  }

  async sendPresence(chat: string, presence: 'composing' | 'recording' | 'paused'): Promise<void> {
    await this.#ask((socket) => socket.sendPresenceUpdate(presence, chat));
  }

  async markRead(keys: readonly WhatsAppKey[]): Promise<void> {
    await this.#ask((socket) => socket.readMessages(keys.map(wireKey)));
  }

  async download(file: WhatsAppFileMessage, options: { readonly maxBytes: number; readonly signal: AbortSignal }): Promise<Uint8Array> {
    const { getMediaKeys } = await this.#load();
    return downloadMedia(file, { ...options, getMediaKeys, fetch: this.#fetch });
  }

  async forgetSession(): Promise<void> {
    await this.#inbox?.settled().catch(() => undefined);
    this.#inbox = undefined;
    await this.#options.session.clear();
  }

  async close(): Promise<void> {
    await this.#connection?.end();
    // What the kit has taken last is noted as well.
    await this.#inbox?.settled().catch(() => undefined);
  }

  async #load(): Promise<BaileysModule> {
    return this.#options.baileys ?? loadPeer(FEATURE, 'baileys@7.0.0-rc14', () => import('baileys'));
  }

  async #send(chat: string, content: AnyMessageContent, { id, quoted, signal }: WhatsAppSendOptions): Promise<WhatsAppSent> {
    const options: MiscMessageGenerationOptions = {
      messageId: id,
      ...(quoted !== undefined && { quoted: { key: wireKey(quoted.key), message: { conversation: quoted.text } } }),
    };
    const sent = await this.#ask((socket) => {
      if (signal.aborted) throw new RoomKitError('timeout', 'Nobody waits any more.', { retryable: true });
      return socket.sendMessage(chat, content, options);
    });
    return { id: sent?.key.id ?? id };
  }

  async #ask<T>(work: (socket: Connection['socket']) => Promise<T>): Promise<T> {
    const connection = this.#connection;
    if (connection?.isOpen !== true)
      throw new ProviderError('There is no connection to WhatsApp.', { provider: this.name, code: 'not_connected', retryable: true });
    try {
      return await work(connection.socket);
    } catch (error) {
      throw error instanceof RoomKitError ? error : sendFailure(this.name, error);
    }
  }
}

function wireKey({ chat, id, isFromMe, participant }: WhatsAppKey): WAMessageKey {
  return { remoteJid: chat, id, fromMe: isFromMe, ...(participant !== undefined && { participant }) };
}

/** The same bytes; baileys takes nothing else. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
