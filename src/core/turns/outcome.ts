/** What a turn came to, and who is told: the caller, the store, hooks and the log (TURN-07). */
import { insist } from '../async/insist.js';
import { isoTime } from '../clock.js';
import type { Target } from '../delivery/plan.js';
import { AbortedError, errorCode, ProviderError, RoomKitError, TimeoutError } from '../errors.js';
import type { OperationError, TurnResult, TurnRow } from '../models/delivery.js';
import { EMPTY, EMPTY_LIST, type Awaitable } from '../models/json.js';
import type { UsageRecord } from '../models/usage.js';
import type { TurnEndReason, TurnState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { loadState } from '../pipeline/commit.js';
import type { PassOutcome } from '../pipeline/pass.js';
import { isAlreadyCommitted } from '../store/memory/outbox.js';
import { contextOf } from '../rooms/history.js';
import { noteEnd } from './notes.js';
import { triggersOf, type TurnWork } from './turn-work.js';

/** What the turn came to, before it is reported. */
export interface TurnOutcome {
  readonly state: TurnState;
  readonly endReason?: TurnEndReason;
  readonly reason?: string;
  readonly replyEventIds: readonly string[];
  readonly usage: Readonly<Record<string, number>>;
  readonly error?: OperationError | undefined;
  /** The turn row was completed by a commit: nothing is left to write. */
  readonly recorded: boolean;
}

/** What those who wait for it are told. */
export type TurnEnd = Pick<TurnOutcome, 'state'> & Partial<Pick<TurnOutcome, 'endReason' | 'reason' | 'replyEventIds' | 'usage' | 'error'>>;

export const NOTHING: { replyEventIds: readonly string[]; usage: Readonly<Record<string, number>>; recorded: boolean } = {
  replyEventIds: EMPTY_LIST,
  usage: EMPTY,
  recorded: false,
};

/** Why a turn that another process has, or has ended, goes on no further here. */
export const ALREADY_ENDED = 'turn_already_ended';

/** The row stays as it is: the next process takes the turn up again (TURN-03), so that closing loses no answer. */
export const CUT_BY_CLOSING: TurnOutcome = { ...NOTHING, state: 'queued', reason: 'kit_closed', recorded: true };

/** Why a turn's signal was aborted: somebody had more to say (COL-04). */
export class Interruption extends AbortedError {}

export const INTERRUPTED: TurnOutcome = { ...NOTHING, state: 'cancelled', endReason: 'cancelled', reason: 'interrupted' };

/** A turn that broke off. Nothing of a vendor's message enters the room or the result (TURN-07). */
export function brokenOff(parts: KitParts, work: TurnWork, error: unknown): TurnOutcome {
  if (parts.stopping.aborted) return CUT_BY_CLOSING;
  if (error instanceof Interruption) return INTERRUPTED;
  // Somebody else has ended it meanwhile: nothing has failed (STO-04).
  if (isAlreadyCommitted(error)) return { ...NOTHING, state: 'cancelled', reason: ALREADY_ENDED, recorded: true };
  return { ...NOTHING, state: 'failed', endReason: error instanceof TimeoutError ? 'timeout' : 'error', error: logFailure(parts, work, error) };
}

/** The log alone is told what the vendor said. */
export function logFailure(parts: KitParts, work: TurnWork, error: unknown): OperationError {
  const code = errorCode(error);
  parts.logger.error('A turn failed.', { roomId: work.row.roomId, channelId: work.row.channelId, turnId: work.row.id, code, error });
  const ours = error instanceof RoomKitError && !(error instanceof ProviderError);
  return { code, message: ours ? error.message : `The turn of '${work.row.channelId}' failed.`, channelId: work.row.channelId };
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

/** The end of a turn. Of the ordinary one nothing is left to write: its reply's commit has completed it. Never fails. */
export function endTurn(parts: KitParts, work: TurnWork, outcome: TurnOutcome): Awaitable<void> {
  noteEnd(parts, work, outcome);
  parts.counters.turnEnded(outcome.state);
  if (outcome === CUT_BY_CLOSING) handOver(parts, work);
  if (!outcome.recorded || outcome.error !== undefined) return recordEnd(parts, work, outcome);
  const records = work.running?.records;
  if (outcome !== CUT_BY_CLOSING) tellWatchers(parts, work);
  if ((outcome.state === 'queued' || outcome.state === 'waiting') && records !== undefined) return keepUsage(parts, work, outcome, records);
  tellEnded(work, outcome);
}

/** Hosts who follow the room (OUT-19). */
function tellWatchers({ news }: KitParts, work: TurnWork): void {
  for (const { id } of triggersOf(work)) news.tell(work.row.roomId, id, 'turn');
}

/** What closing has cut off, or not begun, is anybody's at once; to be cut off by it is no crash (TURN-03, OPS-07). */
function handOver(parts: KitParts, { row }: TurnWork): void {
  const { store, owner, tasks, elsewhere, logger } = parts;
  const left = { state: 'queued', leaseUntil: isoTime(0) } as const;
  void tasks.run(async () => {
    try {
      await store.updateTurn(row.id, left, ['queued', 'running'], undefined, store.shared ? owner : undefined);
      await elsewhere.handedOver();
    } catch (error) {
      logger.debug('A turn could not be handed over; it is recovered.', { turnId: row.id, error });
    }
  });
}

/** Whoever waits for the turn goes on, and whoever waits for one that is answered with it. */
export function tellEnded(work: TurnWork, outcome: TurnEnd): void {
  work.cascade.turns.push(resultOf(work, outcome));
  work.cascade.done();
  if (work.merged === undefined) return;
  for (const { cascade } of work.merged) {
    // What it cost is told once, with the turn that answered.
    cascade.turns.push({ ...resultOf(work, outcome), state: 'merged', usage: EMPTY });
    cascade.done();
  }
}

/** It goes on later; what it has cost so far was spent now. */
async function keepUsage(parts: KitParts, work: TurnWork, outcome: TurnOutcome, records: readonly UsageRecord[]): Promise<void> {
  try {
    await parts.store.addUsage?.(records);
  } catch (error) {
    parts.logger.error('What a turn has used could not be recorded.', { turnId: work.row.id, error });
  } finally {
    tellEnded(work, outcome);
  }
}

async function recordEnd(parts: KitParts, work: TurnWork, outcome: TurnOutcome): Promise<void> {
  let isTold = false;
  /** Whoever waits for the turn goes on, also when the store keeps its record waiting. */
  const tell = (): void => {
    if (!isTold) tellEnded(work, outcome);
    isTold = true;
  };
  try {
    if (!outcome.recorded) {
      const end = {
        state: outcome.state,
        replyEventIds: outcome.replyEventIds,
        usage: outcome.usage,
        ...(outcome.endReason !== undefined && { endReason: outcome.endReason }),
        ...(outcome.error !== undefined && { error: outcome.error }),
      };
      // Not forgotten because the store is away: the agent would be asked, and its tools run, once more.
      await insist(
        parts,
        { turnId: work.row.id },
        // Should another process have it by now, it ends there.
        () => parts.store.updateTurn(work.row.id, end, ['queued', 'running'], work.running?.records, parts.store.shared ? parts.owner : undefined),
        tell,
      );
    }
    tellWatchers(parts, work);
    if (outcome.error !== undefined) await tellFailure(parts, work.row, work.trigger.id, work.target, outcome.error);
  } catch (error) {
    // The store failed: the row stays running and is recovered (TURN-03).
    parts.logger.error('The end of a turn could not be recorded; it will be recovered.', { turnId: work.row.id, error });
  } finally {
    tell();
  }
}

/** A turn that never starts. */
export async function rejectTurn(parts: KitParts, work: TurnWork, reason: string): Promise<void> {
  parts.counters.turnEnded('rejected');
  try {
    await insist(parts, { turnId: work.row.id }, () => parts.store.updateTurn(work.row.id, { state: 'rejected' }, ['queued', 'running']));
    tellWatchers(parts, work);
  } finally {
    tellEnded(work, { state: 'rejected', reason });
  }
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
  if (ended !== null) parts.counters.turnEnded('failed');
  if (ended !== null) parts.news.tell(row.roomId, eventId, 'turn');
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
      {
        category: error.code === 'budget_exceeded' ? 'budget' : 'turn',
        code: error.code,
        message: error.message,
        room_id: roomId,
        channel_id: channelId,
        turn_id: id,
      },
      { roomId, source: target.binding, context: () => contextOf(state) },
    );
  }
}

function resultOf({ row }: TurnWork, outcome: TurnEnd): TurnResult {
  const { state, replyEventIds = EMPTY_LIST, usage = EMPTY, endReason, reason, error } = outcome;
  const result: { -readonly [Field in keyof TurnResult]: TurnResult[Field] } = {
    channelId: row.channelId,
    turnId: row.id,
    state,
    replyEventIds,
    usage,
  };
  if (endReason !== undefined) result.endReason = endReason;
  if (reason !== undefined) result.reason = reason;
  if (error !== undefined) result.error = error;
  return result;
}
