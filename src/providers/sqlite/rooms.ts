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
  type Metadata,
  type Participant,
  type Room,
  type RoomState,
} from './core.js';
import type { SqliteLateEvents } from './late-events.js';
import { COUNTED_EVERY, isOpen, ROOM_COLUMNS, roomOf, type RoomRow } from './room-rows.js';
import type { Statements } from './statements.js';
import { Json } from './text.js';

const MAX_CACHED = 10_000;
/** Beyond that, counters are written with every event. */
const MAX_BEHIND = 10_000;

export class SqliteRooms {
  readonly #cache = new Map<string, RoomState>();
  /** Ahead of the disk: what the running transaction has changed. */
  readonly #pending = new Map<string, RoomState | null>();
  /** Rooms whose events may be ahead of their counters. */
  readonly #behind = new Set<string>();
  /** Counts changes of rooms and reads of them: what is read again may have changed, for all this process knows. */
  #revisions = 0;

  constructor(
    private readonly sql: Statements,
    private readonly late: SqliteLateEvents,
  ) {}

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
    for (const roomId of this.#pending.keys()) {
      this.#cache.delete(roomId);
      this.#behind.add(roomId); // its counters may have been written, and are not any more
    }
    this.#pending.clear();
  }

  /** A savepoint was rolled back: the room is as it was before it. */
  restore(roomId: string, before: RoomState | null | undefined): void {
    this.#behind.add(roomId);
    if (before === undefined) this.#pending.delete(roomId);
    else this.#pending.set(roomId, before);
  }

  pendingOf(roomId: string): RoomState | null | undefined {
    return this.#pending.get(roomId);
  }

  /** Reads the room again: the disk holds what memory did not know of. */
  reread(roomId: string): void {
    this.#cache.delete(roomId);
    this.#pending.set(roomId, this.#read(roomId));
  }

  // --- rooms ---------------------------------------------------------------------------------------------------------

  /** Takes ownership of the room. */
  create(room: Room): Room {
    if (this.state(room.id) !== null) throw new RoomExistsError(room.id);
    const own = freezeJson(room);
    this.insert(own, -1);
    this.#changed({ room: own, bindings: Object.freeze([]), participants: Object.freeze([]) });
    return copyJson(own);
  }

  /** The rows of a room, as it is given; nothing is kept of it before it is read. */
  insert(room: Room, fence: number): void {
    // The columns of version 1 for counters must be filled; they are not looked at (see the schema).
    this.sql
      .get(
        'INSERT INTO rooms (id, organization_id, status, created_at, has_timers, event_count, latest_index, version, json) VALUES (?, ?, ?, ?, ?, 0, -1, 0, ?)',
      )
      .run(room.id, room.organizationId ?? null, room.status, room.createdAt, timed(room), encode(room));
    this.sql
      .get('INSERT INTO counters (room_id, event_count, latest_index, version, fence, updated_at) VALUES (?, ?, ?, ?, ?, ?)')
      .run(room.id, room.eventCount, room.latestIndex, room.version, fence, room.updatedAt);
  }

  createOnce(key: string, room: Room, ttlSeconds: number): { room: Room; created: boolean } {
    const atMs = Date.parse(room.createdAt);
    const earlier = this.sql.get('SELECT room_id, at_ms FROM creations WHERE key = ?').get(key) as { room_id: string; at_ms: number } | undefined;
    const keyed = earlier !== undefined && atMs - Number(earlier.at_ms) < ttlSeconds * 1000 ? this.state(earlier.room_id) : null;
    const known = keyed ?? this.state(room.id);
    if (known !== null) return { room: copyJson(known.room), created: false };
    this.sql.get('DELETE FROM creations WHERE at_ms <= ?').run(atMs - ttlSeconds * 1000);
    this.sql.get('INSERT OR REPLACE INTO creations (key, room_id, at_ms) VALUES (?, ?, ?)').run(key, room.id, atMs);
    return { room: this.create(room), created: true };
  }

  /** Takes ownership of the room. */
  update(room: Room): Room {
    const current = this.require(room.id).room;
    if (room.version !== current.version) {
      throw new ConflictError(
        `Room '${room.id}' was changed since it was read (version ${room.version}, now ${current.version}). ` +
          'Read it again, or use kit.updateRoomMetadata or kit.setActiveAgent, which merge.',
      );
    }
    return this.put({
      ...room,
      createdAt: current.createdAt,
      updatedAt: room.updatedAt > current.updatedAt ? room.updatedAt : current.updatedAt,
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
    const before = this.require(room.id).room;
    const own = freezeJson(room);
    this.sql
      .get('UPDATE rooms SET organization_id = ?, status = ?, has_timers = ?, json = ? WHERE id = ?')
      .run(own.organizationId ?? null, own.status, timed(own), encode(own), own.id);
    if (isOpen(before) !== isOpen(own)) this.sql.get('UPDATE bindings SET room_open = ? WHERE room_id = ?').run(isOpen(own) ? 1 : 0, own.id);
    this.putCounters(own);
    this.#changed(this.require(own.id));
    return copyJson(own);
  }

  /** One event more, which is written: the commonest change. The row of the counters follows now and then. */
  count(room: Room): void {
    if (room.latestIndex % COUNTED_EVERY === COUNTED_EVERY - 1 || this.#behind.size >= MAX_BEHIND) {
      this.putCounters(room);
      return;
    }
    this.#behind.add(room.id);
    this.#recount(room);
  }

  /** Whether the counters of any room are behind its events on the disk. */
  get isBehind(): boolean {
    return this.#behind.size > 0;
  }

  writeCounters(): void {
    for (const roomId of this.#behind) {
      const state = this.state(roomId);
      if (state !== null) this.putCounters(state.room);
    }
  }

  /** Only the counters have changed. */
  putCounters(room: Room): void {
    this.sql
      .get('UPDATE counters SET event_count = ?, latest_index = ?, version = ?, updated_at = ? WHERE room_id = ?')
      .run(room.eventCount, room.latestIndex, room.version, room.updatedAt, room.id);
    this.#behind.delete(room.id);
    this.#recount(room);
  }

  /** Field by field: spreading a frozen object takes ten times as long. */
  #recount(room: Room): void {
    const { bindings, participants, revision = ++this.#revisions } = this.require(room.id);
    this.#pending.set(room.id, Object.freeze({ room: Object.freeze(room), bindings, participants, revision }));
  }

  checkFence(roomId: string, token: number | undefined): void {
    if (token === undefined) return;
    const row = this.sql.get('SELECT fence FROM counters WHERE room_id = ?').get(roomId) as { fence: number } | undefined;
    const highest = Number(row?.fence ?? -1);
    if (token < highest) throw new FencedError(roomId, token, highest);
    if (token > highest) this.sql.get('UPDATE counters SET fence = ? WHERE room_id = ?').run(token, roomId);
  }

  /** With everything that belongs to it (STO-10). */
  delete(roomId: string): boolean {
    if (this.state(roomId) === null) return false;
    this.late.catchUp();
    const numbers = 'SELECT number FROM places WHERE room_id = ?';
    this.sql.get(`DELETE FROM event_text WHERE rowid IN (${numbers})`).run(roomId);
    this.sql.get(`DELETE FROM outcomes WHERE event_id IN (SELECT id FROM events WHERE number IN (${numbers}))`).run(roomId);
    this.sql.get(`DELETE FROM events WHERE number IN (${numbers})`).run(roomId);
    for (const table of [
      'places',
      'bindings',
      'participants',
      'tasks',
      'observations',
      'markers',
      'outbox',
      'turns',
      'approvals',
      'held',
      'creations',
      'counters',
      'usage',
    ])
      this.sql.get(`DELETE FROM ${table} WHERE room_id = ?`).run(roomId);
    this.sql.get('DELETE FROM rooms WHERE id = ?').run(roomId);
    this.#pending.set(roomId, null);
    return true;
  }

  // --- members -------------------------------------------------------------------------------------------------------

  /** Takes ownership of the binding. */
  putBinding(binding: ChannelBinding): void {
    const state = this.require(binding.roomId);
    const own = freezeJson(binding);
    const at = state.bindings.findIndex((other) => other.channelId === own.channelId);
    const bindings = at === -1 ? [...state.bindings, own] : state.bindings.map((other, position) => (position === at ? own : other));
    this.sql
      .get(
        `INSERT INTO bindings (room_id, channel_id, position, address, channel_type, room_open, json)
         VALUES (?, ?, (SELECT COALESCE(MAX(position), -1) + 1 FROM bindings WHERE room_id = ?), ?, ?, ?, ?)
         ON CONFLICT (room_id, channel_id) DO UPDATE SET address = excluded.address, channel_type = excluded.channel_type, json = excluded.json`,
      )
      .run(own.roomId, own.channelId, own.roomId, own.address ?? null, own.channelType, isOpen(state.room) ? 1 : 0, new Json(own));
    this.#changed({ ...state, bindings: Object.freeze(bindings) });
  }

  removeBinding(roomId: string, channelId: string): void {
    const state = this.require(roomId);
    this.sql.get('DELETE FROM bindings WHERE room_id = ? AND channel_id = ?').run(roomId, channelId);
    this.#changed({ ...state, bindings: Object.freeze(state.bindings.filter((binding) => binding.channelId !== channelId)) });
  }

  /** Takes ownership of the participant. */
  putParticipant(participant: Participant): void {
    const state = this.require(participant.roomId);
    const own = freezeJson(participant);
    const at = state.participants.findIndex((other) => other.id === own.id);
    const participants = at === -1 ? [...state.participants, own] : state.participants.map((other, position) => (position === at ? own : other));
    this.sql
      .get(
        `INSERT INTO participants (room_id, id, position, external_id, json)
         VALUES (?, ?, (SELECT COALESCE(MAX(position), -1) + 1 FROM participants WHERE room_id = ?), ?, ?)
         ON CONFLICT (room_id, id) DO UPDATE SET external_id = excluded.external_id, json = excluded.json`,
      )
      .run(own.roomId, own.id, own.roomId, own.externalId ?? null, new Json(own));
    this.#changed({ ...state, participants: Object.freeze(participants) });
  }

  removeParticipant(roomId: string, participantId: string): void {
    const state = this.require(roomId);
    this.sql.get('DELETE FROM participants WHERE room_id = ? AND id = ?').run(roomId, participantId);
    this.#changed({ ...state, participants: Object.freeze(state.participants.filter(({ id }) => id !== participantId)) });
  }

  /** More of the room is new than its counters. */
  #changed(state: RoomState): void {
    this.#pending.set(state.room.id, Object.freeze({ ...state, revision: ++this.#revisions }));
  }

  // --- reading -------------------------------------------------------------------------------------------------------

  #read(roomId: string): RoomState | null {
    const row = this.sql.get(`SELECT ${ROOM_COLUMNS} FROM rooms JOIN counters ON counters.room_id = rooms.id WHERE rooms.id = ?`).get(roomId) as
      RoomRow | undefined;
    if (row === undefined) return null;
    const bindings = this.sql.models<ChannelBinding>('SELECT json FROM bindings WHERE room_id = ? ORDER BY position', roomId);
    const participants = this.sql.models<Participant>('SELECT json FROM participants WHERE room_id = ? ORDER BY position', roomId);
    return freezeJson({ room: roomOf(row, this.late), bindings, participants, revision: ++this.#revisions });
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

/** The room without its counters, which have a table of their own. */
function encode(room: Room): Json {
  const { eventCount: _count, latestIndex: _index, version: _version, updatedAt: _at, ...rest } = room;
  return new Json(rest);
}
