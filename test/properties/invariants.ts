/** What holds after every run (behaviour §30): the record of what happened against what is stored. Faults are sentences. */
import { RoomKitError, type OutboxRow, type RoomEvent, type TurnRow } from '../../src/core/index.js';
import { hearers, placesAtTheEnd, placesByIndex, reaches, solicited, writes, type Places } from './bindings.js';
import { AGENTS, DURABLE, ROOMS, textOf } from './cast.js';
import { wordsIn } from './record.js';
import type { World } from './world.js';

interface RoomFacts {
  readonly roomId: string;
  readonly events: readonly RoomEvent[];
  readonly places: ReadonlyMap<number, Places>;
  readonly rows: readonly OutboxRow[];
  readonly turns: readonly TurnRow[];
  readonly policy: string;
}

const ENDED_ROWS: readonly string[] = ['sent', 'failed', 'cancelled'];
const ENDED_TURNS: readonly string[] = ['committed', 'failed', 'cancelled', 'empty', 'rejected'];

export async function faultsOf(world: World): Promise<string[]> {
  const faults = [...world.record.faults, ...world.openPreviews().map((id) => `The preview ${id} was never ended.`)];
  const facts: RoomFacts[] = [];
  for (const roomId of ROOMS) {
    const events = await world.store.listEvents(roomId);
    const room = await world.store.getRoom(roomId);
    const indexes = events.map((event) => event.index);
    if (indexes.some((index, position) => index !== position)) faults.push(`INV-01: ${roomId} has indexes ${indexes.join()}.`);
    if (room?.latestIndex !== events.length - 1 || room.eventCount !== events.length)
      faults.push(`INV-02: ${roomId} counts ${room?.eventCount} events up to ${room?.latestIndex}, and has ${events.length}.`);
    const rows = await world.store.listRows({ roomId });
    const turns = await world.store.listTurns({ roomId });
    facts.push({ roomId, events, places: placesByIndex(events), rows, turns, policy: room?.agentResponsePolicy ?? '' });
  }
  const byId = new Map(facts.flatMap(({ events }) => events).map((event) => [event.id, event]));
  for (const room of facts) {
    faults.push(...ofTimeline(room));
    faults.push(...ofRows(room));
    faults.push(...ofTurns(room));
    faults.push(...ofLiveClient(world, room));
  }
  faults.push(...ofHearing(world, byId, facts));
  faults.push(...ofModels(world));
  faults.push(...ofCallers(world, facts));
  return faults;
}

/** What is stored is settled, once per key, and said by somebody who might. */
function ofTimeline({ roomId, events, places }: RoomFacts): string[] {
  const faults: string[] = [];
  const keys = new Set<string>();
  for (const event of events) {
    if (event.status !== 'delivered' && event.status !== 'blocked') faults.push(`INV-03: ${event.index} of ${roomId} is ${event.status}.`);
    if (event.idempotencyKey !== undefined) {
      if (keys.has(event.idempotencyKey)) faults.push(`INV-08: ${roomId} has two events of ${event.idempotencyKey}.`);
      keys.add(event.idempotencyKey);
    }
    if (event.status === 'blocked' || event.source.channelType === 'system' || event.parentEventId !== undefined) continue;
    const place = places.get(event.index)?.get(event.source.channelId);
    if (place === undefined) faults.push(`${event.index} of ${roomId} is from ${event.source.channelId}, which was not there.`);
    else if (!writes(place) || place.muted)
      faults.push(`PERM-02: ${event.index} of ${roomId} is from ${event.source.channelId}, which may not speak.`);
  }
  return faults;
}

/** Every durable hearer has one row, which has ended in a way that can be explained. */
function ofRows({ roomId, events, places, rows }: RoomFacts): string[] {
  const faults: string[] = [];
  const byEvent = new Map<string, string[]>();
  for (const row of rows) byEvent.set(row.eventId, [...(byEvent.get(row.eventId) ?? []), row.channelId]);
  for (const event of events) {
    const expected = hearers(event, places.get(event.index) ?? new Map()).filter((id) => (DURABLE as readonly string[]).includes(id));
    const found = byEvent.get(event.id) ?? [];
    if (expected.sort().join() !== found.sort().join())
      faults.push(`OUT-01: ${event.index} of ${roomId} is for [${expected.join()}] and has rows for [${found.join()}].`);
  }
  for (const row of rows) {
    if (!ENDED_ROWS.includes(row.state)) faults.push(`INV-17: the row of ${row.eventIndex} for ${row.channelId} is ${row.state}.`);
    if (row.state === 'failed' && row.lastError?.code !== 'busy' && row.lastError?.code !== 'invalid_number' && row.lastError?.code !== 'timeout')
      faults.push(`INV-17: the row of ${row.eventIndex} for ${row.channelId} has failed with ${row.lastError?.code}.`);
  }
  return faults;
}

/** Every agent that is asked has one turn, which has ended; what it has committed is there. */
function ofTurns({ roomId, events, places, turns, policy }: RoomFacts): string[] {
  const faults: string[] = [];
  const byEvent = new Map<string, string[]>();
  const replies = new Set<string>();
  for (const turn of turns) {
    const trigger = turn.triggerEventIds[0] ?? '';
    byEvent.set(trigger, [...(byEvent.get(trigger) ?? []), turn.channelId]);
    if (!ENDED_TURNS.includes(turn.state)) faults.push(`Turn ${turn.id} of ${turn.channelId} is ${turn.state}.`);
    if (turn.attempts > 2) faults.push(`TURN-03: turn ${turn.id} was tried ${turn.attempts} times.`);
    const own = events.filter((event) => turn.replyEventIds?.includes(event.id));
    if (turn.state === 'committed' && own.length === 0)
      faults.push(`TURN-03: turn ${turn.id} of ${turn.channelId} has committed nothing that is there.`);
    for (const reply of own) {
      if (replies.has(reply.id)) faults.push(`INV-08: ${reply.index} of ${roomId} is the reply of two turns.`);
      replies.add(reply.id);
      if (reply.parentEventId !== trigger || reply.source.channelId !== turn.channelId)
        faults.push(`Turn ${turn.id} names a reply that is not its own.`);
    }
  }
  for (const event of events) {
    const expected = solicited(event, places.get(event.index) ?? new Map(), policy).sort();
    const found = (byEvent.get(event.id) ?? []).sort();
    if (expected.join() !== found.join())
      faults.push(`BC-03: ${event.index} of ${roomId} asks [${expected.join()}] and has turns of [${found.join()}].`);
    // A reply of a turn that was recovered is there once.
    const isReply = event.parentEventId !== undefined && (AGENTS as readonly string[]).includes(event.source.channelId);
    if (isReply && !replies.has(event.id) && !isPartOfFailed(event, turns))
      faults.push(`INV-08: ${event.index} of ${roomId} is a reply that no turn knows of.`);
  }
  return faults;
}

/** The first of two replies stays when the second could not be made. */
function isPartOfFailed(reply: RoomEvent, turns: readonly TurnRow[]): boolean {
  return turns.some(
    (turn) => turn.channelId === reply.source.channelId && turn.triggerEventIds.includes(reply.parentEventId ?? '') && turn.state !== 'committed',
  );
}

/** The client has seen everything its channel was to hear, in order; what came before it was let in, or back in, it may have seen too. */
function ofLiveClient(world: World, { roomId, events, places }: RoomFacts): string[] {
  const now = placesAtTheEnd(events).get('web');
  if (now === undefined || (now.access !== 'read_write' && now.access !== 'read_only')) return [];
  const seen = new Set(world.record.told.filter((told) => told.channelId === 'web' && told.roomId === roomId).map((told) => told.event.index));
  const missed = events.filter(
    (event) => event.metadata['deleted'] !== true && !seen.has(event.index) && hearers(event, places.get(event.index) ?? new Map()).includes('web'),
  );
  return missed.length === 0 ? [] : [`WS-09: the client of ${roomId} missed ${missed.map((event) => event.index).join()}.`];
}

/** What channels were told: never what was blocked, hidden or their own; always in order. */
function ofHearing(world: World, byId: ReadonlyMap<string, RoomEvent>, facts: readonly RoomFacts[]): string[] {
  const faults: string[] = [];
  const last = new Map<string, number>();
  for (const told of world.record.told) {
    const { channelId, roomId, event } = told;
    const stored = byId.get(event.id);
    const name = `${channelId} was told ${event.index} of ${roomId}`;
    if (stored === undefined) {
      faults.push(`${name}, which is not there.`);
      continue;
    }
    if (stored.status === 'blocked') faults.push(`INV-05: ${name}, which is blocked.`);
    if (stored.roomId !== roomId) faults.push(`INV-06: ${name}, which is of another room.`);
    const isOwn = stored.source.channelId === channelId;
    if (isOwn && channelId !== 'web') faults.push(`INV-07: ${name}, which is its own.`);
    if (!isOwn && !reaches(stored.visibility, channelId)) faults.push(`INV-06: ${name}, which is for ${stored.visibility}.`);
    const places = facts.find((room) => room.roomId === roomId)?.places.get(event.index);
    if (channelId !== 'web' && !hearers(stored, places ?? new Map()).includes(channelId)) faults.push(`PERM-01: ${name}, and was not to.`);
    // What a host delivers again comes later than it was; everything else keeps its place.
    const lane = `${channelId} ${roomId}`;
    if (event.index < (last.get(lane) ?? -1) && !world.redelivered.has(told.key ?? '')) faults.push(`INV-10: ${name} after ${last.get(lane)}.`);
    last.set(lane, Math.max(event.index, last.get(lane) ?? -1));
  }
  for (const { roomId, rows } of facts) {
    for (const row of rows) {
      const taken = world.record.told.filter((told) => told.channelId === row.channelId && told.event.id === row.eventId && told.taken).length;
      if (row.state === 'sent' && taken === 0)
        faults.push(`OUT-14: the row of ${row.eventIndex} in ${roomId} for ${row.channelId} is sent, and nobody took it.`);
    }
  }
  return faults;
}

/** What models were shown: nothing blocked, hidden, taken back or never said. */
function ofModels(world: World): string[] {
  const faults: string[] = [];
  const owners = new Map<string, RoomEvent>();
  const deletedAt = new Map<string, number>();
  for (const event of world.record.stored.values()) {
    for (const word of wordsIn(textOf(event))) owners.set(word, event);
    const at = world.record.announcedAt.get(event.id);
    if (event.content.type === 'delete' && event.status === 'delivered' && at !== undefined) deletedAt.set(event.content.targetEventId, at);
  }
  for (const asked of world.record.asked) {
    const name = `${asked.channelId} in ${asked.roomId}`;
    for (const word of asked.words) {
      const event = owners.get(word);
      if (event === undefined) {
        faults.push(`INV-05: ${name} was shown ${word}, which is nowhere.`);
        continue;
      }
      if (event.status === 'blocked') faults.push(`INV-05: ${name} was shown ${word}, which is blocked.`);
      if (event.roomId !== asked.roomId) faults.push(`INV-06: ${name} was shown ${word} of ${event.roomId}.`);
      if (event.source.channelId !== asked.channelId && !reaches(event.visibility, asked.channelId))
        faults.push(`INV-06: ${name} was shown ${word}, which is for ${event.visibility}.`);
      const gone = deletedAt.get(event.id);
      if (gone !== undefined && gone < asked.begunAt) faults.push(`EDT-04: ${name} was shown ${word}, which had been taken back.`);
    }
    if (asked.trigger.source.channelId === asked.channelId) faults.push(`INV-07: ${name} was asked about its own event.`);
  }
  return faults;
}

/** What callers were told is so. */
function ofCallers(world: World, facts: readonly RoomFacts[]): string[] {
  const faults: string[] = [];
  const events = facts.flatMap((room) => room.events);
  for (const call of world.record.calls) {
    if (call.state === 'open') faults.push(`INB-21: a call of ${call.what} was never answered.`);
    if (call.state === 'rejected' && !(call.error instanceof RoomKitError)) faults.push(`${call.what} threw ${String(call.error)}.`);
    const { result } = call;
    if (result === undefined) continue;
    const stored = result.event === undefined ? undefined : events.find((event) => event.id === result.event?.id);
    if (result.event !== undefined && stored === undefined) faults.push(`INV-04: ${call.what} was told of ${result.event.id}, which is not there.`);
    if (stored !== undefined && (stored.status === 'blocked') !== result.blocked)
      faults.push(`INV-04: a caller was told blocked: ${result.blocked}, and ${stored.index} is ${stored.status}.`);
    if (result.duplicate && stored !== undefined && stored.idempotencyKey !== call.key)
      faults.push(`INB-08: ${call.key} is a duplicate of another key.`);
  }
  // Whoever was told each time that it was refused finds nothing of it.
  const words = new Map<string, boolean>();
  for (const call of world.record.calls) {
    if (call.word === undefined) continue;
    const isRefused = call.state === 'settled' && call.result?.blocked === true && call.result.event === undefined;
    words.set(call.word, (words.get(call.word) ?? true) && isRefused);
  }
  for (const event of events) {
    for (const word of wordsIn(textOf(event))) if (words.get(word) === true) faults.push(`INV-04: ${word} was refused, and is ${event.index}.`);
  }
  return faults;
}
