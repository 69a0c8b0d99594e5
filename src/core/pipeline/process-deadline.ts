/**
 * The one deadline of steps 2 to 10 (INB-01, INB-20). It costs nothing until something has to be waited for, and ends with
 * the commit: a commit that has started always completes.
 */
import type { Deadline } from '../async/deadlines.js';
import { abortReason } from '../clock.js';
import { AbortedError, TimeoutError } from '../errors.js';
import type { KitParts } from '../parts.js';

/** The time for processing was up before the commit. */
export class ProcessTimeout extends TimeoutError {
  constructor(
    readonly stage: string,
    seconds: number,
  ) {
    super(`Processing took longer than ${seconds} s (stage: ${stage}).`);
  }
}

export class ProcessDeadline {
  /** Where processing is; reported when the time is up. */
  stage = 'route';
  /** Exists once something waits. */
  private armed: Armed | undefined = undefined;
  private ended = false;

  constructor(
    private readonly parts: KitParts,
    private readonly startedAtMs: number,
    private readonly outer: AbortSignal | undefined,
  ) {}

  /** Throws when the time is up or the caller has aborted. Call at each safe point before the commit. */
  check(): void {
    const expired = this.armed?.expired;
    if (expired !== undefined) throw expired;
    if (this.outer?.aborted === true) throw aborted(this.outer);
  }

  /** Waits for a step, at most until the deadline; a late result or rejection is ignored (CON-08). */
  wait<T>(promise: Promise<T>): Promise<T> {
    const armed = this.arm();
    if (armed === undefined) return promise;
    if (armed.expired !== undefined) {
      promise.catch(() => undefined);
      return Promise.reject(armed.expired);
    }
    return new Promise<T>((resolve, reject) => {
      armed.reject = reject;
      promise.then(
        (value) => {
          armed.reject = undefined;
          resolve(value);
        },
        (error: unknown) => {
          armed.reject = undefined;
          reject(error instanceof Error ? error : new AbortedError(String(error)));
        },
      );
    });
  }

  /** The same for a step that can be told to stop: `onExpire` is called when the time is up, until {@link ease}. */
  guard(onExpire: (error: Error) => void): void {
    const armed = this.arm();
    if (armed === undefined) return;
    if (armed.expired !== undefined) onExpire(armed.expired);
    else armed.reject = onExpire;
  }

  /** The guarded step is over. */
  ease(): void {
    if (this.armed !== undefined) this.armed.reject = undefined;
  }

  /** Aborts when the time is up or the caller aborts; made when first read. */
  get signal(): AbortSignal {
    const armed = this.arm();
    if (armed === undefined) return this.outer ?? new AbortController().signal;
    if (armed.controller === undefined) {
      armed.controller = new AbortController();
      if (armed.expired !== undefined) armed.controller.abort(armed.expired);
    }
    return armed.controller.signal;
  }

  /** The commit begins, or nothing will be committed: from now on the deadline means nothing. */
  end(): void {
    this.ended = true;
    this.armed?.end();
  }

  private arm(): Armed | undefined {
    if (this.armed !== undefined) return this.armed;
    if (this.ended) return undefined;
    const { deadlines, clock, limits } = this.parts;
    const seconds = limits.processTimeoutSeconds;
    const armed = new Armed(this.outer);
    this.armed = armed;
    const left = Math.max(0, this.startedAtMs + seconds * 1000 - clock.now());
    armed.deadline = deadlines.add(left, () => armed.expire(new ProcessTimeout(this.stage, seconds)));
    return armed;
  }
}

class Armed {
  deadline: Deadline | undefined;
  controller: AbortController | undefined;
  expired: Error | undefined;
  reject: ((error: Error) => void) | undefined;
  private readonly onAbort: (() => void) | undefined;

  constructor(private readonly outer: AbortSignal | undefined) {
    if (outer === undefined) return;
    this.onAbort = () => this.expire(aborted(outer));
    if (outer.aborted) this.expired = aborted(outer);
    else outer.addEventListener('abort', this.onAbort, { once: true });
  }

  expire(error: Error): void {
    if (this.expired !== undefined) return;
    this.expired = error;
    this.controller?.abort(error);
    this.reject?.(error);
    this.reject = undefined;
  }

  end(): void {
    this.deadline?.cancel();
    if (this.onAbort !== undefined) this.outer?.removeEventListener('abort', this.onAbort);
  }
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError('The call was aborted before the commit.', { cause: abortReason(signal) });
}
