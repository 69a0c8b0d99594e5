/** Keeps a connection's frames below what the server takes (WIRE-03): what is too early waits, in order. */
import type { ClientClock } from './options.js';

/** The part of what a server allows that is used; the rest is for frames that are on their way still. */
const SHARE = 0.75;

export class Pace {
  #perMs = 0;
  #burst = 0;
  #left = 0;
  #filledAt = 0;
  #waiting: string[] = [];
  #timer: { cancel(): void } | undefined;

  constructor(
    private readonly clock: ClientClock,
    private readonly write: (text: string) => void,
  ) {}

  /** Begins anew, for a connection with these limits. */
  begin(limits: { readonly framesPerSecond: number; readonly burst: number }): void {
    this.clear();
    this.#perMs = (limits.framesPerSecond * SHARE) / 1000;
    this.#burst = this.#left = Math.max(1, limits.burst * SHARE);
    this.#filledAt = this.clock.monotonic();
  }

  /** What may be dropped is, instead of waiting. */
  push(text: string, isDroppable = false): void {
    if (this.#waiting.length === 0 && this.#take()) this.write(text);
    else if (!isDroppable) {
      this.#waiting.push(text);
      this.#wait();
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #take(): boolean {
    const now = this.clock.monotonic();
    this.#left = Math.min(this.#burst, this.#left + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  #wait(): void {
    this.#timer ??= this.clock.setTimer(Math.ceil((1 - this.#left) / this.#perMs), () => {
      this.#timer = undefined;
      while (this.#waiting.length > 0 && this.#take()) this.write(this.#waiting.shift() ?? '');
      if (this.#waiting.length > 0) this.#wait();
    });
  }
}
