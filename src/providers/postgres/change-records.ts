/** Records removed and rewritten, and new ones added, within a transaction (STO-20, ERA-06). */
import { addRecords } from './add-records.js';
import type { Sql } from './connection.js';
import type { RecordChanges, RemovableKind, RemovedRecord, RewrittenRecord } from './core.js';
import { lockIdentities } from './people.js';
import { deleteRoom, lockRoom, membersChanged } from './rooms.js';
import { Json, type Value } from './text.js';
import { writeEvent } from './timeline.js';

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

export async function changeRecords(sql: Sql, changes: RecordChanges): Promise<void> {
  const { roomId, fencingToken, remove = [], put = [], add = [], usageBefore } = changes;
  if ([...remove, ...add].some(({ kind }) => kind === 'identity' || kind === 'merge')) await lockIdentities(sql);
  if (roomId !== undefined) {
    if ((await sql.all('SELECT 1 FROM @rooms WHERE id = $1', roomId)).length === 0) return;
    await lockRoom(sql, roomId, fencingToken);
  }
  for (const [kind, ids] of byKind(remove)) await removeRecords(sql, kind, roomId, ids);
  if (roomId !== undefined) {
    for (const one of put) await rewrite(sql, one, roomId);
    const isMember = ({ kind }: RewrittenRecord | RemovedRecord): boolean => kind === 'participant' || kind === 'binding';
    if (put.some(isMember) || remove.some(isMember)) await membersChanged(sql, roomId);
    if (usageBefore !== undefined) await sql.all('DELETE FROM @usage WHERE room_id = $1 AND at < $2', roomId, usageBefore);
  }
  await addRecords(sql, add);
}

async function rewrite(sql: Sql, one: RewrittenRecord, roomId: string): Promise<void> {
  switch (one.kind) {
    case 'event':
      await writeEvent(sql, one.event);
      return;
    case 'participant':
      await sql.all('UPDATE @participants SET json = $1 WHERE room_id = $2 AND id = $3', new Json(one.participant), roomId, one.participant.id);
      return;
    case 'binding':
      await sql.all('UPDATE @bindings SET json = $1 WHERE room_id = $2 AND channel_id = $3', new Json(one.binding), roomId, one.binding.channelId);
      return;
    case 'task':
      await sql.all('UPDATE @tasks SET json = $1 WHERE room_id = $2 AND id = $3', new Json(one.task), roomId, one.task.id);
      return;
    case 'observation':
      await sql.all('UPDATE @observations SET json = $1 WHERE room_id = $2 AND id = $3', new Json(one.observation), roomId, one.observation.id);
      return;
    case 'approval':
      await sql.all('UPDATE @approvals SET json = $1 WHERE room_id = $2 AND id = $3', new Json(one.approval), roomId, one.approval.id);
  }
}

function byKind(remove: readonly RemovedRecord[]): Map<RemovableKind, string[]> {
  const ids = new Map<RemovableKind, string[]>();
  for (const { kind, id } of remove) ids.set(kind, [...(ids.get(kind) ?? []), id]);
  return ids;
}

/** Records of a room, by the column that tells them apart. */
const IN_ROOM: Partial<Record<RemovableKind, readonly [table: string, column: string]>> = {
  participant: ['participants', 'id'],
  binding: ['bindings', 'channel_id'],
  outcome: ['outcomes', 'event_id'],
  task: ['tasks', 'id'],
  observation: ['observations', 'id'],
  approval: ['approvals', 'id'],
  row: ['outbox', 'id'],
  turn: ['turns', 'id'],
};

/** Records of no room, or of any. */
const ANYWHERE: Partial<Record<RemovableKind, readonly [table: string, column: string]>> = {
  merge: ['merges', 'from_id'],
  held: ['held', 'id'],
  creation: ['creations', 'key'],
  fact: ['facts', 'key'],
};

async function removeRecords(sql: Sql, kind: RemovableKind, roomId: string | undefined, ids: readonly string[]): Promise<void> {
  const inRoom = IN_ROOM[kind];
  const anywhere = ANYWHERE[kind];
  const values: Value[] = [roomId ?? null, ids];
  if (inRoom !== undefined) await sql.all(`DELETE FROM @${inRoom[0]} WHERE room_id = $1 AND ${inRoom[1]} = ANY ($2::text[])`, ...values);
  else if (anywhere !== undefined) await sql.all(`DELETE FROM @${anywhere[0]} WHERE ${anywhere[1]} = ANY ($1::text[])`, ids);
  else if (kind === 'event') {
    const gone = await sql.all('DELETE FROM @events WHERE room_id = $1 AND id = ANY ($2::text[]) RETURNING 1', ...values);
    await sql.all('DELETE FROM @outcomes WHERE room_id = $1 AND event_id = ANY ($2::text[])', ...values);
    if (gone.length > 0)
      await sql.all('UPDATE @rooms SET event_count = event_count - $1, version = version + 1 WHERE id = $2', gone.length, roomId ?? null);
  } else if (kind === 'identity') {
    await sql.all('DELETE FROM @addresses WHERE identity_id = ANY ($1::text[])', ids);
    await sql.all('DELETE FROM @identities WHERE id = ANY ($1::text[])', ids);
  } else for (const id of ids) await deleteRoom(sql, id);
}
