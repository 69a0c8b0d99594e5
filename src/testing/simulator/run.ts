/** One run: from its seed to what is wrong with it. */
import { drawFaults, type Fault, type FaultKind, type MetFault } from './faults.js';
import { isQuiet, isShown, judge } from './judge.js';
import { SeededRandom } from './random.js';
import { World, type Scenario, type Variant } from './world.js';

/** One run, to be repeated exactly. */
export interface RunPlan {
  readonly seed: number;
  /** Default: drawn from the seed. */
  readonly faults?: readonly Fault[];
}

/** How a run ended. */
export interface RunOutcome {
  readonly seed: number;
  /** Empty: everything held. */
  readonly wrong: readonly string[];
  /** The faults that were planned; some never met their call. */
  readonly faults: readonly Fault[];
  readonly met: readonly MetFault[];
  /** How often each step was called. */
  readonly steps: ReadonlyMap<string, number>;
  readonly calls: number;
  /** Of what happened, in its order: the same for the same run. */
  readonly fingerprint: string;
}

/** As long as that after the last message nothing may be left to do, in its own time. */
const LIMIT_MS = 30 * 60_000;
const AT_LEAST_MS = 1000;
const SHOWN_MS = 120_000;

export interface RunOptions {
  readonly scenario: Scenario;
  readonly processes: number;
  /** Among how many calls faults are drawn. */
  readonly calls: number;
  readonly kinds?: readonly FaultKind[] | undefined;
  readonly variant?: Variant | undefined;
}

export async function run(options: RunOptions, plan: RunPlan): Promise<RunOutcome> {
  const random = new SeededRandom(plan.seed);
  const drawn = drawFaults(random.fork(), options.calls, options.kinds);
  const faults = plan.faults ?? drawn;
  const world = new World(options.scenario, random, faults, options.processes, options.variant);
  const wrong: string[] = [];
  try {
    await world.begin();
    await world.stage.until(() => false, AT_LEAST_MS);
    const isDone = await world.stage.until(() => isQuiet(world), LIMIT_MS);
    if (!isDone) wrong.push('half an hour later there is still something to do');
    world.calm();
    await world.stage.until(() => world.running.length === options.processes && world.running.every(({ process }) => !process.isPaused), LIMIT_MS);
    // What a process that stood still had been told meanwhile is done now.
    await world.stage.until(() => false, AT_LEAST_MS);
    if (!(await world.stage.until(() => isQuiet(world), LIMIT_MS)))
      wrong.push('half an hour after everything is well again there is still something to do');
    // What is only shown, and not sent, may come later: after a pause, a restart, and a look.
    await world.stage.until(() => isShown(world), SHOWN_MS);
    if (!(await world.end())) wrong.push('a kit was not closed within two minutes');
    wrong.push(...judge(world), ...((await options.scenario.judge?.(world)) ?? []));
  } catch (error) {
    wrong.push(`the run broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  const { met, steps, calls, stage } = world;
  const fingerprint = `${stage.steps}:${calls}:${[...world.vendors.values()].map(({ taken }) => taken.map(({ key, at }) => `${key}@${at.toFixed(3)}`).join()).join(';')}`;
  return { seed: plan.seed, wrong, faults, met, steps, calls, fingerprint };
}

/** The same run with as few faults as it takes to go wrong. */
export async function shorten(options: RunOptions, outcome: RunOutcome): Promise<RunOutcome> {
  const isMet = new Set(outcome.met.map(({ call }) => call));
  let best = await run(options, { seed: outcome.seed, faults: outcome.faults.filter(({ call }) => isMet.has(call)) });
  if (best.wrong.length === 0) return outcome;
  for (let isShorter = true; isShorter;) {
    isShorter = false;
    for (const fault of best.faults) {
      const tried = await run(options, { seed: outcome.seed, faults: best.faults.filter((other) => other !== fault) });
      if (tried.wrong.length === 0) continue;
      best = tried;
      isShorter = true;
      break;
    }
  }
  return best;
}
