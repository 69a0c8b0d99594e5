/** The timeline in SQLite: events as JSON, found by index, id, key and vendor's id; by words, see {@link SqliteTextIndex}. */
import { copyJson, freezeJson, keyTaken, type EventCommit, type EventQuery, type RoomEvent, type RoomEventDraft } from './core.js';
import { violates } from './errors.js';
import type { SqliteKeys } from './keys.js';
import type { Statements } from './statements.js';
import type { SqliteLateEvents } from './late-events.js';
import { IN_LIST, Json, listOf, type Value } from './text.js';

const BY_KEY = 'SELECT json FROM events WHERE room_id = ? AND idempotency_key IN (?, ?)';
const BY_KEY_OF_CHANNEL = 'SELECT json FROM events WHERE channel_id = ? AND idempotency_key IN (?, ?) ORDER BY number DESC LIMIT 1';
const BY_EXTERNAL_ID = 'SELECT json FROM events WHERE channel_id = ? AND external_id = ? ORDER BY number DESC LIMIT 1';

export class SqliteTimeline {
  constructor(
    private readonly sql: Statements,
    private readonly late: SqliteLateEvents,
    private readonly keys: SqliteKeys,
  ) {}

  byKey(roomId: string, key: string): RoomEvent | null {
    return freezeJson(this.sql.model<RoomEvent>(BY_KEY, roomId, key, this.keys.orErased(key)));
  }

  byKeyOfChannel(channelId: string, key: string): RoomEvent | null {
    return freezeJson(this.sql.model<RoomEvent>(BY_KEY_OF_CHANNEL, channelId, key, this.keys.orErased(key)));
  }

  byExternalId(channelId: string, externalId: string): RoomEvent | null {
    return freezeJson(this.sql.model<RoomEvent>(BY_EXTERNAL_ID, channelId, externalId));
  }

  get(roomId: string, eventId: string): RoomEvent | null {
    return freezeJson(this.sql.model<RoomEvent>('SELECT json FROM events WHERE id = ? AND room_id = ?', eventId, roomId));
  }

  /** Gives the draft its index and writes it. It is frozen once it is on disk: a refused one may be committed again. */
  append(draft: RoomEventDraft, index: number): RoomEvent {
    draft.index = index;
    this.keys.written(draft.idempotencyKey);
    const { lastInsertRowid } = this.sql
      .get(
        'INSERT INTO events (id, room_id, idx, channel_id, idempotency_key, external_id, parent_id, visibility, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        draft.id,
        draft.roomId,
        index,
        draft.source.channelId,
        draft.idempotencyKey ?? null,
        draft.source.externalId ?? null,
        draft.parentEventId ?? null,
        draft.visibility,
        new Json(draft),
      );
    this.late.added(Number(lastInsertRowid), draft);
    return draft;
  }

  /** Rewrites every field but id, room, index and time of creation (STO-07). */
  replace(event: RoomEvent): RoomEvent | null {
    const row = this.sql.get('SELECT number, json FROM events WHERE id = ? AND room_id = ?').get(event.id, event.roomId) as
      { number: number; json: string } | undefined;
    if (row === undefined) return null;
    const current = JSON.parse(row.json) as RoomEvent;
    const { deliveryResults: _results, ...fields } = event;
    const changed: RoomEvent = freezeJson(
      copyJson({ ...fields, id: current.id, roomId: current.roomId, index: current.index, createdAt: current.createdAt }),
    );
    this.keys.written(changed.idempotencyKey);
    try {
      this.sql
        .get('UPDATE events SET channel_id = ?, idempotency_key = ?, external_id = ?, parent_id = ?, visibility = ?, json = ? WHERE number = ?')
        .run(
          changed.source.channelId,
          changed.idempotencyKey ?? null,
          changed.source.externalId ?? null,
          changed.parentEventId ?? null,
          changed.visibility,
          new Json(changed),
          row.number,
        );
    } catch (error) {
      if (violates(error, 'events.room_id, events.idempotency_key')) throw keyTaken(changed.roomId, changed.idempotencyKey ?? '');
      throw error;
    }
    this.late.changed(row.number, current, changed);
    return changed;
  }

  change(roomId: string, target: NonNullable<EventCommit['target']>): RoomEvent | null {
    const event = this.get(roomId, target.eventId);
    if (event === null) return null;
    return this.replace({
      ...event,
      ...(target.content !== undefined && { content: target.content }),
      metadata: { ...event.metadata, ...target.metadata },
    });
  }

  /** With its replies to any depth, when told so. */
  remove(roomId: string, eventId: string, withReplies: boolean): RoomEvent[] {
    const first = this.get(roomId, eventId);
    if (first === null) return [];
    const ids = listOf([first.id, ...(withReplies ? this.#repliesTo(first) : [])]);
    const rows = this.sql.get(`SELECT number, json FROM events WHERE id ${IN_LIST} ORDER BY idx`).all(ids) as { number: number; json: string }[];
    this.sql.get(`DELETE FROM events WHERE id ${IN_LIST}`).run(ids);
    this.sql.get(`DELETE FROM outcomes WHERE event_id ${IN_LIST}`).run(ids);
    const events = rows.map(({ json }) => JSON.parse(json) as RoomEvent);
    for (const [at, event] of events.entries()) this.late.removed(Number(rows[at]?.number), event);
    return freezeJson(events);
  }

  /** Those that wait for their place come after all others. */
  list(roomId: string, query: EventQuery): RoomEvent[] {
    const { limit = Infinity, offset = 0 } = query;
    const late = this.#late(roomId, query);
    if (late.length === 0) return this.#placed(roomId, query, limit, offset);
    if (query.newestFirst === true) {
      const first = late.reverse().slice(offset, offset + limit);
      return [...first, ...this.#placed(roomId, query, limit - first.length, Math.max(offset - late.length, 0))];
    }
    const first = this.#placed(roomId, query, limit, offset);
    if (first.length >= limit) return first;
    const skipped = offset === 0 || first.length > 0 ? 0 : offset - this.#countPlaced(roomId, query);
    return [...first, ...late.slice(skipped, skipped + limit - first.length)];
  }

  countAfter(roomId: string, index: number): number {
    const late = this.late.of(roomId).filter(({ event }) => event.index > index);
    return this.#countPlaced(roomId, { afterIndex: index }) + late.length;
  }

  #placed(roomId: string, query: EventQuery, limit: number, offset: number): RoomEvent[] {
    if (limit <= 0) return [];
    const { from, values } = placedOf(roomId, query);
    const order = query.newestFirst === true ? 'DESC' : 'ASC';
    values.push(limit === Infinity ? -1 : limit, offset);
    return this.sql
      .models<RoomEvent>(`SELECT events.json ${from} ORDER BY places.idx ${order} LIMIT ? OFFSET ?`, ...values)
      .map((event) => freezeJson(event));
  }

  #countPlaced(roomId: string, query: EventQuery): number {
    const { from, values } = placedOf(roomId, query);
    return Number((this.sql.get(`SELECT COUNT(*) AS count ${from}`).get(...values) as { count: number }).count);
  }

  /** In the order of the room. Read from the disk: what was written there is what others read. */
  #late(roomId: string, { afterIndex = -1, beforeIndex = Infinity, visibility }: EventQuery): RoomEvent[] {
    const numbers = this.late
      .of(roomId)
      .filter(({ event }) => event.index > afterIndex && event.index < beforeIndex && (visibility === undefined || event.visibility === visibility))
      .map(({ number }) => number);
    if (numbers.length === 0) return [];
    return this.sql
      .models<RoomEvent>(`SELECT json FROM events WHERE number ${IN_LIST} ORDER BY number`, new Json(numbers))
      .map((event) => freezeJson(event));
  }

  /** Replies come after what they answer, so one pass in order finds all of them. */
  #repliesTo(first: RoomEvent): string[] {
    this.late.catchUp();
    const { from, values } = placedOf(first.roomId, { afterIndex: first.index });
    const later = this.sql.get(`SELECT id, parent_id ${from} AND parent_id IS NOT NULL ORDER BY places.idx`).all(...values) as {
      id: string;
      parent_id: string;
    }[];
    const gone = new Set([first.id]);
    for (const { id, parent_id } of later) if (gone.has(parent_id)) gone.add(id);
    gone.delete(first.id);
    return [...gone];
  }
}

/** Events of a room by their places, with the values of the statement. */
function placedOf(roomId: string, { afterIndex, beforeIndex, visibility }: EventQuery): { readonly from: string; readonly values: Value[] } {
  const where = ['places.room_id = ?'];
  const values: Value[] = [roomId];
  if (afterIndex !== undefined) {
    where.push('places.idx > ?');
    values.push(afterIndex);
  }
  if (beforeIndex !== undefined) {
    where.push('places.idx < ?');
    values.push(beforeIndex);
  }
  if (visibility !== undefined) {
    where.push('events.visibility = ?');
    values.push(visibility);
  }
  return { from: `FROM places JOIN events ON events.number = places.number WHERE ${where.join(' AND ')}`, values };
}
