/**
 * All that a store holds, as plain values, one after another (STO-20): what is copied into another store, exported and imported,
 * looked through for a person, and removed when it has been kept long enough (ERA-06). Unlike in the methods that kits use,
 * nothing is decided here: a record is written as it is given.
 */
import { NotSupportedError } from '../errors.js';
import type { ApprovalRow } from '../models/approval.js';
import type { ChannelBinding } from '../models/binding.js';
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { Identity, IdentityMerge, Participant } from '../models/people.js';
import type { Room } from '../models/room.js';
import type { Observation, Task } from '../models/task.js';
import type { UsageRecord } from '../models/usage.js';
import type { ConversationStore, DeliveryOutcome, Fact, HeldMessage } from './store.js';

/** A room with its members. Its counters and its version are those it has reached. */
export interface RoomRecord {
  readonly kind: 'room';
  readonly room: Room;
  /** In the order in which channels were attached. */
  readonly bindings: readonly ChannelBinding[];
  /** In the order in which people came. */
  readonly participants: readonly Participant[];
  /** Channel id → index of the last event it has read. */
  readonly markers: Readonly<Record<string, number>>;
  /** The highest fencing token the room has seen (LOCK-03); −1 before the first. */
  readonly fence: number;
}

/** Which room was created under which key (RTR-04). */
export interface CreationRecord {
  readonly kind: 'creation';
  readonly key: string;
  readonly roomId: string;
  readonly atMs: number;
}

/** One thing that is stored. What belongs to a room comes after it. */
export type StoredRecord =
  | { readonly kind: 'identity'; readonly identity: Identity }
  | { readonly kind: 'merge'; readonly merge: IdentityMerge }
  | { readonly kind: 'fact'; readonly fact: Fact }
  | RoomRecord
  | CreationRecord
  | { readonly kind: 'event'; readonly event: RoomEvent }
  | { readonly kind: 'row'; readonly row: OutboxRow }
  | { readonly kind: 'turn'; readonly turn: TurnRow }
  | { readonly kind: 'approval'; readonly approval: ApprovalRow }
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'observation'; readonly observation: Observation }
  /** With one result. */
  | { readonly kind: 'outcome'; readonly outcome: DeliveryOutcome }
  | { readonly kind: 'usage'; readonly usage: UsageRecord }
  | { readonly kind: 'held'; readonly held: HeldMessage };

/** What kinds of records there are. */
export type RecordKind = StoredRecord['kind'];

/** Every kind, in the order in which they are written: a room before what belongs to it. */
export const RECORD_KINDS: readonly RecordKind[] = [
  'identity',
  'merge',
  'fact',
  'room',
  'creation',
  'event',
  'row',
  'turn',
  'approval',
  'task',
  'observation',
  'outcome',
  'usage',
  'held',
];

/** Those that belong to no room. They take the place of what is stored under their key; all others have to be new. */
export const ROOMLESS_KINDS: readonly RecordKind[] = ['identity', 'merge', 'fact'];

/** Which records of one kind, and from where on. */
export interface RecordQuery {
  readonly kind: RecordKind;
  /** Only what belongs to this room. */
  readonly roomId?: string;
  /** Only records that hold one of these texts somewhere, keys and values alike; a room's members are part of it. Default: all. */
  readonly containing?: readonly string[];
  /** The `next` of the page before; default: from the first. */
  readonly after?: string;
  /** So many at most are looked at, whether they hold a text or not. Default 500. */
  readonly limit?: number;
}

/** Those of so many records that were asked for, in the order in which they are to be written. */
export interface RecordPage {
  readonly records: readonly StoredRecord[];
  /** Where the next page begins; absent after the last one. */
  readonly next?: string;
}

/** How many records a page has where nobody says. */
export const RECORD_PAGE = 500;

/** What can be rewritten as a whole: by its id, in its room. Members of a room are by themselves here. */
export type RewrittenRecord =
  | Extract<StoredRecord, { readonly kind: 'event' | 'task' | 'observation' | 'approval' }>
  | { readonly kind: 'participant'; readonly participant: Participant }
  | { readonly kind: 'binding'; readonly binding: ChannelBinding };

/** What can be removed. Usage goes by its time. */
export type RemovableKind = Exclude<RecordKind, 'usage'> | 'participant' | 'binding';

/** A record to be removed. */
export interface RemovedRecord {
  readonly kind: RemovableKind;
  /** Its id; of a binding its channel's, of outcomes their event's, of a creation or fact its key, of a merge its `fromId`. */
  readonly id: string;
}

/** Changes that belong together, in this order: all of them are stored, or none. */
export interface RecordChanges {
  /** The room that everything rewritten and removed belongs to, where it belongs to one. Without the room nothing is changed. */
  readonly roomId?: string;
  /** Refused with FencedError when the room has seen a higher one (LOCK-03). */
  readonly fencingToken?: number;
  /** What is not there any more is left alone. A room takes all that is its own with it, an event its outcomes, an identity its addresses. */
  readonly remove?: readonly RemovedRecord[];
  /**
   * As they shall be; what is not there any more is left alone. Of an event everything but id, room, index and time of creation may
   * be other than it was.
   */
  readonly put?: readonly RewrittenRecord[];
  /**
   * New ones, as they were read: indexes, counters, states and leases are theirs. Each room comes before what belongs to it, or is
   * there. Identities, merges and facts take the place of what has their key.
   */
  readonly add?: readonly StoredRecord[];
  /** What generations of this room cost before this ISO time is forgotten. */
  readonly usageBefore?: string;
}

/** A store whose records can be read and changed. */
export type RecordStore = ConversationStore & Required<Pick<ConversationStore, 'readRecords' | 'changeRecords'>>;

/** The store itself, if it can do that. Throws NotSupportedError; `so` ends its first sentence: what cannot be done without. */
export function recordStore(store: ConversationStore, so?: string): RecordStore {
  if (store.readRecords === undefined || store.changeRecords === undefined)
    throw new NotSupportedError(
      `The store '${store.name}' gives no records${so === undefined ? '' : `, so ${so}`}. ` +
        'Give it readRecords and changeRecords (STO-20), or use SqliteStore or PostgresStore.',
    );
  return store as RecordStore; // both are there
}

/** All records, or those asked for, kind by kind and page by page. What is written meanwhile may be among them or not. */
export async function* recordsOf(
  store: ConversationStore,
  { kinds = RECORD_KINDS, ...query }: { readonly kinds?: readonly RecordKind[] } & Pick<RecordQuery, 'roomId' | 'containing'> = {},
): AsyncGenerator<readonly StoredRecord[], void, void> {
  const from = recordStore(store);
  for (const kind of kinds) {
    let after: string | undefined;
    do {
      const page: RecordPage = await from.readRecords({ kind, ...query, ...(after !== undefined && { after }) });
      if (page.records.length > 0) yield page.records;
      after = page.next;
    } while (after !== undefined);
  }
}

/** The room a record belongs to; undefined for what belongs to none. */
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
