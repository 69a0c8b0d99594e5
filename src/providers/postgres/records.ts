/** Tasks, observations, markers, messages on hold and facts in PostgreSQL. */
import { model, models, type Sql } from './connection.js';
import { RoomNotFoundError, type Fact, type FactQuery, type HeldMessage, type Metadata, type Observation, type Task } from './core.js';
import { decodeText, Json, parseJson } from './text.js';

/** The room's row is held, so that it is not deleted meanwhile. */
export async function putTask(sql: Sql, task: Task): Promise<void> {
  const rows = await sql.all(
    `INSERT INTO @tasks (id, json) SELECT $1, $2 FROM (SELECT 1 FROM @rooms WHERE id = $3 FOR SHARE) AS room
     ON CONFLICT (id) DO UPDATE SET json = excluded.json RETURNING 1`,
    task.id,
    new Json(task),
    task.roomId,
  );
  if (rows.length === 0) throw new RoomNotFoundError(task.roomId);
}

export function getTask(sql: Sql, taskId: string): Promise<Task | null> {
  return model(sql, 'SELECT json FROM @tasks WHERE id = $1', taskId);
}

export function listTasks(sql: Sql, roomId: string, status: Task['status'] | undefined): Promise<Task[]> {
  return models(sql, 'SELECT json FROM @tasks WHERE room_id = $1 AND ($2::text IS NULL OR status = $2) ORDER BY number', roomId, status ?? null);
}

export function listDueTasks(sql: Sql, { before, limit }: { readonly before?: string; readonly limit?: number }): Promise<Task[]> {
  return models(
    sql,
    `SELECT json FROM @tasks WHERE status = 'in_progress' AND expires_at IS NOT NULL AND ($1::text IS NULL OR expires_at < $1)
     ORDER BY expires_at, number LIMIT $2`,
    before ?? null,
    limit ?? null,
  );
}

export async function addObservation(sql: Sql, observation: Observation): Promise<void> {
  const rows = await sql.all(
    `INSERT INTO @observations (id, json) SELECT $1, $2 FROM (SELECT 1 FROM @rooms WHERE id = $3 FOR SHARE) AS room
     ON CONFLICT (id) DO UPDATE SET json = excluded.json RETURNING 1`,
    observation.id,
    new Json(observation),
    observation.roomId,
  );
  if (rows.length === 0) throw new RoomNotFoundError(observation.roomId);
}

export function listObservations(sql: Sql, roomId: string): Promise<Observation[]> {
  return models(sql, 'SELECT json FROM @observations WHERE room_id = $1 ORDER BY number', roomId);
}

export async function setReadMarker(sql: Sql, roomId: string, channelId: string, index: number): Promise<void> {
  await sql.all(
    `INSERT INTO @markers (room_id, channel_id, idx) SELECT $1, $2, $3 FROM (SELECT 1 FROM @rooms WHERE id = $1 FOR SHARE) AS room
     ON CONFLICT (room_id, channel_id) DO UPDATE SET idx = GREATEST(markers.idx, excluded.idx)`,
    roomId,
    channelId,
    index,
  );
}

export async function getReadMarker(sql: Sql, roomId: string, channelId: string): Promise<number | null> {
  const [row] = await sql.all('SELECT idx FROM @markers WHERE room_id = $1 AND channel_id = $2', roomId, channelId);
  return row === undefined ? null : (row['idx'] as number);
}

/** Within a transaction. Two who hold under one key come one after another. */
export async function holdMessage(sql: Sql, message: HeldMessage, maxPerKey: number): Promise<void> {
  await sql.all('SELECT pg_advisory_xact_lock(hashtextextended($1, 5))', `${message.kind} ${message.key}`);
  await sql.all('DELETE FROM @held WHERE id = $1 OR expires_at <= $2', message.id, message.heldAt);
  await sql.all(
    'INSERT INTO @held (id, kind, key, room_id, expires_at, json) VALUES ($1, $2, $3, $4, $5, $6)',
    message.id,
    message.kind,
    message.key,
    message.roomId ?? null,
    message.expiresAt,
    new Json(message),
  );
  await sql.all(
    'DELETE FROM @held WHERE kind = $1 AND key = $2 AND number NOT IN (SELECT number FROM @held WHERE kind = $1 AND key = $2 ORDER BY number DESC LIMIT $3)',
    message.kind,
    message.key,
    maxPerKey,
  );
}

export function listHeld(sql: Sql, kind: HeldMessage['kind'], key: string, now: string): Promise<HeldMessage[]> {
  return models(sql, 'SELECT json FROM @held WHERE kind = $1 AND key = $2 AND expires_at > $3 ORDER BY number', kind, key, now);
}

export async function dropHeld(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.all('DELETE FROM @held WHERE id = ANY ($1::text[])', ids);
}

export function getFact(sql: Sql, key: string): Promise<Metadata | null> {
  return model(sql, 'SELECT json FROM @facts WHERE key = $1', key);
}

export async function putFact(sql: Sql, key: string, fact: Metadata | null): Promise<void> {
  if (fact === null) await sql.all('DELETE FROM @facts WHERE key = $1', key);
  else await sql.all('INSERT INTO @facts (key, json) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET json = excluded.json', key, new Json(fact));
}

export async function listFacts(sql: Sql, { prefix, after, limit }: FactQuery): Promise<Fact[]> {
  const rows = await sql.all(
    'SELECT key, json FROM @facts WHERE key >= $1 AND starts_with(key, $1) AND key > $2 ORDER BY key LIMIT $3',
    prefix,
    after ?? '',
    limit ?? null,
  );
  return rows.map(({ key, json }) => ({ key: decodeText(key as string), fact: parseJson<Metadata>(json as string) }));
}
