/** A room as a client has it: what to read, what to do, whom to tell. */
import type { WireEvent } from '../channels/index.js';
import type { ChannelBinding, ContentInput, ConversationState, EphemeralEvent, Metadata, Participant, Room } from '../core/index.js';
import type { ClientError } from './errors.js';
import type { PendingSend, SendResult } from './outbox.js';
import type { Presence, Reactions, Receipt, Typer } from './people.js';
import type { Preview } from './previews.js';

/**
 * `idle`: nobody follows the room. `loading`: its first page is on its way. `live`: nothing is missing. `behind`: the
 * connection is gone, or something is being made up for; what is shown stays. `lost`: the room is not there for this client.
 */
export type FollowStatus = 'idle' | 'loading' | 'live' | 'behind' | 'lost';

/** Somebody in the room. Clients get these fields; hosts every field of a participant. */
export type RoomPerson = Pick<Participant, 'id' | 'displayName' | 'role' | 'status'> & Partial<Participant>;

/** The room itself and who is in it. Clients get these fields; hosts every field of a room, its channels and its state. */
export interface RoomInfo {
  readonly room: Pick<Room, 'id' | 'status' | 'createdAt' | 'updatedAt' | 'closedAt' | 'latestIndex'> & Partial<Room>;
  readonly participants: readonly RoomPerson[];
  readonly bindings?: readonly ChannelBinding[];
  readonly state?: ConversationState;
}

/**
 * Everything known of a room at one moment. It never changes: after a change there is a new one, in which every part that
 * did not change is the same object.
 */
export interface RoomSnapshot {
  readonly roomId: string;
  readonly status: FollowStatus;
  /** Why the room is lost, or its history cannot be read. */
  readonly error?: ClientError;
  /** Every visible event from the oldest that was loaded to the newest, in index order: messages, edits, who came and went. */
  readonly events: readonly WireEvent[];
  /** There is more before the first of {@link events}. */
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** Replies that are being written, in the order they began. */
  readonly streams: readonly Preview[];
  /** What was sent here and is not in {@link events}: waiting, on its way, or refused. */
  readonly outbox: readonly PendingSend[];
  /** Others who are typing. */
  readonly typers: readonly Typer[];
  /** Participant → what they last said of being there, since this client follows the room. */
  readonly presence: Readonly<Record<string, Presence>>;
  /** Participant → how far they have read, since this client follows the room. */
  readonly receipts: Readonly<Record<string, Receipt>>;
  readonly reactions: Reactions;
  /** The room and its people; absent until it was read. */
  readonly info?: RoomInfo;
}

/** What goes with a message. */
export interface SendOptions {
  /** The event it answers. */
  readonly parentEventId?: string;
  /** Your own data; keys that start with `_` and those of the kit are left out. */
  readonly metadata?: Metadata;
  /** Your name for it, up to 64 characters: a second one of this name is recognised, and not committed. Default: a new one. */
  readonly id?: string;
}

/** Which page of older events to load. */
export interface LoadOlderOptions {
  /** At most 1000. Default: the client's `pageSize`. */
  readonly limit?: number;
}

/** What a room tells beside its snapshots. */
export interface RoomEventMap {
  /** Each event that comes after the first page: once, in index order, also those that were missed and came later. */
  event: WireEvent;
  /** Typing, presence, receipts and reactions, as they were heard. */
  ephemeral: EphemeralEvent;
}

/**
 * One room of a {@link RoomKitClient}. It is followed while somebody is subscribed, or from {@link enter} until {@link leave}.
 * @example const room = client.room('room-1'); room.subscribe(() => draw(room.snapshot)); await room.send('Hello');
 */
export interface ClientRoom {
  readonly roomId: string;
  /** What is known now. The same object until something changes. */
  readonly snapshot: RoomSnapshot;
  /** {@link RoomSnapshot.events}. */
  readonly events: readonly WireEvent[];
  /** Of these, what was said: no edits, deletes and entries of the kit, nothing blocked. The same list until it changes. */
  readonly messages: readonly WireEvent[];
  /** {@link RoomSnapshot.streams}. */
  readonly streams: readonly Preview[];
  /** {@link RoomSnapshot.outbox}. */
  readonly outbox: readonly PendingSend[];
  /** {@link RoomSnapshot.typers}. */
  readonly typers: readonly Typer[];
  /** {@link RoomSnapshot.presence}. */
  readonly presence: Readonly<Record<string, Presence>>;

  /**
   * Calls `listener` when there is a new snapshot, at most sixty times a second. Returns what ends it. The room is followed as long
   * as anybody listens, and five seconds longer.
   */
  readonly subscribe: (listener: () => void) => () => void;
  /** Calls `listener` for each event, or for what is only heard. Returns what ends it. Following the room is left to others. */
  on<Name extends keyof RoomEventMap>(name: Name, listener: (event: RoomEventMap[Name]) => void): () => void;
  /** Follows the room until {@link leave}. Resolves when its first page is here; rejects when it is not there for this client. */
  enter(): Promise<RoomSnapshot>;
  /** Follows it no longer and forgets its events. What was sent is still sent. */
  leave(): void;
  /** Host: shows only what this channel may see; undefined: everything. The view begins anew. */
  viewAs(channelId: string | undefined): void;
  /** Loads the page before the first event. Resolves when it is here; at once when there is none. */
  loadOlder(options?: LoadOlderOptions): Promise<void>;

  /**
   * Says something. Resolves when it is committed or blocked, however often the connection breaks until then; messages of a
   * room are committed in the order they were sent. Rejects with a {@link ClientError} when it cannot be said.
   */
  send(content: ContentInput, options?: SendOptions): Promise<SendResult>;
  /** Puts other content in the place of an earlier message of one's own. */
  edit(eventId: string, content: ContentInput): Promise<SendResult>;
  /** Takes back an earlier message of one's own. */
  delete(eventId: string, reason?: string): Promise<SendResult>;
  /** Takes back a message that was refused, or still waits. False: it is on its way, or unknown. */
  discard(id: string): boolean;
  /** To be called at every key: tells the others at most every three seconds, and ends by itself after six. */
  typing(on?: boolean): void;
  /** Tells the others how far this person has read, and moves the read marker. Default: up to the newest event. */
  markRead(eventId?: string): void;
  /** Adds or takes back a reaction to an event. Without a connection nothing happens. */
  react(eventId: string, emoji: string, action?: 'add' | 'remove'): void;
}
