/** A turn that nothing keeps any more goes on in its lane, like any other that was queued (APR-04). */
import { leaveBehind } from '../delivery/left-behind.js';
import { recoverTurn } from '../delivery/recovered.js';
import { insist } from '../async/insist.js';
import type { KitParts } from '../parts.js';
import type { TurnPatch } from '../store/store.js';

/**
 * Where nothing keeps it any more, it is queued in the store: should this process end here, recovery finds it. Two that answered its
 * last two approvals at once, without a lock between them, each saw the other's: `queued` is what neither of them has stored then.
 */
export function resumeTurn(parts: KitParts, turnId: string, queued: TurnPatch): void {
  void parts.tasks.run(async () => {
    try {
      await insist(parts, { turnId }, () => pushTurn(parts, turnId, queued));
    } catch (error) {
      if (!parts.stopping.aborted) parts.logger.error('A turn that has waited could not go on; it will be recovered.', { turnId, error });
    }
  });
}

async function pushTurn(parts: KitParts, turnId: string, queued: TurnPatch): Promise<void> {
  let turn = await parts.store.getTurn(turnId);
  if (turn?.state === 'waiting') {
    const pending = await parts.store.listApprovals({ turnId, state: 'pending', limit: 1 });
    turn = pending.length > 0 ? null : await parts.store.updateTurn(turnId, queued, ['waiting']);
  }
  if (turn?.state !== 'queued') return;
  const { roomId, channelId } = turn;
  const lane = parts.rooms.get(roomId).turnLane(channelId);
  if (parts.channels.get(channelId) === undefined) {
    leaveBehind(parts, lane, channelId);
  } else if (parts.store.shared) {
    parts.lookForWork(); // whoever has the lane finds it
  } else if (lane.behind && lane.idle) {
    lane.catchUp(parts, { roomId, channelId, upToIndex: Infinity });
  } else {
    const work = await recoverTurn(parts, turn);
    if (work !== undefined) lane.push(parts, work);
  }
}
