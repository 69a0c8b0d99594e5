/**
 * The room that is open: a window of its timeline that follows the newest or stays where somebody reads, what is being
 * written, who is in it, and what was decided. One object per room and reader.
 */
import { batch, signal, type Signal } from '@preact/signals';
import { api, ApiError } from '../api.js';
import { namesOf, NO_NAMES, type Names } from '../logic/names.js';
import { answersOf, isHandoff, Rows } from '../logic/rows.js';
import type { DecisionTrace, OutboxRow, RoomDetail, ServerFrame, TurnRow, WireEvent } from '../types.js';
import { readOfRoom } from './approvals.js';
import { hear, say } from './host.js';
import { markSeen, putRoom } from './rooms.js';

/** A reply that is being written. */
export interface Writing {
  readonly streamId: string;
  readonly source: WireEvent['source'];
  readonly text: string;
  readonly parentEventId?: string | undefined;
}

export type Load =
  { readonly kind: 'loading' } | { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly message: string; readonly missing: boolean };

const PAGE = 300;
/** Events kept in memory; a longer stretch is cut at the end nobody looks at. */
const MOST = 30_000;

export class OpenRoom {
  readonly load: Signal<Load> = signal({ kind: 'loading' });
  readonly detail = signal<RoomDetail | undefined>(undefined);
  readonly names = signal<Names>(NO_NAMES);
  /** The rows, and a number that grows when they change. */
  readonly rows = signal<{ readonly list: Rows; readonly version: number; readonly prepended: number }>({
    list: new Rows(),
    version: 0,
    prepended: 0,
  });
  readonly writing = signal<readonly Writing[]>([]);
  readonly typing = signal<readonly string[]>([]);
  readonly hasEarlier = signal(false);
  /** Something newer than the window is known. */
  readonly hasLater = signal(false);
  /** Events that came while somebody read further up. */
  readonly missed = signal(0);
  readonly latestIndex = signal(-1);
  readonly traces = signal<ReadonlyMap<string, DecisionTrace | null>>(new Map());
  /** As the store knows them: of events that another process has answered, or whose trace is gone. */
  readonly turns = signal<ReadonlyMap<string, readonly TurnRow[]>>(new Map());
  readonly deliveries = signal<ReadonlyMap<string, readonly OutboxRow[]>>(new Map());
  /** Told to screen readers. */
  readonly announced = signal<WireEvent | undefined>(undefined);

  #events: WireEvent[] = [];
  readonly #byId = new Map<string, WireEvent>();
  #last = -1;
  #arrived: ServerFrame[] = [];
  #flush: number | undefined;
  #isPaging = false;
  #closed = false;
  readonly #typingUntil = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #stop: () => void;

  constructor(
    readonly roomId: string,
    readonly as: string | undefined,
    private readonly startAt: number | undefined,
  ) {
    this.#stop = hear((frame) => this.#onFrame(frame));
    void this.#open();
  }

  get events(): readonly WireEvent[] {
    return this.#events;
  }

  event(id: string): WireEvent | undefined {
    return this.#byId.get(id);
  }

  eventAt(index: number): WireEvent | undefined {
    const from = this.#events[0]?.index ?? 0;
    const near = this.#events[index - from];
    return near?.index === index ? near : this.#events.find((event) => event.index === index);
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    if (this.#flush !== undefined) clearTimeout(this.#flush);
    for (const timer of this.#typingUntil.values()) clearTimeout(timer);
    say({ type: 'unsubscribe', id: 'room', roomId: this.roomId });
  }

  // --- reading -----------------------------------------------------------------------------------------------------------

  async #open(): Promise<void> {
    try {
      const [detail] = await Promise.all([
        api.readRoom(this.roomId),
        this.startAt === undefined ? this.#readNewest() : this.#readAround(this.startAt),
      ]);
      if (this.#closed) return;
      this.#takeDetail(detail);
      this.load.value = { kind: 'ready' };
      this.subscribe();
      void this.readDeliveries();
      void readOfRoom(this.roomId);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    const missing = error instanceof ApiError && error.status === 404;
    this.load.value = { kind: 'failed', missing, message: error instanceof Error ? error.message : String(error) };
  }

  /** Reads again from the start, after a failure. */
  retry(): void {
    this.load.value = { kind: 'loading' };
    void this.#open();
  }

  async #readNewest(): Promise<void> {
    const page = await api.readEvents(this.roomId, { newestFirst: true, limit: PAGE, as: this.as });
    this.#show(page.events, page.latestIndex, { earlier: page.more, later: false });
  }

  async #readAround(index: number): Promise<void> {
    const [before, after] = await Promise.all([
      api.readEvents(this.roomId, { newestFirst: true, beforeIndex: index, limit: PAGE / 2, as: this.as }),
      api.readEvents(this.roomId, { afterIndex: index - 1, limit: PAGE / 2, as: this.as }),
    ]);
    const events = [...before.events, ...after.events];
    this.#show(events, after.latestIndex, { earlier: before.more, later: after.more });
  }

  #show(events: readonly WireEvent[], latestIndex: number, more: { earlier: boolean; later: boolean }): void {
    if (this.#closed) return;
    this.#events = [...events];
    this.#byId.clear();
    for (const event of events) this.#byId.set(event.id, event);
    this.#last = events.at(-1)?.index ?? -1;
    batch(() => {
      this.latestIndex.value = latestIndex;
      this.hasEarlier.value = more.earlier;
      this.hasLater.value = more.later;
      this.missed.value = 0;
      this.writing.value = [];
      this.#redraw(new Rows(this.#events), 0);
    });
    if (!more.later) markSeen(this.roomId, latestIndex);
  }

  /** The page before the first event. Resolves when it is there; does nothing while another page is read. */
  async readEarlier(): Promise<void> {
    const first = this.#events[0];
    if (this.#isPaging || first === undefined || !this.hasEarlier.value) return;
    this.#isPaging = true;
    try {
      const page = await api.readEvents(this.roomId, { newestFirst: true, beforeIndex: first.index, limit: PAGE, as: this.as });
      if (this.#closed || this.#events[0] !== first) return;
      const before = this.rows.value.list.list.length;
      this.#events = [...page.events, ...this.#events];
      for (const event of page.events) this.#byId.set(event.id, event);
      const rows = new Rows(this.#events);
      batch(() => {
        this.hasEarlier.value = page.more;
        this.#redraw(rows, rows.list.length - before);
      });
    } finally {
      this.#isPaging = false;
    }
  }

  /** The page after the last event, while the window does not reach the newest. */
  async readLater(): Promise<void> {
    if (this.#isPaging || !this.hasLater.value) return;
    this.#isPaging = true;
    try {
      const page = await api.readEvents(this.roomId, { afterIndex: this.#last, limit: PAGE, as: this.as });
      if (this.#closed) return;
      batch(() => {
        const fresh = page.events.filter((event) => event.index > this.#last);
        this.#appendAll(fresh);
        if (!page.more) {
          this.hasLater.value = false;
          this.missed.value = 0;
          this.subscribe();
        }
      });
    } finally {
      this.#isPaging = false;
    }
  }

  /** Shows the newest, wherever the window was. */
  async jumpToNewest(): Promise<void> {
    if (!this.hasLater.value) return;
    await this.#readNewest().catch((error: unknown) => this.#fail(error));
    this.subscribe();
  }

  /** Shows the events around an index, reading them when they are not here. */
  async jumpTo(index: number): Promise<boolean> {
    if (this.eventAt(index) !== undefined) return true;
    await this.#readAround(index).catch((error: unknown) => this.#fail(error));
    this.subscribe();
    return this.eventAt(index) !== undefined;
  }

  /** Follows from the last event on; what was missed comes first (WIRE-04). */
  subscribe(): void {
    if (this.hasLater.value) {
      say({ type: 'subscribe', id: 'room', roomId: this.roomId, ...(this.as !== undefined && { as: this.as }) });
      return;
    }
    say({ type: 'subscribe', id: 'room', roomId: this.roomId, afterIndex: this.#last, ...(this.as !== undefined && { as: this.as }) });
  }

  /** After a lost connection: what is shown may have changed meanwhile, and what came since is still to come. */
  async resume(): Promise<void> {
    if (this.load.value.kind === 'failed') return this.retry();
    if (this.load.value.kind !== 'ready') return;
    this.writing.value = [];
    this.subscribe();
    try {
      const first = this.#events.at(-PAGE)?.index ?? 0;
      const [page] = await Promise.all([
        api.readEvents(this.roomId, { afterIndex: first - 1, limit: PAGE, as: this.as }),
        this.readDetail(),
        this.readDeliveries(),
      ]);
      if (this.#closed) return;
      for (const event of page.events) if (this.#byId.has(event.id)) this.#change(event);
      this.#redraw(this.rows.value.list, 0);
    } catch {
      // The socket is back and tells what is new; what is old is read again with the next change.
    }
  }

  async readDetail(): Promise<void> {
    this.#takeDetail(await api.readRoom(this.roomId));
  }

  #takeDetail(detail: RoomDetail): void {
    if (this.#closed) return;
    batch(() => {
      this.detail.value = detail;
      this.names.value = namesOf(detail.bindings, detail.participants);
    });
    putRoom(detail.room);
  }

  async readDeliveries(): Promise<void> {
    const rows = await api.listDeliveries(this.roomId, { limit: 1000 }).catch(() => []);
    if (this.#closed) return;
    const byEvent = new Map<string, OutboxRow[]>();
    for (const row of rows) byEvent.set(row.eventId, [...(byEvent.get(row.eventId) ?? []), row]);
    this.deliveries.value = byEvent;
  }

  /** Turns that answer this event; read again when it is told that they have changed. */
  async readTurns(eventId: string): Promise<void> {
    const turns = await api.listTurns(this.roomId, eventId).catch(() => undefined);
    if (!this.#closed && turns !== undefined) this.turns.value = new Map(this.turns.value).set(eventId, turns);
  }

  // --- traces ------------------------------------------------------------------------------------------------------------

  readonly #wantedTraces = new Set<string>();
  #readingTraces = false;

  /** Asks for what was decided about events in view; cheap for what is known. */
  wantTraces(eventIds: readonly string[], again = false): void {
    for (const id of eventIds) if (again || !this.traces.value.has(id)) this.#wantedTraces.add(id);
    if (!this.#readingTraces && this.#wantedTraces.size > 0) void this.#readTraces();
  }

  async #readTraces(): Promise<void> {
    this.#readingTraces = true;
    while (this.#wantedTraces.size > 0 && !this.#closed) {
      // The newest wish first: it is what is in view now.
      const next = [...this.#wantedTraces].slice(-6);
      for (const id of next) this.#wantedTraces.delete(id);
      const read = await Promise.all(next.map((id) => this.#readTrace(id)));
      this.traces.value = new Map([...this.traces.value, ...read.flat()]);
      if (this.#wantedTraces.size > 100) for (const id of [...this.#wantedTraces].slice(0, -60)) this.#wantedTraces.delete(id);
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    this.#readingTraces = false;
  }

  /** Nothing when the server was too busy or away: it is asked again when it is in view again. */
  async #readTrace(id: string): Promise<(readonly [string, DecisionTrace | null])[]> {
    try {
      return [[id, await api.readTrace(this.roomId, id)]];
    } catch (error) {
      return error instanceof ApiError && error.status === 404 ? [[id, null]] : [];
    }
  }

  // --- what arrives --------------------------------------------------------------------------------------------------------

  #onFrame(frame: ServerFrame): void {
    if (!('roomId' in frame) || frame.roomId !== this.roomId) {
      if (frame.type === 'room' && frame.room.id === this.roomId) this.#detailLater();
      return;
    }
    this.#arrived.push(frame);
    // One drawing for all that came since the last, also in a tab nobody looks at.
    this.#flush ??= window.setTimeout(() => this.#take(), 16);
  }

  #take(): void {
    this.#flush = undefined;
    if (this.#closed) return;
    const frames = this.#arrived;
    this.#arrived = [];
    const fresh: WireEvent[] = [];
    let redraw = false;
    batch(() => {
      for (const frame of frames) {
        switch (frame.type) {
          case 'event':
            if (!this.#fits(frame.prev, frame.event.index, fresh)) break;
            fresh.push(frame.event);
            break;
          case 'stream_end':
            this.#endWriting(frame.streamId);
            if (this.#fits(frame.prev, frame.event.index, fresh)) fresh.push(frame.event);
            break;
          case 'event_changed':
            redraw = this.#change(frame.event) || redraw;
            this.#afterChange(frame.event);
            break;
          case 'event_removed':
            this.#remove(frame.eventId);
            break;
          case 'resync':
            void this.#readNewest().then(
              () => this.subscribe(),
              (error: unknown) => this.#fail(error),
            );
            break;
          case 'stream_start':
            this.writing.value = [
              ...this.writing.value.filter(({ streamId }) => streamId !== frame.streamId),
              { streamId: frame.streamId, source: frame.source, text: '' },
            ];
            break;
          case 'stream_chunk':
            this.writing.value = this.writing.value.map((one) =>
              one.streamId === frame.streamId && one.text.length === frame.offset ? { ...one, text: one.text + frame.delta } : one,
            );
            break;
          case 'stream_error':
            this.#endWriting(frame.streamId);
            if (frame.event !== undefined && frame.prev !== undefined && this.#fits(frame.prev, frame.event.index, fresh)) fresh.push(frame.event);
            break;
          case 'ephemeral':
            this.#onEphemeral(frame.event.type, frame.event.userId);
            break;
          case 'error':
            if (frame.code === 'room_not_found') this.load.value = { kind: 'failed', missing: true, message: frame.message };
            break;
          default:
            break;
        }
      }
      if (fresh.length > 0) this.#appendAll(fresh);
      else if (redraw) this.#redraw(this.rows.value.list, 0);
    });
  }

  /** Whether an event comes right after what is here. A gap is read again by index (WIRE-05); what is known is dropped. */
  #fits(prev: number, index: number, fresh: readonly WireEvent[]): boolean {
    const last = fresh.at(-1)?.index ?? this.#last;
    if (this.hasLater.value) {
      this.missed.value++;
      this.latestIndex.value = Math.max(this.latestIndex.value, index);
      return false;
    }
    if (index <= last) return false;
    if (prev > last) {
      this.subscribe();
      return false;
    }
    return true;
  }

  #appendAll(fresh: readonly WireEvent[]): void {
    const { list } = this.rows.value;
    for (const event of fresh) {
      this.#events.push(event);
      this.#byId.set(event.id, event);
      list.append(event);
      this.#last = event.index;
      // Who has spoken types no more.
      this.#onEphemeral('typing_stop', event.source.participantId ?? event.source.channelId);
      // What its turn did is noted with its cause.
      const causes = [...answersOf(event), ...(event.parentEventId === undefined ? [] : [event.parentEventId])];
      this.wantTraces(
        causes.filter((id) => this.traces.value.has(id)),
        true,
      );
      if (event.type.startsWith('channel_') || event.type.startsWith('participant_') || isHandoff(event)) this.#detailLater();
    }
    const newest = fresh.at(-1);
    if (newest !== undefined) {
      this.latestIndex.value = Math.max(this.latestIndex.value, newest.index);
      this.announced.value = newest;
      markSeen(this.roomId, this.latestIndex.value);
    }
    if (this.#events.length > MOST) {
      this.#events = this.#events.slice(-MOST / 2);
      this.hasEarlier.value = true;
      this.#redraw(new Rows(this.#events), 0);
    } else {
      this.#redraw(list, 0);
    }
  }

  #change(event: WireEvent): boolean {
    if (!this.#byId.has(event.id)) return false;
    this.#byId.set(event.id, event);
    const at = this.#events.findIndex(({ id }) => id === event.id);
    if (at >= 0) this.#events[at] = event;
    return this.rows.value.list.replace(event);
  }

  /** What a changed event means for figures that were read before. */
  #afterChange(event: WireEvent): void {
    if (this.traces.value.has(event.id)) this.wantTraces([event.id], true);
    if (event.parentEventId !== undefined && this.traces.value.has(event.parentEventId)) this.wantTraces([event.parentEventId], true);
    if (this.turns.value.has(event.id)) void this.readTurns(event.id);
    this.#deliveriesLater();
  }

  #remove(eventId: string): void {
    if (!this.#byId.delete(eventId)) return;
    this.#events = this.#events.filter(({ id }) => id !== eventId);
    this.#redraw(new Rows(this.#events), 0);
  }

  #endWriting(streamId: string): void {
    this.writing.value = this.writing.value.filter((one) => one.streamId !== streamId);
  }

  #onEphemeral(type: string, userId: string): void {
    if (type !== 'typing_start' && type !== 'typing_stop') return;
    clearTimeout(this.#typingUntil.get(userId));
    if (!this.#typingUntil.delete(userId) && type === 'typing_stop') return;
    if (type === 'typing_start')
      this.#typingUntil.set(
        userId,
        setTimeout(() => this.#onEphemeral('typing_stop', userId), 6000),
      );
    this.typing.value = [...this.#typingUntil.keys()];
  }

  #redraw(list: Rows, prepended: number): void {
    this.rows.value = { list, version: this.rows.value.version + 1, prepended };
  }

  private detailTimer: ReturnType<typeof setTimeout> | undefined;

  /** Several changes at once are read once. */
  #detailLater(): void {
    this.detailTimer ??= setTimeout(() => {
      this.detailTimer = undefined;
      if (!this.#closed) void this.readDetail().catch(() => undefined);
    }, 200);
  }

  private deliveriesTimer: ReturnType<typeof setTimeout> | undefined;

  #deliveriesLater(): void {
    if (this.detail.value?.bindings.every(({ channelType, category }) => category === 'intelligence' || channelType === 'websocket') === true) return;
    this.deliveriesTimer ??= setTimeout(() => {
      this.deliveriesTimer = undefined;
      if (!this.#closed) void this.readDeliveries();
    }, 500);
  }
}
