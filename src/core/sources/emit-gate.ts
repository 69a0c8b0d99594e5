/** How the messages of one source enter the kit (SRC-02): so many at once, and those of one sender or room one after another. */
import type { Awaitable } from '../models/json.js';

export class EmitGate {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** Sender or room → the newest of its messages that are under way. */
  readonly #last = new Map<string, Promise<unknown>>();
  /** Rooms are found in the order of arrival: what comes later may not be in line earlier. */
  #finding: Promise<unknown> = Promise.resolve();

  constructor(most: number) {
    this.#free = most;
  }

  /** `sender` is known; `findRoom` answers null where the message opens a room, which it then shares with its sender only. */
  run<T>(sender: string, findRoom: () => Awaitable<string | null>, work: () => Promise<T>): Promise<T> {
    const finding = this.#finding.then(findRoom).catch(() => null); // whatever is wrong, `work` fails of it as well
    const mine = this.#inLine(sender, finding, work);
    this.#finding = finding;
    return mine;
  }

  async #inLine<T>(sender: string, finding: Promise<string | null>, work: () => Promise<T>): Promise<T> {
    const room = await finding;
    const keys = room === null ? [`sender ${sender}`] : [`sender ${sender}`, `room ${room}`];
    const before = keys.map((key) => this.#last.get(key));
    const mine = this.#after(before, work);
    const settled = mine.catch(() => undefined);
    for (const key of keys) this.#last.set(key, settled);
    try {
      return await mine;
    } finally {
      for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }

  async #after<T>(before: readonly (Promise<unknown> | undefined)[], work: () => Promise<T>): Promise<T> {
    for (const one of before) await one;
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
