/** Where each row of a long list lies: measured heights where there are some, a guess for the rest. */
export class Offsets {
  #heights: (number | undefined)[] = [];
  /** `tops[n]` is where row n begins; valid up to `#valid`. */
  #tops: number[] = [0];
  #valid = 0;

  constructor(private readonly guess: number) {}

  get count(): number {
    return this.#heights.length;
  }

  /** Keeps what is known of rows that stay; `shift` rows came before the first. */
  resize(count: number, shift = 0): void {
    if (shift > 0) {
      this.#heights = [...new Array<undefined>(shift).fill(undefined), ...this.#heights];
      this.#valid = 0;
    }
    if (this.#heights.length !== count) {
      this.#valid = Math.min(this.#valid, count);
      this.#heights.length = count;
    }
  }

  clear(): void {
    this.#heights = [];
    this.#valid = 0;
  }

  /** How much the row has grown over what was taken for its height. */
  measure(row: number, height: number): number {
    const before = this.#heights[row];
    if (before === height || row >= this.#heights.length) return 0;
    this.#heights[row] = height;
    this.#valid = Math.min(this.#valid, row);
    return height - (before ?? this.guess);
  }

  top(row: number): number {
    for (let at = this.#valid; at < row; at++) this.#tops[at + 1] = (this.#tops[at] ?? 0) + (this.#heights[at] ?? this.guess);
    this.#valid = Math.max(this.#valid, row);
    return this.#tops[row] ?? 0;
  }

  get total(): number {
    return this.top(this.#heights.length);
  }

  /** The row that covers a position. */
  at(position: number): number {
    this.top(this.#heights.length);
    let low = 0;
    let high = Math.max(0, this.#heights.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#tops[middle] ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
