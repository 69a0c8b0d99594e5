/** What operators see of a kit (§37). */
import { describe, expect, it } from 'vitest';
import { InMemoryLockManager, InMemoryStore, type KitStats, type StoreStats } from '../../src/core/index.js';
import { Counters } from '../../src/core/operations/counters.js';
import { Histogram } from '../../src/core/operations/histogram.js';
import { FaultLockManager, FaultStore } from '../../src/testing/index.js';
import { WebSocketChannel } from '../../src/channels/index.js';
import { makeKit, openRoom, TestAgent, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('stats', () => {
  it('tell what waits, by type of channel, and how deep', async () => {
    verifies('OPS-01');
    const { kit, clock } = makeKit();
    const sms = new TestTransport('texts', { channelType: 'sms' });
    const agent = new TestAgent('helper', () => new Promise(() => undefined));
    const web = new WebSocketChannel('web');
    const roomId = await openRoom(kit, [web, sms, agent]);
    web.registerConnection('one', () => undefined, { roomIds: [roomId] });
    sms.hangNext(3);
    for (const body of ['a', 'b', 'c']) await kit.sendEvent(roomId, 'web', body, { wait: 'commit' });
    await clock.advance(3000);
    const stats: KitStats = kit.stats();
    expect(stats).toMatchObject({
      state: 'open',
      uptimeSeconds: 3,
      rooms: 1,
      lanes: 2,
      queued: 6,
      deepest: 3,
      lanesByType: { sms: { lanes: 1, queued: 3, deepest: 3 }, ai: { lanes: 1, queued: 3, deepest: 3 } },
      locksWaited: 0,
      connections: 1,
      breakers: { web: 'closed', texts: 'closed', helper: 'closed' },
      sources: {},
      absentChannels: [],
      kept: { limiters: 0, followedRooms: 0 },
    });
    expect(stats.kept.traces).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
    const store: StoreStats = await kit.storeStats();
    expect(store).toMatchObject({ oldestDueSeconds: 3, oldestUnansweredSeconds: 3, oldestTurnSeconds: 3, turns: { queued: 2, running: 1 } });
    await kit.unregisterChannel('helper');
    expect(kit.stats().lanesByType).toMatchObject({ ai: { lanes: 1 } });
  });

  it('name channels that stored work waits for', async () => {
    verifies('OPS-01');
    const { kit } = makeKit({ store: new FaultStore(new InMemoryStore(), { persistent: true }) });
    const roomId = await openRoom(kit, [new TestTransport('desk'), new TestTransport('texts')]);
    await kit.unregisterChannel('texts');
    await kit.sendEvent(roomId, 'desk', 'hi', { wait: 'commit' });
    await kit.recover();
    expect(kit.stats().absentChannels).toEqual(['texts']);
  });
});

describe('counters', () => {
  it('count each delivery once, by what became of it', async () => {
    verifies('OPS-03');
    const { kit, clock } = makeKit({ outboxTtlSeconds: 60 });
    const sms = new TestTransport('texts', { channelType: 'sms' });
    const live = new TestTransport('live', { channelType: 'websocket', durable: false });
    const mute = new TestTransport('mute', { channelType: 'push', deliver: () => ({ skipped: true }) });
    const roomId = await openRoom(kit, [new TestTransport('desk', { channelType: 'webhook' }), sms, live, mute]);
    const say = (body: string) => kit.sendEvent(roomId, 'desk', body, { wait: 'commit' });
    await say('taken');
    sms.failWith({ success: false, error: 'unknown_number', retryable: false });
    live.failWith({ success: false, error: 'broken', retryable: false });
    await say('refused');
    await clock.advance(0);
    sms.failNext();
    await say('once more');
    await clock.advance(40_000);
    sms.isReady = false;
    await say('never');
    await clock.advance(120_000);
    const { deliveries, deliverySeconds, committedEvents } = kit.stats().counters;
    expect(deliveries['sms']).toEqual({ sent: 2, failed: 1, expired: 1, skipped: 0, retried: 1 });
    expect(deliveries['websocket']).toMatchObject({ sent: 3, failed: 1, expired: 0 });
    expect(deliveries['push']).toMatchObject({ sent: 0, skipped: 4 });
    expect(deliverySeconds.count).toBe(8);
    expect(committedEvents).toBe((await kit.getRoom(roomId)).eventCount);
  });

  it('count turns by their ends, hooks that fail or hang, and messages that came to nothing', async () => {
    verifies('OPS-03');
    const { kit, clock } = makeKit({ hookTimeoutSeconds: 1 });
    const answers = ['yes', undefined, new Error('no model')];
    const agent = new TestAgent('helper', () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    });
    const roomId = await openRoom(kit, [new TestTransport('desk'), agent]);
    kit.hook('after_broadcast', { name: 'throws' }, () => {
      throw new Error('broken');
    });
    const remove = kit.hook('before_broadcast', { name: 'hangs', failure: 'open' }, () => new Promise<never>(() => undefined));
    const say = (content: string) => kit.processInbound({ channelId: 'desk', senderId: 'ada', content }, { roomId, wait: 'commit' });
    const first = say('one');
    await clock.advance(1000);
    await first;
    remove();
    await clock.advance(1000);
    await say('two');
    await say('three');
    await clock.advance(0);
    await expect(kit.processInbound({ channelId: 'nowhere', senderId: 'ada', content: 'hi' })).rejects.toMatchObject({
      code: 'channel_not_registered',
    });
    await kit.closeRoom(roomId);
    await say('closed');
    const typing = await kit.processInbound({ channelId: 'desk', senderId: 'ada', content: '', eventType: 'typing' }, { roomId });
    expect(typing.blocked).toBe(false);
    const { turns, hookFailures, hookTimeouts, inbound } = kit.stats().counters;
    expect(turns).toMatchObject({ committed: 1, failed: 1 });
    expect(turns.empty).toBeGreaterThan(0);
    expect(hookTimeouts).toBeGreaterThanOrEqual(1);
    expect(hookFailures).toBeGreaterThan(0);
    expect(inbound).toEqual({ accepted: 3, blocked: 1, duplicate: 0, failed: 1 });
  });

  it('count how long locks were waited for', async () => {
    verifies('OPS-03');
    const locks = new FaultLockManager(new InMemoryLockManager(), { distributed: true });
    const { kit, clock } = makeKit({ lockManager: locks });
    const roomId = await openRoom(kit, [new TestTransport('desk')]);
    const before = kit.stats().counters.lockWaitSeconds.count;
    locks.hang('acquire');
    const saying = kit.sendEvent(roomId, 'desk', 'later');
    await clock.advance(700);
    expect(kit.stats().locksWaited).toBe(1);
    locks.resume();
    await saying;
    const { lockWaitSeconds } = kit.stats().counters;
    expect(kit.stats().locksWaited).toBe(0);
    expect([lockWaitSeconds.count - before, lockWaitSeconds.sum]).toEqual([1, 0.7]);
    expect(lockWaitSeconds.buckets.find(({ atMost }) => atMost === 0.5)?.count).toBe(before);
  });

  it('count commits of who has lost the lock', async () => {
    verifies('OPS-03', 'LOCK-03');
    let token = 2;
    const { kit } = makeKit({ lockManager: { distributed: true, acquire: () => ({ token, release: () => undefined }) } });
    const roomId = await openRoom(kit, [new TestTransport('desk')]);
    await kit.sendEvent(roomId, 'desk', 'in time');
    token = 1; // somebody with a higher one has written meanwhile
    await expect(kit.sendEvent(roomId, 'desk', 'too late')).rejects.toMatchObject({ code: 'fenced' });
    expect(kit.stats().counters.fencedCommits).toBe(1);
  });

  it('are bounded, whatever types there are', () => {
    verifies('OPS-03', 'CON-11');
    const counters = new Counters();
    for (let n = 0; n < 1000; n++) counters.deliveriesOf(`type-${n}`).sent++;
    const { deliveries } = counters.snapshot();
    expect(Object.keys(deliveries)).toHaveLength(33);
    expect(deliveries['other']?.sent).toBe(968);
  });

  it('sort values into buckets that hold all that are smaller', () => {
    verifies('OPS-03');
    const histogram = new Histogram([1, 2, 5]);
    for (const value of [0, 1, 1.5, 5, 9]) histogram.observe(value);
    expect(histogram.snapshot()).toEqual({
      count: 5,
      sum: 16.5,
      buckets: [
        { atMost: 1, count: 2 },
        { atMost: 2, count: 3 },
        { atMost: 5, count: 4 },
      ],
    });
  });
});
