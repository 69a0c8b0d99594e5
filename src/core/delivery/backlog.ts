/**
 * What the store holds of a lane and the lane does not: rows of a process that is gone, or of a time when their channel was
 * not there. They go out before everything new (OUT-02), so that a lane reads them before it is first used.
 */
import { insist } from '../async/insist.js';
import type { KitParts } from '../parts.js';
import type { Lane, LaneItem } from './lane.js';
import { leaveBehind } from './left-behind.js';
import { isHeld, recoverDelivery } from './recovered.js';

const OPEN = ['queued', 'sending', 'unknown'] as const;
const PAGE = 500;

/** Stands in a lane, and puts what was left of it in its own place. */
export class Backlog implements LaneItem {
  /** Rows at the head that stay as they are; the page grows by so many. */
  #passed = 0;
  /** What the lane has had until now it has. Where leases count: a store of one process is asked for all that is open. */
  readonly #sinceIndex: number;

  constructor(
    private readonly parts: KitParts,
    private readonly lane: Lane,
    private readonly roomId: string,
    private readonly channelId: string,
    /** What comes after this index is new, and comes by itself. */
    private readonly upToIndex: number,
  ) {
    this.#sinceIndex = parts.store.shared ? lane.knownIndex : -1;
  }

  run(): boolean {
    const { parts, lane, roomId, channelId } = this;
    void parts.tasks.run(async () => {
      try {
        await insist(parts, { roomId, channelId }, () => this.#read());
      } catch (error) {
        if (!parts.stopping.aborted) parts.logger.error('What is left of a lane could not be read; it is tried again.', { roomId, channelId, error });
        leaveBehind(parts, lane, channelId);
      } finally {
        lane.finished();
      }
    });
    return true;
  }

  async #read(): Promise<void> {
    const { parts, roomId, channelId, upToIndex } = this;
    const limit = PAGE + this.#passed;
    const rows = await parts.store.listRows({ roomId, channelId, state: OPEN, limit });
    const found: LaneItem[] = [];
    let passed = 0;
    for (const row of rows) {
      if (row.eventIndex > upToIndex) break;
      // Where leases count, only what this process holds is its to send.
      if (parts.store.shared && (row.leaseOwner !== parts.owner || row.eventIndex <= this.#sinceIndex)) {
        passed++;
        continue;
      }
      // It came while this was read, maybe behind something newer: it goes on in its place, and is nobody's unknown outcome.
      const waiting = this.lane.waitingFor(row.id);
      if (waiting !== undefined) {
        found.push(waiting);
        continue;
      }
      if (this.lane.coming.has(row.id)) {
        // It comes by itself, and before what is behind it: that is found once it is there.
        if (upToIndex === Infinity) break;
        // Its commit is answered so late that something newer is in the lane by now: it goes before that, and does not come again.
        this.lane.coming.delete(row.id);
      }
      const delivery = await recoverDelivery(parts, row);
      if (delivery !== undefined) {
        found.push(delivery);
        this.lane.knownIndex = Math.max(this.lane.knownIndex, row.eventIndex);
      } else if (isHeld(parts, row)) passed++;
      else if (parts.channels.get(channelId) === undefined) {
        leaveBehind(parts, this.lane, channelId);
        return;
      }
    }
    this.#passed = passed;
    const isMore = rows.length === limit && (rows.at(-1)?.eventIndex ?? 0) <= upToIndex;
    this.lane.goFirst(isMore ? [...found, this] : found);
  }
}

/**
 * Whether a row that is open in the store is not in this lane. What the lane has had it may have lost to another process, and have again:
 * then it is read from its beginning.
 */
export function lacks(lane: Lane, eventIndex: number): boolean {
  if (eventIndex > lane.knownIndex) return true;
  if (lane.holds(eventIndex)) return false;
  lane.knownIndex = -1;
  return true;
}

/** Puts the backlog of a lane in front of what is pushed from now on. */
export function catchUp(parts: KitParts, lane: Lane, roomId: string, channelId: string, upToIndex: number): void {
  lane.behind = false;
  lane.push(new Backlog(parts, lane, roomId, channelId, upToIndex));
}
