/**
 * All that a store holds, as plain values, one after another (STO-20): what is copied into another store, exported and imported.
 * Unlike the methods that kits use, nothing is decided here: a record is written as it was read.
 */
import { NotSupportedError } from '../errors.js';
import type { ApprovalRow } from '../models/approval.js';
import type { ChannelBinding } from '../models/binding.js';
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { Awaitable } from '../models/json.js';
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
  /** The `next` of the page before; default: from the first. */
  readonly after?: string;
  /** Default 500. */
  readonly limit?: number;
}

/** So many records, in the order in which they are to be written. */
export interface RecordPage {
  readonly records: readonly StoredRecord[];
  /** Where the next page begins; absent after the last one. */
  readonly next?: string;
}

/** How many records a page has where nobody says. */
export const RECORD_PAGE = 500;

/** A store whose records can be read and written. */
export type RecordStore = ConversationStore & {
  /** As {@link ConversationStore.readRecords}. */
  readRecords(query: RecordQuery): Awaitable<RecordPage>;
  /** As {@link ConversationStore.writeRecords}. */
  writeRecords(records: readonly StoredRecord[], options?: { readonly replaces?: readonly string[] }): Awaitable<void>;
};

/** The store itself, if it can do that. Throws NotSupportedError. */
export function recordStore(store: ConversationStore): RecordStore {
  if (store.readRecords === undefined || store.writeRecords === undefined)
    throw new NotSupportedError(
      `The store '${store.name}' gives no records. Give it readRecords and writeRecords (STO-20), or use SqliteStore or PostgresStore.`,
    );
  return store as RecordStore; // both are there
}

/** All records, or all of one room, kind by kind and page by page. What is written meanwhile may be among them or not. */
export async function* recordsOf(
  store: ConversationStore,
  query: { readonly roomId?: string } = {},
): AsyncGenerator<readonly StoredRecord[], void, void> {
  const from = recordStore(store);
  for (const kind of RECORD_KINDS) {
    let after: string | undefined;
    do {
      const page: RecordPage = await from.readRecords({ kind, ...query, ...(after !== undefined && { after }) });
      if (page.records.length > 0) yield page.records;
      after = page.next;
    } while (after !== undefined);
  }
}
