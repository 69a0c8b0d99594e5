/** Outbox rows, turns and outcomes in PostgreSQL. */
import { type Row, type Sql } from './connection.js';
import {
  planTurnMerge,
  resultOfRow,
  type DeliveryOutcome,
  type DeliveryResult,
  type OutboxRow,
  type OutboxState,
  type RowPatch,
  type RowQuery,
  type TurnMerge,
  type TurnMergeOrder,
  type TurnPatch,
  type TurnQuery,
  type TurnRow,
  type TurnState,
  type UsageRecord,
} from './core.js';
import { Filter } from './filter.js';
import { OPEN_ROWS, OPEN_TURNS } from './tables.js';
import { decodeText, Json, jsonOf, parseJson } from './text.js';

const OPEN_ROW_STATES: readonly string[] = ['queued', 'sending', 'unknown'];
const OPEN_TURN_STATES: readonly string[] = ['queued', 'running'];

export function rowOf(row: Row): OutboxRow {
  return { ...parseJson<OutboxRow>(row['json'] as string), eventIndex: row['event_index'] as number };
}

export function turnOf(row: Row): TurnRow {
  return { ...parseJson<TurnRow>(row['json'] as string), triggerIndex: row['trigger_index'] as number };
}

async function first<T>(rows: Promise<Row[]>, read: (row: Row) => T): Promise<T | null> {
  const [row] = await rows;
  return row === undefined ? null : read(row);
}

/** What a patch sets to undefined is gone. */
export function goneOf(patch: object): string[] {
  return Object.entries(patch).flatMap(([key, value]) => (value === undefined ? [key] : []));
}

export function updateRow(
  sql: Sql,
  rowId: string,
  patch: RowPatch,
  from: readonly OutboxState[] | undefined,
  owner: string | undefined,
): Promise<OutboxRow | null> {
  return first(
    sql.all(
      `UPDATE @outbox SET json = @merged(json, $2, $3::text[]) WHERE id = $1 AND ($4::text[] IS NULL OR state = ANY ($4::text[]))
         AND ($5::text IS NULL OR lease_owner IS NULL OR lease_owner = $5) RETURNING json, event_index`,
      rowId,
      new Json(patch),
      goneOf(patch),
      from ?? null,
      owner ?? null,
    ),
    rowOf,
  );
}

export function getRow(sql: Sql, rowId: string): Promise<OutboxRow | null> {
  return first(sql.all('SELECT json, event_index FROM @outbox WHERE id = $1', rowId), rowOf);
}

export function findRowByProviderMessage(sql: Sql, provider: string, messageId: string): Promise<OutboxRow | null> {
  return first(
    sql.all(
      `SELECT json, event_index FROM @outbox WHERE provider = $1 AND provider_message_id = $2
       ORDER BY created_at DESC, event_index DESC LIMIT 1`,
      provider,
      messageId,
    ),
    rowOf,
  );
}

export async function listRows(sql: Sql, query: RowQuery): Promise<OutboxRow[]> {
  const filter = laneFilter(query, OPEN_ROW_STATES, OPEN_ROWS).add('event_id = ?', query.eventId);
  const limit = filter.place(query.limit ?? null);
  const rows = await sql.all(
    `SELECT json, event_index FROM @outbox ${filter.where} ORDER BY room_id, event_index, id LIMIT ${limit}`,
    ...filter.values,
  );
  return rows.map(rowOf);
}

/** In one statement: the change, and what it cost. */
export function updateTurn(
  sql: Sql,
  turnId: string,
  patch: TurnPatch,
  from: readonly TurnState[] | undefined,
  usage: readonly UsageRecord[] | undefined,
  owner: string | undefined,
): Promise<TurnRow | null> {
  const withUsage = usage === undefined || usage.length === 0 ? '' : ', @add_usage($7)';
  return first(
    sql.all(
      `WITH changed AS (
         UPDATE @turns SET json = @merged(json, $2, $3::text[]), trigger_index = COALESCE($4, trigger_index)
         WHERE id = $1 AND ($5::text[] IS NULL OR state = ANY ($5::text[])) AND ($6::text IS NULL OR lease_owner IS NULL OR lease_owner = $6)
         RETURNING json, trigger_index
       ) SELECT json, trigger_index ${withUsage} FROM changed`,
      turnId,
      new Json(patch),
      goneOf(patch),
      patch.triggerIndex ?? null,
      from ?? null,
      owner ?? null,
      ...(withUsage === '' ? [] : [jsonOf(usage)]),
    ),
    turnOf,
  );
}

/** Within a transaction. */
export async function mergeTurns(sql: Sql, { intoId, turnIds, owner }: TurnMergeOrder): Promise<TurnMerge | null> {
  const rows = await sql.all('SELECT json, trigger_index FROM @turns WHERE id = ANY ($1::text[]) ORDER BY room_id, trigger_index, id FOR UPDATE', [
    intoId,
    ...turnIds,
  ]);
  const found = new Map(rows.map(turnOf).map((turn) => [turn.id, turn]));
  const merging = planTurnMerge(
    found.get(intoId),
    turnIds.map((id) => found.get(id)),
    owner,
  );
  if (merging === null) return null;
  const merged: TurnRow[] = [];
  for (const { id } of merging.merged) {
    const turn = await updateTurn(sql, id, { state: 'merged', mergedInto: intoId }, undefined, undefined, undefined);
    if (turn !== null) merged.push(turn);
  }
  const turn = await updateTurn(sql, intoId, merging.patch, undefined, undefined, undefined);
  return turn === null ? null : { turn, merged };
}

export function getTurn(sql: Sql, turnId: string): Promise<TurnRow | null> {
  return first(sql.all('SELECT json, trigger_index FROM @turns WHERE id = $1', turnId), turnOf);
}

export async function listTurns(sql: Sql, query: TurnQuery): Promise<TurnRow[]> {
  const filter = laneFilter(query, OPEN_TURN_STATES, OPEN_TURNS);
  const limit = filter.place(query.limit ?? null);
  const rows = await sql.all(
    `SELECT json, trigger_index FROM @turns ${filter.where} ORDER BY room_id, trigger_index, id LIMIT ${limit}`,
    ...filter.values,
  );
  return rows.map(turnOf);
}

export async function recordOutcomes(sql: Sql, outcomes: readonly DeliveryOutcome[]): Promise<void> {
  // Of one channel the last outcome counts, and a statement writes a row once only.
  const last = new Map<string, { room: string; event: string; channel: string; json: DeliveryResult }>();
  for (const { roomId, eventId, results } of outcomes) {
    for (const result of results) {
      last.set(JSON.stringify([roomId, eventId, result.channelId]), { room: roomId, event: eventId, channel: result.channelId, json: result });
    }
  }
  if (last.size === 0) return;
  // In order: two who record the same events wait for each other, and never both.
  const records = [...last.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
  await sql.all(
    `INSERT INTO @outcomes (room_id, event_id, channel_id, json)
     SELECT o ->> 'room', o ->> 'event', o ->> 'channel', o -> 'json' FROM json_array_elements($1) AS o
     WHERE EXISTS (SELECT 1 FROM @events AS e WHERE e.room_id = o ->> 'room' AND e.id = o ->> 'event')
     ON CONFLICT (room_id, event_id, channel_id) DO UPDATE SET json = excluded.json`,
    new Json(records),
  );
}

export async function deliveryResults(sql: Sql, roomId: string, eventIds: readonly string[]): Promise<Map<string, Record<string, DeliveryResult>>> {
  const found = new Map<string, Record<string, DeliveryResult>>();
  const put = (eventId: string, result: DeliveryResult): void => {
    const results = found.get(eventId) ?? {};
    results[result.channelId] = result;
    found.set(eventId, results);
  };
  if (eventIds.length === 0) return found;
  const rows = await sql.all(
    `SELECT json, event_index, NULL AS event_id FROM @outbox WHERE event_id = ANY ($2::text[]) AND room_id = $1
     UNION ALL SELECT json, 0, event_id FROM @outcomes WHERE room_id = $1 AND event_id = ANY ($2::text[])`,
    roomId,
    eventIds,
  );
  for (const row of rows) {
    if (row['event_id'] === null) {
      const one = rowOf(row);
      put(one.eventId, resultOfRow(one));
    } else put(decodeText(row['event_id'] as string), parseJson<DeliveryResult>(row['json'] as string));
  }
  return found;
}

/** `open` and `openSql` say the same: spelled out, the condition lets the server use the index of what is open. */
function laneFilter(
  query: { roomId?: string; channelId?: string; state?: string | readonly string[] },
  open: readonly string[],
  openSql: string,
): Filter {
  const filter = new Filter().add('room_id = ?', query.roomId).add('channel_id = ?', query.channelId);
  if (query.state === undefined) return filter;
  const states = typeof query.state === 'string' ? [query.state] : query.state;
  if (states.every((state) => open.includes(state))) filter.also(openSql);
  return filter.add('state = ANY (?::text[])', states);
}
