/**
 * The client against the real server over a network that fails in every way: at the end each client shows exactly the room's
 * visible events in index order, and each message was committed once, in the order it was sent.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf, type ClientRoom, type RoomKitClient, type SendResult } from 'roomkit/client';
import { verifies } from '../requirements.js';
import { Network, ROOM, type Fate } from './network.js';

const PEOPLE = ['ann', 'bob', 'cid'] as const;
type Name = (typeof PEOPLE)[number];

/** What happens in a run. */
type Act =
  | { readonly do: 'say' | 'cut' | 'offline' | 'online' | 'older' | 'edit' | 'take back'; readonly who: Name }
  | { readonly do: 'desk' | 'hidden' | 'host edits' | 'host removes' | 'host hides' | 'host shows' | 'restart' | 'crash' }
  | { readonly do: 'wait'; readonly ms: number };

const acts = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: fc.constant('say' as const), who: fc.constantFrom(...PEOPLE) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('cut' as const, 'offline' as const, 'online' as const, 'older' as const, 'edit' as const, 'take back' as const),
        who: fc.constantFrom(...PEOPLE),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'desk' as const,
          'hidden' as const,
          'host edits' as const,
          'host removes' as const,
          'host hides' as const,
          'host shows' as const,
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'crash' as const) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 25, 60, 300, 2000, 40_000) }) },
  ),
  { minLength: 30, maxLength: 120, size: 'max' },
);

const fates = (...bad: Fate[]): fc.Arbitrary<Fate[]> =>
  fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant('fine' as const) }, { weight: 1, arbitrary: fc.constantFrom(...bad) }), {
    maxLength: 600,
    size: 'max',
  });

/** One person with a page open, and what they noted. */
class Person {
  readonly room: ClientRoom;
  readonly client: RoomKitClient;
  readonly said: string[] = [];
  readonly results: { readonly body: string; readonly result: SendResult }[] = [];
  readonly faults: string[] = [];
  /** The events they were told of one by one. */
  readonly told: number[] = [];
  #changes: Promise<unknown>[] = [];

  constructor(
    network: Network,
    readonly name: Name,
  ) {
    this.client = network.client(name, { pageSize: 4 });
    this.room = this.client.room(ROOM);
    this.room.subscribe(() => this.#look());
    this.room.on('event', ({ index }) => {
      if (index <= (this.told.at(-1) ?? -1)) this.faults.push(`told of ${index} after ${this.told.at(-1)}`);
      this.told.push(index);
    });
    this.client.on('error', ({ code, message }) => {
      if (!['network', 'timeout', 'http_error', 'not_ready', 'kit_closed', 'unauthenticated', 'token_expired'].includes(code))
        this.faults.push(`${code}: ${message}`);
    });
  }

  say(): void {
    if (this.said.length - this.results.length > 40) return;
    const body = `${this.name} ${this.said.length}`;
    this.said.push(body);
    this.room.send(body).then(
      (result) => this.results.push({ body, result }),
      (error: unknown) => this.faults.push(`${body} was not taken: ${String(error)}`),
    );
  }

  change(what: 'edit' | 'take back'): void {
    const own = this.room.messages.filter(({ source }) => source.participantId === this.name);
    const one = own.at(Math.floor(own.length / 2));
    if (one === undefined || this.#changes.length > 20) return;
    // Whether it may still be done is for the server to say: somebody else may have been faster.
    const done = what === 'edit' ? this.room.edit(one.id, `${textOf(one)}!`) : this.room.delete(one.id);
    this.#changes.push(done.catch((error: unknown) => this.faults.push(`${what}: ${String(error)}`)));
  }

  get waits(): boolean {
    return this.room.outbox.some(({ state }) => state !== 'refused');
  }

  /** No view ever holds an event twice or out of order. */
  #look(): void {
    const { events } = this.room;
    for (let position = 1; position < events.length; position++) {
      const [before = -1, index = -1] = [events[position - 1]?.index, events[position]?.index];
      if (index <= before) this.faults.push(`${index} is shown after ${before}`);
    }
  }
}

async function act(network: Network, people: ReadonlyMap<Name, Person>, what: Act, turned: Set<string>): Promise<void> {
  const { kit } = network;
  const person = 'who' in what ? people.get(what.who) : undefined;
  const some = async (): Promise<string> => {
    const events = (await kit.getTimeline(ROOM, { limit: 1000 })).filter(({ type }) => type === 'message');
    return events.at(Math.floor(events.length / 2))?.id ?? '';
  };
  switch (what.do) {
    case 'say':
      person?.say();
      return;
    case 'cut':
      network.cut(what.who);
      return;
    case 'offline':
      network.offline.add(what.who);
      network.cut(what.who);
      return;
    case 'online':
      network.offline.delete(what.who);
      return;
    case 'older':
      person?.room.loadOlder({ limit: 3 }).catch(() => undefined);
      return;
    case 'edit':
    case 'take back':
      person?.change(what.do);
      return;
    case 'desk':
    case 'hidden':
      await kit.sendEvent(ROOM, 'desk', what.do, { visibility: what.do === 'hidden' ? 'desk' : 'all', wait: 'commit' });
      return;
    case 'host edits':
      await kit.updateEvent(ROOM, await some(), { content: 'The host has changed this.' });
      return;
    case 'host hides': {
      const id = await some();
      turned.add(id);
      await kit.updateEvent(ROOM, id, { visibility: 'desk' });
      return;
    }
    case 'host shows': {
      const hidden = (await kit.getTimeline(ROOM, { limit: 1000 })).filter(({ visibility }) => visibility === 'desk');
      const id = hidden.at(Math.floor(hidden.length / 2))?.id ?? '';
      turned.add(id);
      await kit.updateEvent(ROOM, id, { visibility: 'all' });
      return;
    }
    case 'host removes':
      await kit.deleteEvent(ROOM, await some(), { cascadeReplies: false });
      return;
    case 'restart':
    case 'crash':
      await network.restart(what.do === 'restart');
      return;
    case 'wait':
      await network.clock.advance(what.ms);
  }
}

/** Everything is quiet: nobody waits, nothing is on its way, and everybody is in step. */
async function settle(network: Network, people: readonly Person[]): Promise<void> {
  for (let round = 0; round < 60; round++) {
    await network.clock.advance(5000);
    const isQuiet = people.every(({ room, waits }) => !waits && room.snapshot.status === 'live' && room.streams.length === 0);
    const turns = await network.kit.store.listTurns({ roomId: ROOM, state: ['queued', 'running'] });
    if (isQuiet && turns.length === 0 && round > 3) return;
  }
  const states = people.map(
    ({ name, room, client, waits }) =>
      `${name}: ${client.status}, ${room.snapshot.status}, ${waits ? 'waits' : 'done'}, ${room.streams.length} streams`,
  );
  throw new Error(`It does not become quiet. ${states.join('; ')}`);
}

async function run(what: readonly Act[], bad: readonly Fate[], isHostile: boolean): Promise<void> {
  const network = await Network.open();
  const people = new Map(PEOPLE.map((name) => [name, new Person(network, name)]));
  const everybody = [...people.values()];
  await network.clock.advance(1000);
  network.plan(bad);
  /** Events whose visibility a host has changed: they may never have come as new ones. */
  const turned = new Set<string>();
  for (const one of what) await act(network, people, one, turned);
  // The network is well again.
  network.plan([]);
  network.offline.clear();
  // A frame that was lost behind all others cannot be missed before the next one, or the next connection.
  if (isHostile) network.cut();
  await settle(network, everybody);
  for (const { room } of everybody) {
    for (let page = 0; page < 200 && room.snapshot.hasOlder; page++) {
      const loaded = room.loadOlder({ limit: 50 });
      await network.clock.advance(100);
      await loaded;
    }
  }
  const kit = network.kit;
  const visible = await kit.getTimeline(ROOM, { as: 'web', limit: 1000 });
  const all = await kit.getTimeline(ROOM, { limit: 1000 });
  for (const { room, name, said, results, faults, told } of everybody) {
    expect(faults, name).toEqual([]);
    expect(
      room.events.map(({ index }) => index),
      `what ${name} sees`,
    ).toEqual(visible.map(({ index }) => index));
    expect(
      room.events.map(({ id, content }) => ({ id, content })),
      `what ${name} reads`,
    ).toEqual(visible.map(({ id, content }) => ({ id, content })));
    expect(
      results.map(({ body }) => body),
      `what ${name} was told of`,
    ).toEqual(said);
    // Each was committed once; what a host has removed since is not there any more.
    const index = new Map(results.map(({ body, result }) => [body, result.event?.index ?? -1]));
    expect([...index.values()], `the order of what ${name} said`).toEqual([...index.values()].sort((one, other) => one - other));
    expect(new Set(index.values()).size, `the events of ${name}`).toBe(said.length);
    const own = all.filter(({ source, type }) => type === 'message' && source.participantId === name);
    expect(
      own.every((event) => [...index.values()].includes(event.index)),
      `events that ${name} did not send`,
    ).toBe(true);
    // Nothing is only read again: each event came once by itself, in order.
    const missed = visible.filter(({ id, index: at, type }) => type === 'message' && !turned.has(id) && !told.includes(at));
    expect(
      missed.map(({ index: at }) => at),
      `what ${name} was not told of`,
    ).toEqual([]);
  }
  for (const { client } of everybody) client.close();
  await network.close();
  expect(network.clock.pendingTimers, 'timers that were left behind').toBe(0);
}

const numRuns = 15 * Number(process.env['PROPERTY_RUNS'] ?? 1);

describe('clients over a network that fails', () => {
  it('are in step when connections break at any point, are slow, and the server restarts', { timeout: 600_000 }, async () => {
    verifies('WIRE-04', 'WIRE-05', 'WIRE-07', 'WIRE-08', 'WIRE-09', 'WIRE-12', 'WS-09');
    await fc.assert(
      fc.asyncProperty(acts, fates('late', 'cut'), (what, bad) => run(what, bad, false)),
      { numRuns, endOnFailure: true },
    );
  });

  it('are in step when frames are lost, doubled and overtaken as well', { timeout: 600_000 }, async () => {
    verifies('WIRE-04', 'WIRE-05', 'WIRE-07', 'WIRE-08', 'WIRE-09', 'WIRE-13');
    await fc.assert(
      fc.asyncProperty(acts, fates('late', 'lost', 'doubled', 'overtaken', 'cut'), (what, bad) => run(what, bad, true)),
      { numRuns, endOnFailure: true },
    );
  });
});
