/** What orchestration uses of the kit: its public surface, nothing more. */
import type { RoomKit } from '../core/kit.js';

export type OrchestrationKit = Pick<
  RoomKit,
  | 'clock'
  | 'ids'
  | 'logger'
  | 'hook'
  | 'fireHook'
  | 'getChannel'
  | 'getRoom'
  | 'listBindings'
  | 'changeConversation'
  | 'sendEvent'
  | 'currentTurn'
  | 'background'
>;
