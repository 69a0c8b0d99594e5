/** Replies of one room while they are written (WIRE-09). The committed event takes a preview's place. */
import type { ServerFrame, WireEvent } from '../channels/index.js';

/** A reply that is being written. A new object whenever its text has grown. */
export interface Preview {
  readonly streamId: string;
  readonly source: WireEvent['source'];
  /** All of it so far. */
  readonly text: string;
}

export class Previews {
  readonly #streams = new Map<string, Preview>();
  #list: readonly Preview[] | undefined = [];

  get list(): readonly Preview[] {
    return (this.#list ??= [...this.#streams.values()]);
  }

  start({ streamId, source }: Extract<ServerFrame, { type: 'stream_start' }>): void {
    this.#set({ streamId, source, text: '' });
  }

  /** A piece that does not fit is left out: the event is the truth. */
  grow({ streamId, delta, offset }: Extract<ServerFrame, { type: 'stream_chunk' }>): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined && stream.text.length === offset) this.#set({ ...stream, text: stream.text + delta });
  }

  end(streamId: string): void {
    if (this.#streams.delete(streamId)) this.#list = undefined;
  }

  clear(): void {
    if (this.#streams.size === 0) return;
    this.#streams.clear();
    this.#list = undefined;
  }

  #set(stream: Preview): void {
    this.#streams.set(stream.streamId, stream);
    this.#list = undefined;
  }
}
