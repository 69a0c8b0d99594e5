/** How much one sender may send through one channel (INB-26). Off unless the kit is told so. */
import type { Clock } from '../clock.js';
import { TokenBuckets } from '../delivery/rate-limit.js';
import type { RateLimit } from '../models/delivery.js';

const MAX_SENDERS = 10_000;

export class InboundLimits {
  readonly #senders = new Map<string, TokenBuckets>();

  constructor(
    private readonly limit: RateLimit,
    private readonly clock: Clock,
  ) {}

  /** Whether one more message may pass. */
  take(channelId: string, senderId: string): boolean {
    const key = `${channelId}\u0000${senderId}`;
    let buckets = this.#senders.get(key);
    if (buckets === undefined) {
      if (this.#senders.size >= MAX_SENDERS) this.#forgetOldest();
      buckets = new TokenBuckets(this.limit, this.clock);
    } else {
      this.#senders.delete(key); // most recently used last
    }
    this.#senders.set(key, buckets);
    return buckets.tryTake();
  }

  #forgetOldest(): void {
    for (const key of this.#senders.keys()) {
      this.#senders.delete(key);
      return;
    }
  }
}
