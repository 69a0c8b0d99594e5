/** A message that says what it answers (`repliesTo`) hangs below that event, where the room knows it (INB-30). */
import type { InboundMessage } from '../models/delivery.js';
import type { EventDraft } from '../models/event.js';
import type { Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { eventIdOf } from '../rooms/own-messages.js';
import { MAX_REPLIES_TO } from './router.js';

/** The draft with its parent; as it is where it has one, answers nothing, or nothing of it is of this room. */
export function quotedParent(parts: KitParts, roomId: string, message: InboundMessage, draft: EventDraft): Awaitable<EventDraft> {
  const { repliesTo } = message;
  if (repliesTo === undefined || repliesTo.length === 0 || (draft.parentEventId ?? message.parentEventId) !== undefined) return draft;
  if (!isMessage(message, draft)) return draft;
  return found(parts, roomId, draft, repliesTo);
}

function isMessage(message: InboundMessage, { type, content }: EventDraft): boolean {
  if (typeof content !== 'string' && (content.type === 'edit' || content.type === 'delete')) return false;
  return (type ?? message.eventType ?? 'message') === 'message';
}

async function found(parts: KitParts, roomId: string, draft: EventDraft, repliesTo: readonly string[]): Promise<EventDraft> {
  const { channelId } = draft.source;
  const channel = parts.channels.get(channelId)?.channel;
  if (channel === undefined) return draft;
  for (const id of repliesTo.slice(0, MAX_REPLIES_TO)) {
    const known = (await eventIdOf(parts, channel, roomId, id)) ?? (await sentOver(parts, channelId, roomId, id));
    if (known !== undefined) return { ...draft, parentEventId: known };
  }
  return draft;
}

/** Ids of our own mails are made of the ids of events (EM-03). */
async function sentOver(parts: KitParts, channelId: string, roomId: string, eventId: string): Promise<string | undefined> {
  const [row] = await parts.store.listRows({ roomId, channelId, eventId, limit: 1 });
  return row?.eventId;
}
