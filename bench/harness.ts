/**
 * How a scenario is measured: warm-up, five repetitions, median, min and max; ours and the plain-JS ceiling in the same
 * process. What is measured and how often is the scenario's own affair.
 */
import { median, shareOf, spread, type Figure, type Goal } from './figures.js';

export interface Scenario {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

/** One contestant. Each repetition begins anew, and only `work` is on the clock. */
export interface Side {
  /** Messages (turns, handoffs …) of one repetition, for the warm-up. */
  readonly messages: number;
  /** What is counted, when that is not the messages: the deliveries of a fan-out. */
  readonly operations?: number;
  begin(): Round | Promise<Round>;
}

export interface Round {
  work(): Promise<void>;
  /** Checks what came of it and cleans up. */
  end?(): void | Promise<void>;
}

export interface BenchOptions {
  /** A handful of everything, once, without warm-up: for the smoke test, whose figures mean nothing. */
  readonly quick: boolean;
  /** Seconds of processor time instead of the wall's: for a machine with other people at work. */
  readonly processorTime: boolean;
}

export const BODY = 'Hello, I would like to know the status of my order 12345, please.';
export const REPETITIONS = 5;
const WARM_UP_MESSAGES = 20_000;

export class Bench {
  readonly figures: Figure[] = [];

  constructor(
    readonly scenario: string,
    readonly options: BenchOptions,
  ) {}

  /** Why something was left out. */
  readonly skipped: string[] = [];

  /** What it needs is missing here. */
  skip(reason: string): void {
    this.skipped.push(reason);
  }

  get repetitions(): number {
    return this.options.quick ? 1 : REPETITIONS;
  }

  /** `full` of something, or `few` of it in a quick run. */
  size(full: number, few = 20): number {
    return this.options.quick ? Math.min(full, few) : full;
  }

  /** Operations per second of one side, once per repetition. */
  async measure(side: Side): Promise<number[]> {
    await this.#warmUp(side);
    const rates: number[] = [];
    for (let repetition = 0; repetition < this.repetitions; repetition++) rates.push(await this.#once(side));
    return rates;
  }

  /** Both sides, taking turns, so that they see the same machine. */
  async compare(ours: Side, limit: Side): Promise<{ ours: number[]; limit: number[] }> {
    await this.#warmUp(limit);
    await this.#warmUp(ours);
    const rates = { ours: [] as number[], limit: [] as number[] };
    for (let repetition = 0; repetition < this.repetitions; repetition++) {
      rates.limit.push(await this.#once(limit));
      rates.ours.push(await this.#once(ours));
    }
    return rates;
  }

  /**
   * The ceiling first and ours afterwards. For what uses `AsyncLocalStorage`: once entered, it makes every promise of the
   * process slower, and the ceiling must not pay for that.
   */
  async compareApart(ours: Side, limit: Side): Promise<{ ours: number[]; limit: number[] }> {
    const ceiling = await this.measure(limit);
    return { limit: ceiling, ours: await this.measure(ours) };
  }

  report(metric: string, unit: string, values: readonly number[], more: { limit?: readonly number[]; goal?: Goal } = {}): void {
    const limit = more.limit === undefined ? null : median(more.limit);
    this.figures.push({
      scenario: this.scenario,
      metric,
      unit,
      ...spread(values),
      limit,
      ...(more.goal !== undefined && { goal: more.goal.text, missedBy: more.goal.missedBy(median(values), limit) }),
    });
  }

  /** A throughput whose goal is a share of the ceiling. */
  reportShare(unit: string, rates: { ours: readonly number[]; limit: readonly number[] }, share: number): void {
    this.report('throughput', unit, rates.ours, { limit: rates.limit, goal: shareOf(share) });
  }

  /** Seconds, as this run counts them. */
  seconds(): number {
    if (!this.options.processorTime) return performance.now() / 1000;
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }

  async #once(side: Side): Promise<number> {
    const round = await side.begin();
    collectYoung();
    const startedAt = this.seconds();
    await round.work();
    const seconds = this.seconds() - startedAt;
    await round.end?.();
    return (side.operations ?? side.messages) / seconds;
  }

  async #warmUp(side: Side): Promise<void> {
    if (this.options.quick) return;
    for (let done = 0; done < WARM_UP_MESSAGES; done += side.messages) {
      const round = await side.begin();
      await round.work();
      await round.end?.();
    }
  }
}

/**
 * So that nobody pays for what others left young. A full collection would also shrink the young generation to its smallest,
 * and what is measured then is its growth. Needs --expose-gc, else it does nothing.
 */
export function collectYoung(): void {
  gc?.({ type: 'minor' });
}

const { gc } = globalThis as { gc?: (options?: { type: 'minor' }) => void };

/** The process's memory, once everything unused is gone. */
export async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

export function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}
