/**
 * The store of development and tests: everything in this process, gone with it (OUT-12). Answers at once wherever the
 * contract allows. A room's timeline is an array; maps come into being when they are first asked for.
 */
import { ConflictError, RoomExistsError, RoomNotFoundError } from '../errors.js';
import type { ApprovalRow } from '../models/approval.js';
import type { ChannelBinding } from '../models/binding.js';
import type { DeliveryResult, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { copyJson, EMPTY, EMPTY_LIST, ownJson, type Metadata } from '../models/json.js';
import type { Identity, IdentityMerge, Participant } from '../models/people.js';
import type { Room } from '../models/room.js';
import type { Observation, Task } from '../models/task.js';
import type { UsageQuery, UsageRecord, UsageSum } from '../models/usage.js';
import type { RoomStatus, ChannelType, OutboxState, TurnState } from '../models/vocabulary.js';
import { mergeMetadata } from './metadata.js';
import { MemoryApprovals, taskEnded } from './memory/approvals.js';
import { MemoryFacts } from './memory/facts.js';
import { MemoryHolds } from './memory/holds.js';
import { MemoryOutbox } from './memory/outbox.js';
import { MemoryOutcomes } from './memory/outcomes.js';
import { MemoryPeople } from './memory/people.js';
import { MemoryRoom } from './memory/room.js';
import { MemoryRecords } from './memory/records.js';
import { RoutingIndex } from './memory/routing.js';
import { summaryOf } from './memory/summary.js';
import { MemoryUsage } from './memory/usage.js';
import type { RecordChanges, RecordPage, RecordQuery } from './records.js';
import type {
  ApprovalQuery,
  Arrival,
  ClaimedWork,
  CommitResult,
  ConversationStore,
  DeliveryOutcome,
  EventCommit,
  EventQuery,
  Fact,
  FactQuery,
  HeldMessage,
  Placement,
  RoomQuery,
  RoomState,
  RouteCandidates,
  RouteQuery,
  RowPatch,
  RowQuery,
  TurnMerge,
  TurnMergeOrder,
  TurnPatch,
  TurnQuery,
  WorkQuery,
  WorkSummary,
  WriteOptions,
} from './store.js';

/** Keeps everything in this process's memory. The default. */
export class InMemoryStore implements ConversationStore {
  readonly name: string = 'memory';
  readonly persistent: boolean = false;
  readonly shared: boolean = false;
  readonly #rooms = new Map<string, MemoryRoom>();
  readonly #creations = new Map<string, { roomId: string; atMs: number }>();
  readonly #outcomes = new MemoryOutcomes();
  /** Task → its room. */
  readonly #tasks = new Map<string, string>();
  readonly #routing = new RoutingIndex((roomId) => this.#rooms.get(roomId)?.state.room);
  readonly #outbox = new MemoryOutbox();
  readonly #approvals = new MemoryApprovals();
  readonly #holds = new MemoryHolds();
  readonly #facts = new MemoryFacts();
  readonly #people = new MemoryPeople();
  readonly #usage = new MemoryUsage();
  readonly #records = new MemoryRecords({
    rooms: this.#rooms,
    creations: this.#creations,
    outcomes: this.#outcomes,
    tasks: this.#tasks,
    routing: this.#routing,
    outbox: this.#outbox,
    approvals: this.#approvals,
    holds: this.#holds,
    facts: this.#facts,
    people: this.#people,
    usage: this.#usage,
    deleteRoom: (roomId) => this.deleteRoom(roomId),
    updateEvent: (event) => this.updateEvent(event),
    forgetEvent: (event) => this.#forgetEvent(event),
  });

  // --- rooms ---------------------------------------------------------------------------------------------------------

  createRoom(room: Room): Room {
    if (this.#rooms.has(room.id)) throw new RoomExistsError(room.id);
    this.#rooms.set(room.id, new MemoryRoom(storedRoom(room)));
    return ownRoom(room);
  }

  createRoomOnce(key: string, room: Room, ttlSeconds: number): { room: Room; created: boolean } {
    const now = Date.parse(room.createdAt);
    const earlier = this.#creations.get(key);
    if (earlier !== undefined && now - earlier.atMs < ttlSeconds * 1000) {
      const existing = this.#rooms.get(earlier.roomId);
      if (existing !== undefined) return { room: ownRoom(existing.state.room), created: false };
    }
    const known = this.#rooms.get(room.id);
    if (known !== undefined) return { room: ownRoom(known.state.room), created: false };
    for (const [old, creation] of this.#creations) {
      if (now - creation.atMs < ttlSeconds * 1000) break;
      this.#creations.delete(old);
    }
    this.#creations.delete(key);
    this.#creations.set(key, { roomId: room.id, atMs: now });
    return { room: this.createRoom(room), created: true };
  }

  getRoom(roomId: string): Room | null {
    const room = this.#rooms.get(roomId);
    return room === undefined ? null : ownRoom(room.state.room);
  }

  loadRoom(roomId: string): RoomState | null {
    return this.#rooms.get(roomId)?.state ?? null;
  }

  loadArrival(roomId: string, idempotencyKey?: string): Arrival | null {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return null;
    return { state: room.state, earlier: idempotencyKey === undefined ? null : (room.byKey(idempotencyKey) ?? null) };
  }

  updateRoom(room: Room, options?: WriteOptions): Room {
    const found = this.#require(room.id);
    found.checkFence(options?.fencingToken);
    const before = found.state;
    const current = before.room;
    if (room.version !== current.version) {
      throw new ConflictError(
        `Room '${room.id}' was changed since it was read (version ${room.version}, now ${current.version}). ` +
          'Read it again, or use kit.updateRoomMetadata or kit.setActiveAgent, which merge.',
      );
    }
    found.setRoom({
      ...storedRoom(room),
      createdAt: current.createdAt,
      updatedAt: room.updatedAt > current.updatedAt ? room.updatedAt : current.updatedAt,
      eventCount: current.eventCount,
      latestIndex: current.latestIndex,
      version: current.version + 1,
    });
    this.#routing.update(before, found.state);
    return ownRoom(found.state.room);
  }

  patchRoomMetadata(roomId: string, patch: Metadata, options?: WriteOptions): Room {
    const found = this.#require(roomId);
    found.checkFence(options?.fencingToken);
    const room = found.state.room;
    found.setRoom({ ...room, metadata: mergeMetadata(room.metadata, patch), version: room.version + 1 });
    return ownRoom(found.state.room);
  }

  deleteRoom(roomId: string): boolean {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return false;
    this.#routing.update(room.state, undefined);
    for (const event of room.events()) this.#forgetEvent(event);
    for (const task of room.listTasks()) this.#tasks.delete(task.id);
    this.#outbox.deleteRoom(roomId);
    this.#approvals.deleteRoom(roomId);
    this.#holds.deleteRoom(roomId);
    this.#usage.deleteRoom(roomId);
    return this.#rooms.delete(roomId);
  }

  findRooms(query: RoomQuery): Room[] {
    const found: Room[] = [];
    for (const { state } of this.#rooms.values()) if (matchesRoom(state.room, query)) found.push(state.room);
    found.sort(newestFirst);
    const offset = query.offset ?? 0;
    return found.slice(offset, query.limit === undefined ? undefined : offset + query.limit).map(ownRoom);
  }

  findLatestRoom(query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string }): Room | null {
    const rooms = this.#routing.roomsOfParticipant(query.participantId, query.channelType);
    const matching = rooms
      .map((roomId) => this.#rooms.get(roomId)?.state.room)
      .filter((room) => room !== undefined)
      .filter(
        (room) =>
          (query.status === undefined || room.status === query.status) &&
          (query.organizationId === undefined || room.organizationId === query.organizationId),
      )
      .sort(newestFirst);
    return matching[0] === undefined ? null : ownRoom(matching[0]);
  }

  findRoomIdsByChannel(channelId: string, status?: RoomStatus): string[] {
    return this.#routing.roomsOfChannel(channelId).filter((roomId) => status === undefined || this.#rooms.get(roomId)?.state.room.status === status);
  }

  latestIndexes(roomIds: readonly string[]): ReadonlyMap<string, number> {
    const latest = new Map<string, number>();
    for (const roomId of roomIds) {
      const room = this.#rooms.get(roomId)?.state.room;
      if (room !== undefined) latest.set(roomId, room.latestIndex);
    }
    return latest;
  }

  findRoute(query: RouteQuery): RouteCandidates {
    return this.#routing.find(query);
  }

  // --- the timeline --------------------------------------------------------------------------------------------------

  commitEvent(commit: EventCommit): CommitResult {
    const { event } = commit;
    const room = this.#require(event.roomId);
    const key = event.idempotencyKey;
    if (key !== undefined) {
      const earlier = room.byKey(key);
      if (earlier !== undefined) return { event: earlier, state: room.state, duplicate: true };
    }
    room.checkFence(commit.fencingToken);
    room.checkExpected(commit);
    const completion = commit.completesTurn;
    if (completion !== undefined) this.#outbox.checkCompletable(completion);
    const { approvals, resolves, turnChanges, tasks, endsTask } = commit;
    if (resolves !== undefined) this.#approvals.checkPending(resolves);
    if (turnChanges !== undefined) this.#outbox.checkChanges(turnChanges);
    const ending = endsTask === undefined ? undefined : this.#taskInProgress(endsTask.taskId);
    const before = room.state;
    const stored = room.append(commit);
    room.applyMembers(commit);
    this.#routing.update(before, room.state);
    const target = commit.target === undefined ? undefined : room.change(commit.target);
    this.#routing.keep(stored);
    const placed = this.#place(commit, stored.index);
    if (completion !== undefined) {
      this.#outbox.complete(completion);
      if (completion.records !== undefined) this.#usage.add(completion.records);
    }
    if (approvals !== undefined) this.#approvals.add(approvals);
    if (resolves !== undefined) this.#approvals.resolve(resolves);
    if (turnChanges !== undefined) for (const { turnId, patch } of turnChanges) this.#outbox.updateTurn(turnId, patch, undefined);
    if (tasks !== undefined) for (const task of tasks) if (!this.#tasks.has(task.id)) this.createTask(task);
    if (ending !== undefined) this.createTask({ ...ending, ...endsTask?.patch });
    const result: { -readonly [Field in keyof CommitResult]: CommitResult[Field] } = { event: stored, state: room.state, duplicate: false };
    if (target !== undefined) result.target = target;
    if (placed !== undefined) result.placed = placed;
    return result;
  }

  /** Rows and turns into their lanes. In a store of one process they are as they were given, and where nobody says what time it is. */
  #place({ outbox, turns, now }: EventCommit, index: number): Placement | undefined {
    if (!this.shared || now === undefined) {
      if (outbox !== undefined) this.#outbox.addRows(outbox, index);
      if (turns !== undefined) this.#outbox.addTurns(turns, index);
      return undefined;
    }
    if (outbox === undefined && turns === undefined) return undefined;
    return { rows: this.#outbox.placeRows(outbox ?? EMPTY_LIST, index, now), turns: this.#outbox.placeTurns(turns ?? EMPTY_LIST, index, now) };
  }

  getEvent(roomId: string, eventId: string): RoomEvent | null {
    return this.#rooms.get(roomId)?.byId(eventId) ?? null;
  }

  updateEvent(event: RoomEvent, options?: WriteOptions): RoomEvent | null {
    const room = this.#rooms.get(event.roomId);
    if (room === undefined) return null;
    room.checkFence(options?.fencingToken);
    const before = room.byId(event.id);
    const after = room.replace(event);
    if (before === undefined || after === undefined) return null;
    if (
      before.idempotencyKey !== after.idempotencyKey ||
      before.source.externalId !== after.source.externalId ||
      before.source.channelId !== after.source.channelId
    ) {
      this.#routing.forget(before);
      this.#routing.keep(after);
    }
    return after;
  }

  deleteEvent(roomId: string, eventId: string, options: WriteOptions & { cascadeReplies?: boolean } = {}): RoomEvent[] {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return [];
    room.checkFence(options.fencingToken);
    const removed = room.remove(eventId, options.cascadeReplies === true);
    for (const event of removed) this.#forgetEvent(event);
    return removed;
  }

  listEvents(roomId: string, query: EventQuery = {}): readonly RoomEvent[] {
    return this.#rooms.get(roomId)?.list(query) ?? [];
  }

  getEventByIdempotencyKey(key: string, where: { roomId: string } | { channelId: string }): RoomEvent | null {
    if ('roomId' in where) return this.#rooms.get(where.roomId)?.byKey(key) ?? null;
    const found = this.#routing.keyed(where.channelId, key);
    return found === undefined ? null : this.getEvent(found.roomId, found.eventId);
  }

  getEventByExternalId(channelId: string, externalId: string): RoomEvent | null {
    const found = this.#routing.external(channelId, externalId);
    return found === undefined ? null : this.getEvent(found.roomId, found.eventId);
  }

  countEvents(roomId: string, query: { afterIndex?: number } = {}): number {
    return this.#rooms.get(roomId)?.count(query.afterIndex) ?? 0;
  }

  // --- bindings and participants -------------------------------------------------------------------------------------

  getBinding(roomId: string, channelId: string): ChannelBinding | null {
    return copyJson(this.#rooms.get(roomId)?.binding(channelId) ?? null);
  }

  listBindings(roomId: string): ChannelBinding[] {
    return copyJson(this.#rooms.get(roomId)?.state.bindings.slice() ?? []);
  }

  putBinding(binding: ChannelBinding, options?: WriteOptions): void {
    const room = this.#require(binding.roomId);
    room.checkFence(options?.fencingToken);
    const before = room.state;
    room.putBinding(binding);
    this.#routing.update(before, room.state);
  }

  getParticipant(roomId: string, participantId: string): Participant | null {
    return copyJson(this.#rooms.get(roomId)?.state.participants.find((one) => one.id === participantId) ?? null);
  }

  listParticipants(roomId: string): Participant[] {
    return copyJson(this.#rooms.get(roomId)?.state.participants.slice() ?? []);
  }

  putParticipant(participant: Participant, options?: WriteOptions): void {
    const room = this.#require(participant.roomId);
    room.checkFence(options?.fencingToken);
    const before = room.state;
    room.putParticipant(participant);
    this.#routing.update(before, room.state);
  }

  // --- identities, tasks, observations, markers ----------------------------------------------------------------------

  createIdentity(identity: Identity): Identity {
    return this.#people.createIdentity(identity);
  }
  getIdentity(identityId: string): Identity | null {
    return this.#people.getIdentity(identityId);
  }
  updateIdentity(identity: Identity): Identity {
    return this.#people.updateIdentity(identity);
  }
  resolveIdentity(query: { channelType: ChannelType; address: string; organizationId?: string }): Identity | null {
    return this.#people.resolveIdentity(query);
  }
  linkAddress(identityId: string, channelType: ChannelType, address: string): boolean {
    return this.#people.linkAddress(identityId, channelType, address);
  }
  mergeIdentities(merge: { intoId: string; fromId: string; by: string; reason?: string; at: string }): IdentityMerge | null {
    return this.#people.mergeIdentities(merge);
  }
  unmergeIdentity(fromId: string): IdentityMerge | null {
    return this.#people.unmergeIdentity(fromId);
  }
  listMerges(identityId: string): readonly IdentityMerge[] {
    return this.#people.listMerges(identityId);
  }

  createTask(task: Task): void {
    const room = this.#require(task.roomId);
    const earlier = this.#tasks.get(task.id);
    if (earlier !== undefined && earlier !== task.roomId) this.#rooms.get(earlier)?.forgetTask(task.id);
    this.#tasks.set(task.id, task.roomId);
    room.putTask(task);
  }
  updateTask(task: Task): void {
    this.createTask(task);
  }
  getTask(taskId: string): Task | null {
    const roomId = this.#tasks.get(taskId);
    return (roomId === undefined ? undefined : this.#rooms.get(roomId)?.task(taskId)) ?? null;
  }
  listTasks(roomId: string, query?: { status?: Task['status'] }): Task[] {
    return this.#rooms.get(roomId)?.listTasks(query) ?? [];
  }
  listDueTasks({ before, limit }: { readonly before?: string; readonly limit?: number } = {}): Task[] {
    const due: Task[] = [];
    for (const taskId of this.#tasks.keys()) {
      const task = this.getTask(taskId);
      if (task?.status !== 'in_progress' || task.expiresAt === undefined) continue;
      if (before === undefined || task.expiresAt < before) due.push(task);
    }
    due.sort((a, b) => ((a.expiresAt ?? '') < (b.expiresAt ?? '') ? -1 : 1));
    return limit === undefined ? due : due.slice(0, limit);
  }
  addObservation(observation: Observation): void {
    this.#require(observation.roomId).addObservation(observation);
  }
  listObservations(roomId: string): Observation[] {
    return this.#rooms.get(roomId)?.listObservations() ?? [];
  }
  setReadMarker(roomId: string, channelId: string, index: number): void {
    this.#rooms.get(roomId)?.mark(channelId, index);
  }
  getReadMarker(roomId: string, channelId: string): number | null {
    return this.#rooms.get(roomId)?.marker(channelId) ?? null;
  }

  // --- approvals -----------------------------------------------------------------------------------------------------

  getApproval(approvalId: string): ApprovalRow | null {
    return this.#approvals.get(approvalId);
  }
  listApprovals(query: ApprovalQuery): ApprovalRow[] {
    return this.#approvals.list(query, (roomId) => this.#rooms.get(roomId)?.state.room.organizationId);
  }

  // --- outbox and turns ----------------------------------------------------------------------------------------------

  updateRow(rowId: string, patch: RowPatch, from?: readonly OutboxState[], owner?: string): OutboxRow | null {
    return this.#outbox.updateRow(rowId, patch, from, owner);
  }
  getRow(rowId: string): OutboxRow | null {
    return this.#outbox.getRow(rowId);
  }
  findRowByProviderMessage(provider: string, messageId: string): OutboxRow | null {
    return this.#outbox.findByProviderMessage(provider, messageId);
  }
  listRows(query: RowQuery): OutboxRow[] {
    return this.#outbox.listRows(query);
  }
  updateTurn(turnId: string, patch: TurnPatch, from?: readonly TurnState[], usage?: readonly UsageRecord[], owner?: string): TurnRow | null {
    const changed = this.#outbox.updateTurn(turnId, patch, from, owner);
    if (changed !== null && usage !== undefined) this.addUsage(usage);
    return changed;
  }
  addUsage(records: readonly UsageRecord[]): void {
    this.#usage.add(records.filter(({ roomId }) => this.#rooms.has(roomId)));
  }
  sumUsage(query: UsageQuery): UsageSum[] {
    const { organizationId } = query;
    return this.#usage.sum(query, (id) => organizationId === undefined || this.#rooms.get(id)?.state.room.organizationId === organizationId);
  }
  mergeTurns(merge: TurnMergeOrder): TurnMerge | null {
    return this.#outbox.mergeTurns(merge);
  }
  getTurn(turnId: string): TurnRow | null {
    return this.#outbox.getTurn(turnId);
  }
  listTurns(query: TurnQuery): TurnRow[] {
    return this.#outbox.listTurns(query);
  }
  claimDue(claim: Parameters<ConversationStore['claimDue']>[0]): ClaimedWork {
    return this.#outbox.claimDue(claim, this.shared);
  }
  renewLeases(owner: string, leaseUntil: string): void {
    this.#outbox.renewLeases(owner, leaseUntil);
  }
  releaseLeases(owner: string): void {
    this.#outbox.releaseLeases(owner);
  }
  summarizeWork(query: WorkQuery): WorkSummary {
    const rows = this.#outbox.listRows({ state: ['queued', 'sending', 'unknown'] });
    const turns = this.#outbox.listTurns({ state: ['queued', 'running'] });
    return summaryOf({ rows, turns, approvals: this.listApprovals({ state: 'pending' }), tasks: this.listDueTasks() }, query, this.shared);
  }

  recordOutcomes(outcomes: readonly DeliveryOutcome[]): void {
    for (const outcome of outcomes) if (this.#rooms.has(outcome.roomId)) this.#outcomes.record(outcome);
  }

  deliveryResults(roomId: string, eventIds: readonly string[]): Map<string, Record<string, DeliveryResult>> {
    const found = new Map<string, Record<string, DeliveryResult>>();
    for (const eventId of eventIds) {
      const rows = this.#outbox.resultsOf(roomId, eventId);
      const outcomes = this.#outcomes.of(roomId, eventId);
      if (rows.length === 0 && outcomes.length === 0) continue;
      const results: Record<string, DeliveryResult> = {};
      for (const result of rows) results[result.channelId] = result;
      for (const result of outcomes) results[result.channelId] = copyJson(result);
      found.set(eventId, results);
    }
    return found;
  }

  // --- messages on hold ----------------------------------------------------------------------------------------------

  holdMessage(message: HeldMessage, maxPerKey: number): void {
    this.#holds.hold(message, maxPerKey);
  }
  listHeld(kind: HeldMessage['kind'], key: string, now: string): HeldMessage[] {
    return this.#holds.list(kind, key, now);
  }
  dropHeld(ids: readonly string[]): void {
    this.#holds.drop(ids);
  }

  // --- facts ---------------------------------------------------------------------------------------------------------

  getFact(key: string): Metadata | null {
    return this.#facts.get(key);
  }
  putFact(key: string, fact: Metadata | null): void {
    this.#facts.put(key, fact);
  }
  listFacts(query: FactQuery): Fact[] {
    return this.#facts.list(query);
  }

  // --- records -------------------------------------------------------------------------------------------------------

  readRecords(query: RecordQuery): RecordPage {
    return this.#records.read(query);
  }
  changeRecords(changes: RecordChanges): void {
    this.#records.change(ownJson(changes));
  }
  purge(): void {
    // What is not kept any more is gone.
  }

  close(): void {
    // Nothing is open: what was stored stays readable until the store is forgotten.
  }

  #taskInProgress(taskId: string): Task {
    const task = this.getTask(taskId);
    if (task?.status !== 'in_progress') throw taskEnded(taskId);
    return task;
  }

  #forgetEvent(event: RoomEvent): void {
    this.#routing.forget(event);
    this.#outcomes.forget(event.id);
  }

  #require(roomId: string): MemoryRoom {
    const room = this.#rooms.get(roomId);
    if (room === undefined) throw new RoomNotFoundError(roomId);
    return room;
  }
}

/** The store's own: frozen where it holds more than plain values. */
function storedRoom(room: Room): Room {
  return {
    ...room,
    timers: ownJson(room.timers),
    metadata: ownJson(room.metadata),
    ...(room.aiConfig !== undefined && { aiConfig: ownJson(room.aiConfig) }),
    ...(room.collision !== undefined && { collision: ownJson(room.collision) }),
  };
}

/** The caller's own copy: what is done to it stays with it (STO-06). */
function ownRoom(room: Room): Room {
  return {
    ...room,
    timers: { ...room.timers },
    metadata: copyJson(room.metadata),
    ...(room.aiConfig !== undefined && { aiConfig: copyJson(room.aiConfig) }),
    ...(room.collision !== undefined && { collision: { ...room.collision } }),
  };
}

/** Creation time, then id: the answer does not depend on the order of a map (RTR-02). */
function newestFirst(a: Room, b: Room): number {
  return a.createdAt === b.createdAt ? (a.id < b.id ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1;
}

function matchesRoom(room: Room, query: RoomQuery): boolean {
  if (query.organizationId !== undefined && room.organizationId !== query.organizationId) return false;
  if (query.status !== undefined && !(typeof query.status === 'string' ? room.status === query.status : query.status.includes(room.status)))
    return false;
  if (query.withTimers === true && room.timers.inactiveAfterSeconds === undefined && room.timers.closedAfterSeconds === undefined) return false;
  for (const [key, value] of Object.entries(query.metadata ?? EMPTY)) {
    if (JSON.stringify(room.metadata[key]) !== JSON.stringify(value)) return false;
  }
  return true;
}
