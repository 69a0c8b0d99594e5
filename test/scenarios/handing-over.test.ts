/** A kit that is closed leaves its work in order, and to others at once (§37). */
import { describe, expect, it } from 'vitest';
import {
  InMemoryLockManager,
  InMemoryRealtime,
  InMemoryStore,
  silentLogger,
  UuidGenerator,
  type RoomKit,
  type RoomKitOptions,
} from '../../src/core/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { makeKit, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { verifies } from '../requirements.js';

/** As several processes share one. */
class SharedMemoryStore extends InMemoryStore {
  override readonly shared = true;
  override readonly persistent = true;
}

/** A realtime of all: closing it for one leaves it to the others. */
class SharedRealtime extends InMemoryRealtime {
  override readonly distributed = true as boolean as false;
  override async close(): Promise<void> {}
}

interface World {
  readonly clock: TestClock;
  readonly store: SharedMemoryStore;
  open(answer?: (text: string) => Promise<string>, options?: RoomKitOptions): { kit: RoomKit; texts: TestTransport; agent: TestAgent };
}

function world(): World {
  const [clock, store, lockManager, realtime] = [
    new TestClock(),
    new SharedMemoryStore(),
    new InMemoryLockManager(),
    new SharedRealtime({ ids: new UuidGenerator(), logger: silentLogger }),
  ];
  store.close = () => undefined;
  return {
    clock,
    store,
    open: (answer = async (text) => `re: ${text}`, options = {}) => {
      // Nobody looks by himself within this test: what goes on has been told of.
      const { kit } = makeKit({ store, lockManager, realtime, clock, leaseSeconds: 3600, recoverIntervalSeconds: 0, ...options });
      const texts = new TestTransport('texts', { supportsIdempotencyKey: true });
      const agent = new TestAgent('helper', (event) => answer(textOf(event)));
      for (const channel of [new TestTransport('desk', { durable: false }), texts, agent]) kit.registerChannel(channel);
      return { kit, texts, agent };
    },
  };
}

async function roomOf(kit: RoomKit, channels: readonly string[]): Promise<void> {
  await kit.createRoom({ roomId: 'room' });
  for (const channelId of channels) await kit.attachChannel('room', channelId, { retryPolicy: { baseDelaySeconds: 5, jitter: 'none' } });
}

const never = (): Promise<never> => new Promise(() => undefined);

describe('closing', () => {
  it.each([
    ['shortly', 5],
    ['long', 600],
  ])('lets nothing overtake what waits %s for its next attempt', async (_how, baseDelaySeconds) => {
    verifies('OPS-07', 'OUT-02', 'KIT-03');
    const store = new FaultStore(new InMemoryStore(), { persistent: true, ownsStore: false });
    const { kit, clock } = makeKit({ store, drainSeconds: 1 });
    const texts = new TestTransport('texts', { supportsIdempotencyKey: true });
    const roomId = await openRoom(kit, [new TestTransport('desk', { durable: false }), texts]);
    await kit.attachChannel(roomId, 'texts', { retryPolicy: { baseDelaySeconds, maxDelaySeconds: 600, jitter: 'none' } });
    texts.failNext();
    for (const body of ['one', 'two', 'three']) await kit.sendEvent(roomId, 'desk', body, { wait: 'commit' });
    await clock.advance(100);
    const closing = kit.close();
    await clock.advance(5000);
    await closing;
    expect(texts.texts).toEqual([]);
    const next = makeKit({ store, clock });
    const again = new TestTransport('texts', { supportsIdempotencyKey: true });
    for (const channel of [new TestTransport('desk', { durable: false }), again]) next.kit.registerChannel(channel);
    await clock.advance(700_000);
    expect(again.texts).toEqual(['one', 'two', 'three']);
    await next.kit.close();
  });

  it('takes no longer than it is given, and refuses what makes no sense', async () => {
    verifies('OPS-07', 'KIT-03');
    const { clock, open } = world();
    const { kit, texts } = open();
    await roomOf(kit, ['desk', 'texts']);
    texts.hangNext();
    await kit.sendEvent('room', 'desk', 'slow', { wait: 'commit' });
    await clock.advance(0);
    await expect(kit.close({ drainSeconds: -1 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(kit.drain({ drainSeconds: NaN })).rejects.toMatchObject({ code: 'invalid' });
    let isClosed = false;
    void kit.close({ drainSeconds: 3 }).then(() => (isClosed = true));
    await clock.advance(2900);
    expect(isClosed).toBe(false);
    await clock.advance(2200); // three seconds, and two for what was cut off
    expect(isClosed).toBe(true);
  });
});

describe('a kit that closes beside others', () => {
  it.each([
    ['says in a room', (kit: RoomKit) => kit.sendEvent('room', 'desk', 'late', { wait: 'commit' })],
    [
      'is told',
      (kit: RoomKit) =>
        kit.processInbound(
          { channelId: 'desk', senderId: 'ada', content: { type: 'text', body: 'late' }, idempotencyKey: 'late' },
          { roomId: 'room', wait: 'commit' },
        ),
    ],
  ])('waits for the commit of what somebody %s, and answers and delivers it', async (_how, say) => {
    verifies('KIT-03', 'OPS-07');
    const clock = new TestClock();
    const inner = new SharedMemoryStore();
    const store = new FaultStore(inner, { persistent: true, ownsStore: false, clock });
    const { kit } = makeKit({ store, clock, leaseSeconds: 3600, recoverIntervalSeconds: 0 });
    const texts = new TestTransport('texts', { supportsIdempotencyKey: true });
    for (const channel of [new TestTransport('desk', { durable: false }), texts, new TestAgent('helper', async (event) => `re: ${textOf(event)}`)])
      kit.registerChannel(channel);
    await roomOf(kit, ['desk', 'texts', 'helper']);
    store.delay('commitEvent', 400, { nth: 1 });
    const saying = say(kit);
    await clock.advance(10);
    const closing = kit.close({ drainSeconds: 5 });
    await clock.advance(4000);
    await Promise.all([saying, closing]);
    expect(texts.texts).toEqual(['late', 're: late']);
    expect(inner.listTurns({ state: ['queued', 'running'] })).toEqual([]);
  });

  it('hands over deliveries that were not made, and the others go on at once', async () => {
    verifies('OPS-07', 'OUT-08');
    const { clock, open } = world();
    const [one, another] = [open(), open()];
    await roomOf(one.kit, ['desk', 'texts']);
    one.texts.failNext();
    for (const body of ['a', 'b', 'c']) await one.kit.sendEvent('room', 'desk', body, { wait: 'commit' });
    await clock.advance(100);
    await clock.advance(5000 - 200); // the next attempt is due in a moment
    const closing = one.kit.close({ drainSeconds: 0 });
    await clock.advance(300);
    await closing;
    expect(one.texts.texts).toEqual([]);
    await another.kit.sendEvent('room', 'desk', 'd', { wait: 'commit' });
    await clock.advance(5000);
    expect(another.texts.texts).toEqual(['a', 'b', 'c', 'd']);
    await another.kit.close();
  });

  it('begins no turn any more: those that wait are begun elsewhere while it still works on one', async () => {
    verifies('OPS-07', 'TURN-03', 'KIT-03');
    const { clock, open } = world();
    let finish = (): void => undefined;
    const one = open((text) => (text === 'first' ? new Promise((resolve) => (finish = () => resolve('one has answered'))) : never()));
    const another = open(async (text) => `another: ${text}`);
    await roomOf(one.kit, ['desk', 'helper']);
    const say = (content: string) => one.kit.processInbound({ channelId: 'desk', senderId: 'ada', content }, { roomId: 'room', wait: 'commit' });
    for (const content of ['first', 'second', 'third']) await say(content);
    await clock.advance(0);
    const closing = one.kit.close({ drainSeconds: 10 });
    await clock.advance(1000);
    finish();
    await clock.advance(1000);
    await closing;
    await clock.advance(0);
    const replies = (await another.kit.getTimeline('room')).filter(({ source }) => source.channelId === 'helper' && source.channelType === 'ai');
    expect(replies.filter(({ type }) => type === 'message').map(textOf)).toEqual(['one has answered', 'another: second', 'another: third']);
    expect(one.agent.asked).toHaveLength(1);
    await another.kit.close();
  });

  it('hands over a turn it has cut off; to be closed upon again and again is no crash', async () => {
    verifies('OPS-07', 'TURN-03');
    const { clock, open } = world();
    const kits = [open(never), open(never), open(never), open(async (text) => `at last: ${text}`)];
    const [first] = kits;
    if (first === undefined) return;
    await roomOf(first.kit, ['desk', 'helper']);
    await first.kit.processInbound({ channelId: 'desk', senderId: 'ada', content: 'hi' }, { roomId: 'room', wait: 'commit' });
    await clock.advance(0);
    // A rolling deploy: whoever has the turn is closed, until only the newest is there.
    const closed = new Set<RoomKit>();
    for (let n = 0; n < 3; n++) {
      const busy = kits.find(({ kit, agent }) => !closed.has(kit) && agent.asked.length > 0);
      const victim = (busy ?? kits.find(({ kit }) => !closed.has(kit)))?.kit;
      if (victim === undefined || victim === kits[3]?.kit) break;
      closed.add(victim);
      const closing = victim.close({ drainSeconds: 1 });
      await clock.advance(4000);
      await closing;
    }
    for (const { kit } of kits.slice(0, 3)) {
      const closing = kit.close({ drainSeconds: 0 });
      await clock.advance(3000);
      await closing;
    }
    await clock.advance(1000);
    const timeline = (await kits[3]?.kit.getTimeline('room')) ?? [];
    expect(timeline.filter(({ type }) => type === 'message').map(textOf)).toEqual(['hi', 'at last: hi']);
    expect((await kits[3]?.kit.listTurns({ roomId: 'room' }))?.map(({ state }) => state)).toEqual(['committed']);
    await kits[3]?.kit.close();
  });

  it('keeps its leases as long as it drains', async () => {
    verifies('OPS-07', 'OUT-08');
    const { clock, open } = world();
    const [one, another] = [
      open(undefined, { leaseSeconds: 3, deliveryTimeoutSeconds: 60 }),
      open(undefined, { leaseSeconds: 3, deliveryTimeoutSeconds: 60 }),
    ];
    await roomOf(one.kit, ['desk', 'texts']);
    one.texts.hangNext();
    await one.kit.sendEvent('room', 'desk', 'slow', { wait: 'commit' });
    await clock.advance(0);
    const closing = one.kit.close({ drainSeconds: 30 });
    for (let seconds = 0; seconds < 20; seconds++) {
      await clock.advance(1000);
      expect((await another.kit.recover()).deliveries).toBe(0);
    }
    one.texts.resume();
    await clock.advance(1000);
    await closing;
    expect([one.texts.texts, another.texts.texts]).toEqual([['slow'], []]);
    await another.kit.close();
  });

  it('sends what others put behind its own while it drains', async () => {
    verifies('OPS-07', 'STO-16');
    const { clock, open } = world();
    const [one, another] = [open(undefined, { deliveryTimeoutSeconds: 60 }), open()];
    await roomOf(one.kit, ['desk', 'texts']);
    one.texts.hangNext();
    await one.kit.sendEvent('room', 'desk', 'a', { wait: 'commit' });
    await clock.advance(0);
    const closing = one.kit.close({ drainSeconds: 20 });
    await clock.advance(1000);
    await another.kit.sendEvent('room', 'desk', 'b', { wait: 'commit' });
    await clock.advance(0);
    one.texts.resume();
    await clock.advance(1000);
    await closing;
    await clock.advance(1000);
    expect([...one.texts.texts, ...another.texts.texts]).toEqual(['a', 'b']);
    await another.kit.close();
  });
});

describe('a kit whose turn another process had for a while', () => {
  it('goes on with it before what has come behind it, however it came back', async () => {
    verifies('STO-16', 'TURN-01', 'OUT-02');
    const { clock, store, open } = world();
    let answer = (): void => undefined;
    const { kit, texts } = open(async (text) => {
      if (text === 'a') await new Promise<void>((resolve) => (answer = resolve));
      return `re: ${text}`;
    });
    await roomOf(kit, ['desk', 'texts', 'helper']);
    await kit.sendEvent('room', 'desk', 'a', { wait: 'commit' });
    await clock.advance(100);
    const [turn] = store.listTurns({ state: 'running' });
    const owner = turn?.leaseOwner;
    // Somebody took it while this process stood still, and is gone; what it says now is refused.
    store.updateTurn(turn?.id ?? '', { leaseOwner: 'somebody', leaseUntil: samples.at(-1) });
    answer();
    await clock.advance(100);
    expect(texts.texts).toEqual(['a']);
    // A claim has brought it back, and is not answered yet, when the next message comes.
    store.updateTurn(turn?.id ?? '', { leaseOwner: owner, leaseUntil: '2100-01-01T00:00:00.000Z' });
    await kit.sendEvent('room', 'desk', 'b', { wait: 'commit' });
    await clock.advance(100);
    answer();
    await clock.advance(1000);
    expect(texts.texts).toEqual(['a', 'b', 're: a', 're: b']);
    await kit.close();
  });

  it('and likewise with a delivery', async () => {
    verifies('STO-16', 'OUT-02');
    const { clock, store, open } = world();
    const { kit, texts } = open();
    await roomOf(kit, ['desk', 'texts']);
    texts.failNext();
    for (const body of ['a', 'b']) await kit.sendEvent('room', 'desk', body, { wait: 'commit' });
    await clock.advance(100);
    const rows = store.listRows({ channelId: 'texts' });
    const owner = rows[0]?.leaseOwner;
    for (const { id } of rows) store.updateRow(id, { leaseOwner: 'somebody', leaseUntil: samples.at(-1) });
    await clock.advance(20_000);
    expect(texts.texts).toEqual([]);
    for (const { id } of rows) store.updateRow(id, { leaseOwner: owner, leaseUntil: '2100-01-01T00:00:00.000Z' });
    await kit.sendEvent('room', 'desk', 'c', { wait: 'commit' });
    await clock.advance(1000);
    expect(texts.texts).toEqual(['a', 'b', 'c']);
    await kit.close();
  });
});
