/** One process of a run, from its start to its end: its clock, and the way its calls take to everything outside of it. */
import { sleepWith, type Clock, type Timer } from '../../core/clock.js';
import { RoomKitError } from '../../core/errors.js';
import type { Awaitable } from '../../core/models/json.js';
import type { Fault, MetFault } from './faults.js';
import type { SeededRandom } from './random.js';
import type { Stage } from './stage.js';

/** What all processes of a run share. */
export interface Surroundings {
  readonly stage: Stage;
  readonly random: SeededRandom;
  /** The fault of the call that is made now, if there is one. Counts the call. */
  nextFault(step: string): Fault | undefined;
  /** A fault has met its call. */
  noteFault(fault: MetFault): void;
  /** The process has died. */
  died(process: SimulatedProcess): void;
}

/** How long a call and its answer are under way, in milliseconds. */
const FASTEST_MS = 0.1;
const SLOWEST_MS = 4;
/** Longer than any attempt, lease or lock is waited for. */
const SLOW_MS = 40_000;
/** Longer than a lease lasts that nobody renews, shorter than an attempt may take. */
const LATE_MS = 15_000;
/** Longer than a lease. */
const PAUSE_MS = 45_000;
const CUT_MS = 20_000;
const JUMPS_MS = [-60_000, -5_000, 5_000, 60_000] as const;

/** The start of the wall clock of every run: 2026-01-01T00:00:00Z. */
export const EPOCH_MS = Date.parse('2026-01-01T00:00:00.000Z');

/** One process, from its start to its end; for its kit it is the clock. */
export class SimulatedProcess implements Clock {
  isAlive = true;
  #pausedUntil = 0;
  #held: (() => void)[] = [];
  #jumpMs = 0;
  /** Until when what is reached from here. */
  readonly #cut = new Map<string, number>();

  constructor(
    /** `p1`, `p2` …; the same after a restart. */
    readonly name: string,
    private readonly around: Surroundings,
  ) {}

  // --- its clock -----------------------------------------------------------------------------------------------------

  now(): number {
    return EPOCH_MS + Math.floor(this.around.stage.now) + this.#jumpMs;
  }

  monotonic(): number {
    return this.around.stage.now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepWith(this, ms, signal);
  }

  setTimer(ms: number, fn: () => void): Timer {
    return this.around.stage.after(ms, () => this.arrive(fn));
  }

  // --- what is outside -----------------------------------------------------------------------------------------------

  /** A call to something outside, such as `store.commitEvent`: it gets there after a while, and its answer comes after another. */
  call<T>(step: string, run: () => Awaitable<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.isAlive) return; // nobody is there to be answered
      const { stage, random } = this.around;
      const fault = this.around.nextFault(step);
      if (fault !== undefined) this.around.noteFault({ ...fault, step, process: this.name, at: stage.now });
      const answer = (told: () => void, ms = this.#latency(random)): void => void stage.after(ms, () => this.arrive(told));
      const fail = (): void => reject(new RoomKitError('unavailable', `'${step}' was told to fail.`, { retryable: true }));
      if (fault?.kind === 'crash_before') return this.kill();
      if (fault?.kind === 'cut') this.#cut.set(targetOf(step), stage.now + CUT_MS);
      if (fault?.kind === 'jump') this.#jumpMs += random.pick(JUMPS_MS);
      if (fault?.kind === 'refused' || (this.#cut.get(targetOf(step)) ?? 0) > stage.now) return answer(fail);
      stage.after(this.#latency(random), () => {
        let effect: Promise<T>;
        try {
          effect = Promise.resolve(run());
        } catch (error) {
          effect = Promise.reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (fault?.kind === 'crash_after') this.kill();
        if (fault?.kind === 'pause') this.pause(PAUSE_MS);
        effect.then(
          (value) => (fault?.kind === 'lost' ? answer(fail) : answer(() => resolve(value), delayOf(fault))),
          (error: unknown) => answer(() => reject(error)), // as what is outside has said it
        );
      });
    });
  }

  /** Something reaches the process from outside: at once, when it goes on again, or never. */
  arrive(told: () => void): void {
    if (!this.isAlive) return;
    if (this.#pausedUntil > this.around.stage.now) this.#held.push(told);
    else told();
  }

  /** It stands still: what comes waits. */
  pause(ms: number): void {
    const { stage } = this.around;
    this.#pausedUntil = Math.max(this.#pausedUntil, stage.now + ms);
    stage.after(ms, () => {
      if (this.#pausedUntil > stage.now) return;
      for (const told of this.#held.splice(0)) this.arrive(told);
    });
  }

  /** What was cut off is reached again. */
  reconnect(): void {
    this.#cut.clear();
  }

  /** Whether it stands still. */
  get isPaused(): boolean {
    return this.#pausedUntil > this.around.stage.now;
  }

  /** It dies: what it has begun outside goes on, and nobody hears of it. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#held = [];
    this.around.died(this);
  }

  #latency(random: SeededRandom): number {
    return random.between(FASTEST_MS, SLOWEST_MS);
  }
}

function delayOf(fault: Fault | undefined): number | undefined {
  if (fault?.kind === 'slow') return SLOW_MS;
  return fault?.kind === 'late' ? LATE_MS : undefined;
}

/** `store` of `store.commitEvent`. */
function targetOf(step: string): string {
  return step.split('.', 1)[0] ?? step;
}
