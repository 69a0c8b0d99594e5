/**
 * Some content is several messages at the vendor's. When one of them fails, the next attempt goes on with it, and does not
 * send again what has gone. Kept in this process alone: after a crash the first of them may come twice (OUT-14).
 */
import type { ProviderResult } from '../../../core/models/delivery.js';

/** How many begun sequences are remembered. */
const MAX_BEGUN = 1000;

/** Sends messages one after the other. */
export class Sequences {
  readonly #begun = new Map<string, number>();

  /** The result of the last, or of the first that failed. */
  async run<Message>(
    key: string,
    messages: readonly Message[],
    send: (message: Message, index: number) => Promise<ProviderResult>,
  ): Promise<ProviderResult> {
    let result: ProviderResult = { success: true };
    for (let index = this.#begun.get(key) ?? 0; index < messages.length; index++) {
      result = await send(messages[index] as Message, index); // below its length
      if (!result.success) {
        if (index > 0) this.#remember(key, index);
        return result;
      }
    }
    this.#begun.delete(key);
    return result;
  }

  #remember(key: string, index: number): void {
    this.#begun.delete(key);
    this.#begun.set(key, index);
    const [oldest] = this.#begun.keys();
    if (this.#begun.size > MAX_BEGUN && oldest !== undefined) this.#begun.delete(oldest);
  }
}
