/** Reading a timeline, read markers, and what hosts may do to stored events (ROOM-11…13). */
import { canRead, canSeeEvent } from '../delivery/visibility.js';
import { ChannelNotFoundError, ValidationError } from '../errors.js';
import { toContent } from '../models/content-validation.js';
import type { ContentInput } from '../models/content.js';
import type { VisiblePage } from '../channel.js';
import type { RoomEvent } from '../models/event.js';
import { frozenMap, type Metadata } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { loadState } from '../pipeline/commit.js';
import { tellChanged } from '../pipeline/edit-delete.js';
import type { EventStatus } from '../models/vocabulary.js';
import { inRoom } from './lifecycle.js';
import { dropSummaries } from './summaries.js';

/** Which part of a timeline to read (ROOM-11). */
export interface TimelineQuery {
  /** Skips so many; prefer `afterIndex`, which stays right while the room grows. */
  readonly offset?: number;
  /** Default 50, at most 1000. */
  readonly limit?: number;
  /** Only events above this index. */
  readonly afterIndex?: number;
  /** Only events below this index. */
  readonly beforeIndex?: number;
  /** Default: oldest first. */
  readonly newestFirst?: boolean;
  /** Exact equality. */
  readonly visibility?: string;
  /** Only what this channel may see (PERM-07). */
  readonly as?: string;
}

const MAX_LIMIT = 1000;

export async function getTimeline(parts: KitParts, roomId: string, query: TimelineQuery): Promise<RoomEvent[]> {
  const limit = Math.min(query.limit ?? 50, MAX_LIMIT);
  if (!Number.isInteger(limit) || limit < 0)
    throw new ValidationError(`limit is ${String(query.limit)}. Give a whole number from 0 to ${MAX_LIMIT}.`);
  const state = await loadState(parts, roomId);
  const { as: reader, ...rest } = query;
  if (reader === undefined) return withResults(parts, roomId, await parts.store.listEvents(roomId, { ...rest, limit }));
  const binding = state.bindings.find((candidate) => candidate.channelId === reader);
  if (binding === undefined)
    throw new ChannelNotFoundError(
      roomId,
      reader,
      state.bindings.map((bound) => bound.channelId),
    );
  const visible: RoomEvent[] = [];
  let skip = query.offset ?? 0;
  let { afterIndex, beforeIndex } = query;
  while (visible.length < limit) {
    const page = await parts.store.listEvents(roomId, {
      ...(afterIndex !== undefined && { afterIndex }),
      ...(beforeIndex !== undefined && { beforeIndex }),
      ...(query.newestFirst !== undefined && { newestFirst: query.newestFirst }),
      ...(query.visibility !== undefined && { visibility: query.visibility }),
      limit: 200,
    });
    for (const event of page) {
      if (!canSeeEvent(event, binding)) continue;
      if (skip > 0) skip--;
      else if (visible.length < limit) visible.push(event);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < 200) break;
    if (query.newestFirst === true) beforeIndex = last.index;
    else afterIndex = last.index;
  }
  return visible;
}

/** Events with what became of their deliveries (OUT-06). */
export async function withResults(parts: KitParts, roomId: string, events: readonly RoomEvent[]): Promise<RoomEvent[]> {
  if (events.length === 0) return [];
  parts.outcomes.flush();
  const results = await parts.store.deliveryResults(
    roomId,
    events.map((event) => event.id),
  );
  if (results.size === 0) return events.slice();
  return events.map((event) => {
    const deliveryResults = results.get(event.id);
    return deliveryResults === undefined ? event : Object.freeze({ ...event, deliveryResults });
  });
}

/** A page of what a channel may see after an index, with the index of the one before it (WIRE-05). */
export async function readVisible(
  parts: KitParts,
  roomId: string,
  channelId: string,
  options: { afterIndex: number; limit: number },
): Promise<VisiblePage> {
  const state = await loadState(parts, roomId);
  const latestIndex = state.room.latestIndex;
  const binding = state.bindings.find((candidate) => candidate.channelId === channelId);
  if (binding === undefined || !canRead(binding)) return { events: [], prev: -1, latestIndex, more: false };
  const events: RoomEvent[] = [];
  let afterIndex = options.afterIndex;
  let more = false;
  while (!more) {
    const page = await parts.store.listEvents(roomId, { afterIndex, limit: 200 });
    for (const event of page) {
      if (!canSeeEvent(event, binding)) continue;
      if (events.length === options.limit) {
        more = true;
        break;
      }
      events.push(event);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < 200) break;
    afterIndex = last.index;
  }
  return { events, prev: await visibleBefore(parts, roomId, options.afterIndex + 1, binding), latestIndex, more };
}

async function visibleBefore(parts: KitParts, roomId: string, index: number, binding: Parameters<typeof canSeeEvent>[1]): Promise<number> {
  let beforeIndex = index;
  for (;;) {
    const page = await parts.store.listEvents(roomId, { beforeIndex, newestFirst: true, limit: 50 });
    const found = page.find((event) => canSeeEvent(event, binding));
    if (found !== undefined) return found.index;
    const last = page.at(-1);
    if (last === undefined || page.length < 50) return -1;
    beforeIndex = last.index;
  }
}

export async function markRead(parts: KitParts, roomId: string, channelId: string, eventId: string): Promise<void> {
  parts.assertOpen();
  await loadState(parts, roomId);
  const event = await parts.store.getEvent(roomId, eventId);
  if (event !== null) await parts.store.setReadMarker(roomId, channelId, event.index);
}

export async function markAllRead(parts: KitParts, roomId: string, channelId: string): Promise<void> {
  parts.assertOpen();
  const { room } = await loadState(parts, roomId);
  if (room.latestIndex >= 0) await parts.store.setReadMarker(roomId, channelId, room.latestIndex);
}

/** Index of the last event the channel has read; null without a marker. */
export async function getReadMarker(parts: KitParts, roomId: string, channelId: string): Promise<number | null> {
  await loadState(parts, roomId);
  return parts.store.getReadMarker(roomId, channelId);
}

export async function getUnreadCount(parts: KitParts, roomId: string, channelId: string): Promise<number> {
  await loadState(parts, roomId);
  const marker = await parts.store.getReadMarker(roomId, channelId);
  return parts.store.countEvents(roomId, marker === null ? {} : { afterIndex: marker });
}

/** What a host may change of a stored event (ROOM-13). Metadata is merged; what is not given stays. */
export interface EventPatch {
  readonly content?: ContentInput;
  readonly metadata?: Metadata;
  readonly visibility?: string;
  readonly status?: EventStatus;
}

/** A host's change of a stored event; a missing one is left alone. */
export async function updateEvent(parts: KitParts, roomId: string, eventId: string, patch: EventPatch): Promise<RoomEvent | null> {
  return inRoom(parts, roomId, async (section, state) => {
    const event = await parts.store.getEvent(roomId, eventId);
    if (event === null) return null;
    const changed = await parts.store.updateEvent(
      {
        ...event,
        ...(patch.content !== undefined && { content: toContent(patch.content) }),
        ...(patch.metadata !== undefined && { metadata: frozenMap({ ...event.metadata, ...patch.metadata }) }),
        ...(patch.visibility !== undefined && { visibility: patch.visibility }),
        ...(patch.status !== undefined && { status: patch.status }),
      },
      section.writeOptions,
    );
    if (changed !== null) {
      await dropSummaries(parts, section, state.room, changed.index);
      tellChanged(parts, section, changed, 'updated', state);
    }
    return changed;
  });
}

/** Removes a stored event and, unless told otherwise, the replies it caused. Indexes are never reused. */
export async function deleteEvent(parts: KitParts, roomId: string, eventId: string, options: { cascadeReplies?: boolean }): Promise<number> {
  return inRoom(parts, roomId, async (section, state) => {
    const removed = await parts.store.deleteEvent(roomId, eventId, { ...section.writeOptions, cascadeReplies: options.cascadeReplies ?? true });
    if (removed.length > 0) await dropSummaries(parts, section, state.room, Math.min(...removed.map(({ index }) => index)));
    for (const event of removed) tellChanged(parts, section, event, 'deleted', state);
    return removed.length;
  });
}
