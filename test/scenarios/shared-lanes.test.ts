/** Lanes of a store that processes share, when what one has comes to another and back: nothing overtakes what is older (STO-16). */
import { describe, expect, it } from 'vitest';
import {
  InMemoryLockManager,
  InMemoryRealtime,
  InMemoryStore,
  silentLogger,
  UuidGenerator,
  type CollisionConfig,
  type RoomEvent,
  type TurnRow,
} from '../../src/core/index.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { makeKit, messagesOf, settle, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const ROOM = 'room';

class SharedMemoryStore extends InMemoryStore {
  override readonly shared = true;
  /** Whom to wake between a claim and its answer. */
  realtime: InMemoryRealtime | undefined;
  wakes = false;

  override claimDue(claim: Parameters<InMemoryStore['claimDue']>[0]): ReturnType<InMemoryStore['claimDue']> {
    const work = super.claimDue(claim);
    if (this.wakes) void this.realtime?.publish(`kit:${claim.owner}`, { type: 'work', kind: 'turns', roomId: ROOM, channelId: 'agent' });
    return work;
  }
}

/** One that says it reaches other processes, so that wake-ups are listened for. */
class SharedRealtime extends InMemoryRealtime {
  override readonly distributed = true as never; // to the kit it is one that others share
  owner = '';

  override subscribe(channel: string, callback: Parameters<InMemoryRealtime['subscribe']>[1]): string {
    if (channel.startsWith('kit:')) this.owner = channel;
    return super.subscribe(channel, callback);
  }
}

const NOBODYS = { leaseOwner: undefined, leaseUntil: undefined };
const ELSEWHERE = { leaseOwner: 'another process', leaseUntil: '2999-01-01T00:00:00.000Z' };

/** The same change; `then` happens when it was refused of this row or turn. */
function refused<How extends unknown[], One>(change: (id: string, ...how: How) => One, id: string | undefined, then: () => void) {
  return (changed: string, ...how: How): One => {
    const result = change(changed, ...how);
    if (result === null && changed === id) then();
    return result;
  };
}

async function process(
  answer?: ConstructorParameters<typeof TestAgent>[1],
  store = new SharedMemoryStore(),
  clock = new TestClock(),
  collision?: CollisionConfig,
) {
  const realtime = new SharedRealtime({ ids: new UuidGenerator(), logger: silentLogger });
  store.realtime = realtime;
  const { kit } = makeKit({ clock, store, realtime, lockManager: new InMemoryLockManager() });
  const [web, vendor, agent] = [new TestTransport('web', { durable: false }), new TestTransport('vendor'), new TestAgent('agent', answer)];
  if (collision !== undefined) Object.assign(agent, { collision });
  await kit.ensureRoom({ roomId: ROOM });
  for (const channel of [web, vendor, agent]) {
    kit.registerChannel(channel);
    await kit.attachChannel(ROOM, channel.channelId);
  }
  await settle(clock);
  const say = (content: string) => kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: ROOM, wait: 'commit' });
  const answers = async (): Promise<string[]> =>
    messagesOf(await kit.getTimeline(ROOM))
      .filter(({ source }) => source.channelId === 'agent')
      .map(textOf);
  return { kit, clock, store, realtime, vendor, agent, say, answers };
}

describe('what comes back to a process', () => {
  it('is answered before what was said after it, also when a wake-up comes while it is being taken over', async () => {
    verifies('TURN-01', 'COL-01', 'STO-16');
    const before = await process(() => undefined);
    const { store } = before;
    for (const text of ['one', 'two']) await before.say(text);
    await before.kit.close();
    const [first, second] = store.listTurns({ roomId: ROOM }) as [TurnRow, TurnRow];
    // As a process leaves it that has died in the middle of the first of two turns.
    const dead = { leaseOwner: 'a dead process', leaseUntil: '1970-01-01T00:00:00.000Z' };
    store.updateTurn(first.id, { ...dead, state: 'running', attempts: 1 });
    store.updateTurn(second.id, { ...dead, state: 'queued', attempts: 0 });
    const { getEvent } = store;
    let isSlow = true;
    const clock = new TestClock();
    const slowly = async (roomId: string, eventId: string): Promise<RoomEvent | null> => {
      if (isSlow && first.triggerEventIds.includes(eventId)) {
        isSlow = false;
        await clock.sleep(50);
      }
      return getEvent.call(store, roomId, eventId);
    };
    store.getEvent = slowly as never; // a store may answer later, though this one never does
    store.wakes = true;
    const { kit, answers } = await process(undefined, store, clock);
    await clock.advance(5000);
    expect(await answers()).toEqual(['re: one', 're: two']);
    await kit.close();
  });

  it('is answered before what comes next, though it was known here before', async () => {
    verifies('TURN-01', 'COL-01', 'STO-16');
    const { kit, clock, store, realtime, say, answers, release } = await held();
    await say('zero');
    await say('one');
    await settle(clock);
    const one = store.listTurns({ roomId: ROOM }).at(-1) as TurnRow;
    // While the first turn goes on, this process stands still for longer than its lease; another one takes the lane …
    store.updateTurn(one.id, ELSEWHERE);
    release();
    await settle(clock);
    expect(await answers()).toEqual(['re: zero']);
    // … and gives it back before it came to it.
    store.updateTurn(one.id, { ...ELSEWHERE, leaseOwner: realtime.owner.slice('kit:'.length) });
    await say('two');
    await clock.advance(5000);
    expect(await answers()).toEqual(['re: zero', 're: one', 're: two']);
    await kit.close();
  });

  it('is delivered before what comes next, though it was known here before', async () => {
    verifies('OUT-02', 'STO-16');
    const { kit, clock, store, realtime, vendor, say } = await process(() => undefined);
    vendor.hangNext();
    await say('zero');
    await say('one');
    await settle(clock);
    const one = store.listRows({ roomId: ROOM, channelId: 'vendor' }).at(-1);
    store.updateRow(one?.id ?? '', ELSEWHERE);
    vendor.resume();
    await settle(clock);
    expect(vendor.texts).toEqual(['zero']);
    store.updateRow(one?.id ?? '', { ...ELSEWHERE, leaseOwner: realtime.owner.slice('kit:'.length) });
    await say('two');
    await clock.advance(5000);
    expect(vendor.texts).toEqual(['zero', 'one', 'two']);
    await kit.close();
  });

  it('is not overtaken by what waited behind it, when it is given back just then', async () => {
    verifies('OUT-02', 'STO-16');
    const { kit, clock, store, vendor, say } = await process(() => undefined);
    vendor.hangNext();
    for (const text of ['zero', 'one', 'two', 'three']) await say(text);
    await settle(clock);
    const [, ...rest] = store.listRows({ roomId: ROOM, channelId: 'vendor' });
    for (const { id } of rest) store.updateRow(id, ELSEWHERE);
    const updateRow = store.updateRow.bind(store);
    // Whoever has the lane is drained in the moment in which this process has asked for its first delivery in vain.
    store.updateRow = refused(updateRow, rest[0]?.id, () => rest.forEach(({ id }) => updateRow(id, NOBODYS)));
    vendor.resume();
    await clock.advance(5000);
    expect(vendor.texts).toEqual(['zero', 'one', 'two', 'three']);
    await kit.close();
  });

  it('is not answered behind what waited behind it, when it is given back just then', async () => {
    verifies('TURN-01', 'STO-16');
    const { kit, clock, store, say, answers, release } = await held();
    for (const text of ['zero', 'one', 'two', 'three']) await say(text);
    await settle(clock);
    const [, ...rest] = store.listTurns({ roomId: ROOM });
    for (const { id } of rest) store.updateTurn(id, ELSEWHERE);
    const updateTurn = store.updateTurn.bind(store);
    store.updateTurn = refused(updateTurn, rest[0]?.id, () => rest.forEach(({ id }) => updateTurn(id, NOBODYS)));
    release();
    await clock.advance(5000);
    expect(await answers()).toEqual(['re: zero', 're: one', 're: two', 're: three']);
    await kit.close();
  });

  it('is not answered behind what waited behind it, when its own answer was refused and it is given back just then', async () => {
    verifies('TURN-01', 'TURN-03', 'STO-16');
    const { kit, clock, store, say, answers, release } = await held();
    for (const text of ['zero', 'one']) await say(text);
    await settle(clock);
    const turns = store.listTurns({ roomId: ROOM });
    for (const { id } of turns) store.updateTurn(id, ELSEWHERE);
    const commitEvent = store.commitEvent.bind(store);
    store.commitEvent = (commit) => {
      try {
        return commitEvent(commit);
      } catch (error) {
        if (commit.completesTurn !== undefined) for (const { id } of turns) store.updateTurn(id, NOBODYS);
        throw error;
      }
    };
    release();
    await clock.advance(5000);
    expect(await answers()).toEqual(['re: zero', 're: one']);
    await kit.close();
  });

  it('has the attempt of the other process counted', async () => {
    verifies('TURN-03', 'STO-16');
    const { kit, clock, store, realtime, say, answers, release } = await held();
    for (const text of ['zero', 'one']) await say(text);
    await settle(clock);
    const one = store.listTurns({ roomId: ROOM }).at(-1) as TurnRow;
    // Another process has begun it and died; this one has claimed it again, and still knows it as one that waits.
    const leaseOwner = realtime.owner.slice('kit:'.length);
    store.updateTurn(one.id, { state: 'running', attempts: 1, leaseOwner, leaseUntil: '2026-01-01T00:00:10.000Z' });
    release();
    await clock.advance(5000);
    expect(await answers()).toEqual(['re: zero', 're: one']);
    expect(store.getTurn(one.id)).toMatchObject({ state: 'committed', attempts: 2 });
    await kit.close();
  });

  it('is answered though it comes into its lane by itself while the lane is read', async () => {
    verifies('COL-04', 'STO-16');
    const before = await process(() => undefined);
    const { store } = before;
    await before.say('one');
    await before.kit.close();
    const one = store.listTurns({ roomId: ROOM }).at(-1) as TurnRow;
    store.updateTurn(one.id, { leaseOwner: 'a dead process', leaseUntil: '1970-01-01T00:00:00.000Z', state: 'queued', attempts: 0 });
    const { getEvent } = store;
    const clock = new TestClock();
    // It is heard of by a wake-up, and claimed; who hears of it is answered first, and both are answered late.
    const delays = [20, 50];
    const late = async (roomId: string, eventId: string): Promise<RoomEvent | null> => {
      const delay = one.triggerEventIds.includes(eventId) ? delays.shift() : undefined;
      if (delay !== undefined) await clock.sleep(delay);
      return getEvent.call(store, roomId, eventId);
    };
    store.getEvent = late as never; // a store may answer later, though this one never does
    store.wakes = true;
    const { kit, answers } = await process(undefined, store, clock, { policy: 'interrupt' });
    await clock.advance(5000);
    expect(delays).toEqual([]);
    expect(await answers()).toEqual(['re: one']);
    await kit.close();
  });
});

/** A process whose agent does not answer 'zero' before it is released. */
async function held() {
  let release = (): void => undefined;
  const waiting = new Promise<void>((resolve) => (release = resolve));
  const world = await process(async (event) => {
    if (textOf(event) === 'zero') await waiting;
    return `re: ${textOf(event)}`;
  });
  return { ...world, release };
}
