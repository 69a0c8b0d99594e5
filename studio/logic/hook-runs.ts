/** What one hook decided about the events whose traces are known, and how long it took. */
import type { DecisionTrace, WireEvent } from '../types.js';

type HookTrace = DecisionTrace['hooks'][number];

export interface HookRun {
  readonly event: WireEvent;
  readonly verdict: HookTrace['verdict'];
  readonly trigger: string;
  readonly reason: string | undefined;
  readonly ms: number;
}

export interface HookRuns {
  /** Newest first. */
  readonly runs: readonly HookRun[];
  /** Verdict → how often, the most frequent first. */
  readonly counts: readonly (readonly [HookTrace['verdict'], number])[];
  readonly medianMs: number;
  readonly slowest: HookRun | undefined;
}

export function runsOf(hook: string, events: readonly WireEvent[], traces: ReadonlyMap<string, DecisionTrace | null>): HookRuns {
  const runs: HookRun[] = [];
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at];
    const trace = event === undefined ? undefined : traces.get(event.id);
    if (event === undefined || trace == null) continue;
    for (const one of trace.hooks)
      if (one.hook === hook) runs.push({ event, verdict: one.verdict, trigger: one.trigger, reason: one.reason, ms: one.ms });
  }
  const counts = new Map<HookTrace['verdict'], number>();
  for (const { verdict } of runs) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const byTime = [...runs].sort((a, b) => a.ms - b.ms);
  return {
    runs,
    counts: [...counts].sort(([, a], [, b]) => b - a),
    medianMs: byTime[Math.floor((byTime.length - 1) / 2)]?.ms ?? 0,
    slowest: byTime.at(-1),
  };
}
