/**
 * What `/metrics` tells of a kit (OPS-04). Labels are types of channels, states and outcomes: their number is known beforehand,
 * and no room, person or channel of the host is named.
 */
import type { KitStats, RoomKit, StoreStats } from '../core/index.js';
import { OpenMetrics, type Sample } from './open-metrics.js';
import { VERSION } from './version.js';

/** `store`: undefined where it did not answer. */
export function metricsOf(kit: RoomKit, stats: KitStats, store: StoreStats | undefined): string {
  const out = new OpenMetrics();
  out.info('roomkit', { help: 'What runs.' }, { version: VERSION, store: kit.store.name });
  out.stateset(
    'roomkit_state',
    { help: 'What the kit takes: all, only what is under way, or nothing.' },
    ['open', 'draining', 'closed'],
    stats.state,
  );
  ofProcess(out, stats);
  ofCounters(out, stats);
  ofStore(out, store);
  return out.end();
}

function ofProcess(out: OpenMetrics, stats: KitStats): void {
  const lanes = Object.entries(stats.lanesByType);
  const byType = (pick: 'lanes' | 'queued' | 'deepest'): Sample[] => lanes.map(([type, of]) => [{ channel_type: type }, of[pick]]);
  out.gauge('roomkit_uptime_seconds', { unit: 'seconds', help: 'How long this kit has been there.' }, stats.uptimeSeconds);
  out.gauge('roomkit_rooms', { help: 'Rooms this process holds something of.' }, stats.rooms);
  out.gauge('roomkit_lanes', { help: 'Lanes of this process in which something runs or waits.' }, byType('lanes'));
  out.gauge('roomkit_lane_items', { help: 'Deliveries and turns that run or wait in lanes of this process.' }, byType('queued'));
  out.gauge('roomkit_lane_items_deepest', { help: 'Items of the fullest lane.' }, byType('deepest'));
  out.gauge('roomkit_tasks', { help: 'What runs beside its callers.' }, stats.tasks);
  out.gauge('roomkit_lock_waiters', { help: 'Calls that wait for the lock of a room.' }, stats.locksWaited);
  out.gauge('roomkit_connections', { help: 'Live connections of this process.' }, stats.connections);
  out.gauge('roomkit_breakers', { help: 'Circuit breakers of channels by state.' }, tally('state', Object.values(stats.breakers), BREAKER_STATES));
  out.gauge('roomkit_sources', { help: 'Sources by status.' }, tally('status', Object.values(stats.sources), []));
  out.gauge('roomkit_absent_channels', { help: 'Channels that stored work waits for and this process has not.' }, stats.absentChannels.length);
  out.gauge('roomkit_kept_items', { help: 'What is kept in memory beside rooms, by kind.' }, [
    [{ kind: 'traces' }, stats.kept.traces],
    [{ kind: 'outcomes' }, stats.kept.outcomes],
    [{ kind: 'limiters' }, stats.kept.limiters],
    [{ kind: 'followed_rooms' }, stats.kept.followedRooms],
  ]);
}

function ofCounters(out: OpenMetrics, { counters }: KitStats): void {
  const deliveries = Object.entries(counters.deliveries);
  out.counter('roomkit_events_committed', { help: 'Events added to timelines.' }, counters.committedEvents);
  out.counter(
    'roomkit_inbound_messages',
    { help: 'Messages that came in, by what became of them.' },
    (['accepted', 'blocked', 'duplicate', 'failed'] as const).map((outcome) => [{ outcome }, counters.inbound[outcome]]),
  );
  out.counter(
    'roomkit_deliveries',
    { help: 'Deliveries that have ended, by type of channel and outcome.' },
    deliveries.flatMap(([channel_type, counts]) =>
      (['sent', 'failed', 'expired', 'skipped'] as const).map((outcome): Sample => [{ channel_type, outcome }, counts[outcome]]),
    ),
  );
  out.counter(
    'roomkit_delivery_retries',
    { help: 'Attempts that failed and are made again.' },
    deliveries.map(([channel_type, { retried }]) => [{ channel_type }, retried]),
  );
  out.histogram(
    'roomkit_delivery_duration_seconds',
    { unit: 'seconds', help: 'How long attempts of durable deliveries took.' },
    counters.deliverySeconds,
  );
  out.counter(
    'roomkit_turns',
    { help: 'Turns of agents, by how they ended.' },
    Object.entries(counters.turns).map(([outcome, count]) => [{ outcome }, count]),
  );
  out.counter('roomkit_hook_failures', { help: 'Handlers of hooks that threw.' }, counters.hookFailures);
  out.counter('roomkit_hook_timeouts', { help: 'Handlers of hooks that took too long.' }, counters.hookTimeouts);
  out.counter('roomkit_fenced_commits', { help: 'Commits refused because the lock of their room had been lost.' }, counters.fencedCommits);
  out.histogram('roomkit_lock_wait_seconds', { unit: 'seconds', help: 'How long calls waited for the lock of a room.' }, counters.lockWaitSeconds);
  out.counter('roomkit_recovered', { help: 'Work that recovery has taken up, by kind.' }, [
    [{ kind: 'delivery' }, counters.recovered.deliveries],
    [{ kind: 'turn' }, counters.recovered.turns],
  ]);
}

function ofStore(out: OpenMetrics, store: StoreStats | undefined): void {
  out.gauge('roomkit_store_up', { help: 'Whether the store answered in time.' }, store === undefined ? 0 : 1);
  if (store === undefined) return;
  const { deliveries, turns, leases, waiting } = store;
  out.gauge('roomkit_outbox_rows', { help: 'Open deliveries in the store, by state.' }, [
    [{ state: 'queued' }, deliveries.queued],
    [{ state: 'sending' }, deliveries.sending],
    [{ state: 'unknown' }, deliveries.unknown],
  ]);
  out.gauge('roomkit_outbox_later_rows', { help: 'Queued deliveries whose next attempt lies ahead.' }, deliveries.later);
  out.gauge('roomkit_outbox_oldest_due_seconds', { unit: 'seconds', help: 'Age of the oldest delivery that could go now.' }, store.oldestDueSeconds);
  out.gauge(
    'roomkit_outbox_oldest_unanswered_seconds',
    { unit: 'seconds', help: 'Age of the oldest delivery whose outcome is not known.' },
    store.oldestUnansweredSeconds,
  );
  out.gauge('roomkit_open_turns', { help: 'Open turns in the store, by state.' }, [
    [{ state: 'queued' }, turns.queued],
    [{ state: 'running' }, turns.running],
  ]);
  out.gauge('roomkit_oldest_turn_seconds', { unit: 'seconds', help: 'Age of the oldest open turn.' }, store.oldestTurnSeconds);
  out.gauge('roomkit_leases', { help: 'Leases on open work, by holder.' }, [
    [{ holder: 'own' }, leases.held],
    [{ holder: 'others' }, leases.foreign],
  ]);
  out.gauge('roomkit_lease_owners', { help: 'Other processes that hold leases.' }, leases.foreignOwners);
  out.gauge('roomkit_waiting', { help: 'What is waited for, by kind.' }, [
    [{ kind: 'approvals' }, waiting.approvals],
    [{ kind: 'tasks' }, waiting.tasks],
  ]);
  out.gauge('roomkit_overdue', { help: 'Of what is waited for: that whose time is up and that nobody has ended.' }, waiting.overdue);
}

const BREAKER_STATES = ['closed', 'open', 'half_open'];

/** Values counted; those that are known are there with 0, too. */
function tally(label: string, values: readonly string[], known: readonly string[]): Sample[] {
  const counts = new Map(known.map((value) => [value, 0]));
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => [{ [label]: value }, count]);
}
