/** One pass over what is due, for hosts without background timers (§37), and timers that several processes sweep. */
import { describe, expect, it } from 'vitest';
import { InMemoryLockManager, InMemoryStore, type RoomKit, type RoomKitOptions } from '../../src/core/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { makeKit, openRoom, TestAgent, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

/** As several processes share one. */
class SharedMemoryStore extends InMemoryStore {
  override readonly shared = true;
  override readonly persistent = true;
}

/** What an earlier process left: two deliveries, one of them under way, and a turn. */
async function leave(store: FaultStore): Promise<string> {
  const { kit, clock } = makeKit({ store });
  const texts = new TestTransport('texts', { supportsIdempotencyKey: true });
  const roomId = await openRoom(kit, [new TestTransport('desk'), texts, new TestAgent('helper', () => new Promise(() => undefined))]);
  texts.hangNext(2);
  await kit.processInbound({ channelId: 'desk', senderId: 'ada', content: 'one' }, { roomId, wait: 'commit' });
  await kit.sendEvent(roomId, 'desk', 'two', { wait: 'commit' });
  await clock.advance(0);
  return roomId;
}

function openLater(store: FaultStore, options: RoomKitOptions = {}): { kit: RoomKit; clock: TestClock; texts: TestTransport; agent: TestAgent } {
  const { kit, clock } = makeKit({ store, recoverIntervalSeconds: 0, ...options });
  const texts = new TestTransport('texts', { supportsIdempotencyKey: true });
  const agent = new TestAgent('helper', () => 'yes');
  for (const channel of [new TestTransport('desk'), texts, agent]) kit.registerChannel(channel);
  return { kit, clock, texts, agent };
}

function left(): FaultStore {
  return new FaultStore(new InMemoryStore(), { persistent: true, ownsStore: false });
}

describe('a kit without background timers', () => {
  it('begins nothing by itself, and does all that is due in one pass', async () => {
    verifies('OPS-06', 'OUT-08');
    const store = left();
    const roomId = await leave(store);
    const { kit, clock, texts, agent } = openLater(store);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(60_000);
    expect([texts.texts, agent.asked.length]).toEqual([[], 0]);
    const passing = kit.recover({ maxSeconds: 10 });
    await clock.advance(1000);
    expect(await passing).toMatchObject({ deliveries: 2, turns: 2, rooms: 0, expired: 0, media: 0, isDone: true });
    expect(texts.texts.slice(0, 2)).toEqual(['one', 'two']);
    expect(agent.asked.map(({ roomId: asked }) => asked)).toContain(roomId);
    await clock.advance(600_000);
    expect(clock.pendingTimers).toBe(0);
    expect(await kit.recover()).toMatchObject({ deliveries: 0, turns: 0, isDone: true });
    expect(kit.stats().counters.recovered).toEqual({ deliveries: 2, turns: 2 });
    await kit.close();
  });

  it('does not wait for what has to wait longer than the pass', async () => {
    verifies('OPS-06');
    const store = left();
    await leave(store);
    const { kit, clock, texts } = openLater(store);
    texts.failNext();
    await kit.recover();
    await clock.advance(0);
    let report: unknown;
    // The next attempt comes in a second or two, and is within the bound; what fails again then waits for longer.
    void kit.recover({ maxSeconds: 3600 }).then((done) => (report = done));
    await clock.advance(5000);
    expect(report).toMatchObject({ isDone: true });
    expect(texts.texts).toContain('two');
    texts.isReady = false;
    await kit.sendEvent('room', 'desk', 'three', { wait: 'commit' });
    await clock.advance(0);
    expect(await kit.recover({ maxSeconds: 0.5 })).toMatchObject({ isDone: true });
    texts.isReady = true;
    await clock.advance(2000);
    await kit.close();
  });

  it('ends its pass when the time is over, or when it is told to; what has begun goes on', async () => {
    verifies('OPS-06');
    const store = left();
    await leave(store);
    const { kit, clock, texts } = openLater(store);
    texts.hangNext();
    const passing = kit.recover({ maxSeconds: 5 });
    await clock.advance(5000);
    expect(await passing).toMatchObject({ isDone: false });
    const enough = new AbortController();
    const again = kit.recover({ maxSeconds: 60, signal: enough.signal });
    await clock.advance(1000);
    enough.abort(new Error('enough'));
    await expect(again).rejects.toThrow('enough');
    await expect(kit.recover({ signal: enough.signal })).rejects.toThrow('enough');
    await expect(kit.recover({ maxSeconds: -1 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(kit.recover({ maxSecond: 1 } as object)).rejects.toThrow(/maxSeconds/);
    texts.resume();
    await clock.advance(1000);
    expect(texts.texts.slice(0, 2)).toEqual(['one', 'two']);
    await kit.close();
  });

  it('closes without waiting for what waits for longer than its drain', async () => {
    verifies('OPS-06', 'KIT-03');
    const store = left();
    await leave(store);
    const { kit, texts } = openLater(store, { drainSeconds: 0.5 });
    texts.isReady = false;
    await kit.recover();
    await new Promise((resolve) => setImmediate(resolve));
    await kit.close(); // the clock stands still: nothing is waited for
    expect((await store.inner.listRows({ state: ['queued', 'sending', 'unknown'] })).length).toBeGreaterThan(0);
  });

  it('says so when its store does not answer', async () => {
    verifies('OPS-06');
    const store = left();
    await leave(store);
    const { kit } = openLater(store);
    store.fail('claimDue');
    await expect(kit.recover()).rejects.toThrow(/store/);
    expect((await kit.recover()).deliveries).toBe(2);
    await kit.close();
  });

  it('ends what people were asked, and pauses rooms, once their time is up', async () => {
    verifies('OPS-06', 'APR-01', 'ROOM-08');
    const { kit, clock } = makeKit({ store: left(), recoverIntervalSeconds: 0 });
    let times = 0;
    const asks = new TestAgent('helper', () =>
      times++ > 0 ? 'sorry' : { suspend: { loop: {}, approvals: [{ id: 'a1', callId: 'c1', tool: 'refund', arguments: {} }] } },
    );
    const roomId = await openRoom(kit, [new TestTransport('desk'), asks]);
    await kit.setRoomTimers(roomId, { inactiveAfterSeconds: 60 });
    const asking = kit.processInbound({ channelId: 'desk', senderId: 'ada', content: 'refund' }, { roomId, wait: 'commit' });
    await clock.advance(0);
    await asking;
    expect((await kit.getApproval('a1'))?.state).toBe('pending');
    await clock.advance(30 * 86_400_000);
    expect((await kit.getApproval('a1'))?.state).toBe('pending');
    expect(await kit.storeStats()).toMatchObject({ waiting: { approvals: 1, overdue: 1 } });
    const passing = kit.recover({ maxSeconds: 5 });
    await clock.advance(5000);
    expect(await passing).toMatchObject({ expired: 1, rooms: 1 });
    expect((await kit.getApproval('a1'))?.state).toBe('expired');
    await kit.close();
  });
});

describe('passes of two processes over one store', () => {
  function two(): { clock: TestClock; kits: readonly [RoomKit, RoomKit]; texts: readonly TestTransport[]; store: SharedMemoryStore } {
    const [clock, store, lockManager] = [new TestClock(), new SharedMemoryStore(), new InMemoryLockManager()];
    const open = (): [RoomKit, TestTransport] => {
      const { kit } = makeKit({ store, lockManager, clock, recoverIntervalSeconds: 0, leaseSeconds: 30, deliveryTimeoutSeconds: 300 });
      const texts = new TestTransport('texts', { supportsIdempotencyKey: true });
      kit.registerChannel(texts);
      kit.registerChannel(new TestTransport('desk'));
      return [kit, texts];
    };
    const [[one, oneTexts], [another, anotherTexts]] = [open(), open()];
    return { clock, kits: [one, another], texts: [oneTexts, anotherTexts], store };
  }

  async function leaveRows(kit: RoomKit, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      await kit.createRoom({ roomId: `r${n}` });
      for (const channelId of ['desk', 'texts']) await kit.attachChannel(`r${n}`, channelId);
    }
  }

  it('do everything once', async () => {
    verifies('OPS-06', 'STO-16');
    const { clock, kits, texts, store } = two();
    const [one, another] = kits;
    await leaveRows(one, 20);
    // Somebody who is gone has left them.
    for (let n = 0; n < 20; n++) {
      store.commitEvent({
        event: {
          id: `e${n}`,
          roomId: `r${n}`,
          type: 'message',
          source: { channelId: 'desk', channelType: 'sms', direction: 'inbound', rawPayload: {} },
          content: { type: 'text', body: `m${n}` },
          status: 'delivered',
          visibility: 'all',
          index: -1,
          chainDepth: 0,
          createdAt: '2026-01-01T00:00:00.000Z',
          metadata: {},
          channelData: {},
        },
        outbox: [
          {
            id: `o${n}`,
            roomId: `r${n}`,
            eventId: `e${n}`,
            eventIndex: -1,
            channelId: 'texts',
            state: 'queued',
            attempts: 0,
            idempotencyKey: `e${n}:texts`,
            createdAt: '2026-01-01T00:00:00.000Z',
            expiresAt: '2026-01-01T01:00:00.000Z',
          },
        ],
        now: '2026-01-01T00:00:00.000Z',
      });
    }
    const passes = Promise.all([one.recover({ maxSeconds: 5 }), another.recover({ maxSeconds: 5 })]);
    await clock.advance(5000);
    const [first, second] = await passes;
    expect(first.deliveries + second.deliveries).toBe(20);
    const sent = texts.flatMap((transport) => transport.texts).sort();
    expect(sent).toEqual(Array.from({ length: 20 }, (_, n) => `m${n}`).sort());
    await Promise.all(kits.map((kit) => kit.close()));
  });

  it('keep the leases of what takes longer than one', async () => {
    verifies('OPS-06', 'OUT-08');
    const { clock, kits, texts, store } = two();
    const [one, another] = kits;
    await leaveRows(one, 1);
    texts[0]?.hangNext();
    await one.sendEvent('r0', 'desk', 'slow', { wait: 'commit' });
    for (let seconds = 0; seconds < 120; seconds += 20) {
      await clock.advance(20_000);
      expect((await another.recover()).deliveries).toBe(0);
    }
    texts[0]?.resume();
    await clock.advance(0);
    expect(texts.map((transport) => transport.texts)).toEqual([['slow'], []]);
    await clock.advance(20_000);
    let renewals = 0;
    store.renewLeases = () => void renewals++;
    await clock.advance(120_000);
    expect(renewals, 'nothing is prolonged once nothing is to be done').toBe(0);
    await Promise.all(kits.map((kit) => kit.close()));
  });

  it.each([
    ['with a lock of all', true],
    ['with locks of their own', false],
  ])('pause a room once, %s', async (_how, isShared) => {
    verifies('OPS-06', 'ROOM-08', 'STO-05');
    const [clock, store, common] = [new TestClock(), new SharedMemoryStore(), new InMemoryLockManager()];
    const told: string[] = [];
    const kits = ['one', 'another'].map((name) => {
      const { kit } = makeKit({ store, clock, lockManager: isShared ? common : new InMemoryLockManager(), recoverIntervalSeconds: 0 });
      kit.hook('on_room_paused', ({ roomId }) => void told.push(`hook ${roomId} ${name}`));
      kit.on('room_paused', ({ roomId }) => void told.push(`event ${roomId} ${name}`));
      kit.hook('on_room_closed', ({ roomId }) => void told.push(`closed ${roomId} ${name}`));
      return kit;
    });
    for (let n = 0; n < 10; n++) await kits[0]?.createRoom({ roomId: `r${n}`, timers: { inactiveAfterSeconds: 60, closedAfterSeconds: 600 } });
    await clock.advance(61_000);
    const swept = await Promise.all(kits.flatMap((kit) => [kit.sweepRoomTimers(), kit.sweepRoomTimers()]));
    await clock.advance(0);
    expect(swept.flat().map(({ id }) => id)).toHaveLength(10);
    const without = (line: string): string => line.replace(/ \w+$/, '');
    expect(told.map(without).sort()).toEqual([...Array(10).keys()].flatMap((n) => [`event r${n}`, `hook r${n}`]).sort());
    for (let n = 0; n < 10; n++) {
      const events = (await kits[0]?.getTimeline(`r${n}`)) ?? [];
      expect(events.map(({ content }) => (content.type === 'system' ? content.code : ''))).toEqual(['room_paused_by_timer']);
    }
    told.length = 0;
    await clock.advance(600_000);
    await Promise.all(kits.map((kit) => kit.recover()));
    await clock.advance(0);
    expect(told.map(without).sort()).toEqual([...Array(10).keys()].map((n) => `closed r${n}`).sort());
    await Promise.all(kits.map((kit) => kit.close()));
  });
});
