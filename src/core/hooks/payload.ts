/** What a hook may put in a payload's place (HK-05): the same type, and of an event everything but its identity. */
import { ValidationError } from '../errors.js';
import { toContent } from '../models/content-validation.js';
import type { DeleteContent, EditContent, EventContent } from '../models/content.js';
import { copyOfEvent, type RoomEvent } from '../models/event.js';
import { freezeJson, frozenMap } from '../models/json.js';
import type { HookTrigger, PayloadShape } from './triggers.js';

export function checkModifiedPayload(trigger: HookTrigger, shape: PayloadShape, before: unknown, after: unknown): unknown {
  switch (shape) {
    case 'string':
      if (typeof after === 'string') return after;
      break;
    case 'string_or_object':
      if (typeof after === 'string') return isObject(before) ? Object.freeze({ ...before, text: after }) : after;
      if (isObject(after)) return Object.freeze(after);
      break;
    case 'object':
      if (isObject(after)) return freezeJson(after);
      break;
    case 'event':
      if (isObject(after) && isObject(before)) {
        // The engine only ever passes a RoomEvent to triggers of this shape.
        return checkEvent(before as unknown as RoomEvent, after as unknown as RoomEvent);
      }
      break;
  }
  throw new ValidationError(`HookResult.modify on ${trigger} must give the same type of payload (${shape}); it gave ${typeof after}.`);
}

function checkEvent(before: RoomEvent, after: RoomEvent): RoomEvent {
  for (const field of ['id', 'roomId', 'index', 'createdAt', 'chainDepth', 'type'] as const) {
    if (after[field] !== before[field]) {
      throw new ValidationError(`A hook cannot change '${field}' of an event. Modify its content, metadata or visibility.`);
    }
  }
  const source = after.source;
  if (
    source !== before.source &&
    (source?.channelId !== before.source.channelId ||
      source.channelType !== before.source.channelType ||
      source.direction !== before.source.direction ||
      source.participantId !== before.source.participantId)
  ) {
    throw new ValidationError('A hook cannot change who an event is from. Modify its content, metadata or visibility.');
  }
  const content = after.content === before.content ? before.content : toContent(after.content);
  if (content.type !== before.content.type && (isChange(content) || isChange(before.content))) {
    throw new ValidationError(`A hook cannot make a ${content.type} of a ${before.content.type}. Block the event, or modify what it says.`);
  }
  if (isChange(content) && isChange(before.content) && content.targetEventId !== before.content.targetEventId) {
    throw new ValidationError('A hook cannot turn an edit or delete to another event. Block it, or modify what it says.');
  }
  if (typeof after.visibility !== 'string') throw new ValidationError("An event's visibility is a string such as 'all' or a channel id.");
  const checked = copyOfEvent(after);
  checked.source = before.source;
  checked.content = content;
  checked.metadata = after.metadata === before.metadata ? before.metadata : frozenMap(after.metadata);
  return Object.freeze(checked);
}

/** Edits and deletes: who may make them was decided before hooks ran (§13). */
function isChange(content: EventContent): content is EditContent | DeleteContent {
  return content.type === 'edit' || content.type === 'delete';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object';
}
