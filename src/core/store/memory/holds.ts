/** Messages on hold (IDN-11, EDT-06): few per key, for a while. */
import { copyJson } from '../../models/json.js';
import type { HeldMessage } from '../store.js';

const MAX_KEYS = 10_000;

export class MemoryHolds {
  readonly #held = new Map<string, HeldMessage[]>();

  hold(message: HeldMessage, maxPerKey: number): void {
    const key = keyOf(message.kind, message.key);
    const list = this.#held.get(key) ?? [];
    list.push(copyJson(message));
    while (list.length > maxPerKey) list.shift();
    this.#held.delete(key);
    this.#held.set(key, list);
    if (this.#held.size > MAX_KEYS) {
      const oldest = this.#held.keys().next();
      if (oldest.done !== true) this.#held.delete(oldest.value);
    }
  }

  list(kind: HeldMessage['kind'], key: string, now: string): HeldMessage[] {
    if (this.#held.size === 0) return [];
    const list = this.#held.get(keyOf(kind, key)) ?? [];
    return copyJson(list.filter((message) => message.expiresAt > now));
  }

  drop(ids: readonly string[]): void {
    this.#keep((message) => !ids.includes(message.id));
  }

  deleteRoom(roomId: string): void {
    this.#keep((message) => message.roomId !== roomId);
  }

  #keep(test: (message: HeldMessage) => boolean): void {
    for (const [key, list] of this.#held) {
      const kept = list.filter(test);
      if (kept.length > 0) this.#held.set(key, kept);
      else this.#held.delete(key);
    }
  }
}

function keyOf(kind: string, key: string): string {
  return `${kind}\u0000${key}`;
}
