/**
 * The channel of live connections: browsers, apps, anything that holds a socket. It knows no socket itself; whoever accepts
 * one registers a function that sends. Nothing is stored for it: it follows the timeline, and what a connection missed it
 * reads again by index (OUT-15, WS-09).
 */
import { Deadlines } from '../core/async/deadlines.js';
import type { Channel, ChannelServices, DeliverOptions, DeliverReceipt, DeliveryStream, StreamPlaceholder } from '../core/channel.js';
import { SystemClock } from '../core/clock.js';
import { withoutStamps } from '../core/delivery/forms.js';
import { transcodeFor } from '../core/delivery/transcode.js';
import { canRead, isVisibleTo } from '../core/delivery/visibility.js';
import { ValidationError } from '../core/errors.js';
import { checkChannelId, checkId } from '../core/ids.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { channelCapabilities, type ChannelCapabilities } from '../core/models/capabilities.js';
import type { InboundMessage } from '../core/models/delivery.js';
import type { EphemeralEvent } from '../core/models/ephemeral.js';
import type { EventDraft, RoomEvent } from '../core/models/event.js';
import type { Participant } from '../core/models/people.js';
import { isPromise, type Awaitable } from '../core/models/json.js';
import type { RoomContext } from '../core/rooms/context.js';
import { inboundDraft } from './inbound-draft.js';
import {
  Connection,
  type ConnectionHost,
  type ConnectionLimits,
  type ConnectionOptions,
  type ConnectionSend,
  type Subscription,
} from './websocket/connection.js';
import { fanOut, type Outcome } from './websocket/fan-out.js';
import { Shared } from './websocket/frames.js';
import { replay } from './websocket/replay.js';
import { RoomConnections } from './websocket/room.js';
import { RoomStream, type ClosingFrame } from './websocket/streams.js';

/** How much a channel of live connections bears, and what its clients can show. */
export interface WebSocketChannelOptions {
  /** One channel for many people: what comes in over one connection also goes to the room's others (WS-10). Default false. */
  readonly echo?: boolean;
  /** How long a connection may take for one message. Default 5000. */
  readonly sendTimeoutMs?: number;
  /** How much may wait for one connection before it is dropped. Default 1000 messages. */
  readonly maxQueuedMessages?: number;
  /** Default 16 MiB. */
  readonly maxQueuedBytes?: number;
  /** Differences from what a browser can show: text, rich, media, audio, video, location, with all their controls. */
  readonly capabilities?: Partial<ChannelCapabilities>;
}

/** From where on a connection follows a room. */
export interface SubscribeOptions {
  /** The last index the client has: what it missed since then comes first. −1: everything. */
  readonly afterIndex?: number | undefined;
  /** Follow by index from now on, without `afterIndex`: events carry their true `prev`. */
  readonly follow?: boolean;
  /** Told the room's latest index, before the first event. */
  readonly started?: (latestIndex: number) => void;
}

const CAPABILITIES: Partial<ChannelCapabilities> = {
  mediaTypes: ['text', 'rich', 'media', 'audio', 'video', 'location'],
  supportsTyping: true,
  supportsReadReceipts: true,
  supportsReactions: true,
  supportsEdit: true,
  supportsDelete: true,
  supportsRichText: true,
  supportsMedia: true,
  supportsAudio: true,
  supportsVideo: true,
  supportsButtons: true,
  supportsCards: true,
  supportsQuickReplies: true,
};

/**
 * Live connections: browsers and apps. `serve` from `roomkit/server` brings the sockets; others register their own.
 * @example kit.registerChannel(new WebSocketChannel('web'))
 */
export class WebSocketChannel implements Channel {
  readonly channelId: string;
  readonly channelType = 'websocket';
  readonly category = 'transport';
  readonly direction = 'bidirectional';
  readonly capabilities: ChannelCapabilities;
  readonly durable = false;
  readonly echo: boolean;
  /** What one connection may cost, from the options. */
  readonly limits: ConnectionLimits;
  readonly #connections = new Map<string, Connection>();
  readonly #rooms = new Map<string, RoomConnections>();
  #services: ChannelServices | undefined;
  readonly #host: ConnectionHost;
  #deadlines: Deadlines | undefined;

  constructor(channelId: string, options: WebSocketChannelOptions = {}) {
    checkChannelId(channelId);
    this.channelId = channelId;
    this.echo = options.echo ?? false;
    this.capabilities = channelCapabilities({ ...CAPABILITIES, ...options.capabilities });
    this.limits = {
      sendTimeoutMs: positive('sendTimeoutMs', options.sendTimeoutMs ?? 5000),
      maxQueuedMessages: positive('maxQueuedMessages', options.maxQueuedMessages ?? 1000),
      maxQueuedBytes: positive('maxQueuedBytes', options.maxQueuedBytes ?? 16 * 1024 * 1024),
    };
    this.#host = {
      limits: this.limits,
      deadlines: () => (this.#deadlines ??= new Deadlines(new SystemClock())),
      evict: (connection, reason) => this.#evict(connection, reason),
    };
  }

  // --- connections ---------------------------------------------------------------------------------------------------

  /**
   * Adds a connection, or replaces the one of this id. With `afterIndex` the promise resolves once everything missed is on
   * its way and the connection is live; it rejects when the channel is not registered or the rooms cannot be read.
   */
  registerConnection(
    connectionId: string,
    send: ConnectionSend,
    options: ConnectionOptions & { readonly afterIndex: number | Readonly<Record<string, number>> },
  ): Promise<void>;
  registerConnection(connectionId: string, send: ConnectionSend, options?: ConnectionOptions): void;
  registerConnection(connectionId: string, send: ConnectionSend, options: ConnectionOptions = {}): Awaitable<void> {
    checkId('Connection id', connectionId);
    if (typeof send !== 'function') throw new ValidationError(`Connection '${connectionId}' needs a function that sends an event.`);
    const { afterIndex, roomIds = [] } = options;
    for (const roomId of roomIds) checkAfterIndex(roomId, indexFor(afterIndex, roomId));
    this.unregisterConnection(connectionId);
    this.#connections.set(connectionId, new Connection(connectionId, send, options, this.#host));
    const replays = roomIds.flatMap((roomId) => {
      const subscribed = this.#subscribe(connectionId, roomId, { afterIndex: indexFor(afterIndex, roomId) });
      return isPromise(subscribed) ? [subscribed] : [];
    });
    if (afterIndex !== undefined) return Promise.all(replays).then(() => undefined);
  }

  /** Lets a connection hear a room. Asking again begins anew. */
  subscribe(
    connectionId: string,
    roomId: string,
    options: SubscribeOptions & ({ readonly afterIndex: number } | { readonly follow: true }),
  ): Promise<void>;
  subscribe(connectionId: string, roomId: string, options?: SubscribeOptions): void;
  subscribe(connectionId: string, roomId: string, options: SubscribeOptions = {}): Awaitable<void> {
    return this.#subscribe(connectionId, roomId, options);
  }

  /** False when it did not hear the room. */
  unsubscribe(connectionId: string, roomId: string): boolean {
    const connection = this.#connections.get(connectionId);
    const subscription = connection?.subscriptions.get(roomId);
    if (connection === undefined || subscription === undefined) return false;
    connection.subscriptions.delete(roomId);
    subscription.room.remove(subscription);
    return true;
  }

  /** Forgets everything about a connection. False when it is unknown. */
  unregisterConnection(connectionId: string): boolean {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return false;
    this.#drop(connection);
    return true;
  }

  /** Whether the connection is registered. */
  hasConnection(connectionId: string): boolean {
    return this.#connections.has(connectionId);
  }

  /** How many connections there are, or hear a room. */
  connectionCount(roomId?: string): number {
    return roomId === undefined ? this.#connections.size : (this.#rooms.get(roomId)?.subscriptions.length ?? 0);
  }

  /** The rooms a connection hears. */
  roomsOf(connectionId: string): string[] {
    return [...(this.#connections.get(connectionId)?.subscriptions.keys() ?? [])];
  }

  // --- the channel's contract ----------------------------------------------------------------------------------------

  connect(services: ChannelServices): void {
    this.#services = services;
    this.#deadlines = new Deadlines(services.clock);
    for (const [roomId, room] of this.#rooms) room.isShared = services.follow(roomId) === true;
  }

  /** Other processes may have committed in this room: whoever goes by index reads what it has not had. */
  catchUp(roomId: string, latestIndex: number): void {
    const room = this.#rooms.get(roomId);
    if (room === undefined || latestIndex <= room.lookedAt) return;
    room.lookedAt = latestIndex;
    for (const subscription of room.subscriptions) if (subscription.last < latestIndex) this.#again(subscription);
  }

  /** Reads what a subscription that goes by index has not had. While it does, what comes live waits its turn. */
  #again(subscription: Subscription): void {
    const services = this.#services;
    if (services === undefined || !subscription.follows || subscription.closed) return;
    if (!subscription.live) {
      subscription.stale = true;
      return;
    }
    this.#replay(services, subscription, { afterIndex: subscription.last }).catch((error: unknown) => {
      // Without a part in the room it would wait for ever: it has to ask again.
      services.logger.warn('What a connection missed could not be read.', { roomId: subscription.room.roomId, error });
      subscription.connection.options.roomLost?.(subscription.room.roomId, 'unread');
    });
  }

  handleInbound(message: InboundMessage): EventDraft {
    return inboundDraft(this, message);
  }

  /** Settles at once when every `send` did. Throws DeliveryError when no connection took the event. */
  deliver(event: RoomEvent, _binding: ChannelBinding, context: RoomContext, options?: DeliverOptions): Awaitable<DeliverReceipt | void> {
    const room = this.#rooms.get(event.roomId);
    if (room === undefined) return;
    return this.#inOrder(room, event, context, undefined, isOutcome(options) ? options : undefined);
  }

  supportsStreamingDelivery(roomId: string): boolean {
    const subscriptions = this.#rooms.get(roomId)?.subscriptions;
    return subscriptions !== undefined && subscriptions.some(({ connection }) => connection.options.streamSend !== undefined && connection.open);
  }

  openStream(placeholder: StreamPlaceholder): DeliveryStream | null {
    const room = this.#rooms.get(placeholder.roomId);
    if (room === undefined) return null;
    return new RoomStream(room, placeholder, (event, context, closing) => {
      const done = this.#inOrder(room, event, context, closing);
      if (!isPromise(done)) return;
      // Nobody may wait for it (an error is only told), but what comes next must not overtake it.
      const tail = done.then(
        () => undefined,
        () => undefined,
      );
      room.tail = tail;
      void tail.then(() => {
        if (room.tail === tail) room.tail = undefined;
      });
      return done;
    });
  }

  deliverEphemeral(event: EphemeralEvent): void {
    const room = this.#rooms.get(event.roomId);
    if (room === undefined) return;
    const shared = new Shared();
    for (const { connection } of room.subscriptions) {
      const { ephemeral, participantId } = connection.options;
      if (ephemeral === undefined || connection.busy || !connection.open) continue;
      // Nobody is told what they do themselves; a host that publishes for somebody need not name the channel.
      const own = participantId !== undefined && participantId === event.userId;
      if (own && (event.channelId === undefined || event.channelId === this.channelId)) continue;
      connection.push({ bytes: 0, run: () => ephemeral(event, shared) });
    }
  }

  onEventChanged(event: RoomEvent, change: 'updated' | 'deleted', binding: ChannelBinding): void {
    const room = this.#rooms.get(event.roomId);
    if (room === undefined || event.status === 'blocked' || !canRead(binding)) return;
    const visible = event.source.channelId === this.channelId || isVisibleTo(event.visibility, this.channelId, binding.category);
    // What was hidden or deleted by the change has to disappear; an id is all that is told of it.
    const told = visible && change === 'updated' && event.metadata['deleted'] !== true ? 'updated' : 'deleted';
    const shaped = this.#shape(event);
    const shared = new Shared();
    for (const subscription of room.subscriptions) {
      const { connection } = subscription;
      const { changed } = connection.options;
      if (changed === undefined || !connection.open) continue;
      connection.push({ subscription, bytes: connection.busy ? shared.bytesOf(shaped) : 0, run: () => changed(shaped, told, shared) });
    }
  }

  updateBinding(roomId: string, binding: ChannelBinding): void {
    if (!canRead(binding)) this.detached(roomId);
  }

  detached(roomId: string): void {
    for (const { connection } of this.#rooms.get(roomId)?.subscriptions ?? []) connection.options.roomLost?.(roomId);
  }

  close(): void {
    for (const connection of [...this.#connections.values()]) {
      this.#drop(connection);
      connection.options.ended?.('channel_closed');
    }
    this.#deadlines?.close();
  }

  // -------------------------------------------------------------------------------------------------------------------

  #subscribe(connectionId: string, roomId: string, options: SubscribeOptions): Awaitable<void> {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) {
      throw new ValidationError(`Connection '${connectionId}' is not registered with channel '${this.channelId}'. Call registerConnection first.`);
    }
    checkId('Room id', roomId);
    const { afterIndex } = options;
    checkAfterIndex(roomId, afterIndex);
    const follows = afterIndex !== undefined || options.follow === true;
    const services = this.#services;
    if (follows && services === undefined) {
      throw new ValidationError(
        `Channel '${this.channelId}' is not registered and cannot read what was missed. Call kit.registerChannel(channel) first.`,
      );
    }
    this.unsubscribe(connectionId, roomId);
    let room = this.#rooms.get(roomId);
    if (room === undefined) {
      this.#rooms.set(roomId, (room = new RoomConnections(roomId, this.#forgetRoom)));
      room.isShared = services?.follow(roomId) === true;
    }
    const subscription = room.add(connection, follows);
    connection.subscriptions.set(roomId, subscription);
    if (!follows || services === undefined) {
      for (const stream of room.streams) stream.watch(subscription);
      return;
    }
    return this.#replay(services, subscription, options);
  }

  async #replay(services: ChannelServices, subscription: Subscription, options: SubscribeOptions): Promise<void> {
    const { connection, room } = subscription;
    try {
      await replay(subscription, {
        afterIndex: options.afterIndex,
        started: options.started,
        read: (range) => services.readVisible(room.roomId, range),
        shape: (event) => this.#shape(event),
      });
    } catch (error) {
      // Half a replay would be a gap: it has no part in the room until it asks again.
      if (!subscription.closed) this.unsubscribe(connection.id, room.roomId);
      throw error;
    }
  }

  readonly #forgetRoom = (room: RoomConnections): void => {
    if (this.#rooms.get(room.roomId) !== room) return;
    this.#rooms.delete(room.roomId);
    this.#services?.unfollow(room.roomId);
  };

  /** Gives an event to a room, after what is before it. */
  #inOrder(
    room: RoomConnections,
    event: RoomEvent,
    context: RoomContext | undefined,
    closing: ((prev: number) => ClosingFrame) | undefined,
    outcome?: Outcome,
  ): Awaitable<DeliverReceipt | void> {
    if (room.tail !== undefined) return room.tail.then(() => this.#inOrder(room, event, context, closing));
    if (context !== undefined && context.participants !== room.people) this.#showOut(room, context.participants);
    const { index } = event;
    const { last } = room;
    if (room.followed && (index !== last + 1 || !room.exact) && index > last) return this.#afterGap(room, event, context, closing);
    const prev = last < index ? last : index - 1;
    if (index > last) {
      room.exact = room.exact && index === last + 1;
      room.last = index;
    }
    return fanOut(room, { type: 'event', roomId: room.roomId, prev, event }, new Shared(context?.participants), closing?.(prev), outcome);
  }

  /** Who was banned or has left hears no more from this event on (AUTH-05, WIRE-12). */
  #showOut(room: RoomConnections, participants: readonly Participant[]): void {
    room.people = participants;
    for (const { id, status } of participants) {
      if (status !== 'banned' && status !== 'left') continue;
      for (const { connection } of room.subscriptions) {
        if (connection.options.participantId === id) connection.options.roomLost?.(room.roomId);
      }
    }
  }

  /** Between the last event and this one are others: hidden ones, or such as did not come through. The store knows which. */
  async #afterGap(
    room: RoomConnections,
    event: RoomEvent,
    context: RoomContext | undefined,
    closing: ((prev: number) => ClosingFrame) | undefined,
  ): Promise<void> {
    const page = await this.#services?.readVisible(room.roomId, { afterIndex: event.index - 1, limit: 1 });
    const prev = page?.prev ?? room.last;
    // Where other processes commit, what did not come through is theirs.
    if (room.isShared) for (const subscription of room.subscriptions) if (subscription.last < prev) this.#again(subscription);
    room.last = event.index;
    room.exact = true;
    await fanOut(room, { type: 'event', roomId: room.roomId, prev, event }, new Shared(context?.participants), closing?.(prev));
  }

  /** As a live delivery would have it (§11.1): a replay gives nothing else. */
  #shape(event: RoomEvent): RoomEvent {
    const plain = withoutStamps(event);
    const content = transcodeFor(plain.content, this.capabilities);
    return content === null || content === plain.content ? plain : Object.freeze({ ...plain, content });
  }

  #evict(connection: Connection, reason: string): void {
    if (connection.closed) return;
    this.#drop(connection);
    this.#services?.emit('channel_disconnected', { connection_id: connection.id, reason });
    connection.options.ended?.(reason);
  }

  #drop(connection: Connection): void {
    if (this.#connections.get(connection.id) === connection) this.#connections.delete(connection.id);
    connection.close();
    for (const subscription of connection.subscriptions.values()) subscription.room.remove(subscription);
    connection.subscriptions.clear();
  }
}

function isOutcome(options: DeliverOptions | undefined): options is DeliverOptions & Outcome {
  return options?.done !== undefined;
}

function indexFor(afterIndex: ConnectionOptions['afterIndex'], roomId: string): number | undefined {
  return typeof afterIndex === 'object' ? afterIndex[roomId] : afterIndex;
}

function checkAfterIndex(roomId: string, afterIndex: number | undefined): void {
  if (afterIndex === undefined || (Number.isInteger(afterIndex) && afterIndex >= -1)) return;
  throw new ValidationError(`afterIndex of room '${roomId}' is ${String(afterIndex)}. Give the index of the last event the client has, or -1.`);
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new ValidationError(`${name} is ${String(value)}. Give a number above 0.`);
}
