/** Who follows the timelines of a kit as they grow. */
import type { RoomEvent } from './models/event.js';
import type { Room } from './models/room.js';

/** Told of a committed event, with the room as that commit left it: `kit.onCommitted`. */
export type CommitListener = (event: RoomEvent, room: Room) => void;
