/** Who wants to be told of something, and how telling is kept cheap when much happens. */
import type { ClientClock } from './options.js';

/** Listeners of one kind. One that throws disturbs neither the others nor what happened. */
export class Listeners<Payload extends readonly unknown[]> {
  readonly #listeners = new Set<(...payload: Payload) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** Returns what takes it away again. The same function may be added twice. */
  add(listener: (...payload: Payload) => void): () => void {
    const own = (...payload: Payload): void => listener(...payload);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(...payload: Payload): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...payload);
      } catch (error) {
        // It surfaces as every uncaught error does.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** A frame of a screen. */
const BEAT_MS = 16;

/**
 * Bundles notices: the first after a pause goes out at once, in a microtask; what follows waits until a frame has passed. So
 * a view is drawn at most sixty times a second, however much comes in.
 */
export class Beat {
  readonly #due = new Set<() => void>();
  #isPlanned = false;
  #lastAt = -Infinity;

  constructor(private readonly clock: ClientClock) {}

  /** Calls `notice` soon, once for however many requests until then. */
  request(notice: () => void): void {
    this.#due.add(notice);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const waitMs = this.#lastAt + BEAT_MS - this.clock.monotonic();
    if (waitMs <= 0) queueMicrotask(this.#run);
    else this.clock.setTimer(waitMs, this.#run);
  }

  readonly #run = (): void => {
    this.#isPlanned = false;
    this.#lastAt = this.clock.monotonic();
    const due = [...this.#due];
    this.#due.clear();
    for (const notice of due) notice();
  };
}
