/** A telephone on the other end of an emulated vendor of text messages: it gets messages, and writes back. */
import { Arrivals, isMatch } from './arrivals.js';

/** A message that came to the phone. */
export interface PhoneMessage {
  /** Who sent it: a number, or the name that stands in its place. */
  readonly from: string;
  readonly text: string;
  readonly mediaUrls: readonly string[];
  /** The vendor's id. */
  readonly id: string;
  /** What can be tapped, that of its cards included; absent with plain text messages. */
  readonly buttons?: readonly PhoneButton[];
}

/** Something to tap. */
export interface PhoneButton {
  readonly label: string;
  /** What the vendor sends back; absent for what only opens or calls. */
  readonly data?: string;
  /** What it opens or calls. */
  readonly target?: string;
}

/** What somebody writes on the phone. */
export interface WrittenMessage {
  readonly text: string;
  /** The number it goes to; default the one that last wrote, else the vendor's account's. */
  readonly to?: string;
  readonly media?: readonly { readonly url: string; readonly mimeType: string }[];
  /** What was tapped, in place of written. */
  readonly tapped?: PhoneButton;
  /** A place, in place of words; with RCS. */
  readonly location?: { readonly latitude: number; readonly longitude: number };
}

/** One phone with one number. Made by an emulator: `emulator.phone('+15550123')`. */
export class Phone {
  readonly #arrivals = new Arrivals<PhoneMessage>();

  constructor(
    readonly number: string,
    private readonly write: (message: WrittenMessage, phone: Phone) => Promise<{ readonly status: number }>,
  ) {}

  /** Everything that came, oldest first. */
  get messages(): readonly PhoneMessage[] {
    return this.#arrivals.all;
  }

  /** Sends a text message to the account; resolves when the program's webhook has answered, with the status of that answer. */
  async sendSms(text: string, more: Omit<WrittenMessage, 'text'> = {}): Promise<number> {
    return (await this.write({ text, ...more }, this)).status;
  }

  /** Taps a button of the newest message that has one with this label; resolves as {@link Phone.sendSms}. */
  async tap(label: string): Promise<number> {
    const offers = this.messages.flatMap(({ buttons = [] }) => buttons);
    const tapped = offers.findLast((button) => button.label === label);
    if (tapped === undefined)
      throw new Error(`Nothing on ${this.number} says '${label}'. There is: ${offers.map((button) => button.label).join(', ') || 'nothing to tap'}.`);
    return this.sendSms(label, { tapped });
  }

  /** The next message that was not waited for yet and matches; rejects when none comes in time (10 s, unless told otherwise). */
  waitForSms(match: string | RegExp = '', { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<PhoneMessage> {
    return this.#arrivals.next(({ text }) => isMatch(match, text), `A message to ${this.number} with ${String(match) || 'anything'}`, timeoutMs);
  }

  /** A message arrives. Called by the emulator. */
  receive(message: PhoneMessage): void {
    this.#arrivals.add(message);
  }

  /** Called with each message that comes from now on. Returns what stops it. */
  onSms(listener: (message: PhoneMessage) => void): () => void {
    return this.#arrivals.listen(listener);
  }
}
