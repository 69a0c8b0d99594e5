/** The timeline of a room, as the caller may see it, and why an event became what it is. */
import { z } from 'zod';
import { hostEvent, wireEvent, type WireEvent } from '../../channels/index.js';
import { ChannelNotFoundError, RoomKitError, type RoomEvent, type RoomState } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { hasScope, isClient, requireScope, requireService, type Principal } from '../auth/principal.js';
import { checked } from '../body.js';
import type { ServerRoutes } from '../handler.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { flag, wholeNumber } from './query.js';

const EventsQuery = z.object({
  afterIndex: wholeNumber(-1).optional(),
  beforeIndex: wholeNumber(0).optional(),
  limit: wholeNumber(0, 1000).default(50),
  newestFirst: flag.default(false),
  as: z.string().min(1).max(255).optional(),
});

export function eventRoutes(app: ServerRoutes, { kit }: ServerParts): void {
  app.get('/api/rooms/:roomId/events', async (context) => {
    const { principal } = context.var;
    requireScope(principal, 'read');
    const { as: asked, ...page } = checked(EventsQuery, context.req.query());
    const reader = readerOf(principal, asked);
    const state = await reachRoom(kit, principal, context.req.param('roomId'));
    const { room, bindings } = state;
    if (reader !== undefined && !bindings.some(({ channelId }) => channelId === reader)) {
      // A client's channel joins with its first message; until then it has seen nothing.
      if (isClient(principal)) return context.json({ events: [], latestIndex: room.latestIndex });
      throw new ChannelNotFoundError(
        room.id,
        reader,
        bindings.map(({ channelId }) => channelId),
      );
    }
    const events = await kit.getTimeline(room.id, { ...page, ...(reader !== undefined && { as: reader }) });
    return context.json({ events: onTheWire(events, state, reader === undefined), latestIndex: room.latestIndex });
  });

  app.get('/api/rooms/:roomId/events/:eventId/trace', async (context) => {
    const { principal } = context.var;
    requireService(principal, 'operate');
    const { roomId, eventId } = context.req.param();
    await reachRoom(kit, principal, roomId);
    const trace = kit.getTrace(eventId);
    if (trace?.roomId === roomId) return context.json({ trace });
    if ((await kit.getEvent(roomId, eventId)) === null) throw new RoomKitError('trace_not_found', `Room '${roomId}' has no event '${eventId}'.`);
    // It is there; what was decided about it is kept of the newest events of this process only.
    return context.json({ trace: null });
  });
}

/** Whose eyes the timeline is read with; undefined: the host's, which see everything (PERM-07, WIRE-15). */
function readerOf(principal: Principal, asked: string | undefined): string | undefined {
  if (isClient(principal)) {
    if (asked !== undefined && asked !== principal.channelId) throw new Refusal('forbidden', 'A client sees what its own channel may see.');
    return principal.channelId;
  }
  if (asked === undefined && !hasScope(principal, 'operate')) {
    throw new Refusal('forbidden', "Hidden and blocked events need the scope 'operate'. Name a channel with as=CHANNEL_ID to see what it may see.");
  }
  return asked;
}

function onTheWire(events: readonly RoomEvent[], { participants }: RoomState, isHost: boolean): WireEvent[] {
  const names = new Map(participants.map(({ id, displayName }) => [id, displayName]));
  const nameOf = (participantId: string): string | undefined => names.get(participantId);
  return events.map((event) => (isHost ? hostEvent(event, nameOf) : wireEvent(event, nameOf)));
}
