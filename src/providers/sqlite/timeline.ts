/** The timeline in SQLite: events as JSON, found by index, id, key and vendor's id; by words, see {@link SqliteTextIndex}. */
import { copyJson, freezeJson, keyTaken, type EventCommit, type EventQuery, type RoomEvent, type RoomEventDraft } from './core.js';
import { violates } from './errors.js';
import type { SqliteKeys } from './keys.js';
import type { Statements } from './statements.js';
import type { SqliteTextIndex } from './text-index.js';
import { IN_LIST, Json, listOf, type Value } from './text.js';

const BY_KEY = 'SELECT json FROM events WHERE room_id = ? AND idempotency_key IN (?, ?)';
const BY_KEY_OF_CHANNEL = 'SELECT json FROM events WHERE channel_id = ? AND idempotency_key IN (?, ?) ORDER BY number DESC LIMIT 1';
const BY_EXTERNAL_ID = 'SELECT json FROM events WHERE channel_id = ? AND external_id = ? ORDER BY number DESC LIMIT 1';

export class SqliteTimeline {
  constructor(
    private readonly sql: Statements,
    private readonly texts: SqliteTextIndex,
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
    this.texts.added(Number(lastInsertRowid), draft);
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
    this.texts.changed(row.number, current, changed);
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
    const events = this.sql.models<RoomEvent>(`SELECT json FROM events WHERE id ${IN_LIST} ORDER BY idx`, ids);
    this.sql.get(`DELETE FROM event_text WHERE rowid IN (SELECT number FROM events WHERE id ${IN_LIST})`).run(ids);
    this.sql.get(`DELETE FROM events WHERE id ${IN_LIST}`).run(ids);
    this.sql.get(`DELETE FROM outcomes WHERE event_id ${IN_LIST}`).run(ids);
    this.texts.forget();
    return freezeJson(events);
  }

  list(roomId: string, query: EventQuery): RoomEvent[] {
    const where = ['room_id = ?'];
    const values: Value[] = [roomId];
    if (query.afterIndex !== undefined) {
      where.push('idx > ?');
      values.push(query.afterIndex);
    }
    if (query.beforeIndex !== undefined) {
      where.push('idx < ?');
      values.push(query.beforeIndex);
    }
    if (query.visibility !== undefined) {
      where.push('visibility = ?');
      values.push(query.visibility);
    }
    values.push(query.limit ?? -1, query.offset ?? 0);
    const order = query.newestFirst === true ? 'DESC' : 'ASC';
    return this.sql
      .models<RoomEvent>(`SELECT json FROM events WHERE ${where.join(' AND ')} ORDER BY idx ${order} LIMIT ? OFFSET ?`, ...values)
      .map((event) => freezeJson(event));
  }

  countAfter(roomId: string, index: number): number {
    const row = this.sql.get('SELECT COUNT(*) AS count FROM events WHERE room_id = ? AND idx > ?').get(roomId, index) as { count: number };
    return Number(row.count);
  }

  /** Replies come after what they answer, so one pass in order finds all of them. */
  #repliesTo(first: RoomEvent): string[] {
    const later = this.sql
      .get('SELECT id, parent_id FROM events WHERE room_id = ? AND idx > ? AND parent_id IS NOT NULL ORDER BY idx')
      .all(first.roomId, first.index) as { id: string; parent_id: string }[];
    const gone = new Set([first.id]);
    for (const { id, parent_id } of later) if (gone.has(parent_id)) gone.add(id);
    gone.delete(first.id);
    return [...gone];
  }
}
