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

/** A reply that is about to be written, as who watches is told of it. */
export interface ReplyOpening extends StreamPlaceholder {
  /** Whether channels may be shown it before it is finished: not when a hook could still stop it (STR-02), or the agent may not speak. */
  readonly isPreviewed: boolean;
}

/** Asked when a reply's first words are there; undefined: it is not watched. */
export type ReplyListener = (opening: ReplyOpening) => ReplyWatcher | undefined;
