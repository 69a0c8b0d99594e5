/** What every store does alike with an event. */
import { ConflictError } from '../errors.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import { freezeJson } from '../models/json.js';

/** The draft itself, frozen to the bottom: from here on it is a snapshot that is shared freely (STO-06). */
export function frozenEvent(draft: RoomEventDraft): RoomEvent {
  // Field by field, because most drafts come with all of these frozen: then this costs a look at each.
  freezeJson(draft.source);
  freezeJson(draft.content);
  freezeJson(draft.metadata);
  freezeJson(draft.channelData);
  if (draft.addressedTo !== undefined) freezeJson(draft.addressedTo);
  return Object.freeze(draft);
}

/** What a store throws when more of a room has changed than a commit expects. */
export function roomChanged(roomId: string): ConflictError {
  return new ConflictError(
    `Room '${roomId}', its bindings or its participants were changed since they were read. Read the room again and repeat the call.`,
  );
}

/** What a store throws when `updateEvent` would give an event the key of another one (STO-03). */
export function keyTaken(roomId: string, key: string): ConflictError {
  return new ConflictError(`Another event of room '${roomId}' has the idempotency key '${key}'. Keys are unique in a room; choose another one.`, {
    retryable: false,
  });
}
