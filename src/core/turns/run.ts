/**
 * One turn (§17): the agent is asked with the room's history as it may see it, its answer re-enters the room as its own
 * pass, and the turn is completed in the same commit as its last reply (TURN-03).
 */
import { insist } from '../async/insist.js';
import { callScope, type CallScope } from '../call-scope.js';
import type { OnEventOptions, Turn } from '../channel.js';
import { isoTime } from '../clock.js';
import { withoutStamps } from '../delivery/forms.js';
import type { Target } from '../delivery/plan.js';
import { AbortedError, errorCode, ProviderError, RoomKitError, TimeoutError } from '../errors.js';
import { collectEffects } from '../hooks/effects.js';
import type { ChannelOutput, OperationError, TurnResult, TurnRow } from '../models/delivery.js';
import type { EventDraft, RoomEvent } from '../models/event.js';
import { EMPTY, EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { TurnEndReason, TurnState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { loadState } from '../pipeline/commit.js';
import { runPass, type PassOutcome } from '../pipeline/pass.js';
import { storeEffects } from '../pipeline/side-effects.js';
import { contextOf, historySize } from '../rooms/history.js';
import type { RoomState } from '../store/store.js';
import type { TurnLane, TurnWork } from './lane.js';
import { replyFields } from './reply.js';
import { streamReply } from './stream.js';
import { isTakenOver } from './takeover.js';

/** What the turn came to, before it is reported. */
export interface TurnOutcome {
  readonly state: TurnState;
  readonly endReason?: TurnEndReason;
  readonly reason?: string;
  readonly replyEventIds: readonly string[];
  readonly usage: Readonly<Record<string, number>>;
  readonly error?: OperationError;
  /** The turn row was completed by a commit: nothing is left to write. */
  readonly recorded: boolean;
}

export async function runTurn(parts: KitParts, lane: TurnLane, work: TurnWork): Promise<void> {
  let outcome: TurnOutcome;
  try {
    outcome = await attemptTurn(parts, lane, work);
  } catch (error) {
    outcome = parts.stopping.aborted ? CUT_BY_CLOSING : failed(parts, work, error);
  }
  let isTold = false;
  const tell = (): void => {
    if (!isTold) work.cascade.done();
    isTold = true;
  };
  try {
    await report(parts, work, outcome, tell);
  } catch (error) {
    // The store failed: the row stays running and is recovered (TURN-03).
    parts.logger.error('The end of a turn could not be recorded; it will be recovered.', { turnId: work.row.id, error });
  } finally {
    tell();
  }
}

/** A turn that never starts. */
export async function rejectTurn(parts: KitParts, work: TurnWork, reason: string): Promise<void> {
  work.cascade.turns.push(resultOf(work, { state: 'rejected', reason, replyEventIds: EMPTY_LIST, usage: EMPTY, recorded: true }));
  try {
    await insist(parts, { turnId: work.row.id }, () => parts.store.updateTurn(work.row.id, { state: 'rejected' }, ['queued', 'running']));
  } finally {
    work.cascade.done();
  }
}

async function attemptTurn(parts: KitParts, lane: TurnLane, work: TurnWork): Promise<TurnOutcome> {
  const { row, target } = work;
  const channel = target.channel;
  if (parts.stopping.aborted) return CUT_BY_CLOSING;
  if (Date.parse(row.expiresAt) < parts.clock.now()) {
    if (parts.framework.has('turn_expired'))
      parts.framework.emit('turn_expired', { roomId: row.roomId, channelId: row.channelId, eventId: work.trigger.id, data: { turn_id: row.id } });
    return { ...NOTHING, state: 'expired' };
  }
  if (row.state !== 'running' || work.recovered) {
    const claim = {
      state: 'running',
      attempts: row.attempts + 1,
      leaseOwner: parts.owner,
      leaseUntil: isoTime(parts.clock.now() + parts.limits.leaseSeconds * 1000),
    } as const;
    const claimed = await insist(parts, { turnId: row.id }, () => parts.store.updateTurn(row.id, claim, ['queued', 'running']));
    if (claimed === null) return { ...NOTHING, state: 'cancelled', reason: 'turn_already_ended', recorded: true };
    work.row = claimed;
  }
  const loading = loadState(parts, row.roomId);
  const state = isPromise(loading) ? await loading : loading;
  const binding = state.bindings.find((candidate) => candidate.channelId === row.channelId);
  if (binding === undefined || channel?.onEvent === undefined) return { ...NOTHING, state: 'cancelled', reason: 'channel_detached' };
  if (state.room.status === 'closed' || state.room.status === 'archived') return { ...NOTHING, state: 'cancelled', reason: 'room_closed' };
  // A person has taken over meanwhile: its reply would be dropped, and its tools are to do nothing any more (TURN-06).
  if (isTakenOver(state.room, row)) return { ...NOTHING, state: 'cancelled', reason: 'taken_over' };

  const runtime = parts.rooms.get(row.roomId);
  const size = historySize(parts, state.bindings);
  const tail = runtime.loadTail(parts.store, state.room.latestIndex, size);
  if (isPromise(tail)) await tail;
  const context = contextOf(state, () => {
    const recent = runtime.recent(size).map(withoutStamps);
    return lane.hasWaiting ? recent.filter((event) => !lane.isWaiting(event.id)) : recent;
  });
  const trigger = withoutStamps(work.trigger);
  const run = new RunningTurn(parts, work, trigger);
  const afterwards: (() => Promise<void>)[] = [];
  const scope: CallScope = {
    turn: {
      roomId: row.roomId,
      turnId: row.id,
      channelId: row.channelId,
      triggerIndex: row.triggerIndex,
      rootEventId: work.cascade.rootEventId,
      cascade: work.cascade,
      afterwards,
    },
    causeDepth: work.trigger.chainDepth,
    ...(work.cascade.span !== undefined && { span: work.cascade.span }),
  };
  try {
    const onEvent = channel.onEvent.bind(channel);
    return await callScope.run(scope, async () => {
      const asked = onEvent(trigger, binding, context, run);
      const output = isPromise(asked) ? await run.bounded(asked) : asked;
      return handleOutput(parts, work, run, state, output ?? EMPTY);
    });
  } finally {
    run.end();
    for (const next of afterwards) {
      await callScope.run(scope, next).catch((error: unknown) => parts.logger.error('What was to follow a turn failed.', { turnId: row.id, error }));
    }
    Object.freeze(afterwards); // what a tool that was cut off still wants comes too late to wait for
  }
}

async function handleOutput(parts: KitParts, work: TurnWork, run: RunningTurn, state: RoomState, output: ChannelOutput): Promise<TurnOutcome> {
  const effects = collectEffects(undefined, {
    ...(output.tasks !== undefined && { tasks: output.tasks }),
    ...(output.observations !== undefined && { observations: output.observations }),
    ...(output.metadataUpdates !== undefined && { metadata: output.metadataUpdates }),
  });
  if (effects !== undefined) storeEffects(parts, work.row.roomId, work.row.channelId, effects, work.cascade);
  const now = await loadState(parts, work.row.roomId);
  const muted = now.bindings.find((binding) => binding.channelId === work.row.channelId)?.muted === true;
  const usage = output.usage ?? EMPTY;
  if (output.responseStream !== undefined) {
    // A muted agent is never asked to generate: its stream is not even begun (PERM-03).
    if (muted) return { ...NOTHING, state: 'cancelled', reason: 'source_muted', usage };
    return streamReply(parts, work, run, now, output.responseStream);
  }
  const drafts = muted ? EMPTY_LIST : (output.responseEvents ?? EMPTY_LIST);
  if (drafts.length === 0) {
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
  return replyWithEvents(parts, work, state, drafts, output);
}

/** Each reply is its own pass; the last one completes the turn. */
async function replyWithEvents(
  parts: KitParts,
  work: TurnWork,
  state: RoomState,
  drafts: readonly EventDraft[],
  output: ChannelOutput,
): Promise<TurnOutcome> {
  const replyEventIds: string[] = [];
  const endReason = output.endReason ?? 'completed';
  const usage = output.usage ?? EMPTY;
  const error = output.error;
  const ended = error === undefined ? 'committed' : 'failed';
  let recorded = false;
  let reason: string | undefined;
  for (const [position, draft] of drafts.entries()) {
    const last = position === drafts.length - 1;
    // Also a single one, when the turn is run again: what the first attempt has said is not said in other words once more.
    const key = drafts.length > 1 || work.row.attempts > 1 ? `${work.row.id}:reply:${position}` : undefined;
    const outcome = await runPass(parts, {
      fields: replyFields(work, state, draft, key),
      cascade: work.cascade,
      origin: 'reply',
      reply: {
        row: work.row,
        muteSuppresses: true,
        ...(last && { completes: { turnId: work.row.id, state: ended, endReason, replyEventIds, usage } }),
      },
      startedAt: parts.clock.now(),
    });
    if (outcome.event !== undefined) replyEventIds.push(outcome.event.id);
    if (outcome.kind === 'dropped') {
      reason = outcome.reason ?? 'dropped';
      reportDropped(parts, work, outcome);
      break;
    }
    // An edit or delete that was refused leaves nothing in the timeline, like a dropped reply; what follows it goes on.
    if (outcome.kind === 'refused') reportDropped(parts, work, outcome);
    recorded = last && (outcome.kind === 'committed' || outcome.kind === 'blocked');
  }
  if (reason !== undefined) return { state: 'cancelled', reason, replyEventIds, usage, recorded: false };
  return { state: ended, endReason, replyEventIds, usage, recorded, ...(error !== undefined && { error }) };
}

export function reportDropped(parts: KitParts, work: TurnWork, outcome: PassOutcome): void {
  parts.logger.info('A reply was dropped.', { roomId: work.row.roomId, channelId: work.row.channelId, reason: outcome.reason });
  if (parts.framework.has('event_dropped')) {
    parts.framework.emit('event_dropped', {
      roomId: work.row.roomId,
      channelId: work.row.channelId,
      data: { reason: outcome.reason ?? 'dropped', turn_id: work.row.id },
    });
  }
}

const NOTHING: { replyEventIds: readonly string[]; usage: Readonly<Record<string, number>>; recorded: boolean } = {
  replyEventIds: EMPTY_LIST,
  usage: EMPTY,
  recorded: false,
};

/** The row stays as it is: the next process takes the turn up again (TURN-03), so that closing loses no answer. */
export const CUT_BY_CLOSING: TurnOutcome = { ...NOTHING, state: 'queued', reason: 'kit_closed', recorded: true };

/** Nothing of a vendor's message enters the room or the result (TURN-07). */
export function failed(parts: KitParts, work: TurnWork, error: unknown): TurnOutcome {
  return { ...NOTHING, state: 'failed', endReason: error instanceof TimeoutError ? 'timeout' : 'error', error: logFailure(parts, work, error) };
}

/** The log alone is told what the vendor said. */
export function logFailure(parts: KitParts, work: TurnWork, error: unknown): OperationError {
  const code = errorCode(error);
  parts.logger.error('A turn failed.', { roomId: work.row.roomId, channelId: work.row.channelId, turnId: work.row.id, code, error });
  const ours = error instanceof RoomKitError && !(error instanceof ProviderError);
  return { code, message: ours ? error.message : `The turn of '${work.row.channelId}' failed.`, channelId: work.row.channelId };
}

/** `tell` lets whoever waits for the turn go on when the store keeps its record waiting. */
async function report(parts: KitParts, work: TurnWork, outcome: TurnOutcome, tell: () => void): Promise<void> {
  work.cascade.turns.push(resultOf(work, outcome));
  if (!outcome.recorded) {
    const end = {
      state: outcome.state,
      replyEventIds: outcome.replyEventIds,
      usage: outcome.usage,
      ...(outcome.endReason !== undefined && { endReason: outcome.endReason }),
      ...(outcome.error !== undefined && { error: outcome.error }),
    };
    // Not forgotten because the store is away: the agent would be asked, and its tools run, once more.
    await insist(parts, { turnId: work.row.id }, () => parts.store.updateTurn(work.row.id, end, ['queued', 'running']), tell);
  }
  if (outcome.error !== undefined) await tellFailure(parts, work.row, work.trigger.id, work.target, outcome.error);
}

/** A second crash in one turn: nobody tries a third time (TURN-03). */
export async function endCrashedTurn(parts: KitParts, row: TurnRow, eventId: string, target: Target): Promise<void> {
  const error: OperationError = {
    code: 'crashed',
    message: `The turn of '${row.channelId}' was cut off twice by a crash.`,
    channelId: row.channelId,
  };
  const ended = await parts.store.updateTurn(row.id, { state: 'failed', endReason: 'error', error }, ['running']);
  // Recovery has more to do than to wait for those who watch.
  if (ended !== null) void parts.tasks.run(() => tellFailure(parts, row, eventId, target, error));
}

/** Framework turn_failed and the notice on_error (TURN-07). */
async function tellFailure(parts: KitParts, row: TurnRow, eventId: string, target: Target, error: OperationError): Promise<void> {
  const { roomId, channelId, id } = row;
  if (parts.framework.has('turn_failed')) {
    parts.framework.emit('turn_failed', { roomId, channelId, eventId, data: { turn_id: id, code: error.code } });
  }
  if (parts.hooks.has('on_error', roomId)) {
    const state = await loadState(parts, roomId);
    await parts.hooks.notice(
      'on_error',
      { category: 'turn', code: error.code, message: error.message, room_id: roomId, channel_id: channelId, turn_id: id },
      { roomId, source: target.binding, context: () => contextOf(state) },
    );
  }
}

function resultOf(work: TurnWork, outcome: TurnOutcome): TurnResult {
  return {
    channelId: work.row.channelId,
    turnId: work.row.id,
    state: outcome.state,
    replyEventIds: outcome.replyEventIds,
    usage: outcome.usage,
    ...(outcome.endReason !== undefined && { endReason: outcome.endReason }),
    ...(outcome.reason !== undefined && { reason: outcome.reason }),
    ...(outcome.error !== undefined && { error: outcome.error }),
  };
}

/** What the agent may know and use of its turn; the signal and its timer exist once something waits. */
export class RunningTurn implements OnEventOptions, Turn {
  readonly triggerEvents: readonly RoomEvent[];
  #controller: AbortController | undefined;
  #onStop: (() => void) | undefined;
  #timer: { cancel(): void } | undefined;
  #ended = false;

  constructor(
    private readonly parts: KitParts,
    private readonly work: TurnWork,
    trigger: RoomEvent,
  ) {
    this.triggerEvents = [trigger];
  }

  get turn(): Turn {
    return this;
  }
  get id(): string {
    return this.work.row.id;
  }
  get attempt(): number {
    return Math.max(1, this.work.row.attempts);
  }
  get startedTools(): readonly string[] {
    return this.work.row.startedTools ?? EMPTY_LIST;
  }

  /** Aborts when the turn's time is up or the kit stops (TURN-02). */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = (this.#controller = new AbortController());
      const { parts } = this;
      const seconds = parts.limits.turnTimeoutSeconds;
      this.#timer = parts.deadlines.add(seconds * 1000, () => controller.abort(new TimeoutError(`The turn took longer than ${seconds} s.`)));
      this.#onStop = () => controller.abort(new AbortedError('The kit is closing.'));
      if (parts.stopping.aborted) this.#onStop();
      else parts.stopping.addEventListener('abort', this.#onStop, { once: true });
    }
    return this.#controller.signal;
  }

  /** Waits for the agent, at most until the turn's time is up; a late answer is ignored (CON-08). */
  bounded<T>(promise: Promise<T>): Promise<T> {
    const signal = this.signal;
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : new AbortedError('The turn was aborted.'));
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      promise.then(
        (value) => {
          signal.removeEventListener('abort', onAbort);
          resolve(value);
        },
        (error: unknown) => {
          signal.removeEventListener('abort', onAbort);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  markToolStarted(idempotencyKey: string): Awaitable<void> {
    const startedTools = [...(this.work.row.startedTools ?? EMPTY_LIST), idempotencyKey];
    const row: TurnRow = { ...this.work.row, startedTools };
    this.work.row = row;
    const updated = this.parts.store.updateTurn(row.id, { startedTools });
    return isPromise(updated) ? updated.then(() => undefined) : undefined;
  }

  trace(step: Parameters<Turn['trace']>[0]): void {
    const cost = step.kind === 'generation' && step.tokens !== undefined ? this.parts.prices?.costOf(step.name, step.tokens) : undefined;
    this.parts.traces.find(this.work.trigger.id)?.addTurnStep({
      channelId: this.work.row.channelId,
      turnId: this.work.row.id,
      kind: step.kind,
      name: step.name,
      startedAt: isoTime(this.parts.clock.now() - step.ms),
      ms: step.ms,
      ...(step.firstTokenMs !== undefined && { firstTokenMs: step.firstTokenMs }),
      ...(step.tokens !== undefined && { tokens: step.tokens }),
      ...(cost !== undefined && { cost }),
      ...(step.code !== undefined && { code: step.code }),
    });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    if (this.#onStop !== undefined) this.parts.stopping.removeEventListener('abort', this.#onStop);
  }
}
