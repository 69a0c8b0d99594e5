/**
 * What a connection missed, read again by index (WS-09). While it catches up, live events only mark it as behind: they are in
 * the store already, and the next look finds them. It turns live in the moment a look found nothing more, so that nothing is
 * missed and nothing comes twice.
 */
import type { VisiblePage } from '../../core/channel.js';
import type { RoomEvent } from '../../core/models/event.js';
import { Shared, type EventFrame } from './frames.js';
import type { Subscription } from './connection.js';

/** How many missed events are replayed; more than that is for the client to page. */
export const MAX_REPLAY = 500;
const PAGE = 100;
/** Above every index, and still a whole number in every store. */
const LATEST = 2_000_000_000;

export interface ReplayOptions {
  /** The last index it has; absent: from now on. */
  readonly afterIndex?: number | undefined;
  /** Told the room's latest index, before the first event. */
  readonly started?: ((latestIndex: number) => void) | undefined;
  readonly read: (options: { afterIndex: number; limit: number }) => Promise<VisiblePage>;
  /** The form of an event that this channel sends. */
  readonly shape: (event: RoomEvent) => RoomEvent;
}

/** Resolves once the subscription is live, or was closed meanwhile. */
export async function replay(subscription: Subscription, options: ReplayOptions): Promise<void> {
  const { afterIndex } = options;
  subscription.live = false;
  subscription.stale = false;
  let page = await options.read({ afterIndex: afterIndex ?? LATEST, limit: PAGE });
  if (subscription.closed) return;
  options.started?.(page.latestIndex);
  subscription.last = afterIndex ?? page.latestIndex;
  let left = MAX_REPLAY;
  if (afterIndex !== undefined && afterIndex > page.latestIndex) {
    // It knows more than there is: the room was reset. Its view is of another past.
    resync(subscription, 0, page.latestIndex);
  }
  for (;;) {
    // What it says it has counts as seen, also when that is hidden or deleted by now: else it would ask for ever.
    let prev = Math.max(page.prev, subscription.last);
    let hasMore = page.more;
    for (const event of page.events) {
      if (subscription.connection.crowded) {
        hasMore = true; // the rest is read again once there is room: it may have changed by then
        break;
      }
      if (left-- === 0) {
        resync(subscription, event.index, Math.max(page.latestIndex, page.events.at(-1)?.index ?? -1));
        left = MAX_REPLAY;
        break;
      }
      send(subscription, options.shape(event), prev);
      prev = event.index;
    }
    await subscription.connection.whenDrained();
    if (isClosed(subscription)) return;
    if (!hasMore && !subscription.stale) break;
    subscription.stale = false;
    if (!hasMore) left = MAX_REPLAY; // it had caught up: what comes now was not missed
    page = await options.read({ afterIndex: subscription.last, limit: PAGE });
    if (isClosed(subscription)) return;
  }
  subscription.live = true;
  for (const stream of subscription.room.streams) stream.watch(subscription);
}

function send(subscription: Subscription, event: RoomEvent, prev: number): void {
  const { connection } = subscription;
  const frame: EventFrame = { type: 'event', roomId: event.roomId, prev, event };
  const shared = new Shared();
  subscription.last = event.index;
  const bytes = connection.busy ? shared.bytesOf(frame) : 0;
  for (const stream of subscription.room.streams) {
    const end = stream.endFor(subscription, event, prev);
    if (end === undefined) continue;
    connection.push({ subscription, bytes, run: () => connection.options.streamSend?.(end, shared) });
    return;
  }
  connection.push({ subscription, bytes, run: () => connection.send(frame, shared) });
}

function resync(subscription: Subscription, fromIndex: number, latestIndex: number): void {
  const { connection, room } = subscription;
  subscription.last = latestIndex;
  connection.push({ subscription, bytes: 0, run: () => connection.send({ type: 'resync', roomId: room.roomId, fromIndex }, new Shared()) });
}

/** Asked anew after each wait. */
function isClosed(subscription: Subscription): boolean {
  return subscription.closed;
}
