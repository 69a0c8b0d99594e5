/** What a scenario reports, the goals it is held against, and how both are shown. */

export interface Figure {
  readonly scenario: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The ceiling's median in the same unit; null where there is none. */
  readonly limit: number | null;
  /** What the project is out to reach. */
  readonly goal?: string;
  /** By which part the goal was missed; 0 when it was reached. */
  readonly missedBy?: number;
}

export interface Goal {
  readonly text: string;
  missedBy(median: number, limit: number | null): number;
}

export function atLeast(bound: number, text = `≥ ${amount(bound)}`): Goal {
  return { text, missedBy: (median) => Math.max(0, 1 - median / bound) };
}

export function atMost(bound: number, text = `≤ ${amount(bound)}`): Goal {
  return { text, missedBy: (median) => Math.max(0, median / bound - 1) };
}

/** A part of the ceiling measured beside it. */
export function shareOf(share: number): Goal {
  return { text: `≥ ${share * 100} % of limit`, missedBy: (median, limit) => (limit === null ? 1 : Math.max(0, 1 - median / (limit * share))) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** What `--json` writes. */
export function toJson(figures: readonly Figure[]): string {
  const plain = figures.map(({ scenario, metric, unit, median, min, max, limit }) => ({ scenario, metric, unit, median, min, max, limit }));
  return `${JSON.stringify(plain, null, 2)}\n`;
}

const WIDTHS = [28, 24, 12, 12, 12, 12, 10] as const;

export function tableHead(): string {
  return line(['scenario', 'metric', 'median', 'min', 'max', 'limit', '% of limit', 'unit, goal']);
}

export function tableRow(figure: Figure): string {
  const goal = figure.goal === undefined ? '' : `, ${figure.missedBy === 0 ? '✓' : '✗'} ${figure.goal}`;
  return line([
    figure.scenario,
    figure.metric,
    amount(figure.median),
    amount(figure.min),
    amount(figure.max),
    figure.limit === null ? '' : amount(figure.limit),
    ratio(figure),
    figure.unit + goal,
  ]);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, column) => {
      const width = WIDTHS[column];
      return width === undefined ? cell : column < 2 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' ');
}

/** The table of bench/README.md. */
export function markdownHead(): string {
  return ['| scenario | unit | ours: median (min–max) | limit | of limit | goal | reached |', '|---|---|---:|---:|---:|---|---|'].join('\n');
}

export function markdownRow(figure: Figure): string {
  const name = figure.metric === 'throughput' ? figure.scenario : `${figure.scenario}, ${figure.metric}`;
  const reached =
    figure.missedBy === undefined ? '' : figure.missedBy === 0 ? 'yes' : `missed by ${Math.max(1, Math.round(figure.missedBy * 100))} %`;
  const cells = [
    name,
    figure.unit,
    `${amount(figure.median)} (${amount(figure.min)}–${amount(figure.max)})`,
    figure.limit === null ? '' : amount(figure.limit),
    ratio(figure),
    figure.goal ?? '',
    reached,
  ];
  return `| ${cells.join(' | ')} |`;
}

function ratio({ median, limit }: Figure): string {
  return limit === null || limit === 0 ? '' : `${((median / limit) * 100).toFixed(0)} %`;
}

function amount(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(2).replace(/\.?0+$/, '');
}
