/** How far each channel of a room has read. */
import { z } from 'zod';
import { canSeeEvent, ChannelNotFoundError, type ChannelBinding } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { hasScope, isClient, type Principal } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { id } from '../schemas/common.js';
import { eventNotFound } from './events.js';
import { ok, route, type Route } from './route.js';

const Marker = z
  .object({
    channelId: z.string(),
    index: z.number().int().nullable().meta({ description: 'Of the last event that was read; null when none was.' }),
    unread: z.number().int().meta({ description: 'How many events are behind the marker, hidden ones included.' }),
  })
  .meta({ id: 'ReadMarker', description: 'How far a channel has read.' });

export const markerRoutes: readonly Route[] = [
  route({
    id: 'listReadMarkers',
    method: 'get',
    path: '/api/rooms/{roomId}/read-markers',
    tag: 'read markers',
    scope: 'read',
    summary: 'See how far each channel of a room has read.',
    description: 'A client sees its own.',
    answers: { 200: { description: 'One per channel.', schema: z.object({ markers: z.array(Marker) }) } },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params }) {
      const { room, bindings } = await reachRoom(parts.kit, principal, params.roomId);
      const shown = bindings.filter(({ channelId }) => !isClient(principal) || channelId === principal.channelId);
      return ok({ markers: await Promise.all(shown.map(({ channelId }) => markerOf(parts, room.id, channelId))) });
    },
  }),

  route({
    id: 'markRead',
    method: 'put',
    path: '/api/rooms/{roomId}/read-markers/{channelId}',
    tag: 'read markers',
    scope: 'write',
    summary: 'Say that a channel has read up to an event, or everything there is.',
    description: 'A marker never moves back. A client moves its own; for another channel it takes the scope `operate`.',
    body: z.strictObject({ eventId: id.optional().meta({ description: 'Absent: everything there is.' }) }),
    answers: { 200: { description: 'The marker as it is now.', schema: z.object({ marker: Marker }) } },
    refusals: ['room_not_found', 'channel_not_found', 'event_not_found'],
    async handle({ parts, principal, params: { roomId, channelId }, body: { eventId } }) {
      const { kit } = parts;
      requireOwn(principal, channelId);
      const { bindings } = await reachRoom(kit, principal, roomId);
      const binding = bindings.find((bound) => bound.channelId === channelId);
      if (binding === undefined)
        throw new ChannelNotFoundError(roomId, channelId, isClient(principal) ? [] : bindings.map((bound) => bound.channelId));
      if (eventId === undefined) await kit.markAllRead(roomId, channelId);
      else {
        await requireSeen(parts, principal, binding, eventId);
        await kit.markRead(roomId, channelId, eventId);
      }
      return ok({ marker: await markerOf(parts, roomId, channelId) });
    },
  }),
];

function requireOwn(principal: Principal, channelId: string): void {
  if (isClient(principal) ? principal.channelId !== channelId : !hasScope(principal, 'operate'))
    throw new Refusal('forbidden', "Only the channel itself, or a caller with the scope 'operate', says what it has read.");
}

/** What a client may not see is not there. */
async function requireSeen({ kit }: ServerParts, principal: Principal, binding: ChannelBinding, eventId: string): Promise<void> {
  const event = await kit.getEvent(binding.roomId, eventId);
  if (event === null || (isClient(principal) && !canSeeEvent(event, binding))) throw eventNotFound(binding.roomId, eventId);
}

async function markerOf({ kit }: ServerParts, roomId: string, channelId: string): Promise<z.input<typeof Marker>> {
  return { channelId, index: await kit.getReadMarker(roomId, channelId), unread: await kit.getUnreadCount(roomId, channelId) };
}
