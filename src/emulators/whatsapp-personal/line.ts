/** A connection: what is pushed comes out one by one, until the end. */
export class Line<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  push(...items: readonly Item[]): void {
    this.#items.push(...items);
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#hasEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
