/** Events that hooks and agents add (behaviour §15): committed after their cause, for the named targets only. */
import { Broadcast } from '../delivery/broadcast.js';
import { planFor, type Plan, type Target } from '../delivery/plan.js';
import { canRead, isVisibleTo } from '../delivery/visibility.js';
import { isoTime } from '../clock.js';
import { toContent } from '../models/content-validation.js';
import type { InjectedEvent, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY, EMPTY_LIST, frozenMap } from '../models/json.js';
import type { KitParts } from '../parts.js';
import type { CommitResult, EventCommit, RoomState } from '../store/store.js';
import { traced } from '../telemetry/traced-rows.js';
import type { Cascade } from './cascade.js';
import { announce, commitEvent } from './commit.js';
import { draftEvent, SYSTEM_SOURCE } from './event-draft.js';
import type { Section } from './section.js';

export async function commitInjected(
  parts: KitParts,
  section: Section,
  state: RoomState,
  cause: RoomEvent,
  injected: readonly InjectedEvent[],
  cascade: Cascade,
): Promise<void> {
  for (const one of injected) {
    try {
      await commitOne(parts, section, state, cause, one, cascade);
    } catch (error) {
      parts.logger.error('An injected event could not be committed.', { roomId: cause.roomId, causeId: cause.id, error });
    }
  }
}

/** Commits one injected event and delivers it to its targets. Also the way a challenge reaches its sender (IDN-06). */
export async function commitOne(
  parts: KitParts,
  section: Section,
  state: RoomState,
  cause: Pick<RoomEvent, 'id' | 'chainDepth' | 'correlationId'> | undefined,
  injected: InjectedEvent,
  cascade: Cascade,
  more: { readonly responseVisibility?: string; readonly endsTask?: EventCommit['endsTask'] } = {},
): Promise<RoomEvent | undefined> {
  const status = state.room.status;
  if (status === 'closed' || status === 'archived') {
    if (parts.framework.has('event_dropped')) parts.framework.emit('event_dropped', { roomId: state.room.id, data: { reason: 'room_closed' } });
    return undefined;
  }
  const given = injected.event;
  const named = injected.targetChannelIds ?? EMPTY_LIST;
  const speaker = given.channelId === undefined ? undefined : state.bindings.find((binding) => binding.channelId === given.channelId);
  const draft = draftEvent(parts, {
    roomId: state.room.id,
    type: given.type ?? 'message',
    source:
      speaker === undefined
        ? SYSTEM_SOURCE
        : Object.freeze({
            channelId: speaker.channelId,
            channelType: speaker.channelType,
            direction: 'inbound' as const,
            ...(given.participantId !== undefined && { participantId: given.participantId }),
            rawPayload: EMPTY,
          }),
    content: toContent(given.content),
    visibility: given.visibility ?? (named.length > 0 ? named.join(',') : 'internal'),
    chainDepth: cause?.chainDepth ?? 0,
    metadata: frozenMap(given.metadata),
    channelData: EMPTY,
    parentEventId: cause?.id,
    correlationId: cause?.correlationId ?? cause?.id,
    responseVisibility: more.responseVisibility,
  });
  const runtime = parts.rooms.get(state.room.id);
  // The plan of an event everybody may see, narrowed to those named: reading rights hold, visibility was chosen with the names.
  const plan = planFor(parts, runtime, state, draft.source.channelId, 'all');
  const transports = pick(plan.transports, named);
  const agents = pick(plan.agents, named).filter((target) => target.channel?.isConfigOnly !== true);
  const ingesters = plan.ingesters.filter(
    ({ channelId }) => channelId === draft.source.channelId || isVisibleTo(draft.visibility, channelId, 'intelligence'),
  );
  const trace = parts.tracer.carries ? parts.tracer.contextOf(cascade.span) : undefined;
  const rows = traced(rowsFor(parts, draft.id, draft.roomId, draft.createdAt, transports), trace);
  const turns = traced(turnsFor(parts, draft.id, draft.roomId, draft.createdAt, agents), trace);
  runtime.commits++;
  let committed: CommitResult;
  try {
    committed = await commitEvent(parts, section, {
      event: draft,
      ...(rows.length > 0 && { outbox: rows }),
      ...(turns.length > 0 && { turns }),
      ...(more.endsTask !== undefined && { endsTask: more.endsTask }),
    });
  } catch (error) {
    runtime.commits--;
    throw error;
  }
  if (transports.length + agents.length + ingesters.length === 0) {
    runtime.commits--;
    announce(parts, section, committed.event, committed.state);
    return committed.event;
  }
  const narrowed: Plan = { ...plan, transports, agents, ingesters, hasDurable: rows.length > 0 };
  const broadcast = new Broadcast(parts, runtime, committed.event, committed.state, narrowed, cascade, {
    transports,
    rows,
    turns,
    agents,
    placed: committed.placed,
    announce: false,
    reserved: false,
    span: cascade.span,
  });
  section.defer(() => broadcast.start(), committed.event.index);
  return committed.event;
}

function pick(targets: readonly Target[], named: readonly string[]): Target[] {
  return targets.filter((target) => named.includes(target.channelId) && canRead(target.binding));
}

/** Rows that wait in their lanes for a broadcast that has no place in them yet. */
export function rowsFor(parts: KitParts, eventId: string, roomId: string, createdAt: string, targets: readonly Target[]): OutboxRow[] {
  const now = parts.clock.now();
  const durable = targets.filter((target) => target.durable && !target.binding.outputMuted);
  return durable.map((target) => ({
    id: parts.ids.next(),
    roomId,
    eventId,
    eventIndex: -1,
    channelId: target.channelId,
    state: 'queued',
    attempts: 0,
    idempotencyKey: `${eventId}:${target.channelId}`,
    createdAt,
    expiresAt: isoTime(now + parts.limits.outboxTtlSeconds * 1000),
    ...(target.entry !== undefined && { leaseOwner: parts.owner, leaseUntil: parts.leases.end() }),
  }));
}

function turnsFor(parts: KitParts, eventId: string, roomId: string, createdAt: string, agents: readonly Target[]): TurnRow[] {
  const now = parts.clock.now();
  return agents.map((target) => ({
    id: parts.ids.next(),
    roomId,
    channelId: target.channelId,
    triggerEventIds: [eventId],
    triggerIndex: -1,
    state: 'queued',
    attempts: 0,
    createdAt,
    expiresAt: isoTime(now + parts.limits.turnTtlSeconds * 1000),
    ...(target.channel !== undefined && { leaseOwner: parts.owner, leaseUntil: parts.leases.end() }),
  }));
}
