/** How a row of rooms, joined with its counters, becomes a room. */
import type { Room } from './core.js';

/** Events that came after the counters were written last: {@link roomOf} adds them. */
const LATER = 'FROM events WHERE events.room_id = rooms.id AND events.idx > counters.latest_index';

/** What {@link roomOf} needs of `rooms JOIN counters`. */
export const ROOM_COLUMNS = `rooms.json, counters.event_count, counters.latest_index, counters.version, counters.updated_at,
  (SELECT COUNT(*) ${LATER}) AS later, (SELECT MAX(events.idx) ${LATER}) AS later_index,
  (SELECT json_extract(events.json, '$.createdAt') ${LATER} ORDER BY events.idx DESC LIMIT 1) AS later_at`;

/**
 * So many events of a room are committed until its counters are written with one; until then they are counted when the room is
 * read. Whatever else changes counters writes them at once.
 */
export const COUNTED_EVERY = 32;

export interface RoomRow {
  readonly json: string;
  readonly event_count: number;
  readonly latest_index: number;
  readonly version: number;
  readonly updated_at: string;
  readonly later: number;
  readonly later_index: number | null;
  readonly later_at: string | null;
}

export function roomOf(row: RoomRow): Room {
  const later = Number(row.later);
  return {
    ...(JSON.parse(row.json) as Omit<Room, 'eventCount' | 'latestIndex' | 'version' | 'updatedAt'>),
    updatedAt: row.later_at ?? row.updated_at,
    eventCount: Number(row.event_count) + later,
    latestIndex: Number(row.later_index ?? row.latest_index),
    version: Number(row.version) + later,
  };
}

/** Rooms that messages are routed to. */
export function isOpen(room: Room): boolean {
  return room.status === 'active' || room.status === 'paused';
}
