/** A turn that a newer message has cut short (COL-04): told as cancelled, never as failed. */
import { insist } from '../async/insist.js';
import type { KitParts } from '../parts.js';
import { noteTurn } from './notes.js';
import { INTERRUPTED, tellEnded } from './outcome.js';
import type { TurnWork } from './turn-work.js';

/** For the trace and for those who watch. */
export function reportInterruption(parts: KitParts, work: TurnWork): void {
  const { row, trigger, interruptedBy } = work;
  if (interruptedBy === undefined) return;
  noteTurn(parts, work, 'interrupted', { interruptedBy });
  if (parts.framework.has('turn_interrupted')) {
    const data = { turn_id: row.id, interrupted_by: interruptedBy };
    parts.framework.emit('turn_interrupted', { roomId: row.roomId, channelId: row.channelId, eventId: trigger.id, data });
  }
}

/** A turn that waited and is not begun any more. */
export async function endInterrupted(parts: KitParts, work: TurnWork): Promise<void> {
  const { id: turnId } = work.row;
  parts.counters.turnEnded('cancelled');
  try {
    await insist(parts, { turnId }, () => parts.store.updateTurn(turnId, { state: 'cancelled', endReason: 'cancelled' }, ['queued', 'running']));
    parts.news.tell(work.row.roomId, work.trigger.id, 'turn');
  } catch (error) {
    parts.logger.error('The end of a turn could not be recorded; it will be recovered.', { turnId, error });
  } finally {
    tellEnded(work, INTERRUPTED);
  }
}
