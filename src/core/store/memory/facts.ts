/** Facts in memory. Looking one up is the ordinary case; lists are sorted when they are asked for. */
import { ownJson, type Metadata } from '../../models/json.js';
import type { Fact, FactQuery } from '../store.js';

export class MemoryFacts {
  readonly #facts = new Map<string, Metadata>();

  get(key: string): Metadata | null {
    return this.#facts.get(key) ?? null;
  }

  put(key: string, fact: Metadata | null): void {
    if (fact === null) this.#facts.delete(key);
    else this.#facts.set(key, ownJson(fact));
  }

  list({ prefix, after, limit = Infinity }: FactQuery): Fact[] {
    const keys = [...this.#facts.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || key > after));
    return keys
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map((key) => ({ key, fact: this.#facts.get(key) ?? {} }));
  }
}
