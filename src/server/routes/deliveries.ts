/** What became of the deliveries of events and of the turns of agents, and what an operator may do about them. */
import { z } from 'zod';
import { ConflictError, RoomKitError, type OutboxRow } from '../../core/index.js';
import { reachRoom, scopeOf } from '../access.js';
import type { Principal } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { id, wholeNumber } from '../schemas/common.js';
import { Attempt, Delivery, outboxState, Turn, turnState } from '../schemas/work.js';
import { ok, route, type Route } from './route.js';

const limit = wholeNumber(0, 1000).default(100);
const DeliveriesQuery = z.object({ channelId: id.optional(), eventId: id.optional(), state: outboxState.optional(), limit });
const Deliveries = z.object({ deliveries: z.array(Delivery) });
const OneDelivery = z.object({ delivery: Delivery });

export const deliveryRoutes: readonly Route[] = [
  route({
    id: 'listDeliveries',
    method: 'get',
    path: '/api/rooms/{roomId}/deliveries',
    tag: 'deliveries',
    scope: 'operate',
    summary: 'List the deliveries of a room, by event.',
    description: 'Live channels have none: who missed something there reads it again by index.',
    query: DeliveriesQuery,
    answers: { 200: { description: 'In the order of the events.', schema: Deliveries } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params, query }) {
      const { room } = await reachRoom(kit, principal, params.roomId);
      return ok({ deliveries: await kit.listDeliveries({ ...query, roomId: room.id }) });
    },
  }),

  route({
    id: 'listAllDeliveries',
    method: 'get',
    path: '/api/deliveries',
    tag: 'deliveries',
    scope: 'operate',
    summary: 'List the deliveries of all rooms.',
    description: 'A caller of one organization is told of its rooms alone.',
    query: DeliveriesQuery,
    answers: { 200: { description: 'By room, in the order of its events.', schema: Deliveries } },
    async handle({ parts: { kit }, principal, query }) {
      const organizationId = scopeOf(kit, principal);
      return ok({ deliveries: await kit.listDeliveries({ ...query, ...(organizationId !== undefined && { organizationId }) }) });
    },
  }),

  route({
    id: 'getDelivery',
    method: 'get',
    path: '/api/rooms/{roomId}/deliveries/{deliveryId}',
    tag: 'deliveries',
    scope: 'operate',
    summary: 'Look into one delivery and its attempts.',
    answers: { 200: { description: 'The delivery.', schema: OneDelivery.extend({ attempts: z.array(Attempt) }) } },
    refusals: ['room_not_found', 'delivery_not_found'],
    async handle({ parts, principal, params: { roomId, deliveryId } }) {
      const delivery = await requireDelivery(parts, principal, roomId, deliveryId);
      const attempts = parts.kit.getTrace(delivery.eventId)?.deliveries ?? [];
      return ok({ delivery, attempts: attempts.filter(({ channelId }) => channelId === delivery.channelId) });
    },
  }),

  route({
    id: 'retryDelivery',
    method: 'post',
    path: '/api/rooms/{roomId}/deliveries/{deliveryId}/retry',
    tag: 'deliveries',
    scope: 'operate',
    summary: 'Put a delivery that ended without success back in its lane.',
    answers: { 200: { description: 'The delivery as it is now.', schema: OneDelivery } },
    refusals: ['room_not_found', 'delivery_not_found', 'conflict'],
    async handle({ parts, principal, params: { roomId, deliveryId } }) {
      const before = await requireDelivery(parts, principal, roomId, deliveryId);
      if (!(await parts.kit.redeliver(deliveryId)))
        throw new ConflictError(`Delivery '${deliveryId}' is ${before.state}. Only what is failed, expired, cancelled or unknown is tried again.`);
      return ok({ delivery: await requireDelivery(parts, principal, roomId, deliveryId) });
    },
  }),

  route({
    id: 'cancelDelivery',
    method: 'post',
    path: '/api/rooms/{roomId}/deliveries/{deliveryId}/cancel',
    tag: 'deliveries',
    scope: 'operate',
    summary: 'Give up a delivery that has not been made yet.',
    answers: { 200: { description: 'The delivery as it is now.', schema: OneDelivery } },
    refusals: ['room_not_found', 'delivery_not_found', 'conflict'],
    async handle({ parts, principal, params: { roomId, deliveryId } }) {
      const before = await requireDelivery(parts, principal, roomId, deliveryId);
      if (!(await parts.kit.cancelDelivery(deliveryId)))
        throw new ConflictError(`Delivery '${deliveryId}' is ${before.state}. Only what is queued or unknown can be cancelled.`);
      return ok({ delivery: await requireDelivery(parts, principal, roomId, deliveryId) });
    },
  }),

  route({
    id: 'listTurns',
    method: 'get',
    path: '/api/rooms/{roomId}/turns',
    tag: 'deliveries',
    scope: 'operate',
    summary: 'List the turns of agents in a room, by what triggered them.',
    query: z.object({ channelId: id.optional(), eventId: id.optional(), state: turnState.optional(), limit }),
    answers: { 200: { description: 'In the order of their triggers.', schema: z.object({ turns: z.array(Turn) }) } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId }, query: { eventId, ...query } }) {
      await reachRoom(kit, principal, roomId);
      if (eventId === undefined) return ok({ turns: await kit.listTurns({ ...query, roomId }) });
      const { limit: most, ...all } = query;
      const turns = await kit.listTurns({ ...all, roomId });
      return ok({ turns: turns.filter(({ triggerEventIds }) => triggerEventIds.includes(eventId)).slice(0, most) });
    },
  }),
];

async function requireDelivery({ kit }: ServerParts, principal: Principal, roomId: string, deliveryId: string): Promise<OutboxRow> {
  await reachRoom(kit, principal, roomId);
  const row = await kit.getDelivery(deliveryId);
  if (row?.roomId !== roomId)
    throw new RoomKitError(
      'delivery_not_found',
      `Room '${roomId}' has no delivery '${deliveryId}'. GET /api/rooms/${roomId}/deliveries lists what there is.`,
    );
  return row;
}
