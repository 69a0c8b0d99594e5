/**
 * A second look at sends a moment after they began. Most promises that a send returns are settled already: then all sends of
 * the moment, in whatever room, cost two closures together and no time limit.
 */
export interface Unsettled {
  /** All sends of the moment were taken. */
  taken(): void;
  /** Some were not, or not yet: which ones, each one's own promise tells. */
  follow(): void;
}

const SETTLED = Promise.resolve();

class Moment {
  private readonly ones: Unsettled[] = [];
  private open = 0;
  private clean = true;

  constructor() {
    // Reports of sends that began in this moment come one turn later, and one more turn lets them through.
    void SETTLED.then(() => {
      if (present === this) present = undefined;
      void SETTLED.then(() => this.look());
    });
  }

  add(one: Unsettled): void {
    this.ones.push(one);
  }

  watch(sent: PromiseLike<unknown>): void {
    this.open++;
    sent.then(this.took, this.refused);
  }

  private readonly took = (): void => {
    this.open--;
  };

  private readonly refused = (): void => {
    this.open--;
    this.clean = false;
  };

  private look(): void {
    const well = this.open === 0 && this.clean;
    for (const one of this.ones) {
      if (well) one.taken();
      else one.follow();
    }
  }
}

let present: Moment | undefined;

/** The moment in which sends begin now. Ends with the running piece of code. */
export function moment(): Moment {
  return (present ??= new Moment());
}
