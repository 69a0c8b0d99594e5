/** What a connection pushes, to be read one by one: what came before the end is read before it. */
export class Mailbox<Item> implements AsyncIterable<Item> {
  #items: Item[] = [];
  /** How many of them have been read. */
  #read = 0;
  #end: { readonly error?: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  /** `onEmpty` is called whenever all has been read. */
  constructor(private readonly onEmpty: () => void = () => undefined) {}

  /** How many wait to be read. */
  get size(): number {
    return this.#items.length - this.#read;
  }

  push(item: Item): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** With an error, reading ends with it. The first end counts. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for (;;) {
      const item = this.#items[this.#read];
      if (this.#read < this.#items.length) {
        this.#read++;
        yield item as Item; // within the bounds
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        this.#items = [];
        this.#read = 0;
        this.onEmpty();
        if (this.size === 0 && this.#isOpen()) await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    }
  }

  #isOpen(): boolean {
    return this.#end === undefined;
  }
}
