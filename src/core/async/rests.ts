/** What runs and only waits for its time: a delivery that is tried again in a minute has nothing to do until then. */

export class Rests {
  readonly #resting = new Set<{ readonly untilMs: number }>();

  /** Until the sleep ends somebody rests, and will not move before this time of the clock that does not jump. */
  async during(untilMs: number, sleep: Promise<void>): Promise<void> {
    const rest = { untilMs };
    this.#resting.add(rest);
    try {
      await sleep;
    } finally {
      this.#resting.delete(rest);
    }
  }

  /** How many rest beyond this time. */
  beyond(ms: number): number {
    let count = 0;
    for (const { untilMs } of this.#resting) if (untilMs > ms) count++;
    return count;
  }
}
