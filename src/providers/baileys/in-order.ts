/** Work on what comes, so much at a time: that of one chat is begun in its order, whatever the preparing takes. */

export class InOrder {
  #free: number;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];
  /** Chat → the newest of its work; settles when that has been begun. */
  readonly #begun = new Map<string, Promise<void>>();

  constructor(
    most: number,
    /** Nothing is waited for any more. */
    private readonly signal: AbortSignal,
  ) {
    this.#free = most;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** Resolves when there is room for more. `prepare` is begun at once, `work` behind that of the chat's that came before. */
  async add(chat: string, work: () => Promise<unknown>): Promise<void>;
  async add<Prepared>(chat: string, work: (prepared: Prepared) => Promise<unknown>, prepare: () => Promise<Prepared>): Promise<void>;
  async add<Prepared>(chat: string, work: (prepared: Prepared) => Promise<unknown>, prepare?: () => Promise<Prepared>): Promise<void> {
    await this.#until(() => this.#free > 0);
    if (this.signal.aborted) return;
    this.#free--;
    this.#underWay++;
    const before = this.#begun.get(chat);
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    this.#begun.set(chat, begun);
    void (async () => {
      try {
        const prepared = (await prepare?.()) as Prepared; // without a preparation nothing is handed over
        if (before !== undefined) await before;
        if (this.signal.aborted) return;
        const working = work(prepared);
        begin();
        await working;
      } catch {
        // Each work answers for itself; whoever is behind goes on.
      } finally {
        begin();
        if (this.#begun.get(chat) === begun) this.#begun.delete(chat);
        this.#free++;
        this.#underWay--;
        this.#wake();
      }
    })();
    // What comes is not read further while there is as much to do as may be.
    await this.#until(() => this.#free > 0);
  }

  /** Resolves when all is done, or nobody waits any more. */
  done(): Promise<void> {
    return this.#until(() => this.#underWay === 0);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.signal.aborted) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
