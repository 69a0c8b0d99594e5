/** What has arrived at a device of an emulator, and waiting for what is still to come. */
import { Changes } from './changes.js';

/** How long a device waits, unless told otherwise. */
export const PATIENCE_MS = 10_000;

/** Everything that came, oldest first. */
export class Arrivals<Item> {
  readonly #items: Item[] = [];
  readonly #changes = new Changes();
  readonly #listeners = new Set<(item: Item) => void>();
  #seen = 0;

  get all(): readonly Item[] {
    return this.#items;
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#changes.tell();
    for (const listener of this.#listeners) listener(item);
  }

  /** Called with each one that comes from now on. Returns what stops it. */
  listen(listener: (item: Item) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next one that was not waited for yet and matches; rejects when none comes in time. */
  async next(matches: (item: Item) => boolean, what: string, timeoutMs = PATIENCE_MS): Promise<Item> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      while (this.#seen < this.#items.length) {
        const item = this.#items[this.#seen++];
        if (item !== undefined && matches(item)) return item;
      }
      const left = until - Date.now();
      if (left <= 0) throw new Error(`${what} did not come in ${timeoutMs} ms; ${this.#items.length} others have.`);
      await this.#changes.next(left);
    }
  }
}

/** What a device waits for: words that stand in a message, or a pattern. */
export function isMatch(match: string | RegExp, words: string): boolean {
  return typeof match === 'string' ? words.includes(match) : match.test(words);
}
