/** What is left of an event whose words are erased: its place (ERA-03). */
import type { EventContent } from '../models/content.js';
import { EMPTY } from '../models/json.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import { erasedKey } from '../store/erased-key.js';

/** Shared by all of them. */
const METADATA = Object.freeze({ deleted: true, erased: true });
const NOTHING: EventContent = Object.freeze({ type: 'text', body: '' });

/** `participantId`: who is said to have written it; absent where nobody is named. */
export function tombstone(event: RoomEvent, participantId: string | undefined): RoomEvent {
  const { channelId, channelType, direction, provider } = event.source;
  const left: RoomEventDraft = {
    id: event.id,
    roomId: event.roomId,
    type: event.type,
    source: {
      channelId,
      channelType,
      direction,
      rawPayload: EMPTY,
      ...(participantId !== undefined && { participantId }),
      ...(provider !== undefined && { provider }),
    },
    content: emptied(event.content),
    status: event.status,
    visibility: event.visibility,
    index: event.index,
    chainDepth: event.chainDepth,
    createdAt: event.createdAt,
    metadata: METADATA,
    channelData: EMPTY,
  };
  if (event.blockedBy !== undefined) left.blockedBy = event.blockedBy;
  if (event.parentEventId !== undefined) left.parentEventId = event.parentEventId;
  if (event.correlationId !== undefined) left.correlationId = event.correlationId;
  if (event.addressedTo !== undefined) left.addressedTo = event.addressedTo;
  if (event.responseVisibility !== undefined) left.responseVisibility = event.responseVisibility;
  if (event.idempotencyKey !== undefined) left.idempotencyKey = erasedKey(event.idempotencyKey);
  return left;
}

export function isTombstone(event: RoomEvent): boolean {
  return event.metadata['erased'] === true;
}

/** An edit and a delete say what they were about, and nothing else. */
function emptied(content: EventContent): EventContent {
  if (content.type === 'edit') return { type: 'edit', targetEventId: content.targetEventId, newContent: NOTHING };
  if (content.type === 'delete') return { type: 'delete', targetEventId: content.targetEventId, deleteType: content.deleteType };
  return NOTHING;
}
