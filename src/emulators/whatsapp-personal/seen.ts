/** What a person sees of a chat with the linked account, and waiting for it. */
import type { WhatsAppFile, WhatsAppPlace } from '../../providers/baileys/driver.js';
import { Arrivals, isMatch } from '../arrivals.js';

/** A message that came from the account. */
export interface ArrivedWhatsApp {
  readonly id: string;
  readonly kind: 'text' | 'image' | 'video' | 'audio' | 'voice' | 'document' | 'location';
  /** Text, caption, or the name of a place. */
  readonly text: string;
  readonly file?: WhatsAppFile;
  readonly place?: WhatsAppPlace;
  /** The words of the message that it quotes. */
  readonly quotes?: string;
  /** The account has taken it back. */
  readonly isDeleted: boolean;
}

/** A message as its writer knows it. */
export interface WrittenWhatsAppMessage {
  readonly id: string;
}

/** A chat as it is shown on somebody's phone. */
export class FakeWhatsAppChat {
  readonly #arrivals = new Arrivals<ArrivedWhatsApp>();
  readonly #reactions = new Map<string, string>();
  readonly #read = new Set<string>();
  #messages: readonly ArrivedWhatsApp[] = [];
  #isTypingShown = false;

  /** What came from the account, oldest first, as it stands now. */
  get messages(): readonly ArrivedWhatsApp[] {
    return this.#messages;
  }

  /** The account is shown as typing. */
  get isTypingShown(): boolean {
    return this.#isTypingShown;
  }

  /** The account's reaction to a message of this side. */
  reactionTo({ id }: WrittenWhatsAppMessage): string | undefined {
    return this.#reactions.get(id);
  }

  /** The account has marked a message of this side as read. */
  isReadByAccount({ id }: WrittenWhatsAppMessage): boolean {
    return this.#read.has(id);
  }

  /** The next message that was not waited for yet, with these words; rejects when none comes in time. */
  waitFor(words: string | RegExp = '', timeoutMs?: number): Promise<ArrivedWhatsApp> {
    return this.#arrivals.next(({ text }) => isMatch(words, text), `A WhatsApp message with '${String(words)}'`, timeoutMs);
  }

  /** Called by the driver: a message is there. */
  arrived(message: ArrivedWhatsApp): void {
    this.#isTypingShown = false;
    this.#messages = [...this.#messages, message];
    this.#arrivals.add(message);
  }

  /** Called by the driver: a message has another text. */
  changed(id: string, text: string): void {
    this.#change(id, { text });
  }

  /** Called by the driver: a message is gone. */
  takenBack(id: string): void {
    this.#change(id, { text: '', isDeleted: true });
  }

  /** Called by the driver: the account reacts to a message of this side. */
  reacted(id: string, emoji: string): void {
    if (emoji === '') this.#reactions.delete(id);
    else this.#reactions.set(id, emoji);
  }

  /** Called by the driver: the account types, or has stopped. */
  sees(isTyping: boolean): void {
    this.#isTypingShown = isTyping;
  }

  /** Called by the driver: the account has read a message of this side. */
  wasRead(id: string): void {
    this.#read.add(id);
  }

  #change(id: string, change: Partial<ArrivedWhatsApp>): void {
    this.#messages = this.#messages.map((message) => (message.id === id ? { ...message, ...change } : message));
  }
}

/** WhatsApp's id of a number. */
export function jidOf(number: string): string {
  return `${number.replace(/\D/g, '')}@s.whatsapp.net`;
}
