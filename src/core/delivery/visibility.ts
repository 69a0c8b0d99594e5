/** Who may see what (behaviour §7): the one rule for delivery, history, memory, replay and streams. */
import type { ChannelBinding } from '../models/binding.js';
import type { RoomEvent } from '../models/event.js';
import type { ChannelCategory } from '../models/vocabulary.js';

/** Whether the binding may read at all (PERM-01): its access reads and it is not a channel that only produces. */
export function canRead(binding: Pick<ChannelBinding, 'access' | 'direction'>): boolean {
  return (binding.access === 'read_write' || binding.access === 'read_only') && binding.direction !== 'outbound';
}

/** Whether what the binding says may enter the timeline as heard (PERM-02). */
export function canWrite(binding: Pick<ChannelBinding, 'access'>): boolean {
  return binding.access === 'read_write' || binding.access === 'write_only';
}

/** Whether an event of this visibility reaches this channel (PERM-06). */
export function isVisibleTo(visibility: string, channelId: string, category: ChannelCategory): boolean {
  switch (visibility) {
    case 'all':
      return true;
    case 'none':
    case 'internal':
      return false;
    case 'transport':
    case 'intelligence':
      return visibility === category;
    default:
      if (visibility === channelId) return true;
      return visibility.includes(',') && visibility.split(',').some((id) => id.trim() === channelId);
  }
}

/**
 * Whether a reader may see a stored event (PERM-07): always its own; else what was not blocked or deleted, is visible
 * to it, and it may read.
 */
export function canSeeEvent(event: RoomEvent, reader: Pick<ChannelBinding, 'channelId' | 'category' | 'access' | 'direction'>): boolean {
  if (event.status === 'blocked' || event.metadata['deleted'] === true) return false;
  if (event.source.channelId === reader.channelId) return true;
  return canRead(reader) && isVisibleTo(event.visibility, reader.channelId, reader.category);
}
