/** Records as erasure and retention see them, in PostgreSQL (ERA-06). */
import type { Sql } from './connection.js';
import type { ListedRecords, RecordChanges, PersonalRecordPage, PersonalRecordQuery, RemovedRecord, RewrittenRecord } from './core.js';
import { lockIdentities } from './people.js';
import { lockRoom, membersChanged } from './rooms.js';
import { decodeText, Json, parseJson, type Value } from './text.js';
import { eventOf, writeEvent } from './timeline.js';

/** Where the kinds are that can be looked through: their table, and by which columns it is walked. */
const LISTED: Readonly<Record<keyof ListedRecords, { readonly table: string; readonly by: readonly string[] }>> = {
  event: { table: 'events', by: ['room_id', 'idx'] },
  participant: { table: 'participants', by: ['room_id', 'id'] },
  binding: { table: 'bindings', by: ['room_id', 'channel_id'] },
  held: { table: 'held', by: ['number'] },
  creation: { table: 'creations', by: ['key'] },
};

/** Whatever people's data may have stood in. */
export const VACUUMED = [
  'events',
  'rooms',
  'participants',
  'bindings',
  'tasks',
  'observations',
  'outbox',
  'turns',
  'outcomes',
  'approvals',
  'held',
  'creations',
  'identities',
  'addresses',
  'merges',
  'facts',
  'notices',
] as const;

export async function listRecords<Kind extends keyof ListedRecords>(
  sql: Sql,
  { kind, containing, after, limit }: PersonalRecordQuery<Kind>,
): Promise<PersonalRecordPage<Kind>> {
  const { table, by } = LISTED[kind];
  const isCreation = kind === 'creation';
  const texts = containing?.map((text) => (isCreation ? text : new Json(text).text.slice(1, -1)));
  const from = after === undefined ? [] : (JSON.parse(after) as (string | number)[]);
  const columns = by.join(', ');
  const rows = await sql.all(
    `SELECT ${columns}, room_id, CASE WHEN $1::text[] IS NULL
       OR EXISTS (SELECT 1 FROM unnest($1::text[]) AS part WHERE strpos(${isCreation ? 'key' : 'json::text'}, part) > 0) THEN ${isCreation ? 'key' : 'json::text'} END AS found
     FROM @${table} ${after === undefined ? '' : `WHERE (${columns}) > (${by.map((_column, n) => `$${n + 3}`).join(', ')})`} ORDER BY ${columns} LIMIT $2`,
    texts ?? null,
    limit,
    ...from,
  );
  const last = rows.at(-1);
  return {
    records: rows.flatMap((row) => {
      const found = row['found'] as string | null;
      if (found === null) return [];
      // The table's writer put the type in.
      const record = isCreation
        ? { key: decodeText(found), roomId: decodeText(row['room_id'] as string) }
        : kind === 'event'
          ? eventOf(found, row['idx'] as number)
          : parseJson(found);
      return [record as ListedRecords[Kind]];
    }),
    ...(rows.length === limit && last !== undefined && { next: JSON.stringify(by.map((column) => decoded(last[column]))) }),
  };
}

function decoded(value: unknown): unknown {
  return typeof value === 'string' ? decodeText(value) : value;
}

/** Within a transaction. */
export async function changeRecords(sql: Sql, { roomId, fencingToken, put = [], remove = [], usageBefore }: RecordChanges): Promise<void> {
  if (roomId !== undefined) {
    if ((await sql.all('SELECT 1 FROM @rooms WHERE id = $1', roomId)).length === 0) return;
    await lockRoom(sql, roomId, fencingToken);
  }
  if (remove.some(({ kind }) => kind === 'identity' || kind === 'merge')) await lockIdentities(sql);
  for (const one of put) await putRecord(sql, one);
  for (const [kind, ids] of byKind(remove)) await removeRecords(sql, kind, roomId, ids);
  if (roomId === undefined) return;
  const isMember = ({ kind }: RewrittenRecord | RemovedRecord): boolean => kind === 'participant' || kind === 'binding';
  if (put.some(isMember) || remove.some(isMember)) await membersChanged(sql, roomId);
  if (usageBefore !== undefined) await sql.all('DELETE FROM @usage WHERE room_id = $1 AND at < $2', roomId, usageBefore);
}

async function putRecord(sql: Sql, { kind, record }: RewrittenRecord): Promise<void> {
  switch (kind) {
    case 'event':
      await writeEvent(sql, record);
      return;
    case 'participant':
      await sql.all('UPDATE @participants SET json = $1 WHERE room_id = $2 AND id = $3', new Json(record), record.roomId, record.id);
      return;
    case 'binding':
      await sql.all('UPDATE @bindings SET json = $1 WHERE room_id = $2 AND channel_id = $3', new Json(record), record.roomId, record.channelId);
      return;
    case 'task':
      await sql.all('UPDATE @tasks SET json = $1 WHERE id = $2', new Json(record), record.id);
      return;
    case 'observation':
      await sql.all('UPDATE @observations SET json = $1 WHERE id = $2', new Json(record), record.id);
      return;
    case 'approval':
      await sql.all('UPDATE @approvals SET json = $1 WHERE id = $2', new Json(record), record.id);
  }
}

type Kind = RemovedRecord['kind'];

function byKind(remove: readonly RemovedRecord[]): Map<Kind, string[]> {
  const ids = new Map<Kind, string[]>();
  for (const one of remove) ids.set(one.kind, [...(ids.get(one.kind) ?? []), idOf(one)]);
  return ids;
}

function idOf({ kind, record }: RemovedRecord): string {
  switch (kind) {
    case 'binding':
      return record.channelId;
    case 'outcome':
      return record.eventId;
    case 'creation':
      return record.key;
    case 'merge':
      return record.fromId;
    default:
      return record.id;
  }
}

/** Records of a room, by the column that tells them apart. */
const IN_ROOM: Partial<Record<Kind, readonly [table: string, column: string]>> = {
  participant: ['participants', 'id'],
  binding: ['bindings', 'channel_id'],
  outcome: ['outcomes', 'event_id'],
  task: ['tasks', 'id'],
  observation: ['observations', 'id'],
  approval: ['approvals', 'id'],
  row: ['outbox', 'id'],
  turn: ['turns', 'id'],
};

async function removeRecords(sql: Sql, kind: Kind, roomId: string | undefined, ids: readonly string[]): Promise<void> {
  const place = IN_ROOM[kind];
  if (place !== undefined) {
    const values: Value[] = [roomId ?? null, ids];
    await sql.all(`DELETE FROM @${place[0]} WHERE room_id = $1 AND ${place[1]} = ANY ($2::text[])`, ...values);
  } else if (kind === 'event') {
    const gone = await sql.all('DELETE FROM @events WHERE room_id = $1 AND id = ANY ($2::text[]) RETURNING 1', roomId ?? null, ids);
    await sql.all('DELETE FROM @outcomes WHERE room_id = $1 AND event_id = ANY ($2::text[])', roomId ?? null, ids);
    if (gone.length > 0)
      await sql.all('UPDATE @rooms SET event_count = event_count - $1, version = version + 1 WHERE id = $2', gone.length, roomId ?? null);
  } else if (kind === 'identity') {
    await sql.all('DELETE FROM @addresses WHERE identity_id = ANY ($1::text[])', ids);
    await sql.all('DELETE FROM @identities WHERE id = ANY ($1::text[])', ids);
  } else if (kind === 'merge') await sql.all('DELETE FROM @merges WHERE from_id = ANY ($1::text[])', ids);
  else if (kind === 'held') await sql.all('DELETE FROM @held WHERE id = ANY ($1::text[])', ids);
  else await sql.all('DELETE FROM @creations WHERE key = ANY ($1::text[])', ids);
}
