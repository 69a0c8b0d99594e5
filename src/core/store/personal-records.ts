/** Records as erasure and retention see them: looked through in pages, changed and removed in one step (ERA-06). */
import type { ApprovalRow } from '../models/approval.js';
import type { ChannelBinding } from '../models/binding.js';
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { Identity, IdentityMerge, Participant } from '../models/people.js';
import type { Observation, Task } from '../models/task.js';
import type { HeldMessage } from './store.js';

/** Which room a key stands for, while `createRoomOnce` remembers it. */
export interface RoomCreation {
  readonly key: string;
  readonly roomId: string;
}

/** What can be looked through whatever room it is of, by kind. */
export interface ListedRecords {
  readonly event: RoomEvent;
  readonly participant: Participant;
  readonly binding: ChannelBinding;
  readonly held: HeldMessage;
  readonly creation: RoomCreation;
}

/** A page of records of one kind. */
export interface PersonalRecordQuery<Kind extends keyof ListedRecords = keyof ListedRecords> {
  readonly kind: Kind;
  /** Only records that hold one of these texts somewhere, keys and values alike. Default: all. */
  readonly containing?: readonly string[];
  /** Goes on behind this place: `next` of the page before. Default: from the start. */
  readonly after?: string;
  /** About so many are looked at, whether they match or not. */
  readonly limit: number;
}

/** What a page held. */
export interface PersonalRecordPage<Kind extends keyof ListedRecords = keyof ListedRecords> {
  readonly records: readonly ListedRecords[Kind][];
  /** Where the next page begins; absent behind the last one. */
  readonly next?: string;
}

/** What can be rewritten as a whole: by its id, in its room. */
export interface RewritableRecords {
  readonly event: RoomEvent;
  readonly participant: Participant;
  readonly binding: ChannelBinding;
  readonly task: Task;
  readonly observation: Observation;
  readonly approval: ApprovalRow;
}

/** What can be removed, and what of it says which one it is. */
export interface RemovableRecords extends RewritableRecords {
  readonly row: Pick<OutboxRow, 'id' | 'roomId'>;
  readonly turn: Pick<TurnRow, 'id' | 'roomId'>;
  /** What became of the live deliveries of an event. */
  readonly outcome: { readonly roomId: string; readonly eventId: string };
  readonly held: Pick<HeldMessage, 'id'>;
  readonly creation: Pick<RoomCreation, 'key'>;
  readonly identity: Pick<Identity, 'id'>;
  readonly merge: Pick<IdentityMerge, 'fromId'>;
}

/** A record to be rewritten. */
export type RewrittenRecord = {
  readonly [Kind in keyof RewritableRecords]: { readonly kind: Kind; readonly record: RewritableRecords[Kind] };
}[keyof RewritableRecords];

/** A record to be removed. */
export type RemovedRecord = {
  readonly [Kind in keyof RemovableRecords]: { readonly kind: Kind; readonly record: RemovableRecords[Kind] };
}[keyof RemovableRecords];

/** Changes that belong together: all of them are stored, or none. What is not there any more is left alone. */
export interface RecordChanges {
  /** The room that everything in it belongs to, where it belongs to one. */
  readonly roomId?: string;
  /** Refused with FencedError when the room has seen a higher one (LOCK-03). */
  readonly fencingToken?: number;
  /** As they shall be. Of an event everything but id, room, index and time of creation may be other than it was. */
  readonly put?: readonly RewrittenRecord[];
  /** An event takes what became of its deliveries with it; an identity its addresses. */
  readonly remove?: readonly RemovedRecord[];
  /** What generations of this room cost before this ISO time is forgotten. */
  readonly usageBefore?: string;
}
