/**
 * Steps 7 to 14 for every event that wants to be heard: inbound, sent, re-entering or streamed (INB-23). Read top to
 * bottom: room, duplicate, status, people, edit, depth, gates, write gate, plan, commit, release, broadcast.
 */
import { openSection } from '../call-scope.js';
import type { DeliveryStream } from '../channel.js';
import { isoTime } from '../clock.js';
import { Broadcast } from '../delivery/broadcast.js';
import { planFor, solicited, type Plan, type Target } from '../delivery/plan.js';
import { canWrite } from '../delivery/visibility.js';
import { ChannelNotFoundError } from '../errors.js';
import type { SideEffects } from '../hooks/effects.js';
import type { InboundMessage, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import { EMPTY_LIST, isPromise } from '../models/json.js';
import type { HookVerdictTrace } from '../models/trace.js';
import type { KitParts } from '../parts.js';
import type { RoomRuntime } from '../rooms/runtime.js';
import type { RoomState, TurnCompletion } from '../store/store.js';
import type { TraceRecord } from '../telemetry/decision-trace.js';
import type { Cascade } from './cascade.js';
import { commitEvent, loadState } from './commit.js';
import { applyEditRules, type EditVerdict } from './edit-delete.js';
import { draftEvent, type EventFields } from './event-draft.js';
import { runGates } from './gates.js';
import { commitInjected } from './injected.js';
import { joinParticipant, type ParticipantDecision } from './participants.js';
import type { ProcessDeadline } from './process-deadline.js';
import { checkJoin, Section } from './section.js';
import { storeEffects } from './side-effects.js';

export interface PassInput {
  readonly fields: EventFields;
  readonly cascade: Cascade;
  readonly origin: 'inbound' | 'send' | 'reply';
  readonly deadline?: ProcessDeadline | undefined;
  /** Who joins with this message (step 6 decided it). */
  readonly participant?: ParticipantDecision | undefined;
  /** A reply's turn. */
  readonly reply?: ReplyOfTurn | undefined;
  /** Open previews of a streamed reply. */
  readonly streams?: ReadonlyMap<string, DeliveryStream> | undefined;
  readonly streamErrorCode?: string | undefined;
  /** The message an edit or delete came in, to be held while its target is unknown (EDT-06). */
  readonly message?: InboundMessage | undefined;
  readonly startedAt: number;
  readonly span?: string | undefined;
}

export interface ReplyOfTurn {
  readonly row: TurnRow;
  /** Set on the last reply of its turn. */
  readonly completes?: TurnCompletion | undefined;
  readonly muteSuppresses: boolean;
}

/** How a pass ended. `refused` and `dropped` leave nothing in the timeline. */
export interface PassOutcome {
  readonly kind: 'committed' | 'blocked' | 'duplicate' | 'refused' | 'dropped';
  readonly event?: RoomEvent;
  readonly reason?: string;
  readonly broadcast?: Broadcast;
  readonly state?: RoomState;
}

export async function runPass(parts: KitParts, input: PassInput): Promise<PassOutcome> {
  const roomId = input.fields.roomId;
  const current = openSection();
  if (current !== undefined) {
    checkJoin(current, roomId, parts.limits.maxChainDepth);
    return current.runChild(async (section) => {
      const outcome = await passSteps(parts, section, input, 0);
      const broadcast = outcome.broadcast;
      if (broadcast !== undefined) section.defer(() => broadcast.start());
      return outcome;
    });
  }
  if (input.deadline !== undefined) input.deadline.stage = 'lock';
  const waitFrom = parts.traces.enabled ? parts.clock.monotonic() : 0;
  const acquired = parts.locks.acquire(roomId, undefined);
  const lease = isPromise(acquired) ? await waitForLease(parts, roomId, acquired, input.deadline) : acquired;
  const lockWaitMs = parts.traces.enabled ? parts.clock.monotonic() - waitFrom : 0;
  const section = new Section(roomId, lease, 0, undefined);
  let outcome: PassOutcome;
  try {
    outcome = await passSteps(parts, section, input, lockWaitMs);
    if (section.hasChildren) await section.childrenSettled();
  } catch (error) {
    // What a hook started and did not await goes on under its own lease (F57).
    await section.release();
    throw error;
  }
  const released = section.release();
  outcome.broadcast?.start();
  if (isPromise(released)) await released;
  return outcome;
}

/** Waits for the lock, at most until the deadline; a lease that comes too late is given back. */
async function waitForLease<Lease extends { release(): unknown }>(
  parts: KitParts,
  roomId: string,
  acquired: Promise<Lease>,
  deadline: ProcessDeadline | undefined,
): Promise<Lease> {
  if (deadline === undefined) return acquired;
  try {
    return await deadline.wait(acquired);
  } catch (error) {
    acquired.then(
      (lease) => lease.release(),
      (failure: unknown) => parts.logger.debug('Waiting for a room ended.', { roomId, error: failure }),
    );
    throw error;
  }
}

async function passSteps(parts: KitParts, section: Section, input: PassInput, lockWaitMs: number): Promise<PassOutcome> {
  const { fields, cascade, deadline, reply } = input;
  const roomId = fields.roomId;
  const trace = parts.traces.enabled ? parts.traces.begin(roomId, input.startedAt) : undefined;
  if (trace !== undefined) trace.lockWaitMs = lockWaitMs;

  // 7. The room as it is now.
  const loading = loadState(parts, roomId);
  let state = isPromise(loading) ? await (deadline?.wait(loading) ?? loading) : loading;
  deadline?.check();

  // 8. Idempotency: the first event answers for all that follow (INB-08).
  if (fields.idempotencyKey !== undefined) {
    const earlier = await parts.store.getEventByIdempotencyKey(fields.idempotencyKey, { roomId });
    if (earlier !== null) return { kind: 'duplicate', event: earlier, state };
  }

  // The status gate: closed rooms never grow (ROOM-04).
  const status = state.room.status;
  if (status === 'closed' || status === 'archived') return { kind: input.origin === 'reply' ? 'dropped' : 'refused', reason: 'room_closed', state };

  const sourceId = fields.source.channelId;
  let binding = state.bindings.find((candidate) => candidate.channelId === sourceId);
  if (input.origin !== 'reply' && binding === undefined) {
    if (input.origin === 'inbound') return { kind: 'refused', reason: 'channel_detached', state };
    throw new ChannelNotFoundError(roomId, sourceId, state.bindings.map((bound) => bound.channelId));
  }
  if (reply !== undefined) {
    const dropped = whyDropped(state, reply, binding);
    if (dropped !== undefined) return { kind: 'dropped', reason: dropped, state };
  }

  // Who joins with it.
  if (input.participant !== undefined) {
    state = await joinParticipant(parts, section, state, input.participant);
    binding = state.bindings.find((candidate) => candidate.channelId === sourceId);
  }

  const draft = draftEvent(parts, fields);
  if (draft.correlationId === undefined && cascade.rootEventId !== '') draft.correlationId = cascade.rootEventId;

  // 9. Edits and deletes act on what is there and only by those who may (§13).
  let edit: EditVerdict | undefined;
  if (draft.content.type === 'edit' || draft.content.type === 'delete') {
    edit = await applyEditRules(parts, state, draft, input.message);
    if (edit.refused !== undefined) return { kind: 'refused', reason: edit.refused, state };
  }

  // Depth: endless answers end here (BC-04, BC-05).
  const tooDeep = chainStop(parts, cascade, draft, input.origin);

  // before_broadcast.
  let effects: SideEffects | undefined;
  let verdicts: HookVerdictTrace[] | undefined;
  let blockedBy = tooDeep;
  let blockReason = tooDeep;
  let event: RoomEventDraft = draft;
  if (tooDeep === undefined && parts.hooks.has('before_broadcast', roomId)) {
    if (deadline !== undefined) deadline.stage = 'hooks';
    if (trace !== undefined) verdicts = [];
    const gated = runGates(parts, section, state, draft, verdicts);
    const outcome = await (deadline === undefined ? gated : deadline.wait(gated));
    if (section.hasChildren) {
      await section.childrenSettled();
      state = await loadState(parts, roomId);
      binding = state.bindings.find((candidate) => candidate.channelId === sourceId);
    }
    effects = outcome.effects;
    if (outcome.modified) event = { ...outcome.payload };
    if (outcome.blockedBy !== undefined) {
      blockedBy = outcome.blockedBy;
      blockReason = outcome.reason;
    }
  }

  // 10. The write gate (PERM-02).
  if (blockedBy === undefined && binding !== undefined) {
    if (!canWrite(binding)) blockedBy = blockReason = 'source_read_only';
    else if (binding.muted) blockedBy = blockReason = 'source_muted';
  }
  deadline?.check();
  deadline?.end();

  // Effective visibility is stamped now: later changes of the binding do not change the past (PERM-05).
  if (event.visibility === 'all' && binding !== undefined && binding.visibility !== 'all') event.visibility = binding.visibility;

  const startedAt = input.startedAt;
  if (blockedBy !== undefined) {
    const outcome = await commitBlocked(parts, section, state, input, event, blockedBy);
    if (trace !== undefined) keepTrace(parts, trace, outcome.event, verdicts, undefined, startedAt);
    if (effects?.injectedEvents.length) await commitInjected(parts, section, outcome.state, outcome.event, effects.injectedEvents, cascade);
    finishEffects(parts, roomId, outcome.event, effects, cascade);
    if (tooDeep !== undefined) reportChainStop(parts, outcome.event, tooDeep, cascade);
    if (parts.framework.has('event_blocked')) {
      parts.framework.emit('event_blocked', { roomId, eventId: outcome.event.id, channelId: sourceId, data: { reason: blockReason, blocked_by: blockedBy } });
    }
    return { kind: 'blocked', event: outcome.event, ...(blockReason !== undefined && { reason: blockReason }), state: outcome.state };
  }

  // 11. Plan and commit: one transaction.
  const runtime = parts.rooms.get(roomId);
  const plan = planFor(parts, runtime, state, sourceId, event.visibility);
  const agents = solicited(plan, event, state.room);
  const rows = plan.hasDurable ? outboxRows(parts, event, plan, input) : EMPTY_LIST;
  const turns = agents.length > 0 ? turnRows(parts, event, agents, runtime) : EMPTY_LIST;
  const isActivity = event.type === 'message' || event.type === 'edit' || event.type === 'delete';
  const resumes = isActivity && status === 'paused';
  let committed;
  try {
    committed = await commitEvent(parts, section, {
      event,
      ...(rows.length > 0 && { outbox: rows }),
      ...(turns.length > 0 && { turns }),
      ...(isActivity && { roomPatch: { lastActivityAt: event.createdAt, ...(resumes && { status: 'active' as const }) } }),
      ...(edit?.target !== undefined && { target: edit.target }),
      ...(reply?.completes !== undefined && { completesTurn: { ...reply.completes, replyEventIds: [...reply.completes.replyEventIds, event.id] } }),
    });
  } catch (error) {
    unreserve(runtime, rows, turns);
    throw error;
  }
  if (committed.duplicate) {
    unreserve(runtime, rows, turns);
    return { kind: 'duplicate', event: committed.event, state: committed.state };
  }
  const stored = committed.event;
  if (cascade.rootEventId === '') cascade.rootEventId = stored.id;
  if (resumes && parts.framework.has('room_resumed')) parts.framework.emit('room_resumed', { roomId, data: {} });

  const broadcast = new Broadcast(parts, runtime, stored, committed.state, plan, cascade, {
    transports: plan.transports,
    rows,
    turns,
    agents,
    announce: true,
    span: input.span,
    ...(input.streams !== undefined && {
      stream: { streams: input.streams, ...(input.streamErrorCode !== undefined && { errorCode: input.streamErrorCode }) },
    }),
  });
  if (trace !== undefined) keepTrace(parts, trace, stored, verdicts, { broadcast, plan, agents }, startedAt);
  if (edit?.afterCommit !== undefined && committed.target !== undefined) edit.afterCommit(section, committed.target, committed.state);

  // 12. What hooks injected comes after its cause.
  if (effects?.injectedEvents.length) await commitInjected(parts, section, committed.state, stored, effects.injectedEvents, cascade);
  finishEffects(parts, roomId, stored, effects, cascade);
  return { kind: 'committed', event: stored, broadcast, state: committed.state };
}

/** Why a reply has no place any more (TURN-06). */
function whyDropped(state: RoomState, reply: ReplyOfTurn, binding: RoomState['bindings'][number] | undefined): string | undefined {
  if (binding === undefined) return 'channel_detached';
  if (reply.muteSuppresses && binding.muted) return 'source_muted';
  const conversation = state.room.metadata['_conversation_state'] as { activeAgentId?: string | null; context?: { taken_over_at_index?: number } } | undefined; // written by the kit
  const takenOverAt = conversation?.context?.taken_over_at_index;
  if (takenOverAt !== undefined && takenOverAt > reply.row.triggerIndex && conversation?.activeAgentId !== reply.row.channelId) return 'taken_over';
  return undefined;
}

function chainStop(parts: KitParts, cascade: Cascade, draft: RoomEventDraft, origin: PassInput['origin']): string | undefined {
  if (draft.chainDepth >= parts.limits.maxChainDepth) return 'event_chain_depth_limit';
  if (origin === 'reply' && ++cascade.reentries > parts.limits.maxChainDepth * 10) return 'reentry_loop_cap';
  return undefined;
}

function reportChainStop(parts: KitParts, event: RoomEvent, reason: string, cascade: Cascade): void {
  if (reason !== 'event_chain_depth_limit') return;
  const data = { chain_depth: event.chainDepth, max_chain_depth: parts.limits.maxChainDepth, source_channel: event.source.channelId };
  if (parts.framework.has('chain_depth_exceeded')) {
    parts.framework.emit('chain_depth_exceeded', { roomId: event.roomId, eventId: event.id, channelId: event.source.channelId, data });
  }
  const observation = { content: 'The chain of answers was stopped.', category: 'event_chain_depth_exceeded', metadata: data };
  storeEffects(parts, event.roomId, event.source.channelId, { injectedEvents: [], tasks: [], observations: [observation], metadata: undefined }, cascade);
}

async function commitBlocked(
  parts: KitParts,
  section: Section,
  state: RoomState,
  input: PassInput,
  event: RoomEventDraft,
  blockedBy: string,
): Promise<{ event: RoomEvent; state: RoomState }> {
  event.status = 'blocked';
  event.blockedBy = blockedBy;
  const completes = input.reply?.completes;
  const committed = await commitEvent(parts, section, {
    event,
    ...(completes !== undefined && { completesTurn: { ...completes, replyEventIds: [...completes.replyEventIds, event.id] } }),
  });
  if (input.cascade.rootEventId === '') input.cascade.rootEventId = committed.event.id;
  if (parts.commitListeners.size > 0) {
    section.defer(() => {
      for (const listener of parts.commitListeners) listener(committed.event, committed.state.room);
    });
  }
  return { event: committed.event, state: committed.state };
}

/** One row per durable target; written as `sending` when nothing stands between it and the vendor (OUT-03). */
function outboxRows(parts: KitParts, event: RoomEventDraft, plan: Plan, input: PassInput): OutboxRow[] {
  const rows: OutboxRow[] = [];
  const now = parts.clock.now();
  const leaseUntil = isoTime(now + parts.limits.leaseSeconds * 1000);
  const expiresAt = isoTime(now + parts.limits.outboxTtlSeconds * 1000);
  for (const target of plan.transports) {
    if (!target.durable || target.binding.outputMuted) continue;
    const entry = target.entry;
    const straight =
      entry !== undefined &&
      target.lane.idle &&
      target.limiter === undefined &&
      entry.breaker.state === 'closed' &&
      entry.pausedUntilMs <= now &&
      input.streams?.has(target.channelId) !== true &&
      entry.channel.ready?.() !== false;
    if (straight) target.lane.reserved++;
    rows.push({
      id: parts.ids.next(),
      roomId: event.roomId,
      eventId: event.id,
      eventIndex: -1,
      channelId: target.channelId,
      state: straight ? 'sending' : 'queued',
      attempts: straight ? 1 : 0,
      idempotencyKey: `${event.id}:${target.channelId}`,
      createdAt: event.createdAt,
      expiresAt,
      ...(entry !== undefined && { leaseOwner: parts.owner, leaseUntil }),
      ...(entry?.channel.providerName !== undefined && { provider: entry.channel.providerName }),
    });
  }
  return rows;
}

/** One row per solicited agent; written as running when its lane is idle. */
function turnRows(parts: KitParts, event: RoomEventDraft, agents: readonly Target[], runtime: RoomRuntime): TurnRow[] {
  const now = parts.clock.now();
  const expiresAt = isoTime(now + parts.limits.turnTtlSeconds * 1000);
  const leaseUntil = isoTime(now + parts.limits.leaseSeconds * 1000);
  return agents.map((target) => {
    const lane = runtime.turnLane(target.channelId);
    const here = target.channel !== undefined;
    const straight = here && lane.idle;
    if (straight) lane.reserved++;
    return {
      id: parts.ids.next(),
      roomId: event.roomId,
      channelId: target.channelId,
      triggerEventIds: [event.id],
      triggerIndex: -1,
      state: straight ? 'running' : 'queued',
      attempts: straight ? 1 : 0,
      createdAt: event.createdAt,
      expiresAt,
      ...(here && { leaseOwner: parts.owner, leaseUntil }),
    };
  });
}

/** A commit that failed leaves its lanes as they were. */
function unreserve(runtime: RoomRuntime, rows: readonly OutboxRow[], turns: readonly TurnRow[]): void {
  for (const row of rows) if (row.state === 'sending') runtime.lane(row.channelId).reserved--;
  for (const turn of turns) if (turn.state === 'running') runtime.turnLane(turn.channelId).reserved--;
}

function finishEffects(parts: KitParts, roomId: string, event: RoomEvent, effects: SideEffects | undefined, cascade: Cascade): void {
  if (effects !== undefined) storeEffects(parts, roomId, event.source.channelId, effects, cascade);
}

function keepTrace(
  parts: KitParts,
  trace: TraceRecord,
  event: RoomEvent,
  verdicts: HookVerdictTrace[] | undefined,
  heard: { broadcast: Broadcast; plan: Plan; agents: readonly Target[] } | undefined,
  startedAt: number,
): void {
  trace.eventId = event.id;
  trace.commitMs = parts.clock.now() - startedAt;
  if (verdicts !== undefined) trace.hooks = verdicts;
  if (heard !== undefined) {
    const { broadcast, plan, agents } = heard;
    trace.targets = plan.trace;
    trace.solicited = agents.length === plan.agents.length ? undefined : agents.map((target) => target.channelId);
    trace.readDeliveries = () => broadcast.traceAttempts();
  }
  parts.traces.keep(trace);
}
