/**
 * The time by which leases begin and end. Where processes share a store it is the store's, carried on by a clock that does not
 * jump: neither a clock that is set, nor two that differ, make one process take what another has (STO-17).
 */
import { isoTime, type Clock } from '../clock.js';
import type { ConversationStore } from '../store/store.js';

/** How long the store's time is carried on before it is asked for again: clocks drift. */
const CARRIED_MS = 60_000;

export class LeaseTime {
  /** Store's time minus this process's clock that does not jump. */
  #offsetMs: number | undefined;
  #askedAt = -Infinity;
  /** Told of each lease that begins: whoever has one has to prolong it. */
  onLease: (() => void) | undefined;

  constructor(
    private readonly store: ConversationStore,
    private readonly clock: Clock,
    private readonly leaseMs: number,
  ) {
    // Until the store has said: this process's own time, as it was at the beginning.
    if (store.shared) this.#offsetMs = clock.now() - clock.monotonic();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#offsetMs === undefined ? this.clock.now() : this.clock.monotonic() + this.#offsetMs;
  }

  /** ISO time at which a lease ends that begins now. */
  end(): string {
    this.onLease?.();
    return isoTime(this.now() + this.leaseMs);
  }

  /** Whether a lease that ends then has not ended. Of a store of one process nobody else takes anything. */
  isHeld(leaseUntil: string | undefined): boolean {
    return !this.store.shared || (leaseUntil ?? '') > isoTime(this.now());
  }

  /** Asks the store for its time, now and then. Rejects when it does not answer: then the time is carried on. */
  async keep(): Promise<void> {
    const before = this.clock.monotonic();
    if (this.store.time === undefined || before - this.#askedAt < CARRIED_MS) return;
    const storeMs = await this.store.time();
    const after = this.clock.monotonic();
    // It was read somewhere between question and answer; taken as the end, a lease here ends rather too early than too late.
    this.#offsetMs = storeMs - before;
    this.#askedAt = after;
  }
}
