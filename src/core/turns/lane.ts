/**
 * A turn lane: one agent in one room, one turn at a time, in index order (TURN-01). What waits here is also a row in the
 * store, so that a crash loses nothing. What becomes of a message that comes while a turn runs, its policy says (§17).
 */
import { insist } from '../async/insist.js';
import { inCleanScope } from '../call-scope.js';
import type { KeptByAgent } from '../channel.js';
import type { Broadcast } from '../delivery/broadcast.js';
import { leaveBehind } from '../delivery/left-behind.js';
import type { Target } from '../delivery/plan.js';
import { recoverTurn } from '../delivery/recovered.js';
import type { TurnRow } from '../models/delivery.js';
import { EMPTY, EMPTY_LIST, isPromise } from '../models/json.js';
import type { KitParts } from '../parts.js';
import type { Placement } from '../store/store.js';
import { collisionOf } from './collision.js';
import { Gathering } from './gathering.js';
import { endInterrupted, reportInterruption } from './interruption.js';
import { mergeInto } from './merge.js';
import { noteTurn } from './notes.js';
import { rejectTurn } from './outcome.js';
import { runTurn } from './run.js';
import { canShareAnswer, type Backlog, type TurnWork } from './turn-work.js';

export class TurnLane {
  #busy = false;
  /** The turn that runs; not set while the lane looks for older ones, or waits for what may follow a message. */
  #current: TurnWork | undefined;
  readonly #waiting: (TurnWork | Backlog)[] = [];
  /** Turns whose commit is under way or done and that are not in the lane yet: nothing may come between. */
  reserved = 0;
  readonly kept: KeptByAgent = { value: undefined };
  /** Of a shared store: turns that this process commits, and that come into the lane by themselves; nobody else brings them. */
  readonly coming = new Set<string>();
  /** The newest index this lane has had: of a shared store, what others put behind it is newer (STO-16). */
  knownIndex = -1;

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

  /** Whether this turn runs here, waits here, or is about to come. */
  has(turnId: string): boolean {
    return this.coming.has(turnId) || this.#current?.row.id === turnId || this.#waiting.some((work) => 'row' in work && work.row.id === turnId);
  }

  /** Whether the turn of this message runs here or waits here. */
  holds(triggerIndex: number): boolean {
    return this.#current?.row.triggerIndex === triggerIndex || this.#waiting.some((work) => 'row' in work && work.row.triggerIndex === triggerIndex);
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether anything waits that a running turn may take in (COL-03). */
  get hasSteering(): boolean {
    return this.#waiting.length > 0 && this.#waiting.some((waiting) => 'row' in waiting && waiting.collision.policy === 'steer');
  }

  /** The check "is it idle" and the mark "it is busy" are one step: no message falls between (COL-06). */
  push(parts: KitParts, work: TurnWork): void {
    if (this.#busy) {
      // A turn that was accepted before, by a process that is gone, is never turned away.
      const refusal = work.recovered ? undefined : this.#whyRefused(work);
      if (refusal !== undefined) {
        noteTurn(parts, work, 'rejected', { reason: refusal });
        void parts.tasks.run(() => rejectTurn(parts, work, refusal));
      } else this.#wait(parts, work);
      return;
    }
    this.#busy = true;
    if (work.collision.policy === 'burst' && work.collision.leadingDebounceMs > 0) {
      this.#wait(parts, work);
      this.#begin(parts, new Gathering(this.#waiting, work.collision.leadingDebounceMs));
    } else this.#begin(parts, work);
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

  /** Another process has this turn, or it has ended. Should it be given back, it is not known here any more, and goes before what is behind it. */
  lost(triggerIndex: number): void {
    this.knownIndex = Math.min(this.knownIndex, triggerIndex - 1);
  }

  /** Another process has the lane: what waits here is not ours either, though it may be given back before it is looked at. */
  letGo(): readonly TurnWork[] {
    this.knownIndex = -1;
    return this.#remove(() => true);
  }

  /** What other processes have put behind this lane, each as if its message had come here (COL-09). */
  async hear(parts: KitParts, roomId: string, channelId: string): Promise<void> {
    for (const turn of await parts.store.listTurns({ roomId, channelId, state: ['queued', 'running'] })) {
      if (turn.leaseOwner !== parts.owner || this.has(turn.id)) continue;
      if (turn.state === 'running' || turn.triggerIndex <= this.knownIndex) {
        // Something older is on its way into the lane, such as what a dead process has left: nothing overtakes it.
        this.catchUp(parts, { roomId, channelId, upToIndex: Infinity });
        return;
      }
      const work = await recoverTurn(parts, turn);
      if (work === undefined || turn.triggerIndex <= this.knownIndex || this.has(turn.id)) continue; // meanwhile it was read by somebody else
      this.knownIndex = turn.triggerIndex;
      this.push(parts, { ...work, recovered: turn.attempts > 0 });
    }
  }

  /**
   * Messages that wait and that the running turn may take in (COL-03). They are part of it once the store says so; undefined
   * when there are none. They leave the queue at once: nobody else begins them meanwhile.
   */
  takeIn(parts: KitParts, work: TurnWork, mayRead: (waiting: TurnWork) => boolean): Promise<readonly TurnWork[]> | undefined {
    if (this.#waiting.length === 0) return undefined;
    const taken = this.#remove(
      (waiting) => waiting.collision.policy === 'steer' && isQueued(waiting) && canShareAnswer(waiting, work) && mayRead(waiting),
    );
    return taken.length === 0 ? undefined : this.#join(parts, work, taken);
  }

  async #join(parts: KitParts, work: TurnWork, taken: readonly TurnWork[]): Promise<readonly TurnWork[]> {
    let joined: readonly TurnWork[] | undefined;
    try {
      joined = await mergeInto(parts, work, taken);
    } catch (error) {
      if (!parts.stopping.aborted) parts.logger.error('Messages could not join a running turn; they get their own.', { turnId: work.row.id, error });
    }
    if (joined === undefined) this.#putBack(taken);
    return joined ?? [];
  }

  /** In a context of its own: later turns are not part of what caused the first one (CON-09). */
  #begin(parts: KitParts, first: Step): void {
    inCleanScope(() => this.#drain(parts, first));
  }

  /** Messages of other agents are never turned away by a policy, only by a full queue (COL-06). */
  #whyRefused({ collision }: TurnWork): string | undefined {
    const waiting = this.#waiting.reduce((count, next) => count + ('row' in next ? 1 : 0), 0);
    if (this.#current === undefined && waiting === 0) return undefined; // it only looks what is left behind
    if (collision.policy === 'reject') return 'agent_busy';
    if (collision.policy === 'interrupt') return undefined; // it is the next, and what it overtakes of its kind is given up
    return waiting >= collision.maxQueued ? 'turn_queue_full' : undefined;
  }

  #wait(parts: KitParts, work: TurnWork): void {
    if (work.collision.policy === 'interrupt') return this.#interrupt(parts, work);
    if (work.collision.policy === 'burst') work.arrivedAt = arrivalOf(parts, work);
    noteTurn(parts, work, 'queued', this.#current === undefined ? {} : { reason: 'agent_busy' });
    this.#waiting.push(work);
  }

  /** COL-04: what runs is cut short, what waits of the same kind is given up, and this is the next. */
  #interrupt(parts: KitParts, work: TurnWork): void {
    const current = this.#current;
    // Where several processes write, a message may come here after a newer one: then that is what the person wants answered.
    const isNewer = (other: TurnWork | Backlog): other is TurnWork =>
      'row' in other && other.collision.policy === 'interrupt' && isBefore(work, other);
    const newer = current !== undefined && isNewer(current) ? current : this.#waiting.findLast(isNewer);
    if (newer !== undefined) {
      noteTurn(parts, work, 'queued', { reason: 'agent_busy' });
      return this.#giveUp(parts, [work], newer);
    }
    if (current !== undefined && current.interruptedBy === undefined && current.running?.isComplete !== true) {
      current.interruptedBy = work.trigger.id;
      reportInterruption(parts, current);
      current.running?.interrupt();
    }
    noteTurn(parts, work, 'queued', { reason: 'agent_busy' });
    this.#giveUp(
      parts,
      this.#remove((waiting) => waiting.collision.policy === 'interrupt'),
      work,
    );
    const first = this.#waiting.findIndex((waiting) => 'row' in waiting);
    this.#waiting.splice(first === -1 ? this.#waiting.length : first, 0, work);
  }

  #giveUp(parts: KitParts, works: readonly TurnWork[], by: TurnWork): void {
    for (const work of works) {
      work.interruptedBy = by.trigger.id;
      reportInterruption(parts, work);
      void parts.tasks.run(() => endInterrupted(parts, work));
    }
  }

  /** One after the other; the kit's tasks know of what has to be waited for. */
  #drain(parts: KitParts, first: Step | undefined): void {
    for (let step = first; step !== undefined; step = this.#next()) {
      this.#current = 'row' in step ? step : undefined;
      const doing =
        'row' in step ? runTurn(parts, this, step) : step instanceof Gathering ? this.#gather(parts, step) : this.#readBacklog(parts, step);
      if (isPromise(doing)) {
        parts.tasks.follow(doing, () => this.#drain(parts, this.#next()));
        return;
      }
    }
    this.#current = undefined;
    this.#busy = false;
  }

  /** What comes next. Messages of a burst are gathered first; in all else the oldest is the first. */
  #next(): Step | undefined {
    const head = this.#waiting[0];
    if (head === undefined || !('row' in head) || head.collision.policy !== 'burst' || head.isGathered === true || !isQueued(head))
      return this.#waiting.shift();
    return new Gathering(this.#waiting, head.collision.debounceMs);
  }

  /** Waits until nothing more comes, and makes one turn of what has come (COL-02). */
  async #gather(parts: KitParts, gathering: Gathering): Promise<void> {
    await gathering.settled(parts);
    const group = gathering.group(parts);
    const newest = group.at(-1);
    if (newest === undefined) return;
    this.#remove((waiting) => group.includes(waiting));
    let works: readonly TurnWork[] = [newest];
    if (group.length > 1) {
      try {
        if ((await mergeInto(parts, newest, group.slice(0, -1))) === undefined) works = group;
      } catch (error) {
        if (!parts.stopping.aborted) parts.logger.error('Messages could not be made one turn; each gets its own.', { turnId: newest.row.id, error });
        works = group;
      }
    }
    for (const work of works) work.isGathered = true;
    this.#putBack(works);
  }

  #remove(isMeant: (work: TurnWork) => boolean): TurnWork[] {
    const removed: TurnWork[] = [];
    const kept = this.#waiting.filter((waiting) => {
      if (!('row' in waiting) || !isMeant(waiting)) return true;
      removed.push(waiting);
      return false;
    });
    if (removed.length > 0) this.#waiting.splice(0, this.#waiting.length, ...kept);
    return removed;
  }

  /** In front of what came meanwhile, behind what is to be read first. */
  #putBack(works: readonly TurnWork[]): void {
    const first = this.#waiting.findIndex((waiting) => 'row' in waiting);
    this.#waiting.splice(first === -1 ? this.#waiting.length : first, 0, ...works);
  }

  /** In front of what is newer, and came by itself while this was read. */
  #insert(work: TurnWork): void {
    const at = this.#waiting.findIndex((waiting) => 'row' in waiting && waiting.row.triggerIndex > work.row.triggerIndex);
    this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, work);
  }

  async #readBacklog(parts: KitParts, { roomId, channelId, upToIndex }: Backlog): Promise<void> {
    try {
      const works = await insist(parts, { roomId, channelId }, async () => {
        const found: TurnWork[] = [];
        for (const turn of await parts.store.listTurns({ roomId, channelId, state: ['queued', 'running'] })) {
          if (turn.triggerIndex > upToIndex) break;
          if (parts.store.shared && (turn.leaseOwner !== parts.owner || this.has(turn.id))) continue;
          const work = await recoverTurn(parts, turn);
          if (work !== undefined) found.push(work);
        }
        return found;
      });
      // What came by itself while this was read is here already: twice here, one of them would put an end to the other.
      const missing = works.filter((work) => !this.has(work.row.id));
      for (const work of missing) if (work.collision.policy === 'burst') work.arrivedAt = arrivalOf(parts, work);
      for (const work of missing) this.#insert(work);
      // What had been interrupted when the process ended, or was about to be, is not begun again.
      const interrupting = this.#waiting.filter((waiting) => 'row' in waiting).filter(({ collision }) => collision.policy === 'interrupt');
      const newest = interrupting.reduce<TurnWork | undefined>((best, work) => (best !== undefined && isBefore(work, best) ? best : work), undefined);
      if (newest !== undefined)
        this.#giveUp(
          parts,
          this.#remove((work) => work !== newest && interrupting.includes(work)),
          newest,
        );
      if (parts.channels.get(channelId) === undefined) leaveBehind(parts, this, channelId);
    } catch (error) {
      if (!parts.stopping.aborted)
        parts.logger.error('What is left of a turn lane could not be read; it is tried again.', { roomId, channelId, error });
      leaveBehind(parts, this, channelId);
    }
  }
}

type Step = TurnWork | Backlog | Gathering;

/** Whether one's message came before the other's. */
function isBefore(one: TurnWork, other: TurnWork): boolean {
  return one.row.triggerIndex < other.row.triggerIndex;
}

/** Whether its row is one that waits: what a crash has cut off is run again by itself (TURN-03). */
function isQueued({ row }: TurnWork): boolean {
  return row.state === 'queued';
}

/** By the clock that does not jump; what an earlier process left has waited since it was stored. */
function arrivalOf(parts: KitParts, { row, recovered }: TurnWork): number {
  const now = parts.clock.monotonic();
  return recovered ? now - Math.max(0, parts.clock.now() - Date.parse(row.createdAt)) : now;
}

/** Hands the turns of a committed event to their lanes. The cascade waits for each. */
export function runTurns(broadcast: Broadcast, turns: readonly TurnRow[], agents: readonly Target[], reserved: boolean, placed?: Placement): void {
  const { parts, runtime, cascade, event } = broadcast;
  for (const row of turns) {
    const target = agents.find((candidate) => candidate.channelId === row.channelId);
    if (target === undefined) continue;
    const lane = runtime.turnLane(row.channelId);
    if (reserved) lane.reserved--;
    lane.coming.delete(row.id);
    if (target.channel === undefined) {
      leaveBehind(parts, lane, row.channelId);
      parts.logger.warn('An agent is not registered in this process; its turn waits for one that has it.', { channelId: row.channelId });
      continue;
    }
    const placing = placed?.turns.find((candidate) => candidate.row.id === row.id);
    if (placing !== undefined && placing.row.leaseOwner !== parts.owner) {
      // Another process works on this lane, or nobody does (STO-16).
      parts.elsewhere.wake(placing.row.leaseOwner, { kind: 'turns', roomId: event.roomId, channelId: row.channelId });
      cascade.turns.push({ channelId: row.channelId, turnId: row.id, state: 'queued', replyEventIds: EMPTY_LIST, usage: EMPTY });
      continue;
    }
    // What it had it may have lost, and have again: then the store knows of something older that is not here.
    const previous = placing?.previousIndex;
    const isBehind = previous === undefined ? lane.behind : previous > lane.knownIndex || !lane.holds(previous);
    if (isBehind) lane.catchUp(parts, { roomId: event.roomId, channelId: row.channelId, upToIndex: event.index - 1 });
    if (placing !== undefined) lane.knownIndex = event.index;
    cascade.add();
    const layers = { binding: target.binding.collision, room: broadcast.state.room.collision, agent: target.channel.collision };
    const collision = collisionOf(layers, event.source);
    const stored = placing?.row ?? (row.triggerIndex === event.index ? row : { ...row, triggerIndex: event.index });
    const work: TurnWork = { row: stored, trigger: event, target, cascade, collision, recovered: false };
    if (parts.tracer.enabled) work.causeSpan = broadcast.causeSpan;
    lane.push(parts, work);
  }
}
