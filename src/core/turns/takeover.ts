/** Whether a person's takeover has made what an agent is saying stale (TURN-06, LOCK-07). */
import type { TurnRow } from '../models/delivery.js';
import type { Room } from '../models/room.js';

/** True when somebody else was put in charge by hand after the message came that this turn answers. */
export function isTakenOver(room: Room, row: Pick<TurnRow, 'channelId' | 'triggerIndex'>): boolean {
  const conversation = room.metadata['_conversation_state'] as
    { activeAgentId?: string | null; context?: { taken_over_at_index?: number } } | undefined; // written by the kit
  const takenOverAt = conversation?.context?.taken_over_at_index;
  return takenOverAt !== undefined && takenOverAt > row.triggerIndex && conversation?.activeAgentId !== row.channelId;
}
