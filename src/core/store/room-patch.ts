/** What a commit makes of its room: counters, and what it changes besides. */
import type { Room } from '../models/room.js';
import { mergeMetadata } from './metadata.js';
import type { RoomPatch } from './store.js';

/** The room after a commit: counters, and what the commit changes besides. For stores; a new object. */
export function patchedRoom(room: Room, patch: RoomPatch | undefined, index: number, at: string): Room {
  const next = countedOn(room, index, at);
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

type MutableRoom = { -readonly [Field in keyof Room]: Room[Field] };

/** Field by field: rooms are frozen, and spreading a frozen object takes ten times as long. It is done for every event. */
function countedOn(room: Room, latestIndex: number, updatedAt: string): MutableRoom {
  const { id, organizationId, status, createdAt, closedAt, timers, metadata, aiConfig, agentResponsePolicy, collision } = room;
  const next: MutableRoom = {
    id,
    status,
    createdAt,
    updatedAt,
    timers,
    metadata,
    agentResponsePolicy,
    eventCount: room.eventCount + 1,
    latestIndex,
    version: room.version + 1,
  };
  if (organizationId !== undefined) next.organizationId = organizationId;
  if (closedAt !== undefined) next.closedAt = closedAt;
  if (aiConfig !== undefined) next.aiConfig = aiConfig;
  if (collision !== undefined) next.collision = collision;
  return next;
}
