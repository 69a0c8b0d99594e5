/** All that a file holds, as it is, page by page (STO-20): read for copies and exports, written by copies and imports. */
import {
  ConflictError,
  RECORD_PAGE,
  RoomNotFoundError,
  type ApprovalRow,
  type ChannelBinding,
  type DeliveryResult,
  type HeldMessage,
  type Identity,
  type IdentityMerge,
  type Metadata,
  type Observation,
  type OutboxRow,
  type Participant,
  type RecordKind,
  type RecordPage,
  type RecordQuery,
  type RoomEvent,
  type RoomRecord,
  type StoredRecord,
  type Task,
  type TurnRow,
} from './core.js';
import type { SqliteApprovals } from './approvals.js';
import type { SqliteOutbox } from './outbox.js';
import type { SqlitePeople } from './people.js';
import { isOpen, ROOM_COLUMNS, roomOf, type RoomRow } from './room-rows.js';
import type { SqliteRooms } from './rooms.js';
import type { Statements } from './statements.js';
import { Json, type Value } from './text.js';
import type { SqliteTimeline } from './timeline.js';
import { usageOf, type SqliteUsage, type UsageRow } from './usage.js';

/** Where the records of a kind are: in the order of these columns, which are unique together. */
interface Source {
  readonly from: string;
  readonly columns: string;
  readonly order: readonly string[];
  /** Absent for what belongs to no room. */
  readonly room?: string;
  readonly record: (row: never) => StoredRecord;
}

const json = <T>(row: { readonly json: string }): T => JSON.parse(row.json) as T; // the table's writer put the type in

export class SqliteRecords {
  constructor(
    private readonly sql: Statements,
    private readonly rooms: SqliteRooms,
    private readonly timeline: SqliteTimeline,
    private readonly outbox: SqliteOutbox,
    private readonly approvals: SqliteApprovals,
    private readonly people: SqlitePeople,
    private readonly usage: SqliteUsage,
  ) {}

  read({ kind, roomId, after, limit = RECORD_PAGE }: RecordQuery): RecordPage {
    const { from, columns, order, room, record } = this.#sources[kind];
    if (roomId !== undefined && room === undefined) return { records: [] };
    const where: string[] = [];
    const values: Value[] = [];
    if (roomId !== undefined) {
      where.push(`${room ?? ''} = ?`);
      values.push(roomId);
    }
    if (after !== undefined) {
      where.push(`(${order.join(', ')}) > (${order.map(() => '?').join(', ')})`);
      values.push(...(JSON.parse(after) as (string | number)[])); // as it was given out
    }
    const keys = order.map((column, at) => `${column} AS key${at}`).join(', ');
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const rows = this.sql
      .get(`SELECT ${columns}, ${keys} FROM ${from} ${filter} ORDER BY ${order.join(', ')} LIMIT ?`)
      .all(...values, limit + 1) as Readonly<Record<string, string | number>>[];
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      records: page.map((row) => record(row as never)), // the columns are the source's own
      ...(rows.length > limit && last !== undefined && { next: JSON.stringify(order.map((_column, at) => last[`key${at}`])) }),
    };
  }

  /** Within the running transaction. */
  write(records: readonly StoredRecord[]): void {
    for (const record of records) this.#write(record);
  }

  #write(record: StoredRecord): void {
    switch (record.kind) {
      case 'room':
        return this.#room(record);
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

  #room({ room, bindings, participants, markers, fence }: RoomRecord): void {
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

  readonly #sources: Readonly<Record<RecordKind, Source>> = {
    room: {
      from: 'rooms JOIN counters ON counters.room_id = rooms.id',
      columns: `${ROOM_COLUMNS}, counters.fence`,
      order: ['rooms.id'],
      room: 'rooms.id',
      record: (row: RoomRow & { readonly fence: number }) => this.#roomRecord(row),
    },
    creation: {
      from: 'creations',
      columns: 'key, room_id, at_ms',
      order: ['key'],
      room: 'room_id',
      record: (row: { readonly key: string; readonly room_id: string; readonly at_ms: number }) => ({
        kind: 'creation',
        key: row.key,
        roomId: row.room_id,
        atMs: Number(row.at_ms),
      }),
    },
    // In the order they came, which is not that of their rooms: the newest of a vendor's id counts.
    event: { from: 'events', columns: 'json', order: ['number'], room: 'room_id', record: (row) => ({ kind: 'event', event: json<RoomEvent>(row) }) },
    row: { from: 'outbox', columns: 'json', order: ['id'], room: 'room_id', record: (row) => ({ kind: 'row', row: json<OutboxRow>(row) }) },
    turn: { from: 'turns', columns: 'json', order: ['id'], room: 'room_id', record: (row) => ({ kind: 'turn', turn: json<TurnRow>(row) }) },
    approval: {
      from: 'approvals',
      columns: 'json',
      order: ['id'],
      room: 'room_id',
      record: (row) => ({ kind: 'approval', approval: json<ApprovalRow>(row) }),
    },
    task: { from: 'tasks', columns: 'json', order: ['rowid'], room: 'room_id', record: (row) => ({ kind: 'task', task: json<Task>(row) }) },
    observation: {
      from: 'observations',
      columns: 'json',
      order: ['number'],
      room: 'room_id',
      record: (row) => ({ kind: 'observation', observation: json<Observation>(row) }),
    },
    outcome: {
      from: 'outcomes',
      columns: 'room_id, event_id, json',
      order: ['event_id', 'channel_id'], // as the table has them: each page begins where the one before ended
      room: 'room_id',
      record: (row: { readonly room_id: string; readonly event_id: string; readonly json: string }) => ({
        kind: 'outcome',
        outcome: { roomId: row.room_id, eventId: row.event_id, results: [json<DeliveryResult>(row)] },
      }),
    },
    usage: { from: 'usage', columns: '*', order: ['number'], room: 'room_id', record: (row: UsageRow) => ({ kind: 'usage', usage: usageOf(row) }) },
    held: { from: 'held', columns: 'json', order: ['number'], room: 'room_id', record: (row) => ({ kind: 'held', held: json<HeldMessage>(row) }) },
    identity: { from: 'identities', columns: 'json', order: ['id'], record: (row) => ({ kind: 'identity', identity: json<Identity>(row) }) },
    merge: { from: 'merges', columns: 'json', order: ['from_id'], record: (row) => ({ kind: 'merge', merge: json<IdentityMerge>(row) }) },
    fact: {
      from: 'facts',
      columns: 'key, json',
      order: ['key'],
      record: (row: { readonly key: string; readonly json: string }) => ({ kind: 'fact', fact: { key: row.key, fact: json<Metadata>(row) } }),
    },
  };

  #roomRecord(row: RoomRow & { readonly fence: number }): RoomRecord {
    const room = roomOf(row);
    const markers = this.sql.get('SELECT channel_id, idx FROM markers WHERE room_id = ? ORDER BY channel_id').all(room.id) as {
      channel_id: string;
      idx: number;
    }[];
    return {
      kind: 'room',
      room,
      bindings: this.sql.models<ChannelBinding>('SELECT json FROM bindings WHERE room_id = ? ORDER BY position', room.id),
      participants: this.sql.models<Participant>('SELECT json FROM participants WHERE room_id = ? ORDER BY position', room.id),
      markers: Object.fromEntries(markers.map(({ channel_id, idx }) => [channel_id, Number(idx)])),
      fence: Number(row.fence),
    };
  }
}

function taken(what: string): ConflictError {
  return new ConflictError(`The database has the ${what} already. Ids are unique.`, { retryable: false });
}
