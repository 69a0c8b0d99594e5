/** How many requests one caller may make (AUTH-13): a bucket per principal, in a bounded table. */
import { TokenBuckets, type Clock } from '../core/index.js';
import { Refusal } from './problem.js';

const MAX_PRINCIPALS = 10_000;

export class RequestRates {
  /** Least recently used first. */
  readonly #buckets = new Map<string, TokenBuckets>();
  #newest: { readonly id: string; readonly bucket: TokenBuckets } | undefined;

  constructor(
    private readonly limit: { readonly requestsPerSecond: number; readonly requestBurst: number },
    private readonly clock: Clock,
  ) {}

  /** Throws `rate_limited`. */
  take(principalId: string): void {
    // Requests of one caller come in rows: it is the newest already.
    if (this.#newest?.id === principalId) return this.#takeOf(this.#newest.bucket);
    let bucket = this.#buckets.get(principalId);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_PRINCIPALS) this.#forgetOldest();
      bucket = new TokenBuckets({ maxPerSecond: this.limit.requestsPerSecond, burst: this.limit.requestBurst }, this.clock);
    } else {
      this.#buckets.delete(principalId);
    }
    this.#buckets.set(principalId, bucket);
    this.#newest = { id: principalId, bucket };
    this.#takeOf(bucket);
  }

  #takeOf(bucket: TokenBuckets): void {
    if (!bucket.tryTake())
      throw new Refusal('rate_limited', `More than ${this.limit.requestsPerSecond} requests a second. Slow down.`, { retryAfterSeconds: 1 });
  }

  /** How many callers are remembered; bounded. */
  get size(): number {
    return this.#buckets.size;
  }

  #forgetOldest(): void {
    for (const id of this.#buckets.keys()) {
      this.#buckets.delete(id);
      return;
    }
  }
}
