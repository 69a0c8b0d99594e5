/** What has to hold when a run is over, told from what was outside of the kits: the vendors' and the people's own records, and the timeline. */
import { canSeeEvent } from '../../core/delivery/visibility.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { OutboxState, TurnState } from '../../core/models/vocabulary.js';
import type { MetFault } from './faults.js';
import type { TakenMessage } from './vendor.js';
import type { World } from './world.js';

const OPEN_ROWS: readonly OutboxState[] = ['queued', 'sending', 'unknown'];
const OPEN_TURNS: readonly TurnState[] = ['queued', 'running'];

/** Whether nothing is left to do: everybody was heard, and all deliveries and turns have ended. */
export function isQuiet({ database, people }: World): boolean {
  return (
    people.allTaken &&
    database.listRows({ state: OPEN_ROWS, limit: 1 }).length === 0 &&
    database.listTurns({ state: OPEN_TURNS, limit: 1 }).length === 0
  );
}

/** What is wrong, in words; empty when all is well. */
export function judge(world: World): readonly string[] {
  return [
    ...judgeTimelines(world),
    ...judgeMessages(world),
    ...judgeWork(world),
    ...judgeAnswers(world),
    ...judgeVendors(world),
    ...judgeClients(world),
    ...judgeAttempts(world),
  ];
}

function timelines({ database }: World): ReadonlyMap<string, readonly RoomEvent[]> {
  return new Map(database.findRooms({}).map(({ id }) => [id, database.listEvents(id)]));
}

/** INV-01, INV-02. */
function* judgeTimelines(world: World): Iterable<string> {
  for (const [roomId, events] of timelines(world)) {
    for (const [place, event] of events.entries())
      if (event.index !== place) yield `${roomId}: event ${event.id} has index ${event.index}, not ${place}`;
    const latest = world.database.getRoom(roomId)?.latestIndex;
    if (latest !== events.length - 1) yield `${roomId}: latestIndex is ${latest}, and there are ${events.length} events`;
  }
}

/** Each message that was taken is there, once (INV-08). */
function* judgeMessages(world: World): Iterable<string> {
  const all = timelines(world);
  for (const { key, roomId, taken } of world.people.written) {
    if (!taken) yield `message ${key} was never taken`;
    const found = [...all].flatMap(([room, events]) => events.filter((event) => event.idempotencyKey === key).map(() => room));
    if (taken && found.length === 0) yield `message ${key} was taken, and is lost`;
    if (found.length > 1) yield `message ${key} is there ${found.length} times`;
    if (found.length === 1 && found[0] !== roomId) yield `message ${key} is in ${found[0]}, not in ${roomId}`;
  }
}

/** All deliveries and turns have ended (INV-17). */
function* judgeWork(world: World): Iterable<string> {
  const { database } = world;
  for (const row of database.listRows({})) {
    if (OPEN_ROWS.includes(row.state)) yield `the delivery of ${row.eventId} to ${row.channelId} is still ${row.state}`;
    else if (row.state !== 'sent' && row.state !== 'delivered' && !wasAway(world, row.channelId))
      yield `the delivery of ${row.eventId} to ${row.channelId} ended ${row.state}: ${row.lastError?.code ?? ''} ${row.lastError?.message ?? ''}`;
  }
  for (const turn of database.listTurns({}))
    if (OPEN_TURNS.includes(turn.state)) yield `the turn ${turn.id} of ${turn.channelId} is still ${turn.state}`;
}

/** A vendor or a model that is away for longer than it is asked again: then work ends failed, and says so. */
function wasAway({ met }: World, name: string): boolean {
  return met.some(({ step, kind }) => step.startsWith(`${name}.`) && (kind === 'cut' || kind === 'refused' || kind === 'lost' || kind === 'slow'));
}

/** Every turn says what it has to say once: no message is answered twice, none is not answered (INV-08). */
function* judgeAnswers(world: World): Iterable<string> {
  const all = timelines(world);
  for (const turn of world.database.listTurns({})) {
    const replies = (all.get(turn.roomId) ?? []).filter(
      ({ source, parentEventId }) =>
        source.channelId === turn.channelId && parentEventId !== undefined && turn.triggerEventIds.includes(parentEventId),
    );
    if (replies.length > 1)
      yield `${turn.triggerEventIds.join(', ')} was answered ${replies.length} times by ${turn.channelId}: ${replies.map(({ id }) => id).join(', ')}`;
    if (replies.length === 0 && turn.state === 'committed') yield `turn ${turn.id} is committed without its answer`;
    // A turn that crashed twice is given up (TURN-03).
    if (replies.length === 0 && turn.state !== 'committed' && turn.error?.code !== 'crashed' && !wasAway(world, 'model'))
      yield `${turn.triggerEventIds.join(', ')} was not answered: the turn is ${turn.state} (${turn.endReason ?? ''} ${turn.error?.code ?? ''})`;
  }
}

/** Whether whoever is at a socket has been shown all that there is. */
export function isShown(world: World): boolean {
  for (const _wrong of judgeClients(world)) return false;
  return true;
}

/** Whoever hears a room at a socket was shown all that there is to see, once and in order (WS-09). */
function* judgeClients(world: World): Iterable<string> {
  const all = timelines(world);
  for (const { name, roomId, channelId, shown } of world.clients) {
    const binding = world.database.getBinding(roomId, channelId);
    if (binding === null) continue;
    const visible = (all.get(roomId) ?? []).filter((event) => canSeeEvent(event, binding)).map(({ index }) => index);
    if (shown.join() !== visible.join()) yield `${name} in ${roomId} was shown ${shown.join(', ')}; there is ${visible.join(', ')}`;
  }
}

/** A vendor or model that only takes its time: nobody may take that for a failure. */
function isWaitedFor({ kind, step }: MetFault): boolean {
  return kind === 'late' && !/^(store|lock|realtime)\./.test(step);
}

/** Where vendors and models only took their time, everything was tried once: nobody took another's work (LOCK-04, OUT-11). */
function* judgeAttempts({ database, met }: World): Iterable<string> {
  if (!met.every(isWaitedFor)) return;
  for (const { eventId, channelId, attempts } of database.listRows({}))
    if (attempts > 1) yield `${eventId} was sent to ${channelId} ${attempts} times, and nothing had gone wrong`;
  for (const { id, channelId, attempts } of database.listTurns({}))
    if (attempts > 1) yield `${channelId} was asked ${attempts} times in turn ${id}, and nothing had gone wrong`;
}

/** What vendors got: everything, in order, and twice only where something went wrong and the vendor does not know keys (OUT-14). */
function* judgeVendors(world: World): Iterable<string> {
  const all = timelines(world);
  const rows = world.database.listRows({});
  for (const vendor of world.vendors.values()) {
    const first = new Map<string, TakenMessage>();
    for (const taken of vendor.taken) {
      if (!first.has(taken.key)) first.set(taken.key, taken);
      else if (vendor.options.recognisesKeys) yield `${vendor.name} took ${taken.key} twice`;
      else if (world.met.every(isWaitedFor)) yield `${vendor.name} was sent ${taken.key} twice, and nothing had gone wrong`;
      const event = all.get(taken.roomId)?.find(({ id }) => id === taken.eventId);
      if (event === undefined) yield `${vendor.name} took ${taken.eventId}, which is in no timeline`;
      else if (event.status === 'blocked') yield `${vendor.name} took ${taken.eventId}, which is blocked`;
    }
    const newest = new Map<string, TakenMessage>();
    for (const taken of first.values()) {
      const lane = `${taken.roomId} ${taken.channelId}`;
      const before = newest.get(lane);
      if (before !== undefined && before.eventIndex > taken.eventIndex)
        yield `${vendor.name} took ${taken.eventId} (index ${taken.eventIndex}, by ${taken.process}) of ${lane} after ${before.eventId} (index ${before.eventIndex}, by ${before.process})`;
      newest.set(lane, taken);
    }
    for (const row of rows)
      if (row.state === 'sent' && row.provider === vendor.name && !first.has(row.idempotencyKey))
        yield `${row.eventId} counts as sent to ${row.channelId}, and ${vendor.name} has never seen it`;
  }
}
