/** Agents that stream into a room (behaviour §18.2): who may watch, how each preview ends, and what is left in the end. */
import { describe, expect, it } from 'vitest';
import {
  Agent,
  AIChannel,
  MockAIProvider,
  ProviderError,
  RoomKitError,
  WebSocketChannel,
  type AIContext,
  type AIProvider,
  type AIStreamItem,
  type ChannelOutput,
  type DeliveryStream,
  type StreamOutcome,
  type WebSocketChannelOptions,
} from '../../src/index.js';
import { gapless, makeKit, messagesOf, settle, TestAgent, TestTransport, textOf, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

const ask = { channelId: 'phone', senderId: 'u', content: 'question' };

interface Watched extends Harness {
  /** What the browsers of `web` and of `desk` saw. */
  readonly web: string[];
  readonly desk: string[];
  readonly sms: TestTransport;
}

function browser(channelId: string, options?: WebSocketChannelOptions): { channel: WebSocketChannel; frames: string[] } {
  const channel = new WebSocketChannel(channelId, options);
  const frames: string[] = [];
  void channel.registerConnection(
    `browser-${channelId}`,
    (frame) => {
      if (frame.type === 'event' && frame.event.type === 'message') frames.push(`event ${textOf(frame.event)}`);
    },
    {
      roomIds: ['room'],
      streamSend: (frame) => {
        if (frame.type === 'stream_chunk') frames.push(frame.text);
        else if (frame.type === 'stream_end') frames.push(`end ${textOf(frame.event)}`);
        else if (frame.type === 'stream_error') frames.push(`error ${frame.code}${frame.event === undefined ? '' : ` ${textOf(frame.event)}`}`);
        else frames.push('start');
      },
    },
  );
  return { channel, frames };
}

/** Two browsers on two channels, a person by SMS, one on the phone who asks, and the agent. */
async function open(agent: AIChannel | TestAgent, options: object = {}): Promise<Watched> {
  const harness = makeKit(options);
  const { kit } = harness;
  const [web, desk] = [browser('web'), browser('desk')];
  const sms = new TestTransport('sms');
  await kit.createRoom({ roomId: 'room' });
  for (const channel of [new TestTransport('phone'), web.channel, desk.channel, sms, agent]) {
    kit.registerChannel(channel);
    await kit.attachChannel('room', channel.channelId);
  }
  return { ...harness, web: web.frames, desk: desk.frames, sms };
}

const streaming = (responses = ['one two'], options: object = {}): AIChannel =>
  new AIChannel('bot', { provider: new MockAIProvider({ streaming: true, responses }), ...options });

/** A model whose pieces the test lets through one by one. */
class SlowModel implements AIProvider {
  readonly name = 'slow';
  readonly modelName = 'slow-model';
  readonly supportsVision = false;
  readonly supportsStreaming = true;
  readonly supportsTools = true;
  signal: AbortSignal | undefined;
  left = false;
  #give: ((item: AIStreamItem | Error) => void) | undefined;

  generate(): Promise<never> {
    return Promise.reject(new Error('It streams.'));
  }

  async *generateStream(_context: AIContext, options?: { signal?: AbortSignal }): AsyncGenerator<AIStreamItem, void> {
    this.signal = options?.signal;
    try {
      for (;;) {
        const item = await new Promise<AIStreamItem | Error>((resolve) => (this.#give = resolve));
        if (item instanceof Error) throw item;
        yield item;
        if (item.type === 'done') return;
      }
    } finally {
      this.left = true;
    }
  }

  async give(clock: Harness['clock'], item: string | AIStreamItem | Error): Promise<void> {
    await settle(clock);
    this.#give?.(typeof item === 'string' ? { type: 'text_delta', text: item } : item);
    await settle(clock);
  }
}

const done: AIStreamItem = { type: 'done', usage: { output_tokens: 3 } };

describe('a streamed answer is previewed', () => {
  it('to exactly those who will get it: as visible as question, agent and binding say', async () => {
    verifies('STR-01', 'PERM-05', 'PERM-07', 'BC-06', 'INV-06');
    const hidden = ['event question'];
    const shown = ['event question', 'start', 'one', 'one two', 'end one two'];
    const cases: [string, (watched: Watched) => Promise<unknown>, object, { web: string[]; desk: string[] }][] = [
      ['nothing said', () => Promise.resolve(), {}, { web: shown, desk: shown }],
      ['the question', () => Promise.resolve(), { responseVisibility: 'desk' }, { web: hidden, desk: shown }],
      ["the agent's binding", ({ kit }) => kit.setVisibility('room', 'bot', 'desk'), {}, { web: hidden, desk: shown }],
      ["the watcher's access", ({ kit }) => kit.setAccess('room', 'web', 'write_only'), {}, { web: [], desk: shown }],
      ['the watcher muted', ({ kit }) => kit.attachChannel('room', 'web', { outputMuted: true }), {}, { web: [], desk: shown }],
      ['a producer', ({ kit }) => kit.attachChannel('room', 'web', { direction: 'outbound' }), {}, { web: [], desk: shown }],
      ['an agent that may not write', ({ kit }) => kit.setAccess('room', 'bot', 'read_only'), {}, { web: hidden, desk: hidden }],
    ];
    for (const [name, arrange, message, expected] of cases) {
      const watched = await open(streaming());
      await arrange(watched);
      await watched.kit.processInbound({ ...ask, ...message }, { roomId: 'room' });
      expect({ web: watched.web, desk: watched.desk }, name).toEqual(expected);
      await watched.kit.close();
    }
  });

  it('to nobody when the chain is too long for it to be heard', async () => {
    verifies('STR-01', 'BC-04', 'INV-05');
    const watched = await open(streaming(), { maxChainDepth: 1 });
    await watched.kit.processInbound(ask, { roomId: 'room' });
    expect(watched.web).toEqual(['event question']);
    expect(messagesOf(await gapless(watched.kit, 'room')).map(({ status }) => status)).toEqual(['delivered', 'blocked']);
    await watched.kit.close();
  });

  it('only where somebody can watch: a channel without watchers in this room is not asked to', async () => {
    verifies('STR-01', 'STR-04', 'WS-06');
    const opened: string[] = [];
    const watched = await open(streaming());
    const blind = new TestTransport('blind', {
      durable: false,
      supportsStreamingDelivery: () => false,
      openStream: ({ roomId }) => {
        opened.push(roomId);
        return null;
      },
    });
    watched.kit.registerChannel(blind);
    await watched.kit.attachChannel('room', 'blind');
    await watched.kit.processInbound(ask, { roomId: 'room' });
    expect(opened).toEqual([]);
    expect(blind.texts).toEqual(['question', 'one two']);
    await watched.kit.close();
  });

  it('without the others being held up by one that fails, which gets the final event', async () => {
    verifies('STR-01', 'STR-03', 'INV-09');
    const watched = await open(streaming());
    const write: string[] = [];
    const failing: DeliveryStream = {
      write: (delta) => {
        write.push(delta);
        throw new Error('The screen broke.');
      },
      end: () => true,
      error: () => undefined,
    };
    const broken = new TestTransport('broken', { durable: false, supportsStreamingDelivery: () => true, openStream: () => failing });
    const refusing = new TestTransport('refusing', {
      durable: false,
      supportsStreamingDelivery: () => true,
      openStream: () => {
        throw new Error('No screen.');
      },
    });
    for (const channel of [broken, refusing]) {
      watched.kit.registerChannel(channel);
      await watched.kit.attachChannel('room', channel.channelId);
    }
    await watched.kit.processInbound(ask, { roomId: 'room' });
    expect(write).toEqual(['one']);
    expect([broken.texts, refusing.texts]).toEqual([
      ['question', 'one two'],
      ['question', 'one two'],
    ]);
    expect(watched.web.at(-1)).toBe('end one two');
    await watched.kit.close();
  });
});

describe('a preview ends', () => {
  it('with an error when the answer is not wanted any more', async () => {
    verifies('STR-02', 'TURN-06', 'WS-05', 'INV-05');
    for (const [code, change] of [
      ['source_muted', ({ kit }: Watched) => kit.mute('room', 'bot')],
      ['channel_detached', ({ kit }: Watched) => kit.detachChannel('room', 'bot')],
      ['room_closed', ({ kit }: Watched) => kit.closeRoom('room')],
      ['taken_over', ({ kit }: Watched) => kit.setActiveAgent('room', null)],
    ] as const) {
      const model = new SlowModel();
      const watched = await open(new AIChannel('bot', { provider: model }));
      const call = watched.kit.processInbound(ask, { roomId: 'room' });
      await model.give(watched.clock, 'half');
      await change(watched);
      await model.give(watched.clock, ' done');
      await model.give(watched.clock, done);
      expect((await call).turns, code).toMatchObject([{ state: 'cancelled', reason: code }]);
      expect(watched.web).toEqual(['event question', 'start', 'half', 'half done', `error ${code}`]);
      expect(watched.sms.texts).toEqual(['question']);
      await watched.kit.close();
    }
  });

  it('for a watcher that was shown out in between, too', async () => {
    verifies('WS-05', 'STR-03', 'PERM-01');
    const model = new SlowModel();
    const watched = await open(new AIChannel('bot', { provider: model }));
    const call = watched.kit.processInbound(ask, { roomId: 'room' });
    await model.give(watched.clock, 'half');
    await watched.kit.setAccess('room', 'web', 'none');
    await model.give(watched.clock, ' done');
    await model.give(watched.clock, done);
    await call;
    expect(watched.web.filter((frame) => frame.startsWith('end'))).toEqual([]);
    expect(watched.web.at(-1)).toBe('error channel_detached');
    expect(watched.desk.at(-1)).toBe('end half done');
    await watched.kit.close();
  });

  it('with what was said when the turn is cancelled: committed once, marked, and no failure', async () => {
    verifies('STR-05', 'STE-03', 'STR-07');
    for (const how of ['steered', 'closing'] as const) {
      const model = new SlowModel();
      const agent = new AIChannel('bot', { provider: model });
      const watched = await open(agent);
      const { kit, clock, web, sms } = watched;
      const errors: unknown[] = [];
      kit.hook('on_error', ({ code }) => void errors.push(code));
      const call = kit.processInbound(ask, { roomId: 'room' });
      await model.give(clock, 'so far');
      let closing: Promise<void> | undefined;
      if (how === 'steered') agent.steer({ type: 'cancel', reason: 'enough' }, { roomId: 'room' });
      else closing = kit.close();
      await clock.advance(15_000);
      const result = await call;
      expect(result.turns, how).toMatchObject([{ state: 'cancelled', endReason: 'cancelled' }]);
      expect(result.turns[0]?.replyEventIds).toHaveLength(1);
      expect(result.error).toBeUndefined();
      expect(errors).toEqual([]);
      expect(model.signal?.aborted).toBe(true);
      expect(web.slice(1)).toEqual(['start', 'so far', 'error cancelled so far']);
      expect(sms.texts).toEqual(['question', 'so far']);
      if (closing === undefined) {
        const [, reply] = messagesOf(await gapless(kit, 'room'));
        expect(reply).toMatchObject({ content: { body: 'so far' }, metadata: { cancelled: true, end_reason: 'cancelled' } });
        expect(reply?.metadata['partial']).toBeUndefined();
        await kit.close();
      } else await closing;
    }
  });
});

describe('a turn whose time is up', () => {
  it('in the middle of a tool ends at once: the tool is told, and the next message is answered', async () => {
    verifies('TURN-02', 'TURN-07', 'STR-05', 'CON-08');
    for (const isStreaming of [false, true]) {
      const signals: AbortSignal[] = [];
      const hang = (_args: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
        signals.push(signal);
        return new Promise(() => undefined);
      };
      const wait = { name: 'wait', description: '', handler: hang };
      const script = [{ content: 'One moment.', toolCalls: [{ id: '1', name: 'wait', arguments: {} }] }];
      const agent = new AIChannel('bot', {
        provider: new MockAIProvider({ streaming: isStreaming, script, responses: ['Here I am.'] }),
        tools: [wait],
        toolTimeoutSeconds: 600,
        loopTimeoutSeconds: 600,
      });
      const { kit, clock, sms } = await open(agent, { turnTimeoutSeconds: 5 });
      const calls = [ask, ask].map((message) => kit.processInbound(message, { roomId: 'room' }));
      await clock.advance(5000);
      const [first, second] = await Promise.all(calls);
      expect(first?.turns).toMatchObject([{ state: 'failed', endReason: 'timeout', error: { code: 'timeout' } }]);
      expect(second?.turns).toMatchObject([{ state: 'committed' }]);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
      // What was streamed has been read; what was not has been seen by nobody.
      expect(sms.texts).toEqual(['question', 'question', ...(isStreaming ? ['One moment.'] : []), 'Here I am.']);
      await kit.close();
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('is taken up again by the next start when closing cut it off before its first word, streamed or not', async () => {
    verifies('TURN-03', 'KIT-05');
    const model = new SlowModel();
    const watched = await open(new AIChannel('bot', { provider: model }));
    const call = watched.kit.processInbound(ask, { roomId: 'room' });
    await settle(watched.clock);
    const turn = (await watched.kit.store.listTurns({ state: 'running' }))[0];
    const closing = watched.kit.close();
    await watched.clock.advance(15_000);
    await closing;
    expect((await call).turns).toMatchObject([{ turnId: turn?.id, state: 'queued', reason: 'kit_closed' }]);
    expect(await watched.kit.store.getTurn(turn?.id ?? '')).toMatchObject({ state: 'queued', attempts: 1 });
    expect(watched.web).toEqual(['event question']);
  });
});

describe('a stream that fails', () => {
  it('at the store alone waits for it: what was said is committed once, and its preview ends with it', async () => {
    verifies('TURN-03', 'STR-03', 'INV-08');
    const watched = await open(streaming());
    const { kit, clock } = watched;
    const commitEvent = kit.store.commitEvent.bind(kit.store);
    let refused = 0;
    kit.store.commitEvent = (commit) => {
      if (commit.event.source.channelId !== 'bot' || refused === 3) return commitEvent(commit);
      refused++;
      return Promise.reject(new RoomKitError('store_unavailable', 'The connection was lost.', { retryable: true }));
    };
    const call = kit.processInbound(ask, { roomId: 'room' });
    await clock.advance(60_000);
    expect((await call).turns).toMatchObject([{ state: 'committed', endReason: 'completed' }]);
    expect(refused).toBe(3);
    expect(messagesOf(await kit.getTimeline('room')).map(textOf)).toEqual(['question', 'one two']);
    expect(watched.web).toEqual(['event question', 'start', 'one', 'one two', 'end one two']);
    expect(watched.sms.texts).toEqual(['question', 'one two']);
    await kit.close();
  });

  it('tells the log why, and the result only that; tools and tokens of the rounds before it count', async () => {
    verifies('STR-05', 'STR-08', 'TL-09', 'TURN-07');
    const logged: unknown[] = [];
    const note = { name: 'note', description: '', handler: () => 'noted' };
    const broken = new ProviderError('Account acct_1 has no credit', { provider: 'mock', code: 'quota' });
    const script = [{ content: '', toolCalls: [{ id: '1', name: 'note', arguments: {} }] }, broken];
    for (const isStreaming of [true, false]) {
      const agent = new AIChannel('bot', { provider: new MockAIProvider({ streaming: isStreaming, script }), tools: [note] });
      const logger = {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: (message: string, fields?: object) => void logged.push([message, fields]),
      };
      const watched = await open(agent, { logger });
      const result = await watched.kit.processInbound(ask, { roomId: 'room' });
      expect(result.turns).toMatchObject([
        { state: 'failed', endReason: 'error', usage: { input_tokens: 10, output_tokens: 5 }, error: { code: 'quota' } },
      ]);
      expect(await watched.kit.store.getTurn(result.turns[0]?.turnId ?? '')).toMatchObject({ state: 'failed', usage: { input_tokens: 10 } });
      expect(JSON.stringify(result)).not.toContain('acct_1');
      expect(logged.splice(0)).toMatchObject([['A turn failed.', { channelId: 'bot', roomId: 'room', code: 'quota', error: broken }]]);
      await watched.kit.close();
    }
  });

  it('is left: its iterator is told to return, at most once, whatever it answers', async () => {
    verifies('STR-07', 'TURN-02');
    for (const answer of [() => Promise.resolve({ done: true, value: undefined }), () => Promise.reject(new Error('no')), () => undefined]) {
      let returned = 0;
      const deltas = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<never>(() => undefined),
          return: () => {
            returned++;
            return answer() as never;
          },
        }),
      };
      const finish = (): StreamOutcome => ({ endReason: 'timeout', usage: {} });
      const agent: TestAgent = new TestAgent('bot', (): ChannelOutput => ({
        responded: true,
        responseStream: { deltas, finish, placeholder: { source: agent.source, content: { type: 'text', body: '' } } },
      }));
      const watched = await open(agent, { turnTimeoutSeconds: 5 });
      const call = watched.kit.processInbound(ask, { roomId: 'room' });
      await watched.clock.advance(5000);
      expect((await call).turns).toMatchObject([{ state: 'failed', endReason: 'timeout' }]);
      expect(returned).toBe(1);
      await watched.kit.close();
    }
  });

  it('may be pushed by its maker; what it still says when the turn is over is not heard', async () => {
    verifies('STR-02', 'TURN-02', 'CON-08');
    let write = (_delta: string): void => undefined;
    let cut: Error | undefined;
    const agent: TestAgent = new TestAgent('bot', (_event, _context, options): ChannelOutput => {
      options.onAbort?.((reason) => (cut = reason));
      return {
        responded: true,
        responseStream: {
          pipe: (given) => {
            write = given;
            given('Half ');
            return new Promise(() => undefined);
          },
          deltas: (async function* () {
            yield await Promise.resolve('not asked for');
          })(),
          finish: () => ({ endReason: 'timeout', usage: {} }),
          placeholder: { source: agent.source, content: { type: 'text', body: '' } },
        },
      };
    });
    const { kit, clock } = await open(agent, { turnTimeoutSeconds: 5 });
    const call = kit.processInbound(ask, { roomId: 'room' });
    await clock.advance(0);
    write('an answer');
    await clock.advance(5000);
    write(' that comes too late');
    expect((await call).turns).toMatchObject([{ state: 'failed', endReason: 'timeout' }]);
    expect(cut?.message).toContain('longer than 5 s');
    const [reply] = await kit.getTimeline('room', { newestFirst: true, limit: 1 });
    expect(reply).toMatchObject({ content: { body: 'Half an answer' }, metadata: { partial: true } });
    await kit.close();
  });

  it('keeps the tasks and observations that came with it', async () => {
    verifies('AI-07', 'PERM-03');
    const effects = { tasks: [{ title: 'call back' }], observations: [{ content: 'angry' }], metadataUpdates: { topic: 'bill' } };
    const agent: TestAgent = new TestAgent('bot', (): ChannelOutput => ({
      responded: true,
      responseStream: {
        deltas: (async function* () {
          yield await Promise.resolve('words');
        })(),
        finish: () => ({ endReason: 'completed', usage: {}, ...effects }),
        placeholder: { source: agent.source, content: { type: 'text', body: '' } },
      },
    }));
    const { kit } = await open(agent);
    await kit.processInbound(ask, { roomId: 'room' });
    expect(await kit.listTasks('room')).toMatchObject([{ title: 'call back' }]);
    expect(await kit.listObservations('room')).toMatchObject([{ content: 'angry', channelId: 'bot' }]);
    expect((await kit.getRoom('room')).metadata).toMatchObject({ topic: 'bill' });
    await kit.close();
  });
});

describe('a streamed answer with tools', () => {
  it('shows the words before a tool as they come, and commits all of them as one message', async () => {
    verifies('STR-06', 'STR-02');
    const script = [{ content: 'Let me see.', toolCalls: [{ id: '1', name: 'note', arguments: {} }] }, 'Found it.'];
    const agent = new AIChannel('bot', {
      provider: new MockAIProvider({ streaming: true, script, chunkSize: 100 }),
      tools: [{ name: 'note', description: '', handler: () => 'noted' }],
    });
    const watched = await open(agent);
    await watched.kit.processInbound(ask, { roomId: 'room' });
    expect(watched.web.slice(1)).toEqual(['start', 'Let me see.', 'Let me see.\n\nFound it.', 'end Let me see.\n\nFound it.']);
    expect(watched.sms.texts).toEqual(['question', 'Let me see.\n\nFound it.']);
    await watched.kit.close();
  });
});

describe('agents in a room', () => {
  it('give their tools the kit they belong to, and the room they are asked in', async () => {
    verifies('TL-11', 'CON-09');
    const seen: unknown[] = [];
    const look = {
      name: 'look',
      description: '',
      handler: async (_args: unknown, { kit, roomId }: { kit?: Harness['kit']; roomId: string }) => {
        seen.push(kit === harness.kit, (await kit?.getTimeline(roomId))?.filter(({ type }) => type === 'message').map(textOf));
        await kit?.createTask(roomId, { title: 'from a tool' });
        return 'looked';
      },
    };
    const script = [{ content: '', toolCalls: [{ id: '1', name: 'look', arguments: {} }] }, 'done'];
    const harness: Watched = await open(new AIChannel('bot', { provider: new MockAIProvider({ script }), tools: [look] }));
    await harness.kit.processInbound(ask, { roomId: 'room' });
    expect(seen).toEqual([true, ['question']]);
    expect(await harness.kit.listTasks('room')).toMatchObject([{ title: 'from a tool' }]);
    await harness.kit.close();
  });

  it('that are configuration for speech alone are never asked', async () => {
    verifies('AGT-03', 'BC-03');
    const watched = await open(streaming());
    watched.kit.registerChannel(new Agent('voice-only', { role: 'Speaker' }));
    await watched.kit.attachChannel('room', 'voice-only');
    for (const addressedTo of [undefined, ['voice-only', 'bot']]) {
      const { turns } = await watched.kit.processInbound({ ...ask, ...(addressedTo && { addressedTo }) }, { roomId: 'room' });
      expect(turns.map(({ channelId }) => channelId)).toEqual(['bot']);
    }
    await watched.kit.close();
  });
});
