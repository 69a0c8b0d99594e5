/** Who was in a room at each moment, read from the timeline alone: what the engine says of itself in the end. */
import type { RoomEvent } from '../../src/core/index.js';
import { AGENTS, CHANNELS } from './cast.js';

export interface Place {
  readonly access: string;
  readonly visibility: string;
  readonly muted: boolean;
}

/** Channel → its place in the room. */
export type Places = ReadonlyMap<string, Place>;

/** For each index: the room as it was when the event there was committed, that event itself not yet counted. */
export function placesByIndex(events: readonly RoomEvent[]): Map<number, Places> {
  const found = new Map<number, Places>();
  let now: Places = new Map();
  for (const event of events) {
    found.set(event.index, now);
    now = after(now, event);
  }
  return found;
}

/** The room as the last event left it. */
export function placesAtTheEnd(events: readonly RoomEvent[]): Places {
  return events.reduce<Places>(after, new Map());
}

function after(places: Places, event: RoomEvent): Places {
  const { content } = event;
  if (content.type !== 'system' || content.data === undefined) return places;
  const data = content.data;
  const id = data['channel_id'];
  if (typeof id !== 'string') return places;
  const before = places.get(id);
  const next = new Map(places);
  switch (content.code) {
    case 'channel_attached':
      next.set(id, { access: String(data['access']), visibility: String(data['visibility']), muted: false });
      return next;
    case 'channel_detached':
      next.delete(id);
      return next;
    case 'channel_muted':
    case 'channel_unmuted':
      if (before !== undefined) next.set(id, { ...before, muted: content.code === 'channel_muted' });
      return next;
    case 'channel_access_changed':
      if (before !== undefined) next.set(id, { ...before, access: String(data['access']) });
      return next;
    case 'channel_visibility_changed':
      if (before !== undefined) next.set(id, { ...before, visibility: String(data['visibility']) });
      return next;
    default:
      return places;
  }
}

const reads = (place: Place): boolean => place.access === 'read_write' || place.access === 'read_only';
export const writes = (place: Place): boolean => place.access === 'read_write' || place.access === 'write_only';

/** Whether this visibility reaches the channel: written anew from PERM-06, so that the engine is not held against itself. */
export function reaches(visibility: string, channelId: string): boolean {
  if (visibility === 'all') return true;
  if (visibility === 'none' || visibility === 'internal') return false;
  const isAgent = (AGENTS as readonly string[]).includes(channelId);
  if (visibility === 'transport') return !isAgent;
  if (visibility === 'intelligence') return isAgent;
  return visibility
    .split(',')
    .map((id) => id.trim())
    .includes(channelId);
}

/** Everyone who is to hear of an event: bound, reading, meant; not its source, unless its connections hear each other. */
export function hearers(event: RoomEvent, places: Places): string[] {
  if (event.status === 'blocked') return [];
  return CHANNELS.filter((id) => {
    const place = places.get(id);
    if (place === undefined || !reads(place)) return false;
    if (id === event.source.channelId) return id === 'web';
    return reaches(event.visibility, id);
  });
}

/** The agents that are to answer (BC-03). */
export function solicited(event: RoomEvent, places: Places, policy: string): string[] {
  if (event.type !== 'message') return [];
  const agents = hearers(event, places).filter((id) => (AGENTS as readonly string[]).includes(id));
  if (event.addressedTo !== undefined) return agents.filter((id) => event.addressedTo?.includes(id));
  const isFromAgent = (AGENTS as readonly string[]).includes(event.source.channelId);
  return isFromAgent && policy === 'addressed_only' ? [] : agents;
}
