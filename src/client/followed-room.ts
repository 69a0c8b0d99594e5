/** A room of a client: puts its parts together to snapshots, and turns what is done in it into frames. */
import type { ClientFrame, ServerFrame, WireEvent } from '../channels/index.js';
import type { ContentInput, EventContent } from '../core/index.js';
import { asClientError, ClientError } from './errors.js';
import { RoomFeed } from './feed.js';
import { Listeners, type Beat } from './listeners.js';
import type { ClientSettings } from './options.js';
import type { Outbox, PendingSend, SendResult } from './outbox.js';
import { People, type Presence, type Typer } from './people.js';
import { Previews, type Preview } from './previews.js';
import type { ClientRoom, FollowStatus, LoadOlderOptions, RoomEventMap, RoomInfo, RoomSnapshot, SendOptions } from './room.js';

/** What a room needs of its client. */
export interface RoomHost {
  readonly settings: ClientSettings;
  readonly beat: Beat;
  readonly outbox: Outbox;
  nextId(): string;
  isOpen(): boolean;
  participantId(): string | undefined;
  /** Connects, if nobody has. Throws when the client is closed. */
  need(): void;
  send(frame: ClientFrame, isDroppable?: boolean): void;
  api(path: string): Promise<unknown>;
  failed(error: ClientError): void;
}

interface Waiter {
  readonly resolve: (snapshot: RoomSnapshot) => void;
  readonly reject: (error: ClientError) => void;
}

const LINGER_MS = 5000;
/** The server ends typing after six seconds without renewal. */
const TYPING_RENEWAL_MS = 3000;
const INFO_DELAY_MS = 250;

export class FollowedRoom implements ClientRoom {
  readonly #feed: RoomFeed;
  readonly #previews = new Previews();
  readonly #people: People;
  readonly #listeners = new Listeners<[]>();
  readonly #onEvent = new Listeners<[RoomEventMap['event']]>();
  readonly #onEphemeral = new Listeners<[RoomEventMap['ephemeral']]>();
  #snapshot: RoomSnapshot;
  #isStale = true;
  /** The snapshot that listeners were told of last. */
  #told: RoomSnapshot | undefined;
  #messages: { readonly of: readonly WireEvent[]; readonly list: readonly WireEvent[] } = { of: [], list: [] };
  #info: RoomInfo | undefined;
  #infoTimer: { cancel(): void } | undefined;
  #isEntered = false;
  #waiters: Waiter[] = [];
  #linger: { cancel(): void } | undefined;
  /** When typing was last told; undefined: not typing. */
  #typingAt: number | undefined;
  /** The newest event that was marked as read, and whether that has been told. */
  #read: { readonly eventId: string; isTold: boolean } | undefined;
  readonly #names = new Map<string, string>();

  constructor(
    readonly roomId: string,
    private readonly host: RoomHost,
  ) {
    const { settings } = host;
    this.#people = new People(settings.clock, () => this.changed());
    this.#feed = new RoomFeed({
      roomId,
      clock: settings.clock,
      pageSize: settings.pageSize,
      maxEvents: settings.maxEvents,
      nextId: () => host.nextId(),
      isOpen: () => host.isOpen(),
      send: (frame) => host.send(frame),
      readEvents: (query) => this.#readEvents(query),
      changed: () => this.#feedChanged(),
      appeared: (event) => this.#appeared(event),
      subscribed: (isNewConnection) => this.#subscribed(isNewConnection),
      failed: (error) => this.#failed(error),
    });
    this.#snapshot = this.#build();
  }

  // --- reading -------------------------------------------------------------------------------------------------------

  get snapshot(): RoomSnapshot {
    if (this.#isStale) {
      const next = this.#build();
      if (!isSame(this.#snapshot, next)) this.#snapshot = next;
      this.#isStale = false;
    }
    return this.#snapshot;
  }

  get events(): readonly WireEvent[] {
    return this.snapshot.events;
  }

  get messages(): readonly WireEvent[] {
    const { events } = this;
    if (this.#messages.of !== events)
      this.#messages = { of: events, list: events.filter(({ type, status }) => type === 'message' && status !== 'blocked') };
    return this.#messages.list;
  }

  get streams(): readonly Preview[] {
    return this.snapshot.streams;
  }

  get outbox(): readonly PendingSend[] {
    return this.snapshot.outbox;
  }

  get typers(): readonly Typer[] {
    return this.snapshot.typers;
  }

  get presence(): Readonly<Record<string, Presence>> {
    return this.snapshot.presence;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const end = this.#listeners.add(listener);
    this.#linger?.cancel();
    this.#follow();
    let isEnded = false;
    return () => {
      if (isEnded) return;
      isEnded = true;
      end();
      if (this.#listeners.size > 0 || this.#isEntered) return;
      // Whoever draws the room anew is back in a moment.
      this.#linger?.cancel();
      this.#linger = this.host.settings.clock.setTimer(LINGER_MS, () => this.leave());
    };
  };

  on<Name extends keyof RoomEventMap>(name: Name, listener: (event: RoomEventMap[Name]) => void): () => void {
    // The two names stand for two types; which one it is cannot be seen by the compiler.
    if (name === 'event') return this.#onEvent.add(listener as (event: WireEvent) => void);
    return this.#onEphemeral.add(listener as (event: RoomEventMap['ephemeral']) => void);
  }

  enter(): Promise<RoomSnapshot> {
    this.#isEntered = true;
    this.#linger?.cancel();
    try {
      this.host.need();
    } catch (error) {
      return Promise.reject(asClientError(error, 'client_closed', 'The room cannot be entered'));
    }
    this.#follow();
    if (this.#feed.lost !== undefined && this.host.isOpen()) this.#feed.connected();
    if (this.#feed.isLoaded) return Promise.resolve(this.snapshot);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  leave(): void {
    this.#isEntered = false;
    this.#linger?.cancel();
    this.#stop();
    this.#feed.unfollow();
    this.#previews.clear();
    this.#people.forget();
    this.#info = this.#read = this.#typingAt = undefined;
    this.#reject(new ClientError('left', `Room '${this.roomId}' was left.`));
    this.changed();
  }

  viewAs(channelId: string | undefined): void {
    this.#previews.clear();
    this.#feed.viewAs(channelId);
  }

  async loadOlder(options: LoadOlderOptions = {}): Promise<void> {
    await this.#feed.loadOlder(options.limit ?? this.host.settings.pageSize);
  }

  // --- doing ---------------------------------------------------------------------------------------------------------

  async send(content: ContentInput, options: SendOptions = {}): Promise<SendResult> {
    this.host.need();
    if (this.#typingAt !== undefined) this.typing(false);
    const { id = this.host.nextId(), parentEventId, metadata } = options;
    return this.host.outbox.add({
      roomId: this.roomId,
      id,
      content: contentOf(content),
      ...(parentEventId !== undefined && { parentEventId }),
      ...(metadata !== undefined && { metadata }),
    });
  }

  edit(eventId: string, content: ContentInput): Promise<SendResult> {
    return this.send({ type: 'edit', targetEventId: eventId, newContent: contentOf(content) });
  }

  delete(eventId: string, reason?: string): Promise<SendResult> {
    return this.send({ type: 'delete', targetEventId: eventId, ...(reason !== undefined && { reason }) });
  }

  discard(id: string): boolean {
    return this.host.outbox.discard(this.roomId, id);
  }

  typing(on = true): void {
    const now = this.host.settings.clock.monotonic();
    if (on ? this.#typingAt !== undefined && now - this.#typingAt < TYPING_RENEWAL_MS : this.#typingAt === undefined) return;
    this.#typingAt = on ? now : undefined;
    this.host.send({ type: 'typing', roomId: this.roomId, on }, on);
  }

  markRead(eventId: string | undefined = this.events[this.events.length - 1]?.id): void {
    if (eventId === undefined || this.#read?.eventId === eventId) return;
    const feed = this.#feed;
    // Reading never goes back.
    if (this.#read !== undefined && (feed.indexOf(eventId) ?? Infinity) < (feed.indexOf(this.#read.eventId) ?? -1)) return;
    this.#read = { eventId, isTold: false };
    this.#tellRead();
  }

  react(eventId: string, emoji: string, action: 'add' | 'remove' = 'add'): void {
    const participantId = this.host.participantId();
    if (!this.host.isOpen() || participantId === undefined) return;
    this.host.send({ type: 'reaction', roomId: this.roomId, eventId, emoji, action });
    // The others are told by the server; nobody is told what they did themselves.
    this.#people.react(participantId, eventId, emoji, action === 'add');
  }

  // --- the client's side ---------------------------------------------------------------------------------------------

  /** Something of it changed: whoever listens will be told. */
  changed(): void {
    this.#isStale = true;
    if (this.#listeners.size > 0) this.host.beat.request(this.#tell);
  }

  connected(): void {
    this.#feed.connected();
  }

  disconnected(): void {
    this.#stop();
    this.#feed.disconnected();
    this.#people.quiet();
    this.#typingAt = undefined;
  }

  /** The client was closed. A room that only lingers is left. */
  closed(error: ClientError): void {
    this.#reject(error);
    if (this.#listeners.size === 0 && !this.#isEntered) this.leave();
  }

  /** False: the frame is about something else. */
  onRefused(frame: Extract<ServerFrame, { type: 'error' }>): boolean {
    return this.#feed.onRefused(frame);
  }

  onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case 'subscribed':
        this.#feed.onSubscribed(frame);
        break;
      case 'event':
        this.#feed.take(frame);
        break;
      case 'ack':
        if (frame.event === undefined || frame.blocked === true) break;
        if (frame.prev === undefined) this.#feed.takeUnplaced(frame.event);
        else this.#feed.take({ event: frame.event, prev: frame.prev });
        break;
      case 'event_changed':
        this.#feed.onChanged(frame.event);
        break;
      case 'event_removed':
        this.#feed.onRemoved(frame.eventId);
        break;
      case 'resync':
        this.#feed.onResync();
        break;
      case 'stream_start':
        if (this.#feed.isFollowed) this.#previews.start(frame);
        this.changed();
        break;
      case 'stream_chunk':
        this.#previews.grow(frame);
        this.changed();
        break;
      case 'stream_end':
        this.#previews.end(frame.streamId);
        this.#feed.take(frame);
        this.changed();
        break;
      case 'stream_error':
        this.#previews.end(frame.streamId);
        // What was written until then may have been kept.
        if (frame.event !== undefined && frame.prev !== undefined) this.#feed.take({ event: frame.event, prev: frame.prev });
        this.changed();
        break;
      case 'ephemeral':
        this.#people.hear(frame.event);
        this.#onEphemeral.tell(frame.event);
        break;
      default: // what a later server may say
    }
  }

  #feedChanged(): void {
    this.changed();
    if (this.#waiters.length > 0 && this.#feed.isLoaded) for (const { resolve } of this.#waiters.splice(0)) resolve(this.snapshot);
  }

  #follow(): void {
    this.#feed.follow();
    try {
      this.host.need();
    } catch {
      // A closed client shows what it has.
    }
  }

  #stop(): void {
    this.#infoTimer?.cancel();
    this.#infoTimer = undefined;
  }

  #appeared(event: WireEvent): void {
    const { source } = event;
    this.#people.stopTyping(source.participantId ?? source.channelId);
    if (source.participantId !== undefined && source.displayName !== undefined) this.#know(source.participantId, source.displayName);
    // Somebody came or went, or the room was closed.
    if (event.type !== 'message' && event.type !== 'edit' && event.type !== 'delete') this.#readInfoLater(INFO_DELAY_MS);
    this.#onEvent.tell(event);
  }

  #subscribed(isNewConnection: boolean): void {
    this.#previews.clear(); // those that go on are told again
    if (!isNewConnection) return;
    this.#tellRead();
    this.#readInfoLater(0);
  }

  #tellRead(): void {
    if (this.#read === undefined || this.#read.isTold || !this.#feed.isInStep) return;
    this.#read.isTold = true;
    this.host.send({ type: 'receipt', roomId: this.roomId, eventId: this.#read.eventId });
  }

  #failed(error: ClientError): void {
    const { lost } = this.#feed;
    if (lost !== undefined) this.host.outbox.roomLost(this.roomId, lost);
    if (lost !== undefined || !error.retryable) this.#reject(error);
    this.host.failed(error);
  }

  #reject(error: ClientError): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  async #readEvents(query: { beforeIndex: number; limit: number; as: string | undefined }): Promise<readonly WireEvent[]> {
    const { beforeIndex, limit, as } = query;
    const whose = as === undefined ? '' : `&as=${encodeURIComponent(as)}`;
    const path = `${this.#path}/events?newestFirst=true&beforeIndex=${beforeIndex}&limit=${limit}${whose}`;
    const { events } = (await this.host.api(path)) as { events: readonly WireEvent[] }; // the server's own route
    for (const { source } of events)
      if (source.participantId !== undefined && source.displayName !== undefined) this.#know(source.participantId, source.displayName);
    return events;
  }

  #readInfoLater(ms: number): void {
    this.#infoTimer ??= this.host.settings.clock.setTimer(ms, () => {
      this.#infoTimer = undefined;
      this.host.api(this.#path).then(
        (info) => {
          if (!this.#feed.isFollowed) return;
          this.#info = info as RoomInfo; // the server's own route
          for (const { id, displayName } of this.#info.participants) if (displayName !== undefined) this.#know(id, displayName);
          this.changed();
        },
        () => undefined, // the next connection reads it again, and a lost room is told by its events
      );
    });
  }

  #know(participantId: string, displayName: string): void {
    if (this.#names.get(participantId) === displayName) return;
    this.#names.set(participantId, displayName);
    this.#people.know(this.#names);
  }

  get #path(): string {
    return `/api/rooms/${encodeURIComponent(this.roomId)}`;
  }

  // --- snapshots -----------------------------------------------------------------------------------------------------

  readonly #tell = (): void => {
    if (this.snapshot === this.#told) return;
    this.#told = this.snapshot;
    this.#listeners.tell();
  };

  #build(): RoomSnapshot {
    const feed = this.#feed;
    const error = feed.lost ?? feed.error;
    return {
      roomId: this.roomId,
      status: this.#status(),
      ...(error !== undefined && { error }),
      events: feed.events,
      hasOlder: feed.hasOlder,
      isLoadingOlder: feed.isLoadingOlder,
      streams: this.#previews.list,
      outbox: this.host.outbox.of(this.roomId),
      typers: this.#people.typers,
      presence: this.#people.presence,
      receipts: this.#people.receipts,
      reactions: this.#people.reactions,
      ...(this.#info !== undefined && { info: this.#info }),
    };
  }

  #status(): FollowStatus {
    const feed = this.#feed;
    if (!feed.isFollowed) return 'idle';
    if (feed.lost !== undefined) return 'lost';
    if (!feed.hasShown) return 'loading';
    return feed.isInStep && feed.isLoaded ? 'live' : 'behind';
  }
}

function contentOf(content: ContentInput): EventContent {
  return typeof content === 'string' ? { type: 'text', body: content } : content;
}

function isSame(one: RoomSnapshot, other: RoomSnapshot): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof RoomSnapshot>; // keys of both
  for (const name of names) if (one[name] !== other[name]) return false;
  return true;
}
