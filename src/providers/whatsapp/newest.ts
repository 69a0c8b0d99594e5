/** The newest message of each sender, as far as this process has seen it. */
const MAX_SENDERS = 10_000;

/** Meta shows typing under a message, and has to be told under which. */
export class Newest {
  readonly #messages = new Map<string, string>();

  note(sender: string, messageId: string): void {
    this.#messages.delete(sender);
    this.#messages.set(sender, messageId);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MAX_SENDERS && oldest !== undefined) this.#messages.delete(oldest);
  }

  of(sender: string): string | undefined {
    return this.#messages.get(sender);
  }
}
