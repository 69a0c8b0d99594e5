/** Edits and deletes (behaviour §13): who may change what, and what the commit does to the target. */
import { isoTime } from '../clock.js';
import type { EventContent } from '../models/content.js';
import type { InboundMessage } from '../models/delivery.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { EventCommit, RoomState } from '../store/store.js';
import { contextOf } from '../rooms/history.js';
import type { Section } from './section.js';

export interface EditVerdict {
  /** Why nothing happens; nothing is stored then. */
  readonly refused?: string;
  readonly target?: NonNullable<EventCommit['target']>;
  /** The target's place. */
  readonly index?: number;
  /** Notices for the changed event, once the lock is free (EDT-05). */
  readonly afterCommit?: (section: Section, changed: RoomEvent, state: RoomState) => void;
}

const PENDING_SECONDS = 600;
const MAX_PENDING = 20;

export async function applyEditRules(
  parts: KitParts,
  state: RoomState,
  draft: RoomEventDraft,
  message: InboundMessage | undefined,
): Promise<EditVerdict> {
  const content = draft.content;
  if (content.type !== 'edit' && content.type !== 'delete') return {};
  const target = await findTarget(parts, state.room.id, draft.source.channelId, content.targetEventId);
  if (target === null) {
    if (message !== undefined && draft.source.externalId === undefined && message.metadata?.['target_external_id'] === undefined) {
      return { refused: 'target_event_not_found' };
    }
    if (message === undefined) return { refused: 'target_event_not_found' };
    await hold(parts, draft, message, content.targetEventId);
    return { refused: 'target_pending' };
  }
  if (target.roomId !== state.room.id || target.status === 'blocked' || target.metadata['deleted'] === true) {
    return { refused: 'target_event_not_found' };
  }
  if (!mayChange(state, draft, target, content.type === 'edit' ? content.editSource : content.deleteType)) {
    return { refused: 'not_original_author' };
  }
  const at = isoTime(parts.clock.now());
  const effect: NonNullable<EventCommit['target']> =
    content.type === 'edit'
      ? { eventId: target.id, content: content.newContent, metadata: { edited: true, edited_at: at } }
      : { eventId: target.id, metadata: { deleted: true, deleted_at: at } };
  const change = content.type === 'edit' ? 'updated' : 'deleted';
  // Whoever cannot see a message must not learn of it by its correction, and whoever saw it must (INV-06).
  draft.visibility = target.visibility;
  if (target.id !== content.targetEventId) draft.content = withTarget(content, target.id);
  return { target: effect, index: target.index, afterCommit: (section, changed, after) => tellChanged(parts, section, changed, change, after) };
}

/** The kit's own id, or the vendor's id of a message of the same channel. */
async function findTarget(parts: KitParts, roomId: string, channelId: string, targetId: string): Promise<RoomEvent | null> {
  const own = await parts.store.getEvent(roomId, targetId);
  if (own !== null) return own;
  const external = await parts.store.getEventByExternalId(channelId, targetId);
  return external !== null && external.roomId === roomId ? external : null;
}

function withTarget(content: EventContent, targetEventId: string): EventContent {
  return content.type === 'edit' || content.type === 'delete' ? Object.freeze({ ...content, targetEventId }) : content;
}

/** Authority comes from bindings and roles, never from the payload (EDT-02, EDT-03, PERM-08). */
function mayChange(state: RoomState, draft: RoomEventDraft, target: RoomEvent, claimed: string | undefined): boolean {
  const actor = draft.source.participantId;
  switch (claimed) {
    case 'system':
      return draft.source.channelType === 'system';
    case 'admin': {
      const owner = state.participants.find((participant) => participant.id === actor);
      return owner !== undefined && owner.role === 'owner' && owner.identification === 'identified' && owner.status === 'active';
    }
    default:
      return actor !== undefined && target.source.participantId !== undefined && actor === target.source.participantId;
  }
}

/** Vendors reorder: an edit may overtake its message. It waits ten minutes for it (EDT-06). */
async function hold(parts: KitParts, draft: RoomEventDraft, message: InboundMessage, targetId: string): Promise<void> {
  const now = parts.clock.now();
  const { session: _session, ...stored } = message;
  await parts.store.holdMessage(
    {
      id: parts.ids.next(),
      kind: 'edit',
      key: pendingKey(draft.source.channelId, targetId),
      roomId: draft.roomId,
      message: stored,
      heldAt: isoTime(now),
      expiresAt: isoTime(now + PENDING_SECONDS * 1000),
    },
    MAX_PENDING,
  );
}

export function pendingKey(channelId: string, externalId: string): string {
  return `${channelId}\u0000${externalId}`;
}

/** Hooks and channels hear of a changed event, outside the lock. */
export function tellChanged(parts: KitParts, section: Section, changed: RoomEvent, change: 'updated' | 'deleted', state: RoomState): void {
  parts.rooms.peek(changed.roomId)?.dropTail();
  section.defer(() => {
    if (change === 'deleted') parts.media?.forget(changed);
    parts.wire.changed(changed, change);
    const trigger = change === 'updated' ? 'on_event_updated' : 'on_event_deleted';
    if (parts.hooks.has(trigger, changed.roomId)) {
      void parts.tasks.run(() =>
        parts.hooks.notice(trigger, changed, { roomId: changed.roomId, source: changed.source, context: () => contextOf(state) }),
      );
    }
    for (const binding of state.bindings) {
      const channel = parts.channels.get(binding.channelId)?.channel;
      const onEventChanged = channel?.onEventChanged?.bind(channel);
      if (onEventChanged === undefined) continue;
      void parts.tasks.run(async () => {
        try {
          await onEventChanged(changed, change, binding);
        } catch (error) {
          parts.logger.warn('A channel failed to take a changed event.', { channelId: binding.channelId, error });
        }
      });
    }
  });
}
