/** Rooms: finding, looking into, making, changing and ending them. */
import { z } from 'zod';
import {
  ChannelNotRegisteredError,
  extractText,
  getConversationState,
  RoomExistsError,
  withoutSummaries,
  type CreateRoomOptions,
  type Room as CoreRoom,
  type RoomStatus,
} from '../../core/index.js';
import { organizationOf, reachRoom } from '../access.js';
import { isClient, type Principal } from '../auth/principal.js';
import { participantForClient, roomForClient } from '../client-view.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { Binding, channelType } from '../schemas/channels.js';
import { flag, id, metadata, metadataPatch, time, wholeNumber } from '../schemas/common.js';
import { ClientParticipant, Participant } from '../schemas/people.js';
import { ClientRoom, Conversation, Room } from '../schemas/rooms.js';
import { created, NOTHING, ok, route, type Route } from './route.js';

const timers = z.strictObject({ inactiveAfterSeconds: z.number().min(0).optional(), closedAfterSeconds: z.number().min(0).optional() });
const OneRoom = z.object({ room: Room });

const Summary = z
  .object({
    channels: z.array(z.object({ channelId: z.string(), channelType, muted: z.boolean() })),
    participants: z.array(ClientParticipant),
    phase: z.string(),
    activeAgentId: z.string().nullable(),
    lastMessage: z
      .object({ index: z.number().int(), createdAt: time, channelId: z.string(), participantId: z.string().optional(), text: z.string() })
      .nullable(),
  })
  .meta({ id: 'RoomSummary', description: 'What a list of rooms shows of each.' });

const LAST_EVENTS = 20;
const LINE_LENGTH = 200;

export const roomRoutes: readonly Route[] = [
  route({
    id: 'listRooms',
    method: 'get',
    path: '/api/rooms',
    tag: 'rooms',
    scope: 'read',
    summary: 'List the rooms there are for the caller, newest first.',
    description: 'With `summary=true`, which needs the scope `operate`, also who is in them, where they stand and what was said last.',
    query: z.object({
      status: z
        .string()
        .regex(/^(active|paused|closed|archived)(,(active|paused|closed|archived))*$/, 'is no status, nor several with commas')
        .optional()
        .meta({ description: '`active`, `paused`, `closed`, `archived`, or several with commas.' }),
      metadata: z
        .string()
        .transform((given, context) => {
          const value = parsed(given);
          if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
          context.addIssue('is no JSON object');
          return z.NEVER;
        })
        .optional()
        .meta({ type: 'string', description: 'A JSON object: only rooms whose metadata has each of its values.' }),
      summary: flag.default(false),
      limit: wholeNumber(0, 200).default(50),
      offset: wholeNumber(0).default(0),
    }),
    answers: {
      200: {
        description: 'Rooms; for clients what people may know of them.',
        schema: z.object({
          rooms: z.array(z.union([Room, ClientRoom])),
          summaries: z.record(z.string(), Summary).optional().meta({ description: 'By room id.' }),
        }),
      },
    },
    async handle({ parts, principal, query }) {
      if (query.summary && !operates(principal)) throw new Refusal('forbidden', "summary=true shows what is hidden; it needs the scope 'operate'.");
      const rooms = await findRooms(parts, principal, query);
      if (isClient(principal)) return ok({ rooms: rooms.map(roomForClient) });
      if (!query.summary) return ok({ rooms: operates(principal) ? rooms : rooms.map(withoutSummaries) });
      const summaries = await Promise.all(rooms.map(async (room) => [room.id, await summaryOf(parts, room)] as const));
      return ok({ rooms, summaries: Object.fromEntries(summaries.filter(([, summary]) => summary !== undefined)) });
    },
  }),

  route({
    id: 'createRoom',
    method: 'post',
    path: '/api/rooms',
    tag: 'rooms',
    scope: 'operate',
    summary: 'Make a room.',
    body: z.strictObject({
      roomId: id.optional(),
      organizationId: id.optional(),
      metadata: metadata.optional(),
      timers: timers.optional(),
      channels: z.array(id).max(100).optional().meta({ description: 'Channels to attach at once.' }),
      ensure: z.boolean().default(false).meta({ description: 'An existing room of this id is the answer instead of an error.' }),
    }),
    answers: {
      201: { description: 'The new room.', schema: OneRoom },
      200: { description: 'The room that was there, with `ensure`.', schema: OneRoom },
    },
    refusals: ['room_exists', 'channel_not_registered'],
    async handle({ parts, principal, body }) {
      const { kit } = parts;
      const { ensure, channels = [], ...given } = body;
      const registered = new Set(kit.listChannels().map(({ channelId }) => channelId));
      for (const channelId of channels) if (!registered.has(channelId)) throw new ChannelNotRegisteredError(channelId, registered);
      const made = await createRoom(parts, principal, given, ensure);
      const bound = new Set((await kit.listBindings(made.room.id)).map(({ channelId }) => channelId));
      for (const channelId of channels) if (!bound.has(channelId)) await kit.attachChannel(made.room.id, channelId);
      return created({ room: channels.length === 0 ? made.room : await kit.getRoom(made.room.id) }, made.isNew);
    },
  }),

  route({
    id: 'getRoom',
    method: 'get',
    path: '/api/rooms/{roomId}',
    tag: 'rooms',
    scope: 'read',
    summary: 'Look into a room: its channels, its people, and how far it is.',
    answers: {
      200: {
        description: 'For clients only what people may know.',
        schema: z.union([
          z.object({ room: Room, bindings: z.array(Binding), participants: z.array(Participant), state: Conversation }),
          z.object({ room: ClientRoom, participants: z.array(ClientParticipant) }),
        ]),
      },
    },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params }) {
      const { room, bindings, participants } = await reachRoom(parts.kit, principal, params.roomId);
      if (isClient(principal)) return ok({ room: roomForClient(room), participants: participants.map(participantForClient) });
      const shown = operates(principal) ? room : withoutSummaries(room);
      return ok({ room: shown, bindings, participants, state: getConversationState(room) });
    },
  }),

  route({
    id: 'changeRoom',
    method: 'patch',
    path: '/api/rooms/{roomId}',
    tag: 'rooms',
    scope: 'operate',
    summary: 'Change metadata or timers of a room.',
    description: 'Metadata is merged, and `null` removes a key. Timers are replaced; the last activity stays.',
    body: z.strictObject({ metadata: metadataPatch.optional(), timers: timers.optional() }),
    answers: { 200: { description: 'The room as it is now.', schema: OneRoom } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId }, body }) {
      let { room } = await reachRoom(kit, principal, roomId);
      if (body.metadata !== undefined) room = await kit.updateRoomMetadata(roomId, body.metadata);
      if (body.timers !== undefined) room = await kit.setRoomTimers(roomId, body.timers);
      return ok({ room });
    },
  }),

  statusRoute('close', 'Close a room. Deliveries of what was said before go on; queued turns are cancelled.'),
  statusRoute('archive', 'Put a room away.'),
  statusRoute('reopen', 'Make a closed or archived room active again.'),

  route({
    id: 'deleteRoom',
    method: 'delete',
    path: '/api/rooms/{roomId}',
    tag: 'rooms',
    scope: 'admin',
    summary: 'Remove a room with everything in it. This cannot be undone.',
    answers: { 204: { description: 'It is gone.' } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId } }) {
      await reachRoom(kit, principal, roomId);
      await kit.deleteRoom(roomId);
      return NOTHING;
    },
  }),
];

function statusRoute(verb: 'close' | 'archive' | 'reopen', summary: string): Route {
  return route({
    id: `${verb}Room`,
    method: 'post',
    path: `/api/rooms/{roomId}/${verb}`,
    tag: 'rooms',
    scope: 'operate',
    summary,
    description: 'A repeat changes nothing.',
    answers: { 200: { description: 'The room as it is now.', schema: OneRoom } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId } }) {
      await reachRoom(kit, principal, roomId);
      const change = { close: () => kit.closeRoom(roomId), archive: () => kit.archiveRoom(roomId), reopen: () => kit.reopenRoom(roomId) };
      return ok({ room: await change[verb]() });
    },
  });
}

interface RoomsQuery {
  readonly status?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly limit: number;
  readonly offset: number;
}

async function findRooms({ kit }: ServerParts, principal: Principal, query: RoomsQuery): Promise<readonly CoreRoom[]> {
  const { limit, offset } = query;
  const status = query.status?.split(',') as readonly RoomStatus[] | undefined; // the pattern of the query knows no others
  if (principal.rooms !== undefined) {
    const reached = await Promise.all(principal.rooms.map((roomId) => reachRoom(kit, principal, roomId).catch(() => undefined)));
    const rooms = reached.flatMap((state) => (state === undefined ? [] : [state.room]));
    return rooms
      .filter((room) => (status === undefined || status.includes(room.status)) && hasMetadata(room, query.metadata))
      .slice(offset, offset + limit);
  }
  const organizationId = organizationOf(kit, principal);
  if (kit.organizationId !== undefined && principal.organizationId !== undefined && kit.organizationId !== principal.organizationId) return [];
  return kit.store.findRooms({
    limit,
    offset,
    ...(status !== undefined && { status }),
    ...(query.metadata !== undefined && { metadata: query.metadata }),
    ...(organizationId !== undefined && { organizationId }),
  });
}

/** What memories made of what was whispered is for those who may read all of it (MEM-07). */
function operates(principal: Principal): boolean {
  return !isClient(principal) && principal.scopes.some((scope) => scope === 'operate' || scope === 'admin');
}

function hasMetadata(room: CoreRoom, wanted: Readonly<Record<string, unknown>> | undefined): boolean {
  return wanted === undefined || Object.entries(wanted).every(([key, value]) => JSON.stringify(room.metadata[key]) === JSON.stringify(value));
}

/** Undefined for a room that went away meanwhile. */
async function summaryOf({ kit }: ServerParts, room: CoreRoom): Promise<z.input<typeof Summary> | undefined> {
  const state = await kit.store.loadRoom(room.id);
  if (state === null) return undefined;
  const newest = await kit.store.listEvents(room.id, { limit: LAST_EVENTS, newestFirst: true });
  const last = newest.find(({ type, status }) => type === 'message' && status !== 'blocked');
  const { phase, activeAgentId } = getConversationState(room);
  return {
    channels: state.bindings.map(({ channelId, channelType, muted }) => ({ channelId, channelType, muted })),
    participants: state.participants.map(participantForClient),
    phase,
    activeAgentId: activeAgentId ?? null,
    lastMessage:
      last === undefined
        ? null
        : {
            index: last.index,
            createdAt: last.createdAt,
            channelId: last.source.channelId,
            ...(last.source.participantId !== undefined && { participantId: last.source.participantId }),
            text: extractText(last).slice(0, LINE_LENGTH),
          },
  };
}

async function createRoom(
  { kit }: ServerParts,
  principal: Principal,
  given: CreateRoomOptions,
  ensure: boolean,
): Promise<{ room: CoreRoom; isNew: boolean }> {
  const organizationId = principal.organizationId ?? given.organizationId;
  if (given.organizationId !== undefined && organizationId !== given.organizationId)
    throw new Refusal('forbidden', 'The caller makes rooms of its own organization only.');
  if (principal.rooms !== undefined && (given.roomId === undefined || !principal.rooms.includes(given.roomId)))
    throw new Refusal('forbidden', 'The caller has a fixed list of rooms, and this is none of them.');
  try {
    return { room: await kit.createRoom({ ...given, ...(organizationId !== undefined && { organizationId }) }), isNew: true };
  } catch (error) {
    if (!ensure || !(error instanceof RoomExistsError) || given.roomId === undefined) throw error;
    // A room of another organization stays hidden: all that shows is that the id is taken.
    const state = await reachRoom(kit, principal, given.roomId).catch(() => undefined);
    if (state === undefined) throw error;
    return { room: state.room, isNew: false };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
