/** All rooms a client may see, and for hosts their changes as they happen (WIRE-15). */
import type { ServerFrame } from '../channels/index.js';
import type { Room } from '../core/index.js';
import { asClientError, type ClientError } from './errors.js';
import { Listeners, type Beat } from './listeners.js';
import type { ClientClock } from './options.js';
import type { RoomInfo } from './room.js';

/** The rooms at one moment. It never changes: after a change there is a new one. */
export interface RoomListSnapshot {
  /** `live` for hosts, whom the server tells of changes; clients have what was read last. */
  readonly status: 'idle' | 'loading' | 'read' | 'live';
  /** The newest first, by when they were changed. */
  readonly rooms: readonly RoomInfo['room'][];
  /** Why they could not be read, while that is so. */
  readonly error?: ClientError;
}

/** The rooms of a client, as a list to follow. */
export interface ClientRoomList {
  /** What is known now. The same object until something changes. */
  readonly snapshot: RoomListSnapshot;
  /** Calls `listener` when there is a new snapshot. The list is followed while anybody listens. Returns what ends it. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Reads all rooms again. */
  refresh(): Promise<void>;
}

export interface RoomListHost {
  readonly clock: ClientClock;
  readonly beat: Beat;
  nextId(): string;
  isOpen(): boolean;
  /** Whether this client watches as a host. */
  isHost(): boolean;
  need(): void;
  send(frame: { readonly type: 'subscribe' | 'unsubscribe'; readonly id: string; readonly roomId: '*' }): void;
  api(path: string): Promise<unknown>;
  failed(error: ClientError): void;
}

const PAGE = 200;

export class RoomList implements ClientRoomList {
  readonly #listeners = new Listeners<[]>();
  readonly #rooms = new Map<string, RoomInfo['room']>();
  #snapshot: RoomListSnapshot = { status: 'idle', rooms: [] };
  #isStale = false;
  #isRead = false;
  #isLive = false;
  #error: ClientError | undefined;
  #subscription: string | undefined;
  #retry: { cancel(): void } | undefined;
  #reading: Promise<void> | undefined;

  constructor(private readonly host: RoomListHost) {}

  get snapshot(): RoomListSnapshot {
    if (this.#isStale) {
      this.#isStale = false;
      const rooms = [...this.#rooms.values()].sort((one, other) => (one.updatedAt < other.updatedAt ? 1 : one.updatedAt > other.updatedAt ? -1 : 0));
      const isFollowed = this.#listeners.size > 0;
      const status = this.#isLive ? 'live' : this.#isRead ? 'read' : isFollowed ? 'loading' : 'idle';
      this.#snapshot = { status, rooms, ...(this.#error !== undefined && { error: this.#error }) };
    }
    return this.#snapshot;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const end = this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#changed();
      if (this.host.isOpen()) this.connected();
      else this.#need();
    }
    let isEnded = false;
    return () => {
      if (isEnded) return;
      isEnded = true;
      end();
      if (this.#listeners.size > 0) return;
      if (this.#isLive) this.host.send({ type: 'unsubscribe', id: this.host.nextId(), roomId: '*' });
      this.disconnected();
    };
  };

  refresh(): Promise<void> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)));
  }

  connected(): void {
    if (this.#listeners.size === 0) return;
    if (this.host.isHost()) {
      // First the changes, then the list: nothing lies between them.
      this.#subscription = this.host.nextId();
      this.host.send({ type: 'subscribe', id: this.#subscription, roomId: '*' });
    } else void this.refresh();
  }

  disconnected(): void {
    this.#retry?.cancel();
    this.#isLive = false;
    this.#subscription = undefined;
    this.#changed();
  }

  onSubscribed({ id }: Extract<ServerFrame, { type: 'subscribed' }>): void {
    if (id !== this.#subscription) return;
    this.#isLive = true;
    void this.refresh();
  }

  /** True: the frame was about this list. What cannot be watched can be read at least. */
  onRefused({ id, retryable, retryAfterSeconds }: Extract<ServerFrame, { type: 'error' }>): boolean {
    if (id === undefined || id !== this.#subscription) return false;
    if (retryable) this.#retry = this.host.clock.setTimer((retryAfterSeconds ?? 1) * 1000, () => this.connected());
    else void this.refresh();
    return true;
  }

  onRoom(room: Room): void {
    const present = this.#rooms.get(room.id);
    if (present?.version !== undefined && present.version > room.version) return;
    this.#rooms.set(room.id, room);
    this.#changed();
  }

  /** Page by page, until there are no more. */
  async #read(): Promise<void> {
    try {
      const seen = new Set<string>();
      for (let offset = 0; ; offset += PAGE) {
        const { rooms } = (await this.host.api(`/api/rooms?limit=${PAGE}&offset=${offset}`)) as { rooms: readonly RoomInfo['room'][] }; // the server's own route
        for (const room of rooms) {
          seen.add(room.id);
          const present = this.#rooms.get(room.id);
          if ((present?.version ?? -1) <= (room.version ?? 0)) this.#rooms.set(room.id, room);
        }
        this.#changed();
        if (rooms.length < PAGE) break;
      }
      if (!this.#isLive) for (const id of [...this.#rooms.keys()]) if (!seen.has(id)) this.#rooms.delete(id);
      this.#isRead = true;
      this.#error = undefined;
    } catch (error) {
      this.#error = asClientError(error, 'network', 'The rooms could not be read');
      this.host.failed(this.#error);
    }
    this.#changed();
  }

  #need(): void {
    try {
      this.host.need();
    } catch {
      // A closed client shows what it has.
    }
  }

  #changed(): void {
    this.#isStale = true;
    if (this.#listeners.size > 0) this.host.beat.request(this.#tell);
  }

  readonly #tell = (): void => this.#listeners.tell();
}
