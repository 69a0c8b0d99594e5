/**
 * The words of the timeline: what was said is found by them, and not what was taken back. Texts come into the index many at a time;
 * which of them wait for it is known without reading them again.
 */
import { extractText, freezeJson, type RoomEvent } from './core.js';
import type { Statements } from './statements.js';
import { searchable, type Value } from './text.js';

/** So many texts wait for the index at most, or until somebody searches. */
const TEXTS_AT_ONCE = 500;
const SEARCH_LIMIT = 50;

type TextTable = 'event_text' | 'unindexed';

export interface TextQuery {
  readonly text: string;
  readonly roomId?: string;
  readonly organizationId?: string;
  readonly limit?: number;
}

export class SqliteTextIndex {
  /** Up to which event the index has all, as the running transaction has it; undefined: the disk knows. */
  #upTo: number | undefined;
  /** All events after that by number, in order; undefined: the disk knows. */
  #waiting: Map<number, RoomEvent> | undefined;

  constructor(private readonly sql: Statements) {}

  /** What memory holds may be ahead of the disk, or of other rows: from now on only the disk counts. */
  forget(): void {
    this.#upTo = undefined;
    this.#waiting = undefined;
  }

  /** A text that is indexed alone costs about as much as the rest of its commit; with many others, less. */
  added(number: number, event: RoomEvent): void {
    const upTo = this.#searchedUpTo();
    // The place of one that was removed: it is behind what the index has already.
    if (number <= upTo) {
      if (isSearched(event)) this.#index(number, event);
      return;
    }
    this.#waiting?.set(number, event);
    if (number - upTo >= TEXTS_AT_ONCE) this.catchUp();
  }

  changed(number: number, before: RoomEvent, after: RoomEvent): void {
    if (number > this.#searchedUpTo()) {
      this.#waiting?.set(number, after);
      return;
    }
    if (isSearched(before)) this.sql.get('DELETE FROM event_text WHERE rowid = ?').run(number);
    if (isSearched(after)) this.#index(number, after);
  }

  search(query: TextQuery): RoomEvent[] {
    return this.#matching('event_text', query);
  }

  /** The same where the index cannot be written: what it does not have is put into one in memory, as long as this takes. */
  searchBehind(query: TextQuery): RoomEvent[] {
    this.sql.get("CREATE VIRTUAL TABLE temp.unindexed USING fts5(text, content='', contentless_delete=1)").run();
    try {
      for (const [number, event] of this.#notSearched()) if (isSearched(event)) this.#index(number, event, 'unindexed');
      return [...this.#matching('unindexed', query), ...this.search(query)].slice(0, query.limit ?? SEARCH_LIMIT);
    } finally {
      this.sql.get('DROP TABLE temp.unindexed').run();
    }
  }

  /** Whether something was said that the index does not have yet. */
  get isBehind(): boolean {
    if (this.#waiting !== undefined) return this.#waiting.size > 0;
    return this.sql.get('SELECT 1 AS more FROM events WHERE number > ? LIMIT 1').get(this.#searchedUpTo()) !== undefined;
  }

  /** Within a transaction: the index has everything. */
  catchUp(): void {
    let last = -1;
    for (const [number, event] of this.#notSearched()) {
      if (isSearched(event)) this.#index(number, event);
      last = number;
    }
    if (last >= 0) {
      this.sql.get('UPDATE searched SET up_to = ? WHERE id = 1').run(last);
      this.#upTo = last;
    }
    this.#waiting = new Map();
  }

  #notSearched(): Iterable<readonly [number, RoomEvent]> {
    if (this.#waiting !== undefined) return this.#waiting;
    const rows = this.sql.get('SELECT number, json FROM events WHERE number > ? ORDER BY number').all(this.#searchedUpTo());
    return (rows as { number: number; json: string }[]).map(({ number, json }) => [number, JSON.parse(json) as RoomEvent] as const);
  }

  #searchedUpTo(): number {
    if (this.#upTo !== undefined) return this.#upTo;
    const row = this.sql.get('SELECT up_to FROM searched WHERE id = 1').get() as { up_to: number } | undefined;
    return (this.#upTo = Number(row?.up_to ?? 0));
  }

  #index(number: number, event: RoomEvent, table: TextTable = 'event_text'): void {
    this.sql.get(`INSERT INTO ${table} (rowid, text) VALUES (?, ?)`).run(number, searchable(extractText(event.content)));
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
}

/** Only what was said is found, and not what was taken back. */
function isSearched(event: RoomEvent): boolean {
  return event.type === 'message' && event.metadata['deleted'] !== true;
}
