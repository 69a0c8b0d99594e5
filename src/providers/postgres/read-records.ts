/** All that a schema holds, as it is, page by page (STO-20, ERA-06). */
import type { Row, Sql } from './connection.js';
import {
  RECORD_PAGE,
  type ApprovalRow,
  type ChannelBinding,
  type DeliveryResult,
  type Fact,
  type HeldMessage,
  type Identity,
  type IdentityMerge,
  type Observation,
  type Participant,
  type RecordKind,
  type RecordPage,
  type RecordQuery,
  type StoredRecord,
  type Task,
  type UsageRecord,
} from './core.js';
import { Filter } from './filter.js';
import { rowOf, turnOf } from './outbox.js';
import { ROOM_COLUMNS, roomOf } from './rooms.js';
import { decodeText, Json, parseJson } from './text.js';
import { eventOf } from './timeline.js';

/** Where the records of a kind are: in the order of these columns, which are unique together. */
interface Source {
  readonly from: string;
  readonly columns: string;
  readonly order: readonly string[];
  /** Columns of `order` that are numbers. */
  readonly numbers?: boolean;
  /** Absent for what belongs to no room. */
  readonly room?: string;
  /** In which of its columns of JSON, and in which others, a text is looked for. Default: its JSON alone. */
  readonly searched?: { readonly json: readonly string[]; readonly texts?: readonly string[] };
  readonly record: (row: Row) => StoredRecord;
}

const json = <T>(row: Row, column = 'json'): T => parseJson<T>(row[column] as string);
const text = (row: Row, column: string): string => decodeText(row[column] as string);

const SOURCES: Readonly<Record<RecordKind, Source>> = {
  room: {
    from: '@rooms AS rooms',
    columns: `${ROOM_COLUMNS}, rooms.fence,
      (SELECT COALESCE(json_agg(b.json ORDER BY b.position), '[]') FROM @bindings AS b WHERE b.room_id = rooms.id) AS bindings,
      (SELECT COALESCE(json_agg(p.json ORDER BY p.position), '[]') FROM @participants AS p WHERE p.room_id = rooms.id) AS participants,
      (SELECT COALESCE(json_object_agg(m.channel_id, m.idx ORDER BY m.channel_id), '{}') FROM @markers AS m WHERE m.room_id = rooms.id) AS markers`,
    order: ['rooms.id'],
    room: 'rooms.id',
    searched: { json: ['json', 'bindings', 'participants'] },
    record: (row) => ({
      kind: 'room',
      room: roomOf(row),
      bindings: json<ChannelBinding[]>(row, 'bindings'),
      participants: json<Participant[]>(row, 'participants'),
      markers: json<Record<string, number>>(row, 'markers'),
      fence: row['fence'] as number,
    }),
  },
  creation: {
    from: '@creations',
    columns: 'key, room_id, at_ms',
    order: ['key'],
    room: 'room_id',
    searched: { json: [], texts: ['key', 'room_id'] },
    record: (row) => ({ kind: 'creation', key: text(row, 'key'), roomId: text(row, 'room_id'), atMs: row['at_ms'] as number }),
  },
  // In the order they came, which is not that of their rooms: the newest of a vendor's id counts.
  event: {
    from: '@events',
    columns: 'json, idx',
    order: ['number'],
    numbers: true,
    room: 'room_id',
    record: (row) => ({ kind: 'event', event: eventOf(row['json'] as string, row['idx'] as number) }),
  },
  row: { from: '@outbox', columns: 'json, event_index', order: ['id'], room: 'room_id', record: (row) => ({ kind: 'row', row: rowOf(row) }) },
  turn: { from: '@turns', columns: 'json, trigger_index', order: ['id'], room: 'room_id', record: (row) => ({ kind: 'turn', turn: turnOf(row) }) },
  approval: {
    from: '@approvals',
    columns: 'json',
    order: ['id'],
    room: 'room_id',
    record: (row) => ({ kind: 'approval', approval: json<ApprovalRow>(row) }),
  },
  task: {
    from: '@tasks',
    columns: 'json',
    order: ['number'],
    numbers: true,
    room: 'room_id',
    record: (row) => ({ kind: 'task', task: json<Task>(row) }),
  },
  observation: {
    from: '@observations',
    columns: 'json',
    order: ['number'],
    numbers: true,
    room: 'room_id',
    record: (row) => ({ kind: 'observation', observation: json<Observation>(row) }),
  },
  outcome: {
    from: '@outcomes',
    columns: 'room_id, event_id, json',
    order: ['room_id', 'event_id', 'channel_id'],
    room: 'room_id',
    searched: { json: ['json'], texts: ['room_id', 'event_id'] },
    record: (row) => ({
      kind: 'outcome',
      outcome: { roomId: text(row, 'room_id'), eventId: text(row, 'event_id'), results: [json<DeliveryResult>(row)] },
    }),
  },
  usage: {
    from: '@usage',
    columns: '*',
    order: ['number'],
    numbers: true,
    room: 'room_id',
    searched: { json: ['tokens'], texts: ['room_id', 'turn_id', 'agent_id', 'provider', 'model'] },
    record: (row) => ({ kind: 'usage', usage: usageOf(row) }),
  },
  held: {
    from: '@held',
    columns: 'json',
    order: ['number'],
    numbers: true,
    room: 'room_id',
    record: (row) => ({ kind: 'held', held: json<HeldMessage>(row) }),
  },
  identity: { from: '@identities', columns: 'json', order: ['id'], record: (row) => ({ kind: 'identity', identity: json<Identity>(row) }) },
  merge: { from: '@merges', columns: 'json', order: ['from_id'], record: (row) => ({ kind: 'merge', merge: json<IdentityMerge>(row) }) },
  fact: {
    from: '@facts',
    columns: 'key, json',
    order: ['key'],
    searched: { json: ['json'], texts: ['key'] },
    record: (row) => ({ kind: 'fact', fact: { key: text(row, 'key'), fact: json<Fact['fact']>(row) } }),
  },
};

export async function readRecords(sql: Sql, { kind, roomId, containing, after, limit = RECORD_PAGE }: RecordQuery): Promise<RecordPage> {
  const source = SOURCES[kind];
  const { from, columns, order, numbers = false, room, record } = source;
  if (roomId !== undefined && room === undefined) return { records: [] };
  const filter = new Filter().add(`${room ?? ''} = ?`, roomId);
  if (after !== undefined) {
    const type = numbers ? '::text::bigint' : '';
    const places = (JSON.parse(after) as (string | number)[]).map((key) => `${filter.place(String(key))}${type}`); // as it was given out
    filter.also(`(${order.join(', ')}) > (${places.join(', ')})`);
  }
  const keys = order.map((column, at) => `${column} AS key${at}`).join(', ');
  const looked = `SELECT ${columns}, ${keys} FROM ${from} ${filter.where} ORDER BY ${order.join(', ')} LIMIT ${filter.place(limit + 1)}`;
  const isFound = foundIn(source, containing, filter);
  const places = order.map((_column, at) => `key${at}`).join(', ');
  // What is not found stays on the server, but for the two rows that say whether there are more, and where they begin.
  const rows = await sql.all(
    `SELECT * FROM (SELECT looked.*, ${isFound} AS is_found, row_number() OVER (ORDER BY ${places}) AS place FROM (${looked}) AS looked) AS page
     WHERE is_found OR place >= ${filter.place(limit)} ORDER BY place`,
    ...filter.values,
  );
  const page = rows.filter(({ place }) => (place as number) <= limit);
  const last = rows.length > page.length ? page.at(-1) : undefined;
  const keyOf = (value: unknown): unknown => (typeof value === 'string' ? decodeText(value) : value);
  return {
    records: page.filter((row) => row['is_found'] === true).map(record),
    ...(last !== undefined && { next: JSON.stringify(order.map((_column, at) => keyOf(last[`key${at}`]))) }),
  };
}

/** A condition on the columns of a source: whether one of them holds one of these texts. */
function foundIn({ searched = { json: ['json'] } }: Source, containing: readonly string[] | undefined, filter: Filter): string {
  if (containing === undefined) return 'true';
  const holds = (columns: readonly string[], texts: readonly string[]): string =>
    `EXISTS (SELECT 1 FROM unnest(${filter.place(texts)}::text[]) AS part WHERE ${columns.map((column) => `strpos(looked.${column}::text, part) > 0`).join(' OR ')})`;
  const conditions: string[] = [];
  if (searched.json.length > 0)
    conditions.push(
      holds(
        searched.json,
        containing.map((text) => new Json(text).text.slice(1, -1)),
      ),
    );
  if (searched.texts !== undefined) conditions.push(holds(searched.texts, containing));
  return `(${conditions.join(' OR ')})`;
}

function usageOf(row: Row): UsageRecord {
  return {
    roomId: text(row, 'room_id'),
    turnId: text(row, 'turn_id'),
    agentId: text(row, 'agent_id'),
    provider: text(row, 'provider'),
    model: text(row, 'model'),
    tokens: json<UsageRecord['tokens']>(row, 'tokens'),
    ms: row['ms'] as number,
    ...(row['cost'] !== null && { cost: row['cost'] as number }),
    at: text(row, 'at'),
  };
}
