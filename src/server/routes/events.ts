/** The timeline of a room, as the caller may see it, why an event became what it is, and what a host may do to it. */
import { z } from 'zod';
import { hostEvent, wireEvent, type WireEvent } from '../../channels/index.js';
import { canSeeEvent, ChannelNotFoundError, RoomKitError, type RoomEvent, type RoomState } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { hasScope, isClient, type Principal } from '../auth/principal.js';
import { Refusal } from '../problem.js';
import { eventMetadata, flag, id, text, wholeNumber } from '../schemas/common.js';
import { contentInput } from '../schemas/content.js';
import { Event, eventStatus, Trace } from '../schemas/events.js';
import { readPage } from './timeline-page.js';
import { ok, route, type Route } from './route.js';

const CUT = 'the page ended before its limit, because its events are large';
const OneEvent = z.object({ event: Event });
const as = id.optional().meta({ description: 'Only what this channel may see.' });

export const eventRoutes: readonly Route[] = [
  route({
    id: 'listEvents',
    method: 'get',
    path: '/api/rooms/{roomId}/events',
    tag: 'timeline',
    scope: 'read',
    summary: 'Read the timeline of a room, page by page.',
    description:
      'Go on with `afterIndex` of the last event you have; that stays right while the room grows. A page of large events ends before its limit, and then says where it goes on. Hidden and blocked events need the scope `operate`; without it, name a channel with `as`. A client sees what its own channel may see.',
    query: z.object({
      afterIndex: wholeNumber(-1).optional(),
      beforeIndex: wholeNumber(0).optional(),
      limit: wholeNumber(0, 1000).default(50),
      newestFirst: flag.default(false),
      as,
    }),
    answers: {
      200: {
        description: 'Oldest first, unless asked otherwise.',
        schema: z.object({
          events: z.array(Event),
          latestIndex: z.number().int(),
          nextAfterIndex: z
            .number()
            .int()
            .optional()
            .meta({ description: `Given when ${CUT}: ask again with this as \`afterIndex\`.` }),
          nextBeforeIndex: z.number().int().optional().meta({ description: `As \`nextAfterIndex\`, of a page with the newest first.` }),
        }),
      },
    },
    refusals: ['room_not_found', 'channel_not_found'],
    async handle({ parts: { kit }, principal, params, query: { as: asked, ...page } }) {
      const reader = readerOf(principal, asked);
      const state = await reachRoom(kit, principal, params.roomId);
      const { room, bindings } = state;
      if (reader !== undefined && !bindings.some(({ channelId }) => channelId === reader)) {
        // A channel that is not in the room has seen nothing of it.
        if (isClient(principal)) return ok({ events: [], latestIndex: room.latestIndex });
        throw notBound(state, reader);
      }
      const query = { ...page, ...(reader !== undefined && { as: reader }) };
      return readPage(kit, room, query, (events) => onTheWire(events, state, reader === undefined));
    },
  }),

  route({
    id: 'getEvent',
    method: 'get',
    path: '/api/rooms/{roomId}/events/{eventId}',
    tag: 'timeline',
    scope: 'read',
    summary: 'Read one event.',
    description: 'As in the timeline, what the reader may not see is not there.',
    query: z.object({ as }),
    answers: { 200: { description: 'The event.', schema: OneEvent } },
    refusals: ['room_not_found', 'event_not_found', 'channel_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, eventId }, query }) {
      const reader = readerOf(principal, query.as);
      const state = await reachRoom(kit, principal, roomId);
      const bound = reader === undefined ? undefined : state.bindings.find(({ channelId }) => channelId === reader);
      if (reader !== undefined && bound === undefined && !isClient(principal)) throw notBound(state, reader);
      const event = await kit.getEvent(roomId, eventId);
      if (event === null || (reader !== undefined && (bound === undefined || !canSeeEvent(event, bound)))) throw eventNotFound(roomId, eventId);
      return ok({ event: onTheWire([event], state, reader === undefined)[0] });
    },
  }),

  route({
    id: 'changeEvent',
    method: 'patch',
    path: '/api/rooms/{roomId}/events/{eventId}',
    tag: 'timeline',
    scope: 'operate',
    summary: 'Change a stored event as its host.',
    description: 'What is not given stays; metadata is merged. People who watch are shown the change.',
    body: z.strictObject({
      content: contentInput.optional(),
      metadata: eventMetadata.optional(),
      visibility: text(10_000).min(1).optional(),
      status: eventStatus.optional(),
    }),
    answers: { 200: { description: 'The event as it is now.', schema: OneEvent } },
    refusals: ['room_not_found', 'event_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, eventId }, body }) {
      const state = await reachRoom(kit, principal, roomId);
      const event = await kit.updateEvent(roomId, eventId, body);
      if (event === null) throw eventNotFound(roomId, eventId);
      return ok({ event: onTheWire([event], state, true)[0] });
    },
  }),

  route({
    id: 'deleteEvent',
    method: 'delete',
    path: '/api/rooms/{roomId}/events/{eventId}',
    tag: 'timeline',
    scope: 'operate',
    summary: 'Remove a stored event and the replies it caused, as its host.',
    description: 'Its index is never given again.',
    query: z.object({ cascadeReplies: flag.default(true) }),
    answers: { 200: { description: 'How many events are gone.', schema: z.object({ deleted: z.number().int() }) } },
    refusals: ['room_not_found', 'event_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, eventId }, query }) {
      await reachRoom(kit, principal, roomId);
      const deleted = await kit.deleteEvent(roomId, eventId, query);
      if (deleted === 0) throw eventNotFound(roomId, eventId);
      return ok({ deleted });
    },
  }),

  route({
    id: 'getTrace',
    method: 'get',
    path: '/api/rooms/{roomId}/events/{eventId}/trace',
    tag: 'timeline',
    scope: 'operate',
    summary: 'See what each step decided about an event, and how long it took.',
    answers: {
      200: { description: 'Null when it is not kept: only the newest events of this process are.', schema: z.object({ trace: Trace.nullable() }) },
    },
    refusals: ['room_not_found', 'trace_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, eventId } }) {
      await reachRoom(kit, principal, roomId);
      const trace = kit.getTrace(eventId);
      if (trace?.roomId === roomId) return ok({ trace });
      if ((await kit.getEvent(roomId, eventId)) === null) throw new RoomKitError('trace_not_found', `Room '${roomId}' has no event '${eventId}'.`);
      // It is there; what was decided about it is kept of the newest events of this process only.
      return ok({ trace: null });
    },
  }),

  route({
    id: 'searchEvents',
    method: 'get',
    path: '/api/search',
    tag: 'timeline',
    scope: 'operate',
    summary: 'Find events by their words, newest first.',
    query: z.object({
      text: text(500).min(1),
      roomId: id.optional(),
      limit: wholeNumber(0, 200).default(50),
    }),
    answers: { 200: { description: 'Hidden and blocked ones too.', schema: z.object({ events: z.array(Event) }) } },
    refusals: ['room_not_found', 'not_supported'],
    async handle({ parts: { kit }, principal, query }) {
      const { organizationId } = principal;
      if (query.roomId !== undefined) await reachRoom(kit, principal, query.roomId);
      else if (principal.rooms !== undefined) throw new Refusal('forbidden', 'The caller has a fixed list of rooms. Name one of them with roomId.');
      if (kit.organizationId !== undefined && organizationId !== undefined && kit.organizationId !== organizationId) return ok({ events: [] });
      const events = await kit.searchEvents({ ...query, ...(organizationId !== undefined && { organizationId }) });
      return ok({ events: events.map((event) => hostEvent(event)) });
    },
  }),
];

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

function notBound({ room, bindings }: RoomState, channelId: string): ChannelNotFoundError {
  return new ChannelNotFoundError(
    room.id,
    channelId,
    bindings.map((bound) => bound.channelId),
  );
}

/** The same words whether it is not there, or not for this reader. */
export function eventNotFound(roomId: string, eventId: string): RoomKitError {
  return new RoomKitError('event_not_found', `Room '${roomId}' has no event '${eventId}'. GET /api/rooms/${roomId}/events lists what there is.`);
}
