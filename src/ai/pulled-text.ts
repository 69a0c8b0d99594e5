/** Text that is pushed, for those who pull it with `for await`. */

export class PulledText implements AsyncIterator<string, void> {
  readonly #waiting: string[] = [];
  #running: Promise<void> | undefined;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** `start` is called with the first `next()`; `stop` when whoever reads leaves. */
  constructor(
    private readonly start: (write: (text: string) => void) => Promise<void>,
    private readonly stop: () => void,
  ) {}

  async next(): Promise<IteratorResult<string, void>> {
    this.#running ??= this.#run();
    while (this.#waiting.length === 0 && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    const value = this.#waiting.shift();
    if (value !== undefined) return { done: false, value };
    const failure = this.#failure;
    this.#failure = undefined; // thrown once, like a generator
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<string, void>> {
    this.#waiting.length = 0;
    this.#failure = undefined;
    this.#isOver = true;
    this.stop();
    this.#wake?.();
    await this.#running;
    this.#failure = undefined;
    return { done: true, value: undefined };
  }

  async #run(): Promise<void> {
    try {
      await this.start((text) => {
        if (this.#isOver) return;
        this.#waiting.push(text);
        this.#wake?.();
      });
    } catch (error) {
      this.#failure = { error };
    }
    this.#isOver = true;
    this.#wake?.();
  }
}
