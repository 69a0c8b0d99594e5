/** Who gets an event (BC-01): bindings minus source, minus those who may not read it. Kept while bindings do not change. */
import type { Channel } from '../channel.js';
import type { ChannelBinding } from '../models/binding.js';
import { CONVERSATION_STATE_KEY, getConversationState, isHandledByHuman } from '../models/conversation-state.js';
import type { DeliveryResult } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY_LIST } from '../models/json.js';
import type { Room } from '../models/room.js';
import type { TargetTrace } from '../models/trace.js';
import type { ChannelRegistry, RegisteredChannel } from '../registry.js';
import type { RoomRuntime } from '../rooms/runtime.js';
import type { RoomState } from '../store/store.js';
import type { Lane } from './lane.js';
import type { Counters, DeliveryCounts } from '../operations/counters.js';
import { TokenBuckets } from './rate-limit.js';
import type { Clock } from '../clock.js';
import { canRead, isVisibleTo } from './visibility.js';

export interface Target {
  readonly channelId: string;
  readonly binding: ChannelBinding;
  /** Absent when this process has not registered the channel (BC-01). */
  readonly entry: RegisteredChannel | undefined;
  readonly channel: Channel | undefined;
  readonly durable: boolean;
  readonly lane: Lane;
  /** Targets with the same key take the same form of a content. */
  readonly contentKey: string;
  /** The result of an ordinary success, shared by all deliveries to this target. */
  readonly sent: DeliveryResult;
  /** How long a delivery has to wait for its place: by its binding's limit, and by its channel's (RES-02). */
  readonly limiter: Pick<TokenBuckets, 'reserve'> | undefined;
  /** Where its outcomes are counted: with those of its type of channel (OPS-03). */
  readonly counts: DeliveryCounts;
}

export interface Plan {
  readonly sourceId: string;
  readonly visibility: string;
  /** The source's binding, when it is bound. */
  readonly source: ChannelBinding | undefined;
  readonly transports: readonly Target[];
  readonly agents: readonly Target[];
  /** Agents that keep their own record of what they may see (MEM-01). */
  readonly ingesters: readonly Target[];
  readonly hasDurable: boolean;
  /** The results when all transports take an event at once, shared by all events. */
  readonly sent: readonly DeliveryResult[];
  readonly trace: readonly TargetTrace[];
}

export interface PlanParts {
  readonly channels: ChannelRegistry;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Limiters by (room, channel), so that a changed plan does not refill a bucket (RES-02). */
  readonly limiters: Map<string, { limit: string; buckets: TokenBuckets }>;
}

export function planFor(parts: PlanParts, runtime: RoomRuntime, state: RoomState, sourceId: string, visibility: string): Plan {
  const cached = runtime.cachedPlan(state.bindings, parts.channels.version, sourceId, visibility);
  if (cached !== undefined) return cached;
  const plan = makePlan(parts, runtime, state, sourceId, visibility);
  runtime.keepPlan(plan);
  return plan;
}

function makePlan(parts: PlanParts, runtime: RoomRuntime, state: RoomState, sourceId: string, visibility: string): Plan {
  const transports: Target[] = [];
  const agents: Target[] = [];
  const trace: TargetTrace[] = [];
  let source: ChannelBinding | undefined;
  const ingesters: Target[] = [];
  for (const binding of state.bindings) {
    const channelId = binding.channelId;
    const entry = parts.channels.get(channelId);
    const isSource = channelId === sourceId;
    if (isSource) source = binding;
    if (isSource && entry?.channel.echo !== true) {
      // A channel always sees its own events (PERM-07): they belong into its record too.
      if (entry?.channel.ingest !== undefined && binding.category === 'intelligence') ingesters.push(targetOf(parts, runtime, binding, entry));
      trace.push({ channelId, decision: 'source' });
    } else if (!canRead(binding)) {
      trace.push({ channelId, decision: binding.direction === 'outbound' ? 'direction' : 'access' });
    } else if (!isSource && !isVisibleTo(visibility, channelId, binding.category)) {
      trace.push({ channelId, decision: 'visibility' });
    } else if (binding.category === 'transport') {
      transports.push(targetOf(parts, runtime, binding, entry));
      trace.push({ channelId, decision: binding.outputMuted ? 'muted' : 'delivery' });
    } else {
      const agent = targetOf(parts, runtime, binding, entry);
      agents.push(agent);
      if (entry?.channel.ingest !== undefined) ingesters.push(agent);
      trace.push({ channelId, decision: 'turn' });
    }
  }
  return {
    sourceId,
    visibility,
    source,
    transports,
    agents,
    ingesters,
    hasDurable: transports.some((target) => target.durable),
    sent: Object.freeze(transports.map((target) => target.sent)),
    trace,
  };
}

function targetOf(parts: PlanParts, runtime: RoomRuntime, binding: ChannelBinding, entry: RegisteredChannel | undefined): Target {
  const channelId = binding.channelId;
  return {
    channelId,
    binding,
    entry,
    channel: entry?.channel,
    durable: entry === undefined ? !LIVE_TYPES.has(binding.channelType) : entry.channel.durable !== false,
    lane: runtime.lane(channelId),
    contentKey: contentKey(binding),
    sent: Object.freeze({ channelId, status: 'sent', attempts: 1 }),
    limiter: slower(limiterOf(parts, binding), entry?.limiter),
    counts: parts.counters.deliveriesOf(binding.channelType),
  };
}

/** Bindings with a rate limit whose tokens are remembered (CON-11). */
const MAX_LIMITERS = 65_536;

const LIVE_TYPES: ReadonlySet<string> = new Set(['websocket', 'voice', 'realtime_voice']);

function slower(ofBinding: TokenBuckets | undefined, ofChannel: TokenBuckets | undefined): Target['limiter'] {
  if (ofBinding === undefined || ofChannel === undefined) return ofBinding ?? ofChannel;
  return { reserve: () => Math.max(ofBinding.reserve(), ofChannel.reserve()) };
}

function limiterOf(parts: PlanParts, binding: ChannelBinding): TokenBuckets | undefined {
  const key = `${binding.roomId}\u0000${binding.channelId}`;
  if (binding.rateLimit === undefined) {
    if (parts.limiters.size > 0) parts.limiters.delete(key);
    return undefined;
  }
  const limit = JSON.stringify(binding.rateLimit);
  const known = parts.limiters.get(key);
  if (known?.limit === limit) return known.buckets;
  const buckets = new TokenBuckets(binding.rateLimit, parts.clock);
  if (parts.limiters.size >= MAX_LIMITERS) {
    for (const oldest of parts.limiters.keys()) {
      parts.limiters.delete(oldest);
      break;
    }
  }
  parts.limiters.set(key, { limit, buckets });
  return buckets;
}

/** Everything of the capabilities that decides the form of a content. */
function contentKey(binding: ChannelBinding): string {
  const given = binding.capabilities;
  return [
    given.mediaTypes.join(','),
    given.maxLength,
    given.maxSegments,
    given.overflow,
    given.supportsEdit,
    given.supportsDelete,
    given.supportsButtons,
    given.supportsQuickReplies,
    given.supportsCards,
    given.supportsRichText,
    given.supportsTemplates,
    given.maxButtons,
    given.supportedMediaTypes.join(','),
  ].join('|');
}

/** The agents that shall answer this event (BC-03). */
export function solicited(plan: Plan, event: RoomEvent, room: Room): readonly Target[] {
  if (plan.agents.length === 0 || event.type !== 'message') return EMPTY_LIST;
  const metadata = event.metadata;
  if (metadata['_orchestration_internal'] === true || metadata['_for_no_agent'] === true) return EMPTY_LIST;
  const always = metadata['_always_process'];
  const supervisors: readonly unknown[] = Array.isArray(always) ? always : EMPTY_LIST;
  const isSupervisor = (target: Target): boolean => supervisors.includes(target.channelId);
  let chosen: readonly Target[];
  const routed = metadata['_routed_to'];
  if (event.addressedTo !== undefined) {
    const names = event.addressedTo;
    chosen = plan.agents.filter((target) => names.includes(target.channelId) || isSupervisor(target));
  } else if (typeof routed === 'string') {
    chosen = plan.agents.filter((target) => target.channelId === routed || isSupervisor(target));
  } else if (room.metadata[CONVERSATION_STATE_KEY] !== undefined && isHandledByHuman(getConversationState(room))) {
    return EMPTY_LIST; // with or without a router (HND-04)
  } else if (plan.source?.category === 'intelligence' && room.agentResponsePolicy === 'addressed_only') {
    chosen = plan.agents.filter(isSupervisor);
  } else {
    chosen = plan.agents;
  }
  return chosen.some((target) => target.channel?.isConfigOnly === true || target.channelId === event.source.channelId)
    ? chosen.filter((target) => target.channel?.isConfigOnly !== true && target.channelId !== event.source.channelId)
    : chosen;
}
