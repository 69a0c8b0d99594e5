/** Inbound messages, step by step (behaviour §9). */
import { describe, expect, it } from 'vitest';
import {
  AIChannel,
  ChannelNotRegisteredError,
  HookResult,
  InMemoryStore,
  MockAIProvider,
  ValidationError,
  WebSocketChannel,
  type CommitResult,
  type EventCommit,
  type InboundResult,
} from '../../src/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('an inbound message', () => {
  it('is committed once, delivered to every other channel, and reported', async () => {
    verifies(
      'INB-01',
      'INB-02',
      'INB-05',
      'INB-11',
      'INB-14',
      'INB-18',
      'BC-01',
      'BC-02',
      'PERM-04',
      'OUT-01',
      'INV-01',
      'INV-02',
      'INV-03',
      'INV-07',
      'FIG-01',
      'CON-06',
    );
    const { kit } = makeKit();
    const channels = [new TestTransport('a'), new TestTransport('b'), new TestTransport('c')];
    const roomId = await openRoom(kit, channels);
    const result = await kit.processInbound({ channelId: 'a', senderId: 'ada', content: 'hello' }, { roomId });
    expect(result).toMatchObject({ blocked: false, duplicate: false });
    expect(result.event).toMatchObject({ index: 3, status: 'delivered', chainDepth: 0, content: { type: 'text', body: 'hello' } });
    expect(Object.keys(result.deliveryResults).sort()).toEqual(['b', 'c']);
    expect(result.deliveryResults['b']).toMatchObject({ status: 'sent', attempts: 1 });
    expect(channels.map((channel) => channel.texts)).toEqual([[], ['hello'], ['hello']]);
    const events = await gapless(kit, roomId);
    expect(events.map((event) => event.type)).toEqual(['channel_attached', 'channel_attached', 'channel_attached', 'message']);
    expect(events.every((event) => event.status !== 'pending')).toBe(true);
    await kit.close();
  });

  it('and every other way to grow the timeline pass through one commit', async () => {
    verifies('INB-23', 'STO-01', 'INV-01');
    const commits: string[] = [];
    class CountingStore extends InMemoryStore {
      override commitEvent(commit: EventCommit): CommitResult {
        const result = super.commitEvent(commit);
        if (!result.duplicate) commits.push(result.event.id);
        return result;
      }
    }
    const { kit } = makeKit({ store: new CountingStore() });
    const model = new MockAIProvider({ responses: ['a streamed reply'], streaming: true });
    const watcher = new WebSocketChannel('watcher');
    const roomId = await openRoom(kit, [new TestTransport('a'), watcher, new AIChannel('bot', { provider: model })]);
    void watcher.registerConnection('browser', () => undefined, { roomIds: [roomId] });
    kit.hook('before_broadcast', { channelIds: ['a'], name: 'gate' }, (event) =>
      textOf(event) === 'bad'
        ? HookResult.block('no')
        : HookResult.allow({ injectedEvents: [{ event: { content: 'injected' }, targetChannelIds: ['watcher'] }] }),
    );
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'asked' }, { roomId });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'bad' }, { roomId });
    await kit.processInbound(
      { channelId: 'a', senderId: 'u', content: { type: 'edit', targetEventId: event?.id ?? '', newContent: { type: 'text', body: 'asked!' } } },
      { roomId },
    );
    await kit.sendEvent(roomId, 'watcher', 'sent directly');
    await kit.setAccess(roomId, 'a', 'read_only');
    await kit.detachChannel(roomId, 'a');
    const events = await gapless(kit, roomId);
    expect(events.map((one) => one.id)).toEqual(commits);
    expect(events.map((one) => one.type)).toEqual(
      expect.arrayContaining(['channel_attached', 'message', 'edit', 'channel_updated', 'channel_detached']),
    );
    expect(events.map(textOf)).toEqual(expect.arrayContaining(['asked!', 'injected', 'a streamed reply', 'bad', 'sent directly']));
    expect(events.filter((one) => one.status === 'pending')).toEqual([]);
    await kit.close();
  });

  it('of an unknown channel is refused with what is registered', async () => {
    verifies('INB-01');
    const { kit } = makeKit();
    kit.registerChannel(new TestTransport('known'));
    await expect(kit.processInbound({ channelId: 'unknown', senderId: 'x', content: 'hi' })).rejects.toThrow(ChannelNotRegisteredError);
    await expect(kit.processInbound({ channelId: 'unknown', senderId: 'x', content: 'hi' })).rejects.toThrow(/registered: known/);
    await kit.close();
  });

  it('opens a room for a stranger, attaches the channel with his address, and finds the room again', async () => {
    verifies('INB-03', 'RTR-01', 'TRN-06', 'CHO-02');
    const { kit } = makeKit();
    const sms = new TestTransport('sms', { recipientKey: 'phone_number' });
    const agent = new TestAgent('bot');
    kit.registerChannel(sms);
    kit.registerChannel(agent);
    const first = await kit.processInbound({ channelId: 'sms', senderId: '+1', content: 'one' });
    const roomId = first.event?.roomId ?? '';
    expect(await kit.listBindings(roomId)).toMatchObject([
      { channelId: 'sms', address: '+1', metadata: { phone_number: '+1' }, access: 'read_write' },
    ]);
    const again = await kit.processInbound({ channelId: 'sms', senderId: '+1', content: 'two' });
    expect(again.event?.roomId).toBe(roomId);
    const stranger = await kit.processInbound({ channelId: 'sms', senderId: '+2', content: 'other' });
    expect(stranger.event?.roomId).not.toBe(roomId);
    await kit.close();
  });

  it('is stored blocked when a hook stops it, and nobody hears it', async () => {
    verifies('INB-19', 'HK-04', 'INV-04', 'INV-05');
    const { kit } = makeKit();
    const [a, b, bot] = [new TestTransport('a'), new TestTransport('b'), new TestAgent('bot')];
    const roomId = await openRoom(kit, [a, b, bot]);
    const seen: unknown[] = [];
    kit.on('event_blocked', (event) => void seen.push(event.data));
    kit.hook('before_broadcast', { name: 'compliance' }, (event) =>
      textOf(event) === 'bad' ? HookResult.block('no_bad_words', { tasks: [{ title: 'look' }] }) : HookResult.allow(),
    );
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'bad' }, { roomId });
    expect(result).toMatchObject({ blocked: true, reason: 'no_bad_words', event: { status: 'blocked', blockedBy: 'compliance' } });
    expect(b.texts).toEqual([]);
    expect(bot.asked).toEqual([]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'good' }, { roomId });
    expect(bot.contexts[0]?.visibleTo('bot').map(textOf)).not.toContain('bad');
    expect(await kit.listTasks(roomId)).toMatchObject([{ title: 'look', status: 'pending' }]);
    expect(seen).toEqual([{ reason: 'no_bad_words', blocked_by: 'compliance' }]);
    await kit.close();
  });

  it('with a known key is answered with the first event, and nothing runs again', async () => {
    verifies('INB-08', 'STO-01', 'INV-08');
    const { kit } = makeKit();
    const [a, b, bot] = [new TestTransport('a'), new TestTransport('b'), new TestAgent('bot')];
    const roomId = await openRoom(kit, [a, b, bot]);
    let gates = 0;
    kit.hook('before_broadcast', { channelIds: ['a'] }, () => {
      gates++;
      return HookResult.allow();
    });
    const message = { channelId: 'a', senderId: 'u', content: 'once', idempotencyKey: 'k1' };
    const results = await Promise.all([1, 2, 3].map(() => kit.processInbound(message, { roomId })));
    const later = await kit.processInbound(message, { roomId });
    const ids = new Set([...results, later].map((result) => result.event?.id));
    expect(ids.size).toBe(1);
    expect([...results, later].filter((result) => result.duplicate)).toHaveLength(3);
    expect(later).toMatchObject({ duplicate: true, blocked: false, deliveryResults: { b: { status: 'sent' } } });
    expect({ gates, asked: bot.asked.length, heard: b.texts }).toEqual({ gates: 1, asked: 1, heard: ['once', 're: once'] });
    await kit.close();
  });

  it('that was blocked is answered as blocked when it comes again', async () => {
    verifies('INB-08');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    kit.hook('before_broadcast', { name: 'no' }, () => HookResult.block('never'));
    const message = { channelId: 'a', senderId: 'u', content: 'x', idempotencyKey: 'k' };
    await kit.processInbound(message, { roomId });
    expect(await kit.processInbound(message, { roomId })).toMatchObject({ duplicate: true, blocked: true, reason: 'no' });
    expect(messagesOf(await gapless(kit, roomId))).toHaveLength(1);
    await kit.close();
  });

  it('that takes too long before its commit leaves nothing; after it, it stays', async () => {
    verifies('INB-20', 'CON-08');
    const { kit, clock } = makeKit({ processTimeoutSeconds: 5, hookTimeoutSeconds: 60 });
    const [a, b] = [new TestTransport('a'), new TestTransport('b')];
    const roomId = await openRoom(kit, [a, b]);
    const timeouts: unknown[] = [];
    kit.on('process_timeout', (event) => void timeouts.push(event.data));
    let release: () => void = () => undefined;
    const remove = kit.hook('before_broadcast', async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return HookResult.allow();
    });
    const slow = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'slow' }, { roomId });
    await clock.advance(5000);
    expect(await slow).toMatchObject({ blocked: true, reason: 'process_timeout' });
    release();
    remove();
    await clock.advance(1000);
    expect(messagesOf(await gapless(kit, roomId))).toHaveLength(0);
    expect(timeouts).toEqual([{ timeout_seconds: 5, stage: 'hooks' }]);
    b.hangNext();
    const delivered = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'stays' }, { roomId });
    await clock.advance(40_000);
    b.resume();
    await clock.advance(40_000);
    expect(await delivered).toMatchObject({ blocked: false });
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['stays']);
    await kit.close();
  });

  it('can be aborted until its commit', async () => {
    verifies('INB-20', 'CON-08');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const controller = new AbortController();
    kit.hook('before_broadcast', async () => {
      await clock.sleep(1000);
      return HookResult.allow();
    });
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId, signal: controller.signal });
    const settled = expect(call).rejects.toThrow(/aborted/);
    await clock.advance(10);
    controller.abort();
    await settled;
    await clock.advance(5000);
    expect(messagesOf(await gapless(kit, roomId))).toEqual([]);
    await kit.close();
  });

  it('keeps its place behind an earlier one of the same sender whose identity takes longer', async () => {
    verifies('INB-27');
    const { kit, clock } = makeKit({
      identityResolver: {
        resolve: async (message) => {
          await clock.sleep(message.content === 'first' ? 3000 : 10);
          return { status: 'unknown' };
        },
      },
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const calls = ['first', 'second', 'third'].map((content) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId }));
    await clock.advance(10_000);
    await Promise.all(calls);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['first', 'second', 'third']);
    await kit.close();
  });

  it('resolves at its commit when told so, and inside a gate or a turn always', async () => {
    verifies('INB-18', 'INB-28');
    const { kit, clock } = makeKit();
    const inner: InboundResult[] = [];
    const a = new TestTransport('a');
    const agent = new TestAgent('bot', async (event) => {
      if (textOf(event) !== 'go') return undefined;
      inner.push(await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'from the turn' }, { roomId: 'room' }));
      return 'done';
    });
    const roomId = await openRoom(kit, [a, agent]);
    const commit = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'go' }, { roomId, wait: 'commit' });
    expect(commit.turns).toEqual([]);
    await clock.advance(100);
    expect(inner).toHaveLength(1);
    expect(inner[0]).toMatchObject({ blocked: false });
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['go', 'from the turn', 'done']);
    await kit.close();
  });

  it('of a flooding sender is refused when a limit is set, and nothing is stored', async () => {
    verifies('INB-26');
    const { kit, clock } = makeKit({ inboundRateLimit: { maxPerSecond: 2 } });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const results = [];
    for (let n = 0; n < 4; n++) results.push(await kit.processInbound({ channelId: 'a', senderId: 'u', content: `${n}` }, { roomId }));
    expect(results.map((result) => result.reason)).toEqual([undefined, undefined, 'rate_limited', 'rate_limited']);
    expect((await kit.processInbound({ channelId: 'a', senderId: 'v', content: 'other' }, { roomId })).blocked).toBe(false);
    await clock.advance(1000);
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'again' }, { roomId })).blocked).toBe(false);
    await kit.close();
  });

  it('that is typing, a receipt or a reaction goes to the ephemeral bus and not into the timeline', async () => {
    verifies('INB-25', 'EPH-02');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const heard: unknown[] = [];
    await kit.subscribeRoom(roomId, (event) => void heard.push([event.type, event.userId]));
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: '', eventType: 'typing' }, { roomId });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: '👍', eventType: 'reaction', metadata: { event_id: 'e' } }, { roomId });
    await clock.advance(0);
    expect(heard).toEqual([
      ['typing_start', 'u'],
      ['reaction', 'u'],
    ]);
    expect(messagesOf(await gapless(kit, roomId))).toEqual([]);
    await kit.close();
  });

  it('that is typing makes no room: of whom there is none nobody hears', async () => {
    verifies('INB-25');
    const { kit } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    for (const eventType of ['typing', 'read_receipt', 'reaction'] as const) {
      const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: '', eventType });
      expect(result).toMatchObject({ blocked: false, reason: 'no_room' });
    }
    expect(await kit.listRooms()).toEqual([]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: '👍', eventType: 'reaction', metadata: { store: true } });
    expect(await kit.listRooms()).toHaveLength(1);
    await kit.close();
  });

  it('with a live session connects it after the commit', async () => {
    verifies('INB-17');
    const { kit } = makeKit();
    const connected: unknown[] = [];
    const a = new TestTransport('a', { connectSession: (session, roomId) => void connected.push([session, roomId]) });
    const roomId = await openRoom(kit, [a]);
    const session = { id: 'call-1' };
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'hi', session }, { roomId });
    expect(connected).toEqual([[session, roomId]]);
    expect(JSON.stringify(result.event)).not.toContain('call-1');
    await kit.close();
  });

  it('of a wrong shape is refused with the field that is wrong, and leaves nothing', async () => {
    verifies('CON-07', 'CON-13');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const send = (content: unknown) => kit.processInbound({ channelId: 'a', senderId: 'u', content: content as string }, { roomId });
    await expect(send({ type: 'text' })).rejects.toThrow(/content.body is missing/);
    await expect(send({ type: 'media', url: 'ftp://x', mimeType: 'a/b' })).rejects.toThrow(/http/);
    await expect(send({ type: 'location', latitude: 91, longitude: 0 })).rejects.toThrow(/latitude/);
    await expect(send({ type: 'poem' })).rejects.toThrow(/content.type is 'poem'/);
    await expect(send('x'.repeat(1_000_001))).rejects.toThrow(ValidationError);
    expect(messagesOf(await gapless(kit, roomId))).toEqual([]);
    await kit.close();
  });
});

describe('the default router', () => {
  it('never guesses between several rooms of one channel', async () => {
    verifies('RTR-02');
    const { kit } = makeKit();
    const web = new TestTransport('web');
    kit.registerChannel(web);
    for (const roomId of ['one', 'two']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    const result = await kit.processInbound({ channelId: 'web', senderId: 'stranger', content: 'hi' });
    expect(['one', 'two']).not.toContain(result.event?.roomId);
    await kit.close();
  });

  it('F15 one_number_two_rooms', async () => {
    verifies('F15', 'RTR-02');
    const warnings: string[] = [];
    const logger = { debug: () => undefined, info: () => undefined, warn: (message: string) => void warnings.push(message), error: () => undefined };
    const { kit } = makeKit({ logger });
    const sms = new TestTransport('sms', { recipientKey: 'phone_number' });
    const desk = new TestTransport('desk');
    kit.registerChannel(sms);
    kit.registerChannel(desk);
    for (const roomId of ['one', 'two']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'sms');
      await kit.attachChannel(roomId, 'desk');
    }
    const first = await kit.processInbound({ channelId: 'sms', senderId: '+9', content: 'hi' });
    const second = await kit.processInbound({ channelId: 'sms', senderId: '+9', content: 'again' });
    expect(first.event?.roomId).not.toMatch(/one|two/);
    expect(second.event?.roomId).toBe(first.event?.roomId);
    expect(warnings.filter((warning) => warning.includes('several rooms'))).toHaveLength(1);
    for (const roomId of ['one', 'two']) expect(messagesOf(await kit.getTimeline(roomId))).toEqual([]);
    expect(desk.texts).toEqual([]);
    await kit.close();
  });

  it('warns of nothing where every room of a shared number names its own customer', async () => {
    verifies('RTR-02');
    const warnings: string[] = [];
    const logger = { debug: () => undefined, info: () => undefined, warn: (message: string) => void warnings.push(message), error: () => undefined };
    const { kit } = makeKit({ logger });
    kit.registerChannel(new TestTransport('sms', { recipientKey: 'phone_number' }));
    const rooms = new Set<string | undefined>();
    for (const senderId of ['+1', '+2', '+3', '+4', '+1']) {
      rooms.add((await kit.processInbound({ channelId: 'sms', senderId, content: 'hi' })).event?.roomId);
    }
    expect(rooms.size).toBe(4);
    expect(warnings).toEqual([]);
    await kit.close();
  });

  it('makes one room of two first messages at the same time', async () => {
    verifies('RTR-04');
    const { kit } = makeKit();
    kit.registerChannel(new TestTransport('sms', { recipientKey: 'phone_number' }));
    const results = await Promise.all([1, 2, 3].map((n) => kit.processInbound({ channelId: 'sms', senderId: '+1', content: `${n}` })));
    expect(new Set(results.map((result) => result.event?.roomId)).size).toBe(1);
    await kit.close();
  });

  it('finds a redelivery its first room, and can be replaced', async () => {
    verifies('RTR-01', 'RTR-03');
    const { kit } = makeKit();
    kit.registerChannel(new TestTransport('sms', { recipientKey: 'phone_number' }));
    const message = { channelId: 'sms', senderId: '+1', content: 'x', idempotencyKey: 'once' };
    const first = await kit.processInbound(message);
    await kit.closeRoom(first.event?.roomId ?? '');
    expect(await kit.processInbound(message)).toMatchObject({ duplicate: true, event: { id: first.event?.id } });
    await kit.close();
    const own = makeKit({ inboundRouter: { route: () => 'mine' } }).kit;
    own.registerChannel(new TestTransport('sms'));
    expect((await own.processInbound({ channelId: 'sms', senderId: '+1', content: 'x' })).event?.roomId).toBe('mine');
    await own.close();
  });
});
