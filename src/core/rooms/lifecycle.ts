/** Rooms come and go (behaviour §5): created, closed, archived, reopened, changed by their hosts. */
import { cancelWaiting } from '../approvals/cancel.js';
import { isoTime } from '../clock.js';
import { checkId } from '../ids.js';
import { RoomClosedError, RoomNotFoundError, ValidationError } from '../errors.js';
import type { AIConfig } from '../models/ai.js';
import { checkAIConfig } from '../models/ai-validation.js';
import type { CollisionConfig, InboundMessage } from '../models/delivery.js';
import { EMPTY, frozenMap, isPromise, type Awaitable, type Metadata } from '../models/json.js';
import type { Room, RoomTimers } from '../models/room.js';
import type { AgentResponsePolicy, RoomStatus } from '../models/vocabulary.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';
import type { KitParts } from '../parts.js';
import { checkState, commitSystem, loadHeld } from '../pipeline/commit.js';
import { looseSystemEvent, type SystemNotice } from '../pipeline/event-draft.js';
import { withSection, type Section } from '../pipeline/section.js';
import type { RegisteredChannel } from '../registry.js';
import type { RoomState } from '../store/store.js';
import { checkCollision } from '../turns/collision.js';
import { contextOf } from './history.js';
import type { NoticeTrigger } from '../hooks/triggers.js';

/** What a room begins with (ROOM-01). */
export interface CreateRoomOptions {
  /** Default: a random id. */
  readonly roomId?: string;
  /** Default: the kit's, when it has one. */
  readonly organizationId?: string;
  /** Keys are snake_case. */
  readonly metadata?: Metadata;
  /** When silence pauses and closes it; default never. */
  readonly timers?: RoomTimers;
  /** Overrides the settings of its agents (AI-02). */
  readonly aiConfig?: AIConfig;
  /** Default `agent_chain`. */
  readonly agentResponsePolicy?: AgentResponsePolicy;
  /** For turns of its agents, unless a binding says otherwise. */
  readonly collision?: CollisionConfig;
}

export async function createRoom(parts: KitParts, options: CreateRoomOptions): Promise<Room> {
  const creating = parts.store.createRoom(newRoom(parts, options));
  const created = isPromise(creating) ? await creating : creating;
  const telling = tellRoomCreated(parts, created);
  if (telling !== undefined) await telling;
  return created;
}

/** The first message of an unknown sender: two at once make one room (RTR-04). */
export async function createRoomForSender(parts: KitParts, entry: RegisteredChannel, message: InboundMessage): Promise<RoomState | null> {
  const organizationId = parts.options.organizationId;
  const { channel } = entry;
  const thread = channel.roomPerThread === true && message.threadId !== undefined ? `\u0000${message.threadId}` : '';
  const key = `${organizationId ?? ''}\u0000${channel.channelId}\u0000${channel.recipientOf?.(message) ?? message.senderId}${thread}`;
  const room = newRoom(parts, {});
  const { room: found, created } = await parts.store.createRoomOnce(key, room, 60);
  if (created) await tellRoomCreated(parts, found);
  return parts.store.loadRoom(found.id);
}

/** A message names a room that does not exist yet (INB-03). */
export async function createRoomWithId(parts: KitParts, roomId: string): Promise<RoomState | null> {
  const room = newRoom(parts, { roomId });
  const { created } = await parts.store.createRoomOnce(`id\u0000${roomId}`, room, 60);
  if (created) await tellRoomCreated(parts, room);
  return parts.store.loadRoom(roomId);
}

const NAMES: OptionNames<CreateRoomOptions> = {
  roomId: true,
  organizationId: true,
  metadata: true,
  timers: true,
  aiConfig: true,
  agentResponsePolicy: true,
  collision: true,
};

function newRoom(parts: KitParts, options: CreateRoomOptions): Room {
  checkOptionNames('createRoom', options, NAMES);
  if (options.roomId !== undefined) checkId('Room id', options.roomId);
  const now = isoTime(parts.clock.now());
  const organizationId = parts.options.organizationId ?? options.organizationId;
  const timers = checkTimers(options.timers ?? EMPTY);
  checkCollision(options.collision);
  if (options.aiConfig !== undefined) checkAIConfig(options.aiConfig);
  const timed = timers.inactiveAfterSeconds !== undefined || timers.closedAfterSeconds !== undefined;
  return {
    id: options.roomId ?? parts.ids.next(),
    ...(organizationId !== undefined && { organizationId }),
    status: 'active',
    createdAt: now,
    updatedAt: now,
    timers: timed && timers.lastActivityAt === undefined ? { ...timers, lastActivityAt: now } : timers,
    metadata: frozenMap(options.metadata),
    ...(options.aiConfig !== undefined && { aiConfig: storable(options.aiConfig) }),
    agentResponsePolicy: options.agentResponsePolicy ?? 'agent_chain',
    ...(options.collision !== undefined && { collision: options.collision }),
    eventCount: 0,
    latestIndex: -1,
    version: 0,
  };
}

/** Handlers are functions and never stored: rooms name their tools, the channel or the kit runs them (CON-05, AI-02). */
function storable(config: AIConfig): AIConfig {
  if (config.tools === undefined) return config;
  return { ...config, tools: config.tools.map(({ handler: _handler, ...definition }) => definition) };
}

export function checkTimers(timers: RoomTimers): RoomTimers {
  for (const name of ['inactiveAfterSeconds', 'closedAfterSeconds'] as const) {
    const value: unknown = timers[name];
    if (value !== undefined && (typeof value !== 'number' || !(value >= 0))) {
      throw new ValidationError(`Room timer ${name} is ${JSON.stringify(value)}. Give seconds of 0 or more, or leave it out.`);
    }
  }
  return timers;
}

/** The room, when it is there and this organization's (ROOM-02). */
export async function requireRoom(parts: KitParts, roomId: string): Promise<Room> {
  const room = await parts.store.getRoom(roomId);
  const organizationId = parts.options.organizationId;
  if (room === null || (organizationId !== undefined && room.organizationId !== organizationId)) throw new RoomNotFoundError(roomId);
  return room;
}

export async function closeRoom(parts: KitParts, roomId: string): Promise<Room> {
  return inRoom(parts, roomId, async (section, state) => {
    if (state.room.status === 'closed' || state.room.status === 'archived') return state.room;
    const at = isoTime(parts.clock.now());
    const committed = await commitSystem(
      parts,
      section,
      { code: 'room_closed', body: 'The room was closed.' },
      { roomPatch: { status: 'closed', closedAt: at }, ...(await cancelWaiting(parts, section, { roomId, reason: 'room_closed' })) },
    );
    await afterClosing(parts, section, committed.state, committed.event, 'host');
    return committed.state.room;
  });
}

/** Queued turns end, hooks and framework hear of it; deliveries of what was said before go on (OUT-13). */
export async function afterClosing(
  parts: KitParts,
  section: Section,
  state: RoomState,
  event: Awaited<ReturnType<typeof commitSystem>>['event'],
  reason: string,
): Promise<void> {
  const roomId = state.room.id;
  for (const turn of await parts.store.listTurns({ roomId, state: 'queued' })) {
    await parts.store.updateTurn(turn.id, { state: 'cancelled' }, ['queued']);
  }
  tellLater(parts, section, state, 'on_room_closed', event);
  if (parts.framework.has('room_closed')) section.defer(() => parts.framework.emit('room_closed', { roomId, data: { reason } }));
}

export async function archiveRoom(parts: KitParts, roomId: string): Promise<Room> {
  return inRoom(parts, roomId, async (section, state) => {
    if (state.room.status === 'archived') return state.room;
    const committed = await commitSystem(
      parts,
      section,
      { code: 'room_archived', body: 'The room was archived.' },
      { roomPatch: { status: 'archived' }, ...(await cancelWaiting(parts, section, { roomId, reason: 'room_closed' })) },
    );
    for (const turn of await parts.store.listTurns({ roomId, state: 'queued' })) {
      await parts.store.updateTurn(turn.id, { state: 'cancelled' }, ['queued']);
    }
    if (parts.framework.has('room_archived')) section.defer(() => parts.framework.emit('room_archived', { roomId, data: {} }));
    return committed.state.room;
  });
}

export async function reopenRoom(parts: KitParts, roomId: string): Promise<Room> {
  return inRoom(parts, roomId, async (section, state) => {
    if (state.room.status === 'active') return state.room;
    const at = isoTime(parts.clock.now());
    const committed = await commitSystem(
      parts,
      section,
      { code: 'room_reopened', body: 'The room was reopened.' },
      { roomPatch: { status: 'active', closedAt: null, lastActivityAt: at } },
    );
    if (parts.framework.has('room_resumed')) section.defer(() => parts.framework.emit('room_resumed', { roomId, data: {} }));
    return committed.state.room;
  });
}

/** Changes the timers under the lock, where no commit can come in between; the last activity stays (ROOM-06). */
export async function setTimers(
  parts: KitParts,
  roomId: string,
  timers: Pick<RoomTimers, 'inactiveAfterSeconds' | 'closedAfterSeconds'>,
): Promise<Room> {
  checkTimers(timers);
  return inRoom(parts, roomId, async (section, { room }) => {
    const lastActivityAt = room.timers.lastActivityAt ?? isoTime(parts.clock.now());
    return parts.store.updateRoom({ ...room, timers: { ...timers, lastActivityAt } }, section.writeOptions);
  });
}

/** Changes the status of a room that is still as it was seen; used by the timers. Throws ConflictError when somebody else was faster (ROOM-08). */
export function commitStatus(
  parts: KitParts,
  section: Section,
  { version: expectedVersion }: Pick<Room, 'version'>,
  notice: SystemNotice,
  status: RoomStatus,
  closedAt?: string,
): ReturnType<typeof commitSystem> {
  const roomPatch = { status, ...(closedAt !== undefined && { closedAt }) };
  if (status !== 'closed') return commitSystem(parts, section, notice, { roomPatch, expectedVersion });
  return cancelWaiting(parts, section, { roomId: section.roomId, reason: 'room_closed' }).then((ended) =>
    commitSystem(parts, section, notice, { roomPatch, expectedVersion, ...ended }),
  );
}

/** Closed and archived rooms never grow, whoever asks (ROOM-04). Throws RoomClosedError. */
export function assertGrows({ id, status }: Room): void {
  if (status === 'closed' || status === 'archived') throw new RoomClosedError(id, status);
}

/** Work on a room under its lock. Done when this returns, where nothing had to be waited for. */
export function inRoom<T>(parts: KitParts, roomId: string, work: (section: Section, state: RoomState) => Awaitable<T>): Promise<T> {
  try {
    parts.assertOpen();
    let root: Section | undefined;
    const result = withSection(parts, roomId, (section) => {
      if (section.root === section) root = section;
      const state = loadHeld(parts, section);
      return isPromise(state) ? state.then((now) => work(section, now)) : work(section, state);
    });
    // The caller waits for the notices it caused; inside a hook the outermost call does.
    if (isPromise(result)) return result.then((value) => afterNotices(parts, root, value));
    const noticed = afterNotices(parts, root, result);
    return isPromise(noticed) ? noticed : Promise.resolve(noticed);
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function afterNotices<T>(parts: KitParts, root: Section | undefined, value: T): Awaitable<T> {
  const noticed = root === undefined ? undefined : parts.notices.of(root);
  return noticed === undefined ? value : noticed.then(() => value);
}

/** A notice for after the lock; the call that caused it waits when it can (HK-08). */
export function tellLater(
  parts: KitParts,
  section: Section,
  state: RoomState,
  trigger: NoticeTrigger,
  payload: ReturnType<typeof looseSystemEvent>,
  source: { channelId?: string } = payload.source,
): void {
  if (!parts.hooks.has(trigger, state.room.id)) return;
  section.defer(() => {
    parts.notices.add(section.root, () => parts.hooks.notice(trigger, payload, { roomId: state.room.id, source, context: () => contextOf(state) }));
  });
}

function tellRoomCreated(parts: KitParts, room: Room): Promise<void> | undefined {
  if (parts.framework.has('room_created')) parts.framework.emit('room_created', { roomId: room.id, data: {} });
  return parts.hooks.has('on_room_created', room.id) ? noticeRoomCreated(parts, room) : undefined;
}

async function noticeRoomCreated(parts: KitParts, room: Room): Promise<void> {
  const state = checkState(parts, room.id, await parts.store.loadRoom(room.id));
  const event = looseSystemEvent(parts, room.id, { code: 'room_created', body: 'The room was created.' });
  await parts.hooks.notice('on_room_created', event, { roomId: room.id, source: event.source, context: () => contextOf(state) });
}
