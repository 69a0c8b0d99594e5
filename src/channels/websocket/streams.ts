/**
 * A reply as it is being written, shown to those who can watch (WS-05, STR-01). Writing never waits: who does not keep up
 * sees no more of it and gets the final event like all others.
 */
import type { DeliveryStream, StreamPlaceholder } from '../../core/channel.js';
import type { RoomEvent } from '../../core/models/event.js';
import { isPromise, type Awaitable } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import type { Subscription } from './connection.js';
import { Shared, type StreamFrame } from './frames.js';
import type { RoomConnections } from './room.js';

/** How many messages may wait for a connection before a preview is cut off for it. */
const MAX_BACKLOG = 64;
/** What an envelope adds to its text, roughly. */
const FRAME_BYTES = 200;

/** The frame that closes a preview for its watchers, in the place of the event. */
export interface ClosingFrame {
  readonly frame: StreamFrame;
  readonly shared: Shared;
  readonly watchers: ReadonlySet<Subscription>;
  /** Ends the preview of one who has the event already. */
  readonly withdraw: (subscription: Subscription) => void;
}

/** How a stream hands its final event to the channel, which keeps the room's order. */
export type CloseStream = (event: RoomEvent, context: RoomContext | undefined, closing: (prev: number) => ClosingFrame) => Awaitable<unknown>;

export class RoomStream implements DeliveryStream {
  readonly #watchers = new Set<Subscription>();
  readonly #cutOff = new Set<Subscription>();
  #text = '';
  #open = true;

  constructor(
    private readonly room: RoomConnections,
    private readonly placeholder: StreamPlaceholder,
    private readonly close: CloseStream,
  ) {
    room.streams.add(this);
    for (const subscription of room.subscriptions) if (subscription.live) this.watch(subscription);
  }

  /** Lets one more watch: it begins with all that was written so far (WIRE-09). */
  watch(subscription: Subscription): void {
    const { connection } = subscription;
    if (!this.#open || connection.options.streamSend === undefined || !connection.open || this.#watchers.has(subscription)) return;
    // Who does not go by index is not given the event of another process either.
    if (this.placeholder.isElsewhere === true && !subscription.follows) return;
    this.#watchers.add(subscription);
    const { roomId, streamId, source } = this.placeholder;
    this.#send(subscription, { type: 'stream_start', roomId, streamId, source }, new Shared(), FRAME_BYTES);
    if (this.#text === '') return;
    this.#send(
      subscription,
      { type: 'stream_chunk', roomId, streamId, delta: this.#text, offset: 0, text: this.#text },
      new Shared(),
      this.#text.length,
    );
  }

  /**
   * Of a reply that another process writes: the frame that ends it for one who is given this event, when that is the reply.
   * From then on nobody else begins to watch.
   */
  endFor(subscription: Subscription, event: RoomEvent, prev: number): StreamFrame | undefined {
    const { isElsewhere, roomId, streamId, source } = this.placeholder;
    if (isElsewhere !== true || event.source.channelId !== source.channelId) return undefined;
    this.#open = false;
    this.#cutOff.delete(subscription);
    return this.#watchers.delete(subscription) ? { type: 'stream_end', roomId, streamId, prev, event } : undefined;
  }

  /** Its room was left, or its connection is gone. */
  forget(subscription: Subscription): void {
    if (!this.#watchers.delete(subscription)) return;
    this.#cutOff.delete(subscription);
    if (!subscription.connection.closed) this.#send(subscription, this.#errorFrame('unsubscribed'), new Shared(), FRAME_BYTES, false);
  }

  write(delta: string, text: string): void {
    if (!this.#open) return;
    this.#text = text;
    if (this.#watchers.size === 0) return;
    const { roomId, streamId } = this.placeholder;
    const chunk: StreamFrame = { type: 'stream_chunk', roomId, streamId, delta, offset: text.length - delta.length, text };
    const shared = new Shared();
    for (const subscription of this.#watchers) {
      if (this.#cutOff.has(subscription)) continue;
      if (subscription.connection.queued >= MAX_BACKLOG) this.#cutOff.add(subscription);
      else this.#send(subscription, chunk, shared, delta.length + FRAME_BYTES);
    }
  }

  end(event: RoomEvent, context: RoomContext): Awaitable<boolean> {
    const { roomId, streamId } = this.placeholder;
    return this.#finish(event, context, (prev) => ({ type: 'stream_end', roomId, streamId, prev, event }));
  }

  error(code: string, event?: RoomEvent): void {
    // A blocked event reaches nobody (invariant 5).
    if (event === undefined || event.status === 'blocked') {
      if (this.#stop() || this.placeholder.isElsewhere === true) this.#endPreviews(code);
      return;
    }
    const { roomId, streamId } = this.placeholder;
    try {
      const done = this.#finish(event, undefined, (prev) => ({ type: 'stream_error', roomId, streamId, code, prev, event }));
      // Each connection's failure is counted on that connection; nobody waits for this one.
      if (isPromise(done)) done.catch(() => undefined);
    } catch {
      // Likewise.
    }
  }

  /** The event goes to everybody in the room; those who watched get it as the end of the preview. */
  #finish(event: RoomEvent, context: RoomContext | undefined, frameFor: (prev: number) => StreamFrame): Awaitable<boolean> {
    if (!this.#stop()) return true;
    const done = this.close(event, context, (prev) => ({
      frame: frameFor(prev),
      shared: new Shared(context?.participants),
      watchers: this.#leave(),
      withdraw: (subscription) => this.#send(subscription, this.#errorFrame('replayed'), new Shared(), FRAME_BYTES),
    }));
    if (!isPromise(done)) return true;
    return done.then(
      () => true,
      (error: unknown) => {
        // It did not come so far as to tell them; whatever it was, their preview is over (WS-05).
        this.#endPreviews('internal');
        throw error;
      },
    );
  }

  /** Exactly one end or error follows a start, whatever is called how often. */
  #stop(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    return true;
  }

  #endPreviews(code: string): void {
    const frame = this.#errorFrame(code);
    const shared = new Shared();
    for (const subscription of this.#leave()) this.#send(subscription, frame, shared, FRAME_BYTES);
  }

  /** From now on nobody watches; these did. */
  #leave(): ReadonlySet<Subscription> {
    this.room.endStream(this);
    const watchers = new Set(this.#watchers);
    this.#watchers.clear();
    return watchers;
  }

  #errorFrame(code: string): StreamFrame {
    const { roomId, streamId } = this.placeholder;
    return { type: 'stream_error', roomId, streamId, code };
  }

  #send(subscription: Subscription, frame: StreamFrame, shared: Shared, bytes: number, whileSubscribed = true): void {
    const { connection } = subscription;
    if (connection.busy || connection.closed) {
      const run = (): unknown => connection.options.streamSend?.(frame, shared);
      connection.push({ subscription: whileSubscribed ? subscription : undefined, bytes, run });
    } else connection.stream(frame, shared);
  }
}
