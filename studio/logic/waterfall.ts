/**
 * Where the time of an event went, as bars on one axis: waiting for the lock, hooks, the commit, what the agent's turn did,
 * and every attempt to deliver. All times are milliseconds after the message came in.
 */
import { channelName, type Names } from './names.js';
import { milliseconds } from './time.js';
import { costOf, isFailed } from './turns.js';
import type { DecisionTrace, TurnStepTrace } from '../types.js';

export type BarKind = 'wait' | 'hook' | 'commit' | 'generation' | 'tool' | 'delivery';

export interface Bar {
  readonly kind: BarKind;
  readonly label: string;
  readonly from: number;
  readonly ms: number;
  /** When the first token came. */
  readonly mark?: number;
  /** What it ended with, when that is not success. */
  readonly failed?: string;
  /** What hovering says. */
  readonly about: string;
}

export interface Waterfall {
  readonly bars: readonly Bar[];
  readonly totalMs: number;
  readonly ticks: readonly number[];
  /** From the message to the first token of the first answer. */
  readonly firstTokenMs: number | undefined;
  readonly tokens: Readonly<Record<string, number>>;
  /** Of all generations; undefined when a price is missing for one of them. */
  readonly cost: number | undefined;
}

/** The trace of an event, and of an answer it caused when that is what is looked at. */
export function layOut(trace: DecisionTrace, names: Names, reply?: { readonly trace: DecisionTrace; readonly channelId: string }): Waterfall {
  const began = Date.parse(trace.startedAt);
  const steps = trace.turnSteps.filter(({ channelId }) => reply === undefined || channelId === reply.channelId);
  const bars = [
    ...passBars(trace, 0),
    ...waitBars(trace, steps, began, names),
    ...steps.map((step) => stepBar(step, began, names, steps)),
    ...(reply === undefined ? deliveryBars(trace, began, names, passEnd(trace, 0)) : []),
    ...(reply === undefined ? [] : replyBars(reply.trace, began, names)),
  ].sort((a, b) => a.from - b.from);
  const totalMs = Math.max(1, ...bars.map(({ from, ms }) => from + ms));
  const firsts = bars.flatMap(({ mark }) => (mark === undefined ? [] : [mark]));
  return {
    bars: bars.map((bar) => ({ ...bar, about: `${bar.about} · ${milliseconds(bar.ms)} · ${share(bar.ms, totalMs)}` })),
    totalMs,
    ticks: ticksOf(totalMs),
    firstTokenMs: firsts.length === 0 ? undefined : Math.min(...firsts),
    tokens: sum(steps),
    cost: costOf(steps),
  };
}

function replyBars(trace: DecisionTrace, began: number, names: Names): Bar[] {
  const offset = Date.parse(trace.startedAt) - began;
  return [...passBars(trace, offset), ...deliveryBars(trace, began, names, passEnd(trace, offset))];
}

/** Clocks tell whole milliseconds, hooks are timed more finely: the commit is never before the hooks are done. */
function passEnd(trace: DecisionTrace, offset: number): number {
  return offset + Math.max(trace.commitMs, trace.lockWaitMs + trace.hooks.reduce((total, { ms }) => total + ms, 0));
}

/** From the call to the commit. What is neither waiting nor a hook is the kit's own work: routing, people, the store. */
function passBars(trace: DecisionTrace, offset: number): Bar[] {
  const bars: Bar[] = [];
  let at = offset;
  if (trace.lockWaitMs >= 0.1) {
    bars.push({ kind: 'wait', label: 'wait for lock', from: at, ms: trace.lockWaitMs, about: 'Another message of the room was being decided' });
    at += trace.lockWaitMs;
  }
  for (const { hook, ms, verdict, trigger } of trace.hooks) {
    const failed = verdict === 'allow' || verdict === 'modify' ? undefined : verdict;
    bars.push({ kind: 'hook', label: hook, from: at, ms, about: `${trigger}: ${verdict}`, ...(failed !== undefined && { failed }) });
    at += ms;
  }
  const rest = Math.max(0, offset + trace.commitMs - at);
  bars.push({ kind: 'commit', label: 'route, commit', from: at, ms: rest, about: 'Routing, people, the plan and the write to the store' });
  return bars;
}

/** Of turns that waited for their agent, until the first thing they did. */
function waitBars({ turnDecisions }: DecisionTrace, steps: readonly TurnStepTrace[], began: number, names: Names): Bar[] {
  return turnDecisions.flatMap(({ decision, at, turnId, channelId }) => {
    const first = steps.find((step) => step.turnId === turnId);
    if (decision !== 'queued' || first === undefined) return [];
    const from = Math.max(0, Date.parse(at) - began);
    const ms = Math.max(0, Date.parse(first.startedAt) - began - from);
    return [{ kind: 'wait' as const, label: 'wait for turn', from, ms, about: `${channelName(names, channelId)} was busy` }];
  });
}

function stepBar(step: TurnStepTrace, began: number, names: Names, steps: readonly TurnStepTrace[]): Bar {
  const from = Math.max(0, Date.parse(step.startedAt) - began);
  const failed = isFailed(step.code) ? step.code : undefined;
  const common = { from, ms: step.ms, ...(failed !== undefined && { failed }) };
  const who = channelName(names, step.channelId);
  if (step.kind === 'tool') return { kind: 'tool', label: step.name, about: `Tool of ${who}`, ...common };
  const own = steps.filter(({ kind, channelId }) => kind === 'generation' && channelId === step.channelId);
  const agents = new Set(steps.map(({ channelId }) => channelId));
  const number = own.length > 1 ? ` ${own.indexOf(step) + 1}` : '';
  return {
    kind: 'generation',
    label: agents.size > 1 ? `${who}${number}` : `generate${number}`,
    about: [`${who}, ${step.name}`, tokensOf(step), step.cost !== undefined && `cost ${money(step.cost)}`].filter(Boolean).join(' · '),
    ...(step.firstTokenMs !== undefined && { mark: from + step.firstTokenMs }),
    ...common,
  };
}

function tokensOf({ tokens }: TurnStepTrace): string {
  const input = tokens?.['input_tokens'];
  const output = tokens?.['output_tokens'];
  return input === undefined && output === undefined ? '' : `${input ?? 0} tokens in, ${output ?? 0} out`;
}

function deliveryBars(trace: DecisionTrace, began: number, names: Names, earliest: number): Bar[] {
  const attempts = new Map<string, number>();
  for (const { channelId } of trace.deliveries) attempts.set(channelId, (attempts.get(channelId) ?? 0) + 1);
  return trace.deliveries
    .filter(({ code }) => code !== 'skipped')
    .map(({ channelId, attempt, startedAt, ms, code }) => {
      const isGood = code === 'sent' || code === 'queued';
      const again = (attempts.get(channelId) ?? 0) > 1 ? ` ${attempt}` : '';
      return {
        kind: 'delivery' as const,
        label: `to ${channelName(names, channelId)}${again}`,
        from: Math.max(earliest, Date.parse(startedAt) - began),
        ms,
        about: `Attempt ${Math.max(1, attempt)}: ${code}`,
        ...(!isGood && { failed: code }),
      };
    });
}

function share(ms: number, totalMs: number): string {
  const percent = (ms / totalMs) * 100;
  return percent < 1 ? '< 1 %' : `${Math.round(percent)} %`;
}

function sum(steps: readonly TurnStepTrace[]): Record<string, number> {
  const tokens: Record<string, number> = {};
  for (const step of steps) for (const [kind, count] of Object.entries(step.tokens ?? {})) tokens[kind] = (tokens[kind] ?? 0) + count;
  return tokens;
}

/** `0.0042`, `1.25`: two digits that count, and no more places than money has above one. */
export function money(cost: number): string {
  if (cost === 0) return '0';
  return cost >= 1 ? cost.toFixed(2) : String(Number(cost.toPrecision(2)));
}

/** Three to five round figures from 0 to the end. */
export function ticksOf(totalMs: number): number[] {
  const rough = totalMs / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let at = 0; at <= totalMs * 1.0001; at += step) ticks.push(at);
  return ticks;
}
