/** How a scenario is measured: warm-up, five repetitions, median, min and max; ours and the plain-JS ceiling in the same process. */

export interface Figure {
  readonly scenario: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The ceiling's median in the same unit; null where there is none. */
  readonly limit: number | null;
  /** What the project is out to reach, as the table states it. */
  readonly goal?: string;
  readonly reached?: boolean;
}

export interface Scenario {
  readonly name: string;
  run(report: (figure: Figure) => void): Promise<void>;
}

export const BODY = 'Hello, I would like to know the status of my order 12345, please.';
export const REPETITIONS = 5;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Operations per second of `run(count)`, several times. */
export async function rates(count: number, run: (count: number) => Promise<void>, repetitions = REPETITIONS): Promise<number[]> {
  const results: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const startedAt = performance.now();
    await run(count);
    results.push((count / (performance.now() - startedAt)) * 1000);
  }
  return results;
}

export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Ours against the ceiling, taking turns, so that both see the same machine. */
export async function compare(
  ours: { count: number; run: (count: number) => Promise<void> },
  ceiling: { count: number; run: (count: number) => Promise<void> },
): Promise<{ ours: number[]; ceiling: number[] }> {
  const result = { ours: [] as number[], ceiling: [] as number[] };
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    result.ceiling.push(...(await rates(ceiling.count, ceiling.run, 1)));
    result.ours.push(...(await rates(ours.count, ours.run, 1)));
  }
  return result;
}

/** Collects garbage; needs --expose-gc. */
export function collect(): void {
  const gc = (globalThis as { gc?: () => void }).gc;
  for (let round = 0; round < 3; round++) gc?.();
}

export async function rssAfterCollection(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

export function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}
