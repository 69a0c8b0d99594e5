/** Hands a commit to the server's function, and says what it made of it (STO-01). */
import { keyDigest } from '../_shared/erased-key.js';
import {
  alreadyCommitted,
  ConflictError,
  copyJson,
  extractText,
  FencedError,
  frozenEvent,
  notPending,
  roomChanged,
  RoomNotFoundError,
  taskEnded,
  turnMovedOn,
  type CommitResult,
  type EventCommit,
  type OutboxRow,
  type Placed,
  type TurnRow,
} from './core.js';
import type { Row } from './connection.js';
import { codeOf, detailOf, violates } from './errors.js';
import type { GroupCommit } from './group-commit.js';
import type { KnownRooms } from './rooms.js';
import { decodeText, Json, jsonOf, parseJson, wordsOf } from './text.js';
import { eventOf, searchedWords } from './timeline.js';

/** The function of the server, and of which type its parameters are where the server cannot know it. */
export const COMMIT_CALL = '@commit_event';
export const COMMIT_PARAMETERS = ['::text', '::text[]', '', '::text[]', '', '', '', '', '::json[]', '::json[]', '', '', '', '', ''] as const;

export async function commitEvent(group: GroupCommit, rooms: KnownRooms, commit: EventCommit): Promise<CommitResult> {
  const { event } = commit;
  const { roomId } = event;
  // As they are now: whoever gave them may change them while the server works.
  const outbox = copyJson(commit.outbox?.slice());
  const turns = copyJson(commit.turns?.slice());
  const key = event.idempotencyKey;
  const digest = key === undefined ? undefined : keyDigest(key);
  const place = [event.id, event.source.channelId, digest, event.source.externalId, event.parentEventId, event.visibility];
  const kept = rooms.known(roomId);
  const more = moreOf(commit);
  const given = [
    roomId,
    place.map((one) => one ?? null),
    new Json(event),
    searchedWords(event),
    event.createdAt,
    commit.fencingToken ?? null,
    commit.expectedVersion ?? null,
    commit.expectedLatestIndex ?? null,
    outbox?.map((one) => new Json(one)) ?? null,
    turns?.map((one) => new Json(one)) ?? null,
    commit.now ?? null,
    more,
    kept?.stamp ?? null,
    kept?.members ?? null,
    commit.expectedRevision ?? null,
  ];
  let row;
  try {
    row = await (more === null ? group.run(roomId, given) : group.alone(given)).catch((error: unknown) => {
      // The same message, committed while this one waited for the room: by now it is there to be found.
      if (violates(error, 'events_by_key')) return group.alone(given);
      throw error;
    });
  } catch (error) {
    throw refusal(error, commit);
  }
  if (row === undefined) throw new RoomNotFoundError(roomId);
  const { index, earlier, target, targetIndex, room } = answerOf(row);
  const state = rooms.take(roomId, room, kept);
  if (earlier !== null) return { event: eventOf(earlier, index), state, duplicate: true };
  event.index = index;
  const isPlaced = commit.now !== undefined && (outbox !== undefined || turns !== undefined);
  return {
    event: frozenEvent(event),
    state,
    duplicate: false,
    ...(target !== null && { target: eventOf(target, targetIndex) }),
    ...(isPlaced && {
      placed: {
        rows: placed<OutboxRow>(outbox, row['placed_rows'], (one) => ({ ...one, eventIndex: index })),
        turns: placed<TurnRow>(turns, row['placed_turns'], (one) => ({ ...one, triggerIndex: index })),
      },
    }),
  };
}

/** What the function answers: its columns are few, and its lists in this order. */
function answerOf(row: Row) {
  const [index, eventCount, latestIndex, version, stamp, members, targetIndex] = row['numbers'] as number[];
  const [earlier = null, room = null, bindings = null, participants = null, target = null] = (row['models'] ?? []) as (string | null)[];
  const counters = { event_count: eventCount, latest_index: latestIndex, version, updated_at: row['updated_at'], stamp, members };
  return { index: index as number, earlier, target, targetIndex: targetIndex as number, room: { ...counters, room, bindings, participants } };
}

/** What few commits have, as one value; null when this one has none of it. */
function moreOf(commit: EventCommit): Json | null {
  const { roomPatch, binding, removeBinding, participant, target, completesTurn, approvals, resolves, turnChanges, tasks, endsTask } = commit;
  const more = { roomPatch, binding, removeBinding, participant, target, completesTurn, approvals, resolves, turnChanges, tasks, endsTask };
  if (Object.values(more).every((one) => one === undefined)) return null;
  const forgotten = Object.entries(roomPatch?.metadata ?? {}).filter(([, value]) => value === undefined);
  const completion = completesTurn && {
    state: completesTurn.state,
    endReason: completesTurn.endReason,
    replyEventIds: completesTurn.replyEventIds,
    usage: completesTurn.usage,
  };
  return jsonOf({
    ...more,
    ...(forgotten.length > 0 && { forgotten: forgotten.map(([key]) => key) }),
    ...(completion !== undefined && { completion }),
    ...(target?.content !== undefined && { targetWords: wordsOf(extractText(target.content)) }),
  });
}

/** Rows as they were stored: the server says so only of those it has put behind others. */
function placed<One>(given: readonly One[] | undefined, answers: unknown, indexed: (one: One) => One): Placed<One>[] {
  const list = answers as readonly (string | null)[] | null;
  return (given ?? []).map((one, n) => {
    const answer = parseJson<Placed<One> | null>(list?.[n] ?? 'null');
    return answer === null ? { row: indexed(one) } : { ...answer, row: indexed(answer.row) };
  });
}

/** The function's own errors, as those of every store. */
function refusal(error: unknown, { event, ...commit }: EventCommit): unknown {
  const detail = decodeText(detailOf(error));
  const { roomId } = event;
  switch (codeOf(error)) {
    case 'RK001':
      return new RoomNotFoundError(roomId);
    case 'RK002':
      return new FencedError(roomId, commit.fencingToken ?? -1, Number(detail));
    case 'RK003':
      return new ConflictError(`Room '${roomId}' has version ${detail}, not ${commit.expectedVersion}. Read it again and repeat the call.`);
    case 'RK004':
      return new ConflictError(`Room '${roomId}' has events up to ${detail}, not ${commit.expectedLatestIndex}. Read them and decide again.`);
    case 'RK009':
      return roomChanged(roomId);
    case 'RK005':
      return alreadyCommitted(detail);
    case 'RK006':
      return notPending(detail);
    case 'RK007':
      return turnMovedOn(detail, commit.turnChanges?.find(({ turnId }) => turnId === detail)?.from ?? []);
    case 'RK008':
      return taskEnded(detail);
    default:
      if (violates(error, 'events_by_index'))
        return new ConflictError(`Room '${roomId}' has an event with an index that its counters do not know of. Repeat the call.`);
      return error;
  }
}
