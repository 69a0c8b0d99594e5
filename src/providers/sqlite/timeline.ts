/** The timeline in SQLite: events as JSON, found by index, id, key, vendor's id and words. */
import { erasedKey } from '../_shared/erased-key.js';
import { copyJson, extractText, freezeJson, keyTaken, type EventCommit, type EventQuery, type RoomEvent, type RoomEventDraft } from './core.js';
import { violates } from './errors.js';
import type { Statements } from './statements.js';
import { IN_LIST, Json, listOf, searchable, type Value } from './text.js';

const BY_KEY = 'SELECT json FROM events WHERE room_id = ? AND idempotency_key IN (?, ?)';
const BY_KEY_OF_CHANNEL = 'SELECT json FROM events WHERE channel_id = ? AND idempotency_key IN (?, ?) ORDER BY number DESC LIMIT 1';
const BY_EXTERNAL_ID = 'SELECT json FROM events WHERE channel_id = ? AND external_id = ? ORDER BY number DESC LIMIT 1';

/** So many texts wait for the index at most, or until somebody searches. */
const TEXTS_AT_ONCE = 500;
const SEARCH_LIMIT = 50;

type TextTable = 'event_text' | 'unindexed';

interface TextQuery {
  readonly text: string;
  readonly roomId?: string;
  readonly organizationId?: string;
  readonly limit?: number;
}

export class SqliteTimeline {
  constructor(private readonly sql: Statements) {}

  byKey(roomId: string, key: string): RoomEvent | null {
    return freezeJson(this.sql.model<RoomEvent>(BY_KEY, roomId, key, erasedKey(key)));
  }

  byKeyOfChannel(channelId: string, key: string): RoomEvent | null {
    return freezeJson(this.sql.model<RoomEvent>(BY_KEY_OF_CHANNEL, channelId, key, erasedKey(key)));
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
    this.#toBeSearched(Number(lastInsertRowid), draft);
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
    if (row.number <= this.#searchedUpTo()) {
      if (isSearched(current)) this.sql.get('DELETE FROM event_text WHERE rowid = ?').run(row.number);
      if (isSearched(changed)) this.#index(row.number, changed);
    }
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

  search(query: TextQuery): RoomEvent[] {
    return this.#matching('event_text', query);
  }

  /** The same where the index cannot be written: what it does not have is put into one in memory, as long as this takes. */
  searchBehind(query: TextQuery): RoomEvent[] {
    this.sql.get("CREATE VIRTUAL TABLE temp.unindexed USING fts5(text, content='', contentless_delete=1)").run();
    try {
      for (const { number, event } of this.#notSearched()) if (isSearched(event)) this.#index(number, event, 'unindexed');
      return [...this.#matching('unindexed', query), ...this.search(query)].slice(0, query.limit ?? SEARCH_LIMIT);
    } finally {
      this.sql.get('DROP TABLE temp.unindexed').run();
    }
  }

  #matching(table: TextTable, query: TextQuery): RoomEvent[] {
    const words = query.text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
    if (words.length === 0) return [];
    const where = [`${table} MATCH ?`];
    // Every word in quotes: what people type is text, not a query language.
    const values: Value[] = [words.map((word) => `"${word}"`).join(' ')];
    if (query.roomId !== undefined) {
      where.push('events.room_id = ?');
      values.push(query.roomId);
    }
    if (query.organizationId !== undefined) {
      where.push('rooms.organization_id = ?');
      values.push(query.organizationId);
    }
    values.push(query.limit ?? SEARCH_LIMIT);
    return this.sql
      .models<RoomEvent>(
        `SELECT events.json FROM ${table} JOIN events ON events.number = ${table}.rowid JOIN rooms ON rooms.id = events.room_id
         WHERE ${where.join(' AND ')} ORDER BY ${table}.rowid DESC LIMIT ?`,
        ...values,
      )
      .map((event) => freezeJson(event));
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

  /** Whether something was said that the index does not have yet. */
  get isBehind(): boolean {
    const row = this.sql.get('SELECT 1 AS more FROM events WHERE number > ? LIMIT 1').get(this.#searchedUpTo());
    return row !== undefined;
  }

  /** Within a transaction: the index has everything. */
  catchUp(): void {
    let last = -1;
    for (const { number, event } of this.#notSearched()) {
      if (isSearched(event)) this.#index(number, event);
      last = number;
    }
    if (last >= 0) this.sql.get('UPDATE searched SET up_to = ? WHERE id = 1').run(last);
  }

  #notSearched(): { readonly number: number; readonly event: RoomEvent }[] {
    const rows = this.sql.get('SELECT number, json FROM events WHERE number > ? ORDER BY number').all(this.#searchedUpTo());
    return (rows as { number: number; json: string }[]).map(({ number, json }) => ({ number, event: JSON.parse(json) as RoomEvent }));
  }

  /** A text that is indexed alone costs about as much as the rest of its commit; with many others, less. */
  #toBeSearched(number: number, event: RoomEvent): void {
    const upTo = this.#searchedUpTo();
    // The place of one that was removed: it is behind what the index has already.
    if (number <= upTo) {
      if (isSearched(event)) this.#index(number, event);
    } else if (number - upTo >= TEXTS_AT_ONCE) this.catchUp();
  }

  #searchedUpTo(): number {
    const row = this.sql.get('SELECT up_to FROM searched WHERE id = 1').get() as { up_to: number } | undefined;
    return Number(row?.up_to ?? 0);
  }

  #index(number: number, event: RoomEvent, table: TextTable = 'event_text'): void {
    this.sql.get(`INSERT INTO ${table} (rowid, text) VALUES (?, ?)`).run(number, searchable(extractText(event.content)));
  }
}

/** Only what was said is found, and not what was taken back. */
function isSearched(event: RoomEvent): boolean {
  return event.type === 'message' && event.metadata['deleted'] !== true;
}
