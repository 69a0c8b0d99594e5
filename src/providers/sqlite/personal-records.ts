/** Records as erasure and retention see them, in SQLite (ERA-06), within the running transaction. */
import type { ListedRecords, RecordChanges, PersonalRecordPage, PersonalRecordQuery, RemovedRecord, RewrittenRecord } from './core.js';
import type { SqlitePeople } from './people.js';
import type { SqliteRooms } from './rooms.js';
import type { Statements } from './statements.js';
import { Json, type Value } from './text.js';
import type { SqliteTimeline } from './timeline.js';

/** Where the kinds are that can be looked through: their table, and by which columns it is walked. */
const LISTED: Readonly<Record<keyof ListedRecords, { readonly table: string; readonly by: readonly string[] }>> = {
  event: { table: 'events', by: ['number'] },
  participant: { table: 'participants', by: ['room_id', 'id'] },
  binding: { table: 'bindings', by: ['room_id', 'channel_id'] },
  held: { table: 'held', by: ['number'] },
  creation: { table: 'creations', by: ['key'] },
};

type Listed = Readonly<Record<`key_${number}`, string | number>> & { readonly json: string | null; readonly room: string };

export class SqlitePersonalRecords {
  constructor(
    private readonly sql: Statements,
    private readonly rooms: SqliteRooms,
    private readonly timeline: SqliteTimeline,
    private readonly people: SqlitePeople,
  ) {}

  list<Kind extends keyof ListedRecords>({ kind, containing, after, limit }: PersonalRecordQuery<Kind>): PersonalRecordPage<Kind> {
    const { table, by } = LISTED[kind];
    const json = kind === 'creation' ? 'key' : 'json';
    const values: Value[] = (containing ?? []).map((text) => (kind === 'creation' ? text : Json.raw(JSON.stringify(text).slice(1, -1))));
    const matches = containing === undefined ? '1' : ['0', ...values.map(() => `instr(${json}, ?) > 0`)].join(' OR ');
    // Always from a place on: so the index is walked, and not the table.
    const from = after === undefined ? by.map((column) => (column === 'number' ? -1 : '')) : (JSON.parse(after) as (string | number)[]);
    values.push(...from);
    values.push(limit);
    const columns = by.join(', ');
    const rows = this.sql
      .get(
        `SELECT ${by.map((column, n) => `${column} AS key_${n}`).join(', ')}, CASE WHEN ${matches} THEN ${json} END AS json, room_id AS room FROM ${table}
         WHERE (${columns}) > (${by.map(() => '?').join(', ')}) ORDER BY ${columns} LIMIT ?`,
      )
      .all(...values) as Listed[];
    const last = rows.at(-1);
    return {
      records: rows.flatMap(({ json: found, key_0: key, room: roomId }) =>
        // The table's writer put the type in.
        found === null ? [] : [(kind === 'creation' ? { key, roomId } : JSON.parse(found)) as ListedRecords[Kind]],
      ),
      ...(rows.length === limit && last !== undefined && { next: JSON.stringify(by.map((_column, n) => last[`key_${n}`])) }),
    };
  }

  change({ roomId, fencingToken, put = [], remove = [], usageBefore }: RecordChanges): void {
    if (roomId !== undefined) {
      if (this.rooms.state(roomId) === null) return;
      this.rooms.checkFence(roomId, fencingToken);
    }
    for (const one of put) this.#put(one);
    let events = 0;
    for (const one of remove) events += this.#remove(one, roomId);
    if (roomId === undefined) return;
    if (events > 0) {
      const { room } = this.rooms.require(roomId);
      this.rooms.putCounters({ ...room, eventCount: room.eventCount - events, version: room.version + 1 });
    }
    if (usageBefore !== undefined) this.sql.get('DELETE FROM usage WHERE room_id = ? AND at < ?').run(roomId, usageBefore);
  }

  #put({ kind, record }: RewrittenRecord): void {
    switch (kind) {
      case 'event':
        this.timeline.replace(record);
        return;
      case 'participant':
        if (this.rooms.state(record.roomId)?.participants.some(({ id }) => id === record.id) === true) this.rooms.putParticipant(record);
        return;
      case 'binding':
        if (this.rooms.state(record.roomId)?.bindings.some(({ channelId }) => channelId === record.channelId) === true) this.rooms.putBinding(record);
        return;
      case 'task':
        this.sql.get('UPDATE tasks SET status = ?, json = ? WHERE id = ?').run(record.status, new Json(record), record.id);
        return;
      case 'observation':
        this.sql.get('UPDATE observations SET json = ? WHERE id = ?').run(new Json(record), record.id);
        return;
      case 'approval':
        this.sql
          .get('UPDATE approvals SET state = ?, expires_at = ?, json = ? WHERE id = ?')
          .run(record.state, record.expiresAt, new Json(record), record.id);
    }
  }

  /** How many events went. */
  #remove({ kind, record }: RemovedRecord, roomId: string | undefined): number {
    switch (kind) {
      case 'event':
        return roomId === undefined ? 0 : this.timeline.remove(roomId, record.id, false).length;
      case 'participant':
        this.rooms.removeParticipant(record.roomId, record.id);
        return 0;
      case 'binding':
        this.rooms.removeBinding(record.roomId, record.channelId);
        return 0;
      case 'outcome':
        this.sql.get('DELETE FROM outcomes WHERE event_id = ? AND room_id = ?').run(record.eventId, record.roomId);
        return 0;
      case 'creation':
        this.sql.get('DELETE FROM creations WHERE key = ?').run(record.key);
        return 0;
      case 'identity':
        this.people.removeIdentity(record.id);
        return 0;
      case 'merge':
        this.sql.get('DELETE FROM merges WHERE from_id = ?').run(record.fromId);
        return 0;
      case 'task':
      case 'observation':
      case 'approval':
      case 'row':
      case 'turn':
      case 'held':
        this.sql.get(`DELETE FROM ${TABLES[kind]} WHERE id = ?`).run(record.id);
        return 0;
    }
  }
}

const TABLES = { task: 'tasks', observation: 'observations', approval: 'approvals', row: 'outbox', turn: 'turns', held: 'held' } as const;
