import { describe, expect, it } from 'vitest';
import { aBinding, aCall, AgentHarness, anEvent, aParticipant, aRoom, asks, resultsIn } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import type { AIContext, AITool, AIToolCall, ToolContext } from '../core/models/ai.js';
import type { AIChannelOptions } from './ai-channel-options.js';
import { AIChannel } from './ai-channel.js';
import { messageText, MockAIProvider, type ScriptedReply } from './mock-provider.js';
import { endTurn } from './tools/end-turn.js';

const find: AITool = {
  name: 'find',
  description: 'Finds an order.',
  parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'], additionalProperties: false },
  handler: ({ number }) => ({ number, status: 'shipped' }),
};

interface Setup extends Omit<AIChannelOptions, 'provider'> {
  readonly script?: readonly ScriptedReply[];
  readonly responder?: (context: AIContext) => ScriptedReply;
  readonly streaming?: boolean;
  readonly vision?: boolean;
}

function setup({ script, responder, streaming, vision, ...options }: Setup): { provider: MockAIProvider; channel: AIChannel; harness: AgentHarness } {
  const provider = new MockAIProvider({
    responses: ['done'],
    ...(script && { script }),
    ...(responder && { responder }),
    streaming: streaming ?? false,
    vision: vision ?? false,
  });
  const channel = new AIChannel('agent', { provider, tools: [find], ...options });
  return { provider, channel, harness: new AgentHarness(channel) };
}

const forever = (): ScriptedReply => asks(aCall('find', { number: ++numbers }));
let numbers = 0;

describe('the tool loop', () => {
  it('runs what the model asks for and lets it answer', async () => {
    verifies('TL-01', 'TL-05', 'AI-07');
    const call = aCall('find', { number: 7 });
    const { provider, harness } = setup({ script: [{ content: 'Let me see.', toolCalls: [call] }, 'It is on its way.'] });
    const answer = await harness.ask('Where is 7?');
    expect(provider.calls).toHaveLength(2);
    expect(provider.calls[1]?.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me see.' },
          { type: 'tool_call', id: call.id, name: 'find', arguments: { number: 7 } },
        ],
      },
      { role: 'tool', content: [{ type: 'tool_result', toolCallId: call.id, name: 'find', result: '{"number":7,"status":"shipped"}' }] },
    ]);
    expect(answer.text).toBe('Let me see.\n\nIt is on its way.');
    expect(answer.output.endReason).toBe('completed');
  });

  it('asks four times and runs three for a model that asks for ever, with three rounds allowed', async () => {
    verifies('FIG-12', 'TL-01');
    const { provider, harness } = setup({ responder: forever, maxToolRounds: 3 });
    const answer = await harness.ask();
    expect(provider.calls).toHaveLength(4);
    expect(harness.reported).toHaveLength(3);
    expect(provider.calls.map((context) => context.tools.length)).toEqual([1, 1, 1, 0]);
    expect(answer.output).toMatchObject({ responded: false, endReason: 'max_rounds' });
  });

  it('asks once and runs nothing without rounds', async () => {
    verifies('FIG-12', 'TL-01');
    const { provider, harness } = setup({ responder: forever, maxToolRounds: 0 });
    await harness.ask();
    expect(provider.calls).toHaveLength(1);
    expect(harness.reported).toHaveLength(0);
  });

  it('ends with the answer of a model whose tools nobody can run', async () => {
    verifies('TL-01');
    const { provider, harness } = setup({
      tools: [{ name: 'find', description: '' }],
      script: [{ content: 'I would look.', toolCalls: [aCall('find')] }],
    });
    expect((await harness.ask()).text).toBe('I would look.');
    expect(provider.calls).toHaveLength(1);
    expect(provider.calls[0]?.tools).toHaveLength(1);
  });

  it('runs the calls of a round side by side, or one after another, with results in the order of the calls', async () => {
    verifies('TL-02');
    for (const parallelTools of [true, false]) {
      const order: string[] = [];
      const waiting: (() => void)[] = [];
      const slow = (args: { readonly [key: string]: unknown }): Promise<unknown> => {
        order.push(`start ${String(args['number'])}`);
        return new Promise((resolve) => waiting.push(() => resolve(args['number'])));
      };
      const { provider, harness } = setup({
        parallelTools,
        tools: [{ ...find, handler: slow }],
        script: [asks(aCall('find', { number: 1 }), aCall('find', { number: 2 }))],
      });
      const asking = harness.ask();
      await harness.clock.advance(0);
      expect(order).toHaveLength(parallelTools ? 2 : 1);
      waiting.pop()?.();
      await harness.clock.advance(0);
      waiting.pop()?.();
      await asking;
      expect(resultsIn(provider.calls[1]).map(({ result }) => result)).toEqual(['1', '2']);
    }
  });

  it('answers calls beyond the limit of a round with an error', async () => {
    verifies('TL-02');
    const calls = [1, 2, 3].map((number) => aCall('find', { number }));
    const { provider, harness } = setup({ maxToolCallsPerRound: 2, script: [asks(...calls)] });
    await harness.ask();
    expect(resultsIn(provider.calls[1]).map(({ isError }) => isError)).toEqual([undefined, undefined, true]);
    expect(harness.reported).toHaveLength(2);
  });

  it('runs nothing that was not offered or does not fit its schema, and says why', async () => {
    verifies('TL-03');
    const calls = [aCall('delete_all'), aCall('find'), aCall('find', { number: 'seven' }), aCall('find', { number: 7, also: 1 })];
    const { provider, harness } = setup({ script: [asks(...calls)] });
    await harness.ask();
    expect(resultsIn(provider.calls[1]).map(({ result, isError }) => [isError, result])).toEqual([
      [true, `{"error":"There is no tool 'delete_all'. Offered: find."}`],
      [true, '{"error":"Wrong arguments: number is missing."}'],
      [true, '{"error":"Wrong arguments: number is string, not integer."}'],
      [true, '{"error":"Wrong arguments: also is unknown."}'],
    ]);
    expect(harness.used).toHaveLength(0);
    expect(harness.reported).toHaveLength(0);
  });

  it('runs nothing that before_tool_use refuses', async () => {
    verifies('TL-03');
    const { provider, harness } = setup({ script: [asks(aCall('find', { number: 7 }))] });
    harness.gate = () => ({ allowed: false, reason: 'not_on_sundays' });
    await harness.ask();
    expect(resultsIn(provider.calls[1])[0]).toMatchObject({ isError: true, result: '{"error":"Not allowed: not_on_sundays"}' });
    expect(harness.reported).toHaveLength(0);
  });

  it('runs and reports the arguments that the hook wrote, and only when they fit', async () => {
    verifies('HK-14');
    const ran: unknown[] = [];
    const tools = [{ ...find, handler: (args: unknown) => ran.push(args) }];
    const { provider, harness } = setup({ tools, script: [asks(aCall('find', { number: 7 }), aCall('find', { number: 8 }))] });
    harness.gate = (call) => ({ allowed: true, arguments: call.arguments['number'] === 7 ? { number: 70 } : { number: 'x' } });
    await harness.ask();
    expect(ran).toEqual([{ number: 70 }]);
    expect(harness.reported.map((call) => call.arguments)).toEqual([{ number: 70 }]);
    expect(resultsIn(provider.calls[1])[1]).toMatchObject({ isError: true, result: '{"error":"Wrong arguments: number is string, not integer."}' });
  });

  it('turns a throwing, a hanging and an unparsable call into results; no stack and no secret reaches the model', async () => {
    verifies('TL-04', 'RES-04', 'CON-08');
    let toolSignal: AbortSignal | undefined;
    const tools: AITool[] = [
      {
        name: 'throws',
        description: '',
        handler: () => {
          throw new Error('postgres://admin:hunter2@db failed');
        },
      },
      {
        name: 'hangs',
        description: '',
        handler: (_args, context) => {
          toolSignal = context.signal;
          return new Promise(() => undefined);
        },
      },
      { name: 'parses', description: '', handler: () => 'never' },
      {
        name: 'cycles',
        description: '',
        handler: () => {
          const loop: Record<string, unknown> = {};
          loop['self'] = loop;
          return loop;
        },
      },
    ];
    const calls: AIToolCall[] = [aCall('throws'), aCall('hangs'), aCall('parses', { raw: '{"a"' }, { invalid: true }), aCall('cycles')];
    const { provider, channel, harness } = setup({ tools, script: [asks(...calls)] });
    const asking = harness.ask();
    await harness.clock.advance(29_999);
    expect(toolSignal?.aborted).toBe(false);
    await harness.clock.advance(1);
    expect(toolSignal?.aborted).toBe(true);
    expect((await asking).text).toBe('done');
    expect(resultsIn(provider.calls[1]).map(({ result, isError }) => [isError, result])).toEqual([
      [true, '{"error":"The tool failed."}'],
      [true, '{"error":"The tool gave no result within 30 seconds."}'],
      [true, '{"error":"The arguments are no valid JSON. Call again with valid JSON."}'],
      [true, '{"error":"The tool failed."}'],
    ]);
    expect(JSON.stringify(provider.calls)).not.toContain('hunter2');
    await channel.close();
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('gives long results page by page, in pages that fit', async () => {
    verifies('TL-05');
    const whole = Array.from({ length: 300 }, (_, at) => `line ${at} \u{1F600}`).join('\n');
    let read = '';
    const { provider, harness } = setup({
      maxToolResultChars: 400,
      maxToolRounds: 50,
      tools: [{ ...find, handler: () => whole }],
      responder: (context) => {
        const result = resultsIn(context)[0]?.result;
        if (typeof result !== 'string') return asks(aCall('find', { number: 1 }));
        expect(result.length).toBeLessThanOrEqual(400);
        expect(context.tools.map(({ name }) => name)).toEqual(['find', 'read_tool_result']);
        const more = /\n\[Characters \d+-\d+ of \d+\. Go on with read_tool_result (\{.*\})\]$/.exec(result);
        read += more === null ? result : result.slice(0, more.index);
        return more?.[1] === undefined ? 'read it all' : asks(aCall('read_tool_result', JSON.parse(more[1])));
      },
    });
    expect((await harness.ask()).text).toBe('read it all');
    expect(read).toBe(whole);
    expect(provider.calls[0]?.tools.map(({ name }) => name)).toEqual(['find']);
  });

  it('offers no paging where nothing was cut, and answers a wrong page with an error', async () => {
    verifies('TL-05', 'TL-03');
    const { provider, harness } = setup({ script: [asks(aCall('read_tool_result', { id: 'r1', offset: 0 }))] });
    await harness.ask();
    expect(resultsIn(provider.calls[1])[0]).toMatchObject({ isError: true });
    expect(provider.calls[1]?.tools.map(({ name }) => name)).toEqual(['find']);
    const long = setup({
      maxToolResultChars: 200,
      tools: [{ ...find, handler: () => 'x'.repeat(500) }],
      script: [
        asks(aCall('find', { number: 1 })),
        asks(aCall('read_tool_result', { id: 'r9', offset: 0 }), aCall('read_tool_result', { id: 'r1', offset: 999 })),
      ],
    });
    await long.harness.ask();
    expect(resultsIn(long.provider.calls[2]).map(({ isError }) => isError)).toEqual([true, true]);
  });

  it('shows images of results to models that see them, in the result or right behind it', async () => {
    verifies('TL-05');
    const image = { type: 'image', url: 'https://host/a.png' } as const;
    const tools = [{ ...find, handler: () => [{ type: 'text', text: 'a map' }, image] }];
    const script = [asks(aCall('find', { number: 1 }))];
    const seeing = setup({ tools, script, vision: true });
    await seeing.harness.ask();
    expect(resultsIn(seeing.provider.calls[1])[0]?.result).toBe('a map');
    expect(seeing.provider.calls[1]?.messages.at(-1)).toEqual({ role: 'user', content: [{ type: 'text', text: 'Result of find:' }, image] });
    const blind = setup({ tools, script });
    await blind.harness.ask();
    expect(JSON.stringify(blind.provider.calls[1])).not.toContain('a.png');
    const direct = setup({ tools, script, vision: true });
    Object.assign(direct.provider, { supportsImageResults: true });
    await direct.harness.ask();
    expect(resultsIn(direct.provider.calls[1])[0]?.result).toEqual([{ type: 'text', text: 'a map' }, image]);
    expect(direct.provider.calls[1]?.messages.at(-1)?.role).toBe('tool');
  });

  it('refuses the third of equal calls and forces an answer after the fifth', async () => {
    verifies('TL-06');
    const { provider, harness } = setup({
      responder: (context) => (context.tools.length === 0 ? 'All right: it is shipped.' : asks(aCall('find', { number: 7 }))),
    });
    const answer = await harness.ask();
    expect(harness.reported).toHaveLength(2);
    expect(resultsIn(provider.calls[3])[0]).toMatchObject({ isError: true });
    expect(provider.calls).toHaveLength(6);
    expect(answer).toMatchObject({ text: 'All right: it is shipped.', output: { endReason: 'force_stopped' } });
  });

  it('asks once more when the model says nothing after its tools', async () => {
    verifies('TL-07');
    const { provider, harness } = setup({ script: [asks(aCall('find', { number: 7 })), { content: ' ' }, 'Shipped.'] });
    expect((await harness.ask()).text).toBe('Shipped.');
    expect(messageText(provider.calls[2]?.messages.at(-1))).toContain('answer the user');
    const silent = setup({ script: [asks(aCall('find', { number: 7 })), '', '', 'too late'] });
    expect((await silent.harness.ask()).output).toEqual({ responded: false, endReason: 'empty', usage: { input_tokens: 30, output_tokens: 15 } });
    expect(silent.provider.calls).toHaveLength(3);
  });

  it('does not ask again when it was cut off by a length limit, nor when no tool ran', async () => {
    verifies('TL-07');
    const cut = setup({ script: [asks(aCall('find', { number: 7 })), { content: '', finishReason: 'length' }] });
    expect((await cut.harness.ask()).output.endReason).toBe('truncated');
    expect(cut.provider.calls).toHaveLength(2);
    const mute = setup({ script: [''] });
    expect((await mute.harness.ask()).output.endReason).toBe('empty');
    expect(mute.provider.calls).toHaveLength(1);
  });

  it('ends at its time limit with what was said, and leaves no timer', async () => {
    verifies('TL-08');
    const tools = [{ ...find, handler: () => new Promise(() => undefined) }];
    const { provider, channel, harness } = setup({
      tools,
      loopTimeoutSeconds: 20,
      script: [{ content: 'One moment.', toolCalls: [aCall('find', { number: 1 })] }],
    });
    const asking = harness.ask();
    await harness.clock.advance(20_000);
    const answer = await asking;
    expect(answer.text).toBe('One moment.');
    expect(answer.output.endReason).toBe('timeout');
    expect(harness.reported).toMatchObject([{ isError: true }]);
    expect(provider.calls).toHaveLength(1);
    expect(channel.runningTurns).toBe(0);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('sums usage over all rounds, caches included', async () => {
    verifies('TL-09');
    const usage = { input_tokens: 5, output_tokens: 1, cache_read_tokens: 100 };
    const { harness } = setup({
      script: [
        { ...asks(aCall('find', { number: 7 })), usage },
        { content: 'ok', usage: { input_tokens: 7, output_tokens: 2, cache_write_tokens: 3 } },
      ],
    });
    const answer = await harness.ask();
    expect(answer.output.usage).toEqual({ input_tokens: 12, output_tokens: 3, cache_read_tokens: 100, cache_write_tokens: 3 });
    expect(answer.output.responseEvents?.[0]?.metadata).toEqual({ ai_usage: answer.output.usage, model: 'mock-model', end_reason: 'completed' });
  });

  it('offers and runs what the policy allows, for the role of who asks', async () => {
    verifies('TL-10');
    const named = (name: string): AITool => ({ name, description: '', handler: () => name });
    const tools = ['order_find', 'order_delete', 'mail_send'].map(named);
    const toolPolicy = { allow: ['order_*'], deny: ['*_delete'], roleOverrides: { owner: { allow: ['*'] } } };
    const script = [asks(aCall('order_find'), aCall('order_delete'), aCall('mail_send'))];
    const member = setup({ tools, toolPolicy, script });
    await member.harness.ask();
    expect(member.provider.calls[0]?.tools.map(({ name }) => name)).toEqual(['order_find']);
    expect(resultsIn(member.provider.calls[1]).map(({ isError }) => isError === true)).toEqual([false, true, true]);
    const owner = setup({ tools, toolPolicy, script });
    await owner.harness.ask('Hi', { participants: [aParticipant('user-1', { role: 'owner' })] });
    expect(owner.provider.calls[0]?.tools.map(({ name }) => name)).toEqual(['order_find', 'mail_send']);
  });

  it('tells a tool where it runs; two rooms at once never see each other', async () => {
    verifies('TL-11', 'CON-09');
    const contexts: ToolContext[] = [];
    const open: (() => void)[] = [];
    const tools = [
      {
        ...find,
        handler: (_args: unknown, context: ToolContext) =>
          new Promise((resolve) => {
            contexts.push(context);
            open.push(() => resolve(1));
          }),
      },
    ];
    const { harness } = setup({
      tools,
      responder: (context) => (resultsIn(context).length > 0 ? 'ok' : asks(aCall('find', { number: 7 }, { id: 'same' }))),
    });
    const first = harness.ask('a', { room: aRoom({ id: 'room-a' }), turnId: 'turn-a' });
    const second = harness.ask(anEvent('b', { participantId: 'user-2' }), { room: aRoom({ id: 'room-b' }), turnId: 'turn-b' });
    await harness.clock.advance(0);
    for (const go of open) go();
    await Promise.all([first, second]);
    expect(contexts.map(({ roomId, turnId, channelId, callId, participantId }) => [roomId, turnId, channelId, callId, participantId])).toEqual([
      ['room-a', 'turn-a', 'agent', 'same', 'user-1'],
      ['room-b', 'turn-b', 'agent', 'same', 'user-2'],
    ]);
    expect(contexts[0]?.idempotencyKey).toMatch(/^turn-a:find:[0-9a-f]{16}:0$/);
    expect(contexts[0]?.signal).not.toBe(contexts[1]?.signal);
  });

  it('F27d tool_side_effect_after_crash: names equal calls alike in a repeated turn, and never runs again what had started', async () => {
    verifies('TURN-04', 'F27d');
    const keys: string[] = [];
    const tools = [{ ...find, handler: (_args: unknown, context: ToolContext) => void keys.push(context.idempotencyKey) }];
    const options = { tools, script: [asks(aCall('find', { number: 7 }), aCall('find', { number: 8 })), asks(aCall('find', { number: 7 }))] };
    const first = setup(options);
    await first.harness.ask('Hi', { turnId: 't' });
    expect(new Set(keys).size).toBe(3);
    expect(first.harness.started).toEqual(keys);
    expect(keys[2]).toBe(keys[0]?.replace(/0$/, '1'));
    const again = setup(options);
    await again.harness.ask('Hi', { turnId: 't', startedTools: keys.slice(0, 1) });
    expect(resultsIn(again.provider.calls[1])[0]).toMatchObject({ isError: true, result: expect.stringContaining('outcome is unknown') as string });
    expect(keys.slice(3)).toEqual(keys.slice(1, 3));
  });

  it('runs an idempotent tool again and records no start', async () => {
    verifies('TURN-04');
    const { harness } = setup({ tools: [{ ...find, idempotent: true }], script: [asks(aCall('find', { number: 7 }))] });
    await harness.ask();
    expect(harness.started).toEqual([]);
  });

  it('ends with the round in which a tool ends the turn', async () => {
    verifies('HND-08');
    const tools = [
      { ...find, handler: () => endTurn('handed over') },
      { name: 'note', description: '', handler: () => 'noted' },
    ];
    const { provider, harness } = setup({
      tools,
      script: [{ content: "I'll transfer you.", toolCalls: [aCall('find', { number: 1 }), aCall('note')] }],
    });
    const answer = await harness.ask();
    expect(answer).toMatchObject({ text: "I'll transfer you.", output: { endReason: 'completed' } });
    expect(provider.calls).toHaveLength(1);
    expect(harness.reported.map(({ tool, result }) => [tool, result])).toEqual([
      ['find', 'handed over'],
      ['note', 'noted'],
    ]);
  });

  it('gives the tool its own copy of the arguments; what is reported is what was asked', async () => {
    const tools = [
      {
        ...find,
        handler: (args: Record<string, unknown>) => {
          args['number'] = 'changed';
          return 'ok';
        },
      },
    ];
    const { harness } = setup({ tools, script: [asks(aCall('find', { number: 7 }))] });
    await harness.ask();
    expect(harness.reported[0]).toMatchObject({ arguments: { number: 7 }, result: 'ok', isError: false });
  });

  it('goes on when its observers fail', async () => {
    const { channel, harness } = setup({ script: [asks(aCall('find', { number: 7 }))] });
    channel.connect({
      ...harness.services,
      toolGate: {
        before: (_room, call) => Promise.resolve({ allowed: true, arguments: call.arguments }),
        after: () => Promise.reject(new Error('observer')),
      },
    });
    expect((await harness.ask()).text).toBe('done');
    expect(harness.warnings).toContain('A tool call could not be reported.');
  });

  it('leaves a trace of every generation and tool call', async () => {
    verifies('TEL-07');
    const { harness } = setup({ script: [asks(aCall('find', { number: 7 }), aCall('find', {}))] });
    await harness.ask();
    expect(harness.steps.map(({ kind, name, code, tokens }) => [kind, name, code, tokens?.['input_tokens']])).toEqual([
      ['generation', 'mock-model', undefined, 10],
      ['tool', 'find', 'error', undefined],
      ['tool', 'find', undefined, undefined],
      ['generation', 'mock-model', undefined, 10],
    ]);
  });
});

describe('F59 wrong_tool_behaviour', () => {
  it('F59 wrong_tool_behaviour: whatever the model and its tools do, the turn ends with an answer and a reason', async () => {
    verifies('F59', 'TL-01', 'TL-03', 'TL-04', 'TL-05', 'TL-06');
    const tools: AITool[] = [
      find,
      { name: 'huge', description: '', handler: () => 'x'.repeat(1_000_000) },
      { name: 'throws', description: '', handler: () => Promise.reject(new Error('secret')) },
    ];
    const bad: readonly AIToolCall[] = [
      aCall('undeclared'),
      aCall('find', { number: 'no' }),
      aCall('find', { number: 1, extra: true }),
      aCall('huge'),
      aCall('throws'),
      aCall('find', { raw: '{' }, { invalid: true }),
      aCall('find', { number: 7 }),
    ];
    for (const streaming of [false, true]) {
      const { provider, harness } = setup({
        streaming,
        tools,
        responder: (context) => (context.tools.length === 0 ? 'Sorry, I could not find out.' : asks(...bad)),
      });
      const answer = await harness.ask();
      expect(answer.text).toBe('Sorry, I could not find out.');
      expect(answer.finish?.endReason ?? answer.output.endReason).toBe('force_stopped');
      expect(answer.error).toBeUndefined();
      for (const context of provider.calls) for (const { result } of resultsIn(context)) expect(result.length).toBeLessThanOrEqual(20_000);
    }
  });
});

describe('layers', () => {
  const binding = (metadata: Record<string, unknown>) => [aBinding('ws'), aBinding('agent', { metadata })];
  const stored = (name: string, description: string): AITool => ({ name, description });

  it('are the binding before the room before the channel', async () => {
    verifies('AI-02');
    const { provider, harness } = setup({ systemPrompt: 'channel', temperature: 0.1, maxTokens: 1 });
    await harness.ask();
    const room = aRoom({ aiConfig: { systemPrompt: 'room', temperature: 0.2, maxTokens: 2, thinkingBudget: 9 } });
    await harness.ask('Hi', { room });
    await harness.ask('Hi', { room, bindings: binding({ system_prompt: 'binding', temperature: 0, max_tokens: 3 }) });
    await harness.ask('Hi', { bindings: binding({ system_prompt: 5, temperature: 'hot' }) });
    expect(provider.calls.map(({ systemPrompt, temperature, maxTokens }) => [systemPrompt, temperature, maxTokens])).toEqual([
      ['channel', 0.1, 1],
      ['room', 0.2, 2],
      ['binding', 0, 3],
      ['channel', 0.1, 1],
    ]);
    expect(provider.calls[1]?.metadata).toEqual({ thinking_budget: 9 });
  });

  it('leave to the provider what nobody set', async () => {
    const { provider, harness } = setup({ tools: [] });
    await harness.ask();
    for (const key of ['systemPrompt', 'temperature', 'maxTokens']) expect(provider.calls[0]).not.toHaveProperty(key);
  });

  it('unite their tools by name, the higher winning; added ones come on top and cannot be redefined', async () => {
    verifies('AI-02');
    const { provider, channel, harness } = setup({ tools: [stored('a', 'channel'), stored('b', 'channel')] });
    channel.addTool(stored('handoff', 'added'));
    const room = aRoom({ aiConfig: { tools: [stored('b', 'room'), stored('c', 'room'), stored('handoff', 'forged')] } });
    await harness.ask('Hi', { room, bindings: binding({ tools: [stored('c', 'binding'), { name: 7 }, 'rubbish'] }) });
    expect(provider.calls[0]?.tools.map(({ name, description }) => `${name} ${description}`)).toEqual([
      'a channel',
      'b room',
      'c binding',
      'handoff added',
    ]);
    expect(channel.removeTool('handoff')).toBe(true);
    expect(channel.removeTool('handoff')).toBe(false);
    expect(channel.tools.map(({ name }) => name)).toEqual(['a', 'b']);
    await harness.ask();
    expect(provider.calls[1]?.tools.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('find who runs a stored definition: the handler of that name, else the kit', async () => {
    verifies('AI-02');
    const ran: string[] = [];
    const { provider, harness } = setup({
      tools: [{ name: 'own', description: '', handler: () => ran.push('own') }],
      toolHandler: (name) => (name === 'mine' ? ran.push('toolHandler') : JSON.stringify({ error: `Unknown tool: ${name}` })),
      script: [asks(aCall('own'), aCall('mine'), aCall('theirs'), aCall('nobodys'))],
      parallelTools: false,
    });
    harness.tools.set('theirs', () => ran.push('kit'));
    harness.tools.set('mine', () => ran.push('wrong'));
    await harness.ask('Hi', { room: aRoom({ aiConfig: { tools: ['own', 'mine', 'theirs', 'nobodys'].map((name) => stored(name, 'room')) } }) });
    expect(ran).toEqual(['own', 'toolHandler', 'kit']);
    expect(resultsIn(provider.calls[1])[3]).toMatchObject({ isError: true, result: '{"error":"Unknown tool: nobodys"}' });
  });

  it('keep a handler safe from a definition that would let other arguments pass', async () => {
    verifies('TL-03');
    const { provider, harness } = setup({ script: [asks(aCall('find', { number: 'x' }))] });
    await harness.ask('Hi', { room: aRoom({ aiConfig: { tools: [{ name: 'find', description: 'anything goes' }] } }) });
    expect(resultsIn(provider.calls[1])[0]).toMatchObject({ isError: true });
  });

  it('offer no tools to a model that takes none', async () => {
    const { provider, harness } = setup({});
    Object.assign(provider, { supportsTools: false });
    await harness.ask();
    expect(provider.calls[0]?.tools).toEqual([]);
  });
});
