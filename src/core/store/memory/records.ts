/** What identifies a record, whose it is, and one page of many (STO-20). */
import { RECORD_PAGE, type RecordPage, type RecordQuery, type StoredRecord } from '../records.js';

/** The room it belongs to; undefined for what belongs to none. */
export function roomIdOf(record: StoredRecord): string | undefined {
  switch (record.kind) {
    case 'room':
      return record.room.id;
    case 'creation':
      return record.roomId;
    case 'event':
      return record.event.roomId;
    case 'row':
      return record.row.roomId;
    case 'turn':
      return record.turn.roomId;
    case 'approval':
      return record.approval.roomId;
    case 'task':
      return record.task.roomId;
    case 'observation':
      return record.observation.roomId;
    case 'outcome':
      return record.outcome.roomId;
    case 'usage':
      return record.usage.roomId;
    case 'held':
      return record.held.roomId;
    case 'identity':
    case 'merge':
    case 'fact':
      return undefined;
  }
}

/** By what a record is unique: two with one of these cannot both be stored. None for what is replaced, or may come twice. */
export function keysOf(record: StoredRecord): string[] {
  switch (record.kind) {
    case 'room':
      return [`room ${record.room.id}`];
    case 'creation':
      return [`creation ${record.key}`];
    case 'event': {
      const { roomId, id, index, idempotencyKey } = record.event;
      const keys = [`event ${roomId} ${id}`, `index ${roomId} ${index}`];
      return idempotencyKey === undefined ? keys : [...keys, `key ${roomId} ${idempotencyKey}`];
    }
    case 'row':
      return [`row ${record.row.id}`];
    case 'turn':
      return [`turn ${record.turn.id}`];
    case 'approval':
      return [`approval ${record.approval.id}`];
    case 'task':
      return [`task ${record.task.id}`];
    case 'observation':
      return [`observation ${record.observation.id}`];
    default:
      return [];
  }
}

/** The part of all records of a kind that a query asks for. The cursor is how many came before. */
export function pageOf(all: readonly StoredRecord[], { roomId, after, limit = RECORD_PAGE }: RecordQuery): RecordPage {
  const wanted = roomId === undefined ? all : all.filter((record) => roomIdOf(record) === roomId);
  const from = Number(after ?? 0);
  const records = wanted.slice(from, from + limit);
  return from + limit < wanted.length ? { records, next: String(from + limit) } : { records };
}
