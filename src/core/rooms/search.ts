/** Finding events by their words, where the store can (STO-09). */
import { NotSupportedError, ValidationError } from '../errors.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import { requireRoom } from './lifecycle.js';

/** Which events to find. */
export interface EventSearch {
  /** Words that the event's text holds. */
  readonly text: string;
  /** In this room only. */
  readonly roomId?: string;
  /** Default: the kit's, when it has one. */
  readonly organizationId?: string;
  /** Default 50, at most 1000. */
  readonly limit?: number;
}

const MAX_LIMIT = 1000;

/** Newest first. Throws NotSupportedError when the store has no full-text search. */
export async function searchEvents(parts: KitParts, search: EventSearch): Promise<readonly RoomEvent[]> {
  const { store, options } = parts;
  if (store.searchEvents === undefined) {
    throw new NotSupportedError(`The store '${store.name}' has no full-text search. Use one that has, such as SqliteStore of roomkit/sqlite.`);
  }
  const limit = Math.min(search.limit ?? 50, MAX_LIMIT);
  if (!Number.isInteger(limit) || limit < 0)
    throw new ValidationError(`limit is ${String(search.limit)}. Give a whole number from 0 to ${MAX_LIMIT}.`);
  if (search.roomId !== undefined) await requireRoom(parts, search.roomId);
  const organizationId = options.organizationId ?? search.organizationId;
  return store.searchEvents({
    text: search.text,
    limit,
    ...(search.roomId !== undefined && { roomId: search.roomId }),
    ...(organizationId !== undefined && { organizationId }),
  });
}
