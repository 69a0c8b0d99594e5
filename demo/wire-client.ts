/**
 * The other end of RoomKit's browser wire protocol, small enough to read in one sitting. The page runs it on the browser's
 * WebSocket and the headless customer on `ws`, so it knows neither: whoever makes one says how to open a socket.
 *
 * It keeps one room in step: what was missed while the line was down comes again by index, what was sent and not
 * acknowledged is sent again under the same id, and nothing is shown twice.
 */

import type { ServerFrame, WireEvent } from 'roomkit';

export type { WireEvent };

/** An event's words, whatever kind of content holds them. */
export function textOf({ content }: WireEvent): string {
  return 'body' in content && content.body !== undefined ? content.body : `[${content.type}]`;
}

export interface WireStream {
  readonly streamId: string;
  readonly source: WireEvent['source'];
  /** All that has been written so far. */
  readonly text: string;
}

export interface Acknowledgement {
  readonly event?: WireEvent;
  readonly blocked: boolean;
  readonly duplicate: boolean;
  readonly reason?: string;
}

export type LineState =
  | { readonly name: 'connecting' }
  | { readonly name: 'online' }
  /** Down; the next attempt comes in `retryInMs`. */
  | { readonly name: 'waiting'; readonly retryInMs: number }
  /** The server does not want us any more; trying again makes no sense. */
  | { readonly name: 'refused'; readonly reason: string };

export interface WireListener {
  /** Every visible event once, in order. */
  onEvent(event: WireEvent): void;
  onEventChanged?(event: WireEvent): void;
  onEventRemoved?(eventId: string): void;
  /** A reply is being written; the same `streamId` comes again with more text. */
  onStream?(stream: WireStream): void;
  /** The preview is over: its event came through `onEvent`, or it was withdrawn. */
  onStreamEnd?(streamId: string, withdrawn: boolean): void;
  onTyping?(userId: string, isTyping: boolean): void;
  /** The room itself changed; for hosts that watch all rooms. */
  onRoom?(room: { readonly id: string }): void;
  /** So much was missed that the view has to begin anew. */
  onResync?(): void;
  onLine?(state: LineState): void;
}

/** The part of a WebSocket that is used; the browser's and that of `ws` both have it. */
export interface WireSocket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface WireClientOptions {
  readonly roomId: string;
  /** Opens a socket with the subprotocol `roomkit.v1`. */
  readonly open: () => WireSocket;
  /** A client token; absent for a host, whom the server knows otherwise. Asked for again when one has expired. */
  readonly token?: () => Promise<string>;
  /** Reads the newest events, oldest first: to begin with, and when too much was missed to be replayed. */
  readonly readNewest?: () => Promise<readonly WireEvent[]>;
  /** Watch all rooms for changes; for hosts. */
  readonly watchRooms?: boolean;
  readonly setTimer: (ms: number, run: () => void) => () => void;
}

interface PendingSend {
  readonly id: string;
  readonly content: unknown;
  readonly settle: (outcome: Acknowledgement) => void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const SILENCE_MS = 35_000;
const PONG_MS = 5_000;

export class WireClient {
  /** Index of the newest visible event seen; −1 before the first. */
  #last = -1;
  #socket: WireSocket | undefined;
  #ready = false;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;
  #resubscribing = false;
  #sequence = 0;
  /** Id of the newest request to subscribe. */
  #subscription = '';
  #cancelRetry: (() => void) | undefined;
  #cancelSilence: (() => void) | undefined;
  readonly #pending = new Map<string, PendingSend>();
  readonly #streams = new Map<string, { source: WireEvent['source']; text: string }>();
  readonly #prefix = Math.random().toString(36).slice(2, 10);

  constructor(
    private readonly options: WireClientOptions,
    private readonly listener: WireListener,
  ) {}

  /** Connects, and stays connected until {@link close}. */
  start(): void {
    void this.#connect();
  }

  /** Sends a message; settles when it is committed or blocked, however often the line breaks until then. */
  send(body: string): Promise<Acknowledgement> {
    return new Promise((settle) => {
      const send: PendingSend = { id: `${this.#prefix}-${++this.#sequence}`, content: { type: 'text', body }, settle };
      this.#pending.set(send.id, send);
      if (this.#ready) this.#sendPending(send);
    });
  }

  typing(on: boolean): void {
    if (this.#ready) this.#write({ type: 'typing', roomId: this.options.roomId, on });
  }

  /** Tries at once instead of waiting for the next attempt; for browsers that came back online. */
  retryNow(): void {
    if (this.#cancelRetry === undefined) return;
    this.#cancelRetry();
    this.#cancelRetry = undefined;
    void this.#connect();
  }

  /** Drops the line as a failing network would; the client comes back by itself. */
  interrupt(): void {
    this.#socket?.close();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#cancelSilence?.();
    this.#socket?.close(1000);
  }

  async #connect(): Promise<void> {
    this.#cancelRetry = undefined;
    this.listener.onLine?.({ name: 'connecting' });
    let token: string | undefined;
    try {
      token = await this.options.token?.();
    } catch {
      this.#retryLater();
      return;
    }
    if (this.#closed) return;
    const socket = this.options.open();
    this.#socket = socket;
    this.#resubscribing = false;
    socket.onopen = () => {
      this.#write({ type: 'hello', version: 1, ...(token !== undefined && { token }) });
      this.#listenForSilence();
    };
    socket.onmessage = ({ data }) => {
      this.#listenForSilence();
      if (typeof data === 'string') this.#receive(JSON.parse(data) as ServerFrame); // our own server's frames
    };
    socket.onerror = () => undefined; // the close that follows says all there is to know
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(code, reason);
    };
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        if (this.#last < 0 && this.options.readNewest !== undefined) void this.#begin(-1);
        else this.#subscribe();
        if (this.options.watchRooms === true) this.#write({ type: 'subscribe', id: 'rooms', roomId: '*' });
        return;
      case 'subscribed':
        if (frame.roomId !== this.options.roomId) return;
        this.#ready = true;
        this.#resubscribing = false;
        this.#retryMs = FIRST_RETRY_MS;
        this.listener.onLine?.({ name: 'online' });
        for (const send of this.#pending.values()) this.#sendPending(send);
        return;
      case 'event':
        this.#take(frame.event, frame.prev);
        return;
      case 'ack':
        this.#acknowledged(frame);
        return;
      case 'event_changed':
        this.listener.onEventChanged?.(frame.event);
        return;
      case 'event_removed':
        this.listener.onEventRemoved?.(frame.eventId);
        return;
      case 'resync':
        void this.#begin(frame.fromIndex - 1);
        return;
      case 'stream_start':
        this.#streams.set(frame.streamId, { source: frame.source, text: '' });
        this.listener.onStream?.({ streamId: frame.streamId, source: frame.source, text: '' });
        return;
      case 'stream_chunk': {
        const stream = this.#streams.get(frame.streamId);
        // A chunk that does not fit is left out: the final event is the truth (WIRE-09).
        if (stream === undefined || frame.offset !== stream.text.length) return;
        stream.text += frame.delta;
        this.listener.onStream?.({ streamId: frame.streamId, source: stream.source, text: stream.text });
        return;
      }
      case 'stream_end':
        this.#streams.delete(frame.streamId);
        this.listener.onStreamEnd?.(frame.streamId, false);
        this.#take(frame.event, frame.prev);
        return;
      case 'stream_error':
        this.#streams.delete(frame.streamId);
        this.listener.onStreamEnd?.(frame.streamId, true);
        // What was written until then may have been kept.
        if (frame.event !== undefined && frame.prev !== undefined) this.#take(frame.event, frame.prev);
        return;
      case 'ephemeral':
        if (frame.event.type === 'typing_start' || frame.event.type === 'typing_stop') {
          this.listener.onTyping?.(frame.event.userId, frame.event.type === 'typing_start');
        }
        return;
      case 'room':
        this.listener.onRoom?.(frame.room);
        return;
      case 'token_expiring':
        void this.options.token?.().then(
          (token) => this.#write({ type: 'auth', token }),
          () => undefined,
        );
        return;
      case 'goodbye':
        this.#retryMs = Math.max(FIRST_RETRY_MS, frame.reconnectAfterMs);
        return;
      case 'error':
        this.#refused(frame);
        return;
      default: // pong, unsubscribed, and what later servers may say
        return;
    }
  }

  /** Passes on what is next; asks again when something is missing before it, and drops what was seen. */
  #take(event: WireEvent, prev: number): void {
    if (event.index <= this.#last || this.#resubscribing) return;
    if (prev > this.#last) {
      this.#subscribe();
      return;
    }
    this.#last = event.index;
    this.listener.onEvent(event);
  }

  #acknowledged(frame: Extract<ServerFrame, { type: 'ack' }>): void {
    const send = this.#pending.get(frame.id);
    if (frame.event !== undefined && frame.blocked !== true) {
      // A repeated send is answered with its first event, which may lie behind us or before something we miss.
      if (frame.prev === undefined) {
        if (frame.event.index > this.#last) this.#subscribe();
      } else this.#take(frame.event, frame.prev);
    }
    if (send === undefined) return;
    this.#pending.delete(frame.id);
    send.settle({
      blocked: frame.blocked === true,
      duplicate: frame.duplicate === true,
      ...(frame.event !== undefined && { event: frame.event }),
      ...(frame.reason !== undefined && { reason: frame.reason }),
    });
  }

  #refused(frame: Extract<ServerFrame, { type: 'error' }>): void {
    const laterMs = (frame.retryAfterSeconds ?? 1) * 1000;
    if (frame.id !== undefined && frame.id === this.#subscription) {
      this.#resubscribing = false;
      if (frame.retryable) this.options.setTimer(laterMs, () => this.#subscribe());
      else this.listener.onLine?.({ name: 'refused', reason: frame.message });
      return;
    }
    if (frame.id === undefined && frame.roomId === this.options.roomId) {
      // Shown out, or the room is gone.
      this.#ready = false;
      this.listener.onLine?.({ name: 'refused', reason: frame.message });
      return;
    }
    const send = frame.id === undefined ? undefined : this.#pending.get(frame.id);
    if (send === undefined) return;
    if (frame.retryable) {
      this.options.setTimer(laterMs, () => this.#ready && this.#sendPending(send));
      return;
    }
    this.#pending.delete(send.id);
    send.settle({ blocked: true, duplicate: false, reason: frame.message });
  }

  /** Begins the view anew with the newest events, then goes on live; `last` is what counts as seen when they cannot be read. */
  async #begin(last: number): Promise<void> {
    const socket = this.#socket;
    this.#resubscribing = true; // until then nothing has a place
    const events = (await this.options.readNewest?.().catch(() => [])) ?? [];
    if (this.#socket !== socket || this.#closed) return; // the line broke: the next one begins anew
    this.listener.onResync?.();
    this.#last = events.at(-1)?.index ?? last;
    for (const event of events) this.listener.onEvent(event);
    this.#resubscribing = false;
    this.#subscribe();
  }

  #subscribe(): void {
    if (this.#resubscribing) return;
    this.#resubscribing = true;
    this.#subscription = `room-${++this.#sequence}`;
    this.#write({ type: 'subscribe', id: this.#subscription, roomId: this.options.roomId, afterIndex: this.#last });
  }

  #sendPending(send: PendingSend): void {
    this.#write({ type: 'send', id: send.id, roomId: this.options.roomId, content: send.content });
  }

  #write(frame: object): void {
    try {
      this.#socket?.send(JSON.stringify(frame));
    } catch {
      // The socket is closing; its close event brings everything that is pending again.
    }
  }

  #lost(code: number, reason: string): void {
    this.#ready = false;
    this.#resubscribing = false;
    this.#cancelSilence?.();
    for (const streamId of this.#streams.keys()) this.listener.onStreamEnd?.(streamId, true);
    this.#streams.clear();
    if (this.#closed) return;
    if (code === 1008 && reason !== 'token_expired') {
      this.listener.onLine?.({ name: 'refused', reason });
      return;
    }
    this.#retryLater();
  }

  #retryLater(): void {
    const ms = Math.round(this.#retryMs * (0.75 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.listener.onLine?.({ name: 'waiting', retryInMs: ms });
    this.#cancelRetry = this.options.setTimer(ms, () => void this.#connect());
  }

  #listenForSilence(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.options.setTimer(SILENCE_MS, () => {
      this.#write({ type: 'ping', t: 0 });
      this.#cancelSilence = this.options.setTimer(PONG_MS, () => this.#socket?.close());
    });
  }
}
