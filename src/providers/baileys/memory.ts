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
  readonly #expected = new Map<string, string>();

  note(name: string, message: Remembered): void {
    noteIn(this.#messages, name, message);
  }

  of(name: string | undefined): Remembered | undefined {
    return name === undefined ? undefined : this.#messages.get(name);
  }

  /** A message is about to go out under this key: what is told of it before its answer is there finds its delivery by it (OUT-07). */
  expect(name: string, idempotencyKey: string): void {
    noteIn(this.#expected, name, idempotencyKey);
  }

  keyOf(name: string): string | undefined {
    return this.#expected.get(name);
  }

  /**
   * The messages of a name, in WhatsApp's words. What was before this process began is put together from the name itself,
   * as one of the other side's; in a group it stands nowhere whose it was.
   */
  keysOf(name: string | undefined): readonly WhatsAppKey[] {
    const known = this.of(name);
    if (known !== undefined) return known.keys;
    const named = fromMessageKey(name);
    return named === undefined || isGroup(named.chat) ? [] : [{ ...named, isFromMe: false }];
  }
}

/** The oldest goes when there are too many. */
function noteIn<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > MOST && oldest !== undefined) map.delete(oldest);
}
