/** The telemetry span of a turn, from its beginning in its lane to its end; each leg of one that waits for people has its own (TEL-04). */
import { GenAIAttribute } from '../telemetry/gen-ai.js';
import { EMPTY_LIST } from '../models/json.js';
import type { SpanLink } from '../telemetry/provider.js';
import type { Tracer } from '../telemetry/tracer.js';
import type { TurnOutcome } from './outcome.js';
import type { TurnWork } from './turn-work.js';

export function startTurnSpan(tracer: Tracer, work: TurnWork): void {
  const { row, trigger, cascade } = work;
  const parentId = work.causeSpan ?? cascade.span;
  const links = [...linksTo(tracer, work.merged ?? EMPTY_LIST), ...(work.links ?? EMPTY_LIST)];
  work.span = tracer.start('framework.turn', 'turn', {
    ...(parentId === undefined ? { stored: row.trace } : { parentId }),
    ...(links.length > 0 && { links }),
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

/** Messages that it answers, too, from now on (TEL-10). */
export function linkTurnSpan(tracer: Tracer, work: TurnWork, joined: readonly TurnWork[]): void {
  for (const link of linksTo(tracer, joined)) tracer.link(work.span, link);
}

/** Where the messages of these turns have come from. */
function linksTo(tracer: Tracer, works: readonly TurnWork[]): readonly SpanLink[] {
  return works.flatMap(
    ({ causeSpan, cascade, row, trigger }) => tracer.linkTo(causeSpan ?? cascade.span, row.trace, { event_id: trigger.id }) ?? EMPTY_LIST,
  );
}

export function endTurnSpan(tracer: Tracer, work: TurnWork, { state, endReason, error }: TurnOutcome): void {
  const attributes = { state, ...(endReason !== undefined && { end_reason: endReason }) };
  tracer.end(work.span, error === undefined ? { status: 'ok', attributes } : { status: 'error', errorMessage: error.code, attributes });
}
