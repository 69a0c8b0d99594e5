/** Who watches replies while they are written, besides the channels that preview them: `kit.onReply`. */
import type { StreamPlaceholder } from '../channel.js';
import type { RoomEvent } from '../models/event.js';

/** Told of one reply while it is written. It must not wait; what it throws ends its watching. */
export interface ReplyWatcher {
  /** `text` is everything so far. */
  write(delta: string, text: string): void;
  /** The reply is over. `event` is what was stored of it; without one, `code` says why there is none. */
  end(event: RoomEvent | undefined, code: string | undefined): void;
}

/** Asked when a reply's first words are there; undefined: it is not watched. */
export type ReplyListener = (opening: StreamPlaceholder) => ReplyWatcher | undefined;
