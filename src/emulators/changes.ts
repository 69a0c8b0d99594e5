/** Something that changes in an emulator, those who listen to it, and those who wait for it to change. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  /** It has changed. */
  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Called each time from now on. Returns what stops it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves at the next change, or after so long. */
  next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const stop = this.listen(wake);
      const timer = setTimeout(wake, timeoutMs);
    });
  }
}
