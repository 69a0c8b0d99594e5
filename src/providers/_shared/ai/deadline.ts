/** How long a model may take to begin its answer, joined with the caller's own signal. */

/** A signal for one request. It is aborted by the caller, by {@link Deadline.end}, or when nothing has begun in time. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timeout: AbortSignal;
  readonly #caller: AbortSignal | undefined;
  #hasPassed = false;

  constructor(seconds: number, caller: AbortSignal | undefined) {
    this.#timeout = AbortSignal.timeout(Math.min(seconds * 1000, 2 ** 31 - 1));
    this.#caller = caller;
    this.#timeout.addEventListener('abort', this.#pass);
    if (caller?.aborted === true) this.#leave();
    else caller?.addEventListener('abort', this.#leave);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The request was given up because nothing came in time. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** The caller does not want the answer any more. */
  get wasAborted(): boolean {
    return this.#caller?.aborted === true;
  }

  /** The answer has begun: from now on it may take as long as it takes. */
  begin(): void {
    this.#timeout.removeEventListener('abort', this.#pass);
  }

  /** Nobody reads on. After a whole answer it changes nothing. */
  end(): void {
    this.begin();
    this.#caller?.removeEventListener('abort', this.#leave);
    this.#controller.abort();
  }

  readonly #pass = (): void => {
    this.#hasPassed = true;
    this.#controller.abort();
  };

  readonly #leave = (): void => {
    this.#controller.abort(this.#caller?.reason);
  };
}
