/**
 * How a turn, or one tool call of it, is cut short: by its own time limit, by whoever it belongs to, or by a directive.
 * Signal, timer and listeners come into being only when something reads the signal or does not settle at once.
 */
import type { Deadlines } from '../core/async/deadlines.js';

/** Something whose end ends what hangs on it. Returns a function that stops listening. */
export type AbortSource = (onAbort: (reason: Error) => void) => () => void;

export interface TimeLimit {
  readonly deadlines: Deadlines;
  readonly ms: number;
  readonly reason: () => Error;
}

/** How many microtasks work may take before it counts as waiting. */
const MICROTASKS = 8;

export class Cancellation {
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #listeners: Set<(reason: Error) => void> | undefined;
  #deadline: { cancel(): void } | undefined;
  #unlink: (() => void) | undefined;
  #armed = false;

  constructor(
    private readonly parent: AbortSource | undefined,
    private readonly limit: TimeLimit | undefined,
  ) {}

  /** Why it was cut short; undefined while it was not. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Made when first read. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason === undefined) this.#arm();
      // #arm may have found the parent aborted.
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.release();
    this.#controller?.abort(reason);
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
  }

  /** Calls `listener` once on abort, at once when it happened already. */
  readonly onAbort: AbortSource = (listener) => {
    if (this.#reason === undefined) this.#arm();
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return () => undefined;
    }
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  /** The outcome of `work`, or a rejection as soon as this is aborted; what `work` does later is ignored (CON-08). */
  guard<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) reject(this.#reason);
      let settled = false;
      let unlisten: (() => void) | undefined;
      work.then(
        (value) => {
          settled = true;
          unlisten?.();
          resolve(value);
        },
        (error: unknown) => {
          settled = true;
          unlisten?.();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
      void (async () => {
        // Long enough for work that waits for nothing outside; far shorter than anything that does.
        for (let tick = 0; tick < MICROTASKS && !settled; tick++) await Promise.resolve();
        if (!settled) unlisten = this.onAbort(reject);
      })();
    });
  }

  /** Lets go of timer and parent for good: the work is over, and what reads the signal later starts no timer. */
  release(): void {
    this.rest();
    this.#armed = true;
  }

  /** Lets go of timer and parent until something waits again. */
  rest(): void {
    this.#armed = false;
    this.#deadline?.cancel();
    this.#deadline = undefined;
    this.#unlink?.();
    this.#unlink = undefined;
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    const limit = this.limit;
    if (limit !== undefined) this.#deadline = limit.deadlines.add(limit.ms, () => this.abort(limit.reason()));
    const unlink = this.parent?.((reason) => this.abort(reason));
    if (this.#reason === undefined) this.#unlink = unlink;
    else unlink?.();
  }
}

/** The turn's own signal as a source; read only when something has to wait. */
export function abortSourceOf(options: { readonly signal: AbortSignal }): AbortSource {
  return (onAbort) => {
    const signal = options.signal;
    const abort = (): void => {
      const reason: unknown = signal.reason;
      onAbort(reason instanceof Error ? reason : new Error('The operation was aborted.'));
    };
    if (signal.aborted) {
      abort();
      return () => undefined;
    }
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  };
}
