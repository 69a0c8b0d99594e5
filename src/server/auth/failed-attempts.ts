/** Guessing is slow: so many failed authentications a minute per address, then none are tried (AUTH-10). */
import type { Clock } from '../../core/index.js';

const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

interface Window {
  readonly endsAt: number;
  failures: number;
}

export class FailedAttempts {
  /** Oldest first; all windows are equally long, so the oldest also ends first. */
  readonly #windows = new Map<string, Window>();

  constructor(
    private readonly maxPerMinute: number,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

  /** Seconds until this address may try again; 0 when it may now. */
  waitSeconds(address: string): number {
    const window = this.#current(address);
    if (window === undefined || window.failures < this.maxPerMinute) return 0;
    return Math.ceil((window.endsAt - this.clock.monotonic()) / 1000);
  }

  note(address: string): void {
    const window = this.#current(address);
    if (window !== undefined) {
      window.failures++;
      return;
    }
    if (this.#windows.size >= MAX_ADDRESSES) this.#forgetOldest();
    this.#windows.set(address, { endsAt: this.clock.monotonic() + WINDOW_MS, failures: 1 });
  }

  /** How many addresses are remembered; bounded. */
  get size(): number {
    return this.#windows.size;
  }

  #current(address: string): Window | undefined {
    const window = this.#windows.get(address);
    if (window === undefined || window.endsAt > this.clock.monotonic()) return window;
    this.#windows.delete(address);
    return undefined;
  }

  #forgetOldest(): void {
    for (const address of this.#windows.keys()) {
      this.#windows.delete(address);
      return;
    }
  }
}
