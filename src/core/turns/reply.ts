/** A reply as an event: one deeper than its trigger, of the same cascade, as visible as the trigger wants (BC-04…06). */
import { toContent } from '../models/content-validation.js';
import type { EventDraft, RoomEvent } from '../models/event.js';
import { EMPTY, EMPTY_LIST, frozenMap } from '../models/json.js';
import type { EventFields } from '../pipeline/event-draft.js';
import { typeOf } from '../pipeline/inbound.js';
import type { RoomState } from '../store/store.js';
import type { TurnWork } from './turn-work.js';

export function replyFields(work: TurnWork, state: RoomState, draft: EventDraft, idempotencyKey: string | undefined): EventFields {
  const trigger = work.trigger;
  const content = Object.isFrozen(draft.content) ? draft.content : toContent(draft.content);
  return {
    roomId: state.room.id,
    type: typeOf(content.type, draft.type),
    source: Object.isFrozen(draft.source) ? draft.source : Object.freeze({ ...draft.source, rawPayload: frozenMap(draft.source.rawPayload) }),
    content,
    visibility: trigger.responseVisibility ?? draft.visibility ?? 'all',
    chainDepth: trigger.chainDepth + 1,
    metadata: work.triggers === undefined ? frozenMap(draft.metadata) : withAnswers(draft.metadata, work.triggers),
    channelData: draft.channelData === undefined ? EMPTY : Object.freeze(draft.channelData),
    parentEventId: draft.parentEventId ?? (work.triggers?.at(-1) ?? trigger).id,
    correlationId: trigger.correlationId ?? trigger.id,
    idempotencyKey: draft.idempotencyKey ?? idempotencyKey,
    addressedTo: draft.addressedTo,
    responseVisibility: draft.responseVisibility ?? trigger.responseVisibility,
  };
}

/** Which messages it answers, where that is more than one (COL-02). */
function withAnswers(metadata: EventDraft['metadata'], triggers: readonly RoomEvent[]): EventFields['metadata'] {
  return Object.freeze({ ...metadata, answers: Object.freeze(triggers.map(({ id }) => id)) });
}

/** What the turn has said before it waited for people. */
export function saidBefore({ row }: Pick<TurnWork, 'row'>): readonly string[] {
  return row.suspended?.replyEventIds ?? EMPTY_LIST;
}

/** The key of what is said before the turn waits: never that of a reply that ends a turn, which another attempt may come to. */
export function waitingKey({ row }: Pick<TurnWork, 'row'>, position: number): string {
  return `${row.id}:waiting:${position}`;
}
