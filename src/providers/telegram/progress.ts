/** How far messages have got that are more than one call: another attempt goes on where the last one stopped, and doubles nothing. */
export class Progress {
  readonly #done = new Map<string, readonly string[]>();

  /** At most so many messages at a time are remembered; the oldest goes first. */
  constructor(private readonly most = 1000) {}

  /** The ids of what was sent before. */
  of(key: string): readonly string[] {
    return this.#done.get(key) ?? [];
  }

  reached(key: string, ids: readonly string[]): void {
    this.#done.delete(key);
    this.#done.set(key, ids);
    const [oldest] = this.#done.keys();
    if (this.#done.size > this.most && oldest !== undefined) this.#done.delete(oldest);
  }

  finished(key: string): void {
    this.#done.delete(key);
  }
}
