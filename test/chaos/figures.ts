/** What a run was about, in figures for people. */
import { availableParallelism, loadavg } from 'node:os';
import type { ChaosOptions } from './chaos.js';
import type { Usage } from './fleet.js';
import type { Ledger } from './ledger.js';
import type { FaultKind } from './plan.js';
import { answerTo } from './protocol.js';

export interface CommittedFault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly endedAt: number;
}

export interface ChaosReport {
  readonly options: ChaosOptions;
  readonly ledger: Ledger;
  readonly contradictions: readonly string[];
  readonly faults: readonly CommittedFault[];
  readonly deliveries: number;
  readonly vendorRequests: number;
  /** Requests whose idempotency key the vendor had seen: retries of what it refused, and what it took already. */
  readonly vendorRepeats: number;
  readonly webhooks: Readonly<Record<'calls' | 'refused' | 'unanswered' | 'repeated', number>>;
  readonly pages: Readonly<Record<'count' | 'connections' | 'repairs' | 'unanswered' | 'previews', number>>;
  readonly starts: number;
  readonly lives: readonly { readonly name: string; readonly samples: readonly Usage[] }[];
  /** Processor time of the run itself: load, pages, vendor, lines. */
  readonly driverCpuMs: number;
  readonly calmMs: number;
}

/** A process is warm by then. */
const WARM_MS = 10_000;

export function describe(report: ChaosReport): string {
  const { options, ledger, webhooks, pages } = report;
  const answeredAt = new Map(ledger.taken.map(({ text, at }) => [text, at]));
  const latencies = ledger.said.flatMap(({ key, at }) => {
    const answered = answeredAt.get(answerTo(key));
    return answered === undefined ? [] : [answered - at];
  });
  const rows: [string, string][] = [
    [
      'run',
      `${options.seconds} s, seed ${options.seed}, ${options.processes} processes, ${options.rooms} rooms, ${options.redis ? 'PostgreSQL and Redis' : 'PostgreSQL alone'}`,
    ],
    [
      'messages',
      `${ledger.said.length} (${ledger.said.filter(({ over }) => over === 'socket').length} over sockets), ${ledger.givenUp.size} given up after two crashes or five minutes`,
    ],
    [
      'webhook calls',
      `${webhooks.calls}: ${webhooks.refused} refused, ${webhooks.unanswered} without answer, ${webhooks.repeated} made once more on purpose`,
    ],
    ['deliveries', `${report.deliveries}, in ${report.vendorRequests} requests; ${report.vendorRepeats} repeated a key the vendor knew`],
    [
      'pages',
      `${pages.count} with ${pages.connections} connections; ${pages.repairs} gaps read again, ${pages.unanswered} subscriptions never answered, ${pages.previews} pieces of previews`,
    ],
    ['answered after', `p50 ${ms(percentile(latencies, 0.5))}, p99 ${ms(percentile(latencies, 0.99))}, at most ${ms(percentile(latencies, 1))}`],
    ['processes', `${report.starts} started; ${describeMemory(report)}`],
    [
      'processor',
      `${seconds(report.lives.reduce((sum, { samples }) => sum + (samples.at(-1)?.cpuMs ?? 0), 0))} s of the processes, ${seconds(report.driverCpuMs)} s of the run itself, beside a load of ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} cores`,
    ],
    ['at rest after', `${(report.calmMs / 1000).toFixed(1)} s`],
  ];
  const kinds = [...new Set(report.faults.map(({ kind }) => kind))].sort();
  for (const kind of kinds) {
    const own = report.faults.filter((fault) => fault.kind === kind);
    const recovered = own.map((fault) => recoveryMs(fault, ledger, answeredAt));
    rows.push([
      kind,
      `${own.length} ×; what was accepted before it was answered after ${ms(percentile(recovered, 0.5))}, at most ${ms(percentile(recovered, 1))}`,
    ]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n');
}

/** Until the last of what was accepted before the fault, and not answered, was answered. */
function recoveryMs({ at }: CommittedFault, { said }: Ledger, answeredAt: ReadonlyMap<string, number>): number {
  let last = at;
  for (const { key, acceptedAt } of said) {
    const answered = answeredAt.get(answerTo(key)) ?? 0;
    if (acceptedAt !== undefined && acceptedAt <= at && answered > last) last = answered;
  }
  return last - at;
}

/** A process that holds more than this, or keeps ever more once it is warm and has lived for long, keeps what it should forget. */
const MOST_BYTES = 600 * 1024 * 1024;
const MOST_GROWTH = 8 * 1024 * 1024;
const LONG_LIFE_MS = 180_000;

export function judgeMemory(report: Pick<ChaosReport, 'lives'>): readonly string[] {
  const { largest, slope, lifeMs } = memoryOf(report);
  const found: string[] = [];
  if (largest > MOST_BYTES) found.push(`A process held ${megabytes(largest)} MB.`);
  if (lifeMs >= LONG_LIFE_MS && slope > MOST_GROWTH)
    found.push(`The process that lived longest grew by ${megabytes(slope)} MB a minute over ${seconds(lifeMs)} s.`);
  return found;
}

/**
 * The largest, and how what is kept by the process that lived longest has grown once it was warm: bytes per minute, by least squares over
 * what its heap held after each collection. Resident memory would say how lazily garbage is collected.
 */
export function memoryOf({ lives }: Pick<ChaosReport, 'lives'>): { readonly largest: number; readonly slope: number; readonly lifeMs: number } {
  const largest = Math.max(0, ...lives.flatMap(({ samples }) => samples.map(({ bytes }) => bytes)));
  let best = { slope: 0, lifeMs: 0 };
  for (const { samples } of lives) {
    const warm = samples.flatMap(({ ageMs, keptBytes }) => (keptBytes !== undefined && ageMs >= WARM_MS ? [{ ageMs, keptBytes }] : []));
    const lifeMs = (warm.at(-1)?.ageMs ?? 0) - (warm[0]?.ageMs ?? 0);
    if (lifeMs > best.lifeMs) best = { slope: slopeOf(warm) * 60_000, lifeMs };
  }
  return { largest, ...best };
}

function slopeOf(samples: readonly { readonly ageMs: number; readonly keptBytes: number }[]): number {
  const count = samples.length;
  const meanAge = samples.reduce((sum, { ageMs }) => sum + ageMs, 0) / count;
  const meanBytes = samples.reduce((sum, { keptBytes }) => sum + keptBytes, 0) / count;
  let above = 0;
  let below = 0;
  for (const { ageMs, keptBytes } of samples) {
    above += (ageMs - meanAge) * (keptBytes - meanBytes);
    below += (ageMs - meanAge) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

function describeMemory(report: ChaosReport): string {
  const { largest, slope, lifeMs } = memoryOf(report);
  return `at most ${megabytes(largest)} MB resident; kept after collections: ${slope < 0 ? '−' : '+'}${megabytes(Math.abs(slope))} MB a minute in the longest life (${(lifeMs / 1000).toFixed(0)} s, warm)`;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function ms(value: number): string {
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function seconds(millis: number): string {
  return (millis / 1000).toFixed(1);
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
