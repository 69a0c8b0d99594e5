/** The parts of a kit, wired once and handed to every step: the steps keep no state of their own. */
import type { Timeouts } from './approvals/timeouts.js';
import type { AbortSource } from './async/cancellation.js';
import type { Deadlines } from './async/deadlines.js';
import type { Rests } from './async/rests.js';
import type { TaskGroup } from './async/task-group.js';
import type { Clock } from './clock.js';
import type { CommitListener } from './commit-listener.js';
import type { DeliveryChecks } from './delivery/check.js';
import type { Elsewhere } from './delivery/elsewhere.js';
import type { Followers } from './delivery/followers.js';
import type { LiveWire } from './delivery/live-wire.js';
import type { OutcomeNews } from './delivery/outcome-news.js';
import type { LeaseTime } from './delivery/lease-time.js';
import type { PlanParts } from './delivery/plan.js';
import type { OutcomeRecorder } from './delivery/outcomes.js';
import type { ContentTranscoder } from './delivery/transcode.js';
import type { FrameworkEvents } from './framework-events.js';
import type { HookEngine } from './hooks/engine.js';
import type { IdGenerator } from './ids.js';
import type { RoomLockManager } from './locks/lock.js';
import type { Logger } from './logger.js';
import type { MediaKeeper } from './media/media-keeper.js';
import type { Limits, RoomKitOptions } from './options.js';
import type { ArrivalOrder } from './pipeline/arrival-order.js';
import type { OutboxRow } from './models/delivery.js';
import type { InboundRoomRouter } from './pipeline/router.js';
import type { Notices } from './notices.js';
import type { InboundLimits } from './pipeline/inbound-limits.js';
import type { ProtocolTraces } from './telemetry/protocol-traces.js';
import type { Counters } from './operations/counters.js';
import type { RealtimeBackend } from './realtime/backend.js';
import type { ChannelRegistry } from './registry.js';
import type { RoomRuntimes } from './rooms/runtime.js';
import type { ConversationStore } from './store/store.js';
import type { DecisionTraces } from './telemetry/decision-trace.js';
import type { Prices } from './telemetry/prices.js';
import type { Tracer } from './telemetry/tracer.js';
import type { ReplyListener } from './turns/reply-watcher.js';

export interface KitParts extends PlanParts {
  readonly options: RoomKitOptions;
  readonly limits: Limits;
  /** Names this kit as the holder of leases. */
  readonly owner: string;
  readonly store: ConversationStore;
  readonly locks: RoomLockManager;
  readonly realtime: RealtimeBackend;
  readonly router: InboundRoomRouter;
  readonly clock: Clock;
  readonly ids: IdGenerator;
  /** At least 0, below 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly deadlines: Deadlines;
  /** Everything that runs beside its caller; close() waits for it (CON-10). */
  readonly tasks: TaskGroup;
  /** Messages on their way to their commit; close() waits for them (KIT-03). */
  readonly passing: TaskGroup;
  /** Which of the tasks only wait for their time. */
  readonly rests: Rests;
  readonly channels: ChannelRegistry;
  readonly rooms: RoomRuntimes;
  readonly counters: Counters;
  readonly hooks: HookEngine;
  readonly framework: FrameworkEvents;
  readonly traces: DecisionTraces;
  readonly prices: Prices | undefined;
  readonly tracer: Tracer;
  readonly outcomes: OutcomeRecorder;
  readonly arrivals: ArrivalOrder;
  readonly notices: Notices;
  readonly protocolTraces: ProtocolTraces;
  /** Set when inbound floods are limited (INB-26). */
  readonly inboundLimits: InboundLimits | undefined;
  readonly transcoder: ContentTranscoder | undefined;
  /** Set when there is a media store (§14.1). */
  readonly media: MediaKeeper | undefined;
  /** Ends what is waited for too long. */
  readonly timeouts: Timeouts;
  readonly commitListeners: Set<CommitListener>;
  readonly replyListeners: Set<ReplyListener>;
  /** Asked before each attempt of a delivery; mostly none. */
  readonly deliveryChecks: DeliveryChecks;
  /** The time by which leases begin and end. */
  readonly leases: LeaseTime;
  /** Rooms that live connections of this process hear, whoever commits there. */
  readonly followers: Followers;
  /** What live connections of other processes are shown besides events. */
  readonly wire: LiveWire;
  /** What has become of deliveries and turns, for hosts who follow their rooms. */
  readonly news: OutcomeNews;
  /** Other processes of the same store. */
  readonly elsewhere: Elsewhere;
  /** Somebody may have left work: recovery looks at once. */
  lookForWork(): void;
  /** Work for this channel stays in the store for want of it: recovery looks after it until it is gone (OUT-10). */
  leaveBehind(channelId: string): void;
  /** Rows that may go on again, into their lanes (OUT-17). */
  resume(rows: readonly OutboxRow[]): Promise<void>;
  /** Refuses new work once the kit is closed or drains. */
  assertOpen(): void;
  /** Refuses what belongs to earlier work once the kit is closed; while it drains that goes on. */
  assertNotClosed(): void;
  /** True once close() has begun to abort what still runs. */
  readonly stopping: AbortSignal;
  /** True once what was aborted has had its time: nothing is begun or committed any more (OPS-07). */
  readonly over: AbortSignal;
  /** The same for what is made and over all the time, such as turns: no listener of their own on the signal. */
  readonly onStop: AbortSource;
  /** Aborted when the kit takes no new work: what waits for long is left to recovery. */
  readonly draining: AbortSignal;
}
