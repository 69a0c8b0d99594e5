/** The telemetry span of a turn, from its beginning in its lane to its end; each leg of one that waits for people has its own (TEL-04). */
import { GenAIAttribute } from '../telemetry/gen-ai.js';
import type { Tracer } from '../telemetry/tracer.js';
import type { TurnOutcome } from './outcome.js';
import type { TurnWork } from './turn-work.js';

export function startTurnSpan(tracer: Tracer, work: TurnWork): void {
  const { row, trigger, cascade } = work;
  const parentId = work.causeSpan ?? cascade.span;
  work.span = tracer.start('framework.turn', 'turn', {
    ...(parentId === undefined ? { stored: row.trace } : { parentId }),
    roomId: row.roomId,
    channelId: row.channelId,
    attributes: {
      turn_id: row.id,
      event_id: trigger.id,
      attempt: Math.max(1, row.attempts),
      [GenAIAttribute.OPERATION_NAME]: 'invoke_agent',
      [GenAIAttribute.AGENT_NAME]: row.channelId,
      [GenAIAttribute.CONVERSATION_ID]: row.roomId,
    },
  });
}

export function endTurnSpan(tracer: Tracer, work: TurnWork, { state, endReason, error }: TurnOutcome): void {
  const attributes = { state, ...(endReason !== undefined && { end_reason: endReason }) };
  tracer.end(work.span, error === undefined ? { status: 'ok', attributes } : { status: 'error', errorMessage: error.code, attributes });
}
