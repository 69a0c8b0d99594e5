/** Where the messages of a connection come from. */
import type { Arrival } from '../_shared/source/intake.js';

/** Where the messages come from, once there is a connection. */
export interface Feed {
  /** Asks for messages. What goes wrong later ends their reading with an error. */
  open(): Promise<void> | void;
  /** Asks for no more; what has come is read to its end. */
  close(): void;
  /** The connection is over. */
  lost(error: Error): void;
  readonly arrivals: AsyncIterable<Arrival>;
}
