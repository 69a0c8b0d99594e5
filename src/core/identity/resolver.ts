/** The contract of identity resolution (behaviour §12). */
import type { InboundMessage } from '../models/delivery.js';
import type { Awaitable } from '../models/json.js';
import type { IdentityResult } from '../models/people.js';
import type { RoomContext } from '../rooms/context.js';

/** Finds out who a sender is. Give one to `new RoomKit({ identityResolver })`. */
export interface IdentityResolver {
  /** Who sent this? A throw or a timeout counts as unknown: the message is never lost (IDN-02). */
  resolve(message: InboundMessage, context: RoomContext, options: { signal: AbortSignal }): Awaitable<IdentityResult>;
}
