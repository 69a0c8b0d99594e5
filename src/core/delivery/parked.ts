/**
 * Parked deliveries (OUT-17): the vendor takes them once the recipient has written again, and no sooner. They wait outside of their lane,
 * so that what the vendor does take may pass them, until a message of their channel comes into their room or their time is up.
 */
import { isoTime } from '../clock.js';
import type { DeliveryFailure, OutboxRow } from '../models/delivery.js';
import type { OutboxState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import type { RowPatch } from '../store/store.js';

/** A row that is not tried before its end: it waits for something else than time. */
export function isParked({ state, nextAttemptAt, expiresAt }: Pick<OutboxRow, 'state' | 'nextAttemptAt' | 'expiresAt'>): boolean {
  return state === 'queued' && nextAttemptAt !== undefined && nextAttemptAt === expiresAt;
}

/** What of a row changes when it is parked; it gets as much time as the vendor's side gives it, and never less than it had. */
export function parking(parts: KitParts, row: OutboxRow, failure: DeliveryFailure): RowPatch {
  const until = isoTime(parts.clock.now() + (failure.waitSeconds ?? 0) * 1000);
  const expiresAt = until > row.expiresAt ? until : row.expiresAt;
  return { state: 'queued', lastError: failure, expiresAt, nextAttemptAt: expiresAt };
}

/** Tells of it, and sees to it that it ends at its time. */
export function parked(parts: KitParts, row: OutboxRow): void {
  const { roomId, channelId, eventId, id } = row;
  if (parts.framework.has('delivery_parked')) {
    const data = { row_id: id, code: row.lastError?.code ?? 'parked', expires_at: row.expiresAt };
    parts.framework.emit('delivery_parked', { roomId, channelId, eventId, data });
  }
  // A store that outlives the process is looked through for due rows anyhow (OUT-08); the row says whether it is still to end.
  const timer = parts.clock.setTimer(Date.parse(row.expiresAt) - parts.clock.now() + 1, () => {
    parts.stopping.removeEventListener('abort', onStop);
    void parts.tasks.run(async () => {
      const now = await parts.store.getRow(id);
      if (now !== null && isParked(now) && now.expiresAt === row.expiresAt) await parts.resume([now]);
    });
  });
  const onStop = (): void => timer.cancel();
  parts.stopping.addEventListener('abort', onStop, { once: true });
}

/**
 * Somebody wrote: what is parked for this channel goes on, in its order. Under the room's lock, so that of several processes which are
 * told of messages at once one alone takes it.
 */
export async function wakeParked(parts: KitParts, roomId: string, channelId: string, locked: Locked): Promise<void> {
  const waiting = async (): Promise<readonly OutboxRow[]> => (await parts.store.listRows({ roomId, channelId, state: ['queued'] })).filter(isParked);
  if ((await waiting()).length === 0) return;
  const woken = await locked(async () => {
    const now = parts.clock.now();
    const patch = { nextAttemptAt: isoTime(now), leaseOwner: parts.owner, leaseUntil: parts.leases.end() };
    const changed: OutboxRow[] = [];
    for (const { id } of await waiting()) {
      const row = await parts.store.updateRow(id, patch, ['queued']);
      if (row !== null) changed.push(row);
    }
    return changed;
  });
  await parts.resume(woken);
}

/** Runs something while nothing else changes the room. */
type Locked = (work: () => Promise<readonly OutboxRow[]>) => Promise<readonly OutboxRow[]>;

const REFUSED_LATER: readonly OutboxState[] = ['sending', 'unknown', 'sent'];

/**
 * The vendor took the message, all of it (TRC-03), and refused it afterwards, and says when another attempt makes sense. Null when the
 * row has ended, or when this has been tried before.
 */
export async function tryAgain(parts: KitParts, row: OutboxRow, failure: DeliveryFailure): Promise<OutboxRow | null> {
  if (failure.again === 'at_once') {
    if (row.lastError?.code === failure.code) return null;
    const nextAttemptAt = isoTime(parts.clock.now());
    const changed = await parts.store.updateRow(
      row.id,
      { state: 'queued', lastError: failure, nextAttemptAt, partsSent: 0, partMessageIds: [] },
      REFUSED_LATER,
    );
    if (changed !== null) await parts.resume([changed]);
    return changed;
  }
  const changed = await parts.store.updateRow(row.id, { ...parking(parts, row, failure), partsSent: 0, partMessageIds: [] }, REFUSED_LATER);
  if (changed !== null) parked(parts, changed);
  return changed;
}
