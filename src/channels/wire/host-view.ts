/**
 * What an operator sees over the wire (WIRE-15): every event, hidden and blocked ones included, as a channel would see it when
 * asked for, and rooms that change. It reads the timeline by index; a commit only says that there is more to read, so that
 * nothing comes twice, out of order or not at all.
 */
import type { Clock, Timer } from '../../core/clock.js';
import { canSeeEvent } from '../../core/delivery/visibility.js';
import { ChannelNotFoundError, errorCode } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { WireKit } from './connection.js';
import { hostEvent, namesOf, wireEvent, type NameOf } from './event.js';
import { WIRE_LIMITS, type ClientFrame, type ServerFrame } from './frames.js';
import { HostStreams } from './host-streams.js';

export interface HostViewOptions {
  readonly kit: WireKit;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: (frame: ServerFrame) => void;
  /** A promise while the socket is backed up. */
  readonly relief: () => Promise<void> | undefined;
}

const PAGE = 100;
/** Rooms and outcomes are told at most four times a second. */
const COALESCE_MS = 250;
const ROOM_EVENTS = ['room_created', 'room_paused', 'room_resumed', 'room_closed', 'room_archived'] as const;
const OUTCOME_EVENTS = ['event_processed', 'delivery_succeeded', 'delivery_failed', 'delivery_unknown'] as const;

interface Watch {
  readonly roomId: string;
  /** Set: only what this channel may see. */
  readonly as: string | undefined;
  readonly names: NameOf;
  /** Index of the last event that was given, or was there before. */
  last: number;
  /** The room's last index when it was subscribed to: what comes later was not missed. */
  missedUntil: number;
  reading: boolean;
  /** Something was committed while it read. */
  stale: boolean;
  closed: boolean;
  /** Subscription to typing, receipts and reactions of the room. */
  ephemeral?: string;
  /** Ends what is told of the room by other processes. */
  unfollow?: () => void;
}

export class HostView {
  readonly #watches = new Map<string, Watch>();
  readonly #rooms: Coalesced;
  readonly #outcomes: Coalesced;
  readonly #streams: HostStreams;
  readonly #stop: (() => void)[] = [];
  #allRooms = false;
  #closed = false;

  constructor(private readonly options: HostViewOptions) {
    const { kit, clock } = options;
    this.#rooms = new Coalesced(clock, (roomId) => this.#tellRoom(roomId));
    this.#outcomes = new Coalesced(clock, (key) => this.#tellOutcome(key));
    this.#streams = new HostStreams({
      eyesOn: (roomId) => this.#watches.get(roomId),
      binding: async (roomId, channelId) => (await kit.listBindings(roomId)).find((bound) => bound.channelId === channelId),
      lastShown: (roomId) => this.#watches.get(roomId)?.last ?? -1,
      send: options.send,
      isBusy: () => options.relief() !== undefined,
    });
    if (kit.onReply !== undefined) this.#stop.push(kit.onReply((opening) => this.#streams.open(opening)));
    this.#stop.push(kit.onCommitted((event) => this.#onCommitted(event)));
    if (kit.onRoomsChanged !== undefined) this.#stop.push(kit.onRoomsChanged((roomId) => this.#onRoom(roomId)));
    if (kit.on !== undefined) {
      for (const type of ROOM_EVENTS) this.#stop.push(kit.on(type, ({ roomId }) => this.#onRoom(roomId)));
      for (const type of OUTCOME_EVENTS) this.#stop.push(kit.on(type, ({ roomId, eventId }) => this.#onOutcome(roomId, eventId)));
    }
    if (kit.hook !== undefined) {
      this.#stop.push(kit.hook('on_event_updated', (event) => this.#onChanged(event, 'updated')));
      this.#stop.push(kit.hook('on_event_deleted', (event) => this.#onChanged(event, 'deleted')));
    }
  }

  get roomCount(): number {
    return this.#watches.size;
  }

  /** Resolves once the answer is out; the room is read on by itself. */
  async subscribe(frame: Extract<ClientFrame, { type: 'subscribe' }>): Promise<void> {
    const { kit, send } = this.options;
    const { id, roomId, afterIndex, as } = frame;
    if (roomId === '*') {
      this.#allRooms = true;
      send({ type: 'subscribed', id, roomId, latestIndex: -1 });
      return;
    }
    this.unsubscribe(roomId);
    const names = namesOf(await kit.listParticipants(roomId));
    if (as !== undefined) {
      const bound = (await kit.listBindings(roomId)).map(({ channelId }) => channelId);
      if (!bound.includes(as)) throw new ChannelNotFoundError(roomId, as, bound);
    }
    if (this.#closed) return;
    const watch: Watch = { roomId, as, names, last: afterIndex ?? -1, missedUntil: -1, reading: true, stale: false, closed: false };
    this.#watches.set(roomId, watch);
    try {
      const { latestIndex } = await kit.getRoom(roomId);
      if (isClosed(watch)) return;
      watch.missedUntil = latestIndex;
      send({ type: 'subscribed', id, roomId, latestIndex });
      if (afterIndex === undefined) watch.last = latestIndex;
      else if (afterIndex > latestIndex) this.#resync(watch, 0, latestIndex);
      this.#streams.catchUp(roomId);
      await this.#follow(watch);
      if (as === undefined) await this.#hearEphemeral(watch);
    } catch (error) {
      this.unsubscribe(roomId);
      throw error;
    }
    watch.reading = false;
    this.#read(watch);
  }

  /** False when it was not watched. */
  unsubscribe(roomId: string): boolean {
    if (roomId === '*') this.#allRooms = false;
    const watch = this.#watches.get(roomId);
    if (watch === undefined) return false;
    watch.closed = true;
    this.#streams.forget(roomId);
    this.#leaveEphemeral(watch);
    watch.unfollow?.();
    return this.#watches.delete(roomId);
  }

  /** Other processes write here, too. */
  async #follow(watch: Watch): Promise<void> {
    watch.unfollow = await this.options.kit.followRoom?.(watch.roomId, {
      grown: () => this.#read(watch),
      changed: (event, change) => {
        this.#onChanged(event, change).catch((error: unknown) =>
          this.options.logger.debug('A changed event could not be shown.', { roomId: watch.roomId, error }),
        );
      },
      outcome: (eventId, kind) => this.#onOutcome(watch.roomId, eventId, kind),
    });
    if (isClosed(watch)) watch.unfollow?.();
  }

  async #hearEphemeral(watch: Watch): Promise<void> {
    const { kit, send } = this.options;
    const { roomId } = watch;
    watch.ephemeral = await kit.subscribeRoom(roomId, (event) => {
      if (!watch.closed) send({ type: 'ephemeral', roomId, event });
    });
    if (isClosed(watch)) this.#leaveEphemeral(watch);
  }

  #leaveEphemeral(watch: Watch): void {
    if (watch.ephemeral === undefined) return;
    this.options.kit
      .unsubscribeRoom(watch.ephemeral)
      .catch((error: unknown) => this.options.logger.debug('A host could not leave a room.', { error }));
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stop) stop();
    for (const roomId of [...this.#watches.keys()]) this.unsubscribe(roomId);
    this.#rooms.close();
    this.#outcomes.close();
  }

  // -------------------------------------------------------------------------------------------------------------------

  #onCommitted(event: RoomEvent): void {
    this.#onRoom(event.roomId);
    const watch = this.#watches.get(event.roomId);
    if (watch !== undefined) this.#read(watch);
  }

  #read(watch: Watch): void {
    watch.stale = true;
    if (watch.reading || watch.closed) return;
    watch.reading = true;
    this.#readOn(watch).catch((error: unknown) => {
      this.options.logger.warn('A host cannot be shown a room any more.', { roomId: watch.roomId, error });
      if (watch.closed) return;
      this.unsubscribe(watch.roomId);
      const gone = errorCode(error) === 'room_not_found' || errorCode(error) === 'channel_not_found';
      this.options.send({
        type: 'error',
        roomId: watch.roomId,
        code: gone ? 'room_not_found' : 'internal',
        message: gone ? 'There is no such room for you.' : 'The room cannot be read.',
        retryable: !gone,
      });
    });
  }

  async #readOn(watch: Watch): Promise<void> {
    let left: number = WIRE_LIMITS.replay;
    let more = false;
    while (watch.stale || more) {
      watch.stale = false;
      const page = await this.#page(watch);
      if (watch.closed) return;
      more = page.length === PAGE;
      for (const event of page) {
        if (event.index <= watch.missedUntil && left-- === 0) {
          const { latestIndex } = await this.options.kit.getRoom(watch.roomId);
          if (isClosed(watch)) return;
          this.#resync(watch, event.index, latestIndex);
          more = false;
          break;
        }
        const prev = watch.last;
        watch.last = event.index;
        const shown = watch.as === undefined ? hostEvent(event, watch.names) : wireEvent(event, watch.names);
        const streamId = this.#streams.endedBy(event);
        const place = { roomId: watch.roomId, prev, event: shown };
        this.options.send(streamId === undefined ? { type: 'event', ...place } : { type: 'stream_end', streamId, ...place });
        if (this.options.relief() === undefined) continue;
        more = true; // the rest is read again once there is room: it may have changed by then
        break;
      }
      await this.options.relief();
      if (isClosed(watch)) return;
    }
    watch.reading = false;
  }

  async #page(watch: Watch): Promise<readonly RoomEvent[]> {
    const { kit } = this.options;
    const { roomId, last, as } = watch;
    if (as === undefined) return kit.getTimeline(roomId, { afterIndex: last, limit: PAGE });
    return kit.getTimeline(roomId, { afterIndex: last, limit: PAGE, as });
  }

  #resync(watch: Watch, fromIndex: number, latestIndex: number): void {
    watch.last = latestIndex;
    this.#streams.forget(watch.roomId);
    this.options.send({ type: 'resync', roomId: watch.roomId, fromIndex });
  }

  async #onChanged(event: RoomEvent, change: 'updated' | 'deleted'): Promise<void> {
    const watch = this.#watches.get(event.roomId);
    if (watch === undefined || event.index > watch.last) return;
    const { roomId } = event;
    let shown = change === 'updated' || event.metadata['deleted'] === true;
    if (watch.as !== undefined) {
      const bindings = await this.options.kit.listBindings(roomId);
      if (isClosed(watch)) return;
      const binding = bindings.find(({ channelId }) => channelId === watch.as);
      shown = shown && binding !== undefined && canSeeEvent(event, binding);
    }
    if (!shown) this.options.send({ type: 'event_removed', roomId, eventId: event.id });
    else
      this.options.send({
        type: 'event_changed',
        roomId,
        event: watch.as === undefined ? hostEvent(event, watch.names) : wireEvent(event, watch.names),
      });
  }

  #onRoom(roomId: string | undefined): void {
    if (this.#allRooms && roomId !== undefined) this.#rooms.add(roomId);
  }

  async #tellRoom(roomId: string): Promise<void> {
    try {
      const room = await this.options.kit.getRoom(roomId);
      if (!this.#closed && this.#allRooms) this.options.send({ type: 'room', room });
    } catch (error) {
      this.options.logger.debug('A changed room could not be shown.', { roomId, error });
    }
  }

  /** What became of deliveries and turns is known after the event was shown: it is shown once more. */
  #onOutcome(roomId: string | undefined, eventId: string | undefined, kind: 'delivery' | 'turn' = 'delivery'): void {
    if (roomId === undefined || eventId === undefined || this.#watches.get(roomId)?.as !== undefined || !this.#watches.has(roomId)) return;
    this.#outcomes.add(`${kind} ${eventId} ${roomId}`);
  }

  async #tellOutcome(key: string): Promise<void> {
    const [kind = '', eventId = '', ...rest] = key.split(' ');
    const roomId = rest.join(' ');
    const watch = this.#watches.get(roomId);
    if (watch === undefined) return;
    try {
      const event = await this.options.kit.getEvent(roomId, eventId);
      if (event === null || isClosed(watch) || event.index > watch.last) return;
      if (kind === 'delivery' && event.deliveryResults === undefined) return;
      this.options.send({ type: 'event_changed', roomId, event: hostEvent(event, watch.names) });
    } catch (error) {
      this.options.logger.debug('The outcome of an event could not be shown.', { roomId, error });
    }
  }
}

/** Names that are handled together a moment later, each once however often it came. */
class Coalesced {
  readonly #names = new Set<string>();
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly handle: (name: string) => Promise<void>,
  ) {}

  add(name: string): void {
    this.#names.add(name);
    this.#timer ??= this.clock.setTimer(COALESCE_MS, () => {
      this.#timer = undefined;
      const names = [...this.#names];
      this.#names.clear();
      for (const one of names) void this.handle(one);
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#names.clear();
  }
}

/** Asked anew after each wait. */
function isClosed(watch: Watch): boolean {
  return watch.closed;
}
