/** Who hears what (behaviour §7), who answers (§11), edits (§13), direct sends (§14), injected events (§15), turns (§17). */
import { describe, expect, it } from 'vitest';
import {
  ChannelNotFoundError,
  HookResult,
  InMemoryStore,
  isVisibleTo,
  NotSupportedError,
  RoomKitError,
  type ChannelOutput,
  type RoomEvent,
} from '../../src/core/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const say = (channelId: string, content: string, senderId = 'u') => ({ channelId, senderId, content });

describe('permissions', () => {
  it('decide who reads: access, direction, visibility', async () => {
    verifies('PERM-01', 'PERM-05', 'PERM-06', 'BC-01');
    const { kit } = makeKit();
    const names = ['all', 'mute', 'wonly', 'none', 'producer', 'ronly'];
    const channels = Object.fromEntries(
      names.map((name) => [name, new TestTransport(`${name}-c`, name === 'producer' ? { direction: 'outbound' } : {})]),
    );
    const from = new TestTransport('from');
    const roomId = await openRoom(kit, [from, ...Object.values(channels)]);
    await kit.attachChannel(roomId, 'wonly-c', { access: 'write_only' });
    await kit.attachChannel(roomId, 'none-c', { access: 'none' });
    await kit.attachChannel(roomId, 'ronly-c', { access: 'read_only' });
    await kit.attachChannel(roomId, 'mute-c', { outputMuted: true });
    const result = await kit.processInbound(say('from', 'x'), { roomId });
    expect(
      Object.entries(channels)
        .filter(([, channel]) => channel.texts.length > 0)
        .map(([name]) => name),
    ).toEqual(['all', 'ronly']);
    expect(result.deliveryResults['mute-c']).toMatchObject({ status: 'skipped' });
    expect(kit.getTrace(result.event?.id ?? '')?.targets).toEqual([
      { channelId: 'from', decision: 'source' },
      { channelId: 'all-c', decision: 'delivery' },
      { channelId: 'mute-c', decision: 'muted' },
      { channelId: 'wonly-c', decision: 'access' },
      { channelId: 'none-c', decision: 'access' },
      { channelId: 'producer-c', decision: 'direction' },
      { channelId: 'ronly-c', decision: 'delivery' },
    ]);
    await kit.close();
  });

  it('read visibility words and lists of channels', () => {
    verifies('PERM-06');
    const rows: [string, string, 'transport' | 'intelligence', boolean][] = [
      ['all', 'a', 'transport', true],
      ['none', 'a', 'transport', false],
      ['internal', 'a', 'transport', false],
      ['transport', 'a', 'transport', true],
      ['transport', 'a', 'intelligence', false],
      ['intelligence', 'a', 'intelligence', true],
      ['a', 'a', 'transport', true],
      ['b', 'a', 'transport', false],
      ['b, a', 'a', 'transport', true],
      ['b,c', 'a', 'transport', false],
    ];
    for (const [visibility, channel, category, expected] of rows) expect(isVisibleTo(visibility, channel, category), visibility).toBe(expected);
  });

  it("stamp the binding's visibility at the commit: later changes leave the past alone", async () => {
    verifies('PERM-05', 'PERM-07');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
    await kit.setVisibility(roomId, 'a', 'none');
    const hidden = await kit.processInbound(say('a', 'hidden'), { roomId });
    await kit.processInbound({ ...say('a', 'said aloud'), visibility: 'b' }, { roomId });
    await kit.setVisibility(roomId, 'a', 'all');
    expect(hidden.event?.visibility).toBe('none');
    expect(messagesOf(await kit.getTimeline(roomId, { as: 'b' })).map(textOf)).toEqual(['said aloud']);
    await kit.close();
  });

  it('F41 read_only_answers', async () => {
    verifies('F41', 'PERM-02', 'INV-05', 'INB-10');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const agent: TestAgent = new TestAgent('bot', () => ({
      responded: true,
      responseEvents: [agent.reply('may I?')],
      tasks: [{ title: 'kept' }],
      observations: [{ content: 'kept too' }],
    }));
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    await kit.setAccess(roomId, 'bot', 'read_only');
    await kit.processInbound(say('a', 'question'), { roomId });
    expect(b.texts).toEqual(['question']);
    expect(messagesOf(await gapless(kit, roomId)).map((event) => [textOf(event), event.status, event.blockedBy])).toEqual([
      ['question', 'delivered', undefined],
      ['may I?', 'blocked', 'source_read_only'],
    ]);
    expect(await kit.listTasks(roomId)).toMatchObject([{ title: 'kept' }]);
    expect(await kit.listObservations(roomId)).toMatchObject([{ content: 'kept too', channelId: 'bot' }]);
    await kit.setAccess(roomId, 'a', 'read_only');
    expect(await kit.processInbound(say('a', 'x'), { roomId })).toMatchObject({ blocked: true, reason: 'source_read_only' });
    await kit.setAccess(roomId, 'a', 'read_write');
    await kit.mute(roomId, 'a');
    expect(await kit.processInbound(say('a', 'x'), { roomId })).toMatchObject({
      blocked: true,
      reason: 'source_muted',
      event: { blockedBy: 'source_muted' },
    });
    await kit.close();
  });

  it('let a muted agent listen and leave notes, but not speak', async () => {
    verifies('PERM-03');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const agent: TestAgent = new TestAgent('bot', () => ({
      responded: true,
      responseEvents: [agent.reply('psst')],
      tasks: [{ title: 'note' }],
      metadataUpdates: { heard: true, _hidden: 1 },
    }));
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    await kit.mute(roomId, 'bot');
    const result = await kit.processInbound(say('a', 'question'), { roomId });
    expect(result.turns).toMatchObject([{ state: 'cancelled', reason: 'source_muted' }]);
    expect(agent.asked).toHaveLength(1);
    expect(b.texts).toEqual(['question']);
    expect(await kit.listTasks(roomId)).toMatchObject([{ title: 'note' }]);
    expect((await kit.getRoom(roomId)).metadata).toMatchObject({ heard: true });
    expect((await kit.getRoom(roomId)).metadata).not.toHaveProperty('_hidden');
    await kit.close();
  });

  it('F43 hidden_stays_hidden', async () => {
    verifies('F43', 'PERM-07', 'INV-06');
    const { kit } = makeKit();
    const agent = new TestAgent('bot', (event, context) => context.visibleTo('bot').map(textOf).join('|'));
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b'), agent]);
    await kit.processInbound({ ...say('a', 'secret'), visibility: 'b' }, { roomId });
    await kit.processInbound({ ...say('a', 'for nobody'), visibility: 'none' }, { roomId });
    const { event } = await kit.processInbound(say('a', 'gone'), { roomId });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: { type: 'delete', targetEventId: event?.id ?? '' } }, { roomId });
    await kit.processInbound(say('a', 'open'), { roomId });
    const seen = agent.contexts.at(-1)?.visibleTo('bot').map(textOf).join('|') ?? '';
    expect(seen).not.toMatch(/secret|nobody/);
    expect(
      agent.contexts
        .at(-1)
        ?.visibleTo('bot')
        .some((one) => one.id === event?.id),
    ).toBe(false);
    expect(messagesOf(await kit.getTimeline(roomId, { as: 'bot' })).map(textOf)).not.toContain('secret');
    expect((await kit.readVisible(roomId, 'bot', { afterIndex: -1, limit: 100 })).events.map(textOf).join('|')).not.toMatch(/secret|nobody|gone$/);
    await kit.close();
  });
});

describe('answers', () => {
  it('re-enter as passes of their own, one deeper, of the same cascade', async () => {
    verifies('BC-02', 'BC-05', 'AI-07', 'TURN-03', 'OUT-14');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const agent = new TestAgent('bot');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    const gates: string[] = [];
    kit.hook('before_broadcast', (event) => {
      gates.push(`${textOf(event)}:${event.chainDepth}`);
      return HookResult.allow();
    });
    const after: string[] = [];
    kit.hook('after_broadcast', (event) => void after.push(textOf(event)));
    const result = await kit.processInbound(say('a', 'hi'), { roomId });
    const [question, answer] = messagesOf(await gapless(kit, roomId));
    expect(answer).toMatchObject({ chainDepth: 1, parentEventId: question?.id, correlationId: question?.id, source: { channelId: 'bot' } });
    expect(result.turns).toMatchObject([{ channelId: 'bot', state: 'committed', endReason: 'completed', replyEventIds: [answer?.id] }]);
    expect(gates).toEqual(['hi:0', 're: hi:1']);
    expect(after.sort()).toEqual(['hi', 're: hi']);
    expect(agent.asked.map(textOf)).toEqual(['hi']);
    await kit.close();
  });

  it("end at the chain's depth: two agents without a router", async () => {
    verifies('BC-04', 'BC-05', 'FIG-03', 'KIT-01', 'INV-05');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestAgent('one'), new TestAgent('two')]);
    const exceeded: unknown[] = [];
    kit.on('chain_depth_exceeded', (event) => void exceeded.push(event.data['chain_depth']));
    await kit.processInbound(say('a', 'go'), { roomId });
    await clock.advance(100);
    const messages = messagesOf(await gapless(kit, roomId));
    const depths = (status: string) =>
      messages
        .filter((event) => event.status === status && event.chainDepth > 0)
        .map((event) => event.chainDepth)
        .sort();
    expect(depths('delivered')).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect(messages.filter((event) => event.status === 'blocked').map((event) => [event.chainDepth, event.blockedBy])).toEqual([
      [5, 'event_chain_depth_limit'],
      [5, 'event_chain_depth_limit'],
    ]);
    expect(exceeded).toEqual([5, 5]);
    expect(await kit.listObservations(roomId)).toMatchObject([
      { category: 'event_chain_depth_exceeded' },
      { category: 'event_chain_depth_exceeded' },
    ]);
    expect(() => makeKit({ maxChainDepth: 0 })).toThrow(/maxChainDepth/);
    expect(() => makeKit({ maxChainDepth: 2.5 })).toThrow(/maxChainDepth/);
    await kit.close();
  });

  it("are asked of whom the event addresses, the router chose, or the room's policy allows", async () => {
    verifies('BC-03');
    const { kit } = makeKit();
    const agents = ['one', 'two', 'boss'].map((id) => new TestAgent(id, () => undefined));
    const roomId = await openRoom(kit, [new TestTransport('a'), ...agents]);
    const asked = async (message: object): Promise<string[]> => {
      for (const agent of agents) agent.asked.length = 0;
      await kit.processInbound({ ...say('a', 'x'), ...message }, { roomId });
      return agents.filter((agent) => agent.asked.length > 0).map((agent) => agent.channelId);
    };
    expect(await asked({})).toEqual(['one', 'two', 'boss']);
    expect(await asked({ addressedTo: ['two'] })).toEqual(['two']);
    expect(await asked({ addressedTo: [] })).toEqual([]);
    expect(await asked({ metadata: { _routed_to: 'one' } })).toEqual(['one']);
    expect(await asked({ metadata: { _routed_to: '_none_', _always_process: ['boss'] } })).toEqual(['boss']);
    expect(await asked({ addressedTo: ['one'], metadata: { _always_process: ['boss'] } })).toEqual(['one', 'boss']);
    expect(await asked({ metadata: { _orchestration_internal: true } })).toEqual([]);
    await kit.createRoom({ roomId: 'quiet', agentResponsePolicy: 'addressed_only' });
    const [chatty, listener] = [new TestAgent('chatty', () => 'I say'), new TestAgent('listener', () => undefined)];
    for (const channel of [chatty, listener]) kit.registerChannel(channel);
    for (const id of ['a', 'chatty', 'listener']) await kit.attachChannel('quiet', id);
    await kit.processInbound(say('a', 'x'), { roomId: 'quiet' });
    expect(listener.asked.map(textOf)).toEqual(['x']);
    await kit.close();
  });

  it('carry the visibility that the question asked for, to any depth', async () => {
    verifies('BC-06');
    const { kit } = makeKit();
    const [b, c] = [new TestTransport('b'), new TestTransport('c')];
    const roomId = await openRoom(kit, [new TestTransport('a'), b, c, new TestAgent('bot')]);
    await kit.processInbound({ ...say('a', 'psst'), responseVisibility: 'b' }, { roomId });
    expect({ b: b.texts, c: c.texts }).toEqual({ b: ['psst', 're: psst'], c: ['psst'] });
    await kit.close();
  });

  it('of one failing target never touch another', async () => {
    verifies('BC-02', 'BC-07');
    const { kit } = makeKit();
    const [bad, good] = [new TestTransport('bad', { durable: false }), new TestTransport('good', { durable: false })];
    const roomId = await openRoom(kit, [
      new TestTransport('a'),
      bad,
      good,
      new TestAgent('broken', () => {
        throw new Error('no');
      }),
      new TestAgent('fine'),
    ]);
    bad.failNext(1);
    const result = await kit.processInbound({ ...say('a', 'x'), metadata: {} }, { roomId });
    expect(result.deliveryResults).toMatchObject({ bad: { status: 'failed' }, good: { status: 'sent' } });
    // The failing agent is asked once more, about the other one's answer.
    expect(result.turns.map((turn) => [turn.channelId, turn.state]).sort()).toEqual([
      ['broken', 'failed'],
      ['broken', 'failed'],
      ['fine', 'committed'],
    ]);
    expect(good.texts).toEqual(['x', 're: x']);
    await kit.close();
  });

  it('may come from a transport that reacts', async () => {
    verifies('BC-02', 'PERM-04');
    const { kit } = makeKit();
    const source = { channelId: 'bridge', channelType: 'webhook', direction: 'inbound', rawPayload: {} } as const;
    const bridge = new TestTransport('bridge', {
      onEvent: async (event: RoomEvent): Promise<ChannelOutput> =>
        textOf(event) === 'ping' ? { responded: true, responseEvents: [{ source, content: { type: 'text', body: 'pong' } }] } : {},
    });
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a, bridge]);
    await kit.processInbound(say('a', 'ping'), { roomId });
    expect({ a: a.texts, bridge: bridge.texts }).toEqual({ a: ['pong'], bridge: ['ping'] });
    await kit.close();
  });
});

describe('a turn', () => {
  it('comes one after another, in index order, and sees what was said before', async () => {
    verifies('TURN-01', 'COL-01', 'COL-06');
    const { kit, clock } = makeKit();
    const seen: string[][] = [];
    const agent = new TestAgent('bot', async (event, context) => {
      seen.push(
        context
          .visibleTo('bot')
          .filter((one) => one.type === 'message' && one.id !== event.id)
          .map(textOf),
      );
      await clock.sleep(100);
      return `re: ${textOf(event)}`;
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const calls = ['1', '2', '3'].map((content) => kit.processInbound(say('a', content), { roomId }));
    await clock.advance(1000);
    await Promise.all(calls);
    expect(agent.asked.map(textOf)).toEqual(['1', '2', '3']);
    expect(seen).toEqual([[], ['1', 're: 1'], ['1', '2', 're: 1', 're: 2']]);
    await kit.close();
  });

  it("above the queue's limit is rejected", async () => {
    verifies('COL-01', 'CON-11');
    const { kit, clock } = makeKit();
    const agent = new TestAgent('bot', async () => {
      await clock.sleep(100);
      return 'x';
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    await kit.attachChannel(roomId, 'bot', { collision: { maxQueued: 1 } });
    const calls = ['1', '2', '3'].map((content) => kit.processInbound(say('a', content), { roomId }));
    await clock.advance(1000);
    expect((await Promise.all(calls)).map((result) => [result.turns[0]?.state, result.turns[0]?.reason])).toEqual([
      ['committed', undefined],
      ['committed', undefined],
      ['rejected', 'turn_queue_full'],
    ]);
    await kit.close();
  });

  it('ends when its time is up, and nothing of the failure enters the room', async () => {
    verifies('TURN-02', 'TURN-07', 'CON-08');
    const { kit, clock } = makeKit({ turnTimeoutSeconds: 5 });
    let aborted: unknown;
    const hanging = new TestAgent('hangs', async (_event, _context, options) => {
      options.signal.addEventListener('abort', () => (aborted = options.signal.reason));
      await new Promise(() => undefined);
      return 'never';
    });
    const failing = new TestAgent('fails', () => {
      throw new Error('the vendor said: your key sk-12345 is invalid');
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), hanging, failing]);
    const seen: unknown[] = [];
    kit.on('turn_failed', (event) => void seen.push([event.channelId, event.data['code']]));
    kit.hook('on_error', (error) => void seen.push([error.category, error.message.includes('sk-12345')]));
    const call = kit.processInbound(say('a', 'x'), { roomId });
    await clock.advance(5000);
    const result = await call;
    expect(result.turns.map((turn) => [turn.channelId, turn.state, turn.endReason, turn.error?.code]).sort()).toEqual([
      ['fails', 'failed', 'error', 'internal'],
      ['hangs', 'failed', 'timeout', 'timeout'],
    ]);
    expect(JSON.stringify(result)).not.toContain('sk-12345');
    expect(aborted).toBeInstanceOf(RoomKitError);
    expect(seen).toEqual([
      ['fails', 'internal'],
      ['turn', false],
      ['hangs', 'timeout'],
      ['turn', false],
    ]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['x']);
    expect(result.error).toMatchObject({ channelId: 'fails' });
    await kit.close();
  });

  it('that could not start in time expires', async () => {
    verifies('TURN-05');
    const { kit, clock } = makeKit({ turnTtlSeconds: 5, turnTimeoutSeconds: 60 });
    const agent = new TestAgent('bot', async () => {
      await clock.sleep(10_000);
      return 'slow';
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const expired: unknown[] = [];
    kit.on('turn_expired', (event) => void expired.push(event.channelId));
    const calls = ['1', '2'].map((content) => kit.processInbound(say('a', content), { roomId }));
    await clock.advance(30_000);
    expect((await Promise.all(calls)).map((result) => result.turns[0]?.state)).toEqual(['committed', 'expired']);
    expect(expired).toEqual(['bot']);
    await kit.close();
  });

  it('with several answers completes with the last, each under its own key', async () => {
    verifies('TURN-03', 'STO-04');
    const { kit } = makeKit();
    const agent: TestAgent = new TestAgent('bot', () => ({ responded: true, responseEvents: [agent.reply('one'), agent.reply('two')] }));
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const result = await kit.processInbound(say('a', 'x'), { roomId });
    const turnId = result.turns[0]?.turnId ?? '';
    const replies = messagesOf(await gapless(kit, roomId)).slice(1);
    expect(replies.map((event) => event.idempotencyKey)).toEqual([`${turnId}:reply:0`, `${turnId}:reply:1`]);
    expect(await kit.store.getTurn(turnId)).toMatchObject({ state: 'committed', replyEventIds: replies.map((event) => event.id) });
    await kit.close();
  });

  it('F47 takeover_at_the_instant (a stale answer is refused)', async () => {
    verifies('F47', 'TURN-06', 'LOCK-07', 'CST-04');
    const { kit, clock } = makeKit();
    const agent = new TestAgent('bot', async () => {
      await clock.sleep(100);
      return 'stale';
    });
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    await kit.setActiveAgent(roomId, 'bot');
    const call = kit.processInbound(say('a', 'x'), { roomId });
    await clock.advance(50);
    await kit.setActiveAgent(roomId, null);
    await clock.advance(100);
    expect((await call).turns).toMatchObject([{ state: 'cancelled', reason: 'taken_over' }]);
    expect(b.texts).toEqual(['x']);
    await kit.close();
  });
});

describe('edits and deletes', () => {
  it("are the author's, the system's or an owner's to make", async () => {
    verifies('EDT-01', 'EDT-02', 'EDT-03', 'EDT-04', 'EDT-05', 'PERM-08');
    const { kit } = makeKit();
    const b = new TestTransport('b', { capabilities: { mediaTypes: ['text'] } });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const updated: string[] = [];
    kit.hook('on_event_updated', (event) => void updated.push(textOf(event)));
    const { event } = await kit.processInbound(say('a', 'teh', 'ada'), { roomId });
    const edit = (senderId: string, body: string, editSource?: string, targetEventId = event?.id ?? '') =>
      kit.processInbound(
        {
          channelId: 'a',
          senderId,
          content: { type: 'edit', targetEventId, newContent: { type: 'text', body }, ...(editSource !== undefined && { editSource }) },
        },
        { roomId },
      );
    expect(await edit('bob', 'x')).toMatchObject({ blocked: true, reason: 'not_original_author' });
    expect(await edit('bob', 'x', 'system')).toMatchObject({ reason: 'not_original_author' });
    expect(await edit('bob', 'x', 'admin')).toMatchObject({ reason: 'not_original_author' });
    expect(await edit('bob', 'x', 'nonsense')).toMatchObject({ reason: 'not_original_author' });
    expect((await edit('ada', 'the')).blocked).toBe(false);
    expect(await kit.getEvent(roomId, event?.id ?? '')).toMatchObject({ content: { body: 'the' }, metadata: { edited: true } });
    expect(b.texts).toEqual(['teh', 'Correction: the']);
    expect(updated).toEqual(['the']);
    await kit.ensureParticipant(roomId, 'a', 'olga', { role: 'owner' });
    expect(await edit('olga', 'x', 'admin')).toMatchObject({ reason: 'not_original_author' });
    await kit.store.createIdentity({ id: 'o' });
    await kit.resolveParticipant(roomId, 'olga', 'o');
    expect((await edit('olga', 'moderated', 'admin')).blocked).toBe(false);
    const removal = { channelId: 'a', senderId: 'ada', content: { type: 'delete', targetEventId: event?.id ?? '' } } as const;
    expect((await kit.processInbound(removal, { roomId })).blocked).toBe(false);
    expect(await kit.getEvent(roomId, event?.id ?? '')).toMatchObject({ metadata: { deleted: true }, content: { body: 'moderated' } });
    expect(await kit.processInbound(removal, { roomId })).toMatchObject({ blocked: true, reason: 'target_event_not_found' });
    expect(await edit('ada', 'again')).toMatchObject({ reason: 'target_event_not_found' });
    await kit.close();
  });

  it('that are blocked change nothing, and an answered message is not answered again', async () => {
    verifies('EDT-04', 'EDT-06', 'INB-09');
    const { kit } = makeKit();
    const agent = new TestAgent('bot');
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const { event } = await kit.processInbound(say('a', 'original', 'ada'), { roomId });
    kit.hook('before_broadcast', { name: 'freeze' }, (given) =>
      given.type === 'edit' && JSON.stringify(given.content).includes('bad') ? HookResult.block('no') : HookResult.allow(),
    );
    const edit = (body: string) =>
      kit.processInbound(
        { channelId: 'a', senderId: 'ada', content: { type: 'edit', targetEventId: event?.id ?? '', newContent: { type: 'text', body } } },
        { roomId },
      );
    expect((await edit('bad')).blocked).toBe(true);
    expect(textOf((await kit.getEvent(roomId, event?.id ?? '')) as RoomEvent)).toBe('original');
    await edit('good');
    expect(agent.asked.map(textOf)).toEqual(['original']);
    await kit.close();
  });

  it('change their target into what hooks made of them, and cannot be turned to another', async () => {
    verifies('EDT-04', 'HK-05');
    const { kit } = makeKit();
    const b = new TestTransport('b', { capabilities: { mediaTypes: ['text'] } });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const other = await kit.processInbound(say('a', 'another', 'bob'), { roomId });
    const { event } = await kit.processInbound(say('a', 'original', 'ada'), { roomId });
    const failures: unknown[] = [];
    kit.on('hook_error', (failure) => void failures.push(failure.data['hook']));
    kit.hook('before_broadcast', { name: 'redact' }, (given) =>
      given.content.type === 'edit'
        ? HookResult.modify({ ...given, content: { ...given.content, newContent: { type: 'text', body: '[removed]' } } })
        : HookResult.allow(),
    );
    kit.hook('before_broadcast', { name: 'turn' }, (given) =>
      given.content.type === 'edit'
        ? HookResult.modify({ ...given, content: { ...given.content, targetEventId: other.event?.id ?? '' } })
        : HookResult.allow(),
    );
    kit.hook('before_broadcast', { name: 'disguise' }, (given) =>
      given.content.type === 'edit' ? HookResult.modify({ ...given, content: { type: 'text', body: 'x' } }) : HookResult.allow(),
    );
    await kit.processInbound(
      { channelId: 'a', senderId: 'ada', content: { type: 'edit', targetEventId: event?.id ?? '', newContent: { type: 'text', body: 'secret' } } },
      { roomId },
    );
    expect(await kit.getEvent(roomId, event?.id ?? '')).toMatchObject({ content: { body: '[removed]' }, metadata: { edited: true } });
    expect(await kit.getEvent(roomId, other.event?.id ?? '')).toMatchObject({ content: { body: 'another' }, metadata: {} });
    expect(b.texts.at(-1)).toBe('Correction: [removed]');
    await kit.close();
    expect(failures).toEqual(['turn', 'disguise']);
  });

  it('go to those who may see their target, and to nobody else', async () => {
    verifies('EDT-05', 'INV-06', 'PERM-05');
    const { kit } = makeKit();
    const [near, far] = [new TestTransport('near'), new TestTransport('far')];
    const roomId = await openRoom(kit, [new TestTransport('a'), near, far]);
    const change = (targetEventId: string, body: string) =>
      kit.sendEvent(roomId, 'a', { type: 'edit', targetEventId, newContent: { type: 'text', body } }, { participantId: 'ada' });
    const whisper = await kit.sendEvent(roomId, 'a', 'the code is 1', { participantId: 'ada', visibility: 'near' });
    expect(await change(whisper.id, 'the code is 2')).toMatchObject({ status: 'delivered', visibility: 'near' });
    expect([near.texts, far.texts]).toEqual([['the code is 1', 'Correction: the code is 2'], []]);
    // Heard by all, and corrected after its channel had been told to whisper.
    const spoken = await kit.sendEvent(roomId, 'a', 'teh', { participantId: 'ada' });
    await kit.setVisibility(roomId, 'a', 'near');
    expect(await change(spoken.id, 'the')).toMatchObject({ visibility: 'all' });
    expect(far.texts).toEqual(['teh', 'Correction: the']);
    await kit.sendEvent(roomId, 'a', { type: 'delete', targetEventId: whisper.id }, { participantId: 'ada' });
    expect(far.texts).toHaveLength(2);
    await kit.close();
  });

  it('F11 edit_before_original', async () => {
    verifies('F11', 'EDT-06');
    const { kit, clock } = makeKit();
    const source = (externalId: string) =>
      ({ channelId: 'a', channelType: 'sms', direction: 'inbound', participantId: 'ada', externalId, rawPayload: {} }) as const;
    const a = new TestTransport('a', {
      handleInbound: (message) => ({ source: source(message.externalId ?? ''), content: message.content as never }),
    });
    const roomId = await openRoom(kit, [a]);
    const early = await kit.processInbound(
      {
        channelId: 'a',
        senderId: 'ada',
        externalId: 'e-2',
        content: { type: 'edit', targetEventId: 'e-1', newContent: { type: 'text', body: 'corrected' } },
      },
      { roomId },
    );
    expect(early).toMatchObject({ blocked: true, reason: 'target_pending' });
    const { event } = await kit.processInbound(
      { channelId: 'a', senderId: 'ada', externalId: 'e-1', content: { type: 'text', body: 'orignal' } },
      { roomId },
    );
    await clock.advance(0);
    expect(await kit.getEvent(roomId, event?.id ?? '')).toMatchObject({ content: { body: 'corrected' } });
    const late = await kit.processInbound(
      { channelId: 'a', senderId: 'ada', externalId: 'e-4', content: { type: 'delete', targetEventId: 'never' } },
      { roomId },
    );
    expect(late).toMatchObject({ blocked: true, reason: 'target_pending' });
    await clock.advance(11 * 60_000);
    await kit.processInbound(
      { channelId: 'a', senderId: 'ada', externalId: 'never', content: { type: 'text', body: 'too late to delete' } },
      { roomId },
    );
    expect(messagesOf(await gapless(kit, roomId)).some((one) => one.metadata['deleted'] === true)).toBe(false);
    await kit.close();
  });
});

describe('an edit that came first', () => {
  it('is applied when the message comes again, after a crash between the two', async () => {
    verifies('EDT-06');
    const store = new InMemoryStore();
    const { kit } = makeKit({ store });
    const a = new TestTransport('a', {
      handleInbound: (message) => ({
        source: {
          channelId: 'a',
          channelType: 'sms',
          direction: 'inbound',
          participantId: 'ada',
          externalId: message.externalId ?? '',
          rawPayload: {},
        },
        content: message.content as never,
      }),
    });
    const roomId = await openRoom(kit, [a]);
    const edit = { type: 'edit', targetEventId: 'e-1', newContent: { type: 'text', body: 'corrected' } } as const;
    await kit.processInbound({ channelId: 'a', senderId: 'ada', externalId: 'e-2', content: edit }, { roomId });
    const original = {
      channelId: 'a',
      senderId: 'ada',
      externalId: 'e-1',
      idempotencyKey: 'e-1',
      content: { type: 'text', body: 'orignal' },
    } as const;
    const list = store.listHeld.bind(store);
    store.listHeld = () => {
      throw new Error('the process died here');
    };
    await expect(kit.processInbound(original, { roomId })).rejects.toThrow('died');
    store.listHeld = list;
    const again = await kit.processInbound(original, { roomId });
    expect(again.duplicate).toBe(true);
    expect(await kit.getEvent(roomId, again.event?.id ?? '')).toMatchObject({ content: { body: 'corrected' } });
    await kit.close();
  });
});

describe('a direct send', () => {
  it('takes the same way as a message from outside', async () => {
    verifies('SND-01', 'SND-02', 'SND-03', 'CON-06');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, new TestAgent('bot')]);
    kit.hook('before_broadcast', { name: 'guard' }, (event) => (textOf(event) === 'bad' ? HookResult.block('no') : HookResult.allow()));
    const event = await kit.sendEvent(roomId, 'a', 'hello', { participantId: 'ada', metadata: { k: 1 }, idempotencyKey: 'once' });
    expect(event).toMatchObject({
      status: 'delivered',
      chainDepth: 0,
      source: { channelId: 'a', channelType: 'sms', direction: 'inbound', participantId: 'ada' },
      metadata: { k: 1 },
    });
    expect(b.texts).toEqual(['hello', 're: hello']);
    expect((await kit.sendEvent(roomId, 'a', 'hello', { idempotencyKey: 'once' })).id).toBe(event.id);
    expect(await kit.sendEvent(roomId, 'a', 'bad')).toMatchObject({ status: 'blocked', blockedBy: 'guard' });
    expect(await kit.sendEventResult(roomId, 'a', 'fine')).toMatchObject({ blocked: false, deliveryResults: { b: { status: 'sent' } } });
    await expect(kit.sendEvent(roomId, 'stranger', 'x')).rejects.toThrow(ChannelNotFoundError);
    await kit.close();
  });

  it('of a hook that answers itself ends at the depth limit', async () => {
    verifies('SND-04', 'BC-04');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    kit.hook('after_broadcast', async () => void (await kit.sendEvent(roomId, 'a', 'again')));
    await kit.processInbound(say('a', 'go'), { roomId });
    await clock.advance(1000);
    const messages = messagesOf(await gapless(kit, roomId));
    expect(messages.map((event) => event.chainDepth)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(messages.at(-1)).toMatchObject({ status: 'blocked', blockedBy: 'event_chain_depth_limit' });
    await kit.close();
  });

  it('F14 bots_ping_pong_across_rooms (in one kit: depth ends it)', async () => {
    verifies('F14', 'SND-04', 'BC-04');
    const { kit, clock } = makeKit();
    const web = new TestTransport('web');
    kit.registerChannel(web);
    for (const roomId of ['left', 'right']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    // Two rooms that forward to each other whatever they hear.
    kit.hook('after_broadcast', async (event) => void (await kit.sendEvent(event.roomId === 'left' ? 'right' : 'left', 'web', 'forwarded')));
    await kit.processInbound(say('web', 'go'), { roomId: 'left' });
    await clock.advance(10_000);
    const all = [...messagesOf(await gapless(kit, 'left')), ...messagesOf(await gapless(kit, 'right'))];
    expect(all).toHaveLength(6);
    expect(all.filter((event) => event.status === 'blocked')).toHaveLength(1);
    await kit.close();
  });
});

describe('injected events', () => {
  it('come after their cause, reach the named targets only, and pass no gate', async () => {
    verifies('INJ-01', 'INJ-02');
    const { kit } = makeKit();
    const [a, b, c, agent] = [
      new TestTransport('a'),
      new TestTransport('b'),
      new TestTransport('c', { capabilities: { mediaTypes: ['text'] } }),
      new TestAgent('bot', () => undefined),
    ];
    const roomId = await openRoom(kit, [a, b, c, agent]);
    await kit.attachChannel(roomId, 'b', { access: 'write_only' });
    const gates: string[] = [];
    kit.hook('before_broadcast', (event) => {
      gates.push(textOf(event));
      if (textOf(event) !== 'cause') return HookResult.allow();
      return HookResult.allow({
        injectedEvents: [
          {
            event: { content: { type: 'rich', body: '**note**', buttons: [{ id: '1', label: 'OK', kind: 'reply' }] } },
            targetChannelIds: ['b', 'c', 'missing'],
          },
          { event: { content: 'for the record' } },
          { event: { content: 'think about it' }, targetChannelIds: ['bot'] },
        ],
      });
    });
    await kit.processInbound({ ...say('a', 'cause'), addressedTo: [] }, { roomId });
    expect(messagesOf(await gapless(kit, roomId)).map((event) => [textOf(event) || event.content.type, event.visibility])).toEqual([
      ['cause', 'all'],
      ['rich', 'b,c,missing'],
      ['for the record', 'internal'],
      ['think about it', 'bot'],
    ]);
    expect({ a: a.texts, b: b.texts, c: c.texts }).toEqual({ a: [], b: [], c: ['cause', '**note**\n1. OK'] });
    expect(agent.asked.map(textOf)).toEqual(['think about it']);
    expect(gates).toEqual(['cause']);
    await kit.close();
  });
});

describe('a channel without a part', () => {
  it('is told apart by what it has, not by throwing stubs', async () => {
    verifies('CON-07');
    const { kit } = makeKit();
    await expect(kit.transcribe(new Uint8Array())).rejects.toMatchObject({ code: 'voice_not_configured' });
    expect(new NotSupportedError('x').code).toBe('not_supported');
    await kit.close();
  });
});
