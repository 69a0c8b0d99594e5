/** A person's WhatsApp, on the other end of an emulated business number. */
import { Arrivals } from '../arrivals.js';
import type { CheckedButton } from './check-message.js';

/** A message that came from the business. */
export interface WhatsAppMessage {
  /** Meta's id. */
  readonly id: string;
  /** `text`, `image`, `interactive`, `template` … */
  readonly type: string;
  /** Body, caption or filled template. */
  readonly text: string;
  /** Links, or ids of files that were uploaded. */
  readonly media: readonly string[];
  readonly buttons: readonly CheckedButton[];
  /** The message that it quotes. */
  readonly repliesTo?: string;
}

/** What a person sends: a type and its fields, as they stand in the webhook. */
export interface WrittenWhatsApp {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** What a phone asks of its emulator. */
export interface WhatsAppNetwork {
  /** Somebody wrote: calls the webhook, and tells the message's id and what was answered. */
  written(phone: WhatsAppPhone, message: WrittenWhatsApp): Promise<{ readonly id: string; readonly status: number }>;
  /** Somebody has read these messages. */
  hasRead(phone: WhatsAppPhone, messageIds: readonly string[]): Promise<void>;
  /** Keeps a file; the id under which it can be fetched. */
  stored(bytes: Uint8Array, mimeType: string): string;
}

/** What was sent, and how the program's webhook answered. */
export interface Written {
  /** Meta's id of it. */
  readonly id: string;
  /** Of the webhook's answer. */
  readonly status: number;
}

/** A file that a person sends. */
export interface SentWhatsAppFile {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
  readonly caption?: string;
  readonly filename?: string;
}

/** One person. Made by an emulator: `emulator.phone('+15550123')`. */
export class WhatsAppPhone {
  readonly #arrivals = new Arrivals<WhatsAppMessage>();
  readonly #reactions = new Map<string, string>();
  /** The business shows that it types. */
  isTypingShown = false;
  /** Ids of own messages that the business has marked as read. */
  readonly readByBusiness = new Set<string>();

  constructor(
    readonly number: string,
    /** As messages name them. */
    readonly profileName: string,
    /** The id that only this business knows them by. */
    readonly userId: string,
    /** Behind a username: the business gets no number. */
    readonly isNumberHidden: boolean,
    private readonly network: WhatsAppNetwork,
  ) {}

  /** Everything that came, oldest first. */
  get messages(): readonly WhatsAppMessage[] {
    return this.#arrivals.all;
  }

  /** Own messages the business has reacted to, by id. */
  get reactions(): ReadonlyMap<string, string> {
    return this.#reactions;
  }

  /** Writes to the business; resolves when the program's webhook has answered. */
  write(text: string, { replyTo }: { readonly replyTo?: string } = {}): Promise<Written> {
    return this.network.written(this, {
      type: 'text',
      fields: { body: text },
      ...(replyTo !== undefined && { context: { from: 'business', id: replyTo } }),
    });
  }

  /** Sends a picture. */
  sendPhoto({ bytes, mimeType, caption }: SentWhatsAppFile): Promise<Written> {
    return this.#sendFile('image', { bytes, mimeType, ...(caption !== undefined && { caption }) });
  }

  /** Sends a document. */
  sendDocument(file: SentWhatsAppFile): Promise<Written> {
    return this.#sendFile('document', file);
  }

  /** Says something, as a voice message. */
  sendVoice({ bytes, mimeType }: SentWhatsAppFile): Promise<Written> {
    return this.#sendFile('audio', { bytes, mimeType }, { voice: true });
  }

  /** Shows where the person is. */
  sendLocation(latitude: number, longitude: number, name?: string): Promise<Written> {
    return this.network.written(this, { type: 'location', fields: { latitude, longitude, ...(name !== undefined && { name }) } });
  }

  /** Taps a button or a row of a list, by its label; of the newest message that has one. */
  tap(label: string): Promise<Written> {
    for (const message of [...this.messages].reverse()) {
      const button = message.buttons.find(({ title, kind }) => title === label && kind !== 'url');
      if (button !== undefined) return this.#tapped(message, button);
    }
    throw new Error(`${this.number} has nothing to tap with the label '${label}'.`);
  }

  /** Reacts to a message of the business; an empty emoji takes it back. */
  react(messageId: string, emoji: string): Promise<Written> {
    return this.network.written(this, { type: 'reaction', fields: { message_id: messageId, ...(emoji !== '' && { emoji }) } });
  }

  /** Changes an own text; Meta reports it of numbers that are in WhatsApp's app as well. */
  edit(messageId: string, text: string): Promise<Written> {
    return this.network.written(this, {
      type: 'edit',
      fields: { original_message_id: messageId, message: { context: { id: messageId }, type: 'text', text: { body: text } } },
    });
  }

  /** Takes an own message back. */
  revoke(messageId: string): Promise<Written> {
    return this.network.written(this, { type: 'revoke', fields: { original_message_id: messageId } });
  }

  /** Sends whatever else, such as a poll. */
  send(message: WrittenWhatsApp): Promise<Written> {
    return this.network.written(this, message);
  }

  /** Reads everything that came: the program hears of it. */
  read(): Promise<void> {
    return this.network.hasRead(
      this,
      this.messages.map(({ id }) => id),
    );
  }

  /** The next message that was not waited for yet and matches; rejects when none comes in time. */
  waitFor(match: string | RegExp = '', { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<WhatsAppMessage> {
    const matches = ({ text }: WhatsAppMessage): boolean => (typeof match === 'string' ? text.includes(match) : match.test(text));
    return this.#arrivals.next(matches, `A message to ${this.number} with ${String(match) || 'anything'}`, timeoutMs);
  }

  /** Called with each message that comes from now on. Returns what stops it. */
  onMessage(listener: (message: WhatsAppMessage) => void): () => void {
    return this.#arrivals.listen(listener);
  }

  /** A message arrives. Called by the emulator. */
  receive(message: WhatsAppMessage): void {
    this.isTypingShown = false;
    this.#arrivals.add(message);
  }

  /** The business reacts. Called by the emulator. */
  reacted(messageId: string, emoji: string): void {
    if (emoji === '') this.#reactions.delete(messageId);
    else this.#reactions.set(messageId, emoji);
  }

  #sendFile(type: string, { bytes, mimeType, caption, filename }: SentWhatsAppFile, more: Readonly<Record<string, unknown>> = {}): Promise<Written> {
    const id = this.network.stored(bytes, mimeType);
    return this.network.written(this, {
      type,
      fields: {
        ...(caption !== undefined && { caption }),
        ...(filename !== undefined && { filename }),
        mime_type: mimeType,
        sha256: 'bm90IGNhbGN1bGF0ZWQ=',
        id,
        ...more,
      },
    });
  }

  #tapped({ id }: WhatsAppMessage, button: CheckedButton): Promise<Written> {
    const context = { from: 'business', id };
    if (button.kind === 'template')
      return this.network.written(this, { type: 'button', fields: { payload: button.id, text: button.title }, context });
    const reply = { id: button.id, title: button.title };
    return this.network.written(this, { type: 'interactive', fields: { type: button.kind, [button.kind]: reply }, context });
  }
}
