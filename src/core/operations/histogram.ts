/** Counts values by how large they are; observing one costs a few comparisons. */

/** What was observed until now. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sum: number;
  /** Ascending. How many values were at most `atMost`, those of the bounds before it included. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
}

export class Histogram {
  readonly #counts: number[];
  #above = 0;
  #sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    for (let position = 0; position < this.bounds.length; position++) {
      if (value > (this.bounds[position] ?? 0)) continue;
      this.#counts[position] = (this.#counts[position] ?? 0) + 1;
      return;
    }
    this.#above++;
  }

  snapshot(): HistogramSnapshot {
    let count = 0;
    const buckets = this.bounds.map((atMost, position) => ({ atMost, count: (count += this.#counts[position] ?? 0) }));
    return { count: count + this.#above, sum: this.#sum, buckets };
  }
}
