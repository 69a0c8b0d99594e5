/** Rooms: finding, looking into and making them. */
import { z } from 'zod';
import {
  ChannelNotRegisteredError,
  getConversationState,
  RoomExistsError,
  type CreateRoomOptions,
  type Participant,
  type Room,
  type RoomStatus,
} from '../../core/index.js';
import { organizationOf, reachRoom } from '../access.js';
import { isClient, requireScope, requireService, type Principal } from '../auth/principal.js';
import { checked, readBody } from '../body.js';
import type { ServerRoutes } from '../handler.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { wholeNumber } from './query.js';

const RoomsQuery = z.object({
  status: z.enum(['active', 'paused', 'closed', 'archived']).optional(),
  limit: wholeNumber(0, 200).default(50),
  offset: wholeNumber(0).default(0),
});

const NewRoom = z.strictObject({
  roomId: z.string().min(1).max(255).optional(),
  organizationId: z.string().min(1).max(255).optional(),
  metadata: z
    .record(z.string(), z.unknown())
    .refine((metadata) => !Object.keys(metadata).some((key) => key.startsWith('_')), "keys that start with '_' are the kit's own")
    .refine((metadata) => JSON.stringify(metadata).length <= 64 * 1024, 'is larger than 64 KiB')
    .optional(),
  timers: z.strictObject({ inactiveAfterSeconds: z.number().min(0).optional(), closedAfterSeconds: z.number().min(0).optional() }).optional(),
  /** Channels to attach at once. */
  channels: z.array(z.string().min(1).max(255)).max(100).optional(),
  /** An existing room of this id is the answer instead of an error. */
  ensure: z.boolean().default(false),
});

export function roomRoutes(app: ServerRoutes, parts: ServerParts): void {
  const { kit, limits } = parts;

  app.get('/api/rooms', async (context) => {
    const { principal } = context.var;
    requireScope(principal, 'read');
    const query = checked(RoomsQuery, context.req.query());
    return context.json({ rooms: await findRooms(parts, principal, query) });
  });

  app.get('/api/rooms/:roomId', async (context) => {
    const { principal } = context.var;
    requireScope(principal, 'read');
    const { room, bindings, participants } = await reachRoom(kit, principal, context.req.param('roomId'));
    if (isClient(principal)) {
      return context.json({ room: roomForClient(room), participants: participants.map(participantForClient) });
    }
    return context.json({ room, bindings, participants, state: getConversationState(room) });
  });

  app.post('/api/rooms', async (context) => {
    const { principal } = context.var;
    requireService(principal, 'operate');
    const { ensure, channels = [], ...given } = await readBody(context.req.raw, NewRoom, limits, kit.clock);
    const registered = new Set(kit.listChannels().map(({ channelId }) => channelId));
    for (const channelId of channels) if (!registered.has(channelId)) throw new ChannelNotRegisteredError(channelId, registered);
    const { room, created } = await createRoom(parts, principal, given, ensure);
    const bound = new Set((await kit.listBindings(room.id)).map(({ channelId }) => channelId));
    for (const channelId of channels) if (!bound.has(channelId)) await kit.attachChannel(room.id, channelId);
    return context.json({ room: channels.length === 0 ? room : await kit.getRoom(room.id) }, created ? 201 : 200);
  });
}

async function findRooms(
  { kit }: ServerParts,
  principal: Principal,
  query: { status?: RoomStatus | undefined; limit: number; offset: number },
): Promise<readonly unknown[]> {
  const { status, limit, offset } = query;
  if (principal.rooms !== undefined) {
    const reached = await Promise.all(principal.rooms.map((roomId) => reachRoom(kit, principal, roomId).catch(() => undefined)));
    return reached
      .flatMap((state) => (state === undefined || (status !== undefined && state.room.status !== status) ? [] : [state.room]))
      .slice(offset, offset + limit)
      .map((room) => (isClient(principal) ? roomForClient(room) : room));
  }
  const organizationId = organizationOf(kit, principal);
  if (kit.organizationId !== undefined && principal.organizationId !== undefined && kit.organizationId !== principal.organizationId) return [];
  return kit.store.findRooms({ limit, offset, ...(status !== undefined && { status }), ...(organizationId !== undefined && { organizationId }) });
}

async function createRoom(
  { kit }: ServerParts,
  principal: Principal,
  given: CreateRoomOptions,
  ensure: boolean,
): Promise<{ room: Room; created: boolean }> {
  const organizationId = principal.organizationId ?? given.organizationId;
  if (given.organizationId !== undefined && organizationId !== given.organizationId)
    throw new Refusal('forbidden', 'The caller makes rooms of its own organization only.');
  if (principal.rooms !== undefined && (given.roomId === undefined || !principal.rooms.includes(given.roomId)))
    throw new Refusal('forbidden', 'The caller has a fixed list of rooms, and this is none of them.');
  try {
    return { room: await kit.createRoom({ ...given, ...(organizationId !== undefined && { organizationId }) }), created: true };
  } catch (error) {
    if (!ensure || !(error instanceof RoomExistsError) || given.roomId === undefined) throw error;
    // A room of another organization stays hidden: all that shows is that the id is taken.
    const state = await reachRoom(kit, principal, given.roomId).catch(() => undefined);
    if (state === undefined) throw error;
    return { room: state.room, created: false };
  }
}

/** What a person in the room may know of it; metadata, timers and configuration are the host's. */
function roomForClient({
  id,
  status,
  createdAt,
  updatedAt,
  closedAt,
  latestIndex,
}: Room): Pick<Room, 'id' | 'status' | 'createdAt' | 'updatedAt' | 'closedAt' | 'latestIndex'> {
  return { id, status, createdAt, updatedAt, ...(closedAt !== undefined && { closedAt }), latestIndex };
}

/** Names, not identities: addresses and candidates stay with the host. */
function participantForClient({ id, displayName, role, status }: Participant): Pick<Participant, 'id' | 'displayName' | 'role' | 'status'> {
  return { id, ...(displayName !== undefined && { displayName }), role, status };
}
