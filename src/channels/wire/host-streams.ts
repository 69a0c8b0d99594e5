/** Replies a host sees being written (WIRE-09, WIRE-15): each is shown from its first words, and ends in the event it becomes. */
import type { StreamPlaceholder } from '../../core/channel.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { ReplyWatcher } from '../../core/turns/reply-watcher.js';
import { wireSource } from './event.js';
import type { ServerFrame } from './frames.js';

export interface HostStreamsOptions {
  /** Whether the host watches this room with its own eyes. */
  readonly isShown: (roomId: string) => boolean;
  /** Index of the last event the host was given of a room. */
  readonly lastShown: (roomId: string) => number;
  readonly send: (frame: ServerFrame) => void;
  /** The socket is backed up: pieces are left out, the event will be whole. */
  readonly isBusy: () => boolean;
}

interface Open {
  readonly opening: StreamPlaceholder;
  text: string;
  /** Whether the host was told of its beginning. */
  isShown: boolean;
  /** Written to its end: only the event is still to come. */
  isOver: boolean;
}

export class HostStreams {
  readonly #open = new Map<string, Open>();

  constructor(private readonly options: HostStreamsOptions) {}

  open(opening: StreamPlaceholder): ReplyWatcher {
    const { streamId } = opening;
    const stream: Open = { opening, text: '', isShown: false, isOver: false };
    this.#open.set(streamId, stream);
    return {
      write: (delta, text) => {
        const offset = stream.text.length;
        stream.text = text;
        if (!this.#open.has(streamId) || !this.options.isShown(opening.roomId)) return;
        if (!stream.isShown) this.#show(stream);
        else if (!this.options.isBusy()) this.options.send({ type: 'stream_chunk', roomId: opening.roomId, streamId, delta, offset });
      },
      end: (event, code) => {
        // The event itself ends it when its turn in the sequence comes, unless that was before.
        if (event === undefined || event.index <= this.options.lastShown(opening.roomId)) this.#cut(streamId, code ?? 'ended');
        else if (!this.options.isShown(opening.roomId)) this.#open.delete(streamId);
        else stream.isOver = true;
      },
    };
  }

  /** A host that comes while something is written gets what there is of it. */
  catchUp(roomId: string): void {
    for (const stream of this.#open.values()) if (stream.opening.roomId === roomId) this.#show(stream);
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

  #show(stream: Open): void {
    const { roomId, streamId, source } = stream.opening;
    stream.isShown = true;
    this.options.send({ type: 'stream_start', roomId, streamId, source: wireSource(source) });
    if (stream.text !== '') this.options.send({ type: 'stream_chunk', roomId, streamId, delta: stream.text, offset: 0 });
  }

  #cut(streamId: string, code: string): void {
    const stream = this.#open.get(streamId);
    this.#open.delete(streamId);
    if (stream?.isShown === true) this.options.send({ type: 'stream_error', roomId: stream.opening.roomId, streamId, code });
  }
}
