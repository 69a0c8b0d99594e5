/** Messages on hold (IDN-11, EDT-06): few per key, for a while. */
import { copyJson } from '../../models/json.js';
import type { HeldMessage } from '../store.js';

const MAX_KEYS = 10_000;

export class MemoryHolds {
  /** In the order in which keys were last added to; a key holds its messages in the order they came. */
  readonly #held = new Map<string, HeldMessage[]>();
  /** Message → its key. */
  readonly #keys = new Map<string, string>();

  hold(message: HeldMessage, maxPerKey: number): void {
    this.drop([message.id]);
    const key = keyOf(message.kind, message.key);
    const list = this.#held.get(key) ?? [];
    list.push(copyJson(message));
    this.#keys.set(message.id, key);
    this.#held.delete(key);
    this.#held.set(key, list);
    while (list.length > maxPerKey) this.#forget(list.shift());
    if (this.#held.size > MAX_KEYS) this.#forgetOldestKey();
  }

  list(kind: HeldMessage['kind'], key: string, now: string): HeldMessage[] {
    if (this.#held.size === 0) return [];
    const list = this.#held.get(keyOf(kind, key)) ?? [];
    return copyJson(list.filter((message) => message.expiresAt > now));
  }

  /** Key by key, in the order they came. */
  all(): HeldMessage[] {
    return copyJson([...this.#held.values()].flat());
  }

  drop(ids: readonly string[]): void {
    for (const id of ids) {
      const key = this.#keys.get(id);
      if (key !== undefined) this.#keep(key, (message) => message.id !== id);
    }
  }

  deleteRoom(roomId: string): void {
    for (const key of this.#held.keys()) this.#keep(key, (message) => message.roomId !== roomId);
  }

  #keep(key: string, test: (message: HeldMessage) => boolean): void {
    const list = this.#held.get(key) ?? [];
    const kept = list.filter(test);
    for (const message of list) if (!kept.includes(message)) this.#forget(message);
    if (kept.length > 0) this.#held.set(key, kept);
    else this.#held.delete(key);
  }

  #forgetOldestKey(): void {
    const oldest = this.#held.keys().next();
    if (oldest.done !== true) this.#keep(oldest.value, () => false);
  }

  #forget(message: HeldMessage | undefined): void {
    if (message !== undefined) this.#keys.delete(message.id);
  }
}

function keyOf(kind: string, key: string): string {
  return `${kind}\u0000${key}`;
}
