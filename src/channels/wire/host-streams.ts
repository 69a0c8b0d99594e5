/** Replies a host sees being written (WIRE-09, WIRE-15): each is shown from its first words, and ends in the event it becomes. */
import { canRead, canSeeEvent, isVisibleTo } from '../../core/delivery/visibility.js';
import type { ChannelBinding } from '../../core/models/binding.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { ReplyOpening, ReplyWatcher } from '../../core/turns/reply-watcher.js';
import { wireSource } from './event.js';
import type { ServerFrame } from './frames.js';

export interface HostStreamsOptions {
  /** With whose eyes the host watches this room; undefined: not at all. */
  readonly eyesOn: (roomId: string) => Eyes | undefined;
  /** The channel as it is bound to the room now; undefined: it is not. */
  readonly binding: (roomId: string, channelId: string) => Promise<ChannelBinding | undefined>;
  /** Index of the last event the host was given of a room. */
  readonly lastShown: (roomId: string) => number;
  readonly send: (frame: ServerFrame) => void;
  /** The socket is backed up: pieces are left out, the event will be whole. */
  readonly isBusy: () => boolean;
}

/** One subscription of the host to a room; `as`: only what this channel may see. */
export interface Eyes {
  readonly as: string | undefined;
}

interface Open {
  readonly opening: ReplyOpening;
  text: string;
  /** Whether the host was told of its beginning. */
  isShown: boolean;
  /** Written to its end: only the event is still to come. */
  isOver: boolean;
}

export class HostStreams {
  readonly #open = new Map<string, Open>();

  constructor(private readonly options: HostStreamsOptions) {}

  open(opening: ReplyOpening): ReplyWatcher {
    const { roomId, streamId } = opening;
    const stream: Open = { opening, text: '', isShown: false, isOver: false };
    this.#open.set(streamId, stream);
    return {
      write: (delta, text) => {
        const isFirst = stream.text === '';
        const offset = stream.text.length;
        stream.text = text;
        if (!this.#isOpen(stream)) return;
        if (!stream.isShown) {
          // Whether a channel sees it is found out once.
          if (isFirst || this.options.eyesOn(roomId)?.as === undefined) this.#showIfSeen(stream);
        } else if (!this.options.isBusy()) this.options.send({ type: 'stream_chunk', roomId, streamId, delta, offset });
      },
      end: (event, code) => void this.#end(stream, event, code),
    };
  }

  /** A host that comes while something is written gets what there is of it. */
  catchUp(roomId: string): void {
    for (const stream of this.#open.values()) if (stream.opening.roomId === roomId && !stream.isShown) this.#showIfSeen(stream);
  }

  /** The stream whose place an event takes; it is over then. */
  endedBy(event: RoomEvent): string | undefined {
    if (this.#open.size === 0 || event.parentEventId === undefined) return undefined;
    for (const [streamId, { opening, isShown }] of this.#open) {
      const isIts =
        opening.roomId === event.roomId && opening.parentEventId === event.parentEventId && opening.source.channelId === event.source.channelId;
      if (!isIts) continue;
      this.#open.delete(streamId);
      return isShown ? streamId : undefined;
    }
    return undefined;
  }

  /** The host does not watch the room any more, or drops what it has of it. */
  forget(roomId: string): void {
    for (const [streamId, stream] of this.#open) {
      if (stream.opening.roomId !== roomId) continue;
      stream.isShown = false;
      if (stream.isOver) this.#open.delete(streamId);
    }
  }

  /** With the eyes of a channel a reply is seen by who may see the event it becomes, unless no channel is previewed it. */
  #showIfSeen(stream: Open): void {
    const { opening } = stream;
    const eyes = this.options.eyesOn(opening.roomId);
    if (eyes === undefined) return;
    const { as } = eyes;
    if (as === undefined) {
      this.#show(stream);
      return;
    }
    if (!opening.isPreviewed && opening.source.channelId !== as) return;
    this.options.binding(opening.roomId, as).then(
      (reader) => {
        // Meanwhile it may have ended, or the host looks with other eyes.
        if (reader === undefined || !this.#isOpen(stream) || this.options.eyesOn(opening.roomId) !== eyes) return;
        const isOwn = opening.source.channelId === as;
        if (isOwn || (canRead(reader) && isVisibleTo(opening.visibility, as, reader.category))) this.#show(stream);
      },
      () => undefined, // the event comes anyway
    );
  }

  #show(stream: Open): void {
    const { roomId, streamId, source } = stream.opening;
    stream.isShown = true;
    this.options.send({ type: 'stream_start', roomId, streamId, source: wireSource(source) });
    if (stream.text !== '') this.options.send({ type: 'stream_chunk', roomId, streamId, delta: stream.text, offset: 0 });
  }

  /** The event itself ends it when its turn in the sequence comes, unless that was before, or these eyes do not see it. */
  async #end(stream: Open, event: RoomEvent | undefined, code: string | undefined): Promise<void> {
    const { roomId, streamId } = stream.opening;
    const eyes = this.options.eyesOn(roomId);
    if (event === undefined || event.index <= this.options.lastShown(roomId)) this.#cut(streamId, code ?? 'ended');
    else if (eyes === undefined || !stream.isShown) this.#open.delete(streamId);
    else {
      stream.isOver = true;
      if (eyes.as === undefined) return;
      const reader = await this.options.binding(roomId, eyes.as).catch(() => undefined);
      if (this.#isOpen(stream) && (reader === undefined || !canSeeEvent(event, reader))) this.#cut(streamId, code ?? 'ended');
    }
  }

  #isOpen(stream: Open): boolean {
    return this.#open.get(stream.opening.streamId) === stream;
  }

  #cut(streamId: string, code: string): void {
    const stream = this.#open.get(streamId);
    this.#open.delete(streamId);
    if (stream?.isShown === true) this.options.send({ type: 'stream_error', roomId: stream.opening.roomId, streamId, code });
  }
}
