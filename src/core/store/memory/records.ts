/** Everything in memory as records: read, removed, rewritten and added as they are (STO-20, ERA-06). */
import { ConflictError, RoomNotFoundError } from '../../errors.js';
import type { RoomEvent } from '../../models/event.js';
import { EMPTY_LIST } from '../../models/json.js';
import {
  RECORD_PAGE,
  roomIdOf,
  type RecordChanges,
  type RecordKind,
  type RecordPage,
  type RecordQuery,
  type RemovableKind,
  type RemovedRecord,
  type RewrittenRecord,
  type StoredRecord,
} from '../records.js';
import { keyTaken } from '../stored-event.js';
import type { MemoryApprovals } from './approvals.js';
import type { MemoryFacts } from './facts.js';
import type { MemoryHolds } from './holds.js';
import type { MemoryOutbox } from './outbox.js';
import type { MemoryOutcomes } from './outcomes.js';
import type { MemoryPeople } from './people.js';
import { MemoryRoom } from './room.js';
import type { RoutingIndex } from './routing.js';
import type { MemoryUsage } from './usage.js';

/** Where the store keeps what. */
interface Parts {
  readonly rooms: Map<string, MemoryRoom>;
  readonly creations: Map<string, { roomId: string; atMs: number }>;
  readonly outcomes: MemoryOutcomes;
  /** Task → its room. */
  readonly tasks: Map<string, string>;
  readonly routing: RoutingIndex;
  readonly outbox: MemoryOutbox;
  readonly approvals: MemoryApprovals;
  readonly holds: MemoryHolds;
  readonly facts: MemoryFacts;
  readonly people: MemoryPeople;
  readonly usage: MemoryUsage;
  deleteRoom(roomId: string): void;
  updateEvent(event: RoomEvent): void;
  forgetEvent(event: RoomEvent): void;
}

/** Whether a record is removed in the same step; what belongs to a room only where it is of that one. */
type Goes = (kind: RemovableKind, id: string, roomId?: string) => boolean;

export class MemoryRecords {
  constructor(private readonly parts: Parts) {}

  read(query: RecordQuery): RecordPage {
    return pageOf(this.#recordsOf(query.kind), query);
  }

  /** Takes ownership of what it is given. */
  change({ roomId, fencingToken, remove = [], put = [], add = [], usageBefore }: RecordChanges): void {
    const room = roomId === undefined ? undefined : this.parts.rooms.get(roomId);
    if (roomId !== undefined && room === undefined) return;
    room?.checkFence(fencingToken);
    const removed = new Set(remove.map(({ kind, id }) => `${kind} ${id}`));
    const goes: Goes = (kind, id, ofRoom) => removed.has(`${kind} ${id}`) && (ofRoom === undefined || ofRoom === roomId);
    if (room !== undefined) this.#checkRewritten(put, room, goes);
    this.#checkAdded(add, goes);
    for (const one of remove) this.#remove(one, room);
    if (room !== undefined) {
      const before = room.state;
      for (const one of put) this.#rewrite(one, room);
      this.parts.routing.update(before, room.state);
      if (usageBefore !== undefined) this.parts.usage.removeBefore(room.state.room.id, usageBefore);
    }
    for (const record of add) this.#add(record);
  }

  #recordsOf(kind: RecordKind): StoredRecord[] {
    const rooms = [...this.parts.rooms.values()];
    switch (kind) {
      case 'room':
        return rooms.map((room) => room.record());
      case 'event':
        return rooms.flatMap((room) => room.events().map((event) => ({ kind, event })));
      case 'creation':
        // A creation outlives its room here, until somebody asks for it.
        return [...this.parts.creations]
          .filter(([, { roomId }]) => this.parts.rooms.has(roomId))
          .map(([key, creation]) => ({ kind, key, ...creation }));
      case 'row':
        return this.parts.outbox.listRows({}).map((row) => ({ kind, row }));
      case 'turn':
        return this.parts.outbox.listTurns({}).map((turn) => ({ kind, turn }));
      case 'approval':
        return this.parts.approvals.list({}, () => undefined).map((approval) => ({ kind, approval }));
      case 'task':
        return rooms.flatMap((room) => room.listTasks().map((task) => ({ kind, task })));
      case 'observation':
        return rooms.flatMap((room) => room.listObservations().map((observation) => ({ kind, observation })));
      case 'outcome':
        return this.parts.outcomes.all().map((outcome) => ({ kind, outcome }));
      case 'usage':
        return this.parts.usage.all().map((usage) => ({ kind, usage }));
      case 'held':
        return this.parts.holds.all().map((held) => ({ kind, held }));
      case 'identity':
        return this.parts.people.identities().map((identity) => ({ kind, identity }));
      case 'merge':
        return this.parts.people.merges().map((merge) => ({ kind, merge }));
      case 'fact':
        return this.parts.facts.list({ prefix: '' }).map((fact) => ({ kind, fact }));
    }
  }

  /** Before anything is written: no event may get the key of another one. */
  #checkRewritten(put: readonly RewrittenRecord[], room: MemoryRoom, goes: Goes): void {
    for (const one of put) {
      if (one.kind !== 'event' || room.byId(one.event.id) === undefined) continue;
      const { id, roomId, idempotencyKey: key } = one.event;
      const holder = keyed(room, key);
      if (key !== undefined && holder !== undefined && holder.id !== id && !goes('event', holder.id, roomId)) throw keyTaken(roomId, key);
    }
  }

  /** Before anything is written: nothing may be there already, and every room has to be. */
  #checkAdded(records: readonly StoredRecord[], goes: Goes): void {
    const coming = new Set<string>();
    for (const record of records) {
      const roomId = roomIdOf(record);
      const isRoomThere = roomId === undefined || coming.has(`room ${roomId}`) || (this.parts.rooms.has(roomId) && !goes('room', roomId));
      if (record.kind !== 'room' && !isRoomThere) throw new RoomNotFoundError(roomId ?? '');
      if (record.kind === 'identity') this.parts.people.checkAddresses(record.identity, (id) => goes('identity', id));
      for (const key of keysOf(record)) {
        if (coming.has(key) || this.#holdsRecord(record, goes))
          throw new ConflictError(`The store has this already (${key}). Ids are unique.`, { retryable: false });
        coming.add(key);
      }
    }
  }

  /** Whether it, or another with one of its keys, is there and stays. */
  #holdsRecord(record: StoredRecord, goes: Goes): boolean {
    const stays = (kind: RemovableKind, one: { readonly id: string; readonly roomId: string } | null | undefined): boolean =>
      one !== null && one !== undefined && !goes('room', one.roomId) && !goes(kind, one.id, one.roomId);
    switch (record.kind) {
      case 'room':
        return this.parts.rooms.has(record.room.id) && !goes('room', record.room.id);
      case 'creation': {
        const there = this.parts.creations.get(record.key);
        return there !== undefined && this.parts.rooms.has(there.roomId) && !goes('room', there.roomId) && !goes('creation', record.key);
      }
      case 'event': {
        const { roomId, id, index, idempotencyKey } = record.event;
        const room = this.parts.rooms.get(roomId);
        return [room?.byId(id), room?.atIndex(index), keyed(room, idempotencyKey)].some((event) => stays('event', event));
      }
      case 'row':
        return stays('row', this.parts.outbox.getRow(record.row.id));
      case 'turn':
        return stays('turn', this.parts.outbox.getTurn(record.turn.id));
      case 'approval':
        return stays('approval', this.parts.approvals.get(record.approval.id));
      case 'task': {
        const roomId = this.parts.tasks.get(record.task.id);
        return stays('task', roomId === undefined ? undefined : { id: record.task.id, roomId });
      }
      case 'observation':
        return (
          this.parts.rooms.get(record.observation.roomId)?.hasObservation(record.observation.id) === true && stays('observation', record.observation)
        );
      default:
        return false;
    }
  }

  #rewrite(one: RewrittenRecord, room: MemoryRoom): void {
    switch (one.kind) {
      case 'event':
        this.parts.updateEvent(one.event);
        return;
      case 'participant':
        if (room.state.participants.some(({ id }) => id === one.participant.id)) room.putParticipant(one.participant);
        return;
      case 'binding':
        if (room.binding(one.binding.channelId) !== undefined) room.putBinding(one.binding);
        return;
      case 'task':
        if (room.task(one.task.id) !== undefined) room.putTask(one.task);
        return;
      case 'observation':
        if (room.hasObservation(one.observation.id)) room.addObservation(one.observation);
        return;
      case 'approval':
        this.parts.approvals.replace(one.approval);
    }
  }

  /** What belongs to a room goes if it is of this one. */
  #remove({ kind, id }: RemovedRecord, room: MemoryRoom | undefined): void {
    const roomId = room?.state.room.id;
    switch (kind) {
      case 'room':
        this.parts.deleteRoom(id);
        return;
      case 'event':
        for (const event of room?.remove(id, false) ?? []) this.parts.forgetEvent(event);
        return;
      case 'participant':
      case 'binding': {
        const before = room?.state;
        if (kind === 'participant') room?.removeParticipant(id);
        else room?.removeBinding(id);
        if (before !== undefined) this.parts.routing.update(before, room?.state);
        return;
      }
      case 'task':
        if (this.parts.tasks.get(id) !== roomId) return;
        this.parts.tasks.delete(id);
        room?.forgetTask(id);
        return;
      case 'observation':
        room?.forgetObservation(id);
        return;
      case 'approval':
        if (this.parts.approvals.get(id)?.roomId === roomId) this.parts.approvals.remove(id);
        return;
      case 'row':
        if (this.parts.outbox.getRow(id)?.roomId === roomId) this.parts.outbox.removeRow(id);
        return;
      case 'turn':
        if (this.parts.outbox.getTurn(id)?.roomId === roomId) this.parts.outbox.removeTurn(id);
        return;
      case 'outcome':
        if (roomId !== undefined && this.parts.outcomes.of(roomId, id).length > 0) this.parts.outcomes.forget(id);
        return;
      case 'held':
        this.parts.holds.drop([id]);
        return;
      case 'creation':
        this.parts.creations.delete(id);
        return;
      case 'identity':
        this.parts.people.remove(id);
        return;
      case 'merge':
        this.parts.people.forgetMerge(id);
        return;
      case 'fact':
        this.parts.facts.put(id, null);
    }
  }

  #add(record: StoredRecord): void {
    switch (record.kind) {
      case 'room': {
        const room = MemoryRoom.from(record);
        this.parts.rooms.set(record.room.id, room);
        this.parts.routing.update({ room: record.room, bindings: EMPTY_LIST, participants: EMPTY_LIST }, room.state);
        return;
      }
      case 'event':
        this.#require(record.event.roomId).insert(record.event);
        this.parts.routing.keep(record.event);
        return;
      case 'creation':
        this.parts.creations.set(record.key, { roomId: record.roomId, atMs: record.atMs });
        return;
      case 'row':
        this.parts.outbox.addRows([record.row], record.row.eventIndex);
        return;
      case 'turn':
        this.parts.outbox.addTurns([record.turn], record.turn.triggerIndex);
        return;
      case 'approval':
        this.parts.approvals.add([record.approval]);
        return;
      case 'task':
        this.parts.tasks.set(record.task.id, record.task.roomId);
        this.#require(record.task.roomId).putTask(record.task);
        return;
      case 'observation':
        this.#require(record.observation.roomId).addObservation(record.observation);
        return;
      case 'outcome':
        this.parts.outcomes.record(record.outcome);
        return;
      case 'usage':
        this.parts.usage.add([record.usage]);
        return;
      case 'held':
        this.parts.holds.hold(record.held, Infinity);
        return;
      case 'identity':
        this.parts.people.replace(record.identity);
        return;
      case 'merge':
        this.parts.people.replaceMerge(record.merge);
        return;
      case 'fact':
        this.parts.facts.put(record.fact.key, record.fact.fact);
    }
  }

  #require(roomId: string): MemoryRoom {
    const room = this.parts.rooms.get(roomId);
    if (room === undefined) throw new RoomNotFoundError(roomId);
    return room;
  }
}

/** The event that has exactly this key. */
function keyed(room: MemoryRoom | undefined, key: string | undefined): RoomEvent | undefined {
  const event = key === undefined ? undefined : room?.byKey(key);
  return event?.idempotencyKey === key ? event : undefined;
}

/** By what a record is unique: two with one of these cannot both be stored. None for what is replaced, or may come twice. */
function keysOf(record: StoredRecord): string[] {
  switch (record.kind) {
    case 'room':
      return [`room ${record.room.id}`];
    case 'creation':
      return [`creation ${record.key}`];
    case 'event': {
      const { roomId, id, index, idempotencyKey } = record.event;
      const keys = [`event ${roomId} ${id}`, `index ${roomId} ${index}`];
      return idempotencyKey === undefined ? keys : [...keys, `key ${roomId} ${idempotencyKey}`];
    }
    case 'row':
      return [`row ${record.row.id}`];
    case 'turn':
      return [`turn ${record.turn.id}`];
    case 'approval':
      return [`approval ${record.approval.id}`];
    case 'task':
      return [`task ${record.task.id}`];
    case 'observation':
      return [`observation ${record.observation.id}`];
    default:
      return [];
  }
}

/** The part of all records of a kind that a query asks for. The cursor is how many came before. */
function pageOf(all: readonly StoredRecord[], { roomId, containing, after, limit = RECORD_PAGE }: RecordQuery): RecordPage {
  const ofRoom = roomId === undefined ? all : all.filter((record) => roomIdOf(record) === roomId);
  const from = Number(after ?? 0);
  const looked = ofRoom.slice(from, from + limit);
  const parts = containing?.map((text) => JSON.stringify(text).slice(1, -1));
  const records = parts === undefined ? looked : looked.filter((record) => holdsOneOf(record, parts));
  return from + limit < ofRoom.length ? { records, next: String(from + limit) } : { records };
}

/** `kind` is the record's, and not what is stored. */
function holdsOneOf({ kind: _kind, ...record }: StoredRecord, parts: readonly string[]): boolean {
  const json = JSON.stringify(Object.values(record));
  return parts.some((part) => json.includes(part));
}
