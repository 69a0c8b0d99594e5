/**
 * Rooms that live connections and hosts of this process hear: of what other processes commit there they are told by its index, and
 * look once a second whether they were (OUT-15). Who watches all rooms is told which of them have changed.
 */
import type { Timer } from '../clock.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { RealtimeCallback, RealtimeMessage } from '../realtime/backend.js';
import { liveChannel } from './live-wire.js';
import type { OutcomeKind } from './outcome-news.js';

/** How long a commit of another process may stay unheard when nobody has told of it. */
const LOOK_MS = 1000;

/** Who reads a room by index, and is told that there is more to read. It may be told late, of several at once, and more than once. */
export interface RoomFollower {
  /** Somebody has committed, on whatever process. */
  grown(latestIndex: number): void;
  /** A stored event was changed, or is gone, by another process. */
  changed?(event: RoomEvent, change: 'updated' | 'deleted'): void;
  /**
   * Deliveries of an event are in another state, or turns that answer it have ended or wait, in this process or another (OUT-19).
   * What it is now is to be read. Told a moment late, and not when it is lost on the way.
   */
  outcome?(eventId: string, kind: OutcomeKind): void;
}

/** Rooms that have changed are told four times a second at most, and so many at once. */
const GATHER_MS = 250;
const MOST_ROOMS = 500;
const ROOMS_CHANNEL = 'rooms:changed';

interface Followed {
  readonly channels: Set<string>;
  readonly followers: Set<RoomFollower>;
  /** The newest index that they were told of. */
  toldIndex: number;
  subscriptions: readonly Promise<string | undefined>[];
}

export class Followers {
  readonly #rooms = new Map<string, Followed>();
  /** Who watches all rooms. */
  readonly #watchers = new Set<(roomId: string) => void>();
  #watching: Promise<string | undefined> | undefined;
  readonly #changed = new Set<string>();
  #gathering: Timer | undefined;
  #timer: Timer | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(private readonly parts: KitParts) {}

  get size(): number {
    return this.#rooms.size;
  }

  /** Connections of this channel hear this room. Whether other processes commit there. */
  follow(channelId: string, roomId: string): boolean {
    const room = this.#open(roomId);
    room?.channels.add(channelId);
    return room !== undefined;
  }

  /** A host hears this room; the answer ends it. */
  listen(roomId: string, follower: RoomFollower): () => void {
    const room = this.#open(roomId);
    room?.followers.add(follower);
    return () => {
      if (room?.followers.delete(follower) === true) this.#closeIfEmpty(roomId, room);
    };
  }

  /** A host is told of every room that another process has changed; the answer ends it. */
  watchAll(told: (roomId: string) => void): () => void {
    const { store, realtime } = this.parts;
    this.#watchers.add(told);
    if (store.shared && realtime.distributed && !this.#isStopped)
      this.#watching ??= this.#subscribe(ROOMS_CHANNEL, ROOMS_CHANNEL, (message) => {
        const { from, roomIds } = message as Readonly<Record<string, unknown>>;
        if (from === this.parts.owner || !Array.isArray(roomIds)) return;
        for (const roomId of roomIds) if (typeof roomId === 'string') for (const watcher of this.#watchers) watcher(roomId);
      });
    return () => void this.#watchers.delete(told);
  }

  #open(roomId: string): Followed | undefined {
    const { store, realtime } = this.parts;
    if (!store.shared || this.#isStopped) return undefined;
    const known = this.#rooms.get(roomId);
    if (known !== undefined) return known;
    const room: Followed = { channels: new Set(), followers: new Set(), toldIndex: -1, subscriptions: [] };
    this.#rooms.set(roomId, room);
    if (realtime.distributed)
      room.subscriptions = [
        this.#subscribe(eventsChannel(roomId), roomId, (message) => {
          const index = indexOf(message);
          if (index !== undefined && this.#rooms.get(roomId) === room) this.#tell(roomId, room, index);
        }),
        this.#subscribe(liveChannel(roomId), roomId, (message) => {
          if (this.#rooms.get(roomId) === room) this.parts.wire.hear(roomId, room, message);
        }),
      ];
    this.#schedule();
    return room;
  }

  /** None does any more. */
  unfollow(channelId: string, roomId: string): void {
    const room = this.#rooms.get(roomId);
    if (room?.channels.delete(channelId) === true) this.#closeIfEmpty(roomId, room);
  }

  #closeIfEmpty(roomId: string, room: Followed): void {
    if (room.channels.size > 0 || room.followers.size > 0 || this.#rooms.get(roomId) !== room) return;
    this.#rooms.delete(roomId);
    this.#unsubscribe(room.subscriptions);
  }

  /** Something was committed here: others are told, by its index alone. */
  committed(roomId: string, index: number): void {
    const { realtime, tasks, logger } = this.parts;
    if (!realtime.distributed) return;
    void tasks.run(async () => {
      try {
        await realtime.publish(eventsChannel(roomId), { index });
      } catch (error) {
        logger.debug('Other processes could not be told of an event; they find it within a second.', { roomId, error });
      }
    });
    this.#changed.add(roomId);
    if (this.#gathering === undefined && !this.#isStopped) this.#gathering = this.parts.clock.setTimer(GATHER_MS, () => this.#tellChanged());
  }

  /** Who watches all rooms looks at each by itself: which ones is all that is told. */
  #tellChanged(): void {
    const { realtime, tasks, logger, owner } = this.parts;
    this.#gathering = undefined;
    const all = [...this.#changed];
    this.#changed.clear();
    void tasks.run(async () => {
      try {
        for (let at = 0; at < all.length; at += MOST_ROOMS)
          await realtime.publish(ROOMS_CHANNEL, { from: owner, roomIds: all.slice(at, at + MOST_ROOMS) });
      } catch (error) {
        logger.debug('Other processes could not be told which rooms have changed.', { error });
      }
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#gathering?.cancel();
    for (const room of this.#rooms.values()) this.#unsubscribe(room.subscriptions);
    this.#rooms.clear();
    if (this.#watching !== undefined) this.#unsubscribe([this.#watching]);
    this.#watchers.clear();
  }

  async #subscribe(channel: string, roomId: string, hear: RealtimeCallback): Promise<string | undefined> {
    const { realtime, logger } = this.parts;
    try {
      return await realtime.subscribe(channel, hear);
    } catch (error) {
      logger.warn('Events of other processes are found a second later: nothing can be heard of them.', { roomId, error });
      return undefined;
    }
  }

  #unsubscribe(subscriptions: Followed['subscriptions']): void {
    const { realtime, tasks, logger } = this.parts;
    if (subscriptions.length === 0) return;
    void tasks.run(async () => {
      try {
        for (const subscription of subscriptions) {
          const id = await subscription;
          if (id !== undefined) await realtime.unsubscribe(id);
        }
      } catch (error) {
        logger.debug('A room that nobody hears any more could not be left.', { error });
      }
    });
  }

  #tell(roomId: string, room: Followed, index: number): void {
    if (index <= room.toldIndex) return;
    room.toldIndex = index;
    for (const channelId of room.channels) this.parts.channels.get(channelId)?.channel.catchUp?.(roomId, index);
    for (const follower of room.followers) follower.grown(index);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isStopped || this.#rooms.size === 0) return;
    const timer = (this.#timer = this.parts.clock.setTimer(LOOK_MS, () => {
      if (this.#timer === timer) this.#timer = undefined;
      void this.parts.tasks.run(() => this.#look());
    }));
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const latest = await this.parts.store.latestIndexes?.([...this.#rooms.keys()]);
      for (const [roomId, index] of latest ?? []) {
        const room = this.#rooms.get(roomId);
        if (room !== undefined) this.#tell(roomId, room, index);
      }
    } catch (error) {
      if (!this.#isStopped) this.parts.logger.warn('What other processes have committed could not be looked for; it is tried again.', { error });
    } finally {
      this.#isLooking = false;
      this.#schedule();
    }
  }
}

function eventsChannel(roomId: string): string {
  return `room:${roomId}:events`;
}

function indexOf(message: RealtimeMessage): number | undefined {
  const { index } = message as Readonly<Record<string, unknown>>;
  return typeof index === 'number' ? index : undefined;
}
