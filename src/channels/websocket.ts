/**
 * The channel of live connections (behaviour §6.2): browsers, apps, anything that stays connected. It has no rows: its
 * clients follow the timeline, and what one missed it reads again by index.
 */
import { Deadlines } from '../core/async/deadlines.js';
import {
  channelCapabilities,
  SystemClock,
  toContent,
  ValidationError,
  type Channel,
  type ChannelBinding,
  type ChannelCapabilities,
  type ChannelServices,
  type EphemeralEvent,
  type EventDraft,
  type InboundMessage,
  type RoomContext,
  type RoomEvent,
  type StreamPlaceholder,
} from '../core/index.js';
import { Connection, type ConnectionOptions, type ConnectionSend, type EventFrame } from './websocket/connection.js';
import { FanOut, type FanOutEnd } from './websocket/fan-out.js';
import { OpenStream, type StreamHost } from './websocket/stream.js';

export interface WebSocketChannelOptions {
  /** One channel for many people: a message of one connection goes to the room's others too (WS-10). Default false. */
  readonly echo?: boolean;
  /** Default 5000. */
  readonly sendTimeoutMs?: number;
  /** Differences from the usual: text, rich, media, audio, video, location, and everything a browser can show. */
  readonly capabilities?: Partial<ChannelCapabilities>;
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

const MAX_FAILURES = 3;
const MAX_REPLAY = 500;
/** Live events that wait behind a replay; above it the connection is too slow (WS-04). */
const MAX_WAITING = 1000;

export class WebSocketChannel implements Channel {
  readonly channelType = 'websocket';
  readonly category = 'transport';
  readonly direction = 'bidirectional';
  readonly durable = false;
  readonly capabilities: ChannelCapabilities;
  readonly echo: boolean;
  readonly #sendTimeoutMs: number;
  readonly #connections = new Map<string, Connection>();
  readonly #rooms = new Map<string, Set<Connection>>();
  readonly #streams = new Map<string, Set<OpenStream>>();
  #services: ChannelServices | undefined;
  #deadlines: Deadlines | undefined;

  constructor(
    readonly channelId: string,
    options: WebSocketChannelOptions = {},
  ) {
    this.echo = options.echo ?? false;
    this.#sendTimeoutMs = options.sendTimeoutMs ?? 5000;
    if (!(this.#sendTimeoutMs > 0)) throw new ValidationError(`sendTimeoutMs of '${channelId}' is ${options.sendTimeoutMs}. Give milliseconds above 0.`);
    this.capabilities = channelCapabilities({ ...CAPABILITIES, ...options.capabilities });
  }

  connect(services: ChannelServices): void {
    this.#services = services;
  }

  // --- connections ---------------------------------------------------------------------------------------------------

  /**
   * Adds a connection, in the rooms given. With `afterIndex` what it missed is replayed first; await the result then.
   * Registering an id again replaces the old connection.
   */
  registerConnection(connectionId: string, send: ConnectionSend, options: ConnectionOptions = {}): void | Promise<void> {
    this.unregisterConnection(connectionId);
    const connection = new Connection(connectionId, send, options);
    this.#connections.set(connectionId, connection);
    const { afterIndex, roomIds = [] } = options;
    if (afterIndex === undefined) {
      for (const roomId of roomIds) this.#join(connection, roomId);
      return;
    }
    return Promise.all(roomIds.map((roomId) => this.subscribe(connectionId, roomId, { afterIndex }))).then(() => undefined);
  }

  /** Adds a room to a connection; false when the connection is unknown. */
  async subscribe(connectionId: string, roomId: string, options: { afterIndex?: number } = {}): Promise<boolean> {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return false;
    if (options.afterIndex !== undefined) {
      connection.beginReplay(roomId);
      this.#join(connection, roomId);
      await this.#replay(connection, roomId, options.afterIndex);
    } else {
      this.#join(connection, roomId);
    }
    for (const stream of this.#streams.get(roomId) ?? []) stream.join(connection);
    return true;
  }

  unsubscribe(connectionId: string, roomId: string): boolean {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined || !connection.rooms.has(roomId)) return false;
    this.#leave(connection, roomId);
    return true;
  }

  /** Forgets everything about a connection; false when it is unknown. */
  unregisterConnection(connectionId: string): boolean {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return false;
    connection.gone = true;
    this.#connections.delete(connectionId);
    for (const roomId of [...connection.rooms]) this.#leave(connection, roomId);
    return true;
  }

  /** How many connections there are; in a room, when one is given. */
  connectionCount(roomId?: string): number {
    return roomId === undefined ? this.#connections.size : (this.#rooms.get(roomId)?.size ?? 0);
  }

  // --- the channel's side --------------------------------------------------------------------------------------------

  handleInbound(message: InboundMessage): EventDraft {
    const { externalId, providerMessageId, threadId, senderId } = message;
    return {
      type: message.eventType ?? 'message',
      source: {
        channelId: this.channelId,
        channelType: 'websocket',
        direction: 'inbound',
        ...(senderId !== '' && { participantId: senderId }),
        ...(externalId !== undefined && { externalId }),
        ...(providerMessageId !== undefined && { providerMessageId }),
        rawPayload: message.rawPayload === undefined ? NO_PAYLOAD : Object.freeze(structuredClone(message.rawPayload)),
      },
      content: toContent(message.content),
      ...(threadId !== undefined && { channelData: { threadId } }),
    };
  }

  /** To all connections of the room at once. At once done when every `send` answered at once. */
  deliver(event: RoomEvent, _binding: ChannelBinding, _context: RoomContext): void | Promise<void> {
    return this.#fanOut(event, undefined);
  }

  supportsStreamingDelivery(roomId: string): boolean {
    for (const connection of this.#rooms.get(roomId) ?? []) if (connection.options.streamSend !== undefined && !connection.closing) return true;
    return false;
  }

  openStream(placeholder: StreamPlaceholder): OpenStream {
    const stream = new OpenStream(this.#streamHost, placeholder);
    let open = this.#streams.get(placeholder.roomId);
    if (open === undefined) this.#streams.set(placeholder.roomId, (open = new Set()));
    open.add(stream);
    return stream;
  }

  deliverEphemeral(event: EphemeralEvent): void {
    for (const connection of this.#rooms.get(event.roomId) ?? []) {
      const { ephemeral, participantId } = connection.options;
      if (ephemeral === undefined || (event.channelId === this.channelId && participantId === event.userId)) continue;
      this.#attempt(connection, () => ephemeral(event));
    }
  }

  onEventChanged(event: RoomEvent, change: 'updated' | 'deleted'): void {
    for (const connection of this.#rooms.get(event.roomId) ?? []) {
      const { changed } = connection.options;
      if (changed !== undefined) this.#attempt(connection, () => changed(event, change));
    }
  }

  detached(roomId: string): void {
    for (const connection of [...(this.#rooms.get(roomId) ?? [])]) this.#leave(connection, roomId);
  }

  close(): void {
    for (const connection of [...this.#connections.values()]) this.#drop(connection, 'closed');
    this.#deadlines?.close();
  }

  // --- fan-out -------------------------------------------------------------------------------------------------------

  #fanOut(event: RoomEvent, except: ReadonlySet<Connection> | undefined): void | Promise<void> {
    const connections = this.#rooms.get(event.roomId);
    if (connections === undefined) return;
    const frame: EventFrame = { type: 'event', roomId: event.roomId, event };
    const own = this.echo && event.source.channelId === this.channelId;
    let fanOut: FanOut | undefined;
    let taken = 0;
    let asked = 0;
    let failure: unknown;
    for (const connection of connections) {
      if (except?.has(connection) === true) continue;
      const { options } = connection;
      if (options.state !== undefined && connection.closing) continue;
      const waiting = connection.waiting(event.roomId);
      if (waiting !== undefined) {
        if (waiting.length >= MAX_WAITING) this.#drop(connection, 'slow_consumer');
        else waiting.push(event);
        continue;
      }
      if (own && options.acknowledges?.(event) === true) continue;
      asked++;
      try {
        const sent = connection.send(frame);
        if (sent === undefined) {
          connection.failures = 0;
          if (fanOut === undefined) taken++;
          else fanOut.taken();
        } else {
          fanOut ??= new FanOut(this.#timers(), this.#sendTimeoutMs, taken, this.#fanOutEnd);
          fanOut.track(connection, sent);
        }
      } catch (error) {
        failure = error;
        this.#failed(connection, error);
      }
    }
    if (fanOut !== undefined) return fanOut.seal();
    if (asked > 0 && taken === 0) throw failure;
  }

  readonly #fanOutEnd: FanOutEnd = {
    succeeded: (connection) => {
      connection.failures = 0;
    },
    failed: (connection, error) => this.#failed(connection, error),
  };

  readonly #streamHost: StreamHost = {
    connectionsOf: (roomId) => this.#rooms.get(roomId) ?? [],
    failed: (connection, error) => this.#failed(connection, error),
    sendEvent: (event, except) => this.#fanOut(event, except),
    ended: (stream) => {
      const open = this.#streams.get(stream.placeholder.roomId);
      open?.delete(stream);
      if (open?.size === 0) this.#streams.delete(stream.placeholder.roomId);
    },
  };

  /** Three failures in a row drop a connection, never the room (WS-03). */
  #failed(connection: Connection, error: unknown): void {
    if (connection.gone) return;
    connection.failures++;
    this.#services?.logger.debug('A connection failed.', { channelId: this.channelId, failures: connection.failures, error });
    if (connection.failures >= MAX_FAILURES) this.#drop(connection, 'failed');
  }

  #drop(connection: Connection, reason: string): void {
    if (!this.unregisterConnection(connection.id)) return;
    this.#services?.emit('channel_disconnected', { connection_id: connection.id, reason });
    this.#attempt(connection, () => connection.options.dropped?.(reason));
  }

  #attempt(connection: Connection, fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  // --- replay --------------------------------------------------------------------------------------------------------

  /** What was missed, in order, then what came meanwhile, then live: one sequence (WS-09). */
  async #replay(connection: Connection, roomId: string, afterIndex: number): Promise<void> {
    let last = afterIndex;
    try {
      const page = await this.#services?.readVisible(roomId, { afterIndex, limit: MAX_REPLAY });
      if (connection.gone) return;
      if (page?.more === true) {
        connection.endReplay(roomId);
        await connection.send({ type: 'resync', roomId, fromIndex: afterIndex + 1 });
        return;
      }
      for (const event of page?.events ?? []) {
        last = event.index;
        await connection.send({ type: 'event', roomId, event });
      }
      for (;;) {
        const next = connection.waiting(roomId)?.shift();
        if (next === undefined) break;
        if (next.index <= last) continue;
        last = next.index;
        await connection.send({ type: 'event', roomId, event: next });
      }
    } catch (error) {
      this.#failed(connection, error);
    } finally {
      connection.endReplay(roomId);
    }
  }

  #join(connection: Connection, roomId: string): void {
    let room = this.#rooms.get(roomId);
    if (room === undefined) this.#rooms.set(roomId, (room = new Set()));
    room.add(connection);
    connection.rooms.add(roomId);
  }

  #leave(connection: Connection, roomId: string): void {
    connection.rooms.delete(roomId);
    connection.endReplay(roomId);
    for (const stream of this.#streams.get(roomId) ?? []) stream.leave(connection);
    const room = this.#rooms.get(roomId);
    room?.delete(connection);
    if (room?.size === 0) this.#rooms.delete(roomId);
  }

  #timers(): Deadlines {
    return (this.#deadlines ??= new Deadlines(this.#services?.clock ?? new SystemClock()));
  }
}

const NO_PAYLOAD: Readonly<Record<string, unknown>> = Object.freeze({});
