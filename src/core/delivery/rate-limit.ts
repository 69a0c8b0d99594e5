/** Token buckets (RES-02): one per given window, all enforced, waiting is first come, first served, nothing is dropped. */
import type { Clock } from '../clock.js';
import { ValidationError } from '../errors.js';
import type { RateLimit } from '../models/delivery.js';

interface Bucket {
  readonly capacity: number;
  readonly perMs: number;
  /** Tokens at `at`; negative when reservations are ahead of the refill. */
  tokens: number;
  at: number;
}

/** Keeps to a {@link RateLimit}. A caller waits for as long as {@link TokenBuckets.reserve} says. */
export class TokenBuckets {
  readonly #buckets: readonly Bucket[];
  #pausedUntil = 0;

  constructor(
    limit: RateLimit,
    private readonly clock: Clock,
  ) {
    const now = clock.monotonic();
    const windows = [
      [limit.maxPerSecond, 1],
      [limit.maxPerMinute, 60],
      [limit.maxPerHour, 3600],
    ] as const;
    this.#buckets = windows.flatMap(([max, seconds]) => {
      if (max === undefined) return [];
      const perSecond = max / seconds;
      const capacity = limit.burst ?? Math.max(1, perSecond);
      return [{ capacity, perMs: perSecond / 1000, tokens: capacity, at: now }];
    });
  }

  /** Takes a place and returns how many milliseconds to wait for it; 0 means go. */
  reserve(): number {
    const now = this.clock.monotonic();
    let waitMs = Math.max(0, this.#pausedUntil - now);
    for (const bucket of this.#buckets) {
      refill(bucket, now);
      bucket.tokens -= 1;
      if (bucket.tokens < 0) waitMs = Math.max(waitMs, -bucket.tokens / bucket.perMs);
    }
    return Math.ceil(round(waitMs));
  }

  /** Takes a token if every bucket has one; never waits. */
  tryTake(): boolean {
    const now = this.clock.monotonic();
    for (const bucket of this.#buckets) {
      refill(bucket, now);
      if (bucket.tokens < 1 - 1e-9) return false;
    }
    for (const bucket of this.#buckets) bucket.tokens -= 1;
    return true;
  }

  /** Nothing passes for so many milliseconds (RES-03). */
  pauseFor(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.clock.monotonic() + ms);
  }
}

/** Throws ValidationError for a limit that nothing could keep to. */
export function checkRateLimit(limit: RateLimit | undefined): void {
  if (limit === undefined) return;
  for (const [name, value] of Object.entries(limit) as [string, unknown][]) {
    if (typeof value !== 'number' || !(value > 0)) throw new ValidationError(`rateLimit.${name} is ${String(value)}. Give a number above 0.`);
  }
}

function refill(bucket: Bucket, now: number): void {
  bucket.tokens = Math.min(bucket.capacity, bucket.tokens + (now - bucket.at) * bucket.perMs);
  bucket.at = now;
}

/** Takes out what floating point adds. */
function round(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}
