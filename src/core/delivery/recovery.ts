/**
 * What a crash or another process left behind goes on (OUT-08): due rows and turns are claimed and put in their lanes, in
 * order. Also keeps this kit's leases alive.
 */
import { isoTime, type Timer } from '../clock.js';
import type { DeliveryFailure, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import { Cascade } from '../pipeline/cascade.js';
import { RoomContextView } from '../rooms/context.js';
import { laneKey, type RoomState } from '../store/store.js';
import { endCrashedTurn } from '../turns/run.js';
import { DurableDelivery, type DeliveryFrame } from './durable.js';
import { EventForms } from './forms.js';
import { planFor, type Target } from './plan.js';

const CLAIM_LIMIT = 500;
const MAX_TURN_ATTEMPTS = 2;

export class Recovery {
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(private readonly parts: KitParts) {}

  /** Begins at once where rows may have survived, then looks every recoverIntervalSeconds. */
  start(): void {
    if (this.parts.store.persistent || this.parts.store.shared) this.#schedule(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Claims what is due now; resolves when it is in its lanes. */
  run(): Promise<void> {
    return (this.#running ??= this.#claim().finally(() => {
      this.#running = undefined;
    }));
  }

  #schedule(ms: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.parts.clock.setTimer(ms, () => {
      void this.parts.tasks.run(async () => {
        try {
          await this.run();
        } catch (error) {
          if (!this.#stopped) this.parts.logger.error('Recovery failed and is tried again.', { error });
        }
        this.#schedule(this.parts.limits.recoverIntervalSeconds * 1000);
      });
    });
  }

  async #claim(): Promise<void> {
    const { parts } = this;
    const now = parts.clock.now();
    const leaseUntil = isoTime(now + parts.limits.leaseSeconds * 1000);
    const active = this.#activeLanes();
    if (parts.store.shared) await parts.store.renewLeases(parts.owner, leaseUntil);
    const claimed = await parts.store.claimDue({ owner: parts.owner, now: isoTime(now), leaseUntil, limit: CLAIM_LIMIT, exceptLanes: active });
    const states = new Map<string, RoomState | null>();
    for (const row of claimed.rows) await this.#resumeRow(row, states);
    for (const turn of claimed.turns) await this.#resumeTurn(turn, states);
    if (claimed.rows.length + claimed.turns.length >= CLAIM_LIMIT && !this.#stopped) this.#schedule(0);
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

  async #resumeRow(row: OutboxRow, states: Map<string, RoomState | null>): Promise<void> {
    const { parts } = this;
    // Held unknown until a callback or a person decides (OUT-09).
    if (row.state === 'unknown' && parts.options.onUnknown === 'hold') return;
    const found = await this.#frame(row.roomId, row.eventId, row.channelId, states);
    if (found === undefined) {
      const lastError: DeliveryFailure = { code: 'cancelled', message: 'The room, its event or the binding is gone.', retryable: false };
      await parts.store.updateRow(row.id, { state: 'cancelled', lastError });
      return;
    }
    if (found.target.channel === undefined) {
      await this.#expireWaiting(row);
      return;
    }
    // A claimed row is another owner's unfinished one, whatever name it carries: its outcome is unknown (OUT-09).
    const { leaseOwner: _owner, ...unowned } = row;
    found.target.lane.push(new DurableDelivery(parts, found.target, unowned, found.event, found.frame));
  }

  /** No channel of this process can send it; it waits, but not for ever (OUT-10). */
  async #expireWaiting(row: OutboxRow): Promise<void> {
    const { parts } = this;
    if (Date.parse(row.expiresAt) >= parts.clock.now()) return;
    const lastError: DeliveryFailure = { code: 'expired', message: 'No process had the channel in time.', retryable: false };
    const changed = await parts.store.updateRow(row.id, { state: 'expired', lastError }, ['queued', 'sending', 'unknown']);
    if (changed !== null && parts.framework.has('delivery_failed')) {
      parts.framework.emit('delivery_failed', {
        roomId: row.roomId,
        channelId: row.channelId,
        eventId: row.eventId,
        data: { code: 'expired', error: lastError.message, attempts: row.attempts },
      });
    }
  }

  async #resumeTurn(turn: TurnRow, states: Map<string, RoomState | null>): Promise<void> {
    const { parts } = this;
    const eventId = turn.triggerEventIds.at(-1);
    const found = eventId === undefined ? undefined : await this.#frame(turn.roomId, eventId, turn.channelId, states);
    if (found === undefined) {
      await parts.store.updateTurn(turn.id, { state: 'cancelled' }, ['queued', 'running']);
      return;
    }
    if (found.target.channel === undefined) return;
    const crashed = turn.state === 'running';
    if (crashed && turn.attempts >= MAX_TURN_ATTEMPTS) {
      await endCrashedTurn(parts, turn, found.event.id, found.target);
      return;
    }
    if (crashed && parts.framework.has('turn_recovered')) {
      parts.framework.emit('turn_recovered', { roomId: turn.roomId, channelId: turn.channelId, eventId: found.event.id, data: { turn_id: turn.id } });
    }
    const cascade = new Cascade();
    cascade.rootEventId = found.event.correlationId ?? found.event.id;
    cascade.add();
    parts.rooms
      .get(turn.roomId)
      .turnLane(turn.channelId)
      .push(parts, { row: turn, trigger: found.event, target: found.target, cascade, recovered: true });
  }

  async #frame(
    roomId: string,
    eventId: string,
    channelId: string,
    states: Map<string, RoomState | null>,
  ): Promise<{ event: RoomEvent; target: Target; frame: DeliveryFrame } | undefined> {
    const { parts } = this;
    let state = states.get(roomId);
    if (state === undefined) {
      state = await parts.store.loadRoom(roomId);
      states.set(roomId, state);
    }
    if (state === null) return undefined;
    const event = await parts.store.getEvent(roomId, eventId);
    if (event === null) return undefined;
    const plan = planFor(parts, parts.rooms.get(roomId), state, event.source.channelId, 'all');
    const target = [...plan.transports, ...plan.agents].find((candidate) => candidate.channelId === channelId);
    if (target === undefined) return undefined;
    const context = new RoomContextView(state.room, state.bindings, state.participants);
    const frame: DeliveryFrame = {
      forms: new EventForms(parts, event, plan.source),
      context,
      settle: (result) => {
        if (result.status === 'failed') frame.failed(channelId, result.error, result.attempts);
        else if (result.status === 'sent' && parts.framework.has('delivery_succeeded')) {
          parts.framework.emit('delivery_succeeded', { roomId, channelId, eventId, data: { attempts: result.attempts } });
        }
      },
      failed: (_channelId, error, attempts) => {
        if (parts.framework.has('delivery_failed')) {
          parts.framework.emit('delivery_failed', {
            roomId,
            channelId,
            eventId,
            data: { code: error?.code ?? 'failed', error: error?.message ?? '', attempts },
          });
        }
      },
    };
    return { event, target, frame };
  }
}
