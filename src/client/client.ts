/** A client of a RoomKit server: one connection for any number of rooms. */
import type { ClientFrame, ServerFrame } from '../channels/index.js';
import { Api, type ApiRequest } from './api.js';
import { Credentials } from './credentials.js';
import { ClientError } from './errors.js';
import { FollowedRoom, type RoomHost } from './followed-room.js';
import { Line, type Connection, type ConnectionStatus } from './line.js';
import { Beat, Listeners } from './listeners.js';
import { settingsOf, type ClientSettings, type RoomKitClientOptions } from './options.js';
import { Outbox } from './outbox.js';
import { RoomList, type ClientRoomList } from './room-list.js';
import type { ClientRoom } from './room.js';

/** What a client tells. */
export interface ClientEventMap {
  /** The connection came, went, or will be tried again. */
  status: Connection;
  /** Something failed that no promise tells of: a token could not be fetched, a room was lost, a frame was refused. */
  error: ClientError;
}

interface ConnectWaiter {
  readonly resolve: () => void;
  readonly reject: (error: ClientError) => void;
}

/**
 * Speaks RoomKit's browser wire protocol. It connects when it is first needed, stays connected until {@link close}, and after
 * a loss comes back by itself: nothing is missing then, nothing doubled, and what was sent meanwhile is sent.
 * @example const client = new RoomKitClient({ url: 'https://chat.example.com', token: () => fetchToken() });
 */
export class RoomKitClient {
  readonly #settings: ClientSettings;
  readonly #line: Line;
  readonly #api: Api;
  readonly #outbox: Outbox;
  readonly #rooms = new Map<string, FollowedRoom>();
  readonly #list: RoomList;
  readonly #onStatus = new Listeners<[Connection]>();
  readonly #onError = new Listeners<[ClientError]>();
  readonly #roomHost: RoomHost;
  /** Names what this client sends; another page of the same person makes other names. */
  readonly #prefix: string;
  #count = 0;
  #waiters: ConnectWaiter[] = [];
  #presence: string | undefined;
  #stopWaking: (() => void) | undefined;

  /** Throws a {@link ClientError} `invalid` for options that cannot be, such as a missing WebSocket on Node 20. */
  constructor(options: RoomKitClientOptions = {}) {
    const settings = settingsOf(options);
    this.#settings = settings;
    this.#prefix = (settings.random().toString(36).slice(2, 9) + settings.clock.now().toString(36)).slice(0, 20);
    const credentials = new Credentials(settings.token);
    this.#api = new Api(settings.apiUrl, credentials, settings.fetch, settings.clock);
    this.#line = new Line(settings, credentials, {
      welcomed: () => this.#welcomed(),
      frame: (frame) => this.#onFrame(frame),
      lost: () => this.#lost(),
      changed: (connection) => this.#connectionChanged(connection),
      failed: (error) => this.#onError.tell(error),
    });
    const beat = new Beat(settings.clock);
    const shared = {
      beat,
      nextId: () => `${this.#prefix}-${++this.#count}`,
      isOpen: () => this.#line.isOpen,
      need: () => this.#need(),
      send: (frame: ClientFrame, isDroppable?: boolean) => this.#line.send(frame, isDroppable),
      failed: (error: ClientError) => this.#onError.tell(error),
      api: (path: string) => this.#api.request(path),
    };
    this.#outbox = new Outbox(settings, {
      ...shared,
      frameBytes: () => this.#line.frameBytes,
      changed: (roomId) => this.#rooms.get(roomId)?.changed(),
    });
    this.#roomHost = { ...shared, settings, outbox: this.#outbox, participantId: () => this.connection.participantId };
    this.#list = new RoomList({ ...shared, clock: settings.clock, isHost: () => this.connection.participantId === undefined });
  }

  /** How it stands. The same object until something changes. */
  get connection(): Connection {
    return this.#line.connection;
  }

  /** {@link Connection.status}. */
  get status(): ConnectionStatus {
    return this.connection.status;
  }

  /** All rooms this client may see. */
  get rooms(): ClientRoomList {
    return this.#list;
  }

  /** The room of this id; the same object each time. Nothing is asked of the server before it is subscribed to, entered or sent to. */
  room(roomId: string): ClientRoom {
    let room = this.#rooms.get(roomId);
    if (room === undefined) {
      if (typeof roomId !== 'string' || roomId === '' || roomId === '*')
        throw new ClientError('invalid', `Room id ${JSON.stringify(roomId)} is none. Give the id of one room; all of them are at client.rooms.`);
      this.#rooms.set(roomId, (room = new FollowedRoom(roomId, this.#roomHost)));
    }
    return room;
  }

  /** Calls `listener` for each change of the connection, or each error. Returns what ends it. */
  on<Name extends keyof ClientEventMap>(name: Name, listener: (event: ClientEventMap[Name]) => void): () => void {
    // The two names stand for two types; which one it is cannot be seen by the compiler.
    if (name === 'status') return this.#onStatus.add(listener as (event: Connection) => void);
    return this.#onError.add(listener as (event: ClientError) => void);
  }

  /** Connects now: also instead of later, and again after {@link close} or a refusal. Resolves when it is open; rejects when it is refused. */
  connect(): Promise<void> {
    this.#start();
    this.#line.connect();
    if (this.#line.isOpen) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Tells the people of all followed rooms: `online`, `away`, `offline`, or a word of your own. Told again after a reconnect. */
  presence(status: string): void {
    this.#presence = status;
    this.#line.send({ type: 'presence', status });
  }

  /** Asks a route of the server, with this client's token. Rejects with a {@link ClientError} that has the server's code. */
  api(path: string, request?: ApiRequest): Promise<unknown> {
    return this.#api.request(path, request);
  }

  /** Ends the connection. What waits is given up with `client_closed`; with a storage it is sent by the next page. Idempotent. */
  close(): void {
    const error = new ClientError('client_closed', 'The client was closed.');
    this.#stopWaking?.();
    this.#stopWaking = undefined;
    if (this.status !== 'closed') this.#line.close();
    this.#api.close();
    this.#giveUp(error);
  }

  // -------------------------------------------------------------------------------------------------------------------

  #start(): void {
    void this.#outbox.restore();
    const { wakeEvents } = this.#settings;
    if (wakeEvents === undefined || this.#stopWaking !== undefined) return;
    const wake = (): void => this.#line.wake();
    wakeEvents.addEventListener('online', wake);
    wakeEvents.addEventListener('visibilitychange', wake);
    this.#stopWaking = () => {
      wakeEvents.removeEventListener('online', wake);
      wakeEvents.removeEventListener('visibilitychange', wake);
    };
  }

  #need(): void {
    const { status, error } = this.connection;
    if (status === 'closed') throw error ?? new ClientError('client_closed', 'The client was closed. Call connect() to open it again.');
    if (status !== 'idle') return;
    this.#start();
    this.#line.connect();
  }

  #welcomed(): void {
    for (const room of this.#rooms.values()) room.connected();
    this.#list.connected();
    // Behind the subscriptions, so that each acknowledgement has its place.
    this.#outbox.connected(this.connection.participantId);
    if (this.#presence !== undefined) this.presence(this.#presence);
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  #lost(): void {
    this.#outbox.disconnected();
    this.#list.disconnected();
    for (const room of this.#rooms.values()) room.disconnected();
  }

  #connectionChanged(connection: Connection): void {
    if (connection.status === 'closed' && connection.error !== undefined) this.#giveUp(connection.error);
    this.#onStatus.tell(connection);
  }

  /** Nothing that waits will happen. */
  #giveUp(error: ClientError): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    this.#outbox.close(error);
    for (const room of this.#rooms.values()) room.closed(error);
  }

  #onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case 'error':
        this.#onRefused(frame);
        return;
      case 'room':
        this.#list.onRoom(frame.room);
        return;
      case 'subscribed':
        if (frame.roomId === '*') this.#list.onSubscribed(frame);
        break;
      case 'ack':
        // The event has its place before whoever sent it goes on.
        this.#rooms.get(frame.roomId)?.onFrame(frame);
        this.#outbox.onAck(frame);
        return;
      default:
    }
    if ('roomId' in frame && frame.roomId !== undefined) this.#rooms.get(frame.roomId)?.onFrame(frame);
  }

  #onRefused(frame: Extract<ServerFrame, { type: 'error' }>): void {
    let isTaken = this.#outbox.onRefused(frame) || this.#list.onRefused(frame);
    for (const room of this.#rooms.values()) isTaken = room.onRefused(frame) || isTaken;
    const { code, message, retryable } = frame;
    if (!isTaken) this.#onError.tell(new ClientError(code, message, { retryable }));
  }
}
