/**
 * Keeps the events of one room in step with the server: one sequence without gap, double or disorder, whatever the
 * connection does (WIRE-04, WIRE-05, WIRE-08). Live events come by the socket, history by pages over HTTP.
 */
import type { ClientFrame, ServerFrame, WireEvent } from '../channels/index.js';
import { asClientError, ClientError } from './errors.js';
import type { ClientClock } from './options.js';
import { Timeline } from './timeline.js';

/** What a feed needs of its client. */
export interface FeedHost {
  readonly roomId: string;
  readonly clock: ClientClock;
  readonly pageSize: number;
  readonly maxEvents: number;
  nextId(): string;
  isOpen(): boolean;
  send(frame: ClientFrame): void;
  /** A page below an index, newest first. */
  readEvents(query: { readonly beforeIndex: number; readonly limit: number; readonly as: string | undefined }): Promise<readonly WireEvent[]>;
  /** Something that is shown is different now. */
  changed(): void;
  /** One more event, in order. */
  appeared(event: WireEvent): void;
  /** What was written when we came is told again from here on. */
  subscribed(isNewConnection: boolean): void;
  failed(error: ClientError): void;
}

type Placed = { readonly event: WireEvent; readonly prev: number };

/** How long an answer may take before it is asked for again. */
const ANSWER_MS = 10_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** So much of what is shown is read again at a time after a reconnect. */
const REFRESH_PAGE = 500;
/** Gaps in a row, without one event between them, that are closed at once. */
const MAX_QUICK_GAPS = 3;
const MAX_CHANGES = 500;
/** Trimming moves everything: it is done once in a while. */
const TRIM_SHARE = 0.1;

export class RoomFeed {
  /** Set: the room is not there for this client, and why. */
  lost: ClientError | undefined;
  /** Why history could not be read, while that is so. */
  error: ClientError | undefined;
  isFollowed = false;
  /** Host: only what this channel may see. */
  as: string | undefined;
  #timeline = new Timeline(0);
  /** What is shown until a new beginning was read. */
  #shownBefore: readonly WireEvent[] = [];
  #isLoaded = false;
  /** Every visible event up to this index has come; undefined before the first answer. */
  #last: number | undefined;
  #isInStep = false;
  #isFreshConnection = false;
  /** The request to subscribe that awaits its answer. */
  #subscription: string | undefined;
  #gaps = 0;
  /** Counts what makes pages on their way worthless. */
  #reading = 0;
  #readers = 0;
  #retryMs = FIRST_RETRY_MS;
  #older: Promise<void> | undefined;
  /** Changes that came before what they change, or beside a page that may not know them; null: removed. */
  readonly #changes = new Map<string, WireEvent | null>();
  #answerTimer: { cancel(): void } | undefined;
  #readTimer: { cancel(): void } | undefined;

  /** How many events are kept. */
  #most: number;

  constructor(private readonly host: FeedHost) {
    this.#most = host.maxEvents;
  }

  get events(): readonly WireEvent[] {
    return this.#isLoaded ? this.#timeline.events : this.#shownBefore;
  }

  get hasOlder(): boolean {
    return this.#isLoaded && this.#timeline.from > 0;
  }

  get isLoadingOlder(): boolean {
    return this.#older !== undefined;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  indexOf(eventId: string): number | undefined {
    return this.#timeline.indexOf(eventId);
  }

  /** Nothing is missing, as far as anybody can know. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** Whether there is something to show, be it from before. */
  get hasShown(): boolean {
    return this.#isLoaded || this.#shownBefore.length > 0;
  }

  // --- following -----------------------------------------------------------------------------------------------------

  follow(): void {
    if (this.isFollowed) return;
    this.isFollowed = true;
    this.host.changed();
    if (this.host.isOpen()) this.connected();
  }

  /** Forgets the room. */
  unfollow(): void {
    if (!this.isFollowed) return;
    this.isFollowed = false;
    if (this.host.isOpen() && this.lost === undefined) this.host.send({ type: 'unsubscribe', id: this.host.nextId(), roomId: this.host.roomId });
    this.disconnected();
    this.#forget();
    this.#shownBefore = [];
    this.lost = this.error = undefined;
    this.host.changed();
  }

  /** Begins anew with another channel's eyes. */
  viewAs(channelId: string | undefined): void {
    if (this.as === channelId) return;
    this.as = channelId;
    this.#shownBefore = [];
    this.#forget();
    if (this.isFollowed && this.host.isOpen()) this.connected();
    this.host.changed();
  }

  connected(): void {
    if (!this.isFollowed) return;
    this.lost = undefined;
    this.#isFreshConnection = true;
    this.#gaps = 0;
    this.#subscribe();
  }

  disconnected(): void {
    this.#isInStep = false;
    this.#subscription = undefined;
    this.#changes.clear();
    this.#stopReading();
    this.#answerTimer?.cancel();
    this.host.changed();
  }

  #subscribe(): void {
    const { host } = this;
    const id = host.nextId();
    this.#isInStep = false;
    this.#subscription = id;
    host.send({
      type: 'subscribe',
      id,
      roomId: host.roomId,
      ...(this.#last !== undefined && { afterIndex: this.#last }),
      ...(this.as !== undefined && { as: this.as }),
    });
    this.#subscribeLater(ANSWER_MS);
  }

  #subscribeLater(ms: number): void {
    this.#answerTimer?.cancel();
    this.#answerTimer = this.host.clock.setTimer(ms, () => this.#subscribe());
  }

  /** The view is worthless; what is shown stays until a better one was read. */
  #beginAnew(): void {
    this.#shownBefore = this.events;
    this.#forget();
    this.#isFreshConnection = true;
    this.#subscribe();
  }

  #forget(): void {
    this.#stopReading();
    this.#timeline = new Timeline(0);
    this.#most = this.host.maxEvents;
    this.#isLoaded = false;
    this.#last = undefined;
    this.#changes.clear();
  }

  // --- frames --------------------------------------------------------------------------------------------------------

  onSubscribed(frame: Extract<ServerFrame, { type: 'subscribed' }>): void {
    if (frame.id !== this.#subscription) return;
    this.#subscription = undefined;
    this.#answerTimer?.cancel();
    this.#isInStep = true;
    if (this.#last === undefined) {
      this.#last = frame.latestIndex;
      this.#timeline.from = frame.latestIndex + 1;
    }
    this.host.subscribed(this.#isFreshConnection);
    // While there was no connection, stored events may have been changed without a trace in the sequence.
    if (this.#isFreshConnection) void this.#readWindow();
    this.#isFreshConnection = false;
    this.host.changed();
  }

  /** The server takes no subscription now, or never. True: the frame was about ours. */
  onRefused(frame: Extract<ServerFrame, { type: 'error' }>): boolean {
    const { id, code, message, retryable, retryAfterSeconds } = frame;
    const isAboutRoom = frame.roomId === this.host.roomId && (id === undefined || code === 'room_not_found');
    const isOurs = isAboutRoom || (id !== undefined && id === this.#subscription);
    if (!isOurs || !this.isFollowed) return isOurs;
    if (retryable) {
      this.#isInStep = false;
      this.#subscribeLater((retryAfterSeconds ?? 1) * 1000);
      this.host.changed();
    } else this.#lose(new ClientError(code, message));
    return true;
  }

  /** Puts an event in its place, or asks again for what is missing before it. */
  take({ event, prev }: Placed): void {
    const last = this.#last;
    if (!this.#isInStep || last === undefined || event.index <= last) return;
    if (prev > last) {
      // A server that leaves the same gap again and again is not asked at every frame.
      if (++this.#gaps <= MAX_QUICK_GAPS) this.#subscribe();
      else this.#subscribeLater(FIRST_RETRY_MS);
      this.#isInStep = false;
      this.host.changed();
      return;
    }
    this.#gaps = 0;
    this.#last = event.index;
    const known = this.#changes.get(event.id);
    this.#changes.delete(event.id);
    if (known === null) return;
    const timeline = this.#timeline;
    timeline.put(known ?? event);
    if (timeline.size > this.#most * (1 + TRIM_SHARE)) timeline.trim(this.#most);
    this.host.appeared(known ?? event);
    this.host.changed();
  }

  /** A repeated message is acknowledged without a place: when it is ahead of us, something is missing (WIRE-07). */
  takeUnplaced(event: WireEvent): void {
    if (this.#isInStep && this.#last !== undefined && event.index > this.#last) this.#subscribe();
  }

  onChanged(event: WireEvent): void {
    const isAhead = this.#last === undefined || event.index > this.#last;
    if (isAhead || this.#readers > 0) this.#remember(event.id, event);
    else this.#changes.delete(event.id);
    if (isAhead || event.index < this.#timeline.from) return;
    this.#timeline.put(event);
    this.host.changed();
  }

  onRemoved(eventId: string): void {
    const isHere = this.#timeline.remove(eventId);
    if (!isHere || this.#readers > 0) this.#remember(eventId, null);
    if (isHere) this.host.changed();
  }

  onResync(): void {
    if (this.#isInStep) this.#beginAnew();
  }

  #remember(eventId: string, change: WireEvent | null): void {
    this.#changes.delete(eventId);
    this.#changes.set(eventId, change);
    if (this.#changes.size > MAX_CHANGES) for (const oldest of this.#changes.keys()) return void this.#changes.delete(oldest);
  }

  #lose(error: ClientError): void {
    this.#isInStep = false;
    this.#subscription = undefined;
    this.#answerTimer?.cancel();
    this.#stopReading();
    this.lost = error;
    this.host.failed(error);
    this.host.changed();
  }

  // --- history -------------------------------------------------------------------------------------------------------

  /** One more page before the oldest event; at once when there is none. */
  loadOlder(limit: number): Promise<void> {
    if (this.#older !== undefined) return this.#older;
    if (!this.hasOlder) return Promise.resolve();
    const older = this.#loadOlder(limit).finally(() => {
      this.#older = undefined;
      this.host.changed();
    });
    this.#older = older;
    this.host.changed();
    return older;
  }

  #loadOlder(limit: number): Promise<void> {
    const timeline = this.#timeline;
    const before = timeline.from;
    return this.#read(before, limit, (page) => {
      // Its neighbour may have been let go of meanwhile.
      if (timeline !== this.#timeline || timeline.from !== before) return;
      this.#merge(page, before, limit);
      // What somebody paged back to is not let go of because something new comes.
      this.#most = Math.max(this.#most, timeline.size);
    });
  }

  /** The newest page to begin with; later everything that is shown, again, from the newest on. */
  async #readWindow(): Promise<void> {
    const reading = ++this.#reading;
    const timeline = this.#timeline;
    let before = (this.#last ?? -1) + 1;
    try {
      do {
        const limit = this.#isLoaded ? REFRESH_PAGE : this.host.pageSize;
        await this.#read(before, limit, (page) => {
          if (reading !== this.#reading || before < timeline.from) return;
          before = this.#merge(page, before, limit);
          this.#isLoaded = true;
          this.#shownBefore = [];
          this.#retryMs = FIRST_RETRY_MS;
          this.error = undefined;
          this.host.changed();
        });
      } while (reading === this.#reading && before > timeline.from);
    } catch (error) {
      if (reading === this.#reading) this.#readingFailed(asClientError(error, 'network', 'The history could not be read'));
    }
  }

  #readingFailed(error: ClientError): void {
    if (error.code === 'room_not_found') {
      this.#lose(error);
      return;
    }
    this.error = error;
    this.host.failed(error);
    this.host.changed();
    if (!error.retryable) return;
    const waitMs = Math.max(this.#retryMs, (error.retryAfterSeconds ?? 0) * 1000);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#readTimer = this.host.clock.setTimer(waitMs, () => void this.#readWindow());
  }

  async #read(beforeIndex: number, limit: number, use: (page: readonly WireEvent[]) => void): Promise<void> {
    this.#readers++;
    try {
      use(beforeIndex === 0 ? [] : await this.host.readEvents({ beforeIndex, limit, as: this.as }));
    } finally {
      if (--this.#readers === 0) this.#forgetChanges();
    }
  }

  /** What a page might not have known is known by all that are read from now on. */
  #forgetChanges(): void {
    for (const [id, event] of this.#changes) if (event !== null && event.index <= (this.#last ?? -1)) this.#changes.delete(id);
  }

  /** Puts a page, newest first, in the place of what stood there. Returns the index it reaches down to. */
  #merge(page: readonly WireEvent[], before: number, limit: number): number {
    const from = page.length < limit ? 0 : (page[page.length - 1]?.index ?? 0);
    const events: WireEvent[] = [];
    for (let position = page.length - 1; position >= 0; position--) {
      const event = page[position];
      if (event === undefined) continue;
      const known = this.#changes.get(event.id);
      if (known !== null) events.push(known ?? event);
    }
    this.#timeline.replace(from, before, events);
    this.#timeline.from = Math.min(this.#timeline.from, from);
    return from;
  }

  #stopReading(): void {
    this.#reading++;
    this.#readTimer?.cancel();
  }
}
