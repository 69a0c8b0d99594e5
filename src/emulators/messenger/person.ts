/** A person's Messenger, on the other end of an emulated page. */
import { Arrivals } from '../arrivals.js';
import type { MessengerButton } from './check-message.js';

/** A message that came from the page. */
export interface MessengerMessage {
  /** Meta's id. */
  readonly id: string;
  /** Body, or the words of a template. */
  readonly text: string;
  /** Addresses, or ids of files that were uploaded. */
  readonly media: readonly string[];
  readonly buttons: readonly MessengerButton[];
  /** As which the page sent it outside the window. */
  readonly tag?: string;
}

/** What a person asks of the emulator. */
export interface MessengerNetwork {
  /** The event as it stands in the webhook, without its frame. */
  happened(person: MessengerPerson, event: Readonly<Record<string, unknown>>): Promise<number>;
  /** An id that was not given before. */
  newId(): string;
}

/** What was sent, and how the program's webhook answered. */
export interface MessengerWritten {
  /** Meta's id of it. */
  readonly id: string;
  /** Of the webhook's answer. */
  readonly status: number;
}

/** One person, known to the page by an id of its own. Made by an emulator: `emulator.person('1254477777772919')`. */
export class MessengerPerson {
  readonly #arrivals = new Arrivals<MessengerMessage>();
  readonly #reactions = new Map<string, string>();
  /** The page shows that it types. */
  isTypingShown = false;
  /** The page has seen everything. */
  isSeen = false;

  constructor(
    readonly psid: string,
    private readonly network: MessengerNetwork,
  ) {}

  /** Everything that came, oldest first. */
  get messages(): readonly MessengerMessage[] {
    return this.#arrivals.all;
  }

  /** Own messages the page has reacted to, by id. */
  get reactions(): ReadonlyMap<string, string> {
    return this.#reactions;
  }

  /** Writes to the page; resolves when the program's webhook has answered. */
  write(text: string, { replyTo }: { readonly replyTo?: string } = {}): Promise<MessengerWritten> {
    return this.#send({ text, ...(replyTo !== undefined && { reply_to: { mid: replyTo } }) });
  }

  /** Sends files by their addresses, such as Meta gives them. */
  sendFiles(type: 'image' | 'audio' | 'video' | 'file', ...urls: readonly string[]): Promise<MessengerWritten> {
    return this.#send({ attachments: urls.map((url) => ({ type, payload: { url } })) });
  }

  /** Taps a button or a quick reply, by its label; of the newest message that has one. */
  async tap(label: string): Promise<MessengerWritten> {
    const found = [...this.messages].reverse().flatMap(({ buttons }) => buttons);
    const button = found.find(({ title, kind }) => title === label && (kind === 'postback' || kind === 'quick_reply'));
    if (button === undefined) throw new Error(`${this.psid} has nothing to tap with the label '${label}'.`);
    if (button.kind === 'quick_reply') return this.#send({ text: button.title, quick_reply: { payload: button.payload } });
    const id = this.network.newId();
    return { id, status: await this.network.happened(this, { postback: { title: button.title, payload: button.payload, mid: id } }) };
  }

  /** Reacts to a message of the page; without an emoji the reaction is taken back. */
  react(messageId: string, emoji = ''): Promise<number> {
    const reaction = { mid: messageId, action: emoji === '' ? 'unreact' : 'react', ...(emoji !== '' && { reaction: 'other', emoji }) };
    return this.network.happened(this, { reaction });
  }

  /** Changes an own message. */
  edit(messageId: string, text: string, times = 1): Promise<number> {
    return this.network.happened(this, { message_edit: { mid: messageId, text, num_edit: times } });
  }

  /** Whatever else happens, as it stands in the webhook. */
  happen(event: Readonly<Record<string, unknown>>): Promise<number> {
    return this.network.happened(this, event);
  }

  /** The next message that was not waited for yet and matches; rejects when none comes in time. */
  waitFor(match: string | RegExp = '', { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<MessengerMessage> {
    const matches = ({ text }: MessengerMessage): boolean => (typeof match === 'string' ? text.includes(match) : match.test(text));
    return this.#arrivals.next(matches, `A message to ${this.psid} with ${String(match) || 'anything'}`, timeoutMs);
  }

  /** Called with each message that comes from now on. Returns what stops it. */
  onMessage(listener: (message: MessengerMessage) => void): () => void {
    return this.#arrivals.listen(listener);
  }

  /** A message arrives. Called by the emulator. */
  receive(message: MessengerMessage): void {
    this.isTypingShown = false;
    this.#arrivals.add(message);
  }

  /** The page reacts. Called by the emulator. */
  reacted(messageId: string, emoji: string | undefined): void {
    if (emoji === undefined) this.#reactions.delete(messageId);
    else this.#reactions.set(messageId, emoji);
  }

  async #send(message: Readonly<Record<string, unknown>>): Promise<MessengerWritten> {
    const id = this.network.newId();
    return { id, status: await this.network.happened(this, { message: { mid: id, ...message } }) };
  }
}
