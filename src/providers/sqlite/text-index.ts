/** The words of the timeline: what was said is found by them, and not what was taken back. Texts come into the index late, see {@link SqliteLateEvents}. */
import { extractText, freezeJson, type RoomEvent } from './core.js';
import type { Statements } from './statements.js';
import { searchable, type Value } from './text.js';

const SEARCH_LIMIT = 50;

type TextTable = 'event_text' | 'unindexed';

export interface TextQuery {
  readonly text: string;
  readonly roomId?: string;
  readonly organizationId?: string;
  readonly limit?: number;
}

export class SqliteTextIndex {
  constructor(private readonly sql: Statements) {}

  added(number: number, event: RoomEvent): void {
    if (isSearched(event)) this.#index(number, event);
  }

  /** Of an event that is in the index. */
  changed(number: number, before: RoomEvent, after: RoomEvent): void {
    this.removed(number, before);
    this.added(number, after);
  }

  removed(number: number, event: RoomEvent): void {
    if (isSearched(event)) this.sql.get('DELETE FROM event_text WHERE rowid = ?').run(number);
  }

  search(query: TextQuery): RoomEvent[] {
    return this.#matching('event_text', query);
  }

  /** The same where the index cannot be written: what it does not have is put into one in memory, as long as this takes. */
  searchBehind(late: ReadonlyMap<number, RoomEvent>, query: TextQuery): RoomEvent[] {
    this.sql.get("CREATE VIRTUAL TABLE temp.unindexed USING fts5(text, content='', contentless_delete=1)").run();
    try {
      for (const [number, event] of late) if (isSearched(event)) this.#index(number, event, 'unindexed');
      return [...this.#matching('unindexed', query), ...this.search(query)].slice(0, query.limit ?? SEARCH_LIMIT);
    } finally {
      this.sql.get('DROP TABLE temp.unindexed').run();
    }
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
