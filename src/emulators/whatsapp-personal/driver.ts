/**
 * A stand-in for a linked WhatsApp. The wire of WhatsApp Web cannot be emulated: it is encrypted from end to end, and documented
 * nowhere. What is faked is the driver, the interface between the channel and any client library (WP-01); the bundled
 * client library is not tried by it.
 */
import { ProviderError } from '../../core/errors.js';
import type {
  WhatsAppClosedReason,
  WhatsAppFile,
  WhatsAppFileMessage,
  WhatsAppKey,
  WhatsAppPersonalDriver,
  WhatsAppPersonalEvent,
  WhatsAppPlace,
  WhatsAppSendOptions,
  WhatsAppSent,
} from '../../providers/baileys/driver.js';
import { FakeWhatsAppGroup } from './group.js';
import { Line } from './line.js';
import { FakeWhatsAppPhone, type FakeWhatsAppPhoneOptions } from './phone.js';
import { jidOf, type ArrivedWhatsApp } from './seen.js';

/** What {@link FakeWhatsAppDriver} is made with. */
export interface FakeWhatsAppOptions {
  /** The number of the account. Default `+15550100`. */
  readonly number?: string;
  /** Nobody has linked the account yet: connecting shows a QR code. Default false. */
  readonly isUnlinked?: boolean;
  /** Nobody answers. */
  readonly isUnreachable?: boolean;
  /** It takes the connection, and never says a word. */
  readonly isSilent?: boolean;
  /** For tests: the time that messages carry. Default: the machine's. */
  readonly now?: () => number;
}

/** What goes wrong when something is sent. */
export interface FakeWhatsAppFault {
  /** How often. Default 1. */
  readonly times?: number;
  /** The code of the error. Default `whatsapp_500`. */
  readonly code?: string;
  /** Default true. */
  readonly retryable?: boolean;
  /** It never answers. */
  readonly hangs?: boolean;
  /** The message arrives, and the connection breaks in place of an answer. */
  readonly cuts?: boolean;
}

/** One thing that the channel asked of the driver. */
export interface FakeWhatsAppRequest {
  /** The name of the method. */
  readonly method: string;
  readonly chat: string;
  /** Nobody waits for its answer any more. */
  readonly wasAborted: boolean;
}

/**
 * For tests and demonstrations: a linked WhatsApp that people write to from {@link phone}s.
 * @example
 * const whatsapp = new FakeWhatsAppDriver();
 * const source = new WhatsAppPersonalSource(whatsapp, { channelId: 'personal' });
 * await whatsapp.phone('+15550123').write('Hello!');
 */
export class FakeWhatsAppDriver implements WhatsAppPersonalDriver {
  readonly name = 'whatsapp_personal';
  /** The account's own id. */
  readonly jid: string;
  /** Everything that was asked, oldest first. */
  readonly requests: FakeWhatsAppRequest[] = [];
  /** The time on its network, in milliseconds since 1970. */
  readonly now: () => number;
  /** How often the session was forgotten. */
  forgotten = 0;
  readonly #options: FakeWhatsAppOptions;
  readonly #phones = new Map<string, FakeWhatsAppPhone>();
  readonly #groups = new Map<string, FakeWhatsAppGroup>();
  readonly #faults: FakeWhatsAppFault[] = [];
  /** What came while nobody was connected. */
  readonly #kept: WhatsAppPersonalEvent[] = [];
  #isLinked: boolean;
  #line: Line<WhatsAppPersonalEvent> | undefined;
  #ids = 0;

  constructor(options: FakeWhatsAppOptions = {}) {
    this.#options = options;
    this.#isLinked = options.isUnlinked !== true;
    this.jid = jidOf(options.number ?? '+15550100');
    this.now = options.now ?? (() => Date.now());
  }

  /** Connections that are open: none or one. */
  get openConnections(): number {
    return this.#line === undefined ? 0 : 1;
  }

  /** Somebody with WhatsApp; the same object for the same number. */
  phone(number: string, options?: FakeWhatsAppPhoneOptions): FakeWhatsAppPhone {
    const known = this.#phones.get(number) ?? new FakeWhatsAppPhone(number, this, options);
    this.#phones.set(number, known);
    return known;
  }

  /** A group that the account is in; the same object for the same id. */
  group(id = '120363000000000001@g.us'): FakeWhatsAppGroup {
    const known = this.#groups.get(id) ?? new FakeWhatsAppGroup(id, this);
    this.#groups.set(id, known);
    return known;
  }

  /** The next requests go wrong. */
  fail(fault: FakeWhatsAppFault = {}): void {
    for (let n = 0; n < (fault.times ?? 1); n++) this.#faults.push(fault);
  }

  /** Somebody scans the QR code: the device is linked, and WhatsApp asks it to connect again. */
  link(): void {
    this.#isLinked = true;
    this.#line?.push({ type: 'closed', reason: 'restart', statusCode: 515 });
  }

  /** Ends the connection. `logged_out` also unlinks the device. */
  disconnect(reason: WhatsAppClosedReason = 'lost'): void {
    if (reason === 'logged_out') this.#isLinked = false;
    this.#line?.push({ type: 'closed', reason });
  }

  /** Something happens; while nobody is connected, messages wait. */
  tell(...events: readonly WhatsAppPersonalEvent[]): void {
    for (const event of events) {
      if (this.#line !== undefined) this.#line.push(event);
      else if (event.type === 'message') this.#kept.push(event);
    }
  }

  /** A new id of a message. */
  nextId(): string {
    return `3A${String(++this.#ids).padStart(18, '0')}`;
  }

  async *connect({ signal }: { readonly signal: AbortSignal }): AsyncIterable<WhatsAppPersonalEvent> {
    if (this.#line !== undefined) throw new Error('There is a connection already: close() it first.');
    const { isUnreachable, isSilent } = this.#options;
    if (isUnreachable === true)
      throw new ProviderError('WhatsApp cannot be reached (ECONNREFUSED).', { provider: this.name, code: 'network_error', retryable: true });
    const line = new Line<WhatsAppPersonalEvent>();
    this.#line = line;
    const end = (): void => line.end();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      if (isSilent !== true && this.#isLinked) line.push({ type: 'connected', me: { jid: this.jid } }, ...this.#kept.splice(0));
      else if (isSilent !== true) line.push({ type: 'pairing', kind: 'qr', value: `2@fake-qr-code-${++this.#ids}` });
      yield* line;
    } finally {
      signal.removeEventListener('abort', end);
      this.#line = undefined;
    }
  }

  /** The chat is shown a text. */
  sendMessage(chat: string, text: string, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send('sendMessage', chat, { kind: 'text', text }, options);
  }

  /** The chat is shown a picture. */
  sendImage(chat: string, file: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send('sendImage', chat, { kind: 'image', text: file.caption ?? '', file }, options);
  }

  /** The chat is shown a video. */
  sendVideo(chat: string, file: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send('sendVideo', chat, { kind: 'video', text: file.caption ?? '', file }, options);
  }

  sendAudio(chat: string, file: WhatsAppFile & { readonly isVoiceNote: boolean }, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send('sendAudio', chat, { kind: file.isVoiceNote ? 'voice' : 'audio', text: '', file }, options);
  }

  /** The chat is shown a file. */
  sendDocument(chat: string, file: WhatsAppFile, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send('sendDocument', chat, { kind: 'document', text: file.caption ?? '', file }, options);
  }

  /** The chat is shown a place. */
  sendLocation(chat: string, place: WhatsAppPlace, options: WhatsAppSendOptions): Promise<WhatsAppSent> {
    return this.#send('sendLocation', chat, { kind: 'location', text: place.name ?? '', place }, options);
  }

  async sendReaction(target: WhatsAppKey, emoji: string): Promise<void> {
    await this.#ask('sendReaction', target.chat, undefined, () => this.#at(target.chat)?.reacted(target.id, emoji));
  }

  async editMessage(target: WhatsAppKey, text: string, { id, signal }: WhatsAppSendOptions): Promise<WhatsAppSent> {
    await this.#ask('editMessage', target.chat, signal, () => this.#at(target.chat)?.changed(target.id, text));
    return { id };
  }

  async deleteMessage(target: WhatsAppKey, { id, signal }: WhatsAppSendOptions): Promise<WhatsAppSent> {
    await this.#ask('deleteMessage', target.chat, signal, () => this.#at(target.chat)?.takenBack(target.id));
    return { id };
  }

  /** The chat sees the account type, or stop. */
  async sendPresence(chat: string, presence: 'composing' | 'recording' | 'paused'): Promise<void> {
    await this.#ask('sendPresence', chat, undefined, () => this.#at(chat)?.sees(presence !== 'paused'));
  }

  async markRead(keys: readonly WhatsAppKey[]): Promise<void> {
    for (const { chat, id } of keys) await this.#ask('markRead', chat, undefined, () => this.#at(chat)?.wasRead(id));
  }

  download({ handle }: WhatsAppFileMessage, { signal }: { readonly signal: AbortSignal }): Promise<Uint8Array> {
    if (signal.aborted || !(handle instanceof Uint8Array))
      return Promise.reject(new ProviderError('The file is not there any more.', { provider: this.name, code: 'media_unavailable' }));
    return Promise.resolve(handle);
  }

  forgetSession(): Promise<void> {
    this.forgotten++;
    this.#isLinked = false;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#line?.end();
    return Promise.resolve();
  }

  async #send(
    method: string,
    chat: string,
    message: Pick<ArrivedWhatsApp, 'kind' | 'text' | 'file' | 'place'>,
    options: WhatsAppSendOptions,
  ): Promise<WhatsAppSent> {
    const { id, quoted, signal } = options;
    await this.#ask(method, chat, signal, () => {
      const at = this.#at(chat);
      this.tell({ type: 'receipt', id, chat: at?.chat ?? chat, status: 'sent', at: this.now() });
      // What comes again with the same id is the same message.
      if (at === undefined || at.messages.some((known) => known.id === id)) return;
      at.arrived({ id, ...message, isDeleted: false, ...(quoted !== undefined && { quotes: quoted.text }) });
    });
    return { id };
  }

  async #ask(method: string, chat: string, signal: AbortSignal | undefined, work: () => void): Promise<void> {
    const request = { method, chat, wasAborted: false };
    this.requests.push(request);
    const fault = this.#faults.shift();
    if (fault?.hangs === true) {
      await new Promise<void>((_resolve, reject) => {
        const abort = (): void => {
          request.wasAborted = true;
          reject(new ProviderError('Nobody waits any more.', { provider: this.name, code: 'timeout', retryable: true }));
        };
        if (signal?.aborted === true) abort();
        signal?.addEventListener('abort', abort, { once: true });
      });
    }
    if (fault?.cuts === true) {
      work();
      this.disconnect();
      throw new ProviderError('The connection was lost.', { provider: this.name, code: 'not_connected', retryable: true });
    }
    if (fault !== undefined) {
      const { code = 'whatsapp_500', retryable = true } = fault;
      throw new ProviderError(`WhatsApp answered with ${code}.`, { provider: this.name, code, retryable });
    }
    if (this.#line === undefined) throw new ProviderError('There is no connection.', { provider: this.name, code: 'not_connected', retryable: true });
    work();
    await Promise.resolve();
  }

  #at(chat: string): FakeWhatsAppPhone | FakeWhatsAppGroup | undefined {
    return this.#groups.get(chat) ?? [...this.#phones.values()].find((phone) => phone.jid === chat || phone.lid === chat);
  }
}
