/** A telephone on the other end of an emulated vendor of text messages: it gets messages, and writes back. */

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

/** How long {@link Phone.waitForSms} waits, unless told otherwise. */
const PATIENCE_MS = 10_000;

/** One phone with one number. Made by an emulator: `emulator.phone('+15550123')`. */
export class Phone {
  readonly #messages: PhoneMessage[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<(message: PhoneMessage) => void>();
  #seen = 0;

  constructor(
    readonly number: string,
    private readonly write: (message: WrittenMessage, phone: Phone) => Promise<{ readonly status: number }>,
  ) {}

  /** Everything that came, oldest first. */
  get messages(): readonly PhoneMessage[] {
    return this.#messages;
  }

  /** Sends a text message to the account; resolves when the program's webhook has answered, with the status of that answer. */
  async sendSms(text: string, more: Omit<WrittenMessage, 'text'> = {}): Promise<number> {
    return (await this.write({ text, ...more }, this)).status;
  }

  /** Taps a button of the newest message that has one with this label; resolves as {@link Phone.sendSms}. */
  async tap(label: string): Promise<number> {
    const offers = this.#messages.flatMap(({ buttons = [] }) => buttons);
    const tapped = offers.findLast((button) => button.label === label);
    if (tapped === undefined)
      throw new Error(`Nothing on ${this.number} says '${label}'. There is: ${offers.map((button) => button.label).join(', ') || 'nothing to tap'}.`);
    return this.sendSms(label, { tapped });
  }

  /** The next message that was not waited for yet and matches; rejects when none comes in time. */
  async waitForSms(match: string | RegExp = '', { timeoutMs = PATIENCE_MS }: { readonly timeoutMs?: number } = {}): Promise<PhoneMessage> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      while (this.#seen < this.#messages.length) {
        const message = this.#messages[this.#seen++];
        if (message !== undefined && (typeof match === 'string' ? message.text.includes(match) : match.test(message.text))) return message;
      }
      const left = until - Date.now();
      if (left <= 0)
        throw new Error(
          `No message to ${this.number} matched ${String(match) || 'anything'} in ${timeoutMs} ms. It has got ${this.#messages.length}.`,
        );
      await this.#next(left);
    }
  }

  /** A message arrives. Called by the emulator. */
  receive(message: PhoneMessage): void {
    this.#messages.push(message);
    for (const wake of this.#waiting) wake();
    for (const listener of this.#listeners) listener(message);
  }

  /** Called with each message that comes from now on. Returns what stops it. */
  onSms(listener: (message: PhoneMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }
}
