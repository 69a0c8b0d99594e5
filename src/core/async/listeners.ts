/** Who wants to be told, in the order they came. A linked list: coming and going touches no table that would have to grow or shrink. */

interface Entry<Value> {
  readonly listener: (value: Value) => void;
  previous: Entry<Value> | undefined;
  next: Entry<Value> | undefined;
  isGone: boolean;
}

export class Listeners<Value> {
  #first: Entry<Value> | undefined;
  #last: Entry<Value> | undefined;

  /** Returns what takes it away again, once. */
  add(listener: (value: Value) => void): () => void {
    const entry: Entry<Value> = { listener, previous: this.#last, next: undefined, isGone: false };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    return () => this.#remove(entry);
  }

  /** Tells everybody, once: nobody listens any more afterwards. */
  tell(value: Value): void {
    for (let entry = this.#first; entry !== undefined; entry = this.#first) {
      this.#remove(entry);
      entry.listener(value);
    }
  }

  #remove(entry: Entry<Value>): void {
    if (entry.isGone) return;
    entry.isGone = true;
    if (entry.previous === undefined) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }
}
