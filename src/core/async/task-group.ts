/** Work that runs beside its caller, tracked so that somebody waits for it (CON-10). */

export class TaskGroup {
  readonly #running = new Set<Promise<unknown>>();

  get size(): number {
    return this.#running.size;
  }

  /** Runs `fn` now and tracks its promise. The returned promise is the task's own; its rejection is observed here too. */
  run<T>(fn: () => Promise<T>): Promise<T> {
    const task = fn();
    const tracked: Promise<unknown> = task.then(
      () => this.#running.delete(tracked),
      () => this.#running.delete(tracked),
    );
    this.#running.add(tracked);
    return task;
  }

  /** Resolves when nothing runs any more, including what was started meanwhile. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
