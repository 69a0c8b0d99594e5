/** What the kit is and how it is doing, as a whole and per room. */
import { z } from 'zod';
import { getConversationState } from '../../core/index.js';
import { reachRoom, scopeOf } from '../access.js';
import { counts } from '../schemas/common.js';
import { roomStatus } from '../schemas/rooms.js';
import { VERSION } from '../version.js';
import { ok, route, type Route } from './route.js';

const Kit = z
  .object({
    name: z.literal('roomkit'),
    version: z.string(),
    state: z.string(),
    organizationId: z.string().optional(),
    store: z.object({ name: z.string(), persistent: z.boolean(), shared: z.boolean() }),
    search: z.boolean().meta({ description: 'Whether the store can search.' }),
    clientTokens: z.boolean().meta({ description: 'Whether this server makes client tokens.' }),
    devices: z.boolean().meta({ description: 'Whether devices of emulated vendors are at `/devices`.' }),
    limits: z.object({ maxBodyBytes: z.number(), maxFrameBytes: z.number(), requestsPerSecond: z.number(), requestBurst: z.number() }),
    now: z.string().meta({ format: 'date-time', description: 'The time the kit goes by.' }),
  })
  .meta({ id: 'Kit', description: 'What serves.' });

const OF_ALL = 'Not told to callers of one organization.';

const Statistics = z
  .object({
    state: z.string(),
    organizationId: z.string().optional().meta({ description: 'Whose deliveries these are, when they are not those of all.' }),
    rooms: z
      .number()
      .int()
      .optional()
      .meta({ description: `Rooms this process holds something of. ${OF_ALL}` }),
    lanes: z
      .number()
      .int()
      .optional()
      .meta({ description: `Lanes in which something waits. ${OF_ALL}` }),
    queued: z
      .number()
      .int()
      .optional()
      .meta({ description: `How much waits in them. ${OF_ALL}` }),
    tasks: z
      .number()
      .int()
      .optional()
      .meta({ description: `What runs beside its callers. ${OF_ALL}` }),
    breakers: z.record(z.string(), z.string()).meta({ description: 'Channel id → state.' }),
    deliveries: counts.meta({ description: 'Open and failed deliveries by state; at most 1000 of each are counted.' }),
    oldestQueuedAt: z.string().meta({ format: 'date-time' }).optional(),
  })
  .meta({ id: 'Statistics', description: 'How the kit is doing.' });

const RoomStatistics = z
  .object({
    status: roomStatus,
    events: z.number().int(),
    latestIndex: z.number().int(),
    channels: z.number().int(),
    participants: z.number().int(),
    openTasks: z.number().int(),
    handoffs: z.number().int(),
    deliveries: counts.meta({ description: 'Open and failed deliveries by state; at most 1000 of each are counted.' }),
    turns: counts.meta({ description: 'Open and failed turns by state; at most 1000 of each are counted.' }),
  })
  .meta({ id: 'RoomStatistics', description: 'How a room is doing.' });

const COUNTED = 1000;
const DELIVERY_STATES = ['queued', 'sending', 'unknown', 'failed'] as const;
const TURN_STATES = ['queued', 'running', 'waiting', 'failed'] as const;

export const statisticsRoutes: readonly Route[] = [
  route({
    id: 'getKit',
    method: 'get',
    path: '/api/kit',
    tag: 'kit',
    scope: 'operate',
    summary: 'See what serves: its version, its store, its limits.',
    answers: { 200: { description: 'The kit.', schema: Kit } },
    async handle({ parts: { kit, limits, clientTokens, devices } }) {
      const { name, persistent, shared } = kit.store;
      const { maxBodyBytes, maxFrameBytes, requestsPerSecond, requestBurst } = limits;
      return ok({
        name: 'roomkit',
        version: VERSION,
        state: kit.stats().state,
        ...(kit.organizationId !== undefined && { organizationId: kit.organizationId }),
        store: { name, persistent, shared },
        search: kit.store.searchEvents !== undefined,
        clientTokens: clientTokens !== undefined,
        devices: devices !== undefined,
        limits: { maxBodyBytes, maxFrameBytes, requestsPerSecond, requestBurst },
        now: new Date(kit.clock.now()).toISOString(),
      });
    },
  }),

  route({
    id: 'getStatistics',
    method: 'get',
    path: '/api/stats',
    tag: 'kit',
    scope: 'operate',
    summary: 'See how the kit is doing.',
    description: 'A caller of one organization is told of the deliveries of its rooms alone, and not how much the process has to do for others.',
    answers: { 200: { description: 'Statistics of this process.', schema: Statistics } },
    async handle({ parts: { kit }, principal }) {
      const organizationId = scopeOf(kit, principal);
      const own = organizationId === undefined ? {} : { organizationId };
      const byState = await Promise.all(DELIVERY_STATES.map((state) => kit.listDeliveries({ ...own, state, limit: COUNTED })));
      const oldest = byState[0]?.map(({ createdAt }) => createdAt).sort()[0];
      const { state, breakers, rooms, lanes, queued, tasks } = kit.stats();
      const ofAll = { rooms, lanes, queued, tasks };
      return ok({
        state,
        breakers,
        ...(organizationId === undefined ? ofAll : own),
        deliveries: Object.fromEntries(DELIVERY_STATES.map((state, position) => [state, byState[position]?.length ?? 0])),
        ...(oldest !== undefined && { oldestQueuedAt: oldest }),
      });
    },
  }),

  route({
    id: 'getRoomStatistics',
    method: 'get',
    path: '/api/rooms/{roomId}/stats',
    tag: 'kit',
    scope: 'operate',
    summary: 'See how a room is doing.',
    answers: { 200: { description: 'Statistics of the room.', schema: RoomStatistics } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId } }) {
      const { room, bindings, participants } = await reachRoom(kit, principal, roomId);
      const tasks = await kit.listTasks(roomId);
      const deliveries = await Promise.all(DELIVERY_STATES.map((state) => kit.listDeliveries({ roomId, state, limit: COUNTED })));
      const turns = await Promise.all(TURN_STATES.map((state) => kit.listTurns({ roomId, state, limit: COUNTED })));
      return ok({
        status: room.status,
        events: room.eventCount,
        latestIndex: room.latestIndex,
        channels: bindings.length,
        participants: participants.length,
        openTasks: tasks.filter(({ status }) => status === 'pending' || status === 'in_progress').length,
        handoffs: getConversationState(room).handoffCount,
        deliveries: Object.fromEntries(DELIVERY_STATES.map((state, position) => [state, deliveries[position]?.length ?? 0])),
        turns: Object.fromEntries(TURN_STATES.map((state, position) => [state, turns[position]?.length ?? 0])),
      });
    },
  }),
];
