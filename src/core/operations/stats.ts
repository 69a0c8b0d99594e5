/** What an operator sees of a kit: what this process knows, which costs nothing, and what its store has to be asked (OPS-01). */
import { isoTime } from '../clock.js';
import type { SourceStatus } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import type { WorkSummary } from '../store/store.js';
import type { KitCounters } from './counters.js';

/** Lanes of one type of channel, in this process. */
export interface LaneStats {
  /** Lanes in which something runs or waits. */
  readonly lanes: number;
  /** What runs and waits in them. */
  readonly queued: number;
  /** The most that is in one of them. */
  readonly deepest: number;
}

/** How a kit is doing, as far as its process knows. */
export interface KitStats extends LaneStats {
  /** `draining`: nothing new is taken, what runs is finished. */
  readonly state: 'open' | 'draining' | 'closed';
  readonly uptimeSeconds: number;
  /** Rooms that this process holds something of; what is idle is forgotten beyond 16,384. */
  readonly rooms: number;
  /** The same by type of channel; those of agents are of type `ai`. Types without work are left out. */
  readonly lanesByType: Readonly<Record<string, LaneStats>>;
  /** What runs beside its callers: deliveries, turns, notices and the like. */
  readonly tasks: number;
  /** Calls that wait for a room's lock. */
  readonly locksWaited: number;
  /** Live connections of all channels. */
  readonly connections: number;
  /** Channel id → state of its circuit breaker. */
  readonly breakers: Readonly<Record<string, string>>;
  /** Channel id → status of its source. */
  readonly sources: Readonly<Record<string, SourceStatus>>;
  /** Channels that stored deliveries or turns wait for and that are not registered here. */
  readonly absentChannels: readonly string[];
  /** How much is kept in memory; each is bounded, or as many as is named. */
  readonly kept: {
    /** Decision traces; at most `traceEvents`. */
    readonly traces: number;
    /** Outcomes of live deliveries that are not recorded yet; at most 512. */
    readonly outcomes: number;
    /** Bindings with a rate limit; at most 65,536. */
    readonly limiters: number;
    /** Rooms that connections of this process hear and others commit to. */
    readonly followedRooms: number;
  };
  /** What has happened since the kit was made. */
  readonly counters: KitCounters;
}

/** What the parts of a kit do not know of each other. */
export interface StatsSources {
  readonly state: KitStats['state'];
  readonly startedAt: number;
  readonly sources: Readonly<Record<string, SourceStatus>>;
  readonly absentChannels: ReadonlySet<string>;
}

export function kitStats(parts: KitParts, { state, startedAt, sources, absentChannels }: StatsSources): KitStats {
  const { total, byType } = kitLanes(parts);
  const breakers: Record<string, string> = {};
  let connections = 0;
  for (const { channel, breaker } of parts.channels.all()) {
    breakers[channel.channelId] = breaker.state;
    connections += channel.connectionCount?.() ?? 0;
  }
  return {
    state,
    uptimeSeconds: Math.max(0, parts.clock.monotonic() - startedAt) / 1000,
    rooms: parts.rooms.size,
    ...total,
    lanesByType: byType,
    tasks: parts.tasks.size,
    locksWaited: parts.counters.locksWaited,
    connections,
    breakers,
    sources,
    absentChannels: [...absentChannels],
    kept: {
      traces: parts.traces.size,
      outcomes: parts.outcomes.size,
      limiters: parts.limiters.size,
      followedRooms: parts.followers.size,
    },
    counters: parts.counters.snapshot(),
  };
}

/** What runs and waits in the lanes of this process, in all and by type of channel. */
export function kitLanes(parts: KitParts): { readonly total: LaneStats; readonly byType: Readonly<Record<string, LaneStats>> } {
  const total = { lanes: 0, queued: 0, deepest: 0 };
  const byType: Record<string, { lanes: number; queued: number; deepest: number }> = {};
  const count = (type: string, depth: number): void => {
    for (const stats of [total, (byType[type] ??= { lanes: 0, queued: 0, deepest: 0 })]) {
      stats.lanes++;
      stats.queued += depth;
      stats.deepest = Math.max(stats.deepest, depth);
    }
  };
  for (const runtime of parts.rooms.all()) {
    for (const [channelId, lane] of runtime.lanes) if (lane.depth > 0) count(typeOf(parts, channelId), lane.depth);
    for (const lane of runtime.turnLanes.values()) if (lane.depth > 0) count('ai', lane.depth);
  }
  return { total, byType };
}

/** What is open in the store, whichever process it belongs to. */
export interface StoreStats extends WorkSummary {
  /** Seconds since the oldest delivery was made that could go now; 0 when there is none. */
  readonly oldestDueSeconds: number;
  /** Seconds since the oldest delivery was made whose outcome is not known yet. */
  readonly oldestUnansweredSeconds: number;
  /** Seconds since the oldest open turn was made. */
  readonly oldestTurnSeconds: number;
}

export async function storeStats(parts: KitParts): Promise<StoreStats> {
  if (parts.store.shared) await parts.leases.keep();
  const summary = await parts.store.summarizeWork({ owner: parts.owner, now: isoTime(parts.leases.now()) });
  // Ages go by the clock that wrote the rows: that of the processes, not that of leases.
  const since = (at: string | undefined): number => (at === undefined ? 0 : Math.max(0, parts.clock.now() - Date.parse(at)) / 1000);
  return {
    ...summary,
    oldestDueSeconds: since(summary.deliveries.oldestDueAt),
    oldestUnansweredSeconds: since(summary.deliveries.oldestUnansweredAt),
    oldestTurnSeconds: since(summary.turns.oldestAt),
  };
}

/** Lanes of channels that are not here any more are some. */
function typeOf(parts: KitParts, channelId: string): string {
  return parts.channels.get(channelId)?.channel.channelType ?? 'absent';
}
