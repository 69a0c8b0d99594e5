/** Virtual time for tests: nothing happens until `advance` is called. */
import { sleepWith, type Clock, type Timer } from '../core/clock.js';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

const START = Date.parse('2026-01-01T00:00:00.000Z');

/** Time that moves only when told to. Give it as `clock`, then `await clock.advance(ms)`. */
export class TestClock implements Clock {
  #now: number;
  #monotonic = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** Starts at 2026-01-01T00:00:00Z unless told otherwise. */
  constructor(startMs = START) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepWith(this, ms, signal);
  }

  setTimer(ms: number, fn: () => void): Timer {
    const pending: Pending = { at: this.#monotonic + Math.max(0, ms), order: ++this.#order, fn };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Timers that wait; a leak when it is not zero after close. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Moves on by `ms`, running due timers in order and letting promises settle around each. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms;
    await settle();
    for (;;) {
      const next = this.#earliest(until);
      if (next === undefined) break;
      this.#pending.delete(next);
      const step = Math.max(0, next.at - this.#monotonic);
      this.#monotonic += step;
      this.#now += step;
      next.fn();
      await settle();
    }
    this.#now += until - this.#monotonic;
    this.#monotonic = until;
    await settle();
  }

  /** The wall clock jumps, forwards or back; timers are not touched (CON-12). */
  jump(ms: number): void {
    this.#now += ms;
  }

  #earliest(until: number): Pending | undefined {
    let earliest: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at > until) continue;
      if (earliest === undefined || pending.at < earliest.at || (pending.at === earliest.at && pending.order < earliest.order)) earliest = pending;
    }
    return earliest;
  }
}

const SOON = Promise.resolve();

/** Lets promises settle, also those that real I/O resolves at once. */
async function settle(): Promise<void> {
  for (let round = 0; round < 50; round++) await SOON;
  await new Promise<void>((resolve) => setImmediate(resolve));
  for (let round = 0; round < 50; round++) await SOON;
}
