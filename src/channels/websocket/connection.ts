/** One live connection of a WebSocket channel: its callbacks, its rooms, and what waits while it catches up. */
import type { EphemeralEvent, RoomEvent } from '../../core/index.js';
import type { StreamFrame } from './stream.js';

/** A committed event for a connection. One object per event is shared by all connections of the channel. */
export interface EventFrame {
  readonly type: 'event';
  readonly roomId: string;
  readonly event: RoomEvent;
}

/** Too much was missed to be replayed: the client begins anew (WS-09). */
export interface ResyncFrame {
  readonly type: 'resync';
  readonly roomId: string;
  readonly fromIndex: number;
}

export type ConnectionFrame = EventFrame | ResyncFrame;

/** Takes a frame; a rejection counts as a failure of the connection (WS-03). */
export type ConnectionSend = (frame: ConnectionFrame) => void | Promise<void>;

export interface ConnectionOptions {
  readonly roomIds?: readonly string[];
  /** Takes previews of replies being written; without it the connection gets the final event only. */
  readonly streamSend?: (frame: StreamFrame) => void;
  readonly participantId?: string;
  /** `closing` connections are skipped. */
  readonly state?: () => 'open' | 'closing';
  /** The last index the client has of its `roomIds`: what it missed is replayed before live events. */
  readonly afterIndex?: number;
  /** Typing, receipts, presence and reactions of others. */
  readonly ephemeral?: (event: EphemeralEvent) => void;
  /** A stored event was changed or removed. */
  readonly changed?: (event: RoomEvent, change: 'updated' | 'deleted') => void;
  /** On an echo channel: true when this connection sent the event and has taken it as its acknowledgement (WS-10). */
  readonly acknowledges?: (event: RoomEvent) => boolean;
  /** Told when the channel drops the connection. */
  readonly dropped?: (reason: string) => void;
}

export class Connection {
  readonly rooms = new Set<string>();
  failures = 0;
  gone = false;
  /** Rooms being replayed, with the live events that wait behind the replay. */
  #waiting: Map<string, RoomEvent[]> | undefined;

  constructor(
    readonly id: string,
    readonly send: ConnectionSend,
    readonly options: ConnectionOptions,
  ) {}

  get closing(): boolean {
    return this.options.state?.() === 'closing';
  }

  beginReplay(roomId: string): void {
    (this.#waiting ??= new Map<string, RoomEvent[]>()).set(roomId, []);
  }

  /** The events that came live meanwhile. */
  endReplay(roomId: string): readonly RoomEvent[] {
    const events = this.#waiting?.get(roomId) ?? [];
    this.#waiting?.delete(roomId);
    if (this.#waiting?.size === 0) this.#waiting = undefined;
    return events;
  }

  /** The queue behind a replay; undefined when the room is live. */
  waiting(roomId: string): RoomEvent[] | undefined {
    return this.#waiting?.get(roomId);
  }
}
