/** What has to hold when a run is over, told from what was outside of the kits: the vendors' and the people's own records, and the timeline. */
import { canSeeEvent } from '../../core/delivery/visibility.js';
import type { TurnRow } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { OutboxState, TurnState } from '../../core/models/vocabulary.js';
import { STANDS_STILL_MS, type MetFault } from './faults.js';
import type { TakenMessage } from './vendor.js';
import type { World } from './world.js';

const OPEN_ROWS: readonly OutboxState[] = ['queued', 'sending', 'unknown'];
const OPEN_TURNS: readonly TurnState[] = ['queued', 'running'];

/** Whether nothing is left to do: everybody was heard, and all deliveries and turns have ended. */
export function isQuiet({ database, people, isHostDone }: World): boolean {
  return (
    people.allTaken &&
    !people.isCalling &&
    isHostDone &&
    database.listRows({ state: OPEN_ROWS, limit: 1 }).length === 0 &&
    database.listTurns({ state: OPEN_TURNS, limit: 1 }).length === 0
  );
}

/** What is wrong, in words; empty when all is well. */
export function judge(world: World): readonly string[] {
  return [
    ...judgeTimelines(world),
    ...judgeClosed(world),
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

/** A closed room does not grow, whoever held it when it was closed (ROOM-04, LOCK-03). */
function* judgeClosed(world: World): Iterable<string> {
  for (const [roomId, events] of timelines(world)) {
    let closed: RoomEvent | undefined;
    for (const event of events) {
      const code = event.content.type === 'system' ? event.content.code : undefined;
      if (code === 'room_reopened') closed = undefined;
      else if (closed !== undefined) yield `${roomId}: ${event.id} (index ${event.index}) came after the room was closed at index ${closed.index}`;
      if (code === 'room_closed') closed = event;
    }
  }
}

/** Each message that was taken is there, once (INV-08). */
function* judgeMessages(world: World): Iterable<string> {
  const all = timelines(world);
  for (const { key, roomId, taken, results } of world.people.written) {
    if (!taken) yield `message ${key} was never taken`;
    const found = [...all].flatMap(([room, events]) => events.filter((event) => event.idempotencyKey === key).map(() => room));
    // A closed room takes nothing, and says so.
    const isRefused = results.some(({ reason }) => reason === 'room_closed');
    if (taken && found.length === 0 && !isRefused) yield `message ${key} was taken, and is lost`;
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

/** Every turn says what it has to say once: no message is answered twice, none is not answered, unless somebody wanted it so (INV-08). */
function* judgeAnswers(world: World): Iterable<string> {
  const all = timelines(world);
  const turns = world.database.listTurns({});
  for (const turn of turns) {
    const { roomId, channelId, triggerEventIds, state } = turn;
    const asked = triggerEventIds.join(', ');
    if (state === 'merged') {
      let into: TurnRow | undefined = turn;
      while (into?.state === 'merged') into = turns.find(({ id }) => id === into?.mergedInto);
      const answered = into?.triggerEventIds;
      if (answered === undefined || !triggerEventIds.every((id) => answered.includes(id)))
        yield `turn ${turn.id} was merged into one that does not answer ${asked}`;
      continue;
    }
    const said = (all.get(roomId) ?? []).filter(
      (event) => event.source.channelId === channelId && triggerEventIds.some((id) => answeredBy(event).includes(id)),
    );
    const whole = said.filter(({ metadata }) => metadata['cancelled'] !== true && metadata['partial'] !== true);
    if (whole.length > 1 || said.length > turn.attempts)
      yield `${asked} was answered ${said.length} times by ${channelId}: ${said.map(({ id }) => id).join(', ')}`;
    // What an agent has said until its time was over is its answer, marked as partial.
    const isPartial = turn.endReason === 'timeout' && said.length > 0 && sleptThrough(world, turn);
    if (state === 'committed' && whole.length === 0 && !isPartial) yield `turn ${turn.id} is committed without its answer`;
    for (const reply of whole)
      if (!triggerEventIds.every((id) => answeredBy(reply).includes(id)))
        yield `${reply.id} answers ${answeredBy(reply).join(', ')}, and its turn ${asked}`;
    if (state !== 'committed' && whole.length > 0) yield `turn ${turn.id} is ${state}, and ${asked} has its answer`;
    if (whole.length === 0 && state !== 'committed' && !mayBeUnanswered(world, turn, turns))
      yield `${asked} was not answered: the turn is ${state} (${turn.endReason ?? ''} ${turn.error?.code ?? ''})`;
  }
}

/** What nothing went on for, or clocks were wrong by, at the most. */
function stoodStillMs({ met }: World): number {
  return met.reduce((sum, { kind }) => sum + STANDS_STILL_MS[kind], 0);
}

/** All stood still for a turn's whole time: before it was begun, or while it ran. It has five minutes for either. */
function sleptThrough(world: World, { createdAt, expiresAt }: TurnRow): boolean {
  return stoodStillMs(world) >= Date.parse(expiresAt) - Date.parse(createdAt) - SPARE_MS;
}

/** What a turn takes by itself, with its restarts and retries. */
const SPARE_MS = 60_000;

function answeredBy({ metadata, parentEventId }: RoomEvent): readonly unknown[] {
  const { answers } = metadata;
  return Array.isArray(answers) ? (answers as readonly unknown[]) : [parentEventId];
}

/** A newer message has cut it short, its room was closed, it crashed twice (TURN-03), the model was away, or all stood still for its whole time. */
function mayBeUnanswered(world: World, turn: TurnRow, turns: readonly TurnRow[]): boolean {
  const { roomId, channelId, triggerIndex, state, error, endReason } = turn;
  if (error?.code === 'crashed' || wasAway(world, 'model')) return true;
  if (state === 'expired' || (state === 'failed' && endReason === 'timeout')) return sleptThrough(world, turn);
  if (state !== 'cancelled') return false;
  const closed = world.database
    .listEvents(roomId)
    .some(({ content, index }) => content.type === 'system' && content.code === 'room_closed' && index > triggerIndex);
  if (closed) return true;
  if (world.database.getBinding(roomId, channelId)?.collision?.policy !== 'interrupt') return false;
  return turns.some((other) => other.roomId === roomId && other.channelId === channelId && other.triggerIndex > triggerIndex);
}

/** Whether whoever is at a socket has been shown all that there is. */
export function isShown(world: World): boolean {
  for (const _wrong of judgeClients(world)) return false;
  return true;
}

/** Whoever hears a room at a socket was shown all that there is to see, once and in order (WS-09). */
function* judgeClients(world: World): Iterable<string> {
  const all = timelines(world);
  for (const { name, roomId, channelId, shown, previews } of world.clients) {
    for (const streamId of previews) yield `${name} in ${roomId} still sees the preview ${streamId}`;
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

/** What no delivery is sent twice for: it touches neither the rows nor their vendors, and no process. */
function isHarmless(fault: MetFault): boolean {
  if (fault.kind === 'crash_before' || fault.kind === 'crash_after' || fault.kind === 'pause') return false;
  return fault.kind === 'jump' || isWaitedFor(fault) || /^(model|realtime|lock)\./.test(fault.step);
}

/** Where vendors and models only took their time, everything was tried once: nobody took another's work (LOCK-04, OUT-11). */
function* judgeAttempts({ database, met }: World): Iterable<string> {
  if (met.every(isHarmless))
    for (const { eventId, channelId, attempts } of database.listRows({}))
      if (attempts > 1) yield `${eventId} was sent to ${channelId} ${attempts} times, and nothing had gone wrong`;
  if (!met.every(isWaitedFor)) return;
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
      else if (world.met.every(isHarmless)) yield `${vendor.name} was sent ${taken.key} twice, and nothing had gone wrong`;
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
