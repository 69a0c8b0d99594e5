/**
 * Steps 7 to 14 for every event that wants to be heard: inbound, sent, re-entering or streamed (INB-23). Read top to
 * bottom: room, duplicate, status, people, edit, depth, gates, write gate, plan, commit, release, broadcast.
 */
import { openSection } from '../call-scope.js';
import type { DeliveryStream } from '../channel.js';
import { insistFirst } from '../async/insist.js';
import { isoTime } from '../clock.js';
import { Broadcast } from '../delivery/broadcast.js';
import { isBehind } from '../delivery/left-behind.js';
import { planFor, solicited, type Plan, type Target } from '../delivery/plan.js';
import { isReady } from '../delivery/ready.js';
import { canWrite } from '../delivery/visibility.js';
import { ChannelNotFoundError, ConflictError, KitClosedError } from '../errors.js';
import type { SideEffects } from '../hooks/effects.js';
import type { GateOutcome } from '../hooks/engine.js';
import { VerdictLog } from '../hooks/verdict-log.js';
import type { RoomLease } from '../locks/lock.js';
import type { ChannelBinding } from '../models/binding.js';
import type { InboundMessage, OutboxRow, TurnRow } from '../models/delivery.js';
import { copyOfEvent, type RoomEvent, type RoomEventDraft } from '../models/event.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import type { RoomRuntime } from '../rooms/runtime.js';
import { summariesWithout } from '../rooms/summaries.js';
import { traced } from '../telemetry/traced-rows.js';
import { bindingOf, type CommitResult, type EventCommit, type RoomState, type TurnCompletion } from '../store/store.js';
import { collisionOf } from '../turns/collision.js';
import { tasksOf, tasksStored } from '../turns/later.js';
import { isTakenOver } from '../turns/takeover.js';
import type { TurnWork } from '../turns/turn-work.js';
import type { Cascade } from './cascade.js';
import { announce, checkState, commitEvent, loadHeld } from './commit.js';
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
  deadline?: ProcessDeadline | undefined;
  /** Who joins with this message (step 6 decided it). */
  readonly participant?: ParticipantDecision | undefined;
  /** A reply's turn. */
  readonly reply?: ReplyOfTurn | undefined;
  /** Open previews of a streamed reply. */
  readonly streams?: ReadonlyMap<string, DeliveryStream> | undefined;
  readonly streamErrorCode?: string | undefined;
  /** The message an edit or delete came in, to be held while its target is unknown (EDT-06). */
  readonly message?: InboundMessage | undefined;
  startedAt: number;
  span?: string | undefined;
  /** A key that was looked up just now and not found; void as soon as something is waited for. */
  newKey?: string | undefined;
  /** Of a store that is shared: the room as it was read before the lock, when no event had this message's key. */
  read?: RoomState | undefined;
  /** That was not asked for, but remembered: the room may be gone. */
  isRemembered?: boolean | undefined;
}

export interface ReplyOfTurn {
  readonly row: TurnRow;
  /** Set on the last reply of its turn. */
  readonly completes?: TurnCompletion | undefined;
  readonly muteSuppresses: boolean;
  /** Whose answers of tools that come later are stored with it (LTR-01). */
  readonly work?: TurnWork | undefined;
}

/** How a pass ended. `refused` and `dropped` leave nothing in the timeline. */
export interface PassOutcome {
  readonly kind: 'committed' | 'blocked' | 'duplicate' | 'refused' | 'dropped';
  readonly event?: RoomEvent;
  readonly reason?: string;
  readonly broadcast?: Broadcast | undefined;
  /** The broadcast starts by itself when the section is released: something that came after it waits behind it. */
  readonly deferred?: boolean;
  readonly state?: RoomState;
}

/** Runs the steps under the room's lock. At once, without a promise, when nothing has to be waited for. */
export function runPass(parts: KitParts, input: PassInput): Awaitable<PassOutcome> {
  const roomId = input.fields.roomId;
  const current = openSection();
  if (current !== undefined) {
    input.newKey = undefined;
    input.read = undefined; // what its cause has done meanwhile counts
    return joinSection(parts, input, current);
  }
  const { deadline } = input;
  if (deadline !== undefined) deadline.stage = 'lock';
  const acquired = parts.locks.acquire(roomId, undefined);
  if (isPromise(acquired)) {
    input.newKey = undefined;
    return runWhenFree(parts, input, acquired);
  }
  return runHolding(parts, input, new Section(roomId, acquired, parts.logger), 0);
}

function joinSection(parts: KitParts, input: PassInput, current: Section): Promise<PassOutcome> {
  try {
    checkJoin(current, input.fields.roomId, parts.limits.maxChainDepth);
  } catch (error) {
    return Promise.reject(error);
  }
  return current.runChild(async (section) => {
    const outcome = await passSteps(parts, section, input, 0);
    if (outcome.deferred !== true) deferStart(section, outcome);
    return outcome;
  });
}

async function runWhenFree(parts: KitParts, input: PassInput, acquired: Promise<RoomLease>): Promise<PassOutcome> {
  const roomId = input.fields.roomId;
  const waitFrom = parts.traces.enabled ? parts.clock.monotonic() : 0;
  const lease = await waitForLease(parts, roomId, acquired, input.deadline);
  const lockWaitMs = parts.traces.enabled ? parts.clock.monotonic() - waitFrom : 0;
  return runHolding(parts, input, new Section(roomId, lease, parts.logger), lockWaitMs);
}

function runHolding(parts: KitParts, input: PassInput, section: Section, lockWaitMs: number): Awaitable<PassOutcome> {
  let stepping: Awaitable<PassOutcome>;
  try {
    stepping = passSteps(parts, section, input, lockWaitMs);
  } catch (error) {
    return giveUp(parts, section, error);
  }
  if (isPromise(stepping))
    return stepping.then(
      (outcome) => letGo(section, outcome),
      (error: unknown) => giveUp(parts, section, error),
    );
  return letGo(section, stepping);
}

/** The room is free again, and what was committed goes out. */
function letGo(section: Section, outcome: PassOutcome): Awaitable<PassOutcome> {
  if (section.hasChildren) return section.childrenSettled().then(() => letGo(section, outcome));
  const starts = outcome.deferred !== true && outcome.broadcast !== undefined;
  // Hooks have committed, too: everything starts in the order of the timeline.
  const amongOthers = starts && section.hasDeferred;
  if (amongOthers) deferStart(section, outcome);
  const released = section.release();
  if (starts && !amongOthers) outcome.broadcast.start();
  return isPromise(released) ? released.then(() => outcome) : outcome;
}

/** The caller is told at once; what a hook has begun in the room ends before anybody else gets in (LOCK-06). What it begins later has its own lease. */
async function giveUp(parts: KitParts, section: Section, error: unknown): Promise<never> {
  section.open = false;
  if (section.hasChildren) {
    void parts.tasks.run(async () => {
      await section.childrenSettled();
      await section.release();
    });
  } else await section.release();
  throw error;
}

/** Waits for the lock, at most until the deadline; a lease that comes too late is given back. */
async function waitForLease(
  parts: KitParts,
  roomId: string,
  acquired: Promise<RoomLease>,
  deadline: ProcessDeadline | undefined,
): Promise<RoomLease> {
  if (deadline === undefined) return acquired;
  try {
    return await deadline.wait(acquired);
  } catch (error) {
    acquired
      .then((lease) => lease.release())
      .catch((failure: unknown) =>
        parts.logger.debug('A room that nobody waits for any more could not be had, or given back.', { roomId, error: failure }),
      );
    throw error;
  }
}

function passSteps(parts: KitParts, section: Section, input: PassInput, lockWaitMs: number): Awaitable<PassOutcome> {
  const { fields } = input;
  if (parts.store.shared) return passShared(parts, section, input, lockWaitMs);
  const state = ask(parts, input, () => loadHeld(parts, section));
  // The ordinary message: nothing to wait for but, maybe, a gate.
  if (!isPromise(state) && input.participant === undefined && fields.content.type !== 'edit' && fields.content.type !== 'delete') {
    const earlier = findEarlier(parts, input);
    if (isPromise(earlier)) return passSlowly(parts, section, input, state, lockWaitMs, () => earlier);
    input.deadline?.check();
    if (earlier !== null) return { kind: 'duplicate', event: earlier, state };
    const admitted = admit(input, state);
    if (admitted.refusal !== undefined) return admitted.refusal;
    const { binding } = admitted;
    return gate(parts, section, { input, state, binding, event: draftOf(parts, input), lockWaitMs, edit: undefined });
  }
  return passSlowly(parts, section, input, state, lockWaitMs, undefined);
}

/** Where each read is a way to another machine: one of them at most, under the lock or before it. */
function passShared(parts: KitParts, section: Section, input: PassInput, lockWaitMs: number): Promise<PassOutcome> {
  const { read, fields } = input;
  input.read = undefined;
  const ready = read === undefined ? undefined : readyOn(parts, input, read, lockWaitMs);
  if (ready !== undefined) return passUnlessChanged(parts, section, ready);
  const { idempotencyKey: key, roomId } = fields;
  if (key === undefined)
    return passSlowly(
      parts,
      section,
      input,
      ask(parts, input, () => loadHeld(parts, section)),
      lockWaitMs,
      undefined,
    );
  let earlier: RoomEvent | null = null;
  const arriving = ask(parts, input, async () => {
    const arrival = await parts.store.loadArrival(roomId, key);
    earlier = arrival?.earlier ?? null;
    const state = checkState(parts, roomId, arrival?.state ?? null);
    section.saw(state.room.latestIndex);
    return state;
  });
  return passSlowly(parts, section, input, arriving, lockWaitMs, () => earlier);
}

/**
 * What was read before the lock decides, where nobody is asked and nothing is refused: the commit finds out whether it still holds.
 * Gates are asked once, so they get the room as it is under the lock; and a refusal has to be true.
 */
function readyOn(parts: KitParts, input: PassInput, state: RoomState, lockWaitMs: number): Ready | undefined {
  const { fields, cascade, origin } = input;
  if (state.revision === undefined || input.participant !== undefined || parts.hooks.has('before_broadcast', fields.roomId)) return undefined;
  if (fields.content.type === 'edit' || fields.content.type === 'delete') return undefined;
  const { refusal, binding } = admit(input, state);
  if (refusal !== undefined || binding === undefined || !canWrite(binding) || binding.muted) return undefined;
  const event = draftOf(parts, input);
  if (chainStop(parts, cascade, event, origin) !== undefined) return undefined;
  return { input, state, binding, event, lockWaitMs, edit: undefined, tooDeep: undefined, expectedRevision: state.revision };
}

async function passUnlessChanged(parts: KitParts, section: Section, ready: Ready): Promise<PassOutcome> {
  try {
    return await commitPass(parts, section, ready);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
  return passShared(parts, section, ready.input, ready.lockWaitMs);
}

/** The event of this key that is in the timeline already: the first one answers for all that follow (INB-08). */
function findEarlier(parts: KitParts, input: PassInput): Awaitable<RoomEvent | null> {
  const { fields, newKey } = input;
  const { idempotencyKey: key, roomId } = fields;
  return key === undefined || key === newKey ? null : ask(parts, input, () => parts.store.getEventByIdempotencyKey(key, { roomId }));
}

/** Whoever wrote, writes again; an answer is there only once, and waits for the store (TURN-03). */
function ask<T>(parts: KitParts, { origin, fields }: PassInput, question: () => Awaitable<T>): Awaitable<T> {
  return origin === 'reply' ? insistFirst(parts, { roomId: fields.roomId }, question) : question();
}

async function passSlowly(
  parts: KitParts,
  section: Section,
  input: PassInput,
  loading: Awaitable<RoomState>,
  lockWaitMs: number,
  lookUp: (() => Awaitable<RoomEvent | null>) | undefined,
): Promise<PassOutcome> {
  const { fields, deadline } = input;

  // 7. The room as it is now.
  let state = isPromise(loading) ? await (deadline?.wait(loading) ?? loading) : loading;
  deadline?.check();

  // 8. Idempotency.
  const found = lookUp === undefined ? findEarlier(parts, input) : lookUp();
  const earlier = isPromise(found) ? await (deadline?.wait(found) ?? found) : found;
  if (earlier !== null) return { kind: 'duplicate', event: earlier, state };

  const admitted = admit(input, state);
  if (admitted.refusal !== undefined) return admitted.refusal;
  const sourceId = fields.source.channelId;
  let binding = admitted.binding;

  // Who joins with it.
  if (input.participant !== undefined) {
    state = await joinParticipant(parts, section, state, input.participant);
    binding = bindingOf(state, sourceId);
  }

  const event = draftOf(parts, input);

  // 9. Edits and deletes act on what is there and only by those who may (§13).
  let edit: EditVerdict | undefined;
  if (event.content.type === 'edit' || event.content.type === 'delete') {
    const judging = applyEditRules(parts, state, event, input.message);
    edit = await (deadline?.wait(judging) ?? judging);
    if (edit.refused !== undefined) return { kind: 'refused', reason: edit.refused, state };
  }
  return gate(parts, section, { input, state, binding, event, lockWaitMs, edit });
}

/** Depth and before_broadcast. At once when the gate's handlers answer at once. */
function gate(parts: KitParts, section: Section, checked: Checked): Awaitable<PassOutcome> {
  const { input, state, event } = checked;
  // Endless answers end here (BC-04, BC-05).
  const tooDeep = chainStop(parts, input.cascade, event, input.origin);
  if (tooDeep !== undefined || !parts.hooks.has('before_broadcast', input.fields.roomId)) {
    const { binding, lockWaitMs, edit } = checked;
    // Written out, and not spread: it is made for every message, and a spread halves what goes through here.
    const ready = { input, state, binding, event, lockWaitMs, edit, tooDeep, effects: undefined, verdicts: undefined, stop: undefined };
    return commitPass(parts, section, ready);
  }
  if (input.deadline !== undefined) input.deadline.stage = 'hooks';
  const verdicts = parts.traces.enabled ? new VerdictLog() : undefined;
  const gated = runGates(parts, section, state, event, verdicts, input.deadline);
  return isPromise(gated)
    ? gated.then((outcome) => gatePassed(parts, section, checked, verdicts, outcome))
    : gatePassed(parts, section, checked, verdicts, gated);
}

function gatePassed(
  parts: KitParts,
  section: Section,
  checked: Checked,
  verdicts: VerdictLog | undefined,
  outcome: GateOutcome<RoomEvent>,
): Awaitable<PassOutcome> {
  const { effects, blockedBy, reason } = outcome;
  const event = outcome.modified ? copyOfEvent(outcome.payload) : checked.event;
  const stop = blockedBy === undefined ? undefined : { blockedBy, reason };
  const ready = (state: RoomState, binding: ChannelBinding | undefined): Ready => ({
    input: checked.input,
    state,
    binding,
    event,
    lockWaitMs: checked.lockWaitMs,
    edit: checked.edit,
    tooDeep: undefined,
    effects,
    verdicts,
    stop,
  });
  if (!section.hasChildren) return commitPass(parts, section, ready(checked.state, checked.binding));
  return section.childrenSettled().then(async () => {
    const state = await loadHeld(parts, section);
    // What the gate itself did counts: it may have closed the room, or shown its source out (LOCK-06).
    const still = admit(checked.input, state);
    return still.refusal ?? commitPass(parts, section, ready(state, still.binding));
  });
}

/** The status gate (ROOM-04), and whether the source has a place in the room. */
function admit(input: PassInput, state: RoomState): { refusal?: PassOutcome; binding?: ChannelBinding | undefined } {
  const { fields, origin, reply } = input;
  const status = state.room.status;
  if (status === 'closed' || status === 'archived')
    return { refusal: { kind: origin === 'reply' ? 'dropped' : 'refused', reason: 'room_closed', state } };
  const sourceId = fields.source.channelId;
  const binding = bindingOf(state, sourceId);
  if (origin !== 'reply' && binding === undefined) {
    if (origin === 'inbound') return { refusal: { kind: 'refused', reason: 'channel_detached', state } };
    throw new ChannelNotFoundError(
      fields.roomId,
      sourceId,
      state.bindings.map((bound) => bound.channelId),
    );
  }
  if (reply !== undefined) {
    const dropped = whyDropped(state, reply, binding);
    if (dropped !== undefined) return { refusal: { kind: 'dropped', reason: dropped, state } };
  }
  return { binding };
}

function draftOf(parts: KitParts, input: PassInput): RoomEventDraft {
  const draft = draftEvent(parts, input.fields);
  if (draft.correlationId === undefined && input.cascade.rootEventId !== '') draft.correlationId = input.cascade.rootEventId;
  return draft;
}

/** What steps 7 to 9 have found out. */
interface Checked {
  readonly input: PassInput;
  readonly state: RoomState;
  readonly binding: ChannelBinding | undefined;
  readonly event: RoomEventDraft;
  readonly lockWaitMs: number;
  readonly edit?: EditVerdict | undefined;
}

/** And what the gate has said. */
interface Ready extends Checked {
  readonly tooDeep: string | undefined;
  readonly effects?: SideEffects | undefined;
  readonly verdicts?: VerdictLog | undefined;
  readonly stop?: { readonly blockedBy: string; readonly reason: string | undefined } | undefined;
  /** Set where the room was read before the lock. */
  readonly expectedRevision?: number | undefined;
}

/** Steps 10 to 12: the write gate, the plan, the commit. */
function commitPass(parts: KitParts, section: Section, ready: Ready): Awaitable<PassOutcome> {
  const { input, state, binding, event, tooDeep } = ready;
  const { fields, deadline, reply } = input;
  const roomId = fields.roomId;

  // 10. The write gate (PERM-02).
  let stop = tooDeep === undefined ? ready.stop : { blockedBy: tooDeep, reason: tooDeep };
  if (stop === undefined && binding !== undefined) {
    if (!canWrite(binding)) stop = READ_ONLY;
    else if (binding.muted) stop = MUTED;
  }
  deadline?.check();
  // It would take leases that nobody gives back: whoever wrote is told, and writes to another process (OPS-07).
  if (parts.store.shared && parts.over.aborted) throw new KitClosedError();
  deadline?.end();

  // Effective visibility is stamped now: later changes of the binding do not change the past (PERM-05).
  // An edit or delete has its target's.
  if (event.visibility === 'all' && ready.edit === undefined && binding !== undefined && binding.visibility !== 'all')
    event.visibility = binding.visibility;
  if (stop !== undefined) return commitStopped(parts, section, ready, stop);

  const media = input.origin === 'inbound' ? parts.media : undefined;
  if (media !== undefined) media.begin(event);

  // 11. Plan and commit: one transaction.
  const runtime = parts.rooms.get(roomId);
  const plan = planFor(parts, runtime, state, fields.source.channelId, event.visibility);
  const agents = solicited(plan, event, state.room);
  const trace = parts.tracer.carries ? parts.tracer.contextOf(spanOf(input)) : undefined;
  const rows = plan.hasDurable ? traced(outboxRows(parts, event, plan, input), trace) : EMPTY_LIST;
  const turns = agents.length > 0 ? traced(turnRows(parts, event, agents, runtime, state.room), trace) : EMPTY_LIST;
  const commit: { -readonly [Field in keyof EventCommit]: EventCommit[Field] } = { event };
  if (rows.length > 0) commit.outbox = rows;
  if (turns.length > 0) commit.turns = turns;
  if (ready.expectedRevision !== undefined) commit.expectedRevision = ready.expectedRevision;
  const isActivity = event.type === 'message' || event.type === 'edit' || event.type === 'delete';
  const resumes = isActivity && state.room.status === 'paused';
  // Without timers nobody asks when a room was last active.
  if (resumes) commit.roomPatch = { lastActivityAt: event.createdAt, status: 'active' };
  else if (isActivity && state.room.timers.lastActivityAt !== undefined) commit.roomPatch = { lastActivityAt: event.createdAt };
  if (ready.edit?.target !== undefined) {
    // What hooks made of an edit is what the target becomes (EDT-04).
    commit.target = event.content.type === 'edit' ? { ...ready.edit.target, content: event.content.newContent } : ready.edit.target;
    // What a memory has made of the old words goes with them (MEM-07).
    const metadata = summariesWithout(state.room, ready.edit.index ?? -1);
    if (metadata !== undefined) commit.roomPatch = { ...commit.roomPatch, metadata };
  }
  if (reply?.completes !== undefined) commit.completesTurn = completedBy(parts, reply.completes, event);
  if (reply?.work?.later !== undefined) commit.tasks = reply.work.later;
  const planned: Planned = { runtime, plan, agents, rows, turns, resumes };
  runtime.commits++;
  let committed: Awaitable<CommitResult>;
  try {
    committed = commitEvent(parts, section, commit);
  } catch (error) {
    unreserve(runtime, rows, turns);
    throw error;
  }
  if (!isPromise(committed)) return afterCommit(parts, section, ready, planned, committed);
  return committed.then(
    (result) => afterCommit(parts, section, ready, planned, result),
    (error: unknown) => {
      unreserve(runtime, rows, turns);
      throw error;
    },
  );
}

/** The end of a turn, with the last of its replies. */
function completedBy(
  { store, owner }: KitParts,
  { turnId, state, endReason, usage, records, replyEventIds }: TurnCompletion,
  { id }: RoomEventDraft,
): TurnCompletion {
  const ids = Object.freeze(replyEventIds.length === 0 ? [id] : [...replyEventIds, id]);
  const completion =
    records === undefined
      ? { turnId, state, endReason, usage, replyEventIds: ids }
      : { turnId, state, endReason, usage, replyEventIds: ids, records };
  return store.shared ? { ...completion, owner } : completion;
}

interface Planned {
  readonly runtime: RoomRuntime;
  readonly plan: Plan;
  readonly agents: readonly Target[];
  readonly rows: readonly OutboxRow[];
  readonly turns: readonly TurnRow[];
  readonly resumes: boolean;
}

function afterCommit(parts: KitParts, section: Section, ready: Ready, planned: Planned, committed: CommitResult): Awaitable<PassOutcome> {
  const { input, effects, edit } = ready;
  const { runtime, plan, agents, rows, turns } = planned;
  const { cascade } = input;
  const roomId = input.fields.roomId;
  if (committed.duplicate) {
    unreserve(runtime, rows, turns);
    return { kind: 'duplicate', event: committed.event, state: committed.state };
  }
  tasksStored(parts, input.reply?.work);
  const stored = committed.event;
  if (cascade.rootEventId === '') cascade.rootEventId = stored.id;
  if (planned.resumes && parts.framework.has('room_resumed')) parts.framework.emit('room_resumed', { roomId, data: {} });
  const broadcast = isHeard(parts, roomId, plan, turns)
    ? new Broadcast(parts, runtime, stored, committed.state, plan, cascade, {
        transports: plan.transports,
        rows,
        turns,
        agents,
        placed: committed.placed,
        announce: true,
        reserved: true,
        span: spanOf(input),
        stream:
          input.streams === undefined
            ? undefined
            : { streams: input.streams, ...(input.streamErrorCode !== undefined && { errorCode: input.streamErrorCode }) },
      })
    : undefined;
  if (broadcast === undefined) runtime.commits--;
  if (parts.traces.enabled) keepTrace(parts, ready, stored, { broadcast, plan, agents });
  if (edit?.afterCommit !== undefined && committed.target !== undefined) edit.afterCommit(section, committed.target, committed.state);
  if (parts.media !== undefined && input.origin === 'inbound') parts.media.committed(section, committed.target ?? stored);
  const outcome: PassOutcome = { kind: 'committed', event: stored, broadcast, state: committed.state };
  if (effects === undefined) return outcome;

  // 12. What hooks injected comes after its cause.
  finishEffects(parts, roomId, stored, effects, cascade);
  if (effects.injectedEvents.length === 0) return outcome;
  deferStart(section, outcome);
  return commitInjected(parts, section, committed.state, stored, effects.injectedEvents, cascade).then(() => ({ ...outcome, deferred: true }));
}

/** The span of what happens with this event: the call's own, else that of what has caused it. */
function spanOf({ span, cascade }: PassInput): string | undefined {
  return span ?? cascade.span;
}

function deferStart(section: Section, { broadcast, event }: PassOutcome): void {
  if (broadcast !== undefined) section.defer(() => broadcast.start(), event?.index);
}

/** Whether anybody at all is to hear of it. */
function isHeard(parts: KitParts, roomId: string, plan: Plan, turns: readonly TurnRow[]): boolean {
  return (
    plan.transports.length > 0 ||
    turns.length > 0 ||
    plan.ingesters.length > 0 ||
    parts.commitListeners.size > 0 ||
    parts.hooks.has('after_broadcast', roomId) ||
    parts.framework.has('event_processed')
  );
}

const READ_ONLY = { blockedBy: 'source_read_only', reason: 'source_read_only' };
const MUTED = { blockedBy: 'source_muted', reason: 'source_muted' };

/** The event is stored as blocked; nobody hears it, what hooks left is kept (INB-19). */
async function commitStopped(
  parts: KitParts,
  section: Section,
  ready: Ready,
  stop: { readonly blockedBy: string; readonly reason: string | undefined },
): Promise<PassOutcome> {
  const { input, event, effects, tooDeep } = ready;
  const { cascade, fields } = input;
  const roomId = fields.roomId;
  const outcome = await commitBlocked(parts, section, input, event, stop.blockedBy);
  // A hook has said the same meanwhile, under the same key: that one counts (INV-04).
  if (outcome.duplicate) return { kind: 'duplicate', event: outcome.event, state: outcome.state };
  if (parts.traces.enabled) keepTrace(parts, ready, outcome.event, undefined);
  if (effects !== undefined && effects.injectedEvents.length > 0)
    await commitInjected(parts, section, outcome.state, outcome.event, effects.injectedEvents, cascade);
  finishEffects(parts, roomId, outcome.event, effects, cascade);
  if (tooDeep !== undefined) reportChainStop(parts, outcome.event, tooDeep, cascade);
  if (parts.framework.has('event_blocked')) {
    const data = { reason: stop.reason, blocked_by: stop.blockedBy };
    parts.framework.emit('event_blocked', { roomId, eventId: outcome.event.id, channelId: fields.source.channelId, data });
  }
  return { kind: 'blocked', event: outcome.event, ...(stop.reason !== undefined && { reason: stop.reason }), state: outcome.state };
}

/** Why a reply has no place any more (TURN-06). */
function whyDropped(state: RoomState, reply: ReplyOfTurn, binding: RoomState['bindings'][number] | undefined): string | undefined {
  if (binding === undefined) return 'channel_detached';
  if (reply.muteSuppresses && binding.muted) return 'source_muted';
  // A transport that reacts is nobody's stand-in: only agents are taken over from.
  return binding.category === 'intelligence' && isTakenOver(state.room, reply.row) ? 'taken_over' : undefined;
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
  storeEffects(
    parts,
    event.roomId,
    event.source.channelId,
    { injectedEvents: [], tasks: [], observations: [observation], metadata: undefined },
    cascade,
  );
}

async function commitBlocked(parts: KitParts, section: Section, input: PassInput, event: RoomEventDraft, blockedBy: string): Promise<CommitResult> {
  event.status = 'blocked';
  event.blockedBy = blockedBy;
  const completes = input.reply?.completes;
  const committed = await commitEvent(parts, section, {
    event,
    ...(completes !== undefined && { completesTurn: completedBy(parts, completes, event) }),
    ...tasksOf(input.reply?.work),
  });
  if (committed.duplicate) return committed;
  tasksStored(parts, input.reply?.work);
  if (input.cascade.rootEventId === '') input.cascade.rootEventId = committed.event.id;
  announce(parts, section, committed.event, committed.state);
  return committed;
}

const OPEN_ROWS = ['queued', 'sending', 'unknown'] as const;
const OPEN_TURNS = ['queued', 'running'] as const;

/** One row per durable target; written as `sending` when nothing stands between it and the vendor (OUT-03). */
function outboxRows(parts: KitParts, event: RoomEventDraft, plan: Plan, input: PassInput): OutboxRow[] {
  const rows: OutboxRow[] = [];
  const now = parts.clock.now();
  const leaseUntil = parts.leases.end();
  const expiresAt = isoTime(now + parts.limits.outboxTtlSeconds * 1000);
  for (const target of plan.transports) {
    if (!target.durable || target.binding.outputMuted) continue;
    const entry = target.entry;
    const straight =
      entry !== undefined &&
      target.lane.idle &&
      !isBehind(parts, target.lane, () => parts.store.listRows({ roomId: event.roomId, channelId: target.channelId, state: OPEN_ROWS, limit: 1 })) &&
      target.limiter === undefined &&
      entry.breaker.state === 'closed' &&
      entry.pausedUntilMs <= now &&
      input.streams?.has(target.channelId) !== true &&
      isReady(entry.channel);
    target.lane.reserved++;
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
function turnRows(parts: KitParts, event: RoomEventDraft, agents: readonly Target[], runtime: RoomRuntime, room: Room): TurnRow[] {
  const now = parts.clock.now();
  const expiresAt = isoTime(now + parts.limits.turnTtlSeconds * 1000);
  const leaseUntil = parts.leases.end();
  return agents.map((target) => {
    const lane = runtime.turnLane(target.channelId);
    const here = target.channel !== undefined;
    const straight =
      here &&
      lane.idle &&
      !waitsForMore(event, target, room) &&
      !isBehind(parts, lane, () => parts.store.listTurns({ roomId: event.roomId, channelId: target.channelId, state: OPEN_TURNS, limit: 1 }));
    lane.reserved++;
    return {
      id: parts.ids.next(),
      roomId: event.roomId,
      channelId: target.channelId,
      triggerEventIds: Object.freeze([event.id]),
      triggerIndex: room.latestIndex + 1, // the event's own, as long as this room is ours alone
      state: straight ? 'running' : 'queued',
      attempts: straight ? 1 : 0,
      createdAt: event.createdAt,
      expiresAt,
      leaseOwner: here ? parts.owner : undefined,
      leaseUntil: here ? leaseUntil : undefined,
    };
  });
}

/** Whether what may follow a message is waited for before the agent is asked (COL-02): its turn has not begun until then. */
function waitsForMore({ source }: RoomEventDraft, { binding, channel }: Target, room: Room): boolean {
  if (binding.collision === undefined && room.collision === undefined && channel?.collision === undefined) return false;
  const { policy, leadingDebounceMs } = collisionOf({ binding: binding.collision, room: room.collision, agent: channel?.collision }, source);
  return policy === 'burst' && leadingDebounceMs > 0;
}

/** A commit that failed leaves its lanes as they were. */
function unreserve(runtime: RoomRuntime, rows: readonly OutboxRow[], turns: readonly TurnRow[]): void {
  runtime.commits--;
  for (const row of rows) runtime.lane(row.channelId).reserved--;
  for (const turn of turns) runtime.turnLane(turn.channelId).reserved--;
}

function finishEffects(parts: KitParts, roomId: string, event: RoomEvent, effects: SideEffects | undefined, cascade: Cascade): void {
  if (effects !== undefined) storeEffects(parts, roomId, event.source.channelId, effects, cascade);
}

function keepTrace(
  parts: KitParts,
  ready: Ready,
  event: RoomEvent,
  heard: { broadcast: Broadcast | undefined; plan: Plan; agents: readonly Target[] } | undefined,
): void {
  const { startedAt } = ready.input;
  const solicitedAll = heard === undefined || heard.agents.length === heard.plan.agents.length;
  const record = parts.traces.keep({
    eventId: event.id,
    roomId: event.roomId,
    startedAtMs: startedAt,
    lockWaitMs: ready.lockWaitMs,
    commitMs: parts.clock.now() - startedAt,
    hooks: ready.verdicts,
    targets: heard?.plan.trace,
    solicited: solicitedAll ? undefined : heard.agents.map((target) => target.channelId),
    broadcast: heard?.broadcast,
  });
  if (heard?.broadcast !== undefined) heard.broadcast.trace = record;
}
