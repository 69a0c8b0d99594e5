/** How much history a context holds (INB-04), and contexts made of a room's state. */
import type { ChannelBinding } from '../models/binding.js';
import type { KitParts } from '../parts.js';
import type { RoomState } from '../store/store.js';
import { RoomContextView, type RecentEvents, type RoomContext } from './context.js';

const LEAST = 50;
const MOST = 500;

/** The largest window any bound channel declares, at least 50, at most 500. */
export function historySize(parts: Pick<KitParts, 'channels'>, bindings: readonly ChannelBinding[]): number {
  let size = LEAST;
  for (const binding of bindings) {
    const wanted = binding.category === 'intelligence' ? parts.channels.get(binding.channelId)?.channel.maxContextEvents : undefined;
    if (wanted !== undefined && wanted > size) size = wanted;
  }
  return Math.min(size, MOST);
}

/** A context of the room as it is now. Its room is a frozen snapshot, shared by all who are told (STO-06). */
export function contextOf(state: RoomState, recent?: RecentEvents): RoomContext {
  return new RoomContextView(Object.freeze(state.room), state.bindings, state.participants, recent);
}
