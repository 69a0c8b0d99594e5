/**
 * The contract of storage (behaviour §16). Every growth of a timeline is one `commitEvent`: index, insert, counters,
 * idempotency key, edit or delete effect, binding or participant, outbox and turn rows in one transaction (INB-23).
 *
 * Methods may answer at once or with a promise. Data belongs to the store: nothing a caller does to what it passed in
 * or got out changes what is stored (STO-06). Events and {@link RoomState} are frozen snapshots, shared freely; single
 * rooms, bindings and participants are the caller's own copies.
 */
import type { Approval, ApprovalRow, ApprovalState } from '../models/approval.js';
import type { ChannelBinding } from '../models/binding.js';
import type { EventContent } from '../models/content.js';
import type { DeliveryResult, InboundMessage, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import type { Awaitable, Metadata } from '../models/json.js';
import type { Identity, IdentityMerge, Participant } from '../models/people.js';
import type { Room } from '../models/room.js';
import type { Observation, Task } from '../models/task.js';
import type { UsageQuery, UsageRecord, UsageSum } from '../models/usage.js';
import type { ChannelType, OutboxState, RoomStatus, TurnEndReason, TurnState } from '../models/vocabulary.js';
import type { RecordChanges, RecordPage, RecordQuery } from './records.js';

/** Storage of everything a kit knows. Implementations run the contract suite of `roomkit/testing` (STO-11). */
export interface ConversationStore {
  /** For messages: `memory`, `sqlite`, … */
  readonly name: string;
  /** Whether rows survive the process (OUT-12). */
  readonly persistent: boolean;
  /** Whether several processes may use it at once (KIT-02). */
  readonly shared: boolean;

  // --- rooms -----------------------------------------------------------------------------------------------------
  /** The store's own time, in milliseconds since 1970: where processes share it, leases go by it (STO-17). Others leave it out. */
  time?(): Awaitable<number>;
  /** The latest index of each of these rooms that is there. Asked once a second where processes share the store; others leave it out. */
  latestIndexes?(roomIds: readonly string[]): Awaitable<ReadonlyMap<string, number>>;
  /** Throws RoomExistsError. */
  createRoom(room: Room): Awaitable<Room>;
  /**
   * Creates a room unless one was created under this key within `ttlSeconds` before `room.createdAt`, or one with its id
   * exists; returns the room that the key or the id stands for (RTR-04).
   */
  createRoomOnce(key: string, room: Room, ttlSeconds: number): Awaitable<{ room: Room; created: boolean }>;
  /** null when there is no such room. */
  getRoom(roomId: string): Awaitable<Room | null>;
  /** Room, bindings and participants in one read; the same snapshot object as long as nothing changed. */
  loadRoom(roomId: string): Awaitable<RoomState | null>;
  /**
   * The room as this process has seen it last, without asking, with its `revision`; null when it has not. It may be out of date, which
   * the commit finds out (`expectedRevision`). For stores that are `shared`; one that leaves it out is asked for each message (STO-18).
   */
  knownRoom?(roomId: string): RoomState | null;
  /** The same as {@link ConversationStore.loadRoom}, and the event of the room that has this key: what a message needs that comes in, in one read (STO-18). */
  loadArrival(roomId: string, idempotencyKey?: string): Awaitable<Arrival | null>;
  /**
   * Writes what callers own: status, timers, metadata, aiConfig, agentResponsePolicy, collision, closedAt, organizationId.
   * Counters are the store's. A stale `version` throws ConflictError (STO-14). Returns the room as stored.
   */
  updateRoom(room: Room, options?: WriteOptions): Awaitable<Room>;
  /** Atomic shallow merge; a key set to `undefined` is removed (ROOM-06). Throws RoomNotFoundError. */
  patchRoomMetadata(roomId: string, patch: Metadata, options?: WriteOptions): Awaitable<Room>;
  /** With everything that belongs to it (STO-10). */
  deleteRoom(roomId: string): Awaitable<boolean>;
  /** Newest first. */
  findRooms(query: RoomQuery): Awaitable<readonly Room[]>;
  /** The newest room this person takes part in, of those that match; null when there is none. */
  findLatestRoom(query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string }): Awaitable<Room | null>;
  /** Every room the channel is bound to, whatever organization it belongs to. */
  findRoomIdsByChannel(channelId: string, status?: RoomStatus): Awaitable<readonly string[]>;
  /** Everything the default router decides by, in one read (RTR-01). */
  findRoute(query: RouteQuery): Awaitable<RouteCandidates>;

  // --- the timeline ------------------------------------------------------------------------------------------------
  /** The one way a timeline grows (STO-01). Takes ownership of `commit.event`. */
  commitEvent(commit: EventCommit): Awaitable<CommitResult>;
  /** null when the room has no such event. */
  getEvent(roomId: string, eventId: string): Awaitable<RoomEvent | null>;
  /**
   * Rewrites every field of a stored event but id, roomId, index and createdAt (STO-07). null when it is not there. Throws
   * ConflictError when another event of the room has its new idempotency key.
   */
  updateEvent(event: RoomEvent, options?: WriteOptions): Awaitable<RoomEvent | null>;
  /** Removes an event, with `cascadeReplies` also those whose `parentEventId` leads to it. Indexes are never reused. */
  deleteEvent(roomId: string, eventId: string, options?: WriteOptions & { cascadeReplies?: boolean }): Awaitable<readonly RoomEvent[]>;
  /** Ascending by index unless `newestFirst`. */
  listEvents(roomId: string, query?: EventQuery): Awaitable<readonly RoomEvent[]>;
  /** In this room, or in any room with an event of this channel (the newest). An erased event is found by the key it had (ERA-05). */
  getEventByIdempotencyKey(key: string, where: { roomId: string } | { channelId: string }): Awaitable<RoomEvent | null>;
  /** The newest event of a channel with this external id (vendor's message id), for edits that name it. */
  getEventByExternalId(channelId: string, externalId: string): Awaitable<RoomEvent | null>;
  /** How many events a room holds, or how many of them lie above an index. */
  countEvents(roomId: string, query?: { afterIndex?: number }): Awaitable<number>;
  /** Events whose text holds these words, newest first. Stores without full-text search leave it out. */
  searchEvents?(query: { text: string; roomId?: string; organizationId?: string; limit?: number }): Awaitable<readonly RoomEvent[]>;

  // --- bindings and participants -----------------------------------------------------------------------------------
  /** null when the channel is not bound to the room. */
  getBinding(roomId: string, channelId: string): Awaitable<ChannelBinding | null>;
  /** In the order in which channels were attached. */
  listBindings(roomId: string): Awaitable<readonly ChannelBinding[]>;
  /** Replaces the stored binding; for changes that leave no timeline entry. */
  putBinding(binding: ChannelBinding, options?: WriteOptions): Awaitable<void>;
  /** null when the room has no such participant. */
  getParticipant(roomId: string, participantId: string): Awaitable<Participant | null>;
  /** In the order in which people came. */
  listParticipants(roomId: string): Awaitable<readonly Participant[]>;
  /** Stores a participant, or replaces the stored one. */
  putParticipant(participant: Participant, options?: WriteOptions): Awaitable<void>;

  // --- identities --------------------------------------------------------------------------------------------------
  /** Throws ConflictError when the id exists or an address belongs to another identity of the organization. */
  createIdentity(identity: Identity): Awaitable<Identity>;
  /** Follows aliases left by merges (IDN-13). */
  getIdentity(identityId: string): Awaitable<Identity | null>;
  /** Replaces the stored one. Throws IdentityNotFoundError (also for one merged away), ConflictError when an address is another's. */
  updateIdentity(identity: Identity): Awaitable<Identity>;
  /** Whom an address belongs to within an organization; null when nobody. */
  resolveIdentity(query: { channelType: ChannelType; address: string; organizationId?: string }): Awaitable<Identity | null>;
  /** Unknown identity → false; no duplicates (STO-10). Throws ConflictError when the address is another's. */
  linkAddress(identityId: string, channelType: ChannelType, address: string): Awaitable<boolean>;
  /**
   * Moves addresses and external ids of `fromId` to `intoId`; null when it is merged already, or when there is nothing to
   * merge (IDN-13). Throws ConflictError for identities of different organizations.
   */
  mergeIdentities(merge: { intoId: string; fromId: string; by: string; reason?: string; at: string }): Awaitable<IdentityMerge | null>;
  /** Restores exactly what the merge moved; null when there is none. */
  unmergeIdentity(fromId: string): Awaitable<IdentityMerge | null>;
  /** What went into this identity, directly or by way of another, the latest first; of a merged-away id, what went into the one it reads as. */
  listMerges(identityId: string): Awaitable<readonly IdentityMerge[]>;

  // --- tasks, observations, markers --------------------------------------------------------------------------------
  /** Stores a task; one with its id is replaced. Throws RoomNotFoundError. */
  createTask(task: Task): Awaitable<void>;
  /** Replaces the stored task, as `createTask` does. Throws RoomNotFoundError. */
  updateTask(task: Task): Awaitable<void>;
  /** null when there is no such task. */
  getTask(taskId: string): Awaitable<Task | null>;
  /** Of one room, oldest first. */
  listTasks(roomId: string, query?: { status?: Task['status'] }): Awaitable<readonly Task[]>;
  /** Tasks in progress that have an `expiresAt`, the earliest first; with `before`, only those whose time comes before it (LTR-03). */
  listDueTasks(query?: { readonly before?: string; readonly limit?: number }): Awaitable<readonly Task[]>;
  /** Stores an observation; one with its id is replaced. Throws RoomNotFoundError. */
  addObservation(observation: Observation): Awaitable<void>;
  /** Of one room, oldest first. */
  listObservations(roomId: string): Awaitable<readonly Observation[]>;
  /** Index of the last event the channel has read; null without a marker. Moves forward only. */
  setReadMarker(roomId: string, channelId: string, index: number): Awaitable<void>;
  /** null when the channel has read nothing yet. */
  getReadMarker(roomId: string, channelId: string): Awaitable<number | null>;

  // --- approvals ---------------------------------------------------------------------------------------------------
  /** null when there is no such approval. They are made and resolved by commits only. */
  getApproval(approvalId: string): Awaitable<ApprovalRow | null>;
  /** The first to expire first, then by id. */
  listApprovals(query: ApprovalQuery): Awaitable<readonly ApprovalRow[]>;

  // --- outbox and turns --------------------------------------------------------------------------------------------
  /**
   * Changes a row; with `from`, only when it is in one of these states, with `owner`, only when no other owner has it (compare and
   * set), else null.
   */
  updateRow(rowId: string, patch: RowPatch, from?: readonly OutboxState[], owner?: string): Awaitable<OutboxRow | null>;
  /** null when there is no such row. */
  getRow(rowId: string): Awaitable<OutboxRow | null>;
  /** The newest row this provider gave this message id to. */
  findRowByProviderMessage(provider: string, messageId: string): Awaitable<OutboxRow | null>;
  /** Ordered by room and eventIndex. */
  listRows(query: RowQuery): Awaitable<readonly OutboxRow[]>;
  /**
   * Changes a turn; with `from`, only when it is in one of these states, with `owner`, only when no other owner has it (compare
   * and set), else null. `usage` is kept with the change, or not at all.
   */
  updateTurn(
    turnId: string,
    patch: TurnPatch,
    from?: readonly TurnState[],
    usage?: readonly UsageRecord[],
    owner?: string,
  ): Awaitable<TurnRow | null>;
  /**
   * Makes several turns of one lane one (COL-02, COL-03), whole or not at all: those of `turnIds` that are still queued, and of
   * the lane of `intoId`, become `merged` with `mergedInto`; their triggers join those of `intoId` in the order of the rows'
   * trigger indexes, and the newest index becomes its own. null, and nothing is changed, unless `intoId` is queued or running.
   */
  mergeTurns(merge: TurnMergeOrder): Awaitable<TurnMerge | null>;
  /** Keeps what was generated outside of a turn's end (USG-01); of a room that is gone, nothing. Stores that keep no usage leave it out. */
  addUsage?(records: readonly UsageRecord[]): Awaitable<void>;
  /** Sums per agent, provider and model, in the order of their names (USG-01). Stores that keep no usage leave it out. */
  sumUsage?(query: UsageQuery): Awaitable<readonly UsageSum[]>;
  /** null when there is no such turn. */
  getTurn(turnId: string): Awaitable<TurnRow | null>;
  /** Ordered by room and triggerIndex. */
  listTurns(query: TurnQuery): Awaitable<readonly TurnRow[]>;
  /**
   * Claims unfinished lanes for `owner`: of every (room, channel) that has open rows or turns and whose lease is not held by
   * another owner, all open rows (queued, sending, unknown) and turns (queued, running), oldest first. Rows that were
   * `sending` and turns that were `running` come as they were, so that the caller knows their outcome is unknown. Of rows
   * whose `nextAttemptAt` lies ahead, and of those behind them in their lane, nothing is claimed; one whose `nextAttemptAt` is
   * its `expiresAt` is parked (OUT-17), and what is behind it is claimed all the same.
   */
  claimDue(claim: { owner: string; now: string; leaseUntil: string; limit: number; exceptLanes?: ReadonlySet<string> }): Awaitable<ClaimedWork>;
  /** Prolongs every lease of `owner`. */
  renewLeases(owner: string, leaseUntil: string): Awaitable<void>;
  /** Ends every lease of `owner`, so that others can go on at once. */
  releaseLeases(owner: string): Awaitable<void>;
  /**
   * Counts what is open, and tells how long the oldest of it has been waiting (OPS-02). It is asked every few seconds by what
   * watches a kit: it reads what is open by its indexes, and nothing of what has ended.
   */
  summarizeWork(query: WorkQuery): Awaitable<WorkSummary>;
  /** Outcomes of live deliveries, recorded behind (OUT-15). At least the newest 1,000 events keep theirs. */
  recordOutcomes(outcomes: readonly DeliveryOutcome[]): Awaitable<void>;
  /** Event id → channel id → result, from rows and recorded outcomes (OUT-06). */
  deliveryResults(roomId: string, eventIds: readonly string[]): Awaitable<ReadonlyMap<string, Readonly<Record<string, DeliveryResult>>>>;

  // --- messages on hold --------------------------------------------------------------------------------------------
  /** Keeps a message until it is dropped or expires; of one kind and key at most `maxPerKey`, the oldest goes (IDN-11, EDT-06). */
  holdMessage(message: HeldMessage, maxPerKey: number): Awaitable<void>;
  /** What is held under this key and has not expired, in the order it came. */
  listHeld(kind: HeldMessage['kind'], key: string, now: string): Awaitable<readonly HeldMessage[]>;
  /** Forgets these messages; unknown ids mean nothing. */
  dropHeld(ids: readonly string[]): Awaitable<void>;

  // --- facts -------------------------------------------------------------------------------------------------------
  /** What is known under this key, such as that somebody opted out; null when nothing is. Stores that keep no facts leave all three out. */
  getFact?(key: string): Awaitable<Metadata | null>;
  /** Keeps a fact in place of what was known under the key; with null, forgets it. Facts belong to no room. */
  putFact?(key: string, fact: Metadata | null): Awaitable<void>;
  /** Facts whose keys begin so, in the order of their keys. */
  listFacts?(query: FactQuery): Awaitable<readonly Fact[]>;

  // --- records -----------------------------------------------------------------------------------------------------
  /**
   * What is stored, as it is, of one kind and of every room or one, page by page (STO-20, ERA-06). Stores that leave this and the
   * two below out cannot be copied, nobody can be erased from them, and nothing in them expires.
   */
  readRecords?(query: RecordQuery): Awaitable<RecordPage>;
  /**
   * Removes, rewrites and adds records, all of it in one transaction. Throws FencedError; ConflictError when one to be added is
   * there already, or an event would get another's key; RoomNotFoundError when one to be added belongs to a room that is neither
   * there nor before it.
   */
  changeRecords?(changes: RecordChanges): Awaitable<void>;
  /** Makes what was rewritten or removed unreadable in files of the store too, as far as it can (ERA-08). */
  purge?(): Awaitable<void>;

  /** Idempotent. */
  close(): Awaitable<void>;
}

/** Something to remember that belongs to no room: a small JSON object under a key. */
export interface Fact {
  readonly key: string;
  readonly fact: Metadata;
}

/** Which facts. */
export interface FactQuery {
  /** What their keys begin with. */
  readonly prefix: string;
  /** Only keys that come after this one: for the next page. */
  readonly after?: string;
  /** Default: all. */
  readonly limit?: number;
}

/** A lane's key, as `claimDue` and the kit spell it. */
export function laneKey(roomId: string, channelId: string): string {
  return `${roomId}\u0000${channelId}`;
}

/** What goes with a write made under a room's lock. */
export interface WriteOptions {
  /** Refused with FencedError when the room has seen a higher one (LOCK-03). */
  readonly fencingToken?: number;
}

/** Frozen, shared; `bindings` and `participants` keep their identity until one of them changes. */
export interface RoomState {
  readonly room: Room;
  readonly bindings: readonly ChannelBinding[];
  readonly participants: readonly Participant[];
  /**
   * Another number whenever anything of these has changed but the counters of the room (and its updatedAt), for
   * {@link EventCommit.expectedRevision}. A store that is not shared may leave it out: without it rooms are read under their lock.
   */
  readonly revision?: number;
}

/** A room as a message finds it. */
export interface Arrival {
  readonly state: RoomState;
  /** The event that has the message's key already; null without one. */
  readonly earlier: RoomEvent | null;
}

/** The binding of this channel; undefined when it is not bound. A loop, because it is asked for each message. */
export function bindingOf(state: RoomState, channelId: string): ChannelBinding | undefined {
  const { bindings } = state;
  for (let position = 0; position < bindings.length; position++) {
    const binding = bindings[position];
    if (binding?.channelId === channelId) return binding;
  }
  return undefined;
}

/** One growth of a timeline with all that belongs to it: stored whole, or not at all (INB-23). */
export interface EventCommit {
  /** Complete but for its index (−1): the store assigns the index and freezes it. */
  readonly event: RoomEventDraft;
  /** Rows for planned durable targets; `eventIndex` is filled in by the store. */
  readonly outbox?: readonly OutboxRow[];
  /** Rows for solicited agents; `triggerIndex` is filled in by the store. */
  readonly turns?: readonly TurnRow[];
  readonly roomPatch?: RoomPatch;
  /** The effect of an edit or delete on its target (EDT-04). */
  readonly target?: { readonly eventId: string; readonly content?: EventContent; readonly metadata: Metadata };
  /** Stored with the event: an attach or a change of the binding. */
  readonly binding?: ChannelBinding;
  /** Removed with the event: a detach. */
  readonly removeBinding?: string;
  /** Stored with the event: somebody joined or was identified. */
  readonly participant?: Participant;
  /** New approvals (APR-01). */
  readonly approvals?: readonly ApprovalRow[];
  /** Answers pending approvals; throws ConflictError when one is not pending any more (APR-03). */
  readonly resolves?: readonly ApprovalResolution[];
  /** Changes turns in one of these states; throws ConflictError when one is in another (APR-01, APR-03). */
  readonly turnChanges?: readonly TurnChange[];
  /** New tasks; one whose id is there already stays as it is (LTR-01). */
  readonly tasks?: readonly Task[];
  /** Ends a task that is in progress; throws ConflictError when it is not any more (LTR-02). */
  readonly endsTask?: { readonly taskId: string; readonly patch: Pick<Task, 'status' | 'metadata'> };
  /** Marks a turn committed in the same transaction; throws ConflictError `turn_already_committed` when it is (STO-04). */
  readonly completesTurn?: TurnCompletion;
  readonly fencingToken?: number;
  /** ISO time: which leases of other owners have ended. Given where `outbox` or `turns` go to a store that is shared (STO-16). */
  readonly now?: string;
  /** Throws ConflictError when the room has another version or latest index (LOCK-07). */
  readonly expectedVersion?: number;
  readonly expectedLatestIndex?: number;
  /** Throws ConflictError when the room's state has another {@link RoomState.revision}: more has changed than its counters (STO-18). */
  readonly expectedRevision?: number;
}

/** How a turn ends with the commit of its last reply (STO-04). */
export interface TurnCompletion {
  readonly turnId: string;
  /** Only while no other owner has it: who has lost a turn ends it no more, for whoever has it may have taken more in (STO-16). */
  readonly owner?: string;
  readonly state: 'committed' | 'cancelled' | 'failed';
  readonly endReason: TurnEndReason;
  readonly replyEventIds: readonly string[];
  readonly usage: Readonly<Record<string, number>>;
  /** The turn's generations, one by one (USG-01). */
  readonly records?: readonly UsageRecord[] | undefined;
}

/** What a commit changes of its room besides counters. Metadata is merged shallowly. */
export interface RoomPatch {
  readonly status?: RoomStatus;
  readonly lastActivityAt?: string;
  /** `null` removes it. */
  readonly closedAt?: string | null;
  readonly metadata?: Metadata;
}

/** What a commit stored, or, for a repeated idempotency key, what was stored before. */
export interface CommitResult {
  /** The stored, frozen event; with `duplicate`, the earlier event of that idempotency key. */
  readonly event: RoomEvent;
  /** The room after the commit (a snapshot, shared). */
  readonly state: RoomState;
  readonly duplicate: boolean;
  /** The edit's or delete's target as it is now. */
  readonly target?: RoomEvent;
  /** Of a store that is shared: `outbox` and `turns` as they were put into their lanes (STO-16). */
  readonly placed?: Placement;
}

/** How a commit's rows and turns were put into their lanes. */
export interface Placement {
  readonly rows: readonly Placed<OutboxRow>[];
  readonly turns: readonly Placed<TurnRow>[];
}

/** One of them. */
export interface Placed<Row> {
  /** As stored: `queued` where something was open before it, and with the lease of whoever holds the lane. */
  readonly row: Row;
  /** The index of the newest that was open before it in its lane. */
  readonly previousIndex?: number;
}

/** Which rooms; everything given must hold. Default: all, newest first. */
export interface RoomQuery {
  readonly organizationId?: string;
  /** One, or any of several. */
  readonly status?: RoomStatus | readonly RoomStatus[];
  /** Every given key equals. */
  readonly metadata?: Metadata;
  /** Only rooms with an inactivity or closing timer. */
  readonly withTimers?: boolean;
  /** Default: all. */
  readonly limit?: number;
  /** Skips so many. */
  readonly offset?: number;
}

/** Which events of one room; everything given must hold. */
export interface EventQuery {
  /** Only above this index. */
  readonly afterIndex?: number;
  /** Only below this index. */
  readonly beforeIndex?: number;
  /** Skips so many of what matches. */
  readonly offset?: number;
  /** Default: all. */
  readonly limit?: number;
  /** Default: ascending by index. */
  readonly newestFirst?: boolean;
  /** Exact equality (ROOM-11). */
  readonly visibility?: string;
}

/** Who wrote over which channel, for {@link ConversationStore.findRoute}. */
export interface RouteQuery {
  readonly channelId: string;
  readonly channelType: ChannelType;
  readonly senderId: string;
  /** Where an answer would go (TRN-06). */
  readonly address: string;
  readonly idempotencyKey?: string | undefined;
  readonly organizationId?: string | undefined;
}

/** What the default router chooses from, in its order (RTR-01). */
export interface RouteCandidates {
  /** Room of a stored event with this channel and idempotency key, whatever its status. */
  readonly keyed?: string;
  /** Active and paused rooms whose binding of this channel has this address, newest first, at most two. */
  readonly addressed: readonly RouteCandidate[];
  /** Active and paused rooms with this sender as a participant reached through this channel type, newest first, at most two. */
  readonly participating: readonly RouteCandidate[];
  /** Active and paused rooms this channel is bound to, at most two of them in any order, with the address their binding names. */
  readonly bound: readonly (RouteCandidate & { readonly address?: string })[];
  /** The one room of all these that a message could go to, as `loadArrival` gives it. Stores that would have to ask again leave it out. */
  readonly arrival?: Arrival;
}

/** A room a message may belong to. */
export interface RouteCandidate {
  readonly roomId: string;
  readonly createdAt: string;
}

/** What of an outbox row may change. */
export type RowPatch = Partial<Omit<OutboxRow, 'id' | 'roomId' | 'eventId' | 'eventIndex' | 'channelId' | 'idempotencyKey' | 'createdAt'>>;
/** What of a turn row may change. */
export type TurnPatch = Partial<Omit<TurnRow, 'id' | 'roomId' | 'channelId' | 'createdAt'>>;

/** How a pending approval ends. */
export interface ApprovalResolution {
  readonly approvalId: string;
  readonly patch: Pick<Approval, 'state'> & Partial<Pick<Approval, 'resolvedAt' | 'resolvedBy' | 'reason' | 'approvedArguments' | 'changedBy'>>;
}

/** What a commit changes of a turn, if it is in one of these states. */
export interface TurnChange {
  readonly turnId: string;
  readonly from: readonly TurnState[];
  /** As in {@link TurnCompletion}. */
  readonly owner?: string;
  readonly patch: TurnPatch;
}

/** Which approvals; everything given must hold. */
export interface ApprovalQuery {
  readonly roomId?: string;
  readonly turnId?: string;
  readonly agentId?: string;
  /** Only of rooms of this organization. */
  readonly organizationId?: string;
  /** One, or any of several. */
  readonly state?: ApprovalState | readonly ApprovalState[];
  /** Default: all. */
  readonly limit?: number;
}

/** Which turns are to be one. */
export interface TurnMergeOrder {
  /** The turn that is to answer all. */
  readonly intoId: string;
  readonly turnIds: readonly string[];
  /** Only while none of them is another owner's: who has lost a lane merges nothing in it (STO-16). Default: whoever has them. */
  readonly owner?: string;
}

/** What {@link ConversationStore.mergeTurns} has made of several turns. */
export interface TurnMerge {
  /** The turn that answers all, as it is now. */
  readonly turn: TurnRow;
  /** Those that were merged into it, by trigger index; others were no longer queued. */
  readonly merged: readonly TurnRow[];
}

/** Which outbox rows; everything given must hold. */
export interface RowQuery {
  readonly roomId?: string;
  readonly channelId?: string;
  readonly eventId?: string;
  /** One, or any of several. */
  readonly state?: OutboxState | readonly OutboxState[];
  /** Default: all. */
  readonly limit?: number;
}

/** Which turn rows; everything given must hold. */
export interface TurnQuery {
  readonly roomId?: string;
  readonly channelId?: string;
  /** One, or any of several. */
  readonly state?: TurnState | readonly TurnState[];
  /** Default: all. */
  readonly limit?: number;
}

/** Unfinished deliveries and turns that are now this owner's (OUT-08). */
export interface ClaimedWork {
  readonly rows: readonly OutboxRow[];
  readonly turns: readonly TurnRow[];
  /** ISO time at which the earliest foreign lease or retry ends; undefined when nothing waits, or when `limit` was reached before. */
  readonly nextDueAt?: string;
}

/** Whose leases are told apart, and by which time. */
export interface WorkQuery {
  /** Whose leases count as held; those of all others are foreign. */
  readonly owner: string;
  /** ISO time: which leases have ended, and which rows are due. */
  readonly now: string;
}

/** What a store holds that has not come to its end, counted (OPS-02). Times are ISO. */
export interface WorkSummary {
  /** Open outbox rows. */
  readonly deliveries: {
    readonly queued: number;
    readonly sending: number;
    readonly unknown: number;
    /** Of `queued`: those whose next attempt lies ahead, parked ones included. */
    readonly later: number;
    /** When the oldest row was made that is queued and could go now; undefined when there is none. */
    readonly oldestDueAt?: string;
    /** When the oldest row was made that is `sending` or `unknown`. */
    readonly oldestUnansweredAt?: string;
  };
  /** Open turns. */
  readonly turns: {
    readonly queued: number;
    readonly running: number;
    /** When the oldest of them was made. */
    readonly oldestAt?: string;
  };
  /** Leases on open rows and turns that have not ended. All zero on a store that is not shared: its leases mean nothing (OUT-08). */
  readonly leases: {
    readonly held: number;
    readonly foreign: number;
    /** How many other owners have any. */
    readonly foreignOwners: number;
    /** When the first foreign one ends. */
    readonly nextForeignEndAt?: string;
  };
  /** Approvals and later answers that are waited for. */
  readonly waiting: {
    readonly approvals: number;
    readonly tasks: number;
    /** Of both: those whose time is up, and that nobody has ended yet. */
    readonly overdue: number;
  };
}

/** What became of one event's live deliveries (OUT-15). */
export interface DeliveryOutcome {
  readonly roomId: string;
  readonly eventId: string;
  /** One per channel; shared objects, kept as they are. */
  readonly results: readonly DeliveryResult[];
}

/** A message that waits for something outside of the kit, kept until it expires. */
export interface HeldMessage {
  readonly id: string;
  /** `challenge`: until the sender is known; `edit`: until the message it changes is there. */
  readonly kind: 'challenge' | 'edit';
  readonly key: string;
  readonly roomId?: string;
  /** Without its live session. */
  readonly message: Omit<InboundMessage, 'session'>;
  readonly heldAt: string;
  readonly expiresAt: string;
}
