/** What the network has not taken yet from one client: while it is much, the channel is asked to wait (WS-04). */
import type { Clock, Timer } from '../../core/clock.js';

const HIGH_BYTES = 1024 * 1024;
const LOW_BYTES = 256 * 1024;
const LOOK_MS = 20;

export class Backlog {
  #waiting: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly buffered: () => number,
  ) {}

  /** A promise while more is buffered than is good; nothing else. `now`: what is, for who has asked already. */
  relief(now = this.buffered()): Promise<void> | undefined {
    if (this.#waiting !== undefined) return this.#waiting;
    if (now <= HIGH_BYTES) return undefined;
    this.#waiting = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#look();
    return this.#waiting;
  }

  close(): void {
    this.#timer?.cancel();
    this.#end();
  }

  #look(): void {
    this.#timer = this.clock.setTimer(LOOK_MS, () => {
      if (this.buffered() <= LOW_BYTES) this.#end();
      else this.#look();
    });
  }

  #end(): void {
    this.#resolve?.();
    this.#resolve = undefined;
    this.#waiting = undefined;
  }
}
