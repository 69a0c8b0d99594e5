/**
 * What happens after a commit (INB-14): the event goes to its targets' lanes, its agents get their turns, and when
 * everything has settled or is reported, after_broadcast fires (INB-16) and the cascade goes on.
 */
import type { Deadline } from '../async/deadlines.js';
import { callScope } from '../call-scope.js';
import type { DeliveryStream } from '../channel.js';
import type { DeliveryFailure, DeliveryResult, OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { Cascade } from '../pipeline/cascade.js';
import { tellListeners } from '../pipeline/commit.js';
import type { RoomContext } from '../rooms/context.js';
import { contextOf } from '../rooms/history.js';
import type { RoomRuntime } from '../rooms/runtime.js';
import type { Placed, Placement, RoomState } from '../store/store.js';
import type { DeliveryTimes, TraceRecord } from '../telemetry/decision-trace.js';
import { runTurns } from '../turns/lane.js';
import { catchUp, lacks } from './backlog.js';
import { DurableDelivery } from './durable.js';
import { EventForms } from './forms.js';
import { leaveBehind } from './left-behind.js';
import { LiveDelivery } from './live.js';
import type { Plan, Target } from './plan.js';

/** How an open preview is to be closed (STR-02, STR-05). */
export interface StreamClose {
  readonly streams: ReadonlyMap<string, DeliveryStream>;
  /** Set: the preview ends with this error code instead of the final event. */
  readonly errorCode?: string;
}

export interface BroadcastOptions {
  readonly transports: readonly Target[];
  readonly rows: readonly OutboxRow[];
  readonly turns: readonly TurnRow[];
  readonly agents: readonly Target[];
  /** How the store has put rows and turns into their lanes, where others have lanes too (STO-16). */
  readonly placed?: Placement | undefined;
  readonly stream?: StreamClose | undefined;
  /** Whether after_broadcast and the processed event belong to it (not for injected and system events). */
  readonly announce: boolean;
  /** Whether rows and turns hold a place in their lanes since their commit. */
  readonly reserved: boolean;
  readonly span?: string | undefined;
}

/** A delivery as the broadcast sees it. */
export interface PendingDelivery {
  /** The caller stops waiting: a started live attempt is timed out, everything else is reported queued (INB-21). */
  expire(): void;
}

/** From so many targets on, reading the clock for each is felt. */
const MANY = 16;

export class Broadcast {
  readonly results: DeliveryResult[] = [];
  private eventForms: EventForms | undefined = undefined;
  private sharedContext: RoomContext | undefined = undefined;
  private pending = 1;
  private failures = 0;
  private live = false;
  private ordinary = true;
  private deadline: Deadline | undefined = undefined;
  /** Everything that began or waits; what has settled since does nothing when it is told to expire. */
  private tracked: PendingDelivery[] | undefined = undefined;
  private startedAt = 0;
  /** Milliseconds until each settled; one number as long as it is the same for all. */
  private settledMs: number | number[] = 0;
  private readMs = -1;
  /** Where the decision trace of the event is kept, while there is one. */
  trace: TraceRecord | undefined = undefined;
  /** The telemetry span of this broadcast: its deliveries nest under it (TEL-04). */
  ownSpan: string | undefined = undefined;

  constructor(
    readonly parts: KitParts,
    readonly runtime: RoomRuntime,
    readonly event: RoomEvent,
    readonly state: RoomState,
    readonly plan: Plan,
    readonly cascade: Cascade,
    private readonly options: BroadcastOptions,
  ) {}

  /** The forms this event takes for its targets. */
  get forms(): EventForms {
    return (this.eventForms ??= new EventForms(this.parts, this.event, this.plan.source));
  }

  /** The context of all targets of this event. */
  get context(): RoomContext {
    return (this.sharedContext ??= contextOf(this.state));
  }

  /** The span of what has caused it: turns and hooks nest under that (TEL-04). */
  get causeSpan(): string | undefined {
    return this.options.span;
  }

  stream(channelId: string): { stream: DeliveryStream; errorCode?: string } | undefined {
    const close = this.options.stream;
    const stream = close?.streams.get(channelId);
    return stream === undefined ? undefined : { stream, ...(close?.errorCode !== undefined && { errorCode: close.errorCode }) };
  }

  /** Tells a transport of the event before it is delivered to it; what it answers re-enters (BC-02). */
  async tell(target: Target, signal: AbortSignal): Promise<void> {
    // Loaded when first needed: hardly any transport reacts, and replies reach back into the pipeline.
    const { tellTransport } = await import('../turns/transport-output.js');
    await tellTransport(this, target, signal);
  }

  /** Starts everything; call when the room's lock is free (LOCK-02). */
  start(): void {
    const { parts, options, cascade } = this;
    const { transports } = options;
    cascade.add();
    if (parts.commitListeners.size > 0) tellListeners(parts, this.event, this.state);
    if (this.trace !== undefined) this.startedAt = parts.clock.now();
    if (parts.tracer.enabled && transports.length > 0) {
      this.ownSpan = parts.tracer.start('framework.broadcast', 'broadcast', {
        ...(options.span !== undefined && { parentId: options.span }),
        roomId: this.event.roomId,
        attributes: { targets: transports.length },
      });
    }
    for (const target of this.plan.ingesters) this.ingest(target);
    this.pending += transports.length;
    for (const target of transports) this.deliver(target);
    if (options.turns.length > 0) runTurns(this, options.turns, options.agents, options.reserved, options.placed);
    this.runtime.commits--; // its lanes are filled; whoever made this has counted it
    if (this.pending > 1) {
      this.deadline = parts.deadlines.add(parts.limits.deliveryTimeoutSeconds * 1000, () => this.expire());
    }
    this.release();
  }

  /** A delivery waits in its lane, or an attempt of it runs. */
  track(delivery: PendingDelivery): void {
    (this.tracked ??= []).push(delivery);
  }

  /** One target's outcome is known, or reported as queued. `ordinary`: it is the shared {@link Target.sent}. */
  settle(result: DeliveryResult, live: boolean, ordinary = false): void {
    this.results.push(result);
    if (live) this.live = true;
    if (!ordinary) this.ordinary = false;
    if (this.trace !== undefined) this.noteTime();
    const framework = this.parts.framework;
    switch (result.status) {
      case 'sent':
        if (framework.has('delivery_succeeded')) this.emit('delivery_succeeded', result.channelId, { attempts: result.attempts });
        break;
      case 'failed':
        this.failures++;
        this.failed(result.channelId, result.error, result.attempts);
        break;
      case 'skipped':
        if (framework.has('delivery_skipped')) this.emit('delivery_skipped', result.channelId, {});
        break;
      case 'unknown':
      case 'queued':
        break;
    }
    this.release();
  }

  private noteTime(): void {
    const ms = this.elapsed();
    const before = this.results.length - 1;
    if (typeof this.settledMs === 'object') this.settledMs.push(ms);
    else if (before === 0) this.settledMs = ms;
    else if (ms !== this.settledMs) this.settledMs = [...new Array<number>(before).fill(this.settledMs), ms];
  }

  /** Since the start; of the many that settle at once, the first one reads the clock for all. */
  private elapsed(): number {
    const { clock } = this.parts;
    if (this.options.transports.length < MANY) return clock.now() - this.startedAt;
    if (this.readMs < 0) {
      this.readMs = clock.now() - this.startedAt;
      queueMicrotask(() => (this.readMs = -1));
    }
    return this.readMs;
  }

  /** Framework delivery_failed, also for a row that fails after it was reported queued (OUT-06). */
  failed(channelId: string, error: DeliveryFailure | undefined, attempts: number): void {
    if (this.parts.framework.has('delivery_failed')) {
      this.emit('delivery_failed', channelId, { code: error?.code ?? 'failed', error: error?.message ?? '', attempts });
    }
  }

  /** For the decision trace. */
  deliveryTimes(): DeliveryTimes {
    return { startedAtMs: this.startedAt, results: this.results, ms: this.settledMs };
  }

  private deliver(target: Target): void {
    const channelId = target.channelId;
    const row = target.durable ? this.options.rows.find((candidate) => candidate.channelId === channelId) : undefined;
    if (row !== undefined && this.options.reserved) target.lane.reserved--;
    const isTaken = row !== undefined && this.options.placed !== undefined && !target.lane.coming.delete(row.id);
    if (target.channel === undefined) {
      if (row !== undefined) leaveBehind(this.parts, target.lane, channelId);
      this.parts.logger.warn('A channel is not registered in this process; its deliveries wait for one that has it.', { channelId });
      this.settle({ channelId, status: 'queued', attempts: 0 }, false);
      return;
    }
    if (target.durable) {
      if (row === undefined) {
        this.settle({ channelId, status: 'skipped', attempts: 0 }, false);
        return;
      }
      const { placed } = this.options;
      if (isTaken) {
        this.settle({ channelId, status: 'queued', attempts: 0 }, false); // something newer was there before its commit was answered
        return;
      }
      if (placed !== undefined) {
        this.deliverShared(target, placed.rows.find((candidate) => candidate.row.id === row.id) ?? { row });
        return;
      }
      const delivery = new DurableDelivery(this.parts, target, row, this.event, this);
      this.track(delivery);
      if (target.lane.behind) catchUp(this.parts, target.lane, this.event.roomId, channelId, this.event.index - 1);
      target.lane.push(delivery);
      return;
    }
    if (target.lane.full) {
      const error = { code: 'lane_full', message: `Channel '${channelId}' does not keep up; it reads again by index.`, retryable: false };
      this.settle({ channelId, status: 'failed', attempts: 0, error }, true);
      return;
    }
    const delivery = new LiveDelivery(this, target);
    if (!target.lane.idle) this.track(delivery); // should it have to wait too long, it is reported queued
    target.lane.push(delivery);
  }

  /** Where other processes have lanes too, the store has said whose this one is (STO-16). */
  private deliverShared(target: Target, { row, previousIndex }: Placed<OutboxRow>): void {
    const { parts, event } = this;
    const { lane, channelId } = target;
    if (row.leaseOwner !== parts.owner) {
      parts.elsewhere.wake(row.leaseOwner, { kind: 'deliveries', roomId: event.roomId, channelId });
      this.settle({ channelId, status: 'queued', attempts: 0 }, false);
      return;
    }
    const delivery = new DurableDelivery(parts, target, row, event, this);
    this.track(delivery);
    // Others have put something of this lane between what it has had and this; or what it had it has lost, and has again.
    if (previousIndex !== undefined && lacks(lane, previousIndex)) catchUp(parts, lane, event.roomId, channelId, event.index - 1);
    lane.knownIndex = event.index;
    lane.push(delivery);
  }

  private ingest(target: Target): void {
    const ingest = target.channel?.ingest?.bind(target.channel);
    if (ingest === undefined) return;
    void this.parts.tasks.run(async () => {
      try {
        await ingest(this.event, target.binding);
      } catch (error) {
        this.parts.logger.warn('A memory failed to take in an event.', { channelId: target.channelId, error });
      }
    });
  }

  private expire(): void {
    for (const delivery of this.tracked ?? []) delivery.expire();
  }

  private release(): void {
    if (--this.pending > 0) return;
    this.deadline?.cancel();
    this.finish();
  }

  private finish(): void {
    const { parts, event, options } = this;
    // Of most events the outcome is the same: what is kept of it, is kept once.
    const results = this.ordinary && this.results.length === this.plan.sent.length ? this.plan.sent : this.results;
    if (this.live && results.length > 0) parts.outcomes.add({ roomId: event.roomId, eventId: event.id, results });
    this.trace?.settled(event.id, {
      startedAtMs: this.startedAt,
      results: typeof this.settledMs === 'number' ? results : this.results, // times are in the order of settling
      ms: this.settledMs,
    });
    this.trace = undefined;
    this.tracked = undefined;
    if (this.ownSpan !== undefined) parts.tracer.end(this.ownSpan, { status: this.failures > 0 ? 'error' : 'ok' });
    if (this.failures > 0 && parts.framework.has('broadcast_partial_failure')) {
      const errors = this.results.filter((result) => result.status === 'failed');
      this.emit('broadcast_partial_failure', undefined, {
        failed: this.failures,
        total: this.results.length,
        errors: Object.fromEntries(errors.map((result) => [result.channelId, result.error?.code ?? 'failed'])),
      });
    }
    if (options.announce) {
      if (parts.framework.has('event_processed')) this.emit('event_processed', event.source.channelId, {});
      if (parts.hooks.has('after_broadcast', event.roomId)) {
        void parts.tasks.run(() => this.afterBroadcast().finally(() => this.cascade.done()));
        return;
      }
    }
    this.cascade.done();
  }

  private afterBroadcast(): Promise<void> {
    const { parts, event } = this;
    const call = { roomId: event.roomId, source: event.source, context: () => this.context };
    const scope = parts.tracer.enabled
      ? { causeDepth: event.chainDepth, span: this.options.span, tracer: parts.tracer }
      : { causeDepth: event.chainDepth };
    return callScope.run(scope, () => parts.hooks.notice('after_broadcast', event, call));
  }

  private emit(
    type: 'delivery_succeeded' | 'delivery_failed' | 'delivery_skipped' | 'broadcast_partial_failure' | 'event_processed',
    channelId: string | undefined,
    data: Readonly<Record<string, unknown>>,
  ): void {
    this.parts.framework.emit(type, {
      roomId: this.event.roomId,
      eventId: this.event.id,
      ...(channelId !== undefined && { channelId }),
      data,
    });
  }
}
