/** Many runs, one after the other, and what came of them. */
import { FAULT_KINDS, type FaultKind } from './faults.js';
import { conversations } from './conversations.js';
import { run, shorten, type RunOptions, type RunOutcome } from './run.js';
import type { Scenario, Variant } from './world.js';

/** What is to be tried, and how often. */
export interface SimulateOptions {
  /** Default 1000. */
  readonly runs?: number;
  /** The first run's; each further one has the next. Default 1. */
  readonly seed?: number;
  /** Default {@link conversations}. */
  readonly scenario?: Scenario;
  /** How many processes run at once; several numbers take turns. Default 1, 2 and 3. */
  readonly processes?: number | readonly number[];
  /** Default all. */
  readonly kinds?: readonly FaultKind[];
  /** Other parts than the ordinary ones. */
  readonly variant?: Variant;
  /** Ends with the first run that goes wrong. Default true. */
  readonly stopAtFirst?: boolean;
  /** Called now and then. */
  readonly onProgress?: (report: SimulationReport) => void;
}

/** What came of many runs. */
export interface SimulationReport {
  readonly scenario: string;
  readonly runs: number;
  /** Runs that were like no other before them. */
  readonly distinct: number;
  /** Faults that met a call. */
  readonly faults: number;
  /** Step and fault → in how many runs they met. */
  readonly pairs: ReadonlyMap<string, number>;
  /** Steps that were called, and no fault ever met one. */
  readonly untouched: readonly string[];
  /** The runs that went wrong, each with as few faults as it takes. */
  readonly failures: readonly SimulationFailure[];
}

/** A run that went wrong. */
export interface SimulationFailure extends RunOutcome {
  readonly processes: number;
}

/** Among how many calls faults are drawn: about as many as the busy part of a run makes. */
const CALLS = 130;
const CALLS_PER_PROCESS = 40;

/**
 * Runs whole kits on virtual time, over a store, locks, a broker and vendors that fail as their seed says, and judges what came of it.
 * @example const report = await simulate({ runs: 2000, seed: 7 });
 */
export async function simulate(options: SimulateOptions = {}): Promise<SimulationReport> {
  const { runs = 1000, seed = 1, scenario = conversations, stopAtFirst = true } = options;
  const processes = [options.processes ?? [1, 2, 3]].flat();
  const pairs = new Map<string, number>();
  const steps = new Set<string>();
  const fingerprints = new Set<string>();
  const failures: SimulationFailure[] = [];
  let done = 0;
  let faults = 0;
  const report = (): SimulationReport => {
    const touched = stepsIn(pairs);
    const untouched = [...steps].filter((step) => !touched.has(step)).sort();
    return { scenario: scenario.name, runs: done, distinct: fingerprints.size, faults, pairs, untouched, failures };
  };
  for (; done < runs; done++) {
    const count = processes[done % processes.length] ?? 1;
    const how: RunOptions = {
      scenario,
      processes: count,
      calls: callsOf(scenario, count),
      kinds: options.kinds ?? FAULT_KINDS,
      variant: options.variant,
    };
    const outcome = await run(how, { seed: seed + done });
    fingerprints.add(outcome.fingerprint);
    faults += outcome.met.length;
    for (const step of outcome.steps.keys()) steps.add(step);
    for (const pair of new Set(outcome.met.map(({ step, kind }) => `${step} ${kind}`))) pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    if (outcome.wrong.length > 0) {
      failures.push({ ...(await shorten(how, outcome)), processes: count });
      if (stopAtFirst) {
        done++;
        break;
      }
    }
    if (done % 500 === 499) options.onProgress?.(report());
  }
  return report();
}

/** Among how many calls of a run faults are drawn. */
export function callsOf({ calls = CALLS }: Scenario, processes: number): number {
  return calls + CALLS_PER_PROCESS * (processes - 1);
}

/** Several reports of the same scenario as one: of runs that were shared out. */
export function mergeSimulations(reports: readonly SimulationReport[]): SimulationReport {
  const pairs = new Map<string, number>();
  for (const report of reports) for (const [pair, count] of report.pairs) pairs.set(pair, (pairs.get(pair) ?? 0) + count);
  const touched = stepsIn(pairs);
  const untouched = [...new Set(reports.flatMap((report) => report.untouched))].filter((step) => !touched.has(step)).sort();
  const sum = (of: (report: SimulationReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    scenario: reports[0]?.scenario ?? '',
    runs: sum(({ runs }) => runs),
    distinct: sum(({ distinct }) => distinct),
    faults: sum(({ faults }) => faults),
    pairs,
    untouched,
    failures: reports.flatMap(({ failures }) => failures),
  };
}

function stepsIn(pairs: ReadonlyMap<string, number>): ReadonlySet<string> {
  return new Set([...pairs.keys()].map((pair) => pair.slice(0, pair.indexOf(' '))));
}

/** A report in words: how much was tried, and each failure with what it takes to see it again. */
export function describeSimulation(report: SimulationReport): string {
  const lines = [
    `${report.runs} runs of '${report.scenario}', ${report.distinct} distinct schedules, ${report.faults} faults, ${report.pairs.size} pairs of step and fault`,
  ];
  if (report.untouched.length > 0) lines.push(`no fault has met: ${report.untouched.join(', ')}`);
  for (const failure of report.failures) {
    lines.push('', `seed ${failure.seed} with ${failure.processes} processes:`);
    for (const wrong of failure.wrong) lines.push(`  ${wrong}`);
    lines.push('  it takes:');
    for (const { call, kind, step, process, at } of failure.met)
      lines.push(`    call ${call}: ${kind} at ${step} of ${process} after ${(at / 1000).toFixed(3)} s`);
  }
  return lines.join('\n');
}
