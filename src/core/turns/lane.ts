/**
 * A turn lane: one agent in one room, one turn at a time, in index order (TURN-01). What waits here is also a row in the
 * store, so that a crash loses nothing.
 */
import type { Broadcast } from '../delivery/broadcast.js';
import type { Target } from '../delivery/plan.js';
import type { TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { Cascade } from '../pipeline/cascade.js';
import { collisionOf, type Collision } from './collision.js';
import { rejectTurn, runTurn } from './run.js';

/** A turn that is to be run by this process. */
export interface TurnWork {
  row: TurnRow;
  readonly trigger: RoomEvent;
  readonly target: Target;
  readonly cascade: Cascade;
  /** A crashed attempt is run again (TURN-03). */
  readonly recovered: boolean;
}

export class TurnLane {
  #busy = false;
  readonly #waiting: TurnWork[] = [];
  /** Turns that their own commit wrote as running and that have not begun yet. */
  reserved = 0;

  get idle(): boolean {
    return !this.#busy && this.reserved === 0;
  }

  get depth(): number {
    return this.#waiting.length + (this.#busy ? 1 : 0);
  }

  /** Events that have a turn of their own coming: the running turn does not answer them (COL-01). */
  isWaiting(eventId: string): boolean {
    return this.#waiting.some((work) => work.row.triggerEventIds.includes(eventId));
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
    void parts.tasks.run(() => this.#drain(parts, work));
  }

  /** Messages of other agents are never turned away by a policy, only by a full queue (COL-06). */
  #whyRefused(work: TurnWork, collision: Collision): string | undefined {
    if (collision.policy === 'reject' && work.trigger.source.channelType !== 'ai') return 'agent_busy';
    return this.#waiting.length >= collision.maxQueued ? 'turn_queue_full' : undefined;
  }

  async #drain(parts: KitParts, first: TurnWork): Promise<void> {
    for (let work: TurnWork | undefined = first; work !== undefined; work = this.#waiting.shift()) {
      await runTurn(parts, this, work);
    }
    this.#busy = false;
  }
}

/** Hands the turns of a committed event to their lanes. The cascade waits for each. */
export function runTurns(broadcast: Broadcast, turns: readonly TurnRow[], agents: readonly Target[]): void {
  const { parts, runtime, cascade, event } = broadcast;
  for (const row of turns) {
    const target = agents.find((candidate) => candidate.channelId === row.channelId);
    if (target === undefined) continue;
    if (target.channel === undefined) {
      parts.logger.warn('An agent is not registered in this process; its turn waits for one that has it.', { channelId: row.channelId });
      continue;
    }
    const lane = runtime.turnLane(row.channelId);
    if (row.state === 'running') lane.reserved--;
    cascade.add();
    const collision = collisionOf(target.binding.collision, broadcast.state.room.collision, target.channel.collision);
    lane.push(parts, { row: { ...row, triggerIndex: event.index }, trigger: event, target, cascade, recovered: false }, collision);
  }
}
