/** How many frames a client may send, and how many of them may be nonsense (WIRE-03). */
import type { Clock } from '../../core/clock.js';
import { WIRE_LIMITS } from './frames.js';

const WINDOW_MS = 10_000;
const MAX_REFUSED = 10;
const FRAME_MS = 1000 / WIRE_LIMITS.framesPerSecond;
/** The whole burst, and what floating point adds. */
const BURST_MS = WIRE_LIMITS.burst * FRAME_MS + 1e-6;
/** Surplus frames in the window: a client that repeats its sends after a reconnect stays far below, a flood does not. */
const MAX_SURPLUS = 200;

export class FrameRate {
  /** The moment at which all that was taken has come in again. */
  #paidAt: number;
  readonly #refused: RecentCount;
  readonly #surplus: RecentCount;

  constructor(private readonly clock: Clock) {
    this.#paidAt = clock.monotonic();
    this.#refused = new RecentCount(clock);
    this.#surplus = new RecentCount(clock);
  }

  /** Whether one more frame may be looked at now. */
  take(): boolean {
    const now = this.clock.monotonic();
    const paidAt = Math.max(this.#paidAt, now) + FRAME_MS;
    if (paidAt - now > BURST_MS) return false;
    this.#paidAt = paidAt;
    return true;
  }

  /** A frame was refused for what it is. True: that was one too many. */
  refused(): boolean {
    return this.#refused.add() >= MAX_REFUSED;
  }

  /** A frame came too early. True: that was one too many. */
  surplus(): boolean {
    return this.#surplus.add() > MAX_SURPLUS;
  }
}

/** How often something happened within the window; forgets what is older. */
class RecentCount {
  #times: number[] = [];

  constructor(private readonly clock: Clock) {}

  add(): number {
    const now = this.clock.monotonic();
    this.#times = this.#times.filter((at) => at > now - WINDOW_MS);
    this.#times.push(now);
    return this.#times.length;
  }
}
