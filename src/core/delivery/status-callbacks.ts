/** A vendor's callback about one message moves its row forward, never back (OUT-07, WHK-02). */
import type { DeliveryStatus, OutboxRow } from '../models/delivery.js';
import type { OutboxState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { again } from './failure.js';
import { tryAgain } from './parked.js';
import { contextOf } from '../rooms/history.js';

const ORDER: readonly OutboxState[] = ['queued', 'sending', 'unknown', 'sent', 'delivered', 'read'];

/** Where a status moves a row, or null when it says nothing new. */
export function nextRowState(current: OutboxState, status: DeliveryStatus['status']): OutboxState | null {
  if (status === 'unknown' || status === 'sending') return null;
  if (status === 'failed')
    return current === 'delivered' || current === 'read' || current === 'failed' || current === 'cancelled' || current === 'expired'
      ? null
      : 'failed';
  // The carrier corrects itself: what it called failed has arrived after all.
  if (current === 'failed') return status === 'delivered' || status === 'read' ? status : null;
  if (current === 'cancelled' || current === 'expired') return null;
  return ORDER.indexOf(status) > ORDER.indexOf(current) ? status : null;
}

export async function processDeliveryStatus(parts: KitParts, status: DeliveryStatus): Promise<OutboxRow | null> {
  // What was sent before the kit began to shut down may still be reported.
  parts.assertNotClosed();
  const row = await findRow(parts, status);
  if (row === null) {
    parts.logger.debug('A delivery status names no known message.', { provider: status.provider, status: status.status });
    return null;
  }
  const next = nextRowState(row.state, status.status);
  if (next === null) return row;
  const changed =
    (await triedAgain(parts, row, next, status)) ??
    (await parts.store.updateRow(
      row.id,
      {
        state: next,
        ...(row.providerMessageId === undefined && { providerMessageId: status.messageId }),
        ...(next === 'failed' && {
          lastError: { code: status.errorCode ?? 'failed', message: status.errorMessage ?? 'The carrier reported a failure.', retryable: false },
        }),
      },
      [row.state],
    ));
  if (changed === null) return parts.store.getRow(row.id);
  parts.news.tell(row.roomId, row.eventId, 'delivery');
  const complete: DeliveryStatus = { ...status, roomId: row.roomId, channelId: row.channelId };
  if (parts.hooks.has('on_delivery_status', row.roomId)) {
    const state = await parts.store.loadRoom(row.roomId);
    if (state !== null) {
      const source = state.bindings.find((binding) => binding.channelId === row.channelId);
      await parts.hooks.notice('on_delivery_status', Object.freeze(complete), {
        roomId: row.roomId,
        ...(source !== undefined && { source }),
        context: () => contextOf(state),
      });
    }
  }
  return changed;
}

/** A message that was taken and then refused may be worth another attempt: it is queued again in place of having failed (OUT-17). */
function triedAgain(parts: KitParts, row: OutboxRow, next: OutboxState, status: DeliveryStatus): Promise<OutboxRow | null> | null {
  if (next !== 'failed' || status.again === undefined) return null;
  const { errorCode: code = 'failed', errorMessage: message = 'The carrier reported a failure.' } = status;
  return tryAgain(parts, row, { code, message, retryable: false, ...again(status) });
}

/** By the vendor's id; a callback that overtook our own record is matched by its key, else by its room or channel. */
async function findRow(parts: KitParts, status: DeliveryStatus): Promise<OutboxRow | null> {
  const known = await parts.store.findRowByProviderMessage(status.provider, status.messageId);
  if (known !== null) return ofChannel(parts, known, status.channelId);
  if (status.idempotencyKey !== undefined) return rowOfKey(parts, status.idempotencyKey, status);
  const roomId = status.roomId ?? (status.channelId === undefined ? undefined : await onlyRoomOf(parts, status.channelId));
  if (roomId === undefined) return null;
  const open = await parts.store.listRows({
    roomId,
    ...(status.channelId !== undefined && { channelId: status.channelId }),
    state: ['sending', 'unknown'],
  });
  // What is said of one part of a split text says nothing of the parts that are still to go.
  const candidates = open.filter(
    (row) => row.providerMessageId === undefined && row.partsSent === undefined && (row.provider === undefined || row.provider === status.provider),
  );
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}

/** The row with this key (`eventId:channelId`, OUT-01), unless the vendor gave it another message: then both were sent. */
async function rowOfKey(parts: KitParts, key: string, { channelId, messageId }: DeliveryStatus): Promise<OutboxRow | null> {
  if (channelId === undefined || !key.endsWith(`:${channelId}`)) return null;
  const rows = await parts.store.listRows({ eventId: key.slice(0, -channelId.length - 1), channelId, limit: 1 });
  const row = rows.find(({ idempotencyKey }) => idempotencyKey === key);
  return row === undefined || (row.providerMessageId !== undefined && row.providerMessageId !== messageId) ? null : row;
}

/** Mail of one event to two people may have one id: the row of the channel that reports is meant. */
async function ofChannel(parts: KitParts, known: OutboxRow, channelId: string | undefined): Promise<OutboxRow> {
  if (channelId === undefined || channelId === known.channelId) return known;
  const [own] = await parts.store.listRows({ roomId: known.roomId, channelId, eventId: known.eventId, limit: 1 });
  return own !== undefined && own.providerMessageId === known.providerMessageId ? own : known;
}

async function onlyRoomOf(parts: KitParts, channelId: string): Promise<string | undefined> {
  const rooms = await parts.store.findRoomIdsByChannel(channelId, 'active');
  return rooms.length === 1 ? rooms[0] : undefined;
}
