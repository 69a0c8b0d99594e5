/** Lanes of a store that processes share, when what one has comes to another and back: nothing overtakes what is older (STO-16). */
import { describe, expect, it } from 'vitest';
import {
  InMemoryLockManager,
  InMemoryRealtime,
  InMemoryStore,
  silentLogger,
  UuidGenerator,
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

const ELSEWHERE = { leaseOwner: 'another process', leaseUntil: '2999-01-01T00:00:00.000Z' };

async function process(answer?: ConstructorParameters<typeof TestAgent>[1], store = new SharedMemoryStore(), clock = new TestClock()) {
  const realtime = new SharedRealtime({ ids: new UuidGenerator(), logger: silentLogger });
  store.realtime = realtime;
  const { kit } = makeKit({ clock, store, realtime, lockManager: new InMemoryLockManager() });
  const [web, vendor, agent] = [new TestTransport('web', { durable: false }), new TestTransport('vendor'), new TestAgent('agent', answer)];
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
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { kit, clock, store, realtime, say, answers } = await process(async (event) => {
      if (textOf(event) === 'zero') await held;
      return `re: ${textOf(event)}`;
    });
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
    const { updateRow } = store;
    // Whoever has the lane is drained in the moment in which this process has asked for its first delivery in vain.
    store.updateRow = (id, ...how) => {
      const changed = updateRow.call(store, id, ...how);
      if (changed === null && id === rest[0]?.id)
        for (const row of rest) updateRow.call(store, row.id, { leaseOwner: undefined, leaseUntil: undefined });
      return changed;
    };
    vendor.resume();
    await clock.advance(5000);
    expect(vendor.texts).toEqual(['zero', 'one', 'two', 'three']);
    await kit.close();
  });

  it('is not answered behind what waited behind it, when it is given back just then', async () => {
    verifies('TURN-01', 'STO-16');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { kit, clock, store, say, answers } = await process(async (event) => {
      if (textOf(event) === 'zero') await held;
      return `re: ${textOf(event)}`;
    });
    for (const text of ['zero', 'one', 'two', 'three']) await say(text);
    await settle(clock);
    const [, ...rest] = store.listTurns({ roomId: ROOM });
    for (const { id } of rest) store.updateTurn(id, ELSEWHERE);
    const { updateTurn } = store;
    store.updateTurn = (id, ...how) => {
      const changed = updateTurn.call(store, id, ...how);
      if (changed === null && id === rest[0]?.id)
        for (const turn of rest) updateTurn.call(store, turn.id, { leaseOwner: undefined, leaseUntil: undefined });
      return changed;
    };
    release();
    await clock.advance(5000);
    expect(await answers()).toEqual(['re: zero', 're: one', 're: two', 're: three']);
    await kit.close();
  });
});
