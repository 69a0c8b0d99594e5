/** A circuit breaker per channel (RES-01): a failing vendor is left alone for a while, then asked once. */
import type { Clock } from '../clock.js';

/** `closed` lets calls pass, `open` lets none, `half_open` waits for its one probe. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** When a breaker opens, and for how long. */
export interface BreakerOptions {
  /** Consecutive failures that open it; default 5. */
  readonly threshold?: number;
  /** Default 60,000. */
  readonly openMs?: number;
  /** Told of every change of state but the return of a probe that was given up. */
  readonly onChange?: (state: BreakerState) => void;
}

/** Leaves a failing vendor alone for a while. The kit has one per channel; providers may use their own. */
export class CircuitBreaker {
  private current: BreakerState = 'closed';
  private failures = 0;
  private openedAt = 0;
  private probing = false;
  private readonly threshold: number;
  private readonly openMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly options: BreakerOptions = {},
  ) {
    this.threshold = options.threshold ?? 5;
    this.openMs = options.openMs ?? 60_000;
  }

  /** What it does with the next call. */
  get state(): BreakerState {
    return this.current;
  }

  /** When an open breaker may be asked again. */
  get retryAtMs(): number {
    return this.current === 'closed' ? 0 : this.openedAt + this.openMs;
  }

  /** Whether the vendor may be called now. Once its time is over, an open breaker lets exactly one probe pass. */
  tryPass(): boolean {
    if (this.current === 'closed') return true;
    if (this.probing || this.clock.now() < this.openedAt + this.openMs) return false;
    this.probing = true;
    this.change('half_open');
    return true;
  }

  /** A call succeeded: the breaker closes. */
  success(): void {
    this.failures = 0;
    if (this.current === 'closed') return;
    this.probing = false;
    this.change('closed');
  }

  /** `countable` is false for errors that say something of the recipient only. */
  failure(countable: boolean): void {
    if (!countable) {
      this.cancelled();
      return;
    }
    this.failures++;
    if (this.current === 'half_open' || (this.current === 'closed' && this.failures >= this.threshold)) {
      this.openedAt = this.clock.now();
      this.probing = false;
      this.change('open');
    }
  }

  /** A call was given up without an outcome: a probe frees its place. */
  cancelled(): void {
    if (this.current !== 'half_open') return;
    this.probing = false;
    this.current = 'open'; // it was open all the time: nothing to tell
  }

  private change(state: BreakerState): void {
    this.current = state;
    this.options.onChange?.(state);
  }
}
