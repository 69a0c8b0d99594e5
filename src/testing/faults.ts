/** What shall go wrong, and at which call: the common part of the doubles that wrap a real seam (behaviour §28). */
import type { Clock } from '../core/clock.js';
import { RoomKitError, ValidationError } from '../core/errors.js';
import { isPromise, type Awaitable } from '../core/models/json.js';

/** Which call a fault meets, and on which side of its effect. */
export interface FaultTiming {
  /** The nth call from now on; default 1, the next one. */
  readonly nth?: number;
  /** How many calls in a row, from the nth on; default 1. */
  readonly times?: number;
  /** `before` (default): the call has no effect. `after`: it took effect, and its caller does not get to know. */
  readonly when?: 'before' | 'after';
}

/** As {@link FaultTiming}, and what the failure is. */
export interface FailTiming extends FaultTiming {
  /** What the caller gets; default a retryable RoomKitError `store_unavailable` or `lock_unavailable`. */
  readonly error?: Error;
  /** Throw at once, as SqliteStore's reads do, instead of rejecting a promise. Default false. */
  readonly throws?: boolean;
}

type FaultKind =
  | { readonly kind: 'fail'; readonly error: Error; readonly throws: boolean }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'crash' };

type Planned = FaultKind & { readonly step: string; readonly when: 'before' | 'after'; nth: number; times: number };

/** Stands for every step. */
export type AnyStep = '*';

const ANY_STEP: AnyStep = '*';

export class FaultPlan {
  /** Set by a crash: nothing reaches what is wrapped any more, and nobody is answered. */
  crashed = false;
  readonly #calls = new Map<string, number>();
  #planned: Planned[] = [];
  #hanging: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  /** How often a step was called, failed calls included; without a name, all of them. */
  calls(step?: string): number {
    if (step !== undefined) return this.#calls.get(step) ?? 0;
    let sum = 0;
    for (const count of this.#calls.values()) sum += count;
    return sum;
  }

  plan(step: string, fault: FaultKind, timing: FaultTiming): void {
    const { nth = 1, times = 1, when = 'before' } = timing;
    if (!Number.isInteger(nth) || nth < 1)
      throw new ValidationError(`A fault of '${step}' has nth ${nth}. Give a whole number of 1 (the next call) or more.`);
    if (!(times >= 1)) throw new ValidationError(`A fault of '${step}' has times ${times}. Give 1 or more, or Infinity.`);
    if (fault.kind === 'delay' && !(fault.ms >= 0)) throw new ValidationError(`A delay of '${step}' is ${fault.ms} ms. Give 0 or more.`);
    this.#planned.push({ ...fault, step, when, nth, times });
  }

  /** Forgets what has not happened yet. */
  clear(): void {
    this.#planned = [];
  }

  /** Lets every call that hangs go on, as if it had only been slow. */
  resume(): void {
    for (const go of this.#hanging.splice(0)) go();
  }

  get hanging(): number {
    return this.#hanging.length;
  }

  /** Makes one call: as it is when nothing is planned for it, at once where the real one answers at once. */
  call<Result>(step: string, run: () => Awaitable<Result>): Awaitable<Result> {
    this.#calls.set(step, this.calls(step) + 1);
    if (this.crashed) return never();
    const fault = this.#take(step);
    if (fault === undefined) return run();
    if (fault.when === 'before') {
      if (fault.kind === 'fail' && fault.throws) throw fault.error;
      this.crashed = fault.kind === 'crash';
      return this.#meet(fault).then(run);
    }
    const effect = run();
    if (!isPromise(effect)) {
      if (fault.kind === 'fail' && fault.throws) throw fault.error;
      this.crashed = fault.kind === 'crash';
    }
    return Promise.resolve(effect).then((result) => this.#meet(fault).then(() => result));
  }

  #take(step: string): Planned | undefined {
    let met: Planned | undefined;
    for (const planned of this.#planned) {
      if (planned.step !== step && planned.step !== ANY_STEP) continue;
      if (planned.nth > 1) {
        planned.nth--;
        continue;
      }
      // Two faults of one call: the one that was planned first; the other meets the next call.
      if (met !== undefined) continue;
      met = planned;
      planned.times--;
    }
    if (met !== undefined && met.times <= 0) this.#planned = this.#planned.filter((planned) => planned !== met);
    return met;
  }

  #meet(fault: Planned): Promise<void> {
    switch (fault.kind) {
      case 'fail':
        return Promise.reject(fault.error);
      case 'delay':
        return this.clock.sleep(fault.ms);
      case 'hang':
        return new Promise((resolve) => this.#hanging.push(resolve));
      case 'crash':
        this.crashed = true;
        return never();
    }
  }
}

/** What a seam says that is away for a moment. */
export function unavailable(what: 'store' | 'lock', step: string): RoomKitError {
  return new RoomKitError(`${what}_unavailable`, `The ${what} was told to fail at '${step}' (a fault of roomkit/testing).`, { retryable: true });
}

/** The answer of a process that is gone. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
