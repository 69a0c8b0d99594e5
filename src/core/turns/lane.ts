/**
 * A turn lane: one agent in one room, one turn at a time, in index order (TURN-01). What waits here is also a row in the
 * store, so that a crash loses nothing.
 */
import { insist } from '../async/insist.js';
import { inCleanScope } from '../call-scope.js';
import type { CallScope } from '../turn-scope.js';
import type { Broadcast } from '../delivery/broadcast.js';
import { leaveBehind } from '../delivery/left-behind.js';
import type { Target } from '../delivery/plan.js';
import { recoverTurn } from '../delivery/recovered.js';
import type { TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { isPromise } from '../models/json.js';
import type { KitParts } from '../parts.js';
import type { Cascade } from '../pipeline/cascade.js';
import { collisionOf, type Collision } from './collision.js';
import { rejectTurn } from './outcome.js';
import { runTurn } from './run.js';
import type { RunningTurn } from './running-turn.js';

/** A turn that is to be run by this process. */
export interface TurnWork {
  row: TurnRow;
  readonly trigger: RoomEvent;
  readonly target: Target;
  readonly cascade: Cascade;
  /** A crashed attempt is run again (TURN-03). */
  readonly recovered: boolean;
  /** Set once the agent is asked. */
  running?: RunningTurn;
  scope?: CallScope;
}

export class TurnLane {
  #busy = false;
  /** Busy with a turn, not with looking for older ones. */
  #isRunning = false;
  readonly #waiting: (TurnWork | Backlog)[] = [];
  /** Turns whose commit is under way or done and that are not in the lane yet: nothing may come between. */
  reserved = 0;

  constructor(
    /** The store may hold older turns of this lane: they are read before the next one is run. */
    public behind = false,
  ) {}

  get idle(): boolean {
    return !this.#busy && this.reserved === 0;
  }

  get depth(): number {
    return this.#waiting.length + (this.#busy ? 1 : 0);
  }

  /** Events that have a turn of their own coming: the running turn does not answer them (COL-01). */
  isWaiting(eventId: string): boolean {
    return this.#waiting.some((work) => 'row' in work && work.row.triggerEventIds.includes(eventId));
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * The check "is it idle" and the mark "it is busy" are one step: no message falls between (COL-06). Without `collision`
   * the turn was accepted before, by a process that is gone, and waits whatever else does.
   */
  push(parts: KitParts, work: TurnWork, collision?: Collision): void {
    if (this.#busy) {
      const refusal = collision === undefined ? undefined : this.#whyRefused(work, collision);
      if (refusal !== undefined) void parts.tasks.run(() => rejectTurn(parts, work, refusal));
      else this.#waiting.push(work);
      return;
    }
    this.#busy = true;
    this.#begin(parts, work);
  }

  /** Puts what the store holds of this lane in front of what is pushed from now on. */
  catchUp(parts: KitParts, backlog: Backlog): void {
    this.behind = false;
    if (this.#busy) {
      this.#waiting.push(backlog);
      return;
    }
    this.#busy = true;
    this.#begin(parts, backlog);
  }

  /** In a context of its own: later turns are not part of what caused the first one (CON-09). */
  #begin(parts: KitParts, first: TurnWork | Backlog): void {
    inCleanScope(() => this.#drain(parts, first));
  }

  /** Messages of other agents are never turned away by a policy, only by a full queue (COL-06). */
  #whyRefused(work: TurnWork, collision: Collision): string | undefined {
    const waiting = this.#waiting.reduce((count, next) => count + ('row' in next ? 1 : 0), 0);
    if (!this.#isRunning && waiting === 0) return undefined; // it only looks what is left behind
    if (collision.policy === 'reject' && work.trigger.source.channelType !== 'ai') return 'agent_busy';
    return waiting >= collision.maxQueued ? 'turn_queue_full' : undefined;
  }

  /** One after the other; the kit's tasks know of what has to be waited for. */
  #drain(parts: KitParts, first: TurnWork | Backlog | undefined): void {
    for (let work = first; work !== undefined; work = this.#waiting.shift()) {
      this.#isRunning = 'row' in work;
      const running = 'row' in work ? runTurn(parts, this, work) : this.#readBacklog(parts, work);
      if (isPromise(running)) {
        parts.tasks.follow(running, () => this.#drain(parts, this.#waiting.shift()));
        return;
      }
    }
    this.#isRunning = false;
    this.#busy = false;
  }

  async #readBacklog(parts: KitParts, { roomId, channelId, upToIndex }: Backlog): Promise<void> {
    try {
      const works = await insist(parts, { roomId, channelId }, async () => {
        const found: TurnWork[] = [];
        for (const turn of await parts.store.listTurns({ roomId, channelId, state: ['queued', 'running'] })) {
          if (turn.triggerIndex > upToIndex) break;
          const work = await recoverTurn(parts, turn);
          if (work !== undefined) found.push(work);
        }
        return found;
      });
      this.#waiting.unshift(...works);
      if (parts.channels.get(channelId) === undefined) leaveBehind(parts, this, channelId);
    } catch (error) {
      if (!parts.stopping.aborted)
        parts.logger.error('What is left of a turn lane could not be read; it is tried again.', { roomId, channelId, error });
      leaveBehind(parts, this, channelId);
    }
  }
}

/** Turns that the store holds and the lane does not. */
export interface Backlog {
  readonly roomId: string;
  readonly channelId: string;
  /** What comes after this index is new, and comes by itself. */
  readonly upToIndex: number;
}

/** Hands the turns of a committed event to their lanes. The cascade waits for each. */
export function runTurns(broadcast: Broadcast, turns: readonly TurnRow[], agents: readonly Target[], reserved: boolean): void {
  const { parts, runtime, cascade, event } = broadcast;
  for (const row of turns) {
    const target = agents.find((candidate) => candidate.channelId === row.channelId);
    if (target === undefined) continue;
    const lane = runtime.turnLane(row.channelId);
    if (reserved) lane.reserved--;
    if (target.channel === undefined) {
      leaveBehind(parts, lane, row.channelId);
      parts.logger.warn('An agent is not registered in this process; its turn waits for one that has it.', { channelId: row.channelId });
      continue;
    }
    if (lane.behind) lane.catchUp(parts, { roomId: event.roomId, channelId: row.channelId, upToIndex: event.index - 1 });
    cascade.add();
    const collision = collisionOf(target.binding.collision, broadcast.state.room.collision, target.channel.collision);
    lane.push(parts, { row: { ...row, triggerIndex: event.index }, trigger: event, target, cascade, recovered: false }, collision);
  }
}
