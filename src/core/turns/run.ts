/**
 * One turn (§17): the agent is asked with the room's history as it may see it, its answer re-enters the room as its own
 * pass, and the turn is completed in the same commit as its last reply (TURN-03). Each step goes on at once when nothing has
 * to be waited for; of the ordinary turn that is everything but the model.
 */
import { insist, insistFirst } from '../async/insist.js';
import { callScope } from '../call-scope.js';
import type { CallScope } from '../turn-scope.js';
import { isoTime } from '../clock.js';
import { withoutStamps } from '../delivery/forms.js';
import { collectEffects } from '../hooks/effects.js';
import type { ChannelOutput, StreamOutcome, TurnRow } from '../models/delivery.js';
import type { SuspendRequest } from '../models/approval.js';
import { shown } from '../approvals/resolve.js';
import type { EventDraft } from '../models/event.js';
import { EMPTY, EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { TurnState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { loadState } from '../pipeline/commit.js';
import { runPass, type PassOutcome } from '../pipeline/pass.js';
import { storeEffects } from '../pipeline/side-effects.js';
import { contextOf, historySize } from '../rooms/history.js';
import { bindingOf, type RoomState } from '../store/store.js';
import type { TurnLane } from './lane.js';
import type { TurnWork } from './turn-work.js';
import { ALREADY_ENDED, brokenOff, CUT_BY_CLOSING, endTurn, INTERRUPTED, NOTHING, reportDropped, type TurnOutcome } from './outcome.js';
import { noteTurn } from './notes.js';
import { replyFields, saidBefore, waitingKey } from './reply.js';
import { RunningTurn } from './running-turn.js';
import { streamReply } from './stream.js';
import { keepLater, laterTask } from './later.js';
import { endTurnSpan, startTurnSpan } from './span.js';
import { suspendTurn } from './suspend.js';
import { isTakenOver } from './takeover.js';

/** From the first step to the end that is reported. Never fails. */
export function runTurn(parts: KitParts, lane: TurnLane, work: TurnWork): Awaitable<void> {
  let outcome: Awaitable<TurnOutcome>;
  if (parts.tracer.enabled) startTurnSpan(parts.tracer, work);
  try {
    outcome = begin(parts, lane, work);
  } catch (error) {
    outcome = brokenOff(parts, work, error);
  }
  if (!isPromise(outcome)) return leave(parts, work, outcome);
  return outcome.then(
    (ended) => leave(parts, work, ended),
    (error: unknown) => {
      const ended = brokenOff(parts, work, error);
      if (ended.reason === ALREADY_ENDED) lose(parts, lane, work, parts.store.shared);
      return ended === INTERRUPTED ? cutShort(parts, work) : leave(parts, work, ended);
    },
  );
}

/** A newer message has cut it short before anything was said. What it has cost until now is known if the agent ends soon (COL-04). */
async function cutShort(parts: KitParts, work: TurnWork): Promise<void> {
  const output = await work.running?.lastWords();
  if (output != null) keepEffects(parts, work, output);
  const { usage } = output ?? EMPTY_OUTPUT;
  return leave(parts, work, usage === undefined ? INTERRUPTED : { ...INTERRUPTED, usage });
}

const EMPTY_OUTPUT: ChannelOutput = {};

/** Whatever became of it: nothing of it runs on, what it wanted done afterwards is done, and its end is told. */
function leave(parts: KitParts, work: TurnWork, outcome: TurnOutcome): Awaitable<void> {
  const { running } = work;
  running?.end();
  if (work.later !== undefined) return keepLater(parts, work).then(() => leave(parts, work, outcome));
  if (running?.joining !== undefined) {
    const { joining } = running;
    running.joining = undefined;
    return joining.then(() => leave(parts, work, outcome));
  }
  const afterwards = work.scope?.turn?.afterwards;
  if (afterwards === undefined || afterwards.length === 0) {
    if (afterwards !== undefined) Object.freeze(afterwards); // what a tool that was cut off still wants comes too late to wait for
    return end(parts, work, outcome);
  }
  return followUp(parts, work, afterwards).then(() => end(parts, work, outcome));
}

/** Of a turn that was cut short, the end is told at once; the next one waits a moment for what is still at work (COL-04). */
function end(parts: KitParts, work: TurnWork, outcome: TurnOutcome): Awaitable<void> {
  if (work.span !== undefined) endTurnSpan(parts.tracer, work, outcome);
  const ended = endTurn(parts, work, outcome);
  const { running } = work;
  if (running?.mayLinger !== true) return ended;
  return isPromise(ended) ? ended.then(() => running.linger()) : running.linger();
}

/** What was to be done once the turn has ended; more may come while it is done. */
async function followUp(parts: KitParts, { row, scope = {} }: TurnWork, afterwards: (() => Promise<void>)[]): Promise<void> {
  for (const next of afterwards) {
    await callScope.run(scope, next).catch((error: unknown) => parts.logger.error('What was to follow a turn failed.', { turnId: row.id, error }));
  }
  Object.freeze(afterwards);
}

/** Whether it may begin at all. What was committed as running a moment ago needs no claim. */
function begin(parts: KitParts, lane: TurnLane, work: TurnWork): Awaitable<TurnOutcome> {
  const { row } = work;
  // Where others can go on, a kit that drains begins nothing that may take long (OPS-07).
  if (parts.stopping.aborted || (parts.store.shared && parts.draining.aborted && row.state === 'queued')) return CUT_BY_CLOSING;
  if (row.expiresAt < isoTime(parts.clock.now())) {
    if (parts.framework.has('turn_expired'))
      parts.framework.emit('turn_expired', { roomId: row.roomId, channelId: row.channelId, eventId: work.trigger.id, data: { turn_id: row.id } });
    return { ...NOTHING, state: 'expired' };
  }
  // What was committed as running is this process's as long as its lease lasts: it may have stood still since.
  if (row.state === 'running' && !work.recovered && parts.leases.isHeld(row.leaseUntil)) return enter(parts, lane, work);
  return claim(parts, work).then((claimed) => {
    if (claimed === 'ours') return enter(parts, lane, work);
    lose(parts, lane, work, claimed === 'elsewhere');
    return NOT_OURS;
  });
}

const NOT_OURS: TurnOutcome = { ...NOTHING, state: 'cancelled', reason: ALREADY_ENDED, recorded: true };

/** This turn is not this process's to run or to end; as long as it is open, neither is what waits behind it. */
function lose(parts: KitParts, lane: TurnLane, { row }: TurnWork, isOpen: boolean): void {
  if (!isOpen) return lane.lost(row.triggerIndex);
  for (const behind of lane.letGo()) void parts.tasks.run(async () => leave(parts, behind, NOT_OURS));
}

async function claim(parts: KitParts, work: TurnWork): Promise<'ours' | 'elsewhere' | 'ended'> {
  const { row } = work;
  const running = {
    state: 'running',
    attempts: row.attempts + 1,
    leaseOwner: parts.owner,
    leaseUntil: parts.leases.end(),
  } as const;
  const { store } = parts;
  // What waits here may have been begun by another process meanwhile: that attempt counts, and is found when it is read again.
  const from = store.shared && row.state === 'queued' && !work.recovered ? (['queued'] as const) : OPEN;
  return insist(parts, { turnId: row.id }, async () => {
    const changed = await store.updateTurn(row.id, running, from, undefined, store.shared ? parts.owner : undefined);
    if (changed === null && !store.shared) return 'ended';
    const current = changed ?? (await store.getTurn(row.id));
    if (current === null) return 'ended';
    // Asked again because the answer was lost, it is claimed already.
    if (changed === null && !isClaimedAs(current, running)) return OPEN.includes(current.state) ? 'elsewhere' : 'ended';
    work.row = current;
    return 'ours';
  });
}

const OPEN: readonly TurnState[] = ['queued', 'running'];

type Claim = Required<Pick<TurnRow, 'state' | 'attempts' | 'leaseOwner' | 'leaseUntil'>>;

function isClaimedAs(turn: TurnRow, { state, attempts, leaseOwner, leaseUntil }: Claim): boolean {
  return turn.state === state && turn.attempts === attempts && turn.leaseOwner === leaseOwner && turn.leaseUntil === leaseUntil;
}

/** The room as it is now, and as much of its history as the agent wants. */
function enter(parts: KitParts, lane: TurnLane, work: TurnWork): Awaitable<TurnOutcome> {
  const loading = insistFirst(parts, { turnId: work.row.id }, () => loadState(parts, work.row.roomId));
  return isPromise(loading) ? loading.then((state) => look(parts, lane, work, state)) : look(parts, lane, work, loading);
}

function look(parts: KitParts, lane: TurnLane, work: TurnWork, state: RoomState): Awaitable<TurnOutcome> {
  const { row, target } = work;
  if (work.interruptedBy !== undefined) return INTERRUPTED;
  if (bindingOf(state, row.channelId) === undefined || target.channel?.onEvent === undefined)
    return { ...NOTHING, state: 'cancelled', reason: 'channel_detached' };
  if (state.room.status === 'closed' || state.room.status === 'archived') return { ...NOTHING, state: 'cancelled', reason: 'room_closed' };
  // A person has taken over meanwhile: its reply would be dropped, and its tools are to do nothing any more (TURN-06).
  if (isTakenOver(state.room, row)) return { ...NOTHING, state: 'cancelled', reason: 'taken_over' };
  if (row.suspended !== undefined && work.approvals === undefined) return recall(parts, lane, work, state);
  const size = historySize(parts, state.bindings);
  const reading = insistFirst(parts, { turnId: row.id }, () => parts.rooms.get(row.roomId).loadTail(parts.store, state.room.latestIndex, size));
  return isPromise(reading) ? reading.then(() => ask(parts, lane, work, state, size)) : ask(parts, lane, work, state, size);
}

/** It has waited: what people have said is read first. */
async function recall(parts: KitParts, lane: TurnLane, work: TurnWork, state: RoomState): Promise<TurnOutcome> {
  const { roomId, id: turnId } = work.row;
  work.approvals = (await insist(parts, { turnId }, () => parts.store.listApprovals({ roomId, turnId }))).map(shown);
  noteTurn(parts, work, 'resumed');
  return look(parts, lane, work, state);
}

/** Asks the agent, in a scope that tells its tools which turn they run in. */
function ask(parts: KitParts, lane: TurnLane, work: TurnWork, state: RoomState, size: number): Awaitable<TurnOutcome> {
  const { row, cascade } = work;
  if (work.interruptedBy !== undefined) return INTERRUPTED;
  const runtime = parts.rooms.get(row.roomId);
  const context = contextOf(state, () => {
    const recent = runtime.recentWithoutStamps(size);
    return lane.hasWaiting ? recent.filter((event) => !lane.isWaiting(event.id)) : recent;
  });
  const trigger = withoutStamps(work.trigger);
  const run = (work.running = new RunningTurn(parts, lane, work, trigger));
  const { roomId, id: turnId, channelId, triggerIndex } = row;
  const scope: CallScope = (work.scope = {
    turn: { roomId, turnId, channelId, triggerIndex, rootEventId: cascade.rootEventId, cascade, afterwards: [] },
    causeDepth: work.trigger.chainDepth,
    ...(work.span !== undefined && { span: work.span, tracer: parts.tracer }),
  });
  const answer = (): Awaitable<TurnOutcome> => {
    const binding = bindingOf(state, channelId);
    const asked = binding === undefined ? undefined : work.target.channel?.onEvent?.(trigger, binding, context, run);
    return isPromise(asked)
      ? run.answer(asked, (output) => takeOutput(parts, work, run, state, output ?? EMPTY))
      : takeOutput(parts, work, run, state, asked ?? EMPTY);
  };
  return callScope.run(scope, work.span === undefined ? answer : () => parts.tracer.run(work.span, answer));
}

/** An agent's answer, or its stream, in the room as it is by now. */
function takeOutput(parts: KitParts, work: TurnWork, run: RunningTurn, state: RoomState, output: ChannelOutput): Awaitable<TurnOutcome> {
  keepEffects(parts, work, output);
  // A whole answer is there; a stream is only about to be.
  if (output.responseStream === undefined) run.isComplete = true;
  const loading = insistFirst(parts, { turnId: work.row.id }, () => loadState(parts, work.row.roomId));
  return isPromise(loading) ? loading.then((now) => reply(parts, work, run, state, now, output)) : reply(parts, work, run, state, loading, output);
}

/** What it leaves behind beside its words. */
export function keepEffects(parts: KitParts, work: TurnWork, left: ChannelOutput | StreamOutcome): void {
  if (left.laterTasks !== undefined) work.later = [...(work.later ?? EMPTY_LIST), ...left.laterTasks.map((task) => laterTask(parts, work, task))];
  const { tasks, observations, metadataUpdates } = left;
  if (tasks === undefined && observations === undefined && metadataUpdates === undefined) return;
  const effects = collectEffects(undefined, {
    ...(tasks !== undefined && { tasks }),
    ...(observations !== undefined && { observations }),
    ...(metadataUpdates !== undefined && { metadata: metadataUpdates }),
  });
  if (effects !== undefined) storeEffects(parts, work.row.roomId, work.row.channelId, effects, work.cascade);
}

function reply(parts: KitParts, work: TurnWork, run: RunningTurn, state: RoomState, now: RoomState, output: ChannelOutput): Awaitable<TurnOutcome> {
  const muted = bindingOf(now, work.row.channelId)?.muted === true;
  const usage = output.usage ?? EMPTY;
  if (output.responseStream !== undefined) {
    // A muted agent is never asked to generate: its stream is not even begun (PERM-03).
    if (muted) return { ...NOTHING, state: 'cancelled', reason: 'source_muted', usage };
    return streamReply(parts, work, run, now, output.responseStream);
  }
  if (output.suspend !== undefined && !muted) return sayAndSuspend(parts, work, state, output, output.suspend);
  const drafts = muted ? EMPTY_LIST : (output.responseEvents ?? EMPTY_LIST);
  const last = drafts.at(-1);
  if (last === undefined) {
    const error = output.error;
    return {
      ...NOTHING,
      state: error !== undefined ? 'failed' : muted || output.endReason === 'cancelled' ? 'cancelled' : 'empty',
      endReason: output.endReason ?? 'empty',
      usage,
      ...(muted && { reason: 'source_muted' }),
      ...(error !== undefined && { error }),
    };
  }
  if (drafts.length > 1) return replyWithMany(parts, work, state, drafts.slice(0, -1), last, output);
  // Also a single one gets a key when the turn is run again: what the first attempt has said is not said in other words once more.
  const replying = passReply(parts, work, state, last, output, {
    key: work.row.attempts > 1 ? `${work.row.id}:reply:0` : undefined,
    completing: saidBefore(work),
  });
  const end = (passed: PassOutcome): TurnOutcome =>
    replied(parts, work, output, passed, passed.event === undefined ? saidBefore(work) : [...saidBefore(work), passed.event.id]);
  return isPromise(replying) ? replying.then(end) : end(replying);
}

/** What it has said is said before it waits (APR-01); its own words in a second attempt do not come twice. */
async function sayAndSuspend(
  parts: KitParts,
  work: TurnWork,
  state: RoomState,
  output: ChannelOutput,
  request: SuspendRequest,
): Promise<TurnOutcome> {
  const replyEventIds = [...saidBefore(work)];
  for (const draft of output.responseEvents ?? EMPTY_LIST) {
    const key = waitingKey(work, replyEventIds.length);
    const passed = await passReply(parts, work, state, draft, output, { key, completing: undefined });
    if (passed.event !== undefined) replyEventIds.push(passed.event.id);
    if (passed.kind === 'dropped') return replied(parts, work, output, passed, replyEventIds);
  }
  return suspendTurn(parts, work, request, { replyEventIds, usage: output.usage ?? EMPTY });
}

/** Each reply is its own pass; the last one completes the turn. */
async function replyWithMany(
  parts: KitParts,
  work: TurnWork,
  state: RoomState,
  first: readonly EventDraft[],
  last: EventDraft,
  output: ChannelOutput,
): Promise<TurnOutcome> {
  const replyEventIds: string[] = [...saidBefore(work)];
  const pass = async (draft: EventDraft, position: number, completing: readonly string[] | undefined): Promise<PassOutcome> => {
    const passed = await passReply(parts, work, state, draft, output, { key: `${work.row.id}:reply:${position}`, completing });
    if (passed.event !== undefined) replyEventIds.push(passed.event.id);
    return passed;
  };
  for (const [position, draft] of first.entries()) {
    const passed = await pass(draft, position, undefined);
    if (passed.kind === 'dropped') return replied(parts, work, output, passed, replyEventIds);
    // An edit or delete that was refused leaves nothing in the timeline, like a dropped reply; what follows it goes on.
    if (passed.kind === 'refused') reportDropped(parts, work, passed);
  }
  return replied(parts, work, output, await pass(last, first.length, replyEventIds), replyEventIds);
}

/** `completing`: the replies before it, when it is the turn's last one. */
function passReply(
  parts: KitParts,
  work: TurnWork,
  state: RoomState,
  draft: EventDraft,
  output: ChannelOutput,
  { key, completing }: { readonly key: string | undefined; readonly completing: readonly string[] | undefined },
): Awaitable<PassOutcome> {
  const { endReason = 'completed', usage = EMPTY, error } = output;
  const { id: turnId } = work.row;
  const ended = error === undefined ? 'committed' : 'failed';
  const pass = (): Awaitable<PassOutcome> =>
    runPass(parts, {
      fields: replyFields(work, state, draft, key),
      cascade: work.cascade,
      span: work.span,
      origin: 'reply',
      reply: {
        row: work.row,
        muteSuppresses: true,
        work,
        completes:
          completing === undefined
            ? undefined
            : { turnId, state: ended, endReason, replyEventIds: completing, usage, records: work.running?.records },
      },
      startedAt: parts.clock.now(),
    });
  // What fails has stored nothing: the answer is there only once, and is not lost because the store or the lock was away (TURN-03).
  return insistFirst(parts, { turnId }, pass);
}

/** What the turn came to with the last of its replies. */
function replied(parts: KitParts, work: TurnWork, output: ChannelOutput, last: PassOutcome, replyEventIds: readonly string[]): TurnOutcome {
  const { endReason = 'completed', usage = EMPTY, error } = output;
  if (last.kind === 'dropped' || last.kind === 'refused') reportDropped(parts, work, last);
  if (last.kind === 'dropped') return { state: 'cancelled', reason: last.reason ?? 'dropped', replyEventIds, usage, recorded: false };
  const recorded = last.kind === 'committed' || last.kind === 'blocked';
  return { state: error === undefined ? 'committed' : 'failed', endReason, replyEventIds, usage, recorded, error };
}
