/** What goes wrong in a run: which call, and how. Drawn from the seed before the run begins, so that it can be told and shortened. */
import type { SeededRandom } from './random.js';

/**
 * - `refused`: the call fails and has no effect.
 * - `lost`: it has its effect, and its caller is told that it failed.
 * - `slow`: it has its effect, and is answered later than anybody waits.
 * - `late`: the same, later than a lease lasts, but not later than vendors and models are waited for.
 * - `crash_before`, `crash_after`: the process dies, before or after the effect.
 * - `pause`: the process stands still after the effect, for longer than its leases last.
 * - `cut`: from now on nothing of this kind is reached from this process, for a while.
 * - `jump`: the wall clock of the process jumps.
 */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** All of them. */
export const FAULT_KINDS = ['refused', 'lost', 'slow', 'late', 'crash_before', 'crash_after', 'pause', 'cut', 'jump'] as const;

/** For how long at most the process that meets it does nothing of use, or its clock is wrong by, in milliseconds. */
export const STANDS_STILL_MS: Readonly<Record<FaultKind, number>> = {
  refused: 0,
  lost: 0,
  slow: 40_000,
  late: 15_000,
  crash_before: 15_000,
  crash_after: 15_000,
  pause: 45_000,
  cut: 20_000,
  jump: 60_000,
};

/** One fault. */
export interface Fault {
  /** Which call of the run, across all seams and processes, from 0. */
  readonly call: number;
  readonly kind: FaultKind;
}

/** A fault that has met its call. */
export interface MetFault extends Fault {
  /** Such as `store.commitEvent`. */
  readonly step: string;
  readonly process: string;
  /** Milliseconds since the run began. */
  readonly at: number;
}

/** Half of all runs have one or two kinds of faults alone: what one kind would show, others may hide. */
const FEW_KINDS = 0.5;
/** Faults come alone, or in clusters: what looks again after one is met by another. */
const CLUSTERED = 0.25;
/** How far from one another the faults of a cluster are, in calls. */
const NEARBY = 10;

/** Faults among the first `calls` calls: mostly few, sometimes many, some of them close to one another. */
export function drawFaults(random: SeededRandom, calls: number, kinds: readonly FaultKind[] = FAULT_KINDS): readonly Fault[] {
  const count = random.chance(0.1) ? 5 + random.below(6) : random.below(5);
  const own = random.chance(FEW_KINDS) ? [random.pick(kinds), random.pick(kinds)].filter((kind) => kind !== undefined) : kinds;
  const faults = new Map<number, Fault>();
  for (let drawn = 0; drawn < count; drawn++) {
    let call = random.below(calls);
    for (let near = 1 + (random.chance(CLUSTERED) ? 1 + random.below(3) : 0); near > 0; near--) {
      const kind = random.pick(own);
      if (kind !== undefined) faults.set(call, { call, kind });
      call += 1 + random.below(NEARBY);
    }
  }
  return [...faults.values()].sort((a, b) => a.call - b.call);
}
