/** Up to where the kit has taken what a stream of events brought: from there it is asked for again. */
import type { Outcome } from '../_shared/source/intake.js';

interface Followed {
  readonly id: string;
  /** The id came with it, and not with one before. */
  readonly isOwn: boolean;
  isDone: boolean;
}

export class Resumption {
  #lastEventId: string;
  #followed: Followed[] = [];
  #end: () => void = () => undefined;
  #hasLost = false;
  /** What was taken, while something before it was not: it comes again. */
  readonly #ahead = new Set<string>();

  constructor(lastEventId: string) {
    this.#lastEventId = lastEventId;
  }

  /** The id of the last event before which nothing is in work. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** A message was not taken, and may be the next time: the stream is to be left, so that it comes again. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** A new connection. `end` leaves it. */
  begin(end: () => void): void {
    for (const { id, isOwn, isDone } of this.#followed) if (isDone && isOwn) this.#ahead.add(id);
    this.#followed = [];
    this.#hasLost = false;
    this.#end = end;
  }

  /** An earlier connection has brought it, and the kit has it. */
  hasTaken(id: string): boolean {
    return this.#ahead.has(id);
  }

  /** An event has come; gives what is to be called with what became of it. */
  follow(id: string, isOwn: boolean): (outcome: Outcome) => void {
    const followed = this.#followed;
    const mine: Followed = { id, isOwn, isDone: false };
    followed.push(mine);
    return (outcome) => {
      // Without an id there is nothing to resume from: to leave the stream would lose more.
      if (outcome === 'failed' && id !== '') {
        if (this.#followed !== followed) return;
        this.#hasLost = true;
        this.#end();
        return;
      }
      mine.isDone = true;
      this.#advance(followed);
    };
  }

  #advance(followed: Followed[]): void {
    while (followed[0]?.isDone === true) {
      const { id } = followed.shift() as Followed; // it is there
      if (id === '' || followed !== this.#followed) continue;
      this.#lastEventId = id;
      this.#ahead.delete(id);
    }
  }
}
