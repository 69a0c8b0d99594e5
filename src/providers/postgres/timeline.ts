/** The timeline in PostgreSQL: events as JSON, found by index, id, key, vendor's id and words. */
import { keyDigest } from '../_shared/erased-key.js';
import { type Row, type Sql } from './connection.js';
import { copyJson, extractText, freezeJson, keyTaken, type EventQuery, type RoomEvent } from './core.js';
import { violates } from './errors.js';
import { Filter } from './filter.js';
import { inRoom } from './tables.js';
import { Json, parseJson, wordsOf } from './text.js';

const NEWEST = 'ORDER BY number DESC LIMIT 1';

/** The index stands in its column: an event is written before it is known. */
export function eventOf(json: string, index: number): RoomEvent {
  return freezeJson({ ...parseJson<RoomEvent>(json), index });
}

async function events(sql: Sql, text: string, ...values: Filter['values']): Promise<RoomEvent[]> {
  return (await sql.all(text, ...values)).map((row: Row) => eventOf(row['json'] as string, row['idx'] as number));
}

async function event(sql: Sql, text: string, ...values: Filter['values']): Promise<RoomEvent | null> {
  return (await events(sql, text, ...values))[0] ?? null;
}

export function getEvent(sql: Sql, roomId: string, eventId: string): Promise<RoomEvent | null> {
  return event(sql, 'SELECT json, idx FROM @events WHERE room_id = $1 AND id = $2', roomId, eventId);
}

export function eventByKey(sql: Sql, key: string, where: { roomId: string } | { channelId: string }): Promise<RoomEvent | null> {
  const found = "SELECT json, idx FROM @events AS events WHERE key_digest = decode($1, 'hex')";
  return 'roomId' in where
    ? event(sql, `${found} AND ${inRoom('events', '$2')}`, keyDigest(key), where.roomId)
    : event(sql, `${found} AND channel_id = $2 ${NEWEST}`, keyDigest(key), where.channelId);
}

export function eventByExternalId(sql: Sql, channelId: string, externalId: string): Promise<RoomEvent | null> {
  return event(sql, `SELECT json, idx FROM @events WHERE channel_id = $1 AND external_id = $2 ${NEWEST}`, channelId, externalId);
}

/** Rewrites every field but id, room, index and time of creation (STO-07). Within a transaction that has locked the room. */
export async function replaceEvent(sql: Sql, given: RoomEvent): Promise<RoomEvent | null> {
  const current = await getEvent(sql, given.roomId, given.id);
  if (current === null) return null;
  return writeEvent(sql, { ...given, index: current.index, createdAt: current.createdAt });
}

/** An event whose place is known, as it shall be. Within a transaction that has locked the room. */
export async function writeEvent(sql: Sql, given: RoomEvent): Promise<RoomEvent> {
  const { deliveryResults: _results, ...fields } = given;
  const changed: RoomEvent = freezeJson(copyJson(fields));
  try {
    await sql.all(
      `UPDATE @events SET channel_id = $1, key_digest = decode($2, 'hex'), external_id = $3, parent_id = $4, visibility = $5, json = $6,
         words = array_to_tsvector($7::text[]) WHERE room_id = $8 AND idx = $9`,
      changed.source.channelId,
      changed.idempotencyKey === undefined ? null : keyDigest(changed.idempotencyKey),
      changed.source.externalId ?? null,
      changed.parentEventId ?? null,
      changed.visibility,
      new Json(changed),
      searchedWords(changed),
      changed.roomId,
      changed.index,
    );
  } catch (error) {
    if (violates(error, 'events_by_key')) throw keyTaken(changed.roomId, changed.idempotencyKey ?? '');
    throw error;
  }
  return changed;
}

/** With its replies to any depth, when told so. Within a transaction that has locked the room. */
export async function removeEvents(sql: Sql, roomId: string, eventId: string, withReplies: boolean): Promise<RoomEvent[]> {
  const removed = await events(
    sql,
    `WITH RECURSIVE gone AS (
       SELECT id FROM @events WHERE room_id = $1 AND id = $2
       UNION SELECT e.id FROM @events AS e JOIN gone ON e.parent_id = gone.id WHERE e.room_id = $1 AND $3
     ), outcomes AS (DELETE FROM @outcomes WHERE room_id = $1 AND event_id IN (SELECT id FROM gone))
     DELETE FROM @events WHERE room_id = $1 AND id IN (SELECT id FROM gone) RETURNING json, idx`,
    roomId,
    eventId,
    withReplies,
  );
  return removed.sort((a, b) => a.index - b.index);
}

export function listEvents(sql: Sql, roomId: string, query: EventQuery): Promise<RoomEvent[]> {
  const filter = new Filter()
    .add('room_id = ?', roomId)
    .add('idx > ?', query.afterIndex)
    .add('idx < ?', query.beforeIndex)
    .add('visibility = ?', query.visibility);
  const paging = `LIMIT ${filter.place(query.limit ?? null)} OFFSET ${filter.place(query.offset ?? 0)}`;
  const order = query.newestFirst === true ? 'DESC' : 'ASC';
  return events(sql, `SELECT json, idx FROM @events ${filter.where} ORDER BY idx ${order} ${paging}`, ...filter.values);
}

export async function countEvents(sql: Sql, roomId: string, afterIndex: number | undefined): Promise<number> {
  const [row] =
    afterIndex === undefined
      ? await sql.all('SELECT event_count AS count FROM @rooms WHERE id = $1', roomId)
      : await sql.all('SELECT COUNT(*) AS count FROM @events WHERE room_id = $1 AND idx > $2', roomId, afterIndex);
  return Number(row?.['count'] ?? 0);
}

export async function searchEvents(
  sql: Sql,
  query: { text: string; roomId?: string; organizationId?: string; limit?: number },
): Promise<RoomEvent[]> {
  const words = wordsOf(query.text);
  if (words.length === 0) return [];
  // Every word in quotes: what people type is text, not a query language.
  const filter = new Filter()
    .add('events.words @@ ?::tsquery', words.map((word) => `'${word}'`).join(' & '))
    .add('events.room_id = ?', query.roomId)
    .add('rooms.organization_id = ?', query.organizationId);
  return events(
    sql,
    `SELECT events.json, events.idx FROM @events AS events JOIN @rooms AS rooms ON rooms.id = events.room_id ${filter.where}
     ORDER BY events.number DESC LIMIT ${filter.place(query.limit ?? 50)}`,
    ...filter.values,
  );
}

/** Only what was said is found, and not what was taken back. */
export function searchedWords(event: Pick<RoomEvent, 'type' | 'metadata' | 'content'>): string[] | null {
  return event.type === 'message' && event.metadata['deleted'] !== true ? wordsOf(extractText(event.content)) : null;
}
