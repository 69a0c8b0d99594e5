/** What an operator sees over the wire (WIRE-15): every event, hidden and blocked ones included, and rooms that change. */
import { canSeeEvent, type Clock, type Logger, type Room, type RoomEvent, type Timer } from '../../core/index.js';
import type { WireKit } from './connection.js';
import { hostEvent, wireEvent } from './event.js';
import { WIRE_LIMITS, type ClientFrame, type ServerFrame } from './frames.js';

const ROOMS_MS = 250;

interface Watch {
  last: number;
  /** Set: only what this channel may see. */
  readonly as: string | undefined;
  /** Live events that wait behind the replay. */
  waiting: RoomEvent[] | undefined;
}

export class HostView {
  readonly #rooms = new Map<string, Watch>();
  readonly #changedRooms = new Map<string, Room>();
  readonly #stopListening: () => void;
  #allRooms = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    private readonly kit: WireKit,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly send: (frame: ServerFrame) => void,
  ) {
    this.#stopListening = kit.onCommitted((event, room) => this.#onCommitted(event, room));
  }

  async subscribe(frame: Extract<ClientFrame, { type: 'subscribe' }>): Promise<void> {
    const { id, roomId, afterIndex, as } = frame;
    if (roomId === '*') {
      this.#allRooms = true;
      this.send({ type: 'subscribed', id, roomId, latestIndex: -1 });
      for (const room of await this.kit.listRooms({ limit: 500 })) this.send({ type: 'room', room });
      return;
    }
    const room = await this.kit.getRoom(roomId);
    const waiting: RoomEvent[] = [];
    const watch: Watch = { last: afterIndex ?? room.latestIndex, as, waiting };
    this.#rooms.set(roomId, watch);
    this.send({ type: 'subscribed', id, roomId, latestIndex: room.latestIndex });
    if (afterIndex !== undefined && room.latestIndex - afterIndex > WIRE_LIMITS.replay) {
      watch.waiting = undefined;
      this.send({ type: 'resync', roomId, fromIndex: afterIndex + 1 });
      return;
    }
    const missed = await this.kit.getTimeline(roomId, { afterIndex: watch.last, limit: 1000, ...(as !== undefined && { as }) });
    if (this.#closed) return;
    for (const event of missed) this.#give(event, watch);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#giveLive(next, watch);
    watch.waiting = undefined;
  }

  unsubscribe(roomId: string): void {
    if (roomId === '*') this.#allRooms = false;
    this.#rooms.delete(roomId);
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#timer?.cancel();
    this.#rooms.clear();
  }

  #onCommitted(event: RoomEvent, room: Room): void {
    if (this.#allRooms) this.#roomChanged(room);
    const watch = this.#rooms.get(event.roomId);
    if (watch === undefined) return;
    if (watch.waiting !== undefined) watch.waiting.push(event);
    else if (watch.as === undefined) this.#give(event, watch);
    else this.#giveLive(event, watch).catch((error: unknown) => this.logger.warn('An event could not be shown to a host.', { error }));
  }

  async #giveLive(event: RoomEvent, watch: Watch): Promise<void> {
    if (watch.as !== undefined) {
      const binding = (await this.kit.listBindings(event.roomId)).find((bound) => bound.channelId === watch.as);
      if (binding === undefined || !canSeeEvent(event, binding)) return;
    }
    this.#give(event, watch);
  }

  #give(event: RoomEvent, watch: Watch): void {
    if (event.index <= watch.last) return;
    const prev = watch.last;
    watch.last = event.index;
    this.send({ type: 'event', roomId: event.roomId, prev, event: watch.as === undefined ? hostEvent(event) : wireEvent(event) });
  }

  /** A busy room is told four times a second, not at every event. */
  #roomChanged(room: Room): void {
    this.#changedRooms.set(room.id, room);
    this.#timer ??= this.clock.setTimer(ROOMS_MS, () => {
      this.#timer = undefined;
      const rooms = [...this.#changedRooms.values()];
      this.#changedRooms.clear();
      for (const changed of rooms) this.send({ type: 'room', room: changed });
    });
  }
}
