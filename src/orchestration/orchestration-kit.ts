/** What orchestration uses of the kit: its public surface, nothing more. */
import type { RoomKit } from '../core/kit.js';

/** The part of a {@link RoomKit} that routers and handoffs work with; tests may give a double. */
export type OrchestrationKit = Pick<
  RoomKit,
  | 'clock'
  | 'ids'
  | 'logger'
  | 'hook'
  | 'fireHook'
  | 'getChannel'
  | 'listChannels'
  | 'getRoom'
  | 'listBindings'
  | 'changeConversation'
  | 'sendEvent'
  | 'currentTurn'
  | 'background'
>;
