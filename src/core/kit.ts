/** RoomKit: wires the parts and delegates; every method says in one line where the work is done. */
import { getApproval, listApprovals } from './approvals/list.js';
import { resolveApproval } from './approvals/resolve.js';
import { Timeouts } from './approvals/timeouts.js';
import { Deadlines } from './async/deadlines.js';
import { Rests } from './async/rests.js';
import { TaskGroup } from './async/task-group.js';
import { callScope, inCleanScope } from './call-scope.js';
import { channelServices, tellTrace } from './channel-services.js';
import type { Channel } from './channel.js';
import { SystemClock, type Clock } from './clock.js';
import type { CommitListener } from './commit-listener.js';
import { DeliveryChecks, type DeliveryCheck } from './delivery/check.js';
import { OutcomeRecorder } from './delivery/outcomes.js';
import { resume } from './delivery/recovered.js';
import { Elsewhere } from './delivery/elsewhere.js';
import { Followers, type RoomFollower } from './delivery/followers.js';
import { LiveWire } from './delivery/live-wire.js';
import { OutcomeNews } from './delivery/outcome-news.js';
import { LeaseTime } from './delivery/lease-time.js';
import { Recovery } from './delivery/recovery.js';
import { processDeliveryStatus } from './delivery/status-callbacks.js';
import { erasePerson } from './erasure/erase.js';
import { exportPerson, type PersonExport } from './erasure/export.js';
import type { PersonQuery } from './erasure/person.js';
import type { EraseOptions, ErasureReport } from './erasure/report.js';
import { AbortedError, ChannelNotRegisteredError, RoomNotFoundError, VoiceNotConfiguredError } from './errors.js';
import { FrameworkEvents, type FrameworkEventType, type FrameworkHandler } from './framework-events.js';
import { HookEngine, type HookEngineOptions, type HookHandler, type HookOptions, type HookSource } from './hooks/engine.js';
import type { HookPayload, HookTrigger, NoticeTrigger } from './hooks/triggers.js';
import { UuidGenerator, type IdGenerator } from './ids.js';
import { InMemoryLockManager } from './locks/in-memory.js';
import type { LiveConnectionOptions, LiveSend } from './live-connection.js';
import { StderrLogger, type Logger } from './logger.js';
import { MediaKeeper } from './media/media-keeper.js';
import type { MediaStore, MediaSweep } from './media/media-store.js';
import { mediaOfRoom, sweepMedia } from './media/sweep.js';
import type { Approval, ApprovalAnswer, ApprovalResult } from './models/approval.js';
import type { ChannelBinding } from './models/binding.js';
import type { ContentInput } from './models/content.js';
import type { ConversationState } from './models/conversation-state.js';
import type { DeliveryStatus, InboundMessage, InboundResult, OutboxRow, TurnRow } from './models/delivery.js';
import type { EphemeralEvent } from './models/ephemeral.js';
import type { RoomEvent } from './models/event.js';
import type { Metadata } from './models/json.js';
import type { Identity, IdentityMerge, Participant } from './models/people.js';
import type { Room } from './models/room.js';
import type { Observation, ObservationDraft, Task, TaskDraft, TaskOutcome, TaskResult } from './models/task.js';
import type { DecisionTrace } from './models/trace.js';
import type { UsageQuery, UsageReport } from './models/usage.js';
import type { Access, ChannelType, HookExecution, SourceStatus } from './models/vocabulary.js';
import { Notices } from './notices.js';
import { Counters } from './operations/counters.js';
import { recover, type RecoverOptions, type RecoveryReport } from './operations/recover.js';
import { Shutdown, type DrainOptions, type Services } from './operations/shutdown.js';
import { kitStats, storeStats, type KitStats, type StoreStats } from './operations/stats.js';
import { WatchedLocks } from './operations/watched-locks.js';
import { limitsOf, type RoomKitOptions } from './options.js';
import type { KitParts } from './parts.js';
import { Peers } from './peers.js';
import { ArrivalOrder } from './pipeline/arrival-order.js';
import { completeChallenge, type ChallengedSender } from './pipeline/challenge.js';
import { loadState } from './pipeline/commit.js';
import { InboundLimits } from './pipeline/inbound-limits.js';
import { processInbound, roomOf, type InboundOptions } from './pipeline/inbound.js';
import { DefaultInboundRouter } from './pipeline/router.js';
import { sendEvent, type SendOptions } from './pipeline/send.js';
import { storeObservation, storeTask } from './pipeline/side-effects.js';
import { processWebhook, type WebhookMeta } from './pipeline/webhook.js';
import { roomChannel, type RealtimeBackend } from './realtime/backend.js';
import { presenceEvent, reactionEvent, readReceiptEvent, typingEvent } from './realtime/ephemeral.js';
import { InMemoryRealtime } from './realtime/in-memory.js';
import { publishEphemeral } from './realtime/publish.js';
import { ChannelRegistry } from './registry.js';
import {
  changeConversation,
  setActiveAgent,
  type ConversationDecision,
  type ConversationNow,
  type ConversationResult,
} from './rooms/conversation.js';
import {
  attachChannel,
  detachChannel,
  setAccess,
  setMuted,
  setVisibility,
  updateBindingMetadata,
  type AttachOptions,
} from './rooms/channel-operations.js';
import { ensureRoom, type EnsureRoomOptions } from './rooms/ensure.js';
import { contextOf } from './rooms/history.js';
import { archiveRoom, closeRoom, createRoom, reopenRoom, requireRoom, setTimers, type CreateRoomOptions } from './rooms/lifecycle.js';
import { cancelDelivery, getDelivery, listDeliveries, listTurns, requeueDelivery, type DeliveryQuery } from './rooms/deliveries.js';
import { createIdentity, findIdentity, getIdentity, linkAddress, type IdentityDraft, type IdentityQuery } from './rooms/identities.js';
import {
  ensureParticipant,
  listMerges,
  mergeIdentities,
  resolveParticipant,
  unmergeIdentity,
  updateParticipant,
  type ParticipantPatch,
} from './rooms/people.js';
import { sweepRetention, type RetentionReport } from './retention/sweep.js';
import { RoomRuntimes } from './rooms/runtime.js';
import { searchEvents, type EventSearch } from './rooms/search.js';
import {
  deleteEvent,
  getReadMarker,
  getTimeline,
  getUnreadCount,
  markAllRead,
  markRead,
  readVisible,
  updateEvent,
  withResults,
  type EventPatch,
  type TimelineQuery,
} from './rooms/timeline.js';
import { MEDIA_SINCE_SECONDS, Sweeper } from './rooms/sweeper.js';
import { checkRoomTimers, sweepRoomTimers } from './rooms/timers.js';
import { completeTask } from './rooms/later-answers.js';
import { getTask, updateTask, type TaskPatch } from './rooms/work.js';
import type { AttachSourceOptions, SourceHealth, SourceProvider } from './sources/source.js';
import { SourceManager } from './sources/manager.js';
import { InMemoryStore } from './store/in-memory.js';
import type { ApprovalQuery, ConversationStore, RoomQuery, TurnQuery } from './store/store.js';
import { DecisionTraces } from './telemetry/decision-trace.js';
import { Prices } from './telemetry/prices.js';
import { Gauges } from './telemetry/gauges.js';
import { ProtocolTraces } from './telemetry/protocol-traces.js';
import type { ReplyListener } from './turns/reply-watcher.js';
import { readTraceContext, type TraceHeaders } from './telemetry/trace-context.js';
import { Tracer } from './telemetry/tracer.js';
import { getUsage } from './usage/get-usage.js';
import type { TurnScope } from './turn-scope.js';

/** A channel whose live connections a host hands over: the WebSocket channel. */
interface ConnectableChannel extends Channel {
  registerConnection(connectionId: string, send: LiveSend, options: LiveConnectionOptions): unknown;
  unregisterConnection(connectionId: string): boolean;
}

/**
 * The kit: rooms, channels, hooks and everything said between them. One per process and store; close it when done.
 * @example await using kit = new RoomKit({ store: await SqliteStore.open('./rooms.db') })
 */
export class RoomKit {
  /** Where everything is kept. Read it freely; write through the kit, or through what it documents (`updateRoom`, identities). */
  readonly store: ConversationStore;
  /** What carries ephemeral events. */
  readonly realtime: RealtimeBackend;
  /** The time this kit goes by. */
  readonly clock: Clock;
  /** Makes the ids of this kit. */
  readonly ids: IdGenerator;
  /** Takes what this kit has to say. */
  readonly logger: Logger;
  /** Keeps the bytes of media (§14.1); undefined: media stays a link. */
  readonly mediaStore: MediaStore | undefined;
  /** The organization this kit is scoped to; undefined: all (PERM-09). */
  readonly organizationId: string | undefined;
  readonly #parts: KitParts;
  readonly #recovery: Recovery;
  readonly #elsewhere: Elsewhere;
  readonly #followers: Followers;
  readonly #wire: LiveWire;
  readonly #news: OutcomeNews;
  readonly #timeouts: Timeouts;
  readonly #gauges: Gauges;
  readonly #peers: Peers;
  readonly #sources: SourceManager;
  readonly #shutdown = new Shutdown();
  readonly #sweeper: Sweeper;
  readonly #startedAt: number;

  constructor(options: RoomKitOptions = {}) {
    const limits = limitsOf(options);
    const clock = (this.clock = options.clock ?? new SystemClock());
    const ids = (this.ids = options.ids ?? new UuidGenerator());
    const logger = (this.logger = options.logger ?? new StderrLogger());
    const store = (this.store = options.store ?? new InMemoryStore());
    this.realtime = options.realtime ?? new InMemoryRealtime({ ids, logger });
    this.mediaStore = options.mediaStore;
    this.organizationId = options.organizationId;
    this.#startedAt = clock.monotonic();
    const counters = new Counters();
    const deadlines = new Deadlines(clock);
    const tasks = new TaskGroup();
    const framework = new FrameworkEvents(clock, tasks, logger);
    const tracer = new Tracer(options.telemetry ?? {}, logger, options.redact, options.random);
    const hooks = new HookEngine({
      deadlines,
      logger,
      timeoutSeconds: limits.hookTimeoutSeconds,
      organizationId: options.organizationId,
      now: () => clock.monotonic(),
      watchCall: hookSpans(tracer, options.telemetry?.suppressedHookTriggers),
      onFailure: (failure) => {
        const type = failure.timeoutSeconds === undefined ? 'hook_error' : 'hook_timeout';
        if (type === 'hook_timeout') counters.hookTimeouts++;
        else counters.hookFailures++;
        if (!framework.has(type)) return;
        const { hook, trigger, roomId } = failure;
        const detail =
          failure.timeoutSeconds === undefined
            ? { error: failure.error instanceof Error ? failure.error.message : String(failure.error) }
            : { timeout_seconds: failure.timeoutSeconds };
        framework.emit(type, { ...(roomId !== undefined && { roomId }), data: { hook, trigger, ...detail } });
      },
    });
    const channels = new ChannelRegistry(clock, (channelId, state) => {
      const type = state === 'open' ? 'circuit_breaker_opened' : 'circuit_breaker_closed';
      if (framework.has(type)) framework.emit(type, { channelId, data: {} });
    });
    const shutdown = this.#shutdown;
    const parts: KitParts = (this.#parts = {
      options,
      limits,
      owner: ids.next(),
      store,
      locks: new WatchedLocks(options.lockManager ?? new InMemoryLockManager(), counters, clock),
      counters,
      realtime: this.realtime,
      router: options.inboundRouter ?? new DefaultInboundRouter(store, logger),
      clock,
      ids,
      random: options.random ?? Math.random,
      logger,
      deadlines,
      tasks,
      passing: new TaskGroup(),
      rests: new Rests(),
      channels,
      rooms: new RoomRuntimes(store.persistent && !store.shared, store.persistent || store.shared || options.store !== undefined),
      hooks,
      framework,
      traces: new DecisionTraces(limits.traceEvents),
      prices: options.prices === undefined ? undefined : new Prices(options.prices),
      tracer,
      outcomes: new OutcomeRecorder(store, clock, tasks, logger, ({ roomId, eventId }) => parts.news.tell(roomId, eventId, 'delivery')),
      arrivals: new ArrivalOrder(),
      notices: new Notices(tasks),
      protocolTraces: new ProtocolTraces(clock, (roomId, trace) => void tasks.run(() => tellTrace(parts, roomId, trace))),
      inboundLimits: options.inboundRateLimit === undefined ? undefined : new InboundLimits(options.inboundRateLimit, clock),
      limiters: new Map(),
      transcoder: options.transcoder,
      get media() {
        return media;
      },
      commitListeners: new Set(),
      replyListeners: new Set(),
      deliveryChecks: new DeliveryChecks(),
      get timeouts() {
        return timeouts;
      },
      leaveBehind: (channelId) => this.#recovery.leave(channelId),
      leases: new LeaseTime(store, clock, limits.leaseSeconds * 1000),
      get followers() {
        return followers;
      },
      get wire() {
        return wire;
      },
      get news() {
        return news;
      },
      get elsewhere() {
        return elsewhere;
      },
      lookForWork: () => this.#recovery.soon(),
      resume: (rows) => resume(parts, rows),
      assertOpen: () => shutdown.assertOpen(),
      assertNotClosed: () => shutdown.assertNotClosed(),
      ...shutdown.signals,
    });
    const media = options.mediaStore === undefined ? undefined : new MediaKeeper(parts, options.mediaStore);
    this.#sources = new SourceManager({
      processInbound: (message) => this.processInbound(message, { wait: 'commit' }),
      roomOf: (message) => roomOf(this.#parts, message),
      processStatus: (status) => this.processDeliveryStatus(status),
      clock,
      logger,
      emit: (type, channelId, data) => {
        if (framework.has(type)) framework.emit(type, { channelId, data });
      },
      tasks,
    });
    this.#recovery = new Recovery(parts);
    parts.leases.onLease = () => this.#recovery.keepLeases();
    this.#recovery.start();
    const elsewhere = (this.#elsewhere = new Elsewhere(parts));
    elsewhere.start();
    const followers = (this.#followers = new Followers(parts));
    const wire = (this.#wire = new LiveWire(parts));
    const news = (this.#news = new OutcomeNews(parts));
    const timeouts = (this.#timeouts = new Timeouts(parts));
    timeouts.start();
    this.#gauges = new Gauges(parts);
    this.#gauges.start();
    this.#peers = new Peers(parts);
    this.#peers.start();
    this.#sweeper = new Sweeper(parts, (roomId) => this.deleteRoom(roomId));
    this.#warnUnsafe();
    if (options.sweepIntervalSeconds !== undefined) this.startSweeping(options.sweepIntervalSeconds);
  }

  // --- channels ------------------------------------------------------------------------------------------------------

  /** Makes a channel known to the kit. Throws ChannelAlreadyRegisteredError. */
  registerChannel(channel: Channel): void {
    this.#shutdown.assertOpen();
    this.#parts.channels.add(channel);
    channel.connect?.(channelServices(this.#parts, channel.channelId, this));
    this.#recovery.registered(channel.channelId);
    if (this.#parts.framework.has('channel_registered')) this.#parts.framework.emit('channel_registered', { channelId: channel.channelId, data: {} });
  }

  /** Forgets a channel and closes it, unless told otherwise. Its bindings stay; their deliveries wait. */
  async unregisterChannel(channelId: string, options: { close?: boolean } = {}): Promise<void> {
    const entry = this.#parts.channels.remove(channelId);
    if (this.#parts.framework.has('channel_unregistered')) this.#parts.framework.emit('channel_unregistered', { channelId, data: {} });
    if (options.close !== false) await entry.channel.close?.();
  }

  /** The registered channel, or undefined. */
  getChannel(channelId: string): Channel | undefined {
    return this.#parts.channels.get(channelId)?.channel;
  }

  /** All registered channels, in the order of their registration. */
  listChannels(): Channel[] {
    return this.#parts.channels.all().map((entry) => entry.channel);
  }

  // --- rooms ---------------------------------------------------------------------------------------------------------

  /** Throws RoomExistsError when the id is taken. */
  createRoom(options: CreateRoomOptions = {}): Promise<Room> {
    return this.#open(() => createRoom(this.#parts, options));
  }

  /** The room of this id, made with these options when it is not there yet; for programs that start again on a store. */
  ensureRoom(options: EnsureRoomOptions): Promise<Room> {
    return this.#open(() => ensureRoom(this.#parts, options));
  }

  /** The caller's own copy. Throws RoomNotFoundError. */
  getRoom(roomId: string): Promise<Room> {
    return requireRoom(this.#parts, roomId);
  }

  /** Rooms that match, newest first; of this kit's organization, where it has one. */
  async listRooms(query: Omit<RoomQuery, 'organizationId'> = {}): Promise<readonly Room[]> {
    return this.store.findRooms({ ...query, ...(this.organizationId !== undefined && { organizationId: this.organizationId }) });
  }

  /** Idempotent. Deliveries of what was said before go on; queued turns are cancelled. */
  closeRoom(roomId: string): Promise<Room> {
    return closeRoom(this.#parts, roomId);
  }

  /** As {@link RoomKit.closeRoom}, for rooms that are put away (ROOM-03). */
  archiveRoom(roomId: string): Promise<Room> {
    return archiveRoom(this.#parts, roomId);
  }

  /** Makes a closed or archived room active again (ROOM-03). */
  reopenRoom(roomId: string): Promise<Room> {
    return reopenRoom(this.#parts, roomId);
  }

  /** Removes a room with everything in it. */
  async deleteRoom(roomId: string): Promise<boolean> {
    this.#shutdown.assertOpen();
    try {
      await requireRoom(this.#parts, roomId);
    } catch (error) {
      if (error instanceof RoomNotFoundError) return false;
      throw error;
    }
    const bindings = (await this.store.loadRoom(roomId))?.bindings ?? [];
    const { media } = this.#parts;
    const mediaIds = media === undefined ? [] : await mediaOfRoom(this.#parts, roomId);
    const deleted = await this.store.deleteRoom(roomId);
    media?.remove(mediaIds);
    this.#parts.hooks.forgetRoom(roomId);
    this.#parts.rooms.peek(roomId)?.dropTail();
    this.#parts.rooms.forget(roomId);
    for (const { channel } of this.#parts.channels.all()) {
      try {
        await channel.forgetRoom?.(roomId);
      } catch (error) {
        this.logger.error('A channel could not forget a deleted room.', { channelId: channel.channelId, roomId, error });
      }
    }
    // Whoever still listens there is told that it is gone (WIRE-12).
    for (const { channelId } of bindings) await this.#parts.channels.get(channelId)?.channel.detached?.(roomId);
    return deleted;
  }

  /** An atomic shallow merge; `undefined` removes a key (ROOM-06). */
  async updateRoomMetadata(roomId: string, patch: Metadata): Promise<Room> {
    this.#shutdown.assertOpen();
    await requireRoom(this.#parts, roomId);
    return this.store.patchRoomMetadata(roomId, patch);
  }

  /** Changes the timers; `lastActivityAt` stays (ROOM-06). */
  setRoomTimers(roomId: string, timers: Pick<Room['timers'], 'inactiveAfterSeconds' | 'closedAfterSeconds'>): Promise<Room> {
    return setTimers(this.#parts, roomId, timers);
  }

  /** Pauses or closes this room if its time has come; returns it as it is then (ROOM-07). */
  checkRoomTimers(room: Room): Promise<Room> {
    return checkRoomTimers(this.#parts, room);
  }

  /** Pauses and closes rooms whose time has come; returns those that changed. */
  sweepRoomTimers(): Promise<Room[]> {
    return this.#open(() => sweepRoomTimers(this.#parts));
  }

  /**
   * Stores media that a crash or its vendor kept from being stored, of events of the last `sinceSeconds` (two days), and deletes
   * from the media store what no event names (MED-02). Without a media store there is nothing to do.
   */
  sweepMedia(options: { readonly sinceSeconds?: number } = {}): Promise<MediaSweep> {
    return this.#open(async () => {
      const { media } = this.#parts;
      return media === undefined ? { stored: 0, removed: 0 } : sweepMedia(this.#parts, media, options.sinceSeconds ?? MEDIA_SINCE_SECONDS);
    });
  }

  /**
   * Removes what has been kept for as long as `retention` says (§37), in one pass, whatever other processes have done lately. Without
   * `retention` there is nothing to do. Throws NotSupportedError for a store that cannot be looked through.
   */
  sweepRetention(): Promise<RetentionReport> {
    return this.#open(() => sweepRetention(this.#parts, (roomId) => this.deleteRoom(roomId)));
  }

  /** Whether the kit sweeps room timers by itself. */
  get isSweeping(): boolean {
    return this.#sweeper.isSweeping;
  }

  /** Sweeps room timers by itself every so often, and at first and every hour its media store and what has expired, until close. */
  startSweeping(intervalSeconds: number): void {
    this.#sweeper.start(intervalSeconds);
  }

  // --- channels in rooms ---------------------------------------------------------------------------------------------

  /**
   * Lets a registered channel take part in a room (CHO-02). Attached already: changes the fields that are given. Throws
   * RoomNotFoundError, ChannelNotRegisteredError.
   */
  attachChannel(roomId: string, channelId: string, options: AttachOptions = {}): Promise<ChannelBinding> {
    return this.#open(() => attachChannel(this.#parts, roomId, channelId, options));
  }

  /** False when it was not attached. */
  detachChannel(roomId: string, channelId: string): Promise<boolean> {
    return detachChannel(this.#parts, roomId, channelId);
  }

  /** Nothing the channel says is heard from now on; it still listens (PERM-03). Throws ChannelNotFoundError. */
  mute(roomId: string, channelId: string): Promise<ChannelBinding> {
    return setMuted(this.#parts, roomId, channelId, true);
  }

  /** Takes {@link RoomKit.mute} back. */
  unmute(roomId: string, channelId: string): Promise<ChannelBinding> {
    return setMuted(this.#parts, roomId, channelId, false);
  }

  /** Who hears what this channel says: `all`, `none`, `transport`, `intelligence`, `internal`, or channel ids with commas (PERM-06). */
  setVisibility(roomId: string, channelId: string, visibility: string): Promise<ChannelBinding> {
    return setVisibility(this.#parts, roomId, channelId, visibility);
  }

  /** What the channel may do in the room: `read_write`, `read_only`, `write_only` or `none`. */
  setAccess(roomId: string, channelId: string, access: Access): Promise<ChannelBinding> {
    return setAccess(this.#parts, roomId, channelId, access);
  }

  /** An atomic shallow merge; `undefined` removes a key. */
  updateBindingMetadata(roomId: string, channelId: string, patch: Metadata): Promise<ChannelBinding> {
    return updateBindingMetadata(this.#parts, roomId, channelId, patch);
  }

  /** The channels of a room, in the order they were attached. */
  async listBindings(roomId: string): Promise<readonly ChannelBinding[]> {
    return (await loadState(this.#parts, roomId)).bindings;
  }

  // --- people --------------------------------------------------------------------------------------------------------

  /** The participant of this id, made when there is none (ROOM-09). Silent: no hook, no entry. */
  ensureParticipant(
    roomId: string,
    channelId: string,
    participantId: string,
    options: { displayName?: string; role?: Participant['role'] } = {},
  ): Promise<Participant> {
    return ensureParticipant(this.#parts, roomId, channelId, participantId, options);
  }

  /** Says who a participant is (ROOM-10). Throws ParticipantNotFoundError, IdentityNotFoundError. */
  resolveParticipant(roomId: string, participantId: string, identityId: string, resolvedBy = 'manual'): Promise<Participant> {
    return resolveParticipant(this.#parts, roomId, participantId, identityId, resolvedBy);
  }

  /** Changes name, role, status or metadata of a participant, with a timeline entry (ROOM-14). Throws ParticipantNotFoundError. */
  updateParticipant(roomId: string, participantId: string, patch: ParticipantPatch): Promise<Participant> {
    return updateParticipant(this.#parts, roomId, participantId, patch);
  }

  /** Everybody the room knows, those who left included. */
  async listParticipants(roomId: string): Promise<readonly Participant[]> {
    return (await loadState(this.#parts, roomId)).participants;
  }

  /** Makes an identity, of this kit's organization where it has one. Throws ConflictError when id or address is taken. */
  createIdentity(draft: IdentityDraft): Promise<Identity> {
    return this.#open(() => createIdentity(this.#parts, draft));
  }

  /** Follows merges (IDN-13); null when there is none, or it is another organization's. */
  getIdentity(identityId: string): Promise<Identity | null> {
    return getIdentity(this.#parts, identityId);
  }

  /** Whom an address belongs to; null when nobody is known by it. */
  findIdentity(query: IdentityQuery): Promise<Identity | null> {
    return findIdentity(this.#parts, query);
  }

  /** Gives an identity one more address. Throws IdentityNotFoundError, and ConflictError when it is somebody else's. */
  linkAddress(identityId: string, channelType: ChannelType, address: string): Promise<Identity> {
    return this.#open(() => linkAddress(this.#parts, identityId, channelType, address));
  }

  /** Two identities are one person: `from` goes into `into` (IDN-13). Null when it is merged already; the record undoes it. */
  mergeIdentities(intoId: string, fromId: string, options: { by: string; reason?: string }): Promise<IdentityMerge | null> {
    return mergeIdentities(this.#parts, intoId, fromId, options);
  }

  /** Takes a merge back, exactly; null when there is none. */
  unmergeIdentity(fromId: string): Promise<IdentityMerge | null> {
    return unmergeIdentity(this.#parts, fromId);
  }

  /** What went into an identity, directly or by way of another, the latest first: who merged it, when, and what moved (IDN-13). */
  listMerges(identityId: string): Promise<readonly IdentityMerge[]> {
    return listMerges(this.#parts, identityId);
  }

  /**
   * Erases a person: what they wrote, who they are, and what hangs on both, in every room (§37). Other people's data stay. When it
   * fails half-way, call it again. Takes as long as the store is large. Throws NotSupportedError for a store that cannot be looked through.
   */
  eraseIdentity(identityId: string, options: EraseOptions = {}): Promise<ErasureReport> {
    return this.erasePerson({ identityId }, options);
  }

  /** As {@link RoomKit.eraseIdentity}, also for somebody who has no identity, by an address (ERA-01). */
  erasePerson(person: PersonQuery, options: EraseOptions = {}): Promise<ErasureReport> {
    return this.#open(() => erasePerson(this.#parts, person, options, (roomId) => this.deleteRoom(roomId)));
  }

  /** What is kept of a person, as one JSON-safe value (ERA-12). Throws NotSupportedError for a store that cannot be looked through. */
  exportPerson(person: PersonQuery): Promise<PersonExport> {
    return exportPerson(this.#parts, person);
  }

  /** A challenged sender is known now (or, with null, refused): what was held is processed in order, or discarded. */
  completeChallenge(sender: ChallengedSender, identity: Identity | null): Promise<readonly InboundResult[]> {
    return this.#open(() => completeChallenge(this.#parts, sender, identity));
  }

  // --- messages ------------------------------------------------------------------------------------------------------

  /** A message from a transport. Business outcomes are in the result; it throws on misuse and infrastructure only. */
  processInbound(message: InboundMessage, options?: InboundOptions): Promise<InboundResult> {
    return processInbound(this.#parts, message, options);
  }

  /**
   * Runs `work` as part of the trace that a request's headers tell of (`traceparent`, `tracestate`); headers that tell of none change
   * nothing (TEL-08). Webhooks and the server's requests come in like this by themselves.
   */
  continueTrace<T>(headers: TraceHeaders, work: () => T): T {
    const incomingTrace = this.#parts.tracer.carries ? readTraceContext(headers) : undefined;
    return incomingTrace === undefined ? work() : callScope.run({ ...callScope.getStore(), incomingTrace }, work);
  }

  /** Says something in a room as one of its channels. The event tells by `status` whether it was blocked. */
  async sendEvent(roomId: string, channelId: string, content: ContentInput, options: SendOptions = {}): Promise<RoomEvent> {
    const result = await sendEvent(this.#parts, roomId, channelId, content, options);
    if (result.event === undefined)
      throw new AbortedError(`The event was refused: ${result.reason ?? 'unknown'}. Use kit.sendEventResult to get this as a value.`);
    return result.event;
  }

  /** As {@link RoomKit.sendEvent}, with refusals and deliveries as a value. */
  sendEventResult(roomId: string, channelId: string, content: ContentInput, options: SendOptions = {}): Promise<InboundResult> {
    return sendEvent(this.#parts, roomId, channelId, content, options);
  }

  /** What was said, oldest first, at most 50 unless told otherwise (ROOM-11). With delivery results. */
  getTimeline(roomId: string, query: TimelineQuery = {}): Promise<RoomEvent[]> {
    return getTimeline(this.#parts, roomId, query);
  }

  /** With its delivery results; null when it is not there. */
  async getEvent(roomId: string, eventId: string): Promise<RoomEvent | null> {
    await requireRoom(this.#parts, roomId);
    const event = await this.store.getEvent(roomId, eventId);
    return event === null ? null : ((await withResults(this.#parts, roomId, [event]))[0] ?? null);
  }

  /** Events whose text holds these words, newest first. Throws NotSupportedError when the store cannot search. */
  searchEvents(search: EventSearch): Promise<readonly RoomEvent[]> {
    return searchEvents(this.#parts, search);
  }

  /**
   * What generations have cost, in tokens and, with `prices`, in money: of everything, or of a room, agent, organization or
   * time (USG-01). Throws RoomNotFoundError, and NotSupportedError when the store keeps no usage.
   */
  getUsage(query: string | UsageQuery = {}): Promise<UsageReport> {
    return getUsage(this.#parts, typeof query === 'string' ? { roomId: query } : query);
  }

  /** What a channel may see after an index; for replays. */
  readVisible(roomId: string, channelId: string, options: { afterIndex: number; limit: number }): ReturnType<typeof readVisible> {
    return readVisible(this.#parts, roomId, channelId, options);
  }

  /** Changes a stored event as its host (ROOM-13); null when it is not there. Fires `on_event_updated`. */
  updateEvent(roomId: string, eventId: string, patch: EventPatch): Promise<RoomEvent | null> {
    return updateEvent(this.#parts, roomId, eventId, patch);
  }

  /** Returns how many events were removed. */
  deleteEvent(roomId: string, eventId: string, options: { cascadeReplies?: boolean } = {}): Promise<number> {
    return deleteEvent(this.#parts, roomId, eventId, options);
  }

  /** The channel has read up to this event. Never moves back. */
  markRead(roomId: string, channelId: string, eventId: string): Promise<void> {
    return markRead(this.#parts, roomId, channelId, eventId);
  }

  /** The channel has read everything there is. */
  markAllRead(roomId: string, channelId: string): Promise<void> {
    return markAllRead(this.#parts, roomId, channelId);
  }

  /** Index of the last event the channel has read; null without a marker. */
  getReadMarker(roomId: string, channelId: string): Promise<number | null> {
    return getReadMarker(this.#parts, roomId, channelId);
  }

  /** How many events are behind the channel's marker; all of them without one (ROOM-12). */
  getUnreadCount(roomId: string, channelId: string): Promise<number> {
    return getUnreadCount(this.#parts, roomId, channelId);
  }

  // --- tasks and observations ----------------------------------------------------------------------------------------

  /** Stores a task and fires `on_task_created`. */
  createTask(roomId: string, draft: TaskDraft): Promise<Task> {
    return this.#open(async () => {
      await requireRoom(this.#parts, roomId);
      return storeTask(this.#parts, roomId, draft);
    });
  }

  /** Stores an observation and fires `on_observation`. */
  addObservation(roomId: string, draft: ObservationDraft & { channelId: string }): Promise<Observation> {
    return this.#open(async () => {
      await requireRoom(this.#parts, roomId);
      return storeObservation(this.#parts, roomId, draft.channelId, draft);
    });
  }

  /** The tasks of a room, oldest first. */
  async listTasks(roomId: string, query: { status?: Task['status'] } = {}): Promise<readonly Task[]> {
    await requireRoom(this.#parts, roomId);
    return this.store.listTasks(roomId, query);
  }

  /** Null when the room has no such task. */
  getTask(roomId: string, taskId: string): Promise<Task | null> {
    return getTask(this.#parts, roomId, taskId);
  }

  /** Changes a task; silent: no hook, no entry. Null when the room has no such task. */
  updateTask(roomId: string, taskId: string, patch: TaskPatch): Promise<Task | null> {
    return updateTask(this.#parts, roomId, taskId, patch);
  }

  /**
   * Gives the answer of a tool that said it would answer later (LTR-02), from any process; its agent is asked with it. The first
   * call counts, every other one gets `already_completed`.
   */
  completeTask(taskId: string, outcome: TaskOutcome): Promise<TaskResult> {
    return this.#open(() => completeTask(this.#parts, taskId, outcome));
  }

  /** The observations of a room, oldest first. */
  async listObservations(roomId: string): Promise<readonly Observation[]> {
    await requireRoom(this.#parts, roomId);
    return this.store.listObservations(roomId);
  }

  // --- approvals -----------------------------------------------------------------------------------------------------

  /** Calls of tools that wait, or have waited, for a person, the first to expire first (APR-03). */
  listApprovals(query: ApprovalQuery = {}): Promise<readonly Approval[]> {
    return listApprovals(this.#parts, query);
  }

  /** Null when it is not there, or its room is another organization's. */
  getApproval(approvalId: string): Promise<Approval | null> {
    return getApproval(this.#parts, approvalId);
  }

  /** Allows or rejects a call (APR-03). The first valid answer counts; with the last one that a turn waited for, it goes on. */
  resolveApproval(approvalId: string, answer: ApprovalAnswer): Promise<ApprovalResult> {
    return this.#open(() => resolveApproval(this.#parts, approvalId, answer));
  }

  // --- conversation --------------------------------------------------------------------------------------------------

  /** Puts an agent in charge, or with null a human; what was being answered before is refused (CST-04, TURN-06). */
  setActiveAgent(roomId: string, agentId: string | null, options: { phase?: string; reason?: string } = {}): Promise<ConversationState> {
    return setActiveAgent(this.#parts, roomId, agentId, options);
  }

  /** Judges and changes the conversation's state under the room's lock, with its timeline entry, in one commit. */
  changeConversation(roomId: string, decide: (now: ConversationNow) => ConversationDecision): Promise<ConversationResult> {
    return changeConversation(this.#parts, roomId, decide);
  }

  /** The turn this call runs in; undefined outside of one. */
  currentTurn(): TurnScope | undefined {
    return callScope.getStore()?.turn;
  }

  // --- hooks and events ----------------------------------------------------------------------------------------------

  /** Registers a hook for all rooms; returns how to remove it. */
  hook<Trigger extends HookTrigger>(trigger: Trigger, handler: HookHandler<Trigger>): () => void;
  hook<Trigger extends HookTrigger, Execution extends HookExecution = 'sync'>(
    trigger: Trigger,
    options: HookOptions<Execution>,
    handler: HookHandler<Trigger, Execution>,
  ): () => void;
  hook(trigger: HookTrigger, first: unknown, second?: unknown): () => void {
    // The overloads have typed the handler by its trigger; the engine takes any and checks what it returns.
    return typeof first === 'function'
      ? this.#parts.hooks.add(trigger, {}, first as HookFunction)
      : this.#parts.hooks.add(trigger, first as HookOptions, second as HookFunction);
  }

  /** As `hook`, for one room only. */
  addRoomHook<Trigger extends HookTrigger, Execution extends HookExecution = 'sync'>(
    roomId: string,
    trigger: Trigger,
    options: HookOptions<Execution>,
    handler: HookHandler<Trigger, Execution>,
  ): () => void {
    return this.#parts.hooks.add(trigger, options, handler as HookFunction, roomId); // typed by its trigger above
  }

  /** Removes every hook of this name that was registered for all rooms; false when there was none. */
  removeHook(name: string): boolean {
    return this.#parts.hooks.removeNamed(name);
  }

  /** Removes every hook of this name that was registered for this room; false when there was none. */
  removeRoomHook(roomId: string, name: string): boolean {
    return this.#parts.hooks.removeNamed(name, roomId);
  }

  /** Fires a notice; for channels and orchestration. */
  async fireHook<Trigger extends NoticeTrigger>(trigger: Trigger, payload: HookPayload<Trigger>, roomId: string, source?: HookSource): Promise<void> {
    if (!this.#parts.hooks.has(trigger, roomId)) return;
    const state = await this.store.loadRoom(roomId);
    if (state === null) return;
    const run = (): Promise<void> =>
      this.#parts.hooks.notice(trigger, payload, { roomId, ...(source && { source }), context: () => contextOf(state) });
    // Inside a gate nobody waits for what the gate itself causes (INB-28).
    if (callScope.getStore()?.section?.open === true) void this.background(run);
    else await run();
  }

  /** Listens to framework events of exactly this type; returns how to stop. */
  on(type: FrameworkEventType, handler: FrameworkHandler): () => void {
    return this.#parts.framework.on(type, handler);
  }

  /** Sugar for `hook('on_delivery_status', …)`. */
  onDeliveryStatus(handler: (status: DeliveryStatus) => void | Promise<void>): () => void {
    return this.hook('on_delivery_status', (status) => handler(status));
  }

  /** Called for every committed event of this kit, in index order per room, once the lock is free; returns how to stop. */
  onCommitted(listener: CommitListener): () => void {
    this.#parts.commitListeners.add(listener);
    return () => void this.#parts.commitListeners.delete(listener);
  }

  /**
   * Tells a host who reads a room by index that there is more to read, whichever process has committed (OUT-15), and what has become
   * of deliveries and turns there (OUT-19). Resolves to how to end it. Throws RoomNotFoundError.
   */
  async followRoom(roomId: string, follower: RoomFollower): Promise<() => void> {
    await requireRoom(this.#parts, roomId);
    const stopHere = this.onCommitted((event) => event.roomId === roomId && follower.grown(event.index));
    const stopElsewhere = this.#followers.listen(roomId, follower);
    const stopOutcomes = this.#news.follow(roomId, follower);
    return () => {
      stopHere();
      stopElsewhere();
      stopOutcomes();
    };
  }

  /** Tells a host which rooms other processes of the same store have changed, of this kit's organization; returns how to end it. What is told of may be told late, or lost. */
  onRoomsChanged(told: (roomId: string) => void): () => void {
    const { options, tasks, logger } = this.#parts;
    if (options.organizationId === undefined) return this.#followers.watchAll(told);
    return this.#followers.watchAll((roomId) => {
      void tasks.run(async () => {
        try {
          await requireRoom(this.#parts, roomId);
          told(roomId);
        } catch (error) {
          if (!(error instanceof RoomNotFoundError)) logger.debug('A changed room could not be looked at.', { roomId, error });
        }
      });
    });
  }

  /**
   * Called when the first words of an agent's reply are there, before any of it is stored; what it returns is told of the
   * rest. Returns how to stop. For hosts who watch: a channel previews replies by its own `openStream`.
   */
  onReply(listener: ReplyListener): () => void {
    this.#parts.replyListeners.add(listener);
    return () => void this.#parts.replyListeners.delete(listener);
  }

  /**
   * Asks `check` before each attempt to deliver, over channels of these types or over all; it throws to stop one (OUT-16). Returns
   * how to end it.
   */
  checkDeliveries(check: DeliveryCheck, options: { readonly channelTypes?: readonly ChannelType[] } = {}): () => void {
    return this.#parts.deliveryChecks.add(check, options.channelTypes);
  }

  // --- ephemeral events ----------------------------------------------------------------------------------------------

  /**
   * Hears typing, presence, receipts and reactions of a room. Returns an id for {@link RoomKit.unsubscribeRoom}. A kit of one
   * organization throws RoomNotFoundError for a room that is not of it.
   */
  async subscribeRoom(roomId: string, callback: (event: EphemeralEvent) => void | Promise<void>): Promise<string> {
    this.#shutdown.assertOpen();
    await this.#checkOwn(roomId);
    // Only ephemeral events travel on a room's own channel (§27).
    return this.realtime.subscribe(roomChannel(roomId), (message) => callback(message as EphemeralEvent));
  }

  /** False when the subscription is unknown. */
  async unsubscribeRoom(subscriptionId: string): Promise<boolean> {
    return this.realtime.unsubscribe(subscriptionId);
  }

  /** Says that somebody types, or stopped (EPH-02). */
  publishTyping(roomId: string, userId: string, isTyping = true, channelId?: string): Promise<void> {
    return this.#publish(typingEvent(this, roomId, userId, isTyping, channelId));
  }

  /** `online`, `away` or `offline`; any other word becomes a `custom` event with `status` (EPH-02). */
  publishPresence(roomId: string, userId: string, status: string, channelId?: string): Promise<void> {
    return this.#publish(presenceEvent(this, roomId, userId, status, channelId));
  }

  /** Says that somebody has read an event. It does not move the read marker: {@link RoomKit.markRead} does. */
  publishReadReceipt(roomId: string, userId: string, eventId: string, channelId?: string): Promise<void> {
    return this.#publish(readReceiptEvent(this, roomId, userId, eventId, channelId));
  }

  /** Adds or removes a reaction to an event (EPH-02). */
  publishReaction(
    roomId: string,
    userId: string,
    eventId: string,
    emoji: string,
    action: 'add' | 'remove' = 'add',
    channelId?: string,
  ): Promise<void> {
    return this.#publish(reactionEvent(this, roomId, userId, eventId, emoji, action, channelId));
  }

  // --- connections, sources, webhooks --------------------------------------------------------------------------------

  /** Registers a live connection with a WebSocket channel. */
  async connectWebsocket(channelId: string, connectionId: string, send: LiveSend, options: LiveConnectionOptions = {}): Promise<void> {
    this.#shutdown.assertOpen();
    const channel = this.#connectable(channelId);
    await channel.registerConnection(connectionId, send, options);
    if (this.#parts.framework.has('channel_connected'))
      this.#parts.framework.emit('channel_connected', { channelId, data: { connection_id: connectionId } });
  }

  /** Silent when the connection is unknown. */
  async disconnectWebsocket(channelId: string, connectionId: string): Promise<void> {
    const known = this.#connectable(channelId).unregisterConnection(connectionId);
    if (known && this.#parts.framework.has('channel_disconnected')) {
      this.#parts.framework.emit('channel_disconnected', { channelId, data: { connection_id: connectionId, reason: 'closed' } });
    }
    await Promise.resolve();
  }

  /** Starts a persistent source for a channel. Throws SourceAlreadyAttachedError. */
  async attachSource(channelId: string, source: SourceProvider, options: AttachSourceOptions = {}): Promise<void> {
    this.#shutdown.assertOpen();
    this.#parts.channels.require(channelId);
    await this.#sources.attach(channelId, source, options);
  }

  /** Throws SourceNotFoundError. */
  async detachSource(channelId: string): Promise<void> {
    await this.#sources.detach(channelId);
  }

  /** How the channel's source is doing; null without one. */
  async sourceHealth(channelId: string): Promise<SourceHealth | null> {
    return this.#sources.health(channelId);
  }

  /** Channel id → status of its source. */
  listSources(): Record<string, SourceStatus> {
    return this.#sources.list();
  }

  /** What a vendor's webhook was parsed into: messages are processed, statuses move deliveries on (WHK-01). */
  processWebhook(meta: WebhookMeta, channelId: string): Promise<InboundResult | undefined> {
    return processWebhook(this.#parts, meta, channelId);
  }

  /** A vendor's callback moves a delivery on, never back (OUT-07); null when it is not ours or nothing new. */
  processDeliveryStatus(status: DeliveryStatus): Promise<OutboxRow | null> {
    return processDeliveryStatus(this.#parts, status);
  }

  // --- deliveries ----------------------------------------------------------------------------------------------------

  /** Outbox rows that match, by room and index. Live channels have none (OUT-15). */
  listDeliveries(query: DeliveryQuery = {}): Promise<readonly OutboxRow[]> {
    return listDeliveries(this.#parts, query);
  }

  /** One outbox row; null when it is not there, or its room is another organization's. */
  getDelivery(rowId: string): Promise<OutboxRow | null> {
    return getDelivery(this.#parts, rowId);
  }

  /** Puts a delivery that ended without success back in its lane. False when it is not in such a state. */
  async redeliver(rowId: string): Promise<boolean> {
    const changed = await requeueDelivery(this.#parts, rowId);
    if (changed !== null) await this.#recovery.requeue(changed);
    return changed !== null;
  }

  /** Gives up a delivery that has not been made yet. False when it is not in such a state. */
  cancelDelivery(rowId: string): Promise<boolean> {
    return cancelDelivery(this.#parts, rowId);
  }

  /** Turns of agents that match, by room and triggering event. */
  listTurns(query: TurnQuery = {}): Promise<readonly TurnRow[]> {
    return listTurns(this.#parts, query);
  }

  /**
   * One pass over what is due: deliveries and turns that nobody has, rooms whose timers have run out, approvals and later answers
   * whose time is up (OPS-06). For hosts without background timers, and for whoever does not want to wait for the next interval.
   * Rejects when the store does not answer, and with the signal's reason.
   */
  recover(options: RecoverOptions = {}): Promise<RecoveryReport> {
    return this.#open(() =>
      recover(
        this.#parts,
        {
          claim: () => this.#recovery.run(),
          expire: () => this.#timeouts.run(),
          sweepRooms: () => sweepRoomTimers(this.#parts),
          sweepMedia: async () =>
            this.#parts.media === undefined ? 0 : (await sweepMedia(this.#parts, this.#parts.media, MEDIA_SINCE_SECONDS)).removed,
        },
        options,
      ),
    );
  }

  // --- looking inside ------------------------------------------------------------------------------------------------

  /** What each step decided about an event and how long it took; the newest `traceEvents` are kept (TEL-07). */
  getTrace(eventId: string): DecisionTrace | undefined {
    return this.#parts.traces.get(eventId);
  }

  /** How this kit is doing, as far as its process knows: lanes, connections, locks, breakers, and counts of what has happened (OPS-01). Free. */
  stats(): KitStats {
    return kitStats(this.#parts, {
      state: this.#shutdown.state,
      startedAt: this.#startedAt,
      sources: this.#sources.list(),
      absentChannels: this.#recovery.absentChannels,
    });
  }

  /** What is open in the store, whichever process has it, and how old the oldest of it is (OPS-02). Asks the store once. */
  storeStats(): Promise<StoreStats> {
    return storeStats(this.#parts);
  }

  // --- running -------------------------------------------------------------------------------------------------------

  /** Runs `fn` beside its caller, in a clean context; close() waits for it (CON-10). */
  background<T>(fn: () => Promise<T>): Promise<T> {
    const task = inCleanScope(() => this.#parts.tasks.run(fn));
    task.catch((error: unknown) => this.logger.error('Background work failed.', { error }));
    return task;
  }

  /** Turns a whole recording into text. Throws VoiceNotConfiguredError without `stt`. */
  async transcribe(audio: unknown, options: { signal?: AbortSignal } = {}): Promise<string> {
    const stt = this.#parts.options.stt;
    if (stt === undefined) throw new VoiceNotConfiguredError('stt');
    return (await stt.transcribe(audio, options)).text;
  }

  /** Turns a text into audio. Throws VoiceNotConfiguredError without `tts`. */
  async synthesize(text: string, options: { voice?: string; signal?: AbortSignal } = {}): Promise<unknown> {
    const tts = this.#parts.options.tts;
    if (tts === undefined) throw new VoiceNotConfiguredError('tts');
    return tts.synthesize(text, options);
  }

  /**
   * Resolves when nothing that was begun runs any more: turns, deliveries, work beside them. New work may be begun meanwhile and
   * is waited for, too; what waits for its next attempt counts as running.
   */
  settled(): Promise<void> {
    return this.#parts.tasks.settled();
  }

  /** Finishes what runs and refuses what is new; at most `drainSeconds`, by default the kit's (KIT-05). */
  async drain(options: DrainOptions = {}): Promise<void> {
    await this.#shutdown.drain(this.#parts, this.#services(), options);
  }

  /**
   * Drains, hands what is left over to other processes, then closes everything the kit uses (KIT-03, OPS-07). Idempotent: the first
   * call decides how long. Failures come back as one AggregateError.
   */
  close(options: DrainOptions = {}): Promise<void> {
    return this.#shutdown.close(this.#parts, this.#services(), options);
  }

  /** For `await using kit = new RoomKit()`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #services(): Services {
    return {
      recovery: this.#recovery,
      timeouts: this.#timeouts,
      sweeping: this.#sweeper,
      gauges: this.#gauges,
      peers: this.#peers,
      sources: this.#sources,
      elsewhere: this.#elsewhere,
      tellers: [this.#followers, this.#wire, this.#news],
    };
  }

  #open<T>(fn: () => Promise<T>): Promise<T> {
    try {
      this.#shutdown.assertOpen();
    } catch (error) {
      return Promise.reject(error);
    }
    return fn();
  }

  async #publish(event: EphemeralEvent): Promise<void> {
    this.#shutdown.assertOpen();
    await this.#checkOwn(event.roomId);
    await publishEphemeral(this.#parts, event);
  }

  /** A kit of one organization hears and tells nothing in another's rooms (PERM-09). Others do not look: the room may yet come. */
  async #checkOwn(roomId: string): Promise<void> {
    if (this.organizationId !== undefined) await requireRoom(this.#parts, roomId);
  }

  #connectable(channelId: string): ConnectableChannel {
    const channel = this.#parts.channels.get(channelId)?.channel;
    if (channel === undefined || !('registerConnection' in channel)) {
      throw new ChannelNotRegisteredError(channelId, this.#parts.channels.ids(), 'WebSocket channel');
    }
    return channel as ConnectableChannel; // it has the method that makes it one
  }

  /** Several processes on one store need a lock that all of them see (KIT-02), and means to tell each other (KIT-09). */
  #warnUnsafe(): void {
    const { store, locks, realtime, framework, logger } = this.#parts;
    if (!store.shared || (locks.distributed && realtime.distributed)) return;
    const missing = [...(locks.distributed ? [] : ['lockManager']), ...(realtime.distributed ? [] : ['realtime'])];
    const harm = locks.distributed
      ? 'typing, presence and previews stay within one process, and work left by another is found a second later'
      : 'two of them may decide on one room at once, of which one is refused';
    logger.warn(
      `The store '${store.name}' is shared by processes, and these are not: ${missing.join(', ')}. In several processes ${harm}. ` +
        `Pass a distributed ${missing.join(' and ')}, such as those of roomkit/postgres or roomkit/redis.`,
    );
    // Listeners are registered after the constructor has returned.
    queueMicrotask(() => {
      if (framework.has('unsafe_configuration')) framework.emit('unsafe_configuration', { data: { store: store.name, missing } });
    });
  }
}

const LEVEL_TRIGGERS: readonly HookTrigger[] = ['on_vad_audio_level', 'on_input_audio_level', 'on_output_audio_level'];

/** A span around every hook, under the call that runs it (TEL-04); undefined without telemetry. */
function hookSpans(tracer: Tracer, suppressed: readonly HookTrigger[] = LEVEL_TRIGGERS): HookEngineOptions['watchCall'] {
  if (!tracer.enabled) return undefined;
  return (trigger, hook, execution, roomId) => {
    if (suppressed.includes(trigger)) return undefined;
    const span = tracer.startHere(execution === 'sync' ? 'hook.sync' : 'hook.async', hook, {
      attributes: { trigger },
      ...(roomId !== undefined && { roomId }),
    });
    return {
      run: (handler) => tracer.run(span, handler),
      end: (failed) => tracer.end(span, failed ? { status: 'error', errorMessage: 'hook_failed' } : { status: 'ok' }),
    };
  };
}

type HookFunction = (payload: unknown, context: unknown, extra?: unknown) => unknown;
