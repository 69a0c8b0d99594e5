/**
 * Rooms that live connections of this process hear: of what other processes commit there they are told by its index, and look
 * once a second whether they were (OUT-15).
 */
import type { Timer } from '../clock.js';
import type { KitParts } from '../parts.js';
import type { RealtimeCallback, RealtimeMessage } from '../realtime/backend.js';
import { liveChannel } from './live-wire.js';

/** How long a commit of another process may stay unheard when nobody has told of it. */
const LOOK_MS = 1000;

interface Followed {
  readonly channels: Set<string>;
  /** The newest index that its channels were told of. */
  toldIndex: number;
  subscriptions: readonly Promise<string | undefined>[];
}

export class Followers {
  readonly #rooms = new Map<string, Followed>();
  #timer: Timer | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(private readonly parts: KitParts) {}

  get size(): number {
    return this.#rooms.size;
  }

  /** Connections of this channel hear this room. */
  follow(channelId: string, roomId: string): void {
    const { store, realtime } = this.parts;
    if (!store.shared || this.#isStopped) return;
    const known = this.#rooms.get(roomId);
    if (known !== undefined) {
      known.channels.add(channelId);
      return;
    }
    const room: Followed = { channels: new Set([channelId]), toldIndex: -1, subscriptions: [] };
    this.#rooms.set(roomId, room);
    if (realtime.distributed)
      room.subscriptions = [
        this.#subscribe(eventsChannel(roomId), roomId, (message) => {
          const index = indexOf(message);
          if (index !== undefined && this.#rooms.get(roomId) === room) this.#tell(roomId, room, index);
        }),
        this.#subscribe(liveChannel(roomId), roomId, (message) => {
          if (this.#rooms.get(roomId) === room) this.parts.wire.hear(roomId, room.channels, message);
        }),
      ];
    this.#schedule();
  }

  /** None does any more. */
  unfollow(channelId: string, roomId: string): void {
    const room = this.#rooms.get(roomId);
    if (room === undefined || !room.channels.delete(channelId) || room.channels.size > 0) return;
    this.#rooms.delete(roomId);
    this.#unsubscribe(room);
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
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const room of this.#rooms.values()) this.#unsubscribe(room);
    this.#rooms.clear();
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

  #unsubscribe({ subscriptions }: Followed): void {
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
