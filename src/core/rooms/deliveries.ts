/** What hosts see of deliveries and turns, and what they may do to them; always within the kit's organization (PERM-09). */
import { insist } from '../async/insist.js';
import { isoTime } from '../clock.js';
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { KitParts } from '../parts.js';
import type { RowQuery, TurnQuery } from '../store/store.js';
import { requireRoom } from './lifecycle.js';

/** Which deliveries; everything given must hold. */
export interface DeliveryQuery extends RowQuery {
  /** Only of rooms of this organization. A kit that has one never lists another's. */
  readonly organizationId?: string;
}

/** Outbox rows that match; without a room, those of every room of this kit's organization. */
export async function listDeliveries(parts: KitParts, { organizationId, ...query }: DeliveryQuery): Promise<readonly OutboxRow[]> {
  if (query.roomId !== undefined) {
    const room = await requireRoom(parts, query.roomId);
    return organizationId === undefined || room.organizationId === organizationId ? parts.store.listRows(query) : [];
  }
  const own = parts.options.organizationId;
  if (own !== undefined && organizationId !== undefined && own !== organizationId) return [];
  return ofRooms(parts, own ?? organizationId, query, (all) => parts.store.listRows(all));
}

/** As {@link listDeliveries}, for turns of agents. */
export async function listTurns(parts: KitParts, query: TurnQuery): Promise<readonly TurnRow[]> {
  if (query.roomId !== undefined) {
    await requireRoom(parts, query.roomId);
    return (await parts.store.listTurns(query)).map(withoutRecord);
  }
  return (await ofRooms(parts, parts.options.organizationId, query, (all) => parts.store.listTurns(all))).map(withoutRecord);
}

export async function getDelivery(parts: KitParts, rowId: string): Promise<OutboxRow | null> {
  const row = await parts.store.getRow(rowId);
  return row !== null && (await isOwnRoom(parts, row.roomId)) ? row : null;
}

/** The row as it is after it was put back, or null when it is not there or ended well. */
export async function requeueDelivery(parts: KitParts, rowId: string): Promise<OutboxRow | null> {
  parts.assertOpen();
  const found = await getDelivery(parts, rowId);
  if (found === null) return null;
  const now = parts.clock.now();
  const expiresAt = isoTime(now + parts.limits.outboxTtlSeconds * 1000);
  const patch = { state: 'queued', expiresAt, nextAttemptAt: isoTime(now), leaseUntil: isoTime(0) } as const;
  try {
    const changed = await parts.store.updateRow(rowId, patch, ['failed', 'expired', 'cancelled', 'unknown']);
    if (changed !== null) parts.news.tell(found.roomId, found.eventId, 'delivery');
    return changed;
  } catch (error) {
    // A lost answer is not a lost change: a row that is open again has to be taken up, by somebody who knows of it.
    const row = await insist(parts, { rowId }, () => parts.store.getRow(rowId));
    if (row?.state === 'queued' && row.expiresAt === expiresAt) return row;
    throw error;
  }
}

export async function cancelDelivery(parts: KitParts, rowId: string): Promise<boolean> {
  parts.assertOpen();
  const found = await getDelivery(parts, rowId);
  if (found === null) return false;
  const lastError = { code: 'cancelled', message: 'The delivery was cancelled.', retryable: false };
  if ((await parts.store.updateRow(rowId, { state: 'cancelled', lastError }, ['queued', 'unknown'])) === null) return false;
  parts.news.tell(found.roomId, found.eventId, 'delivery');
  return true;
}

/** How a turn goes on after it has waited is its agent's own matter. */
function withoutRecord(turn: TurnRow): TurnRow {
  if (turn.suspended === undefined) return turn;
  const { suspended: _own, ...rest } = turn;
  return rest;
}

/** The store knows no organization of a row: that is its room's. Only who has one pays for looking. */
async function ofRooms<Query extends { readonly limit?: number }, Row extends { readonly roomId: string }>(
  parts: KitParts,
  organizationId: string | undefined,
  query: Query,
  read: (query: Query) => Promise<readonly Row[]> | readonly Row[],
): Promise<readonly Row[]> {
  if (organizationId === undefined) return read(query);
  const { limit = Infinity, ...all } = query;
  const known = new Map<string, boolean>();
  const found: Row[] = [];
  for (const row of await read(all as Query)) {
    if (found.length >= limit) break;
    let isOwn = known.get(row.roomId);
    if (isOwn === undefined) known.set(row.roomId, (isOwn = await isOf(parts, row.roomId, organizationId)));
    if (isOwn) found.push(row);
  }
  return found;
}

async function isOwnRoom(parts: KitParts, roomId: string): Promise<boolean> {
  const { organizationId } = parts.options;
  return organizationId === undefined || isOf(parts, roomId, organizationId);
}

async function isOf(parts: KitParts, roomId: string, organizationId: string): Promise<boolean> {
  return (await parts.store.getRoom(roomId))?.organizationId === organizationId;
}
