/** What becomes of a message's turn before its agent is asked, and how it ends, for the decision trace (TEL-07). */
import type { TurnDecisionTrace } from '../models/trace.js';
import type { KitParts } from '../parts.js';
import type { TurnOutcome } from './outcome.js';
import type { TurnWork } from './turn-work.js';

type Why = Pick<TurnDecisionTrace, 'reason' | 'mergedInto' | 'answeredWith' | 'interruptedBy'>;

export function noteTurn(
  parts: KitParts,
  { row, trigger, collision }: Pick<TurnWork, 'row' | 'trigger' | 'collision'>,
  decision: TurnDecisionTrace['decision'],
  why: Why = {},
): void {
  const record = parts.traces.enabled ? parts.traces.find(trigger.id) : undefined;
  record?.addTurnDecision({ channelId: row.channelId, turnId: row.id, decision, policy: collision.policy, ...why }, parts.clock.now());
}

export function noteEnd(parts: KitParts, { row, trigger, running }: TurnWork, outcome: TurnOutcome): void {
  if (!parts.traces.enabled || outcome.state === 'queued' || outcome.state === 'waiting') return; // it goes on later, and ends then
  const record = running === undefined ? parts.traces.find(trigger.id) : running.record;
  record?.addTurnEnd({ channelId: row.channelId, turnId: row.id, atMs: parts.clock.now(), outcome });
}
