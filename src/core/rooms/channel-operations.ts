/** Attaching, detaching, muting, access and visibility (behaviour §5.1), each under the room's lock with its timeline entry. */
import { cancelWaiting } from '../approvals/cancel.js';
import { isoTime } from '../clock.js';
import { checkRateLimit } from '../delivery/rate-limit.js';
import { ChannelNotFoundError, errorMessage, ValidationError } from '../errors.js';
import { checkRetryPolicy } from '../delivery/retry.js';
import type { NoticeTrigger } from '../hooks/triggers.js';
import type { ChannelBinding } from '../models/binding.js';
import type { InboundMessage } from '../models/delivery.js';
import { EMPTY, frozenMap, isPromise, ownJson, type Awaitable, type Metadata } from '../models/json.js';
import type { Room } from '../models/room.js';
import { Access, ChannelCategory, ChannelDirection, type EventType } from '../models/vocabulary.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';
import type { KitParts } from '../parts.js';
import { commitSystem } from '../pipeline/commit.js';
import type { Section } from '../pipeline/section.js';
import type { RegisteredChannel } from '../registry.js';
import type { CommitResult, RoomState } from '../store/store.js';
import { checkCollision } from '../turns/collision.js';
import { assertGrows, inRoom, tellLater } from './lifecycle.js';

/** Any field of the binding may be given; category and direction default to the channel's own (CHO-02). */
export type AttachOptions = Partial<
  Pick<
    ChannelBinding,
    | 'category'
    | 'direction'
    | 'access'
    | 'visibility'
    | 'muted'
    | 'outputMuted'
    | 'retryPolicy'
    | 'rateLimit'
    | 'collision'
    | 'metadata'
    | 'participantId'
  >
>;

export const TOMBSTONES = '_detached';

export async function attachChannel(parts: KitParts, roomId: string, channelId: string, options: AttachOptions): Promise<ChannelBinding> {
  const entry = parts.channels.require(channelId);
  checkAttachOptions(options);
  return inRoom(parts, roomId, (section, state) => attachInSection(parts, section, state, entry, options));
}

function attachInSection(
  parts: KitParts,
  section: Section,
  state: RoomState,
  entry: RegisteredChannel,
  options: AttachOptions,
): Awaitable<ChannelBinding> {
  const channelId = entry.channel.channelId;
  const existing = state.bindings.find((binding) => binding.channelId === channelId);
  if (existing !== undefined) return updateBinding(parts, section, state, existing, options);
  assertGrows(state.room);
  const channel = entry.channel;
  const binding = withAddress(entry, {
    channelId,
    roomId: state.room.id,
    channelType: channel.channelType,
    category: options.category ?? channel.category,
    direction: options.direction ?? channel.direction,
    access: options.access ?? 'read_write',
    muted: options.muted ?? false,
    outputMuted: options.outputMuted ?? false,
    visibility: options.visibility ?? 'all',
    attachedAt: isoTime(parts.clock.now()),
    capabilities: channel.capabilities,
    metadata: frozenMap(options.metadata),
    ...(options.participantId !== undefined && { participantId: options.participantId }),
    ...(options.rateLimit !== undefined && { rateLimit: ownJson(options.rateLimit) }),
    ...(options.retryPolicy !== undefined && { retryPolicy: ownJson(options.retryPolicy) }),
    ...(options.collision !== undefined && { collision: ownJson(options.collision) }),
  });
  const committed = commitSystem(
    parts,
    section,
    {
      type: 'channel_attached',
      code: 'channel_attached',
      body: `${channelId} was attached.`,
      data: { channel_id: channelId, access: binding.access, visibility: binding.visibility },
    },
    {
      binding,
      ...(isTombstoned(state.room, channelId) && {
        roomPatch: { metadata: { [TOMBSTONES]: tombstones(state.room).filter((id) => id !== channelId) } },
      }),
    },
  );
  return isPromise(committed) ? committed.then((result) => attached(parts, section, result, binding)) : attached(parts, section, committed, binding);
}

function attached(parts: KitParts, section: Section, { event, state }: CommitResult, binding: ChannelBinding): ChannelBinding {
  const { roomId, channelId, access } = binding;
  tellLater(parts, section, state, 'on_channel_attached', event, binding);
  if (parts.framework.has('room_channel_attached')) {
    section.defer(() => parts.framework.emit('room_channel_attached', { roomId, channelId, data: { access } }));
  }
  if (parts.protocolTraces.holds(roomId)) section.defer(() => parts.protocolTraces.replay(roomId));
  return binding;
}

/** A message came in over a channel that is not attached: with defaults, and with the sender's address (INB-03, TRN-06). */
export async function attachOnArrival(parts: KitParts, state: RoomState, entry: RegisteredChannel, message: InboundMessage): Promise<RoomState> {
  const address = entry.channel.recipientOf?.(message) ?? message.senderId;
  const key = entry.channel.recipientKey;
  const options: AttachOptions = address === '' ? {} : key === undefined ? { participantId: address } : { metadata: { [key]: address } };
  return inRoom(parts, state.room.id, async (section, now) => {
    const bound = now.bindings.some((binding) => binding.channelId === entry.channel.channelId);
    // An automatic attach never replaces a binding and never brings back a detached channel (CHO-04).
    if (bound || isTombstoned(now.room, entry.channel.channelId) || now.room.status === 'closed' || now.room.status === 'archived') return now;
    await attachInSection(parts, section, now, entry, options);
    return (await parts.store.loadRoom(state.room.id)) ?? now;
  });
}

/** Only the given fields change; nothing is widened or reset (CHO-03, CHO-07). */
async function updateBinding(
  parts: KitParts,
  section: Section,
  state: RoomState,
  existing: ChannelBinding,
  options: AttachOptions,
): Promise<ChannelBinding> {
  const keys = Object.keys(options).filter((key) => options[key as keyof AttachOptions] !== undefined);
  const entry = parts.channels.require(existing.channelId);
  const given = Object.fromEntries(keys.map((key) => [key, options[key as keyof AttachOptions]]));
  const binding = withAddress(entry, {
    ...existing,
    ...given,
    ...(options.metadata !== undefined && { metadata: frozenMap({ ...existing.metadata, ...options.metadata }) }),
    capabilities: entry.channel.capabilities,
  });
  // A program that starts again attaches again: what changes nothing leaves no entry.
  if (JSON.stringify(binding) === JSON.stringify(existing)) return existing;
  assertGrows(state.room);
  await commitChange(parts, section, binding, 'channel_metadata_updated', { channel_id: existing.channelId, keys });
  return binding;
}

export async function detachChannel(parts: KitParts, roomId: string, channelId: string): Promise<boolean> {
  const failure = await inRoom(parts, roomId, async (section, state) => {
    const binding = state.bindings.find((candidate) => candidate.channelId === channelId);
    if (binding === undefined) return 'absent' as const;
    assertGrows(state.room);
    const committed = await commitSystem(
      parts,
      section,
      { type: 'channel_detached', code: 'channel_detached', body: `${channelId} was detached.`, data: { channel_id: channelId } },
      {
        ...(await cancelWaiting(parts, section, { roomId, agentId: channelId, reason: 'channel_detached' })),
        removeBinding: channelId,
        roomPatch: { metadata: { [TOMBSTONES]: [...tombstones(state.room).filter((id) => id !== channelId), channelId] } },
      },
    );
    for (const row of await parts.store.listRows({ roomId, channelId, state: ['queued', 'unknown'] })) {
      const lastError = { code: 'cancelled', message: 'The channel was detached.', retryable: false };
      await parts.store.updateRow(row.id, { state: 'cancelled', lastError }, ['queued', 'unknown']);
      parts.news.tell(roomId, row.eventId, 'delivery');
    }
    for (const turn of await parts.store.listTurns({ roomId, channelId, state: 'queued' })) {
      await parts.store.updateTurn(turn.id, { state: 'cancelled' }, ['queued']);
    }
    tellLater(parts, section, committed.state, 'on_channel_detached', committed.event, binding);
    if (parts.framework.has('room_channel_detached'))
      section.defer(() => parts.framework.emit('room_channel_detached', { roomId, channelId, data: {} }));
    return undefined;
  });
  if (failure === 'absent') return false;
  // Announced first; then the channel's own trouble is the caller's to know (CHO-05).
  await parts.channels.get(channelId)?.channel.detached?.(roomId);
  return true;
}

export async function setMuted(parts: KitParts, roomId: string, channelId: string, muted: boolean): Promise<ChannelBinding> {
  const word = muted ? 'muted' : 'unmuted';
  return changeBinding(parts, roomId, channelId, (binding) => (binding.muted === muted ? undefined : { ...binding, muted }), {
    type: `channel_${word}`,
    code: `channel_${word}`,
    data: () => ({ channel_id: channelId }),
    trigger: `on_channel_${word}`,
  });
}

export async function setVisibility(parts: KitParts, roomId: string, channelId: string, visibility: string): Promise<ChannelBinding> {
  if (typeof visibility !== 'string' || visibility.trim() === '') {
    throw new ValidationError(
      `Visibility ${JSON.stringify(visibility)} says nothing. Use 'all', 'none', 'transport', 'intelligence', 'internal' or channel ids.`,
    );
  }
  return changeBinding(parts, roomId, channelId, (binding) => (binding.visibility === visibility ? undefined : { ...binding, visibility }), {
    type: 'channel_updated',
    code: 'channel_visibility_changed',
    data: (before) => ({ channel_id: channelId, old_visibility: before.visibility, visibility }),
  });
}

export async function setAccess(parts: KitParts, roomId: string, channelId: string, access: Access): Promise<ChannelBinding> {
  checkValue('access', access, ACCESSES);
  return changeBinding(parts, roomId, channelId, (binding) => (binding.access === access ? undefined : { ...binding, access }), {
    type: 'channel_updated',
    code: 'channel_access_changed',
    data: (before) => ({ channel_id: channelId, old_access: before.access, access }),
  });
}

export async function updateBindingMetadata(parts: KitParts, roomId: string, channelId: string, patch: Metadata): Promise<ChannelBinding> {
  const entry = parts.channels.get(channelId);
  return changeBinding(
    parts,
    roomId,
    channelId,
    (binding) => {
      const changed = { ...binding, metadata: frozenMap({ ...binding.metadata, ...patch }) };
      return entry === undefined ? changed : withAddress(entry, changed);
    },
    { type: 'channel_updated', code: 'channel_metadata_updated', data: () => ({ channel_id: channelId, keys: Object.keys(patch) }) },
  );
}

interface Change {
  readonly type: EventType;
  readonly code: string;
  readonly data: (before: ChannelBinding) => Metadata;
  readonly trigger?: NoticeTrigger;
}

async function changeBinding(
  parts: KitParts,
  roomId: string,
  channelId: string,
  change: (binding: ChannelBinding) => ChannelBinding | undefined,
  what: Change,
): Promise<ChannelBinding> {
  const { binding, changed } = await inRoom(parts, roomId, async (section, state) => {
    const before = state.bindings.find((candidate) => candidate.channelId === channelId);
    if (before === undefined)
      throw new ChannelNotFoundError(
        roomId,
        channelId,
        state.bindings.map((bound) => bound.channelId),
      );
    const after = change(before);
    if (after === undefined) return { binding: before, changed: false };
    assertGrows(state.room);
    await commitChange(parts, section, after, what.code, what.data(before), what.type, what.trigger);
    return { binding: after, changed: true };
  });
  if (changed) await tellChannel(parts, roomId, binding);
  return binding;
}

async function commitChange(
  parts: KitParts,
  section: Section,
  binding: ChannelBinding,
  code: string,
  data: Metadata,
  type: EventType = 'channel_updated',
  trigger?: NoticeTrigger,
): Promise<void> {
  const committed = await commitSystem(
    parts,
    section,
    { type, code, body: `${binding.channelId}: ${code.replaceAll('_', ' ')}.`, data },
    { binding },
  );
  if (trigger !== undefined) tellLater(parts, section, committed.state, trigger, committed.event, binding);
}

/** Mute, access and visibility reach the channel itself (CHO-06). */
async function tellChannel(parts: KitParts, roomId: string, binding: ChannelBinding): Promise<void> {
  try {
    await parts.channels.get(binding.channelId)?.channel.updateBinding?.(roomId, binding);
  } catch (error) {
    parts.logger.warn('A channel failed to take a changed binding.', { channelId: binding.channelId, error: errorMessage(error) });
  }
}

/** Whom the binding reaches, for routing (RTR-01). */
function withAddress(entry: RegisteredChannel, binding: ChannelBinding): ChannelBinding {
  const key = entry.channel.recipientKey;
  const named = key === undefined ? undefined : binding.metadata[key];
  const address = typeof named === 'string' && named !== '' ? named : binding.participantId;
  if (address !== undefined) return Object.freeze({ ...binding, address });
  if (binding.address === undefined) return Object.freeze(binding);
  const { address: _old, ...rest } = binding;
  return Object.freeze(rest);
}

export function isTombstoned(room: Room, channelId: string): boolean {
  return room.metadata !== EMPTY && tombstones(room).includes(channelId);
}

export function tombstones(room: Room): readonly string[] {
  const stored = room.metadata[TOMBSTONES];
  return Array.isArray(stored) ? (stored as string[]) : []; // written above, always strings
}

const ACCESSES = Object.values(Access);
const CATEGORIES = Object.values(ChannelCategory);
const DIRECTIONS = Object.values(ChannelDirection);

const NAMES: OptionNames<AttachOptions> = {
  category: true,
  direction: true,
  access: true,
  visibility: true,
  muted: true,
  outputMuted: true,
  retryPolicy: true,
  rateLimit: true,
  collision: true,
  metadata: true,
  participantId: true,
};

function checkAttachOptions(options: AttachOptions): void {
  checkOptionNames('attachChannel', options, NAMES);
  checkValue('access', options.access, ACCESSES);
  checkValue('category', options.category, CATEGORIES);
  checkValue('direction', options.direction, DIRECTIONS);
  checkCollision(options.collision);
  checkRateLimit(options.rateLimit);
  checkRetryPolicy(options.retryPolicy);
}

function checkValue(name: string, value: unknown, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value as string)) {
    throw new ValidationError(`${name} is ${JSON.stringify(value)}. Use one of ${allowed.join(', ')}.`);
  }
}
