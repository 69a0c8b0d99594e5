/** What a WebSocket channel hands to its connections, as plain objects. The browser's JSON frames are made of them in `wire/`. */
import type { EventSource, RoomEvent } from '../../core/models/event.js';
import type { Participant } from '../../core/models/people.js';

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

/** Comes with a frame that goes to many connections: a place for the form they share, so that it is made once. */
export class Shared {
  private subject: unknown = undefined;
  private maker: unknown = undefined;
  private made: unknown = undefined;
  private bytes = -1;

  constructor(
    /** The room's participants, where they are known without asking. */
    readonly participants?: readonly Participant[],
  ) {}

  /** `make(subject, this)`, made by the first caller and given to all that follow with the same two. */
  form<Subject, Form>(subject: Subject, make: (subject: Subject, shared: Shared) => Form): Form {
    if (this.maker !== make || this.subject !== subject) {
      this.made = make(subject, this);
      this.maker = make;
      this.subject = subject;
    }
    return this.made as Form; // made by this very function
  }

  /** About how much the frame takes while it waits; measured once. */
  bytesOf(frame: EventFrame | RoomEvent): number {
    if (this.bytes < 0) this.bytes = JSON.stringify(frame).length;
    return this.bytes;
  }
}
