/** Finding rooms in PostgreSQL: lists, a participant's newest, a channel's, and what the router decides by (RTR-01). */
import { keyDigest } from '../_shared/erased-key.js';
import type { Row, Sql } from './connection.js';
import type { ChannelType, Room, RoomQuery, RoomStatus, RouteCandidate, RouteCandidates, RouteQuery } from './core.js';
import { Filter } from './filter.js';
import { MAX_CACHED, ROOM_COLUMNS, roomOf, stateColumns, type KnownRooms } from './rooms.js';
import { inRoom } from './tables.js';
import { decodeText, Json } from './text.js';

const NEWEST_FIRST = 'ORDER BY rooms.created_at DESC, rooms.id DESC';
/** A participant of this room is reached through this binding. */
const REACHED_THROUGH = `(bindings.channel_id = participants.json ->> 'channelId'
  OR bindings.channel_id IN (SELECT json_array_elements_text(participants.json -> 'connectedVia')))`;

export async function findRooms(sql: Sql, query: RoomQuery): Promise<Room[]> {
  const filter = new Filter().add('rooms.organization_id = ?', query.organizationId);
  if (typeof query.status === 'string') filter.add('rooms.status = ?', query.status);
  else filter.add('rooms.status = ANY (?)', query.status);
  if (query.withTimers === true) filter.also('rooms.has_timers');
  for (const [key, value] of Object.entries(query.metadata ?? {})) {
    filter.add(`(rooms.json -> 'metadata' -> ${filter.place(key)}::text)::jsonb = ?::jsonb`, new Json(value));
  }
  const paging = `LIMIT ${filter.place(query.limit ?? null)} OFFSET ${filter.place(query.offset ?? 0)}`;
  const rows = await sql.all(`SELECT ${ROOM_COLUMNS} FROM @rooms AS rooms ${filter.where} ${NEWEST_FIRST} ${paging}`, ...filter.values);
  return rows.map(roomOf);
}

export async function findLatestRoom(
  sql: Sql,
  query: { participantId: string; channelType?: ChannelType; status?: RoomStatus; organizationId?: string },
): Promise<Room | null> {
  const filter = new Filter()
    .add('(participants.id = ? OR participants.external_id = ?)', query.participantId)
    .add(
      `EXISTS (SELECT 1 FROM @bindings AS bindings WHERE bindings.room_id = rooms.id AND bindings.channel_type = ? AND ${REACHED_THROUGH})`,
      query.channelType,
    )
    .add('rooms.status = ?', query.status)
    .add('rooms.organization_id = ?', query.organizationId);
  const [row] = await sql.all(
    `SELECT ${ROOM_COLUMNS} FROM @participants AS participants JOIN @rooms AS rooms ON rooms.id = participants.room_id
     ${filter.where} ${NEWEST_FIRST} LIMIT 1`,
    ...filter.values,
  );
  return row === undefined ? null : roomOf(row);
}

export async function findRoomIdsByChannel(sql: Sql, channelId: string, status: RoomStatus | undefined): Promise<string[]> {
  const filter = new Filter().add('bindings.channel_id = ?', channelId).add('rooms.status = ?', status);
  const rows = await sql.all(
    `SELECT rooms.id FROM @bindings AS bindings JOIN @rooms AS rooms ON rooms.id = bindings.room_id ${filter.where}`,
    ...filter.values,
  );
  return rows.map(({ id }) => decodeText(id as string));
}

const STATE_COLUMNS = stateColumns('rooms.id = $7 AND rooms.stamp = $8::bigint', 'rooms.id = $7 AND rooms.members = $9::bigint');

/** In one round trip: of each kind at most two, and only what is needed when nothing of the kind before it is found. */
const ROUTE = `
  WITH keyed AS (
    SELECT rooms.id, events.number FROM @events AS events JOIN @rooms AS rooms ON rooms.id = events.room_id
    WHERE events.channel_id = $1 AND events.key_digest = decode($5, 'hex') AND ($6::text IS NULL OR rooms.organization_id = $6) ORDER BY events.number DESC LIMIT 1
  ), addressed AS (
    SELECT rooms.id, rooms.created_at FROM @bindings AS bindings JOIN @rooms AS rooms ON rooms.id = bindings.room_id
    WHERE NOT EXISTS (SELECT 1 FROM keyed) AND bindings.channel_id = $1 AND bindings.address = $4 AND bindings.room_open
      AND ($6::text IS NULL OR rooms.organization_id = $6) ${NEWEST_FIRST} LIMIT 2
  ), participating AS (
    SELECT DISTINCT rooms.id, rooms.created_at FROM @participants AS participants JOIN @rooms AS rooms ON rooms.id = participants.room_id
      JOIN @bindings AS bindings ON bindings.room_id = rooms.id AND bindings.channel_type = $2 AND bindings.room_open AND ${REACHED_THROUGH}
    WHERE NOT EXISTS (SELECT 1 FROM keyed) AND NOT EXISTS (SELECT 1 FROM addressed) AND (participants.id = $3 OR participants.external_id = $3)
      AND ($6::text IS NULL OR rooms.organization_id = $6) ${NEWEST_FIRST} LIMIT 2
  ), bound AS (
    SELECT rooms.id, rooms.created_at, bindings.address FROM @bindings AS bindings JOIN @rooms AS rooms ON rooms.id = bindings.room_id
    WHERE NOT EXISTS (SELECT 1 FROM keyed) AND NOT EXISTS (SELECT 1 FROM addressed) AND NOT EXISTS (SELECT 1 FROM participating)
      AND bindings.channel_id = $1 AND bindings.room_open AND ($6::text IS NULL OR rooms.organization_id = $6) LIMIT 2
  ), found AS (
    SELECT 'keyed' AS kind, id, NULL AS created_at, NULL AS address FROM keyed
    UNION ALL SELECT 'addressed', id, created_at, NULL FROM addressed
    UNION ALL SELECT 'participating', id, created_at, NULL FROM participating
    UNION ALL SELECT 'bound', id, created_at, address FROM bound
  ), chosen AS (
    SELECT id FROM found WHERE kind <> 'bound' OR NOT EXISTS (SELECT 1 FROM bound OFFSET 1) ORDER BY created_at DESC NULLS LAST, id DESC LIMIT 1
  )
  SELECT found.*, state.* FROM found LEFT JOIN LATERAL (
    SELECT ${STATE_COLUMNS}, keyed.json AS earlier, keyed.idx FROM @rooms AS rooms
      LEFT JOIN @events AS keyed ON keyed.key_digest = decode($5, 'hex') AND ${inRoom('keyed', 'rooms.id')}
      WHERE rooms.id = found.id AND found.id = (SELECT id FROM chosen)
  ) AS state ON true`;

/** Who writes again, writes into the same room: what this process knows of that one the server leaves out. */
export class Routes {
  readonly #last = new Map<string, string>();

  constructor(private readonly rooms: KnownRooms) {}

  async find(sql: Sql, query: RouteQuery): Promise<RouteCandidates> {
    const { channelId, channelType, senderId, address, idempotencyKey, organizationId } = query;
    const sender = JSON.stringify([channelId, senderId, address]);
    const last = this.#last.get(sender);
    const known = last === undefined ? undefined : this.rooms.known(last);
    const digest = idempotencyKey === undefined ? null : keyDigest(idempotencyKey);
    const asked = [channelId, channelType, senderId, address, digest, organizationId ?? null] as const;
    const rows = await sql.all(ROUTE, ...asked, last ?? null, known?.stamp ?? null, known?.members ?? null);
    const chosen = rows.find(({ version }) => version !== null);
    if (chosen === undefined) return candidatesOf(rows);
    const roomId = decodeText(chosen['id'] as string);
    const arrival = this.rooms.arrivalOf(roomId, chosen, roomId === last ? known : undefined);
    this.#keep(sender, roomId);
    return { ...candidatesOf(rows), arrival };
  }

  #keep(sender: string, roomId: string): void {
    this.#last.delete(sender);
    this.#last.set(sender, roomId);
    if (this.#last.size <= MAX_CACHED) return;
    const oldest = this.#last.keys().next();
    if (oldest.done !== true) this.#last.delete(oldest.value);
  }
}

function candidatesOf(rows: readonly Row[]): RouteCandidates {
  const keyed = rows.find(({ kind }) => kind === 'keyed');
  const of = (kind: string): Candidate[] => rows.filter((row) => row['kind'] === kind).map(candidateOf);
  return {
    ...(keyed !== undefined && { keyed: decodeText(keyed['id'] as string) }),
    addressed: of('addressed').sort(newestFirst),
    participating: of('participating').sort(newestFirst),
    bound: of('bound'),
  };
}

type Candidate = RouteCandidate & { readonly address?: string };

function candidateOf({ id, created_at: createdAt, address }: Row): Candidate {
  return {
    roomId: decodeText(id as string),
    createdAt: createdAt as string,
    ...(typeof address === 'string' && { address: decodeText(address) }),
  };
}

function newestFirst(a: Candidate, b: Candidate): number {
  return a.createdAt === b.createdAt ? (a.roomId < b.roomId ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1;
}
