/** How a row of rooms, joined with its counters, becomes a room. */
import type { Room } from './core.js';
import type { SqliteLateEvents } from './late-events.js';

/** Events that came after the counters were written last, and have their place: {@link roomOf} adds them. */
const LATER = 'FROM places WHERE places.room_id = rooms.id AND places.idx > counters.latest_index';

/** What {@link roomOf} needs of `rooms JOIN counters`. */
export const ROOM_COLUMNS = `rooms.json, counters.event_count, counters.latest_index, counters.version, counters.updated_at,
  (SELECT COUNT(*) ${LATER}) AS later, (SELECT MAX(places.idx) ${LATER}) AS later_index,
  (SELECT json_extract(events.json, '$.createdAt') FROM events WHERE events.number = (SELECT places.number ${LATER} ORDER BY places.idx DESC LIMIT 1)) AS later_at`;

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

/** With the events that have no place yet. */
export function roomOf(row: RoomRow, late: SqliteLateEvents): Room {
  const read = JSON.parse(row.json) as Omit<Room, 'eventCount' | 'latestIndex' | 'version' | 'updatedAt'>;
  const placedIndex = Number(row.later_index ?? row.latest_index);
  const waiting = late.of(read.id).filter(({ event }) => event.index > placedIndex);
  const newest = waiting.at(-1)?.event;
  const later = Number(row.later) + waiting.length;
  return {
    ...read,
    updatedAt: newest?.createdAt ?? row.later_at ?? row.updated_at,
    eventCount: Number(row.event_count) + later,
    latestIndex: newest?.index ?? placedIndex,
    version: Number(row.version) + later,
  };
}

/** Rooms that messages are routed to. */
export function isOpen(room: Room): boolean {
  return room.status === 'active' || room.status === 'paused';
}
