/**
 * The one deadline of steps 2 to 10 (INB-01, INB-20). It exists only once something has to be waited for, and ends with
 * the commit: a commit that has started always completes.
 */
import type { Deadline, Deadlines } from '../async/deadlines.js';
import { AbortedError, TimeoutError } from '../errors.js';
import { abortReason } from '../clock.js';

/** The time for processing was up before the commit. */
export class ProcessTimeout extends TimeoutError {
  constructor(readonly stage: string, seconds: number) {
    super(`Processing took longer than ${seconds} s (stage: ${stage}).`);
  }
}

export class ProcessDeadline {
  /** Where processing is; reported when the time is up. */
  stage = 'route';
  #deadline: Deadline | undefined;
  #controller: AbortController | undefined;
  #expired: Error | undefined;
  #ended = false;
  #reject: ((error: Error) => void) | undefined;
  #onAbort: (() => void) | undefined;

  constructor(
    private readonly deadlines: Deadlines,
    private readonly startedAtMs: number,
    private readonly now: () => number,
    private readonly seconds: number,
    private readonly outer: AbortSignal | undefined,
  ) {}

  /** Throws when the time is up or the caller has aborted. Call at each safe point before the commit. */
  check(): void {
    if (this.#expired !== undefined) throw this.#expired;
    if (this.outer?.aborted === true) throw new AbortedError('The call was aborted before the commit.', { cause: abortReason(this.outer) });
  }

  /** Waits for a step, at most until the deadline; a late result or rejection is ignored (CON-08). */
  wait<T>(promise: Promise<T>): Promise<T> {
    this.#arm();
    if (this.#expired !== undefined) {
      promise.catch(() => undefined);
      return Promise.reject(this.#expired);
    }
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      promise.then(
        (value) => {
          this.#reject = undefined;
          resolve(value);
        },
        (error: unknown) => {
          this.#reject = undefined;
          reject(error instanceof Error ? error : new AbortedError(String(error)));
        },
      );
    });
  }

  /** Aborts when the time is up or the caller aborts; made when first read. */
  get signal(): AbortSignal {
    this.#arm();
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#expired !== undefined) this.#controller.abort(this.#expired);
    }
    return this.#controller.signal;
  }

  /** The commit begins, or nothing will be committed: from now on the deadline means nothing. */
  end(): void {
    this.#ended = true;
    this.#deadline?.cancel();
    if (this.#onAbort !== undefined) this.outer?.removeEventListener('abort', this.#onAbort);
    this.#onAbort = undefined;
  }

  #arm(): void {
    if (this.#ended || this.#deadline !== undefined || this.#expired !== undefined) return;
    const left = this.startedAtMs + this.seconds * 1000 - this.now();
    this.#deadline = this.deadlines.add(Math.max(0, left), () => this.#expire(new ProcessTimeout(this.stage, this.seconds)));
    if (this.outer !== undefined) {
      const outer = this.outer;
      this.#onAbort = () => this.#expire(new AbortedError('The call was aborted before the commit.', { cause: abortReason(outer) }));
      outer.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  #expire(error: Error): void {
    if (this.#ended || this.#expired !== undefined) return;
    this.#expired = error;
    this.#controller?.abort(error);
    this.#reject?.(error);
    this.#reject = undefined;
  }
}
