/** A room that is there whether or not it was before: what a program asks for that starts again on the same store. */
import { RoomExistsError } from '../errors.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import { createRoom, requireRoom, type CreateRoomOptions } from './lifecycle.js';

/** The options of a room to ensure; its id is given, or it could never be found again. */
export type EnsureRoomOptions = CreateRoomOptions & { readonly roomId: string };

/** An existing room is returned as it is: the options are for the one that is made (ROOM-01). */
export async function ensureRoom(parts: KitParts, options: EnsureRoomOptions): Promise<Room> {
  try {
    return await createRoom(parts, options);
  } catch (error) {
    if (!(error instanceof RoomExistsError)) throw error;
    return requireRoom(parts, options.roomId);
  }
}
