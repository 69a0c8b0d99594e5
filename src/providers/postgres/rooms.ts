/**
 * Rooms, bindings and participants in PostgreSQL. What was read is kept with the stamps the server gave it: the next read asks
 * for what has changed since, which is mostly the counters.
 */
import { keyDigest } from '../_shared/erased-key.js';
import { model, models, type Connections, type Row, type Sql } from './connection.js';
import {
  ConflictError,
  copyJson,
  FencedError,
  freezeJson,
  mergeMetadata,
  RoomExistsError,
  RoomNotFoundError,
  type Arrival,
  type ChannelBinding,
  type Metadata,
  type Participant,
  type Room,
  type RoomState,
} from './core.js';
import { violates } from './errors.js';
import { inRoom } from './tables.js';
import { decodeText, Json, parseJson } from './text.js';
import { eventOf } from './timeline.js';

export const MAX_CACHED = 10_000;
/** What {@link roomOf} needs. */
export const ROOM_COLUMNS = 'rooms.json, rooms.event_count, rooms.latest_index, rooms.version, rooms.updated_at';

/** A room's state, for {@link KnownRooms.take}: what is known to be as it was is left out. */
export function stateColumns(isSameRoom: string, areSameMembers: string): string {
  return `rooms.event_count, rooms.latest_index, rooms.version, rooms.updated_at, rooms.stamp, rooms.members,
    CASE WHEN (${isSameRoom}) IS NOT TRUE THEN rooms.json END AS room,
    CASE WHEN (${areSameMembers}) IS NOT TRUE THEN (SELECT COALESCE(json_agg(b.json ORDER BY b.position), '[]') FROM @bindings AS b WHERE b.room_id = rooms.id) END AS bindings,
    CASE WHEN (${areSameMembers}) IS NOT TRUE THEN (SELECT COALESCE(json_agg(p.json ORDER BY p.position), '[]') FROM @participants AS p WHERE p.room_id = rooms.id) END AS participants`;
}

const LOADED = stateColumns('stamp = $2::bigint', 'members = $3::bigint');
const LOAD = `SELECT ${LOADED} FROM @rooms AS rooms WHERE id = $1`;
const ARRIVE = `SELECT ${LOADED}, keyed.json AS earlier, keyed.idx FROM @rooms AS rooms
  LEFT JOIN @events AS keyed ON keyed.key_digest = decode($4, 'hex') AND ${inRoom('keyed', '$1')} WHERE rooms.id = $1`;

interface Kept {
  readonly state: RoomState;
  readonly stamp: number;
  readonly members: number;
}

/** The rooms this process has read, as they were. */
export class KnownRooms {
  readonly #kept = new Map<string, Kept>();

  async load(sql: Pick<Connections, 'read'>, roomId: string): Promise<RoomState | null> {
    const kept = this.#kept.get(roomId);
    const [row] = await sql.read(LOAD, roomId, kept?.stamp ?? null, kept?.members ?? null);
    if (row === undefined) {
      this.#kept.delete(roomId);
      return null;
    }
    return this.take(roomId, row, kept);
  }

  /** With the event of this key, in the same statement. */
  async arrival(sql: Pick<Connections, 'read'>, roomId: string, key: string | undefined): Promise<Arrival | null> {
    if (key === undefined) {
      const state = await this.load(sql, roomId);
      return state === null ? null : { state, earlier: null };
    }
    const kept = this.#kept.get(roomId);
    const [row] = await sql.read(ARRIVE, roomId, kept?.stamp ?? null, kept?.members ?? null, keyDigest(key));
    if (row === undefined) {
      this.#kept.delete(roomId);
      return null;
    }
    return this.arrivalOf(roomId, row, kept);
  }

  arrivalOf(roomId: string, row: Row, kept: Kept | undefined): Arrival {
    const earlier = row['earlier'] as string | null;
    return { state: this.take(roomId, row, kept), earlier: earlier === null ? null : eventOf(earlier, row['idx'] as number) };
  }

  known(roomId: string): Kept | undefined {
    return this.#kept.get(roomId);
  }

  /** The room as the server gave it, of which it left out what `kept` has. */
  take(roomId: string, row: Row, kept: Kept | undefined): RoomState {
    const stamp = row['stamp'] as number;
    const members = row['members'] as number;
    const before = kept?.state;
    const sameMembers = before !== undefined && row['bindings'] === null;
    const room =
      before !== undefined && row['room'] === null
        ? sameMembers && before.room.version === row['version']
          ? before.room
          : { ...before.room, ...countersOf(row) }
        : freezeJson(roomOf({ ...row, json: row['room'] }));
    if (before !== undefined && sameMembers && room === before.room) return before;
    const state: RoomState = Object.freeze({
      room: Object.freeze(room),
      bindings: sameMembers ? before.bindings : freezeJson(parseJson<ChannelBinding[]>(row['bindings'] as string)),
      participants: sameMembers ? before.participants : freezeJson(parseJson<Participant[]>(row['participants'] as string)),
      revision: Math.max(stamp, members), // both are taken of one sequence, anew at each change
    });
    const newest = this.#kept.get(roomId);
    // An answer that was overtaken by a newer one is not kept: two answers may arrive in any order.
    if (newest === undefined || newest.state.room.version <= room.version || newest.stamp < stamp) this.#keep(roomId, { state, stamp, members });
    return state;
  }

  #keep(roomId: string, kept: Kept): void {
    this.#kept.delete(roomId);
    this.#kept.set(roomId, kept);
    if (this.#kept.size <= MAX_CACHED) return;
    const oldest = this.#kept.keys().next();
    if (oldest.done !== true) this.#kept.delete(oldest.value);
  }
}

export function roomOf(row: Row): Room {
  return { ...parseJson<Room>(row['json'] as string), ...countersOf(row) };
}

function countersOf(row: Row): Pick<Room, 'eventCount' | 'latestIndex' | 'version' | 'updatedAt'> {
  return {
    updatedAt: row['updated_at'] as string,
    eventCount: row['event_count'] as number,
    latestIndex: row['latest_index'] as number,
    version: row['version'] as number,
  };
}

/** The room without its counters, which have columns of their own. */
export function encodeRoom(room: Room): Json {
  const { eventCount: _count, latestIndex: _index, version: _version, updatedAt: _at, ...rest } = room;
  return new Json(rest);
}

export async function latestIndexes(sql: Sql, roomIds: readonly string[]): Promise<Map<string, number>> {
  if (roomIds.length === 0) return new Map();
  const rows = await sql.all('SELECT id, latest_index FROM @rooms WHERE id = ANY ($1::text[])', roomIds);
  return new Map(rows.map(({ id, latest_index: index }) => [decodeText(id as string), index as number]));
}

export async function createRoom(sql: Sql, room: Room): Promise<Room> {
  try {
    await sql.all(
      `INSERT INTO @rooms (id, json, event_count, latest_index, version, updated_at, stamp, members)
       VALUES ($1, $2, $3, $4, $5, $6, nextval('@stamps'), nextval('@stamps'))`,
      room.id,
      encodeRoom(room),
      room.eventCount,
      room.latestIndex,
      room.version,
      room.updatedAt,
    );
  } catch (error) {
    throw violates(error, 'rooms_pkey') ? new RoomExistsError(room.id) : error;
  }
  return room;
}

/** Within a transaction. Two who have one key come one after another. */
export async function createRoomOnce(sql: Sql, key: string, room: Room, ttlSeconds: number): Promise<{ room: Room; created: boolean }> {
  await sql.all('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', key);
  await sql.all('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', room.id);
  const atMs = Date.parse(room.createdAt);
  const [known] = await sql.all(
    `SELECT ${ROOM_COLUMNS} FROM @rooms AS rooms LEFT JOIN @creations AS creations ON creations.room_id = rooms.id AND creations.key = $1 AND $3 - creations.at_ms < $4
     WHERE creations.key IS NOT NULL OR rooms.id = $2 ORDER BY creations.key IS NULL LIMIT 1`,
    key,
    room.id,
    atMs,
    ttlSeconds * 1000,
  );
  if (known !== undefined) return { room: roomOf(known), created: false };
  await sql.all('DELETE FROM @creations WHERE at_ms <= $1', atMs - ttlSeconds * 1000);
  await sql.all(
    'INSERT INTO @creations (key, room_id, at_ms) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET room_id = excluded.room_id, at_ms = excluded.at_ms',
    key,
    room.id,
    atMs,
  );
  return { room: await createRoom(sql, room), created: true };
}

/** The room, locked until the transaction ends: it is the one who writes it. Checks and keeps the fencing token. */
export async function lockRoom(sql: Sql, roomId: string, fencingToken: number | undefined): Promise<Room> {
  const [row] = await sql.all(`SELECT ${ROOM_COLUMNS}, fence FROM @rooms AS rooms WHERE id = $1 FOR NO KEY UPDATE`, roomId);
  if (row === undefined) throw new RoomNotFoundError(roomId);
  const highest = row['fence'] as number;
  if (fencingToken !== undefined && fencingToken < highest) throw new FencedError(roomId, fencingToken, highest);
  if (fencingToken !== undefined && fencingToken > highest) await sql.all('UPDATE @rooms SET fence = $1 WHERE id = $2', fencingToken, roomId);
  return roomOf(row);
}

/** Within a transaction. */
export async function updateRoom(sql: Sql, room: Room, fencingToken: number | undefined): Promise<Room> {
  const current = await lockRoom(sql, room.id, fencingToken);
  if (room.version !== current.version) {
    throw new ConflictError(
      `Room '${room.id}' was changed since it was read (version ${room.version}, now ${current.version}). ` +
        'Read it again, or use kit.updateRoomMetadata or kit.setActiveAgent, which merge.',
    );
  }
  return putRoom(sql, {
    ...room,
    createdAt: current.createdAt,
    updatedAt: room.updatedAt > current.updatedAt ? room.updatedAt : current.updatedAt,
    eventCount: current.eventCount,
    latestIndex: current.latestIndex,
    version: current.version + 1,
  });
}

/** Within a transaction. */
export async function patchMetadata(sql: Sql, roomId: string, patch: Metadata, fencingToken: number | undefined): Promise<Room> {
  const room = await lockRoom(sql, roomId, fencingToken);
  return copyJson(await putRoom(sql, { ...room, metadata: mergeMetadata(room.metadata, patch), version: room.version + 1 }));
}

async function putRoom(sql: Sql, room: Room): Promise<Room> {
  await sql.all(
    "UPDATE @rooms SET json = $1, version = $2, updated_at = $3, stamp = nextval('@stamps') WHERE id = $4",
    encodeRoom(room),
    room.version,
    room.updatedAt,
    room.id,
  );
  return room;
}

const OWNED = [
  'events',
  'bindings',
  'participants',
  'tasks',
  'observations',
  'markers',
  'outbox',
  'turns',
  'outcomes',
  'approvals',
  'held',
  'creations',
  'usage',
  'leases',
] as const;

/** Within a transaction: with everything that belongs to it (STO-10). */
export async function deleteRoom(sql: Sql, roomId: string): Promise<boolean> {
  const rows = await sql.all('DELETE FROM @rooms WHERE id = $1 RETURNING id', roomId);
  if (rows.length === 0) return false;
  const parts = OWNED.map((table) => `${table} AS (DELETE FROM @${table} WHERE room_id = $1)`);
  await sql.all(`WITH ${parts.join(', ')} SELECT 1`, roomId);
  return true;
}

/** Within a transaction. */
export async function putBinding(sql: Sql, binding: ChannelBinding, fencingToken: number | undefined): Promise<void> {
  await lockRoom(sql, binding.roomId, fencingToken);
  await sql.all('SELECT @put_binding($1, $2, $3)', binding.roomId, binding.channelId, new Json(binding));
  await membersChanged(sql, binding.roomId);
}

/** Within a transaction. */
export async function putParticipant(sql: Sql, participant: Participant, fencingToken: number | undefined): Promise<void> {
  await lockRoom(sql, participant.roomId, fencingToken);
  await sql.all('SELECT @put_participant($1, $2, $3)', participant.roomId, participant.id, new Json(participant));
  await membersChanged(sql, participant.roomId);
}

export async function membersChanged(sql: Sql, roomId: string): Promise<void> {
  await sql.all("UPDATE @rooms SET members = nextval('@stamps') WHERE id = $1", roomId);
}

export function getBinding(sql: Sql, roomId: string, channelId: string): Promise<ChannelBinding | null> {
  return model(sql, 'SELECT json FROM @bindings WHERE room_id = $1 AND channel_id = $2', roomId, channelId);
}

export function listBindings(sql: Sql, roomId: string): Promise<ChannelBinding[]> {
  return models(sql, 'SELECT json FROM @bindings WHERE room_id = $1 ORDER BY position', roomId);
}

export function getParticipant(sql: Sql, roomId: string, participantId: string): Promise<Participant | null> {
  return model(sql, 'SELECT json FROM @participants WHERE room_id = $1 AND id = $2', roomId, participantId);
}

export function listParticipants(sql: Sql, roomId: string): Promise<Participant[]> {
  return models(sql, 'SELECT json FROM @participants WHERE room_id = $1 ORDER BY position', roomId);
}
