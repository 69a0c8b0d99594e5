/** How a row of rooms, joined with its counters, becomes a room. */
import type { Room } from './core.js';

/** What {@link roomOf} needs of `rooms JOIN counters`. */
export const ROOM_COLUMNS = 'rooms.json, counters.event_count, counters.latest_index, counters.version, counters.updated_at';

export interface RoomRow {
  readonly json: string;
  readonly event_count: number;
  readonly latest_index: number;
  readonly version: number;
  readonly updated_at: string;
}

export function roomOf(row: RoomRow): Room {
  return {
    ...(JSON.parse(row.json) as Omit<Room, 'eventCount' | 'latestIndex' | 'version' | 'updatedAt'>),
    updatedAt: row.updated_at,
    eventCount: Number(row.event_count),
    latestIndex: Number(row.latest_index),
    version: Number(row.version),
  };
}

/** Rooms that messages are routed to. */
export function isOpen(room: Room): boolean {
  return room.status === 'active' || room.status === 'paused';
}
