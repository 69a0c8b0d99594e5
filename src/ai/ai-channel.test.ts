import { describe, expect, it } from 'vitest';
import { aBinding, aCall, AgentHarness, anEvent, aRoom, asks } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import { NotSupportedError, ValidationError } from '../core/errors.js';
import { RoomContextView } from '../core/rooms/context.js';
import { AIChannel } from './ai-channel.js';
import { MockMemoryProvider } from './memory/mock.js';
import { MockAIProvider } from './mock-provider.js';

describe('an AI channel', () => {
  it('is an intelligence channel that receives and sends nothing by itself', () => {
    verifies('AI-01');
    const channel = new AIChannel('agent', { provider: new MockAIProvider() });
    expect(channel).toMatchObject({
      channelId: 'agent',
      channelType: 'ai',
      category: 'intelligence',
      direction: 'bidirectional',
      providerName: 'mock',
    });
    expect(channel.capabilities).toMatchObject({ mediaTypes: ['text', 'rich'], supportsRichText: true, supportsMedia: false });
    expect(new AIChannel('agent', { provider: new MockAIProvider({ vision: true }) }).capabilities.mediaTypes).toEqual(['text', 'rich', 'media']);
    expect(() => channel.handleInbound()).toThrow(NotSupportedError);
    expect(channel.deliver()).toBeUndefined();
  });

  it('does not answer itself, nor anything that is no turn of its own', async () => {
    verifies('AI-01');
    const provider = new MockAIProvider();
    const harness = new AgentHarness(new AIChannel('agent', { provider }));
    expect((await harness.ask(anEvent('me', { channelId: 'agent' }))).output).toEqual({});
    const { trigger, own, context } = harness.frame(anEvent('Hi'));
    expect(await harness.channel.onEvent(trigger, own, context, { signal: new AbortController().signal })).toBeUndefined();
    expect(provider.calls).toHaveLength(0);
  });

  it('answers with one message of its own, with model, usage and reason', async () => {
    verifies('AI-07');
    const provider = new MockAIProvider({
      script: [
        { ...asks(aCall('x')), tasks: [{ title: 'first' }] },
        { content: 'Hello.', tasks: [{ title: 'Call back' }], observations: [{ content: 'angry' }] },
      ],
    });
    const harness = new AgentHarness(new AIChannel('agent', { provider, tools: [{ name: 'x', description: '', handler: () => 1 }] }));
    const { output } = await harness.ask();
    expect(output).toEqual({
      responded: true,
      endReason: 'completed',
      usage: { input_tokens: 20, output_tokens: 10 },
      tasks: [{ title: 'first' }, { title: 'Call back' }],
      observations: [{ content: 'angry' }],
      responseEvents: [
        {
          type: 'message',
          source: { channelId: 'agent', channelType: 'ai', direction: 'outbound', provider: 'mock', rawPayload: {} },
          content: { type: 'text', body: 'Hello.' },
          metadata: { ai_usage: { input_tokens: 20, output_tokens: 10 }, model: 'mock-model', end_reason: 'completed' },
        },
      ],
    });
  });

  it('posts nothing when it has nothing to say, and keeps tasks and observations', async () => {
    verifies('AI-07');
    const harness = new AgentHarness(
      new AIChannel('agent', { provider: new MockAIProvider({ script: [{ content: ' \n', observations: [{ content: 'spam' }] }] }) }),
    );
    expect((await harness.ask()).output).toEqual({
      responded: false,
      endReason: 'empty',
      usage: { input_tokens: 10, output_tokens: 5 },
      observations: [{ content: 'spam' }],
    });
  });

  it('says that an answer was cut off by a length limit', async () => {
    const harness = new AgentHarness(
      new AIChannel('agent', { provider: new MockAIProvider({ script: [{ content: 'half', finishReason: 'length' }] }) }),
    );
    expect((await harness.ask()).output).toMatchObject({ responded: true, endReason: 'truncated' });
  });

  it('reports a failure of its model without the vendor’s words, and keeps what the rounds before it left and cost', async () => {
    verifies('TURN-07', 'TL-09', 'AI-07');
    const error = new Error('from the vendor');
    const script = [{ ...asks(aCall('x')), tasks: [{ title: 'first' }] }, error];
    const provider = new MockAIProvider({ script });
    const harness = new AgentHarness(new AIChannel('agent', { provider, tools: [{ name: 'x', description: '', handler: () => 1 }] }));
    const { output } = await harness.ask();
    expect(output).toEqual({
      responded: false,
      endReason: 'error',
      usage: { input_tokens: 10, output_tokens: 5 },
      tasks: [{ title: 'first' }],
      error: { code: 'internal', message: "The model of 'agent' failed.", channelId: 'agent' },
    });
    expect(harness.warnings).toEqual(['A turn failed.']);
    expect(harness.channel.runningTurns).toBe(0);
  });

  it('ignores what its model says after the turn was aborted', async () => {
    verifies('CON-08', 'TURN-02');
    let finish: () => void = () => undefined;
    const provider = new MockAIProvider({
      responder: () =>
        new Promise((resolve) => {
          finish = () => resolve('late');
        }),
    });
    const harness = new AgentHarness(new AIChannel('agent', { provider }));
    const abort = new AbortController();
    const asking = harness.ask('Hi', { signal: abort.signal });
    await harness.clock.advance(0);
    abort.abort(new Error('stop'));
    expect((await asking).output).toMatchObject({ responded: false, endReason: 'cancelled' });
    finish();
    await harness.clock.advance(0);
  });

  it('hands its model the room', async () => {
    const provider = new MockAIProvider();
    const room = aRoom({ id: 'room' });
    await new AgentHarness(new AIChannel('agent', { provider })).ask('Hi', { room });
    expect(provider.calls[0]?.room).toBe(room);
  });

  it('closes what it owns, once, and goes on when a part fails to close', async () => {
    const provider = new MockAIProvider();
    const memory = new MockMemoryProvider();
    provider.close = () => {
      throw new Error('stuck');
    };
    const harness = new AgentHarness(new AIChannel('agent', { provider, memory }));
    await harness.channel.close();
    expect(memory.closed).toBe(true);
    expect(harness.warnings).toEqual(['A part of an agent could not be closed.']);
    await harness.channel.close();
    expect(harness.warnings).toHaveLength(1);
    const shared = new MockAIProvider();
    await new AIChannel('agent', { provider: shared, ownsProvider: false }).close();
    expect(shared.closed).toBe(false);
  });

  it('refuses options that make no sense, with a word on how to mend them', () => {
    const provider = new MockAIProvider();
    const cases: readonly [Record<string, unknown>, RegExp][] = [
      [{ provider: undefined }, /needs a provider/],
      [{ provider, maxToolRounds: -1 }, /maxToolRounds is -1/],
      [{ provider, maxToolRounds: 1.5 }, /whole number/],
      [{ provider, loopTimeoutSeconds: 0 }, /loopTimeoutSeconds is 0/],
      [{ provider, maxToolResultChars: 10 }, /200 or more/],
      [{ provider, tools: [{ name: 'has space', description: '' }] }, /Tool name "has space"/],
      [{ provider, tools: [{ name: 'read_tool_result', description: '' }] }, /the kit's own/],
    ];
    for (const [options, message] of cases) {
      expect(() => Reflect.construct(AIChannel, ['agent', options])).toThrow(message);
      expect(() => Reflect.construct(AIChannel, ['agent', options])).toThrow(ValidationError);
    }
    expect(() => new AIChannel('human', { provider })).toThrow(ValidationError);
  });

  it('says what to do when it belongs to no kit', async () => {
    const channel = new AIChannel('agent', { provider: new MockAIProvider() });
    const event = anEvent('Hi');
    const turn = { id: 't', attempt: 1, triggerEvents: [event], startedTools: [], markToolStarted: () => undefined, trace: () => undefined };
    const asking = channel.onEvent(event, aBinding('agent'), new RoomContextView(aRoom(), [], []), { signal: new AbortController().signal, turn });
    await expect(asking).rejects.toThrow(/registerChannel/);
  });
});
