/** Rooms pause and close by themselves when nobody speaks (ROOM-07, ROOM-08). */
import { isoTime } from '../clock.js';
import { ConflictError, RoomNotFoundError } from '../errors.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import { afterClosing, commitStatus, inRoom, tellLater } from './lifecycle.js';

type Due = 'close' | 'pause' | undefined;

/** What a room's timers ask for now. Comparisons are strict; a clock that jumped back counts as no time. */
export function dueTransition(room: Room, nowMs: number): Due {
  if (room.status === 'closed' || room.status === 'archived' || room.timers.lastActivityAt === undefined) return undefined;
  const elapsed = Math.max(0, nowMs - Date.parse(room.timers.lastActivityAt)) / 1000;
  const { closedAfterSeconds, inactiveAfterSeconds } = room.timers;
  if (closedAfterSeconds !== undefined && elapsed > closedAfterSeconds) return 'close';
  if (room.status === 'active' && inactiveAfterSeconds !== undefined && elapsed > inactiveAfterSeconds) return 'pause';
  return undefined;
}

export async function checkRoomTimers(parts: KitParts, room: Room): Promise<Room> {
  return (await checkOne(parts, room)).room;
}

async function checkOne(parts: KitParts, room: Room): Promise<{ room: Room; changed: boolean }> {
  if (dueTransition(room, parts.clock.now()) === undefined) return { room, changed: false };
  return inRoom(parts, room.id, async (section, state) => {
    // Read again under the lock: a message may have come in between (ROOM-08).
    switch (dueTransition(state.room, parts.clock.now())) {
      case 'close': {
        const committed = await commitStatus(
          parts,
          section,
          state.room,
          { code: 'room_closed_by_timer', body: 'The room was closed after a long silence.' },
          'closed',
          isoTime(parts.clock.now()),
        );
        await afterClosing(parts, section, committed.state, committed.event, 'timer');
        return { room: committed.state.room, changed: true };
      }
      case 'pause': {
        const committed = await commitStatus(
          parts,
          section,
          state.room,
          { code: 'room_paused_by_timer', body: 'The room was paused after a silence.' },
          'paused',
        );
        tellLater(parts, section, committed.state, 'on_room_paused', committed.event);
        if (parts.framework.has('room_paused'))
          section.defer(() => parts.framework.emit('room_paused', { roomId: room.id, data: { reason: 'timer' } }));
        return { room: committed.state.room, changed: true };
      }
      case undefined:
        return { room: state.room, changed: false };
    }
  });
}

/** Visits active, then paused rooms with timers; returns those whose status changed. */
export async function sweepRoomTimers(parts: KitParts): Promise<Room[]> {
  const changed: Room[] = [];
  const organizationId = parts.options.organizationId;
  for (const status of ['active', 'paused'] as const) {
    const rooms = await parts.store.findRooms({ status, withTimers: true, ...(organizationId !== undefined && { organizationId }) });
    for (const room of rooms) {
      if (dueTransition(room, parts.clock.now()) === undefined) continue;
      try {
        const after = await checkOne(parts, room);
        if (after.changed) changed.push(after.room);
      } catch (error) {
        if (error instanceof ConflictError || error instanceof RoomNotFoundError) continue; // somebody else was faster
        parts.logger.error('A room could not be swept.', { roomId: room.id, error });
      }
    }
  }
  return changed;
}
