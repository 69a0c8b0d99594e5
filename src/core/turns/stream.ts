/**
 * A reply that is still being written (§18.2): previewed on every allowed target, gathered, and committed as one event
 * whose place in the timeline ends the previews.
 */
import { insistFirst } from '../async/insist.js';
import { errorCode } from '../errors.js';
import type { OperationError, ResponseStream, StreamOutcome } from '../models/delivery.js';
import type { EventDraft } from '../models/event.js';
import { EMPTY, EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { runPass, type PassOutcome } from '../pipeline/pass.js';
import type { RoomState } from '../store/store.js';
import type { TurnWork } from './turn-work.js';
import { CUT_BY_CLOSING, INTERRUPTED, Interruption, logFailure, reportDropped, type TurnOutcome } from './outcome.js';
import { Previews } from './previews.js';
import { replyFields, saidBefore, waitingKey } from './reply.js';
import { keepEffects } from './run.js';
import type { RunningTurn } from './running-turn.js';
import { suspendTurn } from './suspend.js';

export function streamReply(parts: KitParts, work: TurnWork, run: RunningTurn, state: RoomState, stream: ResponseStream): Awaitable<TurnOutcome> {
  const previews = new Previews(parts, work, state, stream);
  let text = '';
  const write = (delta: string): void => {
    if (delta === '') return;
    text += delta;
    previews.write(delta, text);
  };
  const end = (broken?: unknown): Awaitable<TurnOutcome> => {
    run.isComplete = true;
    return commitText({ parts, work, run, state, stream, previews }, text, broken);
  };
  const fail = (error: unknown): Awaitable<TurnOutcome> => end(error ?? new Error('The stream broke.'));
  if (work.interruptedBy !== undefined) return INTERRUPTED; // before its first word
  return (stream.pipe === undefined ? pull(stream, run, write) : push(stream, run, write)).then(() => end(), fail);
}

/** A maker that writes by itself. What it writes after the turn was cut short is nobody's business (CON-08). */
function push(stream: ResponseStream, run: RunningTurn, write: (delta: string) => void): Promise<void> {
  const piping = stream.pipe?.((delta) => {
    if (!run.aborted) write(delta);
  });
  return run.bounded(piping ?? Promise.resolve(), nothing);
}

/** A maker that has to be asked for each piece. */
async function pull(stream: ResponseStream, run: RunningTurn, write: (delta: string) => void): Promise<void> {
  const deltas = stream.deltas[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await run.bounded(deltas.next(), asItIs);
      if (step.done === true) return;
      write(step.value);
    }
  } catch (error) {
    leave(deltas);
    throw error;
  }
}

/** Leaving early aborts the model (STR-07). An iterator that hangs, or fails to be left, is nobody's concern any more. */
function leave(deltas: AsyncIterator<string>): void {
  void (async () => {
    try {
      await deltas.return?.();
    } catch {
      // It was given up already.
    }
  })();
}

function nothing(): void {
  // All of it was written already.
}

function asItIs<T>(value: T): T {
  return value;
}

const INTERRUPTED_BY = { reason: 'interrupted' } as const;

interface Written {
  readonly parts: KitParts;
  readonly work: TurnWork;
  readonly run: RunningTurn;
  readonly state: RoomState;
  readonly stream: ResponseStream;
  readonly previews: Previews;
}

/** The text is all there is going to be; `broken`: what the stream failed with. */
function commitText(written: Written, text: string, broken: unknown): Awaitable<TurnOutcome> {
  const { parts, work, run, previews } = written;
  const isInterrupted = broken instanceof Interruption;
  const outcome = finishOf(written.stream, broken, run);
  keepEffects(parts, work, outcome);
  const failure = broken !== undefined && outcome.cancelled !== true ? logFailure(parts, work, broken) : undefined;
  const error = outcome.error ?? failure;
  const { endReason, usage, suspend } = outcome;
  const isWaiting = suspend !== undefined && broken === undefined;
  if (text === '' && isWaiting) return suspendTurn(parts, work, suspend, { replyEventIds: saidBefore(work), usage });
  if (text === '') {
    // Nothing was said yet: the next process takes the turn up again.
    if (parts.stopping.aborted) return CUT_BY_CLOSING;
    previews.error(error?.code ?? 'empty');
    const state = error !== undefined ? 'failed' : outcome.cancelled === true ? 'cancelled' : 'empty';
    return { state, endReason, replyEventIds: saidBefore(work), usage, recorded: false, error, ...(isInterrupted && INTERRUPTED_BY) };
  }
  const state = outcome.cancelled === true ? 'cancelled' : error !== undefined ? 'failed' : 'committed';
  const done = (passed: PassOutcome): Awaitable<TurnOutcome> => {
    const ended = replied(written, passed, outcome, error);
    if (isWaiting && passed.kind !== 'dropped') return suspendTurn(parts, work, suspend, ended);
    return isInterrupted && ended.reason === undefined ? { ...ended, ...INTERRUPTED_BY } : ended;
  };
  const failed = (failure: unknown): never => {
    previews.error(errorCode(failure));
    throw failure;
  };
  try {
    const pass = (): Awaitable<PassOutcome> =>
      runPass(parts, {
        fields: fieldsOf(written, text, outcome, error, isWaiting ? waitingKey(work, saidBefore(work).length) : undefined),
        cascade: work.cascade,
        span: work.span,
        origin: 'reply',
        reply: {
          row: work.row,
          muteSuppresses: true,
          work,
          completes: isWaiting ? undefined : { turnId: work.row.id, state, endReason, replyEventIds: saidBefore(work), usage, records: run.records },
        },
        ...(previews.open.size > 0 && { streams: previews.open }),
        streamErrorCode: outcome.cancelled === true ? 'cancelled' : error?.code,
        startedAt: parts.clock.now(),
      });
    // The text is there only once: it is not lost because the store or the lock was away (TURN-03).
    const passing = insistFirst(parts, { turnId: work.row.id }, pass);
    return isPromise(passing) ? passing.then(done).catch(failed) : done(passing);
  } catch (failure) {
    return failed(failure);
  }
}

function fieldsOf(
  { work, state, stream }: Written,
  text: string,
  outcome: StreamOutcome,
  error: OperationError | undefined,
  key: string | undefined,
) {
  const { placeholder } = stream;
  const known = placeholder.metadata ?? EMPTY;
  const last = outcome.metadata ?? EMPTY;
  const { interruptedBy } = work;
  const cut =
    outcome.cancelled === true
      ? { cancelled: true, ...(interruptedBy !== undefined && { cancelled_by: interruptedBy }) }
      : error !== undefined
        ? { partial: true }
        : undefined;
  const draft: EventDraft = {
    type: placeholder.type,
    visibility: placeholder.visibility,
    parentEventId: placeholder.parentEventId,
    idempotencyKey: placeholder.idempotencyKey,
    addressedTo: placeholder.addressedTo,
    responseVisibility: placeholder.responseVisibility,
    channelData: placeholder.channelData,
    source: outcome.source ?? placeholder.source,
    content: Object.freeze({ type: 'text', body: text } as const),
    // What is known at the end often says all that was known at the beginning.
    metadata: cut === undefined && Object.keys(known).every((key) => key in last) ? last : { ...known, ...last, ...cut },
  };
  return replyFields(work, state, draft, key);
}

/** Every preview is closed: by the event in its place, or with a reason. */
function replied({ parts, work, previews }: Written, passed: PassOutcome, outcome: StreamOutcome, error: OperationError | undefined): TurnOutcome {
  const { endReason, usage } = outcome;
  if (passed.kind === 'dropped') {
    const reason = passed.reason ?? 'dropped';
    previews.error(reason);
    reportDropped(parts, work, passed);
    return { state: 'cancelled', reason, replyEventIds: saidBefore(work), usage, recorded: false };
  }
  if (passed.kind === 'blocked') previews.error('blocked', passed.event);
  else previews.closeUnplanned(passed.broadcast?.plan.transports ?? EMPTY_LIST, passed.event);
  return {
    state: error !== undefined ? 'failed' : outcome.cancelled === true ? 'cancelled' : 'committed',
    endReason,
    replyEventIds: passed.event === undefined ? saidBefore(work) : [...saidBefore(work), passed.event.id],
    usage,
    recorded: true,
    error,
  };
}

function finishOf(stream: ResponseStream, broken: unknown, run: RunningTurn): StreamOutcome {
  try {
    const outcome = stream.finish();
    if (broken instanceof Interruption) return cancelled(outcome);
    if (broken !== undefined && outcome.error === undefined && outcome.cancelled !== true) {
      return { ...outcome, endReason: run.aborted ? 'timeout' : 'error' };
    }
    return outcome;
  } catch {
    return broken instanceof Interruption ? cancelled({ endReason: 'cancelled', usage: EMPTY }) : { endReason: 'error', usage: EMPTY };
  }
}

/** Whatever its maker thinks of it: nothing has failed (COL-04). */
function cancelled({ error: _error, ...outcome }: StreamOutcome): StreamOutcome {
  return { ...outcome, endReason: 'cancelled', cancelled: true };
}
