/**
 * What a crash or another process left behind goes on (OUT-08): lanes with due rows and turns are claimed and filled, in
 * order. Also keeps this kit's leases alive.
 */
import { insist } from '../async/insist.js';
import { isoTime, type Timer } from '../clock.js';
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { OutboxState, TurnState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { laneKey, type ClaimedWork } from '../store/store.js';
import type { TurnLane } from '../turns/lane.js';
import { catchUp, lacks } from './backlog.js';
import { leaveBehind } from './left-behind.js';
import { expireWaiting, isHeld, isOver, recoverDelivery } from './recovered.js';

const CLAIM_LIMIT = 500;
/** How long what is left to a process may wait for it when it did not hear of it. */
const SHARED_INTERVAL_MS = 1000;
/** How long work of a channel that is not registered here is left to others before it is looked at once more. */
const GIVEN_BACK_MS = 30_000;
const OPEN_ROWS: readonly OutboxState[] = ['queued', 'sending', 'unknown'];
const OPEN_TURNS: readonly TurnState[] = ['queued', 'running'];

/** What was put into lanes of this process. */
export interface RecoveredWork {
  readonly deliveries: number;
  readonly turns: number;
  /** When the earliest foreign lease or next attempt ends. */
  readonly nextDueAt: string | undefined;
}

type Counted = { deliveries: number; turns: number };

export class Recovery {
  #timer: Timer | undefined;
  #running: Promise<RecoveredWork> | undefined;
  #keeping: Timer | undefined;
  #stopped = false;
  #draining = false;
  /** Channels that rows or turns in the store wait for. */
  #absent: ReadonlySet<string> = new Set();
  /** Of a shared store: lanes that another process may have the channel for, and until when they are left alone. */
  readonly #givenBack = new Map<string, number>();
  #renewedAt = -Infinity;

  constructor(private readonly parts: KitParts) {}

  /** Channels that stored work waits for and that are not registered here. */
  get absentChannels(): ReadonlySet<string> {
    return this.#absent;
  }

  /** Begins at once where rows may have survived, then looks every recoverIntervalSeconds. */
  start(): void {
    if (this.#isConstant && this.#isPeriodic) this.#schedule(0);
  }

  /** Takes up nothing any more; what this process has stays its own until it has come to its end, or is handed over (KIT-03). */
  drain(): void {
    this.#draining = true;
    this.#timer?.cancel();
    this.keepLeases();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#keeping?.cancel();
  }

  /** A lease has begun, or is still there. Where nothing looks periodically it is prolonged as long as this process has anything to do. */
  keepLeases(): void {
    if ((this.#isPeriodic && !this.#draining) || this.#keeping !== undefined || !this.parts.store.shared || this.#stopped) return;
    const { clock, tasks, logger, limits } = this.parts;
    this.#keeping = clock.setTimer((limits.leaseSeconds * 1000) / 3, () => {
      this.#keeping = undefined;
      if (tasks.size === 0) return;
      void tasks.run(async () => {
        try {
          await this.parts.leases.keep();
          await this.#renew();
        } catch (error) {
          logger.error('Leases could not be prolonged; it is tried again.', { error });
        }
        this.keepLeases();
      });
    });
  }

  /** Claims what is due now; resolves when it is in its lanes. */
  run(): Promise<RecoveredWork> {
    return (this.#running ??= this.#claim().finally(() => {
      this.#running = undefined;
    }));
  }

  /** Somebody has left work that nobody holds. */
  soon(): void {
    this.#schedule(0);
  }

  /** Something waits for this channel: it is looked after until the channel comes or the time is over (OUT-10). */
  leave(channelId: string): void {
    if (!this.#absent.has(channelId)) this.#absent = new Set([...this.#absent, channelId]);
    if (this.#timer === undefined && this.#isPeriodic) this.#schedule(this.#intervalMs);
  }

  /** Off: whoever runs the kit calls `recover` (OPS-06). */
  get #isPeriodic(): boolean {
    return this.parts.limits.recoverIntervalSeconds > 0;
  }

  /** Others leave work at any time, and their leases end (COL-09). */
  get #intervalMs(): number {
    const { limits, store } = this.parts;
    const ms = limits.recoverIntervalSeconds * 1000;
    return store.shared ? Math.min(ms, SHARED_INTERVAL_MS, (limits.leaseSeconds * 1000) / 3) : ms;
  }

  /** The channel is here now. */
  registered(channelId: string): void {
    for (const lane of this.#givenBack.keys()) if (lane.endsWith(laneKey('', channelId))) this.#givenBack.delete(lane);
    if (this.#absent.has(channelId)) this.#schedule(0);
  }

  /** A row that had ended is open again: back into its lane. */
  async requeue(row: OutboxRow): Promise<void> {
    const { parts } = this;
    const { roomId, channelId } = row;
    const lane = parts.rooms.get(roomId).lane(channelId);
    if (parts.channels.get(channelId) === undefined) {
      leaveBehind(parts, lane, channelId);
    } else if (parts.store.shared) {
      this.soon(); // whoever has the lane finds it
    } else if (lane.idle) {
      catchUp(parts, lane, roomId, channelId, Infinity);
    } else {
      // It is open now, and nobody else knows of it.
      const delivery = await insist(parts, { rowId: row.id, channelId }, () => recoverDelivery(parts, row));
      if (delivery !== undefined) lane.push(delivery);
    }
  }

  /** Whether there may be work at any time that this process knows nothing of. */
  get #isConstant(): boolean {
    return this.parts.store.persistent || this.parts.store.shared;
  }

  #schedule(ms: number): void {
    if (this.#stopped || this.#draining) return;
    this.#timer?.cancel();
    const timer = this.parts.clock.setTimer(ms, () => {
      void this.parts.tasks.run(async () => {
        try {
          await this.run();
        } catch (error) {
          if (!this.#stopped) this.parts.logger.error('Recovery failed and is tried again.', { error });
        }
        if (this.#timer !== timer) return; // somebody was in a hurry meanwhile
        this.#timer = undefined;
        if (this.#isPeriodic && (this.#isConstant || this.#absent.size > 0)) this.#schedule(this.#intervalMs);
      });
    });
    this.#timer = timer;
  }

  async #claim(): Promise<RecoveredWork> {
    const { parts } = this;
    if (parts.store.shared) {
      await parts.leases.keep();
      await this.#renew();
    }
    const found = { deliveries: 0, turns: 0, nextDueAt: undefined as string | undefined };
    const before = this.#absent;
    const absent = new Set<string>();
    let limit = CLAIM_LIMIT;
    for (;;) {
      const exceptLanes = new Set([...this.#activeLanes(), ...this.#lanesOfOthers()]);
      const claimed = await parts.store.claimDue({
        owner: parts.owner,
        now: isoTime(parts.leases.now()),
        leaseUntil: parts.leases.end(),
        limit,
        exceptLanes,
      });
      const stuck = parts.store.shared ? await this.#pushEach(claimed, absent, found) : await this.#fillLanes(claimed, absent, found);
      found.nextDueAt = claimed.nextDueAt;
      if (claimed.rows.length + claimed.turns.length < limit || this.#stopped) break;
      // What cannot go on here comes with every claim, before what can.
      limit = CLAIM_LIMIT + stuck;
    }
    for (const channelId of this.#absent) if (!before.has(channelId)) absent.add(channelId); // left behind while we looked
    this.#absent = absent;
    parts.counters.recovered.deliveries += found.deliveries;
    parts.counters.recovered.turns += found.turns;
    return found;
  }

  /** Lanes whose channel is not registered here: another process may have it, and is not to be kept from it. */
  #lanesOfOthers(): Iterable<string> {
    const now = this.parts.clock.monotonic();
    for (const [lane, until] of this.#givenBack) if (until <= now) this.#givenBack.delete(lane);
    return this.#givenBack.keys();
  }

  /** What cannot go on here is nobody's again; now and then it is looked at, for its time may be up (OUT-10). */
  async #giveBack(rows: readonly OutboxRow[], turns: readonly TurnRow[]): Promise<void> {
    const { store, owner, clock } = this.parts;
    const nobodys = { leaseOwner: undefined, leaseUntil: undefined };
    for (const { roomId, channelId } of [...rows, ...turns]) this.#givenBack.set(laneKey(roomId, channelId), clock.monotonic() + GIVEN_BACK_MS);
    for (const { id } of rows) await store.updateRow(id, nobodys, OPEN_ROWS, owner);
    for (const { id } of turns) await store.updateTurn(id, nobodys, OPEN_TURNS, undefined, owner);
  }

  /** Every row that waits is written for it: three times in a lease is enough, and four leave room for one that fails. */
  async #renew(): Promise<void> {
    const { clock, leases, limits, owner, store } = this.parts;
    const now = clock.monotonic();
    if (now - this.#renewedAt < (limits.leaseSeconds * 1000) / 4) return;
    await store.renewLeases(owner, leases.end());
    this.#renewedAt = now;
  }

  /** Lanes that work in this process already. */
  #activeLanes(): Set<string> {
    const active = new Set<string>();
    for (const runtime of this.parts.rooms.all()) {
      for (const [channelId, lane] of runtime.lanes) if (!lane.idle) active.add(laneKey(runtime.roomId, channelId));
      for (const [channelId, lane] of runtime.turnLanes) if (!lane.idle) active.add(laneKey(runtime.roomId, channelId));
    }
    return active;
  }

  /** The store is this process's alone: an idle lane reads all that is left of it, in order. Returns how much stays where it is. */
  async #fillLanes(claimed: ClaimedWork, absent: Set<string>, found: Counted): Promise<number> {
    const { parts } = this;
    let stuck = 0;
    for (const row of claimed.rows) {
      const lane = parts.rooms.get(row.roomId).lane(row.channelId);
      if (isHeld(parts, row)) {
        stuck++;
      } else if (this.#isAbsent(row, absent)) {
        stuck++;
        lane.behind = true;
        if (isOver(parts, row)) await expireWaiting(parts, row);
      } else {
        found.deliveries++;
        if (lane.idle) catchUp(parts, lane, row.roomId, row.channelId, Infinity);
      }
    }
    for (const turn of claimed.turns) {
      const lane = parts.rooms.get(turn.roomId).turnLane(turn.channelId);
      if (this.#isAbsent(turn, absent)) {
        stuck++;
        lane.behind = true;
      } else {
        found.turns++;
        if (lane.idle) lane.catchUp(parts, { roomId: turn.roomId, channelId: turn.channelId, upToIndex: Infinity });
      }
    }
    return stuck;
  }

  /** Other processes have lanes too: only what was claimed is ours. */
  async #pushEach(claimed: ClaimedWork, absent: Set<string>, found: Counted): Promise<number> {
    const { parts } = this;
    let stuck = 0;
    const busy = this.#activeLanes();
    /** Lanes with something that comes by itself: what is behind it is found once it is there. */
    const held = new Set<string>();
    const reading = new Set<string>();
    const strangeRows = claimed.rows.filter((row) => this.#isAbsent(row, absent));
    const strangeTurns = claimed.turns.filter((turn) => this.#isAbsent(turn, absent));
    for (const row of strangeRows) await expireWaiting(parts, row);
    if (strangeRows.length + strangeTurns.length > 0) await this.#giveBack(strangeRows, strangeTurns);
    for (const row of claimed.rows) {
      if (parts.channels.get(row.channelId) === undefined) continue;
      const lane = parts.rooms.get(row.roomId).lane(row.channelId);
      const name = laneKey(row.roomId, row.channelId);
      if (lane.coming.has(row.id)) held.add(name);
      if (held.has(name)) continue;
      // It has begun to work while we asked: it reads for itself what it has not had.
      if (busy.has(name)) {
        if (!reading.has(name) && lacks(lane, row.eventIndex)) {
          reading.add(name);
          catchUp(parts, lane, row.roomId, row.channelId, Infinity);
        }
        continue;
      }
      const delivery = await recoverDelivery(parts, row);
      lane.knownIndex = Math.max(lane.knownIndex, row.eventIndex);
      if (delivery === undefined) stuck++;
      else {
        found.deliveries++;
        lane.push(delivery);
      }
    }
    const turnsRead = new Set<TurnLane>();
    for (const turn of claimed.turns) {
      const { roomId, channelId } = turn;
      if (parts.channels.get(channelId) === undefined) continue;
      const lane = parts.rooms.get(roomId).turnLane(channelId);
      if (lane.has(turn.id)) continue;
      found.turns++;
      if (turnsRead.has(lane)) continue;
      // The lane reads what is its own, in order: nothing that comes by itself meanwhile overtakes it.
      turnsRead.add(lane);
      lane.catchUp(parts, { roomId, channelId, upToIndex: Infinity });
    }
    return stuck;
  }

  #isAbsent({ channelId }: OutboxRow | TurnRow, absent: Set<string>): boolean {
    if (this.parts.channels.get(channelId) !== undefined) return false;
    absent.add(channelId);
    return true;
  }
}
