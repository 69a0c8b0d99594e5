/** Finding rooms in SQLite: lists, a participant's newest, a channel's, and what the router decides by (RTR-01). */
import type { ChannelType, Room, RoomQuery, RoomStatus, RouteCandidate, RouteCandidates, RouteQuery } from './core.js';
import type { SqliteKeys } from './keys.js';
import type { SqliteLateEvents } from './late-events.js';
import { ROOM_COLUMNS, roomOf, type RoomRow } from './room-rows.js';
import type { Statements } from './statements.js';
import { IN_LIST, Json, listOf, type Value } from './text.js';

const ROOMS = `SELECT ${ROOM_COLUMNS} FROM rooms JOIN counters ON counters.room_id = rooms.id`;
const NEWEST_FIRST = 'ORDER BY rooms.created_at DESC, rooms.id DESC';
/** A participant of this room is reached through this binding. */
const REACHED_THROUGH = `(bindings.channel_id = json_extract(participants.json, '$.channelId')
  OR bindings.channel_id IN (SELECT value FROM json_each(participants.json, '$.connectedVia')))`;

export class SqliteRoomQueries {
  constructor(
    private readonly sql: Statements,
    private readonly keys: SqliteKeys,
    private readonly late: SqliteLateEvents,
  ) {}

  find(query: RoomQuery): Room[] {
    const where: string[] = [];
    const values: Value[] = [];
    if (query.organizationId !== undefined) {
      where.push('rooms.organization_id = ?');
      values.push(query.organizationId);
    }
    if (typeof query.status === 'string') {
      where.push('rooms.status = ?');
      values.push(query.status);
    } else if (query.status !== undefined) {
      where.push(`rooms.status ${IN_LIST}`);
      values.push(listOf(query.status));
    }
    if (query.withTimers === true) where.push('rooms.has_timers = 1');
    for (const [key, value] of Object.entries(query.metadata ?? {})) {
      // As JSON texts, so that true is not 1 and null is not absent.
      where.push("EXISTS (SELECT 1 FROM json_each(rooms.json, '$.metadata') AS entry WHERE entry.key = ? AND rooms.json -> entry.fullkey = ?)");
      values.push(key, new Json(value));
    }
    values.push(query.limit ?? -1, query.offset ?? 0);
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.#rooms(`${ROOMS} ${filter} ${NEWEST_FIRST} LIMIT ? OFFSET ?`, values);
  }

  findLatest(query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string }): Room | null {
    const where = ['(participants.id = ? OR participants.external_id = ?)'];
    const values: Value[] = [query.participantId, query.participantId];
    if (query.channelType !== undefined) {
      where.push(`EXISTS (SELECT 1 FROM bindings WHERE bindings.room_id = rooms.id AND bindings.channel_type = ? AND ${REACHED_THROUGH})`);
      values.push(query.channelType);
    }
    if (query.status !== undefined) {
      where.push('rooms.status = ?');
      values.push(query.status);
    }
    if (query.organizationId !== undefined) {
      where.push('rooms.organization_id = ?');
      values.push(query.organizationId);
    }
    const [room] = this.#rooms(
      `SELECT ${ROOM_COLUMNS} FROM participants JOIN rooms ON rooms.id = participants.room_id JOIN counters ON counters.room_id = rooms.id
       WHERE ${where.join(' AND ')} ${NEWEST_FIRST} LIMIT 1`,
      values,
    );
    return room ?? null;
  }

  idsByChannel(channelId: string, status: RoomStatus | undefined): string[] {
    const sql = `SELECT rooms.id FROM bindings JOIN rooms ON rooms.id = bindings.room_id WHERE bindings.channel_id = ?`;
    const rows = status === undefined ? this.sql.get(sql).all(channelId) : this.sql.get(`${sql} AND rooms.status = ?`).all(channelId, status);
    return (rows as { id: string }[]).map(({ id }) => id);
  }

  route(query: RouteQuery): RouteCandidates {
    const organization = query.organizationId === undefined ? '' : 'AND rooms.organization_id = ?';
    const scope = query.organizationId === undefined ? [] : [query.organizationId];
    if (query.idempotencyKey !== undefined) {
      const row = this.sql
        .get(
          `SELECT room_id FROM events JOIN rooms ON rooms.id = events.room_id
           WHERE channel_id = ? AND idempotency_key IN (?, ?) ${organization} ORDER BY number DESC LIMIT 1`,
        )
        .get(query.channelId, query.idempotencyKey, this.keys.orErased(query.idempotencyKey), ...scope) as { room_id: string } | undefined;
      if (row !== undefined) return { keyed: row.room_id, addressed: [], participating: [], bound: [] };
    }
    const newest = `${organization} ${NEWEST_FIRST} LIMIT 2`;
    const addressed = this.#candidates(
      `SELECT rooms.id, rooms.created_at FROM bindings JOIN rooms ON rooms.id = bindings.room_id
       WHERE bindings.channel_id = ? AND bindings.address = ? AND bindings.room_open = 1 ${newest}`,
      [query.channelId, query.address, ...scope],
    );
    if (addressed.length > 0) return { addressed, participating: [], bound: [] };
    const participating = this.#candidates(
      `SELECT DISTINCT rooms.id, rooms.created_at FROM participants JOIN rooms ON rooms.id = participants.room_id
       JOIN bindings ON bindings.room_id = rooms.id AND bindings.channel_type = ? AND bindings.room_open = 1 AND ${REACHED_THROUGH}
       WHERE (participants.id = ? OR participants.external_id = ?) ${newest}`,
      [query.channelType, query.senderId, query.senderId, ...scope],
    );
    if (participating.length > 0) return { addressed, participating, bound: [] };
    // Not the newest: all that matters is whether there is one or more, and sorting thousands would take its time.
    const bound = this.#candidates(
      `SELECT rooms.id, rooms.created_at, bindings.address FROM bindings JOIN rooms ON rooms.id = bindings.room_id
       WHERE bindings.channel_id = ? AND bindings.room_open = 1 ${organization} LIMIT 2`,
      [query.channelId, ...scope],
    );
    return { addressed, participating, bound };
  }

  #rooms(sql: string, values: Value[]): Room[] {
    return (this.sql.get(sql).all(...values) as RoomRow[]).map((row) => roomOf(row, this.late));
  }

  #candidates(sql: string, values: Value[]): (RouteCandidate & { address?: string })[] {
    const rows = this.sql.get(sql).all(...values) as { id: string; created_at: string; address?: string | null }[];
    return rows.map(({ id, created_at, address }) => ({ roomId: id, createdAt: created_at, ...(typeof address === 'string' && { address }) }));
  }
}
