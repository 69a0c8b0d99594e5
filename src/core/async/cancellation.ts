/**
 * How a turn, or one tool call of it, is cut short: by its own time limit, by whoever it belongs to, or by a directive. Those
 * who wait are told by plain callbacks; an `AbortSignal` is dear, and made only when somebody reads it.
 */
import type { Awaitable } from '../models/json.js';
import type { Deadlines } from './deadlines.js';
import { Listeners } from './listeners.js';

/** Something whose end ends what hangs on it. Returns a function that stops listening. */
export type AbortSource = (onAbort: (reason: Error) => void) => () => void;

export interface TimeLimit {
  readonly deadlines: Deadlines;
  readonly ms: number;
  readonly reason: () => Error;
}

export class Cancellation {
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #listeners: Listeners<Error> | undefined;
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
    this.#listeners?.tell(reason);
  }

  /** Calls `listener` once on abort, at once when it happened already. */
  readonly onAbort: AbortSource = (listener) => {
    if (this.#reason === undefined) this.#arm();
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return nothing;
    }
    return (this.#listeners ??= new Listeners()).add(listener);
  };

  /** The outcome of `work`, or a rejection as soon as this is aborted; what `work` does later is ignored (CON-08). */
  guard<T>(work: PromiseLike<T>): Promise<T>;
  /** The same, made into something else by `next` or `failed` before it is given, as by `then`: that spares a promise. */
  guard<T, Result>(work: PromiseLike<T>, next: (value: T) => Awaitable<Result>, failed?: (error: Error) => Awaitable<Result>): Promise<Result>;
  guard<T, Result>(work: PromiseLike<T>, next?: (value: T) => Awaitable<Result>, failed?: (error: Error) => Awaitable<Result>): Promise<T | Result> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const fail = (error: Error): void => {
        if (isOver) return;
        isOver = true;
        if (failed === undefined) reject(error);
        else attempt(() => resolve(failed(error)), reject);
      };
      const unlisten = this.onAbort(fail);
      work.then(
        (value) => {
          unlisten();
          if (!isOver) attempt(() => resolve(next === undefined ? value : next(value)), reject);
        },
        (error: unknown) => {
          unlisten();
          fail(asError(error));
        },
      );
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

function attempt(step: () => void, failed: (error: Error) => void): void {
  try {
    step();
  } catch (error) {
    failed(asError(error));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function nothing(): void {
  // Nobody listens.
}

/** An agent's turn as a source. Its signal is read only where it has no other way to tell. */
export function abortSourceOf(options: { readonly signal: AbortSignal; readonly onAbort?: AbortSource }): AbortSource {
  return options.onAbort ?? ((onAbort) => abortSource(options.signal)(onAbort));
}

/** A signal as a source, with a listener of its own for each who asks. */
function abortSource(signal: AbortSignal): AbortSource {
  return (onAbort) => {
    const abort = (): void => onAbort(reasonOf(signal));
    if (signal.aborted) {
      abort();
      return nothing;
    }
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  };
}

/** The same for many who come and go: the signal has one listener, and theirs are entries of a list. */
export function sharedAbortSource(signal: AbortSignal): AbortSource {
  const listeners = new Listeners<Error>();
  signal.addEventListener('abort', () => listeners.tell(reasonOf(signal)), { once: true });
  return (onAbort) => {
    if (signal.aborted) {
      onAbort(reasonOf(signal));
      return nothing;
    }
    return listeners.add(onAbort);
  };
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('The operation was aborted.');
}
