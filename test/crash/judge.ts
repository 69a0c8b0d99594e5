/** What must hold after all deaths: read from the file, and compared with what the world outside has seen. Faults are sentences. */
import type { ConversationStore, OutboxRow, RoomEvent, TurnRow } from '../../src/core/index.js';
import { acceptedBy, type Accepted } from './outside.js';
import { VENDORS, type Vendor } from './protocol.js';
import type { World } from './world.js';

export interface Verdict {
  readonly faults: readonly string[];
  /** How much there was to judge. */
  readonly counts: Readonly<Record<string, number>>;
}

const SETTLED_ROWS: readonly string[] = ['sent', 'failed'];

export async function judge(store: ConversationStore, world: World): Promise<Verdict> {
  const faults = [...world.outside.faults];
  const rows = await store.listRows({});
  const turns = await store.listTurns({});
  const timelines = new Map<string, readonly RoomEvent[]>();
  for (const roomId of world.rooms) {
    const events = await store.listEvents(roomId);
    timelines.set(roomId, events);
    const room = await store.getRoom(roomId);
    if (room?.latestIndex !== events.length - 1 || room.eventCount !== events.length)
      faults.push(`${roomId} counts ${room?.eventCount} events up to ${room?.latestIndex}, and has ${events.length}.`);
    events.forEach((event, position) => {
      if (event.index !== position) faults.push(`${roomId} has index ${event.index} at position ${position}.`);
      if (event.status !== 'delivered' && event.status !== 'blocked') faults.push(`${event.id} is ${event.status}.`);
    });
  }
  const events = [...timelines.values()].flat();
  const edited = new Set(events.filter((event) => event.metadata['edited'] === true).map((event) => event.id));
  faults.push(...judgeInbound(world, timelines));
  faults.push(...judgeTurns(turns, events));
  faults.push(...judgeRows(rows, events, world));
  for (const roomId of world.rooms) {
    faults.push(...judgeClient(world, roomId, timelines.get(roomId) ?? []));
    for (const vendor of Object.keys(VENDORS) as Vendor[]) faults.push(...judgeOrder(acceptedBy(world.outside.accepted, vendor, roomId), edited));
  }
  faults.push(...judgeTools(world));
  const count = (state: string): number => turns.filter((turn) => turn.state === state).length;
  return {
    faults,
    counts: {
      events: events.length,
      acknowledged: [...world.said.values()].filter((said) => said.eventId !== undefined).length,
      rows: rows.length,
      resent: rows.filter((row) => row.attempts > 1).length,
      turns: turns.length,
      recovered: turns.filter((turn) => turn.attempts > 1).length,
      answered: count('committed'),
      merged: count('merged'),
      crashedTwice: count('failed'),
      tools: world.outside.tools.length,
    },
  };
}

/** No acknowledged event is lost, and nothing that was said twice is there twice. */
function judgeInbound(world: World, timelines: ReadonlyMap<string, readonly RoomEvent[]>): string[] {
  const faults: string[] = [];
  for (const said of world.said.values()) {
    const found = (timelines.get(said.roomId) ?? []).filter((event) => event.idempotencyKey === said.key);
    if (found.length !== 1) faults.push(`${said.key} is ${found.length} times in the timeline.`);
    if (said.eventId === undefined) faults.push(`${said.key} was never acknowledged.`);
    else if (found[0]?.id !== said.eventId || found[0]?.index !== said.index) faults.push(`${said.key} was acknowledged as another event.`);
    if (found[0] !== undefined && (found[0].status === 'blocked') !== said.text.includes('forbidden'))
      faults.push(`${said.key} is ${found[0].status}.`);
  }
  for (const [roomId, events] of timelines) {
    const keys = events.flatMap((event) => event.idempotencyKey ?? []);
    if (new Set(keys).size !== keys.length) faults.push(`${roomId} has two events of one key.`);
    for (const event of events) {
      const asideTo = /^aside:(.*)$/.exec(event.idempotencyKey ?? '')?.[1];
      const cause = events.find((other) => other.idempotencyKey === asideTo);
      if (asideTo !== undefined && (cause === undefined || cause.index < event.index))
        faults.push(`The aside to ${asideTo} does not come before it.`);
    }
    for (const said of world.said.values()) {
      if (said.roomId !== roomId || said.edits === undefined) continue;
      const target = events.find((event) => event.id === said.edits);
      if (target?.metadata['edited'] !== true) faults.push(`${said.key} has not changed what it edits.`);
    }
  }
  return faults;
}

/** Every turn has ended after at most two attempts; what it committed is there once, and nothing else is. */
function judgeTurns(turns: readonly TurnRow[], events: readonly RoomEvent[]): string[] {
  const faults: string[] = [];
  const byId = new Map(events.map((event) => [event.id, event]));
  for (const event of events) {
    const own = turns.filter((turn) => turn.triggerEventIds.includes(event.id) && turn.state !== 'merged');
    const solicited = event.status === 'delivered' && event.type === 'message' ? (event.addressedTo ?? []).length : 0;
    if (own.length !== solicited) faults.push(`${event.id} asks ${solicited} agents and has ${own.length} turns.`);
  }
  for (const turn of turns) {
    if (turn.state === 'merged') {
      const into = turns.find(({ id }) => id === turn.mergedInto);
      const isAnswered = into?.channelId === turn.channelId && turn.triggerEventIds.every((id) => into.triggerEventIds.includes(id));
      if (!isAnswered) faults.push(`Turn ${turn.id} of ${turn.channelId} was merged into one that does not answer its message.`);
      continue;
    }
    const replies = events.filter((event) => event.source.channelId === turn.channelId && answersOf(event).join() === turn.triggerEventIds.join());
    const expected = turn.channelId === 'twice' ? 2 : 1;
    if (turn.attempts > 2) faults.push(`Turn ${turn.id} was tried ${turn.attempts} times.`);
    if (turn.state === 'committed') {
      if (replies.length !== expected) faults.push(`Turn ${turn.id} of ${turn.channelId} has ${replies.length} replies, not ${expected}.`);
      const last = replies.at(-1);
      if (last !== undefined && turn.replyEventIds?.at(-1) !== last.id) faults.push(`Turn ${turn.id} does not name its reply.`);
      for (const triggerId of turn.triggerEventIds) {
        const key = byId.get(triggerId)?.idempotencyKey ?? '?';
        for (const reply of replies) if (!new RegExp(`\\b${key}\\b`).test(textOf(reply))) faults.push(`'${textOf(reply)}' answers ${key}.`);
      }
    } else if (turn.state === 'failed' && turn.error?.code === 'crashed') {
      if (turn.attempts !== 2) faults.push(`Turn ${turn.id} was given up after ${turn.attempts} attempts.`);
      if (replies.length >= expected) faults.push(`Turn ${turn.id} has failed and answered all the same.`);
    } else faults.push(`Turn ${turn.id} ended ${turn.state} (${turn.error?.code ?? 'no error'}).`);
  }
  return faults;
}

/** Which messages a reply says it answers. */
function answersOf({ metadata, parentEventId }: RoomEvent): readonly unknown[] {
  const { answers } = metadata;
  return Array.isArray(answers) ? (answers as readonly unknown[]) : [parentEventId];
}

/** Every event has a row for everyone who is to get it, every row has ended, and what it says is what happened. */
function judgeRows(rows: readonly OutboxRow[], events: readonly RoomEvent[], world: World): string[] {
  const faults: string[] = [];
  const byEvent = new Map<string, OutboxRow[]>();
  for (const row of rows) byEvent.set(row.eventId, [...(byEvent.get(row.eventId) ?? []), row]);
  for (const event of events) {
    const targets = targetsOf(event);
    const found = (byEvent.get(event.id) ?? []).map((row) => row.channelId).sort();
    if (found.join() !== targets.join())
      faults.push(`${event.type} ${event.index} of ${event.roomId} goes to [${targets.join()}] and has rows for [${found.join()}].`);
  }
  const accepted = new Map<string, Accepted[]>();
  for (const one of world.outside.accepted) accepted.set(one.key, [...(accepted.get(one.key) ?? []), one]);
  for (const row of rows) {
    const name = `The row of ${row.eventId} for ${row.channelId}`;
    if (!SETTLED_ROWS.includes(row.state)) faults.push(`${name} is ${row.state}.`);
    const keys =
      row.partsSent === undefined ? [row.idempotencyKey] : Array.from({ length: row.partsSent }, (_, part) => `${row.idempotencyKey}:${part}`);
    const taken = keys.filter((key) => accepted.has(key)).length;
    const isRefused = [...world.outside.refused].some((key) => key === row.idempotencyKey || key.startsWith(`${row.idempotencyKey}:`));
    if (row.state === 'sent' && taken !== keys.length) faults.push(`${name} is sent, and the vendor has ${taken} of ${keys.length} parts.`);
    if (row.state === 'failed' && !isRefused && row.attempts < 4)
      faults.push(`${name} has failed (${row.lastError?.code}) after ${row.attempts} attempts.`);
  }
  for (const [key, all] of accepted) {
    const vendor = all[0]?.vendor ?? 'plain';
    if (vendor !== 'plain' && all.filter((one) => one.isNew).length !== 1)
      faults.push(`The recipient of ${key} got it ${all.length} times from ${vendor}.`);
  }
  return faults;
}

function targetsOf(event: RoomEvent): string[] {
  if (event.status === 'blocked' || event.visibility === 'internal') return [];
  const named = event.visibility === 'all' ? Object.keys(VENDORS) : event.visibility.split(',').map((id) => id.trim());
  return named.filter((id) => id !== event.source.channelId).sort();
}

/**
 * In order per room and channel: never something earlier after something later, whatever was sent twice. A text that was
 * edited half-way has other parts than before.
 */
function judgeOrder(accepted: readonly Accepted[], edited: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  accepted.forEach((one, position) => {
    const before = accepted[position - 1];
    if (before === undefined) return;
    if (one.index < before.index || (one.index === before.index && one.part < before.part && !edited.has(one.eventId)))
      faults.push(`${one.vendor} got ${one.index}.${one.part} of ${one.roomId} after ${before.index}.${before.part}.`);
  });
  return faults;
}

/** The client has seen every event it may see, once, and nothing else. */
function judgeClient(world: World, roomId: string, events: readonly RoomEvent[]): string[] {
  const visible = events.filter((event) => event.status === 'delivered' && event.visibility === 'all').map((event) => event.index);
  const seen = (world.outside.seen.get(roomId) ?? []).map((one) => one.index);
  const faults: string[] = [];
  if (seen.join() !== visible.join()) {
    const missing = visible.filter((index) => !seen.includes(index));
    const extra = seen.filter((index) => !visible.includes(index));
    faults.push(`The client of ${roomId} missed [${missing.join()}] and got [${extra.join()}] besides.`);
  }
  return [...faults, ...world.outside.openPreviews().map((id) => `The preview ${id} was never ended.`)];
}

/** What must not be done twice was done once at most. */
function judgeTools(world: World): string[] {
  const times = new Map<string, number>();
  for (const { name, key } of world.outside.tools) if (name === 'charge') times.set(key, (times.get(key) ?? 0) + 1);
  return [...times].flatMap(([key, count]) => (count > 1 ? [`${key} was charged ${count} times.`] : []));
}

function textOf(event: RoomEvent | undefined): string {
  return event?.content.type === 'text' ? event.content.body : '';
}
