/** Rooms, bindings and participants in SQLite. The newest used rooms are kept as snapshots: reading one costs no query. */
import {
  ConflictError,
  copyJson,
  FencedError,
  freezeJson,
  mergeMetadata,
  RoomExistsError,
  RoomNotFoundError,
  type ChannelBinding,
  type ChannelType,
  type Metadata,
  type Participant,
  type Room,
  type RoomQuery,
  type RoomState,
  type RoomStatus,
  type RouteCandidate,
  type RouteCandidates,
  type RouteQuery,
} from './core.js';
import { marks, type Statements } from './statements.js';

const MAX_CACHED = 10_000;
const OPEN = "status IN ('active', 'paused')";

type StoredRoom = Omit<Room, 'eventCount' | 'latestIndex' | 'version'>;

export class SqliteRooms {
  readonly #cache = new Map<string, RoomState>();
  /** Ahead of the disk: what the running transaction has changed. */
  readonly #pending = new Map<string, RoomState | null>();

  constructor(private readonly sql: Statements) {}

  // --- snapshots -----------------------------------------------------------------------------------------------------

  state(roomId: string): RoomState | null {
    const pending = this.#pending.get(roomId);
    if (pending !== undefined) return pending;
    const cached = this.#cache.get(roomId);
    if (cached !== undefined) return cached;
    const read = this.#read(roomId);
    if (read !== null) this.#keep(roomId, read);
    return read;
  }

  require(roomId: string): RoomState {
    const state = this.state(roomId);
    if (state === null) throw new RoomNotFoundError(roomId);
    return state;
  }

  /** The running transaction made it durable. */
  settle(roomId: string): void {
    const pending = this.#pending.get(roomId);
    if (pending === undefined) return;
    this.#pending.delete(roomId);
    if (pending === null) this.#cache.delete(roomId);
    else this.#keep(roomId, pending);
  }

  /** The transaction was rolled back: only the disk counts. */
  forgetPending(): void {
    for (const roomId of this.#pending.keys()) this.#cache.delete(roomId);
    this.#pending.clear();
  }

  /** A savepoint was rolled back: the room is as it was before it. */
  restore(roomId: string, before: RoomState | null | undefined): void {
    if (before === undefined) this.#pending.delete(roomId);
    else this.#pending.set(roomId, before);
  }

  pendingOf(roomId: string): RoomState | null | undefined {
    return this.#pending.get(roomId);
  }

  // --- rooms ---------------------------------------------------------------------------------------------------------

  create(room: Room): Room {
    if (this.state(room.id) !== null) throw new RoomExistsError(room.id);
    const own = freezeJson(copyJson(room));
    this.sql
      .get(
        'INSERT INTO rooms (id, organization_id, status, created_at, has_timers, event_count, latest_index, version, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(own.id, own.organizationId ?? null, own.status, own.createdAt, timed(own), own.eventCount, own.latestIndex, own.version, encode(own));
    this.#pending.set(own.id, Object.freeze({ room: own, bindings: Object.freeze([]), participants: Object.freeze([]) }));
    return copyJson(own);
  }

  createOnce(key: string, room: Room, ttlSeconds: number): { room: Room; created: boolean } {
    const atMs = Date.parse(room.createdAt);
    const earlier = this.sql.get('SELECT room_id, at_ms FROM creations WHERE key = ?').get(key) as { room_id: string; at_ms: number } | undefined;
    const known = earlier !== undefined && atMs - Number(earlier.at_ms) < ttlSeconds * 1000 ? this.state(earlier.room_id) : this.state(room.id);
    if (known !== null) return { room: copyJson(known.room), created: false };
    this.sql.get('DELETE FROM creations WHERE at_ms <= ?').run(atMs - ttlSeconds * 1000);
    this.sql.get('INSERT OR REPLACE INTO creations (key, room_id, at_ms) VALUES (?, ?, ?)').run(key, room.id, atMs);
    return { room: this.create(room), created: true };
  }

  update(room: Room): Room {
    const state = this.require(room.id);
    const current = state.room;
    if (room.version !== current.version) {
      throw new ConflictError(
        `Room '${room.id}' was changed since it was read (version ${room.version}, now ${current.version}). ` +
          'Read it again, or use kit.updateRoomMetadata or kit.setActiveAgent, which merge.',
      );
    }
    return this.put({
      ...copyJson(room),
      createdAt: current.createdAt,
      eventCount: current.eventCount,
      latestIndex: current.latestIndex,
      version: current.version + 1,
    });
  }

  patchMetadata(roomId: string, patch: Metadata): Room {
    const { room } = this.require(roomId);
    return this.put({ ...room, metadata: mergeMetadata(room.metadata, patch), version: room.version + 1 });
  }

  /** Writes a room as it shall be. */
  put(room: Room): Room {
    const state = this.require(room.id);
    const own = freezeJson(room);
    this.sql
      .get('UPDATE rooms SET organization_id = ?, status = ?, has_timers = ?, event_count = ?, latest_index = ?, version = ?, json = ? WHERE id = ?')
      .run(own.organizationId ?? null, own.status, timed(own), own.eventCount, own.latestIndex, own.version, encode(own), own.id);
    this.#pending.set(own.id, Object.freeze({ room: own, bindings: state.bindings, participants: state.participants }));
    return copyJson(own);
  }

  /** Only the counters have changed: the commonest write, and the smallest. */
  putCounters(room: Room): void {
    const state = this.require(room.id);
    this.sql
      .get('UPDATE rooms SET event_count = ?, latest_index = ?, version = ? WHERE id = ?')
      .run(room.eventCount, room.latestIndex, room.version, room.id);
    this.#pending.set(room.id, Object.freeze({ room: Object.freeze(room), bindings: state.bindings, participants: state.participants }));
  }

  checkFence(roomId: string, token: number | undefined): void {
    if (token === undefined) return;
    const row = this.sql.get('SELECT fence FROM rooms WHERE id = ?').get(roomId) as { fence: number } | undefined;
    const highest = Number(row?.fence ?? -1);
    if (token < highest) throw new FencedError(roomId, token, highest);
    if (token > highest) this.sql.get('UPDATE rooms SET fence = ? WHERE id = ?').run(token, roomId);
  }

  delete(roomId: string): boolean {
    if (this.state(roomId) === null) return false;
    this.sql.get('DELETE FROM event_text WHERE rowid IN (SELECT number FROM events WHERE room_id = ?)').run(roomId);
    for (const table of [
      'events',
      'bindings',
      'participants',
      'tasks',
      'observations',
      'markers',
      'outbox',
      'turns',
      'outcomes',
      'held',
      'creations',
    ]) {
      this.sql.get(`DELETE FROM ${table} WHERE room_id = ?`).run(roomId);
    }
    this.sql.get('DELETE FROM rooms WHERE id = ?').run(roomId);
    this.#pending.set(roomId, null);
    return true;
  }

  find(query: RoomQuery): Room[] {
    const where: string[] = [];
    const values: (string | number)[] = [];
    if (query.organizationId !== undefined) {
      where.push('organization_id = ?');
      values.push(query.organizationId);
    }
    if (query.status !== undefined) {
      const statuses = [query.status].flat();
      where.push(`status IN (${marks(statuses)})`);
      values.push(...statuses);
    }
    if (query.withTimers === true) where.push('has_timers = 1');
    for (const [key, value] of Object.entries(query.metadata ?? {})) {
      where.push('json_extract(json, ?) = json_extract(?, ?)');
      values.push(`$.metadata.${JSON.stringify(key)}`, JSON.stringify({ v: value }), '$.v');
    }
    values.push(query.limit ?? -1, query.offset ?? 0);
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.#rooms(`SELECT * FROM rooms ${filter} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`, values);
  }

  findLatest(query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string }): Room | null {
    const rooms = this.#rooms(
      `SELECT DISTINCT rooms.* FROM participants JOIN rooms ON rooms.id = participants.room_id
       ${query.channelType === undefined ? '' : 'JOIN bindings ON bindings.room_id = rooms.id AND bindings.channel_type = ?'}
       WHERE (participants.id = ? OR participants.external_id = ?) ORDER BY rooms.created_at DESC, rooms.id DESC`,
      [...(query.channelType === undefined ? [] : [query.channelType]), query.participantId, query.participantId],
    );
    return (
      rooms.find(
        (room) =>
          (query.status === undefined || room.status === query.status) &&
          (query.organizationId === undefined || room.organizationId === query.organizationId),
      ) ?? null
    );
  }

  roomIdsByChannel(channelId: string, status: RoomStatus | undefined): string[] {
    const rows = this.sql
      .get(
        `SELECT rooms.id FROM bindings JOIN rooms ON rooms.id = bindings.room_id WHERE bindings.channel_id = ? ${status === undefined ? '' : 'AND rooms.status = ?'}`,
      )
      .all(...(status === undefined ? [channelId] : [channelId, status])) as { id: string }[];
    return rows.map(({ id }) => id);
  }

  route(query: RouteQuery): RouteCandidates {
    const organization = query.organizationId === undefined ? '' : 'AND rooms.organization_id = ?';
    const scope = query.organizationId === undefined ? [] : [query.organizationId];
    if (query.idempotencyKey !== undefined) {
      const row = this.sql
        .get(
          `SELECT room_id FROM events JOIN rooms ON rooms.id = events.room_id WHERE channel_id = ? AND idempotency_key = ? ${organization} ORDER BY number DESC LIMIT 1`,
        )
        .get(query.channelId, query.idempotencyKey, ...scope) as { room_id: string } | undefined;
      if (row !== undefined) return { keyed: row.room_id, addressed: [], participating: [], bound: [] };
    }
    const newest = `AND rooms.${OPEN} ${organization} ORDER BY rooms.created_at DESC, rooms.id DESC LIMIT 2`;
    const addressed = this.#candidates(
      `SELECT rooms.id, rooms.created_at, bindings.address FROM bindings JOIN rooms ON rooms.id = bindings.room_id WHERE bindings.channel_id = ? AND bindings.address = ? ${newest}`,
      [query.channelId, query.address, ...scope],
    );
    if (addressed.length > 0) return { addressed, participating: [], bound: [] };
    const participating = this.#candidates(
      `SELECT DISTINCT rooms.id, rooms.created_at FROM participants JOIN rooms ON rooms.id = participants.room_id
       JOIN bindings ON bindings.room_id = rooms.id AND bindings.channel_type = ?
       JOIN json_each(json_array(json_extract(participants.json, '$.channelId'), json_extract(participants.json, '$.connectedVia'))) AS via
         ON via.value = bindings.channel_id OR (via.type = 'array' AND bindings.channel_id IN (SELECT value FROM json_each(via.value)))
       WHERE participants.id = ? ${newest}`,
      [query.channelType, query.senderId, ...scope],
    );
    const byExternal = this.#candidates(
      `SELECT DISTINCT rooms.id, rooms.created_at FROM participants JOIN rooms ON rooms.id = participants.room_id
       JOIN bindings ON bindings.room_id = rooms.id AND bindings.channel_type = ? WHERE participants.external_id = ? ${newest}`,
      [query.channelType, query.senderId, ...scope],
    );
    const people = [...participating, ...byExternal.filter((one) => !participating.some((other) => other.roomId === one.roomId))]
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
      .slice(0, 2);
    if (people.length > 0) return { addressed, participating: people, bound: [] };
    const bound = this.#candidates(
      `SELECT rooms.id, rooms.created_at, bindings.address FROM bindings JOIN rooms ON rooms.id = bindings.room_id WHERE bindings.channel_id = ? ${newest}`,
      [query.channelId, ...scope],
    );
    return { addressed, participating: people, bound };
  }

  // --- members -------------------------------------------------------------------------------------------------------

  putBinding(binding: ChannelBinding): void {
    const state = this.require(binding.roomId);
    const own = freezeJson(copyJson(binding));
    const at = state.bindings.findIndex((other) => other.channelId === own.channelId);
    const bindings = at === -1 ? [...state.bindings, own] : state.bindings.map((other, position) => (position === at ? own : other));
    this.sql
      .get(
        `INSERT INTO bindings (room_id, channel_id, position, address, channel_type, json)
         VALUES (?, ?, (SELECT COALESCE(MAX(position), -1) + 1 FROM bindings WHERE room_id = ?), ?, ?, ?)
         ON CONFLICT (room_id, channel_id) DO UPDATE SET address = excluded.address, channel_type = excluded.channel_type, json = excluded.json`,
      )
      .run(own.roomId, own.channelId, own.roomId, own.address ?? null, own.channelType, JSON.stringify(own));
    this.#pending.set(own.roomId, Object.freeze({ ...state, bindings: Object.freeze(bindings) }));
  }

  removeBinding(roomId: string, channelId: string): void {
    const state = this.require(roomId);
    this.sql.get('DELETE FROM bindings WHERE room_id = ? AND channel_id = ?').run(roomId, channelId);
    this.#pending.set(
      roomId,
      Object.freeze({ ...state, bindings: Object.freeze(state.bindings.filter((binding) => binding.channelId !== channelId)) }),
    );
  }

  putParticipant(participant: Participant): void {
    const state = this.require(participant.roomId);
    const own = freezeJson(copyJson(participant));
    const at = state.participants.findIndex((other) => other.id === own.id);
    const participants = at === -1 ? [...state.participants, own] : state.participants.map((other, position) => (position === at ? own : other));
    this.sql
      .get(
        `INSERT INTO participants (room_id, id, position, external_id, json)
         VALUES (?, ?, (SELECT COALESCE(MAX(position), -1) + 1 FROM participants WHERE room_id = ?), ?, ?)
         ON CONFLICT (room_id, id) DO UPDATE SET external_id = excluded.external_id, json = excluded.json`,
      )
      .run(own.roomId, own.id, own.roomId, own.externalId ?? null, JSON.stringify(own));
    this.#pending.set(own.roomId, Object.freeze({ ...state, participants: Object.freeze(participants) }));
  }

  // --- reading -------------------------------------------------------------------------------------------------------

  #read(roomId: string): RoomState | null {
    const [room] = this.#rooms('SELECT * FROM rooms WHERE id = ?', [roomId]);
    if (room === undefined) return null;
    const bindings = this.sql.models<ChannelBinding>('SELECT json FROM bindings WHERE room_id = ? ORDER BY position', roomId);
    const participants = this.sql.models<Participant>('SELECT json FROM participants WHERE room_id = ? ORDER BY position', roomId);
    return Object.freeze({ room: freezeJson(room), bindings: freezeJson(bindings), participants: freezeJson(participants) });
  }

  #rooms(sql: string, values: (string | number)[]): Room[] {
    const rows = this.sql.get(sql).all(...values) as { json: string; event_count: number; latest_index: number; version: number }[];
    return rows.map((row) => ({
      ...(JSON.parse(row.json) as StoredRoom),
      eventCount: Number(row.event_count),
      latestIndex: Number(row.latest_index),
      version: Number(row.version),
    }));
  }

  #candidates(sql: string, values: (string | number)[]): (RouteCandidate & { address?: string })[] {
    const rows = this.sql.get(sql).all(...values) as { id: string; created_at: string; address?: string | null }[];
    return rows.map(({ id, created_at, address }) => ({ roomId: id, createdAt: created_at, ...(typeof address === 'string' && { address }) }));
  }

  #keep(roomId: string, state: RoomState): void {
    this.#cache.delete(roomId);
    this.#cache.set(roomId, state);
    if (this.#cache.size <= MAX_CACHED) return;
    const oldest = this.#cache.keys().next();
    if (oldest.done !== true) this.#cache.delete(oldest.value);
  }
}

function timed(room: Room): number {
  return room.timers.inactiveAfterSeconds !== undefined || room.timers.closedAfterSeconds !== undefined ? 1 : 0;
}

/** The room without its counters, which have columns of their own. */
function encode(room: Room): string {
  const { eventCount: _count, latestIndex: _index, version: _version, ...rest } = room;
  return JSON.stringify(rest);
}
