/** Collision policies at their edges (behaviour §17): when messages are gathered, read or given up, and what does not share an answer. */
import { describe, expect, it } from 'vitest';
import {
  HookResult,
  messageText,
  ProviderError,
  WebSocketChannel,
  type AIContext,
  type AITool,
  type CollisionConfig,
  type InboundResult,
  type OnEventOptions,
  type RoomEvent,
  type StreamFrame,
} from '../../src/index.js';
import { ended, scene, useToolOnce } from '../support/collision-scene.js';
import { makeKit, openRoom, settle, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('a burst', () => {
  /** Says messages at these times, and gives the times at which replies came, with how many messages they answer. */
  async function replyTimes(times: readonly number[], collision: object, toolMs: number): Promise<[number, number][]> {
    const room = await scene({ policy: 'burst', ...collision }, { toolMs });
    const began = room.clock.now();
    const replies: [number, number][] = [];
    room.kit.hook('after_broadcast', (event) => {
      const answers = event.metadata['answers'];
      if (event.source.channelId === 'bot') replies.push([room.clock.now() - began, Array.isArray(answers) ? answers.length : 1]);
    });
    const calls: Promise<InboundResult>[] = [];
    for (const at of times) {
      await room.clock.advance(at - (room.clock.now() - began));
      calls.push(room.say(`at ${at}`));
    }
    await room.clock.advance(100_000);
    await Promise.all(calls);
    expect(room.clock.pendingTimers).toBe(0);
    await room.kit.close();
    return replies;
  }

  it('is answered when the turn has ended and nobody has written for a while, whichever is later', async () => {
    verifies('COL-02');
    expect(await replyTimes([0, 100, 200], {}, 2000)).toEqual([
      [2000, 1],
      [4000, 2], // the turn ended long after the last message
    ]);
    expect(await replyTimes([0, 100, 1900], {}, 2000)).toEqual([
      [2000, 1],
      [4700, 2], // 800 ms after the last message
    ]);
    expect(await replyTimes([0, 1900, 2600, 3300], { debounceMs: 800 }, 2000)).toEqual([
      [2000, 1],
      [6100, 3],
    ]);
    expect(await replyTimes([0, 100, 1900], { debounceMs: 0 }, 2000)).toEqual([
      [2000, 1],
      [4000, 2],
    ]);
  });

  it('does not wait for ever: ten times the pause after the first that waits, at most', async () => {
    verifies('COL-02');
    const times = Array.from({ length: 30 }, (_, n) => n * 60);
    const [first, ...rest] = await replyTimes(times, { debounceMs: 100, leadingDebounceMs: 100 }, 10);
    expect(first).toEqual([1010, 17]); // who never pauses is answered after 1,000 ms
    expect(rest.reduce((sum, [, count]) => sum + count, 17)).toBe(30);
  });

  it('may wait before the first answer, too; until then the turn has not begun', async () => {
    verifies('COL-02', 'TURN-03');
    expect(await replyTimes([0, 300, 600, 3000], { leadingDebounceMs: 500 }, 100)).toEqual([
      [1200, 3],
      [3600, 1],
    ]);
    const room = await scene({ policy: 'burst', leadingDebounceMs: 500 }, { toolMs: 100 });
    const call = room.say('hello');
    await settle(room.clock);
    expect(await room.turns()).toMatchObject([{ state: 'queued', attempts: 0 }]);
    await room.clock.advance(550);
    expect(await room.turns()).toMatchObject([{ state: 'running', attempts: 1 }]);
    await room.clock.advance(100);
    expect(ended([await call])).toEqual(['committed']);
    await room.kit.close();
  });

  it('is answered at once when the kit shuts down', async () => {
    verifies('COL-02', 'KIT-05');
    const room = await scene({ policy: 'burst', leadingDebounceMs: 60_000 }, { toolMs: 0 });
    const calls = [room.say('1'), room.say('2')];
    await settle(room.clock);
    const draining = room.kit.drain();
    await room.clock.advance(0);
    await draining;
    expect(ended(await Promise.all(calls))).toEqual(['merged', 'committed']);
    await room.kit.close();
  });

  it('shows the agent each message by itself, in order and in its newest words', async () => {
    verifies('COL-02', 'AI-03', 'EDT-04');
    const asked: RoomEvent[][] = [];
    const agent = new TestAgent('bot', async (_event, _context, { turn }) => {
      asked.push([...(turn?.triggerEvents ?? [])]);
      await clock.sleep(1000);
      return 'done';
    });
    Object.assign(agent, { collision: { policy: 'burst' } });
    const { kit, clock } = makeKit();
    await openRoom(kit, [new TestTransport('a'), agent]);
    const say = (content: string) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId: 'room' });
    const calls = ['0', '1', '2', '3'].map(say);
    await clock.advance(5000);
    await Promise.all(calls);
    expect(asked.map((events) => events.map(textOf))).toEqual([['0'], ['1', '2', '3']]);
    expect(agent.asked.map(textOf)).toEqual(['0', '3']);
    // What it answers is not among its history as well.
    expect(
      agent.contexts
        .at(-1)
        ?.recentEvents.map(textOf)
        .filter((text) => text !== ''),
    ).toEqual(expect.arrayContaining(['0', 'done']));
    await kit.close();
  });
});

describe('messages that do not share an answer', () => {
  it('are those whose answers may be seen by different readers', async () => {
    verifies('COL-08');
    for (const policy of ['burst', 'steer'] as const) {
      const room = await scene({ policy });
      const whisper = (content: string) =>
        room.kit.processInbound({ channelId: 'a', senderId: 'u', content, responseVisibility: 'internal' }, { roomId: 'room' });
      const calls = [room.say('0'), room.say('1'), whisper('psst'), room.say('2'), whisper('psst again')];
      await room.clock.advance(60_000);
      const results = await Promise.all(calls);
      const replies = await room.replies();
      const answered = replies.map((reply) => [reply.visibility, reply.metadata['answers'] ?? [reply.parentEventId]]);
      const id = (n: number): string | undefined => results[n]?.event?.id;
      const expected =
        policy === 'burst'
          ? [
              ['all', [id(0)]],
              ['all', [id(1), id(3)]],
              ['internal', [id(2), id(4)]],
            ]
          : [
              ['all', [id(0), id(1), id(3)]],
              ['internal', [id(2), id(4)]],
            ];
      expect(answered, policy).toEqual(expected);
      await room.kit.close();
    }
  });

  it('are those of other agents: they wait for a turn of their own in every policy', async () => {
    verifies('COL-06');
    for (const policy of ['queue', 'burst', 'steer', 'interrupt', 'reject'] as const) {
      const room = await scene({ policy });
      const other = new TestAgent('other', (event) => (textOf(event).startsWith('both') ? `what of ${textOf(event)}?` : undefined));
      room.kit.registerChannel(other);
      await room.kit.attachChannel('room', 'other');
      const call = room.say('both');
      await room.clock.advance(60_000);
      await call;
      const replies = await room.replies();
      expect(
        replies.map(({ metadata }) => [metadata['answers'], metadata['cancelled']]),
        policy,
      ).toEqual([
        [undefined, undefined],
        [undefined, undefined],
      ]);
      expect(
        (await room.turns()).filter(({ channelId }) => channelId === 'bot').map(({ state }) => state),
        policy,
      ).toEqual(['committed', 'committed']);
      await room.kit.close();
    }
  });
});

describe('a full queue', () => {
  it('turns away in a burst and where messages are read by the running turn, too', async () => {
    verifies('COL-01', 'COL-02', 'COL-03', 'CON-11');
    for (const policy of ['burst', 'steer'] as const) {
      const room = await scene({ policy, maxQueued: 2 });
      const calls = ['0', '1', '2', '3', '4'].map((content) => room.say(content));
      await room.clock.advance(60_000);
      const results = await Promise.all(calls);
      expect(ended(results).slice(3), policy).toEqual(['turn_queue_full', 'turn_queue_full']);
      expect(ended(results).slice(0, 3), policy).toEqual(
        policy === 'burst' ? ['committed', 'merged', 'committed'] : ['committed', 'merged', 'merged'],
      );
      await room.kit.close();
    }
  });

  it('turns nobody away who interrupts', async () => {
    verifies('COL-04');
    const room = await scene({ policy: 'interrupt', maxQueued: 0 });
    const calls = ['0', '1'].map((content) => room.say(content));
    await room.clock.advance(60_000);
    expect(ended(await Promise.all(calls))).toEqual(['interrupted', 'committed']);
    await room.kit.close();
  });

  it('is nothing that a blocked message has ever heard of', async () => {
    verifies('COL-02', 'INB-09');
    const room = await scene({ policy: 'burst', maxQueued: 1 });
    room.kit.hook('before_broadcast', (event) => (textOf(event) === 'no' ? HookResult.block('forbidden') : HookResult.allow()));
    const calls = ['0', 'no', '1'].map((content) => room.say(content));
    await room.clock.advance(60_000);
    expect((await Promise.all(calls)).map(({ blocked, turns }) => [blocked, turns.length, turns[0]?.state])).toEqual([
      [false, 1, 'committed'],
      [true, 0, undefined],
      [false, 1, 'committed'],
    ]);
    await room.kit.close();
  });
});

describe('a message that is read by the running turn', () => {
  it('gets its own turn when the turn ends without having read it', async () => {
    verifies('COL-03');
    // Without a tool the model is asked once: nothing that comes later can be read.
    const room = await scene({ policy: 'steer' }, { responder: answerAtOnce, agent: { memory: slowMemory(() => room.clock) } });
    const calls = [room.say('0')];
    await room.clock.advance(50);
    calls.push(room.say('1')); // the memory is still at work: it is read before the first call
    await room.clock.advance(60_000);
    const late = new TestAgent('late', async () => {
      await room.clock.sleep(1000);
      return 'done';
    });
    Object.assign(late, { collision: { policy: 'steer' } });
    expect(ended(await Promise.all(calls))).toEqual(['committed', 'merged']);
    expect((await room.replies()).map(textOf)).toEqual(['Heard: 0 1']);
    room.kit.registerChannel(late);
    await room.kit.attachChannel('room', 'late');
    const own = ['2', '3', '4'].map((content) =>
      room.kit.processInbound({ channelId: 'a', senderId: 'u', content, addressedTo: ['late'] }, { roomId: 'room' }),
    );
    await room.clock.advance(60_000);
    expect(ended(await Promise.all(own))).toEqual(['committed', 'committed', 'committed']);
    await room.kit.close();
  });

  it('is read in its newest words, not at all once it is deleted, and is answered either way', async () => {
    verifies('COL-03', 'EDT-04');
    const room = await scene({ policy: 'steer' });
    const calls = [room.say('0')];
    await room.clock.advance(50);
    calls.push(room.say('wrnog'), room.say('secret'));
    await room.clock.advance(50);
    const [, wrong, secret] = (await room.kit.getTimeline('room')).filter(({ type }) => type === 'message');
    await room.kit.processInbound(
      { channelId: 'a', senderId: 'u', content: { type: 'edit', targetEventId: wrong?.id ?? '', newContent: { type: 'text', body: 'wrong' } } },
      { roomId: 'room' },
    );
    await room.kit.processInbound(
      { channelId: 'a', senderId: 'u', content: { type: 'delete', targetEventId: secret?.id ?? '', deleteType: 'sender' } },
      { roomId: 'room' },
    );
    await room.clock.advance(60_000);
    expect(ended(await Promise.all(calls))).toEqual(['committed', 'merged', 'merged']);
    expect((await room.replies()).map(textOf)).toEqual(['One moment.\n\nHeard: 0 wrong']);
    await room.kit.close();
  });

  it('is not read once the agent may not read it any more', async () => {
    verifies('COL-03', 'PERM-07');
    const room = await scene({ policy: 'steer' });
    const calls = [room.say('0')];
    await room.clock.advance(50);
    calls.push(room.say('1'));
    await room.clock.advance(50);
    await room.kit.setAccess('room', 'bot', 'write_only');
    await room.clock.advance(1950);
    expect(room.provider.calls.map(({ messages }) => messages.filter(({ role }) => role === 'user').map(messageText))).not.toContainEqual(['0', '1']);
    expect(messageText(room.provider.calls[1]?.messages.findLast(({ role }) => role === 'user'))).toBe('0');
    await room.clock.advance(60_000);
    await Promise.all(calls);
    await room.kit.close();
  });

  it('brings names when another person wrote it', async () => {
    verifies('COL-03', 'AI-04');
    const room = await scene({ policy: 'steer' });
    const calls = [room.say('0', 'ada')];
    await room.clock.advance(50);
    calls.push(room.say('1', 'bob'), room.say('2', 'ada'));
    await room.clock.advance(60_000);
    await Promise.all(calls);
    const [before, after] = room.provider.calls;
    const words = (context: AIContext | undefined): string =>
      (context?.messages ?? [])
        .filter(({ role }) => role === 'user')
        .map(messageText)
        .join('\n');
    expect(words(before)).toBe('0');
    expect(words(after).replaceAll(/\w+: /g, '')).toBe('0\n1\n2');
    expect(words(after).match(/\w+: /g)).toHaveLength(3);
    expect(new Set(words(after).match(/\w+: /g)).size).toBe(2);
    expect([before?.systemPrompt ?? '', after?.systemPrompt ?? ''].map((prompt) => prompt.includes('Several people'))).toEqual([false, true]);
    expect(after?.messages.filter(({ role }) => role === 'tool')).toHaveLength(1);
    await room.kit.close();
  });
});

describe('a turn that is interrupted', () => {
  it('leaves nothing when it had said nothing, but what it has cost', async () => {
    verifies('COL-04', 'STR-05');
    const room = await scene({ policy: 'interrupt' }, { streaming: false });
    const calls = [room.say('0')];
    await room.clock.advance(100);
    calls.push(room.say('1'));
    await room.clock.advance(60_000);
    const [first, second] = await Promise.all(calls);
    expect(first?.turns[0]).toMatchObject({
      state: 'cancelled',
      reason: 'interrupted',
      replyEventIds: [],
      usage: { input_tokens: 10, output_tokens: 5 },
    });
    expect(second?.turns[0]?.state).toBe('committed');
    expect((await room.replies()).map(textOf)).toEqual(['One moment.\n\nHeard: 0 1']);
    expect((await room.turns())[0]).toMatchObject({ state: 'cancelled', endReason: 'cancelled', usage: { input_tokens: 10 } });
    await room.kit.close();
  });

  it('is waited for at most two seconds when its tool does not hear; the caller is told at once', async () => {
    verifies('COL-04');
    for (const [toolMs, waited] of [
      [60_000, 2000],
      [1100, 1000],
    ] as const) {
      for (const streaming of [true, false]) {
        const room = await scene({ policy: 'interrupt' }, { streaming, toolMs, heedsAbort: false });
        const calls = [room.say('0')];
        await room.clock.advance(100);
        calls.push(room.say('1'));
        await settle(room.clock);
        expect(ended([await calls[0]!])).toEqual(['interrupted']);
        await room.clock.advance(waited - 1);
        expect(room.provider.callCount).toBe(1);
        await room.clock.advance(1);
        expect(room.provider.callCount).toBe(2);
        expect(await room.turns()).toMatchObject([{ state: 'cancelled' }, { state: 'running' }]);
        await room.clock.advance(400_000);
        expect(ended(await Promise.all(calls))).toEqual(['interrupted', 'committed']);
        expect((await room.replies()).map(textOf).at(-1)).toContain('Heard: ');
        expect(room.clock.pendingTimers).toBe(0);
        await room.kit.close();
      }
    }
  });

  it('gives way to the newest: what waits of its kind is given up, what another agent said is not', async () => {
    verifies('COL-04', 'COL-06');
    const room = await scene({ policy: 'interrupt' }, { toolMs: 60_000, heedsAbort: false });
    const other = new TestAgent('other', (event) => (textOf(event) === '0' ? 'a thought' : undefined));
    room.kit.registerChannel(other);
    await room.kit.attachChannel('room', 'other');
    const calls = [room.say('0')];
    await room.clock.advance(100);
    for (const content of ['1', '2', '3'])
      calls.push(room.kit.processInbound({ channelId: 'a', senderId: 'u', content, addressedTo: ['bot'] }, { roomId: 'room' }));
    await room.clock.advance(300_000);
    const results = await Promise.all(calls);
    expect(results.map(({ turns }) => turns.find(({ channelId }) => channelId === 'bot')?.reason ?? 'answered')).toEqual([
      'interrupted',
      'interrupted',
      'interrupted',
      'answered',
    ]);
    const rows = (await room.turns()).filter(({ channelId }) => channelId === 'bot');
    expect(rows.map(({ state }) => state)).toEqual(['cancelled', 'committed', 'cancelled', 'cancelled', 'committed']);
    await room.kit.close();
  });

  it('is not interrupted once its answer is complete', async () => {
    verifies('COL-04');
    const agent = new TestAgent('bot', (event) => `re: ${textOf(event)}`);
    Object.assign(agent, { collision: { policy: 'interrupt' } });
    const { kit, clock } = makeKit();
    const seen: string[] = [];
    kit.on('turn_interrupted', () => void seen.push('interrupted'));
    // The reply waits at its gate when the next message comes.
    kit.hook('before_broadcast', { channelIds: ['bot'] }, async () => {
      await clock.sleep(1000);
      return HookResult.allow();
    });
    await openRoom(kit, [new TestTransport('a'), agent]);
    const say = (content: string) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId: 'room' });
    const calls = [say('0')];
    await clock.advance(100);
    calls.push(say('1'));
    await clock.advance(10_000);
    expect(ended(await Promise.all(calls))).toEqual(['committed', 'committed']);
    expect(seen).toEqual([]);
    await kit.close();
  });

  it('tells an agent of one’s own by its signal, whatever that makes of it', async () => {
    verifies('COL-04', 'TURN-02');
    const signals: OnEventOptions[] = [];
    const agent = new TestAgent('bot', async (event, _context, options) => {
      signals.push(options);
      await clock.sleep(1000, textOf(event) === 'heeds' ? options.signal : undefined);
      return `re: ${textOf(event)}`;
    });
    Object.assign(agent, { collision: { policy: 'interrupt' } });
    const { kit, clock } = makeKit();
    const errors: unknown[] = [];
    kit.hook('on_error', (payload) => void errors.push(payload));
    await openRoom(kit, [new TestTransport('a'), agent]);
    const say = (content: string) => kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId: 'room' });
    const calls: Promise<InboundResult>[] = [];
    for (const content of ['heeds', 'does not', 'last']) {
      calls.push(say(content));
      await clock.advance(200);
    }
    await clock.advance(20_000);
    expect(ended(await Promise.all(calls))).toEqual(['interrupted', 'interrupted', 'committed']);
    expect(signals.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    expect(errors).toEqual([]);
    // Words that were not streamed have been read by nobody.
    expect((await kit.getTimeline('room')).filter(({ source }) => source.channelId === 'bot' && source.channelType === 'ai').map(textOf)).toEqual([
      're: last',
    ]);
    await kit.close();
  });
});

describe('what became of a message', () => {
  it('is in its decision trace, with the policy that decided and why', async () => {
    verifies('TEL-07', 'COL-02');
    const decisions = async (collision: CollisionConfig): Promise<unknown[]> => {
      const room = await scene(collision);
      const events: unknown[] = [];
      for (const type of ['turn_merged', 'turn_interrupted'] as const)
        room.kit.on(type, ({ eventId, channelId, data }) => void events.push([type, eventId, channelId, data]));
      const calls = ['0', '1', '2'].map((content) => room.say(content));
      await room.clock.advance(60_000);
      const results = await Promise.all(calls);
      const place = (id: unknown): unknown => {
        const at = results.findIndex(({ event, turns }) => event?.id === id || (turns[0]?.turnId === id && turns[0]?.state !== 'merged'));
        return at === -1 ? id : `#${at}`;
      };
      const traces = results.map(({ event }) => room.kit.getTrace(event?.id ?? ''));
      await room.kit.close();
      // The steps of the turn are in the trace that the merged ones point to.
      for (const trace of traces) {
        for (const { answeredWith } of trace?.turnDecisions ?? [])
          if (answeredWith !== undefined) expect(room.kit.getTrace(answeredWith)?.turnSteps.length).toBeGreaterThan(0);
      }
      expect(events).toHaveLength(
        traces.flatMap((trace) => trace?.turnDecisions.filter(({ decision }) => decision === 'merged' || decision === 'interrupted') ?? []).length,
      );
      return traces.map((trace) =>
        trace?.turnDecisions.map(({ decision, policy, reason, mergedInto, answeredWith, interruptedBy, channelId, at }) => {
          expect([channelId, Number.isNaN(Date.parse(at))]).toEqual(['bot', false]);
          return [decision, policy, ...[reason, mergedInto, answeredWith, interruptedBy].filter((one) => one !== undefined).map(place)].join(' ');
        }),
      );
    };
    expect(await decisions({})).toEqual([[], ['queued queue agent_busy'], ['queued queue agent_busy']]);
    expect(await decisions({ policy: 'burst' })).toEqual([[], ['queued burst agent_busy', 'merged burst #2 #2'], ['queued burst agent_busy']]);
    expect(await decisions({ policy: 'burst', leadingDebounceMs: 100 })).toEqual([
      ['queued burst', 'merged burst #2 #2'],
      ['queued burst', 'merged burst #2 #2'],
      ['queued burst'],
    ]);
    expect(await decisions({ policy: 'steer' })).toEqual([
      [],
      ['queued steer agent_busy', 'merged steer #0 #0'],
      ['queued steer agent_busy', 'merged steer #0 #0'],
    ]);
    expect(await decisions({ policy: 'reject' })).toEqual([[], ['rejected reject agent_busy'], ['rejected reject agent_busy']]);
    expect(await decisions({ policy: 'queue', maxQueued: 0 })).toEqual([[], ['rejected queue turn_queue_full'], ['rejected queue turn_queue_full']]);
    expect(await decisions({ policy: 'interrupt' })).toEqual([
      ['interrupted interrupt #1'],
      ['queued interrupt agent_busy', 'interrupted interrupt #2'],
      ['queued interrupt agent_busy'],
    ]);
  });

  it('is told to whoever waits also when the turn that answers it fails or runs out of time; what still waits is answered', async () => {
    verifies('COL-02', 'COL-03', 'TURN-07', 'TURN-02');
    for (const policy of ['burst', 'steer', 'queue'] as const) {
      let asked = 0;
      const room = await scene(
        { policy },
        {
          agent: { loopTimeoutSeconds: 5 },
          responder: (context) => {
            asked++;
            const isSecond = asked === (policy === 'queue' ? 3 : policy === 'burst' ? 4 : 2);
            return isSecond ? new ProviderError('gone', { provider: 'mock', code: 'server_error', retryable: false }) : useToolOnce(context);
          },
        },
      );
      const calls = [room.say('0')];
      await room.clock.advance(50);
      calls.push(room.say('1'), room.say('2'));
      await room.clock.advance(60_000);
      const results = await Promise.all(calls);
      const states = results.map(({ turns, error }) => [turns[0]?.state, error?.code]);
      if (policy === 'burst')
        expect(states).toEqual([
          ['committed', undefined],
          ['merged', 'server_error'],
          ['failed', 'server_error'],
        ]);
      if (policy === 'steer')
        expect(states).toEqual([
          ['failed', 'server_error'],
          ['merged', 'server_error'],
          ['merged', 'server_error'],
        ]);
      if (policy === 'queue')
        expect(states).toEqual([
          ['committed', undefined],
          ['failed', 'server_error'],
          ['committed', undefined],
        ]);
      await room.kit.close();
    }
    // Out of time in its tool, with two that wait: they get their turns.
    for (const policy of ['burst', 'steer', 'queue'] as const) {
      const room = await scene({ policy }, { agent: { loopTimeoutSeconds: 1 }, toolMs: 2000 });
      const calls = [room.say('0')];
      await room.clock.advance(50);
      calls.push(room.say('1'), room.say('2'));
      await room.clock.advance(60_000);
      expect(
        (await Promise.all(calls)).map(({ turns }) => turns[0]?.endReason),
        policy,
      ).toEqual(['timeout', 'timeout', 'timeout']);
      expect(await room.kit.store.listTurns({ roomId: 'room', state: ['queued', 'running'] })).toEqual([]);
      await room.kit.close();
    }
  });

  it('is what a caller on a voice channel may expect: nobody talks over them', async () => {
    verifies('COL-04');
    const room = await scene(undefined);
    const call = new TestTransport('call', { channelType: 'voice' });
    room.kit.registerChannel(call);
    await room.kit.attachChannel('room', 'call');
    const speak = (content: string) => room.kit.processInbound({ channelId: 'call', senderId: 'u', content }, { roomId: 'room' });
    const calls = [room.say('0')];
    await room.clock.advance(50);
    calls.push(speak('1'));
    await room.clock.advance(50);
    calls.push(room.say('2'));
    await room.clock.advance(60_000);
    expect(ended(await Promise.all(calls))).toEqual(['interrupted', 'committed', 'committed']);
    await room.kit.close();
  });
});

describe('a client that watches', () => {
  it('sees which messages a reply answers, and which newer one has put an end to it', async () => {
    verifies('COL-02', 'COL-03', 'COL-04', 'WS-05', 'WIRE-06');
    for (const policy of ['burst', 'steer', 'interrupt'] as const) {
      const room = await scene({ policy });
      const web = new WebSocketChannel('web', { echo: true });
      room.kit.registerChannel(web);
      await room.kit.attachChannel('room', 'web');
      const frames: StreamFrame[] = [];
      web.registerConnection('client', () => undefined, { roomIds: ['room'], streamSend: (frame) => void frames.push(frame) });
      const calls = [room.say('0')];
      await room.clock.advance(50);
      calls.push(room.say('1'), room.say('2'));
      await room.clock.advance(60_000);
      const ids = (await Promise.all(calls)).map(({ event }) => event?.id);
      const ends = frames.flatMap((frame) =>
        frame.type === 'stream_end' || frame.type === 'stream_error'
          ? [
              [
                frame.type === 'stream_error' ? frame.code : 'end',
                frame.event?.parentEventId,
                frame.event?.metadata['answers'],
                frame.event?.metadata['cancelled_by'],
              ],
            ]
          : [],
      );
      const expected = {
        burst: [
          ['end', ids[0], undefined, undefined],
          ['end', ids[2], [ids[1], ids[2]], undefined],
        ],
        steer: [['end', ids[2], ids, undefined]],
        interrupt: [
          ['cancelled', ids[0], undefined, ids[1]],
          ['end', ids[2], undefined, undefined],
        ],
      };
      expect(ends, policy).toEqual(expected[policy]);
      const started = frames.filter(({ type }) => type === 'stream_start').length;
      expect(started, policy).toBe(ends.length);
      await room.kit.close();
    }
  });
});

describe('tools of a turn that answers several people', () => {
  it('are those that all of them may use, also when one came later', async () => {
    verifies('COL-03', 'COL-02', 'TL-10');
    for (const policy of ['steer', 'burst'] as const) {
      const offered: string[][] = [];
      const ran: (string | undefined)[] = [];
      const danger: AITool = {
        name: 'danger',
        description: 'For owners.',
        handler: (_arguments, { participantId }) => {
          ran.push(participantId);
          return 'done';
        },
      };
      let rounds = 0;
      const room = await scene(
        { policy },
        {
          agent: { toolPolicy: { allow: ['look_up'], roleOverrides: { owner: { allow: ['*'] } } } },
          responder: ({ tools }) => {
            offered.push(tools.map(({ name }) => name));
            const [call] = [['look_up'], ['danger'], []][rounds++ % 3] ?? [];
            return call === undefined ? 'done' : { content: '', toolCalls: [{ id: `c${rounds}`, name: call, arguments: {} }] };
          },
        },
      );
      room.agent.addTool(danger);
      for (const [id, role] of [
        ['owner', 'owner'],
        ['guest', 'member'],
      ] as const)
        await room.kit.ensureParticipant('room', 'a', id, { role });
      const alone = room.say('0', 'owner');
      await room.clock.advance(60_000);
      await alone;
      expect(
        offered.splice(0).every((names) => names.includes('danger')),
        policy,
      ).toBe(true);
      expect(ran.splice(0), policy).toEqual(['owner']);
      // In a burst both are answered by the second turn; where messages are read, the guest joins the owner's.
      const calls = policy === 'burst' ? [room.say('busy', 'owner'), room.say('1', 'owner')] : [room.say('1', 'owner')];
      await room.clock.advance(50);
      calls.push(room.say('2', 'guest'));
      await room.clock.advance(60_000);
      await Promise.all(calls);
      expect(offered.at(-1), policy).toEqual(['look_up']);
      expect(ran, policy).toEqual(policy === 'burst' ? ['owner'] : []);
      await room.kit.close();
    }
  });
});

function answerAtOnce(context: AIContext): string {
  return `${useToolOnce({ ...context, messages: [...context.messages, { role: 'tool', content: [] }] }) as string}`;
}

function slowMemory(clock: () => { sleep(ms: number): Promise<void> }) {
  return {
    name: 'slow',
    maxEvents: 50,
    retrieve: async () => {
      await clock().sleep(100);
      return { messages: [], events: [] };
    },
  };
}
