/** Work that runs beside its caller, tracked so that somebody waits for it (CON-10). It is counted, not kept. */

export class TaskGroup {
  #running = 0;
  #settled: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  get size(): number {
    return this.#running;
  }

  /** Runs `fn` now and tracks its promise. The returned promise is the task's own; its rejection is observed here too. */
  run<T>(fn: () => Promise<T>): Promise<T> {
    const task = fn();
    this.#running++;
    task.then(this.#ended, this.#ended);
    return task;
  }

  /** Counts something as running until the returned function is called; calling it again changes nothing. */
  enter(): () => void {
    this.#running++;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.#ended();
    };
  }

  /** Tracks a task that never fails, and goes on with `next` once it has ended. */
  follow(task: Promise<unknown>, next: () => void): void {
    this.#running++;
    void task.then(() => {
      next();
      this.#ended();
    });
  }

  /** Resolves when nothing runs any more, including what was started meanwhile. */
  async settled(): Promise<void> {
    while (this.#running > 0) await (this.#settled ??= settling()).promise;
  }

  readonly #ended = (): void => {
    if (--this.#running > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  };
}

function settling(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
