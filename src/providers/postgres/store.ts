/** `PostgresStore` (STO-08): one database, any number of processes. */
import {
  copyJson,
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
import * as approvals from './approvals.js';
import * as claims from './claims.js';
import { changeRecords, VACUUMED } from './change-records.js';
import { COMMIT_CALL, COMMIT_PARAMETERS, commitEvent } from './commits.js';
import { checkedConfig, type PostgresOptions } from './config.js';
import { Connections, type Sql } from './connection.js';
import { GroupCommit } from './group-commit.js';
import * as outbox from './outbox.js';
import * as people from './people.js';
import { readRecords } from './read-records.js';
import * as records from './records.js';
import * as queries from './room-queries.js';
import * as rooms from './rooms.js';
import { migrateSchema, schemaStatus } from './status.js';
import * as timeline from './timeline.js';
import { summarizeWork } from './summary.js';
import * as usage from './usage.js';

/**
 * Rooms in PostgreSQL, for any number of processes (STO-05, STO-08). Open it with {@link PostgresStore.open}.
 * @example const kit = new RoomKit({ store: await PostgresStore.open('postgres://localhost/app'), lockManager })
 */
export class PostgresStore implements ConversationStore {
  readonly name = 'postgres';
  readonly persistent = true;
  readonly shared = true;
  readonly #rooms = new rooms.KnownRooms();
  readonly #routes = new queries.Routes(this.#rooms);
  readonly #commits: GroupCommit;
  /** What changes nothing: repeated when the connection was lost. */
  readonly #read: Sql;

  /** Connects, and brings the schema to this version. Throws RoomKitErrors that say how to mend it. */
  static async open(options: PostgresOptions | string = {}): Promise<PostgresStore> {
    return new PostgresStore(await Connections.start(checkedConfig(options, process.env), 'PostgresStore'));
  }

  /** How the schema stands; nothing is changed, not even created. */
  static status(options: PostgresOptions | string = {}): Promise<StoreStatus> {
    return schemaStatus(options);
  }

  /** Brings the schema to this version before a deploy, or with `dryRun` only says how; older processes go on beside it (STO-13). */
  static migrate(options: PostgresOptions | string = {}, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<MigrationReport> {
    return migrateSchema(options, dryRun);
  }

  private constructor(private readonly connections: Connections) {
    this.#commits = new GroupCommit(connections, COMMIT_CALL, COMMIT_PARAMETERS);
    this.#read = { all: (sql, ...values) => connections.read(sql, ...values) };
  }

  // --- rooms ---------------------------------------------------------------------------------------------------------

  createRoom(room: Room): Promise<Room> {
    return rooms.createRoom(this.connections, copyJson(room));
  }
  createRoomOnce(key: string, room: Room, ttlSeconds: number): Promise<{ room: Room; created: boolean }> {
    const own = copyJson(room);
    return this.#write((sql) => rooms.createRoomOnce(sql, key, own, ttlSeconds));
  }
  async getRoom(roomId: string): Promise<Room | null> {
    return copyJson((await this.loadRoom(roomId))?.room ?? null);
  }
  loadRoom(roomId: string): Promise<RoomState | null> {
    return this.#rooms.load(this.connections, roomId);
  }
  knownRoom(roomId: string): RoomState | null {
    return this.#rooms.known(roomId)?.state ?? null;
  }
  loadArrival(roomId: string, idempotencyKey?: string): Promise<Arrival | null> {
    return this.#rooms.arrival(this.connections, roomId, idempotencyKey);
  }
  latestIndexes(roomIds: readonly string[]): Promise<Map<string, number>> {
    return rooms.latestIndexes(this.#read, roomIds.slice());
  }
  updateRoom(room: Room, options?: WriteOptions): Promise<Room> {
    const own = copyJson(room);
    return this.#write((sql) => rooms.updateRoom(sql, own, options?.fencingToken));
  }
  patchRoomMetadata(roomId: string, patch: Metadata, options?: WriteOptions): Promise<Room> {
    const own = copyJson(patch);
    return this.#write((sql) => rooms.patchMetadata(sql, roomId, own, options?.fencingToken));
  }
  deleteRoom(roomId: string): Promise<boolean> {
    return this.#write((sql) => rooms.deleteRoom(sql, roomId));
  }
  findRooms(query: RoomQuery): Promise<Room[]> {
    return queries.findRooms(this.#read, query);
  }
  findLatestRoom(query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string }): Promise<Room | null> {
    return queries.findLatestRoom(this.#read, query);
  }
  findRoomIdsByChannel(channelId: string, status?: RoomStatus): Promise<string[]> {
    return queries.findRoomIdsByChannel(this.#read, channelId, status);
  }
  findRoute(query: RouteQuery): Promise<RouteCandidates> {
    return this.#routes.find(this.#read, query);
  }

  // --- the timeline --------------------------------------------------------------------------------------------------

  commitEvent(commit: EventCommit): Promise<CommitResult> {
    return commitEvent(this.#commits, this.#rooms, commit);
  }
  getEvent(roomId: string, eventId: string): Promise<RoomEvent | null> {
    return timeline.getEvent(this.#read, roomId, eventId);
  }
  updateEvent(event: RoomEvent, options?: WriteOptions): Promise<RoomEvent | null> {
    const own = copyJson(event);
    return this.#inRoom(own.roomId, options, null, (sql) => timeline.replaceEvent(sql, own));
  }
  deleteEvent(roomId: string, eventId: string, options: WriteOptions & { cascadeReplies?: boolean } = {}): Promise<RoomEvent[]> {
    return this.#inRoom(roomId, options, [], async (sql) => {
      const removed = await timeline.removeEvents(sql, roomId, eventId, options.cascadeReplies === true);
      if (removed.length > 0)
        await sql.all('UPDATE @rooms SET event_count = event_count - $1, version = version + 1 WHERE id = $2', removed.length, roomId);
      return removed;
    });
  }
  listEvents(roomId: string, query: EventQuery = {}): Promise<RoomEvent[]> {
    return timeline.listEvents(this.#read, roomId, query);
  }
  getEventByIdempotencyKey(key: string, where: { roomId: string } | { channelId: string }): Promise<RoomEvent | null> {
    return timeline.eventByKey(this.#read, key, where);
  }
  getEventByExternalId(channelId: string, externalId: string): Promise<RoomEvent | null> {
    return timeline.eventByExternalId(this.#read, channelId, externalId);
  }
  countEvents(roomId: string, query: { afterIndex?: number } = {}): Promise<number> {
    return timeline.countEvents(this.#read, roomId, query.afterIndex);
  }
  searchEvents(query: { text: string; roomId?: string; organizationId?: string; limit?: number }): Promise<RoomEvent[]> {
    return timeline.searchEvents(this.#read, query);
  }

  // --- bindings and participants -------------------------------------------------------------------------------------

  getBinding(roomId: string, channelId: string): Promise<ChannelBinding | null> {
    return rooms.getBinding(this.#read, roomId, channelId);
  }
  listBindings(roomId: string): Promise<ChannelBinding[]> {
    return rooms.listBindings(this.#read, roomId);
  }
  putBinding(binding: ChannelBinding, options?: WriteOptions): Promise<void> {
    const own = copyJson(binding);
    return this.#write((sql) => rooms.putBinding(sql, own, options?.fencingToken));
  }
  getParticipant(roomId: string, participantId: string): Promise<Participant | null> {
    return rooms.getParticipant(this.#read, roomId, participantId);
  }
  listParticipants(roomId: string): Promise<Participant[]> {
    return rooms.listParticipants(this.#read, roomId);
  }
  putParticipant(participant: Participant, options?: WriteOptions): Promise<void> {
    const own = copyJson(participant);
    return this.#write((sql) => rooms.putParticipant(sql, own, options?.fencingToken));
  }

  // --- identities ----------------------------------------------------------------------------------------------------

  createIdentity(identity: Identity): Promise<Identity> {
    const own = copyJson(identity);
    return this.#ofPeople((sql) => people.createIdentity(sql, own));
  }
  getIdentity(identityId: string): Promise<Identity | null> {
    return people.getIdentity(this.#read, identityId);
  }
  updateIdentity(identity: Identity): Promise<Identity> {
    const own = copyJson(identity);
    return this.#ofPeople((sql) => people.updateIdentity(sql, own));
  }
  resolveIdentity(query: { channelType: ChannelType; address: string; organizationId?: string }): Promise<Identity | null> {
    return people.resolveIdentity(this.#read, query);
  }
  linkAddress(identityId: string, channelType: ChannelType, address: string): Promise<boolean> {
    return this.#ofPeople((sql) => people.linkAddress(sql, identityId, channelType, address));
  }
  mergeIdentities(merge: { intoId: string; fromId: string; by: string; reason?: string; at: string }): Promise<IdentityMerge | null> {
    const own = copyJson(merge);
    return this.#ofPeople((sql) => people.mergeIdentities(sql, own));
  }
  unmergeIdentity(fromId: string): Promise<IdentityMerge | null> {
    return this.#ofPeople((sql) => people.unmergeIdentity(sql, fromId));
  }
  listMerges(identityId: string): Promise<IdentityMerge[]> {
    return people.listMerges(this.#read, identityId);
  }

  // --- tasks, observations, markers ----------------------------------------------------------------------------------

  createTask(task: Task): Promise<void> {
    return records.putTask(this.connections, copyJson(task));
  }
  updateTask(task: Task): Promise<void> {
    return this.createTask(task);
  }
  getTask(taskId: string): Promise<Task | null> {
    return records.getTask(this.#read, taskId);
  }
  listTasks(roomId: string, query?: { status?: Task['status'] }): Promise<Task[]> {
    return records.listTasks(this.#read, roomId, query?.status);
  }
  listDueTasks(query: { readonly before?: string; readonly limit?: number } = {}): Promise<Task[]> {
    return records.listDueTasks(this.#read, query);
  }
  addObservation(observation: Observation): Promise<void> {
    return records.addObservation(this.connections, copyJson(observation));
  }
  listObservations(roomId: string): Promise<Observation[]> {
    return records.listObservations(this.#read, roomId);
  }
  setReadMarker(roomId: string, channelId: string, index: number): Promise<void> {
    return records.setReadMarker(this.connections, roomId, channelId, index);
  }
  getReadMarker(roomId: string, channelId: string): Promise<number | null> {
    return records.getReadMarker(this.#read, roomId, channelId);
  }

  // --- approvals -----------------------------------------------------------------------------------------------------

  getApproval(approvalId: string): Promise<ApprovalRow | null> {
    return approvals.getApproval(this.#read, approvalId);
  }
  listApprovals(query: ApprovalQuery): Promise<ApprovalRow[]> {
    return approvals.listApprovals(this.#read, query);
  }

  // --- outbox and turns ----------------------------------------------------------------------------------------------

  updateRow(rowId: string, patch: RowPatch, from?: readonly OutboxState[], owner?: string): Promise<OutboxRow | null> {
    return outbox.updateRow(this.connections, rowId, copyJson(patch), from?.slice(), owner);
  }
  getRow(rowId: string): Promise<OutboxRow | null> {
    return outbox.getRow(this.#read, rowId);
  }
  findRowByProviderMessage(provider: string, messageId: string): Promise<OutboxRow | null> {
    return outbox.findRowByProviderMessage(this.#read, provider, messageId);
  }
  listRows(query: RowQuery): Promise<OutboxRow[]> {
    return outbox.listRows(this.#read, query);
  }
  updateTurn(
    turnId: string,
    patch: TurnPatch,
    from?: readonly TurnState[],
    records?: readonly UsageRecord[],
    owner?: string,
  ): Promise<TurnRow | null> {
    return outbox.updateTurn(this.connections, turnId, copyJson(patch), from?.slice(), copyJson(records), owner);
  }
  addUsage(records: readonly UsageRecord[]): Promise<void> {
    return usage.addUsage(this.connections, copyJson(records));
  }
  sumUsage(query: UsageQuery): Promise<UsageSum[]> {
    return usage.sumUsage(this.#read, query);
  }
  mergeTurns(order: TurnMergeOrder): Promise<TurnMerge | null> {
    const own = { ...order, turnIds: order.turnIds.slice() };
    return this.#write((sql) => outbox.mergeTurns(sql, own));
  }
  getTurn(turnId: string): Promise<TurnRow | null> {
    return outbox.getTurn(this.#read, turnId);
  }
  listTurns(query: TurnQuery): Promise<TurnRow[]> {
    return outbox.listTurns(this.#read, query);
  }
  claimDue(claim: Parameters<ConversationStore['claimDue']>[0]): Promise<ClaimedWork> {
    return claims.claimDue(this.connections, claim);
  }
  renewLeases(owner: string, leaseUntil: string): Promise<void> {
    return claims.renewLeases(this.connections, owner, leaseUntil);
  }
  releaseLeases(owner: string): Promise<void> {
    return claims.renewLeases(this.connections, owner, new Date(0).toISOString());
  }
  summarizeWork(query: WorkQuery): Promise<WorkSummary> {
    return summarizeWork(this.#read, query);
  }
  recordOutcomes(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    return outbox.recordOutcomes(this.connections, outcomes.slice()); // the results are shared objects that nobody changes
  }
  deliveryResults(roomId: string, eventIds: readonly string[]): Promise<Map<string, Record<string, DeliveryResult>>> {
    return outbox.deliveryResults(this.#read, roomId, eventIds.slice());
  }

  // --- messages on hold ----------------------------------------------------------------------------------------------

  holdMessage(message: HeldMessage, maxPerKey: number): Promise<void> {
    const own = copyJson(message);
    return this.#write((sql) => records.holdMessage(sql, own, maxPerKey));
  }
  listHeld(kind: HeldMessage['kind'], key: string, now: string): Promise<HeldMessage[]> {
    return records.listHeld(this.#read, kind, key, now);
  }
  dropHeld(ids: readonly string[]): Promise<void> {
    return records.dropHeld(this.connections, ids.slice());
  }

  // --- facts ---------------------------------------------------------------------------------------------------------

  getFact(key: string): Promise<Metadata | null> {
    return records.getFact(this.#read, key);
  }
  putFact(key: string, fact: Metadata | null): Promise<void> {
    return records.putFact(this.connections, key, copyJson(fact));
  }
  listFacts(query: FactQuery): Promise<Fact[]> {
    return records.listFacts(this.#read, query);
  }

  // --- records -------------------------------------------------------------------------------------------------------

  readRecords(query: RecordQuery): Promise<RecordPage> {
    return readRecords(this.#read, query);
  }
  changeRecords(changes: RecordChanges): Promise<void> {
    const own = copyJson(changes);
    return this.#write((sql) => changeRecords(sql, own));
  }
  /** Asks the server to take the room of what was rewritten or removed; without the right to do so, that is left to its autovacuum. */
  async purge(): Promise<void> {
    for (const table of VACUUMED) await this.connections.all(`VACUUM @${table}`);
  }

  /** By the server's clock, which all processes share (STO-17). */
  async time(): Promise<number> {
    const [row] = await this.connections.read('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms');
    return Math.floor(Number(row?.['ms']));
  }

  close(): Promise<void> {
    return this.connections.close();
  }

  #write<T>(run: (sql: Sql) => Promise<T>): Promise<T> {
    return this.connections.transaction(run);
  }

  #ofPeople<T>(run: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#write(async (sql) => {
      await people.lockIdentities(sql);
      return run(sql);
    });
  }

  /** With the room locked; without the room, nothing. */
  #inRoom<T>(roomId: string, options: WriteOptions | undefined, without: T, run: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#write(async (sql) => {
      const isThere = (await sql.all('SELECT 1 FROM @rooms WHERE id = $1', roomId)).length > 0;
      if (!isThere) return without;
      await rooms.lockRoom(sql, roomId, options?.fencingToken);
      return run(sql);
    });
  }
}
