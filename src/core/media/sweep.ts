/** What a crash has left undone is done, and what no event names goes (MED-01, MED-02). */
import { isoTime } from '../clock.js';
import type { KitParts } from '../parts.js';
import type { MediaKeeper } from './media-keeper.js';
import { idsOf, isUnfinished, names } from './media-records.js';
import type { MediaSweep } from './media-store.js';

const PAGE = 100;

/** Looks through the events since `sinceSeconds`, the newest first, room by room, and through the whole media store. */
export async function sweepMedia(parts: KitParts, keeper: MediaKeeper, sinceSeconds: number): Promise<MediaSweep> {
  const stored = await storeMissing(parts, keeper, isoTime(parts.clock.now() - sinceSeconds * 1000));
  const removed = await keeper.store.sweep(async (id, info) => {
    if (info.keepUntil !== undefined && info.keepUntil > isoTime(parts.clock.now())) return true;
    return names(await parts.store.getEvent(info.roomId, info.eventId), id);
  });
  return { stored, removed };
}

/** What was ever stored for the events of a room that is about to go. */
export async function mediaOfRoom(parts: KitParts, roomId: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let afterIndex = -1; ;) {
    const page = await parts.store.listEvents(roomId, { afterIndex, limit: PAGE });
    for (const event of page) {
      ids.push(...idsOf(event));
      afterIndex = event.index;
    }
    if (page.length < PAGE) return ids;
  }
}

async function storeMissing(parts: KitParts, keeper: MediaKeeper, since: string): Promise<number> {
  const { organizationId } = parts.options;
  let stored = 0;
  for (let offset = 0; ; offset += PAGE) {
    const rooms = await parts.store.findRooms({ ...(organizationId !== undefined && { organizationId }), limit: PAGE, offset });
    for (const { id } of rooms) stored += await storeMissingOf(parts, keeper, id, since);
    if (rooms.length < PAGE) return stored;
  }
}

async function storeMissingOf(parts: KitParts, keeper: MediaKeeper, roomId: string, since: string): Promise<number> {
  let stored = 0;
  for (let beforeIndex: number | undefined; ;) {
    const page = await parts.store.listEvents(roomId, { ...(beforeIndex !== undefined && { beforeIndex }), newestFirst: true, limit: PAGE });
    for (const event of page) {
      if (event.createdAt < since) return stored;
      if (isUnfinished(event)) stored += await keeper.keep(event);
      beforeIndex = event.index;
    }
    if (page.length < PAGE || parts.draining.aborted) return stored;
  }
}
