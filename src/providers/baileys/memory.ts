/** What a process remembers of the messages that have come and gone, so that they can be named in WhatsApp's own words. */
import { fromMessageKey, isGroup } from './addresses.js';
import type { WhatsAppKey } from './driver.js';

const MOST = 10_000;

/** What one message of the kit is at WhatsApp's. */
export interface Remembered {
  /** Content with several files is several messages; the kit names the last. */
  readonly keys: readonly WhatsAppKey[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

export class Memory {
  readonly #messages = new Map<string, Remembered>();

  note(name: string, message: Remembered): void {
    this.#messages.delete(name);
    this.#messages.set(name, message);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MOST && oldest !== undefined) this.#messages.delete(oldest);
  }

  of(name: string | undefined): Remembered | undefined {
    return name === undefined ? undefined : this.#messages.get(name);
  }

  /**
   * The messages of a name, in WhatsApp's words. What was before this process began is put together from the name itself,
   * except somebody else's message in a group: whose it was stands nowhere.
   */
  keysOf(name: string | undefined, isFromMe: boolean): readonly WhatsAppKey[] {
    const known = this.of(name);
    if (known !== undefined) return known.keys;
    const named = fromMessageKey(name);
    return named === undefined || (isGroup(named.chat) && !isFromMe) ? [] : [{ ...named, isFromMe }];
  }
}
