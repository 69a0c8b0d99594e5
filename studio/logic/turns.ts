/** The turns an event caused, put together from its trace: what became of each before it began, its steps, and its end. */
import type { DecisionTrace, TurnDecisionTrace, TurnEndTrace, TurnRow, TurnStepTrace } from '../types.js';

export interface Turn {
  readonly turnId: string;
  readonly channelId: string;
  readonly decisions: readonly TurnDecisionTrace[];
  readonly steps: readonly TurnStepTrace[];
  readonly end: TurnEndTrace | undefined;
  /** From the first thing it did to the last. */
  readonly ms: number | undefined;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Undefined when a price is missing for one of its generations. */
  readonly cost: number | undefined;
}

/** In the order they were first heard of; of one agent when `channelId` names it. */
export function turnsOf(trace: Pick<DecisionTrace, 'turnDecisions' | 'turnSteps' | 'turnEnds'>, channelId?: string): Turn[] {
  const ids = new Map<string, string>();
  for (const one of [...trace.turnDecisions, ...trace.turnSteps, ...trace.turnEnds]) {
    if (channelId === undefined || one.channelId === channelId) ids.set(one.turnId, one.channelId);
  }
  return [...ids].map(([turnId, agent]) => {
    const steps = trace.turnSteps.filter((step) => step.turnId === turnId);
    return {
      turnId,
      channelId: agent,
      decisions: trace.turnDecisions.filter((decision) => decision.turnId === turnId),
      steps,
      // Of one that was run again after a crash, the last word holds.
      end: trace.turnEnds.findLast((end) => end.turnId === turnId),
      ms: spanOf(steps),
      tokens: { input: sumOf(steps, 'input_tokens'), output: sumOf(steps, 'output_tokens') },
      cost: costOf(steps),
    };
  });
}

export function spanOf(steps: readonly TurnStepTrace[]): number | undefined {
  if (steps.length === 0) return undefined;
  const from = Math.min(...steps.map(({ startedAt }) => Date.parse(startedAt)));
  return Math.max(...steps.map(({ startedAt, ms }) => Date.parse(startedAt) + ms)) - from;
}

function sumOf(steps: readonly TurnStepTrace[], kind: string): number {
  return steps.reduce((sum, { tokens }) => sum + (tokens?.[kind] ?? 0), 0);
}

export function costOf(steps: readonly TurnStepTrace[]): number | undefined {
  let total: number | undefined;
  for (const { kind, tokens, cost } of steps) {
    if (kind !== 'generation' || tokens === undefined) continue; // a generation that failed has used nothing that is known
    if (cost === undefined) return undefined;
    total = (total ?? 0) + cost;
  }
  return total;
}

export interface Words {
  readonly text: string;
  readonly tone: 'ok' | 'wait' | 'fail' | 'quiet';
  /** The event the words end with. */
  readonly eventId?: string | undefined;
}

/** What became of a message whose agent was not free, and why. The event it names comes after the words. */
export function decisionWords({ decision, policy, reason, answeredWith, interruptedBy }: TurnDecisionTrace, agent: string): Words {
  switch (decision) {
    case 'queued':
      return reason === undefined ? { text: 'Waited for what may follow', tone: 'quiet' } : { text: `Waited: ${agent} was busy`, tone: 'quiet' };
    case 'merged':
      return { text: policy === 'steer' ? 'Read while answering' : 'Answered together with', tone: 'wait', eventId: answeredWith };
    case 'interrupted':
      return { text: 'Cut short by', tone: 'wait', eventId: interruptedBy };
    case 'waiting':
      return { text: 'Waits for a person to allow a tool', tone: 'wait' };
    case 'resumed':
      return { text: 'Went on with the answer', tone: 'quiet' };
    case 'rejected':
      return { text: reason === 'turn_queue_full' ? `Turned away: too many wait for ${agent}` : `Turned away: ${agent} was busy`, tone: 'fail' };
  }
}

const ENDS: Readonly<Record<string, Words>> = {
  completed: { text: 'answered', tone: 'ok' },
  empty: { text: 'said nothing', tone: 'quiet' },
  max_rounds: { text: 'answered, out of tool rounds', tone: 'wait' },
  truncated: { text: 'answered, cut at its longest', tone: 'wait' },
  force_stopped: { text: 'answered, made to stop', tone: 'wait' },
  timeout: { text: 'out of time', tone: 'fail' },
  budget_exceeded: { text: 'out of budget', tone: 'fail' },
  cancelled: { text: 'cancelled', tone: 'wait' },
  error: { text: 'failed', tone: 'fail' },
};

/** How it ended, in two words; undefined while it runs. */
export function endWords({ end, decisions }: Pick<Turn, 'end' | 'decisions'>): Words | undefined {
  if (end === undefined) {
    const last = decisions.at(-1)?.decision;
    if (last === 'waiting') return { text: 'waits for a person', tone: 'wait' };
    if (last === 'merged') return { text: 'merged', tone: 'wait' };
    if (last === 'rejected') return { text: 'turned away', tone: 'fail' };
    return last === 'interrupted' ? { text: 'interrupted', tone: 'wait' } : undefined;
  }
  if (end.reason === 'interrupted') return { text: 'interrupted', tone: 'wait' };
  if (end.state === 'expired') return { text: 'too late to begin', tone: 'fail' };
  return endOf(end.state, end.endReason, end.code ?? end.reason);
}

function endOf(state: TurnRow['state'], endReason: string | undefined, why: string | undefined): Words {
  const words = ENDS[endReason ?? ''] ?? { text: state.replaceAll('_', ' '), tone: state === 'committed' ? 'ok' : 'wait' };
  return why === undefined ? words : { ...words, text: `${words.text}: ${why}` };
}

/** What has become of a turn, as its row says. */
export function storedWords({ state, endReason, error }: Pick<TurnRow, 'state' | 'endReason' | 'error'>): Words {
  switch (state) {
    case 'queued':
      return { text: 'waits for its turn', tone: 'quiet' };
    case 'running':
      return { text: 'under way', tone: 'quiet' };
    case 'waiting':
      return { text: 'waits for a person', tone: 'wait' };
    case 'merged':
      return { text: 'merged', tone: 'wait' };
    case 'rejected':
      return { text: 'turned away', tone: 'fail' };
    case 'expired':
      return { text: 'too late to begin', tone: 'fail' };
    default:
      return endOf(state, endReason, error?.code);
  }
}

const RECOVERIES: Readonly<Record<NonNullable<TurnStepTrace['recovery']>, string>> = {
  retry: 'tried again',
  shorter: 'tried again with less history',
  fallback: 'the fallback took over',
};

/** Whether a step ended with anything but success; one that waits for a person has not ended. */
export function isFailed(code: string | undefined): code is string {
  return code !== undefined && code !== 'ok' && code !== 'waiting';
}

/** What a step failed with, and what was done about it. */
export function failureOf({ code, recovery }: TurnStepTrace): string | undefined {
  if (!isFailed(code)) return undefined;
  return recovery === undefined ? code : `${code}, ${RECOVERIES[recovery]}`;
}
