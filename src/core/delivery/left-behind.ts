/**
 * A lane is behind when the store may hold work of it that the lane does not: of a process that is gone, or of a time when
 * its channel was not here. Such work goes before everything new (OUT-02, TURN-01).
 */
import { isPromise, type Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';

interface LaneLike {
  behind: boolean;
}

/** Whether an idle lane is behind. A store that answers at once is asked at once: a lane's first work then costs no more than the rest. */
export function isBehind(parts: KitParts, lane: LaneLike, look: () => Awaitable<readonly unknown[]>): boolean {
  if (!lane.behind) return false;
  try {
    const found = look();
    // Whoever answers later is asked again when the lane is filled.
    if (isPromise(found)) found.then(undefined, () => undefined);
    else lane.behind = found.length > 0;
  } catch (error) {
    parts.logger.debug('A lane could not be looked at.', { error });
  }
  return lane.behind;
}

/** Work stays in the store for want of its channel. Where leases count, recovery alone decides whose it is. */
export function leaveBehind(parts: KitParts, lane: LaneLike, channelId: string): void {
  if (!parts.store.shared) lane.behind = true;
  parts.leaveBehind(channelId);
}
