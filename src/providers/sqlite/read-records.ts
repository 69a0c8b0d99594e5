/** All that a file holds, as it is, page by page (STO-20, ERA-06). */
import {
  RECORD_PAGE,
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
import type { SqliteLateEvents } from './late-events.js';
import { ROOM_COLUMNS, roomOf, type RoomRow } from './room-rows.js';
import type { Statements } from './statements.js';
import { Json, listOf, type Value } from './text.js';
import { usageOf, type UsageRow } from './usage.js';

/** Where the records of a kind are: in the order of these columns, which are unique together. */
interface Source {
  readonly from: string;
  readonly columns: string;
  readonly order: readonly string[];
  /** Absent for what belongs to no room. */
  readonly room?: string;
  /** In which of its JSON, and in which other texts, a text is looked for, with their table: lists have columns, too. Default: its JSON alone. */
  readonly searched?: { readonly json: readonly string[]; readonly texts?: readonly string[] };
  readonly record: (row: never) => StoredRecord;
}

const json = <T>(row: { readonly json: string }): T => JSON.parse(row.json) as T; // the table's writer put the type in

/** A room's members, for a search. No text of JSON holds a line break. */
const membersOf = (table: string): string => `(SELECT group_concat(json, char(10)) FROM ${table} WHERE room_id = rooms.id)`;

/** Events of a room: those that have their place, and those that wait for it. */
const OF_ROOM = 'number IN (SELECT number FROM places WHERE room_id = ? UNION ALL SELECT value FROM json_each(?))';

export class SqliteRecordReader {
  constructor(
    private readonly sql: Statements,
    private readonly late: SqliteLateEvents,
  ) {}

  read({ kind, roomId, containing, after, limit = RECORD_PAGE }: RecordQuery): RecordPage {
    const { from, columns, order, room, searched, record } = this.#sources[kind];
    if (roomId !== undefined && room === undefined) return { records: [] };
    const values: Value[] = [];
    const found: string[] = [];
    const lookIn = (places: readonly string[] = [], parts: Json): void => {
      if (places.length === 0) return;
      values.push(parts);
      found.push(`EXISTS (SELECT 1 FROM json_each(?) AS part WHERE ${places.map((place) => `instr(${place}, part.value) > 0`).join(' OR ')})`);
    };
    if (containing !== undefined) {
      lookIn(searched?.json ?? [`${from}.json`], new Json(containing.map((text) => JSON.stringify(text).slice(1, -1))));
      lookIn(searched?.texts, listOf(containing));
    }
    const where: string[] = [];
    if (roomId !== undefined) {
      where.push(kind === 'event' ? OF_ROOM : `${room ?? ''} = ?`);
      values.push(roomId);
      if (kind === 'event') values.push(new Json(this.late.of(roomId).map(({ number }) => number)));
    }
    if (after !== undefined) {
      where.push(`(${order.join(', ')}) > (${order.map(() => '?').join(', ')})`);
      values.push(...(JSON.parse(after) as (string | number)[])); // as it was given out
    }
    const keys = order.map((column, at) => `${column} AS key${at}`).join(', ');
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const rows = this.sql
      .get(
        `SELECT ${columns}, ${found.length === 0 ? '1' : found.join(' OR ')} AS found, ${keys} FROM ${from} ${filter} ORDER BY ${order.join(', ')} LIMIT ?`,
      )
      .all(...values, limit + 1) as Readonly<Record<string, string | number>>[];
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      records: page.flatMap((row) => (Number(row['found']) === 1 ? [record(row as never)] : [])), // the columns are the source's own
      ...(rows.length > limit && last !== undefined && { next: JSON.stringify(order.map((_column, at) => last[`key${at}`])) }),
    };
  }

  readonly #sources: Readonly<Record<RecordKind, Source>> = {
    room: {
      from: 'rooms JOIN counters ON counters.room_id = rooms.id',
      columns: `${ROOM_COLUMNS}, counters.fence`,
      order: ['rooms.id'],
      room: 'rooms.id',
      searched: { json: ['rooms.json', membersOf('bindings'), membersOf('participants')] },
      record: (row: RoomRow & { readonly fence: number }) => this.#roomRecord(row),
    },
    creation: {
      from: 'creations',
      columns: 'key, room_id, at_ms',
      order: ['key'],
      room: 'room_id',
      searched: { json: [], texts: ['creations.key', 'creations.room_id'] },
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
      searched: { json: ['outcomes.json'], texts: ['outcomes.room_id', 'outcomes.event_id'] },
      record: (row: { readonly room_id: string; readonly event_id: string; readonly json: string }) => ({
        kind: 'outcome',
        outcome: { roomId: row.room_id, eventId: row.event_id, results: [json<DeliveryResult>(row)] },
      }),
    },
    usage: {
      from: 'usage',
      columns: '*',
      order: ['number'],
      room: 'room_id',
      searched: { json: ['usage.json'], texts: ['room_id', 'turn_id', 'agent_id', 'provider', 'model'].map((column) => `usage.${column}`) },
      record: (row: UsageRow) => ({ kind: 'usage', usage: usageOf(row) }),
    },
    held: { from: 'held', columns: 'json', order: ['number'], room: 'room_id', record: (row) => ({ kind: 'held', held: json<HeldMessage>(row) }) },
    identity: { from: 'identities', columns: 'json', order: ['id'], record: (row) => ({ kind: 'identity', identity: json<Identity>(row) }) },
    merge: { from: 'merges', columns: 'json', order: ['from_id'], record: (row) => ({ kind: 'merge', merge: json<IdentityMerge>(row) }) },
    fact: {
      from: 'facts',
      columns: 'key, json',
      order: ['key'],
      searched: { json: ['facts.json'], texts: ['facts.key'] },
      record: (row: { readonly key: string; readonly json: string }) => ({ kind: 'fact', fact: { key: row.key, fact: json<Metadata>(row) } }),
    },
  };

  #roomRecord(row: RoomRow & { readonly fence: number }): RoomRecord {
    const room = roomOf(row, this.late);
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
