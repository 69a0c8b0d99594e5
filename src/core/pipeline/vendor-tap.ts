/**
 * A vendor says which of its messages a tapped button was under (`metadata.target_external_id`): the tap gets the event's id, and
 * of the button what the vendor had no room for, its value or the end of its id (§3.1).
 */
import type { Button, EventContent, QuickReply } from '../models/content.js';
import type { EventDraft } from '../models/event.js';
import type { Awaitable, Metadata } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { eventIdOf } from '../rooms/own-messages.js';

type Choice = Exclude<QuickReply, string> | Button;

export function vendorTap(parts: KitParts, roomId: string, draft: EventDraft, metadata: Metadata): Awaitable<EventDraft> {
  const action = metadata['action'];
  const target = metadata['target_external_id'];
  const channel = parts.channels.get(draft.source.channelId)?.channel;
  if (typeof target !== 'string' || !isAction(action) || channel === undefined) return draft;
  return completed(parts, roomId, draft, metadata, action, eventIdOf(parts, channel, roomId, target));
}

interface Action {
  readonly id: string;
  readonly value?: unknown;
}

function isAction(value: unknown): value is Action {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' && !('source_event_id' in value);
}

async function completed(
  parts: KitParts,
  roomId: string,
  draft: EventDraft,
  metadata: Metadata,
  action: Action,
  finding: Promise<string | undefined>,
): Promise<EventDraft> {
  const eventId = await finding;
  const event = eventId === undefined ? null : await parts.store.getEvent(roomId, eventId);
  if (event === null) return draft;
  const choice = meant(choicesIn(event.content), action.id);
  const tapped = {
    ...action,
    ...(choice !== undefined && { id: choice.id }),
    ...(choice?.value !== undefined && action.value === undefined && { value: choice.value }),
    source_event_id: event.content.type === 'edit' ? event.content.targetEventId : event.id,
  };
  return { ...draft, metadata: { ...metadata, action: Object.freeze(tapped) } };
}

/** By its whole id, else by how it begins, when only one begins so. */
function meant(choices: readonly Choice[], id: string): Choice | undefined {
  const whole = choices.find((choice) => choice.id === id);
  if (whole !== undefined) return whole;
  const begun = choices.filter((choice) => choice.id.startsWith(id));
  return begun.length === 1 ? begun[0] : undefined;
}

function choicesIn(content: EventContent): readonly Choice[] {
  switch (content.type) {
    case 'rich': {
      const replies = (content.quickReplies ?? []).map((reply) => (typeof reply === 'string' ? { id: reply, label: reply } : reply));
      return [...(content.buttons ?? []), ...(content.cards ?? []).flatMap((card) => card.buttons ?? []), ...replies];
    }
    case 'composite':
      return content.parts.flatMap(choicesIn);
    case 'edit':
      return choicesIn(content.newContent);
    default:
      return [];
  }
}
