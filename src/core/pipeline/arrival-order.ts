/** Messages of one channel and sender reach the lock in the order of their calls, however long identity takes (INB-27). */

export class ArrivalOrder {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Takes a place in line. `turn` resolves when everybody before has passed (undefined: nobody is before); `pass` lets
   * the next one go and must be called exactly once.
   */
  enter(key: string): { turn: Promise<void> | undefined; pass: () => void } {
    const turn = this.#last.get(key);
    let pass: () => void = () => undefined;
    const passed = new Promise<void>((resolve) => {
      pass = resolve;
    });
    const mine = turn === undefined ? passed : turn.then(() => passed);
    this.#last.set(key, mine);
    void mine.then(() => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    });
    return { turn, pass };
  }

  /** Whether nobody is in line anywhere: the ordinary case, for which no key has to be made. */
  get quiet(): boolean {
    return this.#last.size === 0;
  }

  /** Whether anybody is in line under this key. */
  busy(key: string): boolean {
    return this.#last.has(key);
  }
}
