/** One commit of a timeline (STO-01), within the running transaction: all of it or nothing. */
import type { SqliteApprovals } from './approvals.js';
import { ConflictError, patchedRoom, roomChanged, taskEnded, type CommitResult, type EventCommit, type RoomState, type Task } from './core.js';
import type { SqliteLateEvents } from './late-events.js';
import type { SqliteOutbox } from './outbox.js';
import type { SqlitePeople } from './people.js';
import type { SqliteRooms } from './rooms.js';
import type { SqliteTimeline } from './timeline.js';
import type { SqliteUsage } from './usage.js';

export class SqliteCommits {
  constructor(
    private readonly rooms: SqliteRooms,
    private readonly timeline: SqliteTimeline,
    private readonly late: SqliteLateEvents,
    private readonly outbox: SqliteOutbox,
    private readonly approvals: SqliteApprovals,
    private readonly people: SqlitePeople,
    private readonly usage: SqliteUsage,
  ) {}

  run(commit: EventCommit): CommitResult {
    const { event } = commit;
    const { roomId } = event;
    const state = this.#stateOf(roomId);
    if (event.idempotencyKey !== undefined) {
      const earlier = this.timeline.byKey(roomId, event.idempotencyKey);
      if (earlier !== null) return { event: earlier, state, duplicate: true };
    }
    this.rooms.checkFence(roomId, commit.fencingToken);
    checkExpected(state, commit);
    const completion = commit.completesTurn;
    if (completion !== undefined) this.outbox.checkCompletable(completion);
    const { approvals, resolves, turnChanges, tasks, endsTask } = commit;
    if (resolves !== undefined) this.approvals.checkPending(resolves);
    if (turnChanges !== undefined) this.outbox.checkChanges(turnChanges);
    const ending = endsTask === undefined ? undefined : this.#taskInProgress(endsTask.taskId);
    const stored = this.timeline.append(event, state.room.latestIndex + 1);
    const room = patchedRoom(state.room, commit.roomPatch, stored.index, stored.createdAt);
    if (commit.roomPatch === undefined) this.rooms.count(room);
    else this.rooms.put(room);
    if (commit.binding !== undefined) this.rooms.putBinding(commit.binding);
    if (commit.removeBinding !== undefined) this.rooms.removeBinding(roomId, commit.removeBinding);
    if (commit.participant !== undefined) this.rooms.putParticipant(commit.participant);
    const target = commit.target === undefined ? null : this.timeline.change(roomId, commit.target);
    if (commit.outbox !== undefined) this.outbox.addRows(commit.outbox, stored.index);
    if (commit.turns !== undefined) this.outbox.addTurns(commit.turns, stored.index);
    if (completion !== undefined) {
      this.outbox.complete(completion);
      if (completion.records !== undefined) this.usage.add(completion.records);
    }
    if (approvals !== undefined) this.approvals.add(approvals);
    if (resolves !== undefined) this.approvals.resolve(resolves);
    if (turnChanges !== undefined) for (const { turnId, patch } of turnChanges) this.outbox.updateTurn(turnId, patch, undefined);
    if (tasks !== undefined) for (const task of tasks) if (this.people.getTask(task.id) === null) this.people.putTask(task);
    if (ending !== undefined) this.people.putTask({ ...ending, ...endsTask?.patch });
    return { event: stored, state: this.rooms.require(roomId), duplicate: false, ...(target !== null && { target }) };
  }

  /** Where its events are ahead of what memory knows of it, the room is read again (STO-03). */
  #stateOf(roomId: string): RoomState {
    const known = this.rooms.require(roomId);
    if (known.room.latestIndex >= this.late.highestOf(roomId)) return known;
    this.rooms.reread(roomId);
    return this.rooms.require(roomId);
  }

  #taskInProgress(taskId: string): Task {
    const task = this.people.getTask(taskId);
    if (task?.status !== 'in_progress') throw taskEnded(taskId);
    return task;
  }
}

function checkExpected({ room, revision }: RoomState, commit: EventCommit): void {
  const { expectedVersion, expectedLatestIndex, expectedRevision } = commit;
  if (expectedRevision !== undefined && revision !== expectedRevision) throw roomChanged(room.id);
  if (expectedVersion !== undefined && room.version !== expectedVersion) {
    throw new ConflictError(`Room '${room.id}' has version ${room.version}, not ${expectedVersion}. Read it again and repeat the call.`);
  }
  if (expectedLatestIndex !== undefined && room.latestIndex !== expectedLatestIndex) {
    throw new ConflictError(`Room '${room.id}' has events up to ${room.latestIndex}, not ${expectedLatestIndex}. Read them and decide again.`);
  }
}
