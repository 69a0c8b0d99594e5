/** Work that the store still holds, made ready to go on: deliveries and turns of a process that is gone, or of this one. */
import type { DeliveryFailure, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import { Cascade } from '../pipeline/cascade.js';
import { RoomContextView } from '../rooms/context.js';
import type { SpanLink } from '../telemetry/provider.js';
import { collisionOf } from '../turns/collision.js';
import type { TurnWork } from '../turns/turn-work.js';
import { endCrashedTurn } from '../turns/outcome.js';
import { DurableDelivery, type DeliveryFrame } from './durable.js';
import { EventForms } from './forms.js';
import { isParked } from './parked.js';
import { planFor, type Target } from './plan.js';

const MAX_TURN_ATTEMPTS = 2;

/** A row as a delivery of its lane; undefined when it has ended, or is not for this process to go on with. */
export async function recoverDelivery(parts: KitParts, row: OutboxRow): Promise<DurableDelivery | undefined> {
  if (isHeld(parts, row)) return undefined;
  const found = await frameOf(parts, row.roomId, row.eventId, row.channelId);
  if (found === undefined) {
    const lastError: DeliveryFailure = { code: 'cancelled', message: 'The room, its event or the binding is gone.', retryable: false };
    await parts.store.updateRow(row.id, { state: 'cancelled', lastError }, ['queued', 'sending', 'unknown']);
    parts.news.tell(row.roomId, row.eventId, 'delivery');
    return undefined;
  }
  if (found.target.channel === undefined) {
    await expireWaiting(parts, row);
    return undefined;
  }
  // Whatever name it carries, its owner is not at work on it: if it was being sent, its outcome is unknown (OUT-09).
  const { leaseOwner: _owner, ...unowned } = row;
  return new DurableDelivery(parts, found.target, unowned, found.event, found.frame);
}

/** Rows that may go on again: into their lanes, in their order. */
export async function resume(parts: KitParts, rows: readonly OutboxRow[]): Promise<void> {
  for (const row of rows) {
    const delivery = await recoverDelivery(parts, row);
    if (delivery !== undefined) parts.rooms.get(row.roomId).lane(row.channelId).push(delivery);
  }
}

/** Held unknown until a callback or a person decides (OUT-09), or parked until the recipient writes (OUT-17). */
export function isHeld(parts: KitParts, row: OutboxRow): boolean {
  if (row.state === 'unknown') return parts.options.onUnknown === 'hold';
  return isParked(row) && Date.parse(row.expiresAt) > parts.clock.now();
}

/** Whether its time is up (OUT-10). */
export function isOver(parts: KitParts, row: OutboxRow): boolean {
  return Date.parse(row.expiresAt) < parts.clock.now();
}

/** No channel of this process can send it; it waits, but not for ever (OUT-10). */
export async function expireWaiting(parts: KitParts, row: OutboxRow): Promise<void> {
  if (!isOver(parts, row)) return;
  const lastError: DeliveryFailure = { code: 'expired', message: 'No process had the channel in time.', retryable: false };
  const changed = await parts.store.updateRow(row.id, { state: 'expired', lastError }, ['queued', 'sending', 'unknown']);
  if (changed === null) return;
  parts.news.tell(row.roomId, row.eventId, 'delivery');
  if (parts.framework.has('delivery_failed')) {
    parts.framework.emit('delivery_failed', {
      roomId: row.roomId,
      channelId: row.channelId,
      eventId: row.eventId,
      data: { code: 'expired', error: lastError.message, attempts: row.attempts },
    });
  }
}

/** A turn to be run here; undefined when it has ended, or its agent is not in this process. */
export async function recoverTurn(parts: KitParts, turn: TurnRow): Promise<TurnWork | undefined> {
  const events = await triggersOf(parts, turn);
  const newest = events.at(-1);
  const found = newest === undefined ? undefined : await frameOf(parts, turn.roomId, newest.id, turn.channelId);
  if (found === undefined) {
    await parts.store.updateTurn(turn.id, { state: 'cancelled' }, ['queued', 'running']);
    return undefined;
  }
  if (found.target.channel === undefined) return undefined;
  const crashed = turn.state === 'running';
  if (crashed && turn.attempts >= MAX_TURN_ATTEMPTS) {
    await endCrashedTurn(parts, turn, found.event.id, found.target);
    return undefined;
  }
  if (crashed && parts.framework.has('turn_recovered')) {
    parts.framework.emit('turn_recovered', { roomId: turn.roomId, channelId: turn.channelId, eventId: found.event.id, data: { turn_id: turn.id } });
  }
  const cascade = new Cascade();
  cascade.rootEventId = found.event.correlationId ?? found.event.id;
  cascade.add();
  const { event: trigger, target, room } = found;
  const layers = { binding: target.binding.collision, room: room.collision, agent: target.channel?.collision };
  const chosen = collisionOf(layers, trigger.source);
  // What has waited for a person is finished by itself: it joins nothing, and no newer message takes its place (APR-04).
  const collision = turn.suspended === undefined ? chosen : { ...chosen, policy: 'queue' as const };
  const work: TurnWork = { row: turn, trigger, target, cascade, collision, recovered: true };
  if (events.length > 1) {
    work.triggers = events;
    if (parts.tracer.carries) work.links = await linksOf(parts, turn);
  }
  return work;
}

/** Where the messages have come from whose turns were merged into this one. */
async function linksOf(parts: KitParts, { id, roomId, channelId }: TurnRow): Promise<readonly SpanLink[]> {
  const merged = await parts.store.listTurns({ roomId, channelId, state: 'merged' });
  return merged
    .filter(({ mergedInto }) => mergedInto === id)
    .flatMap(({ trace, triggerEventIds }) => parts.tracer.linkTo(undefined, trace, { event_id: triggerEventIds.at(-1) }) ?? []);
}

/** The events a turn answers, oldest first; those that were removed meanwhile are left out. */
async function triggersOf(parts: KitParts, { roomId, triggerEventIds }: TurnRow): Promise<readonly RoomEvent[]> {
  const events: RoomEvent[] = [];
  for (const eventId of triggerEventIds) {
    const event = await parts.store.getEvent(roomId, eventId);
    if (event !== null) events.push(event);
  }
  return events;
}

async function frameOf(
  parts: KitParts,
  roomId: string,
  eventId: string,
  channelId: string,
): Promise<{ event: RoomEvent; target: Target; frame: DeliveryFrame; room: Room } | undefined> {
  const state = await parts.store.loadRoom(roomId);
  if (state === null) return undefined;
  const event = await parts.store.getEvent(roomId, eventId);
  if (event === null) return undefined;
  const plan = planFor(parts, parts.rooms.get(roomId), state, event.source.channelId, 'all');
  const target = [...plan.transports, ...plan.agents].find((candidate) => candidate.channelId === channelId);
  if (target === undefined) return undefined;
  const frame: DeliveryFrame = {
    isRecovered: true,
    forms: new EventForms(parts, event, plan.source),
    context: new RoomContextView(state.room, state.bindings, state.participants),
    settle: (result) => {
      if (result.status === 'failed') frame.failed(channelId, result.error, result.attempts);
      else if (result.status === 'sent' && parts.framework.has('delivery_succeeded')) {
        parts.framework.emit('delivery_succeeded', { roomId, channelId, eventId, data: { attempts: result.attempts } });
      }
    },
    failed: (_channelId, error, attempts) => {
      if (parts.framework.has('delivery_failed')) {
        parts.framework.emit('delivery_failed', {
          roomId,
          channelId,
          eventId,
          data: { code: error?.code ?? 'failed', error: error?.message ?? '', attempts },
        });
      }
    },
  };
  return { event, target, frame, room: state.room };
}
