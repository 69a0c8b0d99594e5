/** One pass of retention (§37): what has been kept long enough goes, room by room. */
import { isoTime } from '../clock.js';
import { ConflictError, RoomNotFoundError } from '../errors.js';
import { erasable, type ErasureParts } from '../erasure/person.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import { expireInRoom, isDueAsAWhole } from './room.js';
import { rulesOf, shortestOf } from './rules.js';

/** How much went. */
export interface RetentionReport {
  rooms: number;
  events: number;
  deliveries: number;
  turns: number;
  approvals: number;
  observations: number;
  media: number;
}

const PAGE = 100;
const LOCK = 'kit:retention';
/** A pass by itself is left out when another process has made one within this time: somewhat less than the hour after which each tries. */
const LATELY_MS = 3_000_000;

/** `byItself`: nobody asked for it, so one pass an hour is enough, whoever makes it (RET-02). */
export async function sweepRetention(parts: KitParts, deleteRoom: (roomId: string) => Promise<boolean>, byItself = false): Promise<RetentionReport> {
  const report: RetentionReport = { rooms: 0, events: 0, deliveries: 0, turns: 0, approvals: 0, observations: 0, media: 0 };
  if (parts.options.retention === undefined) return report;
  const own = erasable(parts, 'nothing in it expires');
  const lease = await parts.locks.acquire(LOCK, undefined);
  try {
    const key = `retention:${JSON.stringify([parts.options.organizationId ?? null])}`;
    const now = parts.clock.now();
    const last = byItself ? (await own.store.getFact?.(key))?.['at'] : undefined;
    if (typeof last === 'string' && now >= Date.parse(last) && now - Date.parse(last) < LATELY_MS) return report;
    await sweepRooms(own, now, deleteRoom, report);
    await own.store.putFact?.(key, { at: isoTime(now) });
  } finally {
    await lease.release();
  }
  return report;
}

async function sweepRooms(
  parts: ErasureParts,
  now: number,
  deleteRoom: (roomId: string) => Promise<boolean>,
  report: RetentionReport,
): Promise<void> {
  const { organizationId } = parts.options;
  for (let offset = 0; !parts.draining.aborted;) {
    const rooms = await parts.store.findRooms({ ...(organizationId !== undefined && { organizationId }), limit: PAGE, offset });
    let deleted = 0;
    for (const room of rooms) {
      if (parts.draining.aborted) return;
      try {
        if (await sweepRoom(parts, room, now, deleteRoom, report)) deleted++;
      } catch (error) {
        if (error instanceof ConflictError || error instanceof RoomNotFoundError) continue; // somebody else was faster
        parts.logger.error('What has expired in a room could not be removed.', { roomId: room.id, error });
      }
    }
    if (rooms.length < PAGE) return;
    offset += rooms.length - deleted;
  }
}

/** Answers whether the room went as a whole. */
async function sweepRoom(
  parts: ErasureParts,
  room: Room,
  now: number,
  deleteRoom: (roomId: string) => Promise<boolean>,
  report: RetentionReport,
): Promise<boolean> {
  const rules = rulesOf(parts.options.retention ?? {}, room.organizationId);
  if (Date.parse(room.createdAt) > now - shortestOf(rules) * 1000) return false;
  if (await isDueAsAWhole(parts, room, rules, now)) {
    if (!(await deleteRoom(room.id))) return false;
    report.rooms++;
    return true;
  }
  await expireInRoom(parts, room.id, rules, now, report);
  return false;
}
