/** What a client is told when a frame cannot be done (WIRE-14): a code, and a message that holds nothing of others. */
import { RoomKitError } from '../../core/errors.js';
import type { WireErrorCode } from './frames.js';

export interface Refusal {
  readonly code: WireErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly id?: string;
  readonly roomId?: string;
  readonly retryAfterSeconds?: number;
}

const GONE: ReadonlySet<string> = new Set(['room_not_found', 'channel_not_found', 'channel_not_registered']);

export function refusalOf(error: unknown): Refusal {
  if (error instanceof RoomKitError) {
    if (error.code === 'invalid' || error.code === 'room_closed') return { code: error.code, message: error.message, retryable: false };
    if (GONE.has(error.code)) return noRoom();
    if (error.code === 'kit_closed')
      return { code: 'internal', message: 'The server is shutting down. Connect again.', retryable: true, retryAfterSeconds: 1 };
    return { code: 'internal', message: 'The frame could not be handled.', retryable: error.retryable };
  }
  return { code: 'internal', message: 'The frame could not be handled.', retryable: true };
}

/** The same words whether it is not there, or not for this caller (AUTH-09). */
export function noRoom(roomId?: string): Refusal {
  return { code: 'room_not_found', message: 'There is no such room for you.', retryable: false, ...(roomId !== undefined && { roomId }) };
}

/** What it missed could not be read: the room is there, and who subscribes again goes on with it. */
export function unread(roomId: string): Refusal {
  return { code: 'internal', message: 'The room could not be read. Subscribe again.', retryable: true, retryAfterSeconds: 1, roomId };
}
