/** What a live channel sends over a connection that a host hands to the kit (`kit.connectWebsocket`), as plain objects. */
import type { EphemeralEvent } from './models/ephemeral.js';
import type { EventSource, RoomEvent } from './models/event.js';

/** A committed event. One object is shared by all connections of the channel. */
export interface EventFrame {
  readonly type: 'event';
  readonly roomId: string;
  /**
   * Index of the event before it that this channel may see, −1 for the first (WIRE-05). In rooms where no connection
   * follows by index: of the last one that was given to the channel.
   */
  readonly prev: number;
  readonly event: RoomEvent;
}

/** Too much was missed to be replayed: read the room from `fromIndex` on; what comes next is live (WS-09). */
export interface ResyncFrame {
  readonly type: 'resync';
  readonly roomId: string;
  readonly fromIndex: number;
}

/** What every connection has to understand. */
export type ConnectionFrame = EventFrame | ResyncFrame;

/** A preview of a reply (WS-05). Every start is followed by exactly one end or error. */
export type StreamFrame =
  | { readonly type: 'stream_start'; readonly roomId: string; readonly streamId: string; readonly source: EventSource }
  /** `text` is everything so far; `delta` begins at `offset` of it. */
  | {
      readonly type: 'stream_chunk';
      readonly roomId: string;
      readonly streamId: string;
      readonly delta: string;
      readonly offset: number;
      readonly text: string;
    }
  /** The committed event takes the preview's place; `prev` as in {@link EventFrame}. */
  | { readonly type: 'stream_end'; readonly roomId: string; readonly streamId: string; readonly prev: number; readonly event: RoomEvent }
  /** The preview is void. `event` is the text that stays, when some does; it then has its place in the sequence. */
  | {
      readonly type: 'stream_error';
      readonly roomId: string;
      readonly streamId: string;
      readonly code: string;
      readonly prev?: number;
      readonly event?: RoomEvent;
    };

/** Takes a frame; a channel may hand over more beside it, which most have no use for. */
export type LiveSend = (frame: ConnectionFrame, ...more: never[]) => unknown;

/** What a connection follows, and which further frames it takes. */
export interface LiveConnectionOptions<More extends readonly unknown[] = never[]> {
  /** The rooms it follows from the start. */
  readonly roomIds?: readonly string[];
  /** Replays what was missed after this index before live events: one index for all rooms, or one per room (WS-09). */
  readonly afterIndex?: number | Readonly<Record<string, number>> | undefined;
  /** Takes previews of replies; without it the final event comes through `send`. */
  readonly streamSend?: (frame: StreamFrame, ...more: More) => unknown;
  /** Takes typing, receipts, presence and reactions of others. */
  readonly ephemeral?: (event: EphemeralEvent, ...more: More) => unknown;
  /** Told when a stored event was changed, or has to disappear. */
  readonly changed?: (event: RoomEvent, change: 'updated' | 'deleted', ...more: More) => unknown;
  /**
   * Told when a room is lost: detached, no longer readable, removed, or its participant was banned or has left; or, with
   * `unread`, when what the connection missed could not be read: it is told nothing more, and has to ask again.
   */
  readonly roomLost?: (roomId: string, why?: 'unread') => void;
  /** Told when the channel gives this connection up: `slow_consumer`, `send_failed`, `timeout` or `channel_closed`. */
  readonly ended?: (reason: string) => void;
  /** Who is on the other end; ephemeral events of this participant are not sent back to it. */
  readonly participantId?: string;
  /** The socket's state; anything but `open` is skipped. */
  readonly state?: () => string;
}
