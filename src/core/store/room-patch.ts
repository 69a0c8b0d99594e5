/** What a commit makes of its room: counters, and what it changes besides. */
import type { Room } from '../models/room.js';
import { mergeMetadata } from './metadata.js';
import type { RoomPatch } from './store.js';

/** The room after a commit: counters, and what the commit changes besides. For stores; a new object. */
export function patchedRoom(room: Room, patch: RoomPatch | undefined, index: number, at: string): Room {
  const next: { -readonly [Field in keyof Room]: Room[Field] } = { ...room };
  next.latestIndex = index;
  next.eventCount = room.eventCount + 1;
  next.version = room.version + 1;
  next.updatedAt = at;
  if (patch === undefined) return next;
  if (
    patch.lastActivityAt !== undefined &&
    (room.timers.inactiveAfterSeconds !== undefined || room.timers.closedAfterSeconds !== undefined || room.timers.lastActivityAt !== undefined)
  ) {
    next.timers = { ...room.timers, lastActivityAt: patch.lastActivityAt };
  }
  if (patch.status !== undefined) next.status = patch.status;
  if (patch.closedAt === null) delete next.closedAt;
  else if (patch.closedAt !== undefined) next.closedAt = patch.closedAt;
  if (patch.metadata !== undefined) next.metadata = mergeMetadata(room.metadata, patch.metadata);
  return next;
}
