/** `SqliteStore` (STO-09): one file, one process, everything that was committed survives. */
import {
  copyJson,
  frozenEvent,
  RoomKitError,
  ValidationError,
  type ApprovalQuery,
  type ApprovalRow,
  type Arrival,
  type ChannelBinding,
  type ChannelType,
  type ClaimedWork,
  type CommitResult,
  type ConversationStore,
  type DeliveryOutcome,
  type DeliveryResult,
  type EventCommit,
  type EventQuery,
  type Fact,
  type FactQuery,
  type HeldMessage,
  type Identity,
  type IdentityMerge,
  type Metadata,
  type MigrationReport,
  type Observation,
  type OutboxRow,
  type OutboxState,
  type Participant,
  type RecordChanges,
  type RecordPage,
  type RecordQuery,
  type Room,
  type RoomEvent,
  type RoomQuery,
  type RoomState,
  type RoomStatus,
  type RouteCandidates,
  type RouteQuery,
  type RowPatch,
  type RowQuery,
  type StoreStatus,
  type Task,
  type TurnMerge,
  type TurnMergeOrder,
  type TurnPatch,
  type TurnQuery,
  type TurnRow,
  type TurnState,
  type UsageQuery,
  type UsageRecord,
  type UsageSum,
  type WorkQuery,
  type WorkSummary,
  type WriteOptions,
} from './core.js';
import { SqliteApprovals } from './approvals.js';
import { SqliteRecordWriter } from './change-records.js';
import { SqliteCommits } from './commits.js';
import { IN_MEMORY, openFile, type Database } from './database.js';
import { storeError } from './errors.js';
import { GroupCommit, type Written } from './group-commit.js';
import { SqliteKeys } from './keys.js';
import { SqliteLateEvents } from './late-events.js';
import { SqliteOutbox } from './outbox.js';
import { SqlitePeople } from './people.js';
import { SqliteRecordReader } from './read-records.js';
import { SqliteRooms } from './rooms.js';
import { SqliteRoomQueries } from './room-queries.js';
import { Statements } from './statements.js';
import { fileStatus, migrateFile } from './status.js';
import { SqliteTextIndex } from './text-index.js';
import { SqliteTimeline } from './timeline.js';
import { Transaction } from './transaction.js';
import { SqliteUsage } from './usage.js';

/** Where the database is, and what it has to survive. */
export interface SqliteStoreOptions {
  /** The database file; `:memory:` for none. Its folder must exist. */
  readonly path: string;
  /** `full` (default) survives power loss, `normal` survives the process. */
  readonly synchronous?: 'full' | 'normal';
  /** False: an older file is refused (`store_outdated`) and not brought forward. Default true. */
  readonly migrate?: boolean;
  /** True opens a file although a copy into it was interrupted, for programs that make the copy. Default false: `store_unfinished`. */
  readonly unfinished?: boolean;
}

/**
 * Rooms in one SQLite file, for one process at a time (STO-09). Open it with {@link SqliteStore.open}.
 * @example const kit = new RoomKit({ store: await SqliteStore.open('./rooms.db') })
 */
export class SqliteStore implements ConversationStore {
  readonly name = 'sqlite';
  /** False for `:memory:`. */
  readonly persistent: boolean;
  readonly shared = false;
  private readonly transaction: Transaction;
  readonly #group: GroupCommit;
  readonly #rooms: SqliteRooms;
  readonly #queries: SqliteRoomQueries;
  readonly #timeline: SqliteTimeline;
  readonly #texts: SqliteTextIndex;
  readonly #late: SqliteLateEvents;
  readonly #outbox: SqliteOutbox;
  readonly #approvals: SqliteApprovals;
  readonly #people: SqlitePeople;
  readonly #usage: SqliteUsage;
  readonly #commits: SqliteCommits;
  readonly #recordReader: SqliteRecordReader;
  readonly #recordWriter: SqliteRecordWriter;
  #closed = false;

  /** Opens or creates the file and brings it to this version. Throws RoomKitErrors that say how to mend it. */
  static async open(options: SqliteStoreOptions | string): Promise<SqliteStore> {
    const { path, synchronous = 'full', migrate = true, unfinished = false } = typeof options === 'string' ? { path: options } : options;
    if (typeof path !== 'string' || path === '') throw new ValidationError("SqliteStore needs a path: await SqliteStore.open('./rooms.db').");
    return new SqliteStore(await openFile(path, synchronous, { migrates: migrate, unfinished }), path);
  }

  /** How the file stands; nothing in it is changed. Throws `store_busy` while a process uses it, `store_unavailable` without a file. */
  static status(path: string): Promise<StoreStatus> {
    return fileStatus(path);
  }

  /** Brings an older file to this version, or with `dryRun` only says how. */
  static migrate(path: string, options: { readonly dryRun?: boolean } = {}): Promise<MigrationReport> {
    return migrateFile(path, options.dryRun === true);
  }

  private constructor(
    private readonly database: Database,
    readonly path: string,
  ) {
    this.persistent = path !== IN_MEMORY;
    const sql = new Statements(database);
    const keys = new SqliteKeys(sql);
    this.#texts = new SqliteTextIndex(sql);
    this.#late = new SqliteLateEvents(sql, this.#texts);
    this.#rooms = new SqliteRooms(sql, this.#late);
    this.#queries = new SqliteRoomQueries(sql, keys, this.#late);
    this.#timeline = new SqliteTimeline(sql, this.#late, keys);
    this.#outbox = new SqliteOutbox(sql);
    this.#people = new SqlitePeople(sql);
    this.#approvals = new SqliteApprovals(sql);
    this.#usage = new SqliteUsage(sql);
    this.#commits = new SqliteCommits(this.#rooms, this.#timeline, this.#late, this.#outbox, this.#approvals, this.#people, this.#usage);
    this.#recordReader = new SqliteRecordReader(sql, this.#late);
    this.#recordWriter = new SqliteRecordWriter(
      sql,
      this.#rooms,
      this.#timeline,
      this.#late,
      this.#outbox,
      this.#approvals,
      this.#people,
      this.#usage,
    );
    this.transaction = new Transaction(database);
    this.#group = new GroupCommit(
      database,
      this.transaction,
      (error) => storeError(error, path),
      () => {
        this.#rooms.forgetPending();
        this.#late.rolledBack();
      },
    );
  }

  // --- rooms ---------------------------------------------------------------------------------------------------------

  createRoom(room: Room): Promise<Room> {
    const own = copyJson(room);
    return this.#write(own.id, () => this.#rooms.create(own));
  }
  createRoomOnce(key: string, room: Room, ttlSeconds: number): Promise<{ room: Room; created: boolean }> {
    const own = copyJson(room);
    return this.#write(own.id, () => this.#rooms.createOnce(key, own, ttlSeconds));
  }
  getRoom(roomId: string): Room | null {
    return copyJson(this.#read(() => this.#rooms.state(roomId))?.room ?? null);
  }
  loadRoom(roomId: string): RoomState | null {
    return this.#read(() => this.#rooms.state(roomId));
  }
  loadArrival(roomId: string, idempotencyKey?: string): Arrival | null {
    return this.#read(() => {
      const state = this.#rooms.state(roomId);
      if (state === null) return null;
      return { state, earlier: idempotencyKey === undefined ? null : this.#timeline.byKey(roomId, idempotencyKey) };
    });
  }
  updateRoom(room: Room, options?: WriteOptions): Promise<Room> {
    const own = copyJson(room);
    return this.#write(own.id, () => {
      this.#rooms.checkFence(own.id, options?.fencingToken);
      return this.#rooms.update(own);
    });
  }
  patchRoomMetadata(roomId: string, patch: Metadata, options?: WriteOptions): Promise<Room> {
    const own = copyJson(patch);
    return this.#write(roomId, () => {
      this.#rooms.checkFence(roomId, options?.fencingToken);
      return this.#rooms.patchMetadata(roomId, own);
    });
  }
  deleteRoom(roomId: string): Promise<boolean> {
    return this.#write(roomId, () => this.#rooms.delete(roomId));
  }
  findRooms(query: RoomQuery): Room[] {
    return this.#read(() => this.#queries.find(query));
  }
  findLatestRoom(query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string }): Room | null {
    return this.#read(() => this.#queries.findLatest(query));
  }
  findRoomIdsByChannel(channelId: string, status?: RoomStatus): string[] {
    return this.#read(() => this.#queries.idsByChannel(channelId, status));
  }
  findRoute(query: RouteQuery): RouteCandidates {
    return this.#read(() => this.#queries.route(query));
  }

  // --- the timeline --------------------------------------------------------------------------------------------------

  commitEvent(commit: EventCommit): Promise<CommitResult> {
    const { event, ...others } = commit;
    const own: EventCommit = { event, ...copyJson(others) };
    return this.#write(
      event.roomId,
      () => this.#commits.run(own),
      (result) => {
        if (result.event === event) frozenEvent(event);
      },
    );
  }

  getEvent(roomId: string, eventId: string): RoomEvent | null {
    return this.#read(() => this.#timeline.get(roomId, eventId));
  }
  updateEvent(event: RoomEvent, options?: WriteOptions): Promise<RoomEvent | null> {
    const own = copyJson(event);
    return this.#write(own.roomId, () => {
      this.#rooms.checkFence(own.roomId, options?.fencingToken);
      return this.#timeline.replace(own);
    });
  }
  deleteEvent(roomId: string, eventId: string, options: WriteOptions & { cascadeReplies?: boolean } = {}): Promise<RoomEvent[]> {
    return this.#write(roomId, () => {
      this.#rooms.checkFence(roomId, options.fencingToken);
      const removed = this.#timeline.remove(roomId, eventId, options.cascadeReplies === true);
      const state = this.#rooms.state(roomId);
      if (removed.length > 0 && state !== null) {
        this.#rooms.putCounters({ ...state.room, eventCount: state.room.eventCount - removed.length, version: state.room.version + 1 });
      }
      return removed;
    });
  }
  listEvents(roomId: string, query: EventQuery = {}): RoomEvent[] {
    return this.#read(() => this.#timeline.list(roomId, query));
  }
  getEventByIdempotencyKey(key: string, where: { roomId: string } | { channelId: string }): RoomEvent | null {
    return this.#read(() => ('roomId' in where ? this.#timeline.byKey(where.roomId, key) : this.#timeline.byKeyOfChannel(where.channelId, key)));
  }
  getEventByExternalId(channelId: string, externalId: string): RoomEvent | null {
    return this.#read(() => this.#timeline.byExternalId(channelId, externalId));
  }
  countEvents(roomId: string, query: { afterIndex?: number } = {}): number {
    const { afterIndex } = query;
    return this.#read(() =>
      afterIndex === undefined ? (this.#rooms.state(roomId)?.room.eventCount ?? 0) : this.#timeline.countAfter(roomId, afterIndex),
    );
  }
  searchEvents(query: { text: string; roomId?: string; organizationId?: string; limit?: number }): RoomEvent[] {
    return this.#read(() => {
      if (!this.#late.isBehind) return this.#texts.search(query);
      try {
        this.#group.now(() => this.#late.catchUp());
        this.#late.settle();
      } catch (error) {
        // A disk that is full, or a file that may only be read: what is on it is found all the same.
        if (error instanceof RoomKitError && error.code !== 'store_corrupt') return this.#texts.searchBehind(this.#late.all(), query);
        throw error;
      }
      return this.#texts.search(query);
    });
  }

  // --- bindings and participants -------------------------------------------------------------------------------------

  getBinding(roomId: string, channelId: string): ChannelBinding | null {
    return copyJson(this.loadRoom(roomId)?.bindings.find((binding) => binding.channelId === channelId) ?? null);
  }
  listBindings(roomId: string): ChannelBinding[] {
    return copyJson(this.loadRoom(roomId)?.bindings.slice() ?? []);
  }
  putBinding(binding: ChannelBinding, options?: WriteOptions): Promise<void> {
    const own = copyJson(binding);
    return this.#write(own.roomId, () => {
      this.#rooms.checkFence(own.roomId, options?.fencingToken);
      this.#rooms.putBinding(own);
    });
  }
  getParticipant(roomId: string, participantId: string): Participant | null {
    return copyJson(this.loadRoom(roomId)?.participants.find((one) => one.id === participantId) ?? null);
  }
  listParticipants(roomId: string): Participant[] {
    return copyJson(this.loadRoom(roomId)?.participants.slice() ?? []);
  }
  putParticipant(participant: Participant, options?: WriteOptions): Promise<void> {
    const own = copyJson(participant);
    return this.#write(own.roomId, () => {
      this.#rooms.checkFence(own.roomId, options?.fencingToken);
      this.#rooms.putParticipant(own);
    });
  }

  // --- identities, tasks, observations, markers ----------------------------------------------------------------------

  createIdentity(identity: Identity): Promise<Identity> {
    const own = copyJson(identity);
    return this.#write(undefined, () => this.#people.createIdentity(own));
  }
  getIdentity(identityId: string): Identity | null {
    return this.#read(() => this.#people.getIdentity(identityId));
  }
  updateIdentity(identity: Identity): Promise<Identity> {
    const own = copyJson(identity);
    return this.#write(undefined, () => this.#people.updateIdentity(own));
  }
  resolveIdentity(query: { channelType: ChannelType; address: string; organizationId?: string }): Identity | null {
    return this.#read(() => this.#people.resolveIdentity(query));
  }
  linkAddress(identityId: string, channelType: ChannelType, address: string): Promise<boolean> {
    return this.#write(undefined, () => this.#people.linkAddress(identityId, channelType, address));
  }
  mergeIdentities(merge: { intoId: string; fromId: string; by: string; reason?: string; at: string }): Promise<IdentityMerge | null> {
    const own = copyJson(merge);
    return this.#write(undefined, () => this.#people.mergeIdentities(own));
  }
  unmergeIdentity(fromId: string): Promise<IdentityMerge | null> {
    return this.#write(undefined, () => this.#people.unmergeIdentity(fromId));
  }
  listMerges(identityId: string): readonly IdentityMerge[] {
    return this.#read(() => this.#people.listMerges(identityId));
  }
  createTask(task: Task): Promise<void> {
    const own = copyJson(task);
    return this.#write(own.roomId, () => {
      this.#rooms.require(own.roomId);
      this.#people.putTask(own);
    });
  }
  updateTask(task: Task): Promise<void> {
    return this.createTask(task);
  }
  getTask(taskId: string): Task | null {
    return this.#read(() => this.#people.getTask(taskId));
  }
  listTasks(roomId: string, query?: { status?: Task['status'] }): Task[] {
    return this.#read(() => this.#people.listTasks(roomId, query));
  }
  listDueTasks(query: { readonly before?: string; readonly limit?: number } = {}): Task[] {
    return this.#read(() => this.#people.listDueTasks(query));
  }
  addObservation(observation: Observation): Promise<void> {
    const own = copyJson(observation);
    return this.#write(own.roomId, () => {
      this.#rooms.require(own.roomId);
      this.#people.addObservation(own);
    });
  }
  listObservations(roomId: string): Observation[] {
    return this.#read(() => this.#people.listObservations(roomId));
  }
  setReadMarker(roomId: string, channelId: string, index: number): Promise<void> {
    return this.#write(roomId, () => {
      if (this.#rooms.state(roomId) !== null) this.#people.mark(roomId, channelId, index);
    });
  }
  getReadMarker(roomId: string, channelId: string): number | null {
    return this.#read(() => this.#people.marker(roomId, channelId));
  }

  // --- approvals -----------------------------------------------------------------------------------------------------

  getApproval(approvalId: string): ApprovalRow | null {
    return this.#read(() => this.#approvals.get(approvalId));
  }
  listApprovals(query: ApprovalQuery): ApprovalRow[] {
    return this.#read(() => this.#approvals.list(query));
  }

  // --- outbox and turns ----------------------------------------------------------------------------------------------

  updateRow(rowId: string, patch: RowPatch, from?: readonly OutboxState[]): Promise<OutboxRow | null> {
    const own = copyJson(patch);
    const states = from?.slice();
    return this.#write(undefined, () => this.#outbox.updateRow(rowId, own, states));
  }
  getRow(rowId: string): OutboxRow | null {
    return this.#read(() => this.#outbox.getRow(rowId));
  }
  findRowByProviderMessage(provider: string, messageId: string): OutboxRow | null {
    return this.#read(() => this.#outbox.findByProviderMessage(provider, messageId));
  }
  listRows(query: RowQuery): OutboxRow[] {
    return this.#read(() => this.#outbox.listRows(query));
  }
  updateTurn(turnId: string, patch: TurnPatch, from?: readonly TurnState[], usage?: readonly UsageRecord[]): Promise<TurnRow | null> {
    const own = copyJson(patch);
    const states = from?.slice();
    const records = copyJson(usage);
    return this.#write(undefined, () => {
      const changed = this.#outbox.updateTurn(turnId, own, states);
      if (changed !== null && records !== undefined) this.#usage.add(records);
      return changed;
    });
  }
  addUsage(records: readonly UsageRecord[]): Promise<void> {
    const own = copyJson(records);
    return this.#write(undefined, () => this.#usage.add(own));
  }
  sumUsage(query: UsageQuery): UsageSum[] {
    return this.#read(() => this.#usage.sum(query));
  }
  mergeTurns(order: TurnMergeOrder): Promise<TurnMerge | null> {
    const own = { ...order, turnIds: order.turnIds.slice() };
    return this.#write(undefined, () => this.#outbox.mergeTurns(own));
  }
  getTurn(turnId: string): TurnRow | null {
    return this.#read(() => this.#outbox.getTurn(turnId));
  }
  listTurns(query: TurnQuery): TurnRow[] {
    return this.#read(() => this.#outbox.listTurns(query));
  }
  claimDue(claim: Parameters<ConversationStore['claimDue']>[0]): Promise<ClaimedWork> | ClaimedWork {
    // Most of the time nothing is due, and looking costs no transaction.
    if (!this.#read(() => this.#outbox.hasOpen())) return { rows: [], turns: [] };
    return this.#write(undefined, () => this.#outbox.claimDue(claim));
  }
  renewLeases(): void {
    // One process holds the file: nobody else looks at its leases.
  }
  releaseLeases(): void {
    // The same: every lease is void when the file is opened again (OUT-08).
  }
  summarizeWork(query: WorkQuery): WorkSummary {
    return this.#read(() => this.#outbox.summarize(query));
  }
  recordOutcomes(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    const own = outcomes.slice(); // the results are shared objects that nobody changes
    return this.#write(undefined, () => this.#outbox.recordOutcomes(own));
  }
  deliveryResults(roomId: string, eventIds: readonly string[]): Map<string, Record<string, DeliveryResult>> {
    return this.#read(() => this.#outbox.deliveryResults(roomId, eventIds));
  }

  // --- messages on hold ----------------------------------------------------------------------------------------------

  holdMessage(message: HeldMessage, maxPerKey: number): Promise<void> {
    const own = copyJson(message);
    return this.#write(undefined, () => this.#people.hold(own, maxPerKey));
  }
  listHeld(kind: HeldMessage['kind'], key: string, now: string): HeldMessage[] {
    return this.#read(() => this.#people.listHeld(kind, key, now));
  }
  dropHeld(ids: readonly string[]): Promise<void> {
    const own = ids.slice();
    return this.#write(undefined, () => this.#people.dropHeld(own));
  }

  // --- facts ---------------------------------------------------------------------------------------------------------

  getFact(key: string): Metadata | null {
    return this.#read(() => this.#people.getFact(key));
  }
  putFact(key: string, fact: Metadata | null): Promise<void> {
    const own = copyJson(fact);
    return this.#write(undefined, () => this.#people.putFact(key, own));
  }
  listFacts(query: FactQuery): Fact[] {
    return this.#read(() => this.#people.listFacts(query));
  }

  // --- records -------------------------------------------------------------------------------------------------------

  readRecords(query: RecordQuery): RecordPage {
    return this.#read(() => this.#recordReader.read(query));
  }
  changeRecords(changes: RecordChanges): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closedError());
    const own = copyJson(changes);
    const gone = (own.remove ?? []).flatMap(({ kind, id }) => (kind === 'room' ? [id] : []));
    const touched = own.roomId === undefined ? gone : [own.roomId, ...gone];
    return this.#group.write((): Written<void> => {
      const before = touched.map((roomId) => [roomId, this.#rooms.pendingOf(roomId)] as const);
      const mark = this.#late.changes;
      try {
        this.#recordWriter.change(own);
        for (const roomId of gone) this.#rooms.reread(roomId); // it may have been added anew
      } catch (error) {
        for (const [roomId, state] of before) this.#rooms.restore(roomId, state);
        this.#late.rolledBack(mark);
        throw error;
      }
      return {
        value: undefined,
        onCommitted: () => {
          for (const roomId of touched) this.#rooms.settle(roomId);
          this.#late.settle();
        },
      };
    });
  }
  /** Brings the search index and the log in order: neither holds words any more that were taken out of it. Takes longer the larger they are. */
  purge(): void {
    this.#group.flush();
    this.#read(() => {
      this.database.exec("INSERT INTO event_text (event_text) VALUES ('optimize')");
      this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#group.close();
    this.#closed = true;
    this.#writeCounters();
    this.database.close();
  }

  /** So that a file that was closed says everything by itself. */
  #writeCounters(): void {
    if (!this.#rooms.isBehind) return;
    try {
      this.#group.now(() => this.#rooms.writeCounters());
    } catch {
      // A disk that is full, say. Nothing is lost: they are counted when their room is read.
    }
  }

  /** Runs in the next transaction; a refused write leaves memory as it was. */
  #write<T>(roomId: string | undefined, run: () => T, onCommitted?: (value: T) => void): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closedError());
    return this.#group.write((): Written<T> => {
      const before = roomId === undefined ? undefined : this.#rooms.pendingOf(roomId);
      const mark = this.#late.changes;
      try {
        const value = run();
        return {
          value,
          onCommitted: () => {
            if (roomId !== undefined) this.#rooms.settle(roomId);
            this.#late.settle();
            onCommitted?.(value);
          },
        };
      } catch (error) {
        if (roomId !== undefined) this.#rooms.restore(roomId, before);
        this.#late.rolledBack(mark);
        throw error;
      }
    });
  }

  #read<T>(run: () => T): T {
    if (this.#closed) throw this.#closedError();
    try {
      return run();
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  #closedError(): RoomKitError {
    return new RoomKitError('store_closed', `The database '${this.path}' is closed. Open it again with SqliteStore.open('${this.path}').`);
  }
}
