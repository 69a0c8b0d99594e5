/** Records removed, rewritten and added as they are given, within the running transaction (STO-20, ERA-06). */
import {
  ConflictError,
  RoomNotFoundError,
  type RecordChanges,
  type RemovedRecord,
  type RewrittenRecord,
  type RoomRecord,
  type StoredRecord,
} from './core.js';
import type { SqliteApprovals } from './approvals.js';
import type { SqliteLateEvents } from './late-events.js';
import type { SqliteOutbox } from './outbox.js';
import type { SqlitePeople } from './people.js';
import { isOpen } from './room-rows.js';
import type { SqliteRooms } from './rooms.js';
import type { Statements } from './statements.js';
import { Json } from './text.js';
import type { SqliteTimeline } from './timeline.js';
import type { SqliteUsage } from './usage.js';

export class SqliteRecordWriter {
  constructor(
    private readonly sql: Statements,
    private readonly rooms: SqliteRooms,
    private readonly timeline: SqliteTimeline,
    private readonly late: SqliteLateEvents,
    private readonly outbox: SqliteOutbox,
    private readonly approvals: SqliteApprovals,
    private readonly people: SqlitePeople,
    private readonly usage: SqliteUsage,
  ) {}

  /** Takes ownership of what it is given. */
  change({ roomId, fencingToken, remove = [], put = [], add = [], usageBefore }: RecordChanges): void {
    if (roomId !== undefined) {
      if (this.rooms.state(roomId) === null) return;
      this.rooms.checkFence(roomId, fencingToken);
    }
    let events = 0;
    for (const one of remove) events += this.#remove(one, roomId);
    if (roomId !== undefined) {
      if (events > 0) {
        const { room } = this.rooms.require(roomId);
        this.rooms.putCounters({ ...room, eventCount: room.eventCount - events, version: room.version + 1 });
      }
      for (const one of put) this.#rewrite(one, roomId);
      if (usageBefore !== undefined) this.sql.get('DELETE FROM usage WHERE room_id = ? AND at < ?').run(roomId, usageBefore);
    }
    for (const record of add) this.#add(record);
    if (add.some(({ kind }) => kind === 'event')) this.late.catchUp(); // which refuses a place that is taken
  }

  /** How many events went. What belongs to a room goes if it is of this one. */
  #remove({ kind, id }: RemovedRecord, roomId: string | undefined): number {
    switch (kind) {
      case 'room':
        this.rooms.delete(id);
        return 0;
      case 'held':
        this.people.dropHeld([id]);
        return 0;
      case 'creation':
        this.sql.get('DELETE FROM creations WHERE key = ?').run(id);
        return 0;
      case 'identity':
        this.people.removeIdentity(id);
        return 0;
      case 'merge':
        this.sql.get('DELETE FROM merges WHERE from_id = ?').run(id);
        return 0;
      case 'fact':
        this.people.putFact(id, null);
        return 0;
      case 'event':
        return roomId === undefined ? 0 : this.timeline.remove(roomId, id, false).length;
      case 'participant':
        if (roomId !== undefined) this.rooms.removeParticipant(roomId, id);
        return 0;
      case 'binding':
        if (roomId !== undefined) this.rooms.removeBinding(roomId, id);
        return 0;
      case 'outcome':
        this.sql.get('DELETE FROM outcomes WHERE event_id = ? AND room_id = ?').run(id, roomId ?? null);
        return 0;
      case 'task':
      case 'observation':
      case 'approval':
      case 'row':
      case 'turn':
        this.sql.get(`DELETE FROM ${TABLES[kind]} WHERE id = ? AND room_id = ?`).run(id, roomId ?? null);
        return 0;
    }
  }

  #rewrite(one: RewrittenRecord, roomId: string): void {
    switch (one.kind) {
      case 'event':
        this.timeline.replace(one.event);
        return;
      case 'participant':
        if (this.rooms.require(roomId).participants.some(({ id }) => id === one.participant.id)) this.rooms.putParticipant(one.participant);
        return;
      case 'binding':
        if (this.rooms.require(roomId).bindings.some(({ channelId }) => channelId === one.binding.channelId)) this.rooms.putBinding(one.binding);
        return;
      case 'task':
        this.sql
          .get('UPDATE tasks SET status = ?, json = ? WHERE id = ? AND room_id = ?')
          .run(one.task.status, new Json(one.task), one.task.id, roomId);
        return;
      case 'observation':
        this.sql.get('UPDATE observations SET json = ? WHERE id = ? AND room_id = ?').run(new Json(one.observation), one.observation.id, roomId);
        return;
      case 'approval':
        this.sql
          .get('UPDATE approvals SET state = ?, expires_at = ?, json = ? WHERE id = ? AND room_id = ?')
          .run(one.approval.state, one.approval.expiresAt, new Json(one.approval), one.approval.id, roomId);
    }
  }

  #add(record: StoredRecord): void {
    switch (record.kind) {
      case 'room':
        return this.#addRoom(record);
      case 'creation':
        this.#require(record.roomId);
        this.sql.get('INSERT INTO creations (key, room_id, at_ms) VALUES (?, ?, ?)').run(record.key, record.roomId, record.atMs);
        return;
      case 'event':
        this.#require(record.event.roomId);
        this.timeline.append({ ...record.event }, record.event.index);
        return;
      case 'row':
        this.#require(record.row.roomId);
        return this.outbox.addRows([record.row], record.row.eventIndex);
      case 'turn':
        this.#require(record.turn.roomId);
        return this.outbox.addTurns([record.turn], record.turn.triggerIndex);
      case 'approval':
        this.#require(record.approval.roomId);
        return this.approvals.add([record.approval]);
      case 'task':
        this.#require(record.task.roomId);
        if (this.people.getTask(record.task.id) !== null) throw taken(`task '${record.task.id}'`);
        return this.people.putTask(record.task);
      case 'observation':
        this.#require(record.observation.roomId);
        if (this.sql.get('SELECT 1 AS found FROM observations WHERE id = ?').get(record.observation.id) !== undefined)
          throw taken(`observation '${record.observation.id}'`);
        return this.people.addObservation(record.observation);
      case 'outcome':
        this.#require(record.outcome.roomId);
        return this.outbox.recordOutcomes([record.outcome]);
      case 'usage':
        this.#require(record.usage.roomId);
        return this.usage.add([record.usage]);
      case 'held': {
        const { id, kind, key, roomId, expiresAt } = record.held;
        if (roomId !== undefined) this.#require(roomId);
        this.sql
          .get('INSERT INTO held (id, kind, key, room_id, expires_at, json) VALUES (?, ?, ?, ?, ?, ?)')
          .run(id, kind, key, roomId ?? null, expiresAt, new Json(record.held));
        return;
      }
      case 'identity':
        return this.people.replaceIdentity(record.identity);
      case 'merge':
        this.sql
          .get('INSERT OR REPLACE INTO merges (from_id, into_id, json) VALUES (?, ?, ?)')
          .run(record.merge.fromId, record.merge.intoId, new Json(record.merge));
        return;
      case 'fact':
        return this.people.putFact(record.fact.key, record.fact.fact);
    }
  }

  #addRoom({ room, bindings, participants, markers, fence }: RoomRecord): void {
    this.rooms.insert(room, fence);
    bindings.forEach((binding, position) => {
      this.sql
        .get('INSERT INTO bindings (room_id, channel_id, position, address, channel_type, room_open, json) VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(room.id, binding.channelId, position, binding.address ?? null, binding.channelType, isOpen(room) ? 1 : 0, new Json(binding));
    });
    participants.forEach((participant, position) => {
      this.sql
        .get('INSERT INTO participants (room_id, id, position, external_id, json) VALUES (?, ?, ?, ?, ?)')
        .run(room.id, participant.id, position, participant.externalId ?? null, new Json(participant));
    });
    for (const [channelId, index] of Object.entries(markers)) this.people.mark(room.id, channelId, index);
  }

  #require(roomId: string): void {
    if (this.sql.get('SELECT 1 AS found FROM rooms WHERE id = ?').get(roomId) === undefined) throw new RoomNotFoundError(roomId);
  }
}

const TABLES = { task: 'tasks', observation: 'observations', approval: 'approvals', row: 'outbox', turn: 'turns' } as const;

function taken(what: string): ConflictError {
  return new ConflictError(`The database has the ${what} already. Ids are unique.`, { retryable: false });
}
