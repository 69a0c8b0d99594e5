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

const DEFAULT_MAX_QUEUED = 100;

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

  /** The check "is it idle" and the mark "it is busy" are one step: no message falls between (COL-06). */
  push(parts: KitParts, work: TurnWork): void {
    if (this.#busy) {
      const most = work.target.binding.collision?.maxQueued ?? DEFAULT_MAX_QUEUED;
      if (this.#waiting.length >= most) {
        void parts.tasks.run(() => rejectTurn(parts, work, 'turn_queue_full'));
        return;
      }
      this.#waiting.push(work);
      return;
    }
    this.#busy = true;
    void parts.tasks.run(() => this.#drain(parts, work));
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
    lane.push(parts, { row: { ...row, triggerIndex: event.index }, trigger: event, target, cascade, recovered: false });
  }
}
