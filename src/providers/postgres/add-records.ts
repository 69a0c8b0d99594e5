/** Records added as they were read, within a transaction (STO-20). */
import { keyDigest } from '../_shared/erased-key.js';
import type { Sql } from './connection.js';
import { RECORD_KINDS, RoomNotFoundError, type RecordKind, type RoomRecord, type StoredRecord } from './core.js';
import { replaceIdentity } from './people.js';
import { encodeRoom } from './rooms.js';
import { decodeText, Json, type Value } from './text.js';
import { searchedWords } from './timeline.js';

type Of<Kind extends RecordKind> = Extract<StoredRecord, { readonly kind: Kind }>;

/** Within a transaction that changes identities alone. Kind by kind, as one statement each: a copy has millions of records. */
export async function addRecords(sql: Sql, records: readonly StoredRecord[]): Promise<void> {
  for (const kind of RECORD_KINDS) {
    const own = records.filter((record) => record.kind === kind);
    if (own.length > 0) await WRITERS[kind](sql, own as never); // they are of this kind
  }
}

const WRITERS: { readonly [Kind in RecordKind]: (sql: Sql, records: readonly Of<Kind>[]) => Promise<void> } = {
  identity: async (sql, records) => {
    for (const { identity } of records) await replaceIdentity(sql, identity);
  },
  merge: (sql, records) =>
    insert(sql, 'merges', ['from_id', 'into_id', 'json'], 'ON CONFLICT (from_id) DO UPDATE SET into_id = excluded.into_id, json = excluded.json', [
      records.map(({ merge }) => merge.fromId),
      records.map(({ merge }) => merge.intoId),
      records.map(({ merge }) => new Json(merge)),
    ]),
  fact: (sql, records) =>
    insert(sql, 'facts', ['key', 'json'], 'ON CONFLICT (key) DO UPDATE SET json = excluded.json', [
      records.map(({ fact }) => fact.key),
      records.map(({ fact }) => new Json(fact.fact)),
    ]),
  room: writeRooms,
  creation: async (sql, records) => {
    await requireRooms(
      sql,
      records.map(({ roomId }) => roomId),
    );
    await insert(sql, 'creations', ['key', 'room_id', 'at_ms::bigint'], '', [
      records.map(({ key }) => key),
      records.map(({ roomId }) => roomId),
      records.map(({ atMs }) => String(atMs)),
    ]);
  },
  event: async (sql, records) => {
    const events = records.map(({ event }) => event);
    await requireRooms(
      sql,
      events.map(({ roomId }) => roomId),
    );
    const columns = ['room_id', 'idx::bigint', 'id', 'channel_id', 'key_digest', 'external_id', 'parent_id', 'visibility', 'json', 'words'];
    await insert(sql, 'events', columns, '', [
      events.map(({ roomId }) => roomId),
      events.map(({ index }) => String(index)),
      events.map(({ id }) => id),
      events.map(({ source }) => source.channelId),
      events.map(({ idempotencyKey }) => (idempotencyKey === undefined ? null : keyDigest(idempotencyKey))),
      events.map(({ source }) => source.externalId ?? null),
      events.map(({ parentEventId }) => parentEventId ?? null),
      events.map(({ visibility }) => visibility),
      events.map((event) => new Json(event)),
      events.map((event) => new Json(searchedWords(event))),
    ]);
  },
  row: async (sql, records) => {
    const rows = records.map(({ row }) => row);
    await requireRooms(
      sql,
      rows.map(({ roomId }) => roomId),
    );
    await insert(sql, 'outbox', ['id', 'room_id', 'channel_id', 'event_index::bigint', 'json'], '', [
      rows.map(({ id }) => id),
      rows.map(({ roomId }) => roomId),
      rows.map(({ channelId }) => channelId),
      rows.map(({ eventIndex }) => String(eventIndex)),
      rows.map((row) => new Json(row)),
    ]);
  },
  turn: async (sql, records) => {
    const turns = records.map(({ turn }) => turn);
    await requireRooms(
      sql,
      turns.map(({ roomId }) => roomId),
    );
    await insert(sql, 'turns', ['id', 'room_id', 'channel_id', 'trigger_index::bigint', 'json'], '', [
      turns.map(({ id }) => id),
      turns.map(({ roomId }) => roomId),
      turns.map(({ channelId }) => channelId),
      turns.map(({ triggerIndex }) => String(triggerIndex)),
      turns.map((turn) => new Json(turn)),
    ]);
  },
  approval: (sql, records) =>
    models(
      sql,
      'approvals',
      records.map(({ approval }) => approval),
    ),
  task: (sql, records) =>
    models(
      sql,
      'tasks',
      records.map(({ task }) => task),
    ),
  observation: (sql, records) =>
    models(
      sql,
      'observations',
      records.map(({ observation }) => observation),
    ),
  outcome: async (sql, records) => {
    const outcomes = records.flatMap(({ outcome }) => outcome.results.map((result) => ({ ...outcome, result })));
    await requireRooms(
      sql,
      outcomes.map(({ roomId }) => roomId),
    );
    const last = 'ON CONFLICT (room_id, event_id, channel_id) DO UPDATE SET json = excluded.json';
    await insert(sql, 'outcomes', ['room_id', 'event_id', 'channel_id', 'json'], last, [
      outcomes.map(({ roomId }) => roomId),
      outcomes.map(({ eventId }) => eventId),
      outcomes.map(({ result }) => result.channelId),
      outcomes.map(({ result }) => new Json(result)),
    ]);
  },
  usage: async (sql, records) => {
    await requireRooms(
      sql,
      records.map(({ usage }) => usage.roomId),
    );
    await sql.all('SELECT @add_usage($1)', new Json(records.map(({ usage }) => usage)));
  },
  held: async (sql, records) => {
    const held = records.map((record) => record.held);
    await requireRooms(
      sql,
      held.flatMap(({ roomId }) => roomId ?? []),
    );
    await insert(sql, 'held', ['id', 'kind', 'key', 'room_id', 'expires_at', 'json'], '', [
      held.map(({ id }) => id),
      held.map(({ kind }) => kind),
      held.map(({ key }) => key),
      held.map(({ roomId }) => roomId ?? null),
      held.map(({ expiresAt }) => expiresAt),
      held.map((message) => new Json(message)),
    ]);
  },
};

async function writeRooms(sql: Sql, records: readonly RoomRecord[]): Promise<void> {
  const fences = records.map(({ fence }) => fence);
  await insert(
    sql,
    'rooms',
    ['id', 'json', 'event_count::bigint', 'latest_index::bigint', 'version::bigint', 'updated_at', 'fence::bigint', 'stamp', 'members'],
    '',
    [
      records.map(({ room }) => room.id),
      records.map(({ room }) => encodeRoom(room)),
      records.map(({ room }) => String(room.eventCount)),
      records.map(({ room }) => String(room.latestIndex)),
      records.map(({ room }) => String(room.version)),
      records.map(({ room }) => room.updatedAt),
      fences.map(String),
    ],
  );
  // The locks of this schema give tokens of their own: they go on above what the rooms have seen, or every write would be fenced.
  await sql.all(
    `INSERT INTO @leases (room_id, token, until) SELECT id, fence::bigint, '-infinity' FROM unnest($1::text[], $2::text[]) AS given(id, fence)
     WHERE fence::bigint > 0 ON CONFLICT (room_id) DO UPDATE SET token = GREATEST(leases.token, excluded.token)`,
    records.map(({ room }) => room.id),
    fences.map(String),
  );
  const bindings = records.flatMap((record) => record.bindings.map((binding, position) => ({ ...record, binding, position })));
  await insert(sql, 'bindings', ['room_id', 'channel_id', 'position::bigint', 'room_open::boolean', 'json'], '', [
    bindings.map(({ room }) => room.id),
    bindings.map(({ binding }) => binding.channelId),
    bindings.map(({ position }) => String(position)),
    bindings.map(({ room }) => String(room.status === 'active' || room.status === 'paused')),
    bindings.map(({ binding }) => new Json(binding)),
  ]);
  const participants = records.flatMap((record) => record.participants.map((participant, position) => ({ ...record, participant, position })));
  await insert(sql, 'participants', ['room_id', 'id', 'position::bigint', 'json'], '', [
    participants.map(({ room }) => room.id),
    participants.map(({ participant }) => participant.id),
    participants.map(({ position }) => String(position)),
    participants.map(({ participant }) => new Json(participant)),
  ]);
  const markers = records.flatMap(({ room, markers: ofRoom }) => Object.entries(ofRoom).map(([channelId, index]) => ({ room, channelId, index })));
  await insert(sql, 'markers', ['room_id', 'channel_id', 'idx::bigint'], '', [
    markers.map(({ room }) => room.id),
    markers.map(({ channelId }) => channelId),
    markers.map(({ index }) => String(index)),
  ]);
}

/** Tables whose columns follow from the JSON. */
async function models(sql: Sql, table: string, all: readonly { readonly id: string; readonly roomId: string }[]): Promise<void> {
  await requireRooms(
    sql,
    all.map(({ roomId }) => roomId),
  );
  await insert(sql, table, ['id', 'json'], '', [all.map(({ id }) => id), all.map((model) => new Json(model))]);
}

/** One list per column, in the order of the rows. Stamps come from their sequence, and words are made of their list. */
async function insert(sql: Sql, table: string, columns: readonly string[], conflict: string, lists: readonly Value[]): Promise<void> {
  if ((lists[0] as readonly unknown[]).length === 0) return;
  const names = columns.map((column) => column.replace(/::.*/, ''));
  const values = columns.map((column, at) => {
    const [name = '', type] = column.split('::');
    if (name === 'stamp' || name === 'members') return "nextval('@stamps')";
    if (name === 'key_digest') return `decode(r.c${at}, 'hex')`;
    if (name === 'words')
      return `CASE WHEN json_typeof(r.c${at}) = 'array' THEN array_to_tsvector(ARRAY(SELECT json_array_elements_text(r.c${at}))) END`;
    return type === undefined ? `r.c${at}` : `r.c${at}::${type}`;
  });
  const isJson = (at: number): boolean => (lists[at] as readonly unknown[])[0] instanceof Json;
  const given = lists.map((_list, at) => `$${at + 1}::${isJson(at) ? 'json' : 'text'}[]`);
  const fields = lists.map((_list, at) => `c${at}`);
  await sql.all(
    `INSERT INTO @${table} (${names.join(', ')}) SELECT ${values.join(', ')}
     FROM unnest(${given.join(', ')}) WITH ORDINALITY AS r(${fields.join(', ')}, n) ORDER BY r.n ${conflict}`,
    ...lists,
  );
}

async function requireRooms(sql: Sql, roomIds: readonly string[]): Promise<void> {
  const ids = [...new Set(roomIds)];
  const [missing] = await sql.all(
    'SELECT id FROM unnest($1::text[]) AS given(id) WHERE NOT EXISTS (SELECT 1 FROM @rooms AS rooms WHERE rooms.id = given.id) LIMIT 1',
    ids,
  );
  if (missing !== undefined) throw new RoomNotFoundError(decodeText(missing['id'] as string));
}
