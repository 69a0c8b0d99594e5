/** The timeline in SQLite: events as JSON, found by index, id, key, vendor's id and words. */
import { copyJson, extractText, freezeJson, type EventCommit, type EventQuery, type RoomEvent } from './core.js';
import type { Statements } from './statements.js';

export class SqliteTimeline {
  constructor(private readonly sql: Statements) {}

  byKey(roomId: string, key: string): RoomEvent | null {
    return frozen(this.sql.model<RoomEvent>('SELECT json FROM events WHERE room_id = ? AND idempotency_key = ?', roomId, key));
  }

  byKeyOfChannel(channelId: string, key: string): RoomEvent | null {
    return frozen(
      this.sql.model<RoomEvent>('SELECT json FROM events WHERE channel_id = ? AND idempotency_key = ? ORDER BY number DESC LIMIT 1', channelId, key),
    );
  }

  byExternalId(channelId: string, externalId: string): RoomEvent | null {
    return frozen(
      this.sql.model<RoomEvent>(
        'SELECT json FROM events WHERE channel_id = ? AND external_id = ? ORDER BY number DESC LIMIT 1',
        channelId,
        externalId,
      ),
    );
  }

  get(roomId: string, eventId: string): RoomEvent | null {
    return frozen(this.sql.model<RoomEvent>('SELECT json FROM events WHERE id = ? AND room_id = ?', eventId, roomId));
  }

  /** Gives the draft its index and writes it. */
  append(commit: EventCommit, index: number): RoomEvent {
    const draft = commit.event;
    draft.index = index;
    const event: RoomEvent = Object.freeze(draft);
    const { lastInsertRowid } = this.sql
      .get(
        'INSERT INTO events (id, room_id, idx, channel_id, idempotency_key, external_id, parent_id, visibility, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        event.id,
        event.roomId,
        index,
        event.source.channelId,
        event.idempotencyKey ?? null,
        event.source.externalId ?? null,
        event.parentEventId ?? null,
        event.visibility,
        JSON.stringify(event),
      );
    if (event.type === 'message') this.sql.get('INSERT INTO event_text (rowid, text) VALUES (?, ?)').run(lastInsertRowid, extractText(event.content));
    return event;
  }

  /** Rewrites every field but id, room, index and time of creation (STO-07). */
  replace(event: RoomEvent): RoomEvent | null {
    const current = this.get(event.roomId, event.id);
    if (current === null) return null;
    const { deliveryResults: _results, ...fields } = event;
    const changed: RoomEvent = freezeJson(
      copyJson({ ...fields, id: current.id, roomId: current.roomId, index: current.index, createdAt: current.createdAt }),
    );
    this.sql
      .get('UPDATE events SET channel_id = ?, idempotency_key = ?, external_id = ?, parent_id = ?, visibility = ?, json = ? WHERE id = ?')
      .run(
        changed.source.channelId,
        changed.idempotencyKey ?? null,
        changed.source.externalId ?? null,
        changed.parentEventId ?? null,
        changed.visibility,
        JSON.stringify(changed),
        changed.id,
      );
    if (changed.type === 'message') {
      const { number } = this.sql.get('SELECT number FROM events WHERE id = ?').get(changed.id) as { number: number };
      this.sql.get('DELETE FROM event_text WHERE rowid = ?').run(number);
      if (changed.metadata['deleted'] !== true)
        this.sql.get('INSERT INTO event_text (rowid, text) VALUES (?, ?)').run(number, extractText(changed.content));
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
    const tree = `WITH RECURSIVE gone (id) AS (
      SELECT id FROM events WHERE id = ? AND room_id = ? UNION SELECT events.id FROM events JOIN gone ON events.parent_id = gone.id WHERE events.room_id = ?
    )`;
    const events = withReplies
      ? this.sql.models<RoomEvent>(`${tree} SELECT json FROM events WHERE id IN (SELECT id FROM gone) ORDER BY idx`, eventId, roomId, roomId)
      : this.sql.models<RoomEvent>('SELECT json FROM events WHERE id = ? AND room_id = ?', eventId, roomId);
    for (const event of events) {
      this.sql.get('DELETE FROM event_text WHERE rowid = (SELECT number FROM events WHERE id = ?)').run(event.id);
      this.sql.get('DELETE FROM events WHERE id = ?').run(event.id);
      this.sql.get('DELETE FROM outcomes WHERE event_id = ?').run(event.id);
    }
    return events.map((event) => freezeJson(event));
  }

  list(roomId: string, query: EventQuery): RoomEvent[] {
    const where = ['room_id = ?'];
    const values: (string | number)[] = [roomId];
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

  count(roomId: string, afterIndex: number | undefined): number {
    const row = this.sql.get('SELECT COUNT(*) AS count FROM events WHERE room_id = ? AND idx > ?').get(roomId, afterIndex ?? -1) as { count: number };
    return Number(row.count);
  }

  search(query: { text: string; roomId?: string; organizationId?: string; limit?: number }): RoomEvent[] {
    const words = query.text.match(/[\p{L}\p{N}]+/gu) ?? [];
    if (words.length === 0) return [];
    const where = ['event_text MATCH ?'];
    // Every word in quotes: what people type is text, not a query language.
    const values: (string | number)[] = [words.map((word) => `"${word}"`).join(' ')];
    if (query.roomId !== undefined) {
      where.push('events.room_id = ?');
      values.push(query.roomId);
    }
    if (query.organizationId !== undefined) {
      where.push('rooms.organization_id = ?');
      values.push(query.organizationId);
    }
    values.push(query.limit ?? 50);
    return this.sql
      .models<RoomEvent>(
        `SELECT events.json FROM event_text JOIN events ON events.number = event_text.rowid JOIN rooms ON rooms.id = events.room_id
         WHERE ${where.join(' AND ')} ORDER BY events.number DESC LIMIT ?`,
        ...values,
      )
      .map((event) => freezeJson(event));
  }
}

function frozen(event: RoomEvent | null): RoomEvent | null {
  return event === null ? null : freezeJson(event);
}
