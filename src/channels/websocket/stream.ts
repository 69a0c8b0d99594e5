/** A reply being written, as the connections of one room see it (WS-05, WIRE-09). */
import type { DeliveryStream, RoomContext, RoomEvent, StreamPlaceholder } from '../../core/index.js';
import type { Connection } from './connection.js';

export type StreamFrame =
  | { readonly type: 'stream_start'; readonly roomId: string; readonly streamId: string; readonly source: RoomEvent['source'] }
  /** `text` is everything so far; `delta` begins at `offset` of it. */
  | { readonly type: 'stream_chunk'; readonly roomId: string; readonly streamId: string; readonly delta: string; readonly offset: number; readonly text: string }
  | { readonly type: 'stream_end'; readonly roomId: string; readonly streamId: string; readonly event: RoomEvent }
  | { readonly type: 'stream_error'; readonly roomId: string; readonly streamId: string; readonly code: string; readonly event?: RoomEvent };

/** What a stream needs of its channel. */
export interface StreamHost {
  connectionsOf(roomId: string): Iterable<Connection>;
  failed(connection: Connection, error: unknown): void;
  /** Hands the final event to those who did not watch. */
  sendEvent(event: RoomEvent, except: ReadonlySet<Connection>, context: RoomContext): void | Promise<void>;
  ended(stream: OpenStream): void;
}

export class OpenStream implements DeliveryStream {
  readonly #watchers = new Set<Connection>();
  #text = '';
  #ended = false;

  constructor(
    private readonly host: StreamHost,
    readonly placeholder: StreamPlaceholder,
  ) {
    for (const connection of host.connectionsOf(placeholder.roomId)) this.#begin(connection);
  }

  write(delta: string, text: string): void {
    if (this.#ended) return;
    const offset = text.length - delta.length;
    this.#text = text;
    const { roomId, streamId } = this.placeholder;
    this.#tell({ type: 'stream_chunk', roomId, streamId, delta, offset, text });
  }

  /** A connection that comes while the stream runs sees what was written so far. */
  join(connection: Connection): void {
    if (this.#ended || this.#watchers.has(connection)) return;
    this.#begin(connection);
    if (this.#text === '' || !this.#watchers.has(connection)) return;
    const { roomId, streamId } = this.placeholder;
    this.#send(connection, { type: 'stream_chunk', roomId, streamId, delta: this.#text, offset: 0, text: this.#text });
  }

  async end(event: RoomEvent, context: RoomContext): Promise<boolean> {
    if (this.#ended) return true;
    this.#ended = true;
    this.host.ended(this);
    const { roomId, streamId } = this.placeholder;
    this.#tell({ type: 'stream_end', roomId, streamId, event });
    const served = new Set(this.#watchers);
    await this.host.sendEvent(event, served, context);
    return true;
  }

  error(code: string, event?: RoomEvent): void {
    if (this.#ended) return;
    this.#ended = true;
    this.host.ended(this);
    const { roomId, streamId } = this.placeholder;
    this.#tell({ type: 'stream_error', roomId, streamId, code, ...(event !== undefined && { event }) });
  }

  leave(connection: Connection): void {
    this.#watchers.delete(connection);
  }

  /** Whether this connection saw the preview. */
  watches(connection: Connection): boolean {
    return this.#watchers.has(connection);
  }

  #begin(connection: Connection): void {
    const { roomId, streamId, source } = this.placeholder;
    if (connection.options.streamSend === undefined || connection.closing || connection.waiting(roomId) !== undefined) return;
    this.#watchers.add(connection);
    this.#send(connection, { type: 'stream_start', roomId, streamId, source });
  }

  #tell(frame: StreamFrame): void {
    for (const connection of this.#watchers) this.#send(connection, frame);
  }

  /** Who cannot take a frame is cut off from the preview and gets the final event (STR-01). */
  #send(connection: Connection, frame: StreamFrame): void {
    try {
      connection.options.streamSend?.(frame);
    } catch (error) {
      this.#watchers.delete(connection);
      this.host.failed(connection, error);
    }
  }
}
