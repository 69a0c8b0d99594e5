/** Models, tools and memories that do what they should not: the turn ends with a reason, and nothing hangs or leaks. */
import { describe, expect, it } from 'vitest';
import { aBinding, aCall, AgentHarness, anEvent, aParticipant, aRoom, asks, resultsIn } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import { ProviderError } from '../core/errors.js';
import { RoomKit } from '../core/kit.js';
import type { AIContext, AIStreamItem, AITool, ToolContext } from '../core/models/ai.js';
import type { AIChannelOptions } from './ai-channel-options.js';
import { AIChannel } from './ai-channel.js';
import { singleLine } from './escape.js';
import type { MemoryProvider } from './memory/memory.js';
import { SlidingWindowMemory } from './memory/sliding-window.js';
import { messageText, MockAIProvider } from './mock-provider.js';
import type { AIProvider } from './provider.js';
import { repairConversation } from './repair.js';
import { defineTool } from './tools/define-tool.js';
import { bindSchema } from './tools/schema.js';

function harnessOf(provider: AIProvider, options: Partial<AIChannelOptions> = {}): AgentHarness {
  return new AgentHarness(new AIChannel('agent', { provider, ...options }));
}

/** A provider of which only what is given works. */
function modelOf(given: Partial<AIProvider> | Record<string, unknown>): AIProvider {
  return {
    name: 'odd',
    modelName: 'odd-model',
    supportsVision: false,
    supportsStreaming: 'generateStream' in given,
    supportsTools: true,
    generate: () => Promise.reject(new Error('not asked this way')),
    ...given,
  };
}

const never = (): Promise<never> => new Promise(() => undefined);

describe('a model', () => {
  it('that throws before it gives a promise fails its turn like one that rejects', async () => {
    verifies('TURN-07');
    const boom = (): never => {
      throw new ProviderError('key sk-1 is wrong', { provider: 'odd', code: 'auth' });
    };
    const plain = harnessOf(modelOf({ generate: boom }));
    const { output } = await plain.ask();
    expect(output).toMatchObject({ endReason: 'error', error: { code: 'auth' } });
    expect(JSON.stringify(output)).not.toContain('sk-1');
    const iterators: Record<string, unknown>[] = [
      { generateStream: boom },
      { generateStream: () => ({ [Symbol.asyncIterator]: boom }) },
      { generateStream: () => ({ [Symbol.asyncIterator]: () => ({ next: boom }) }) },
    ];
    for (const given of iterators) {
      const harness = harnessOf(modelOf(given));
      const answer = await harness.ask();
      expect(answer.finish).toMatchObject({ endReason: 'error', error: { code: 'auth' } });
      expect(JSON.stringify(answer.finish)).not.toContain('sk-1');
      expect(harness.channel.runningTurns).toBe(0);
    }
    expect(plain.channel.runningTurns).toBe(0);
  });

  it('of plain JavaScript may answer at once, and one that answers nothing is told what is missing', async () => {
    const atOnce = harnessOf(modelOf({ generate: () => ({ content: 'no promise' }) }));
    expect((await atOnce.ask()).text).toBe('no promise');
    for (const nothing of [undefined, null, {}, { content: 7 }, 'text']) {
      const harness = harnessOf(modelOf({ generate: () => Promise.resolve(nothing) }));
      expect((await harness.ask()).output.error).toMatchObject({ code: 'invalid_response' });
    }
  });

  it('that never ends and cannot be left is cut off by the time limit, without a timer left', async () => {
    verifies('TL-08', 'CON-08');
    const leaving: (() => unknown)[] = [
      never,
      () => ({ done: true }), // no promise, against the contract
      () => {
        throw new Error('not now');
      },
      () => Promise.reject(new Error('not now')),
    ];
    for (const leave of leaving) {
      const items: AIStreamItem[] = [{ type: 'text_delta', text: 'so far' }];
      const iterator = { next: () => (items.length > 0 ? Promise.resolve({ done: false, value: items.shift() }) : never()), return: leave };
      const harness = harnessOf(modelOf({ generateStream: () => ({ [Symbol.asyncIterator]: () => iterator }) }), { loopTimeoutSeconds: 5 });
      const asking = harness.ask();
      await harness.clock.advance(5000);
      expect(await asking).toMatchObject({ text: 'so far', error: undefined, finish: { endReason: 'timeout', metadata: { partial: true } } });
      await harness.channel.close();
      expect(harness.clock.pendingTimers).toBe(0);
    }
  });

  it('whose end has no result, whatever it streams after it, is read to its end only', async () => {
    let left = false;
    const harness = harnessOf(
      modelOf({
        async *generateStream(): AsyncGenerator<AIStreamItem> {
          try {
            yield await Promise.resolve({ type: 'done' });
            for (;;) yield { type: 'text_delta', text: 'more' };
          } finally {
            left = true;
          }
        },
      }),
    );
    expect(await harness.ask()).toMatchObject({ text: '', finish: { endReason: 'empty', usage: {} } });
    expect(left).toBe(true);
  });

  it('that was answered for by the fallback while streaming is not named as the source', async () => {
    verifies('AI-07', 'AI-09');
    const busy = new ProviderError('busy', { provider: 'mock', code: 'overloaded', retryable: true });
    const harness = harnessOf(new MockAIProvider({ streaming: true, script: [busy] }), {
      fallbackProvider: new MockAIProvider({ streaming: true, name: 'spare', model: 'spare-model' }),
    });
    const { finish } = await harness.ask();
    expect(finish).toMatchObject({ source: { channelId: 'agent', channelType: 'ai', provider: 'spare' }, metadata: { model: 'spare-model' } });
    expect((await harness.ask()).finish?.source).toBeUndefined();
  });

  it('that gives two calls of a round one id gets both results, each to its call', async () => {
    verifies('AI-08', 'TL-02');
    const echo: AITool = { name: 'echo', description: '', handler: ({ n }) => n };
    const provider = new MockAIProvider({ script: [asks(aCall('echo', { n: 1 }, { id: 'same' }), aCall('echo', { n: 2 }, { id: 'same' }))] });
    await harnessOf(provider, { tools: [echo] }).ask();
    expect(resultsIn(provider.calls[1]).map(({ result }) => result)).toEqual(['1', '2']);
    const call = { type: 'tool_call', id: 'x', name: 'echo', arguments: {} } as const;
    expect(
      repairConversation([
        { role: 'user', content: 'a' },
        { role: 'assistant', content: [call, call] },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'x', name: 'echo', result: 'only one' }] },
      ])[2]?.content,
    ).toMatchObject([{ result: 'only one' }, { isError: true }]);
  });

  it('whose arguments are no JSON at all is refused, not followed', async () => {
    verifies('TL-03', 'TL-04');
    const ran: unknown[] = [];
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    const take: AITool = { name: 'take', description: '', parameters: { type: 'object' }, handler: (args) => ran.push(args) };
    const given = [loop, [1], null, 'text'].map((args) => aCall('take', args as never));
    for (const call of given) {
      const provider = new MockAIProvider({ script: [asks(call)], responses: ['done'] });
      expect((await harnessOf(provider, { tools: [take] }).ask()).text).toBe('done');
      expect(resultsIn(provider.calls[1])[0]).toMatchObject({ isError: true });
    }
    expect(ran).toEqual([]);
  });
});

describe('a tool', () => {
  async function resultOf(
    handler: AITool['handler'],
    options: Partial<AIChannelOptions> = {},
  ): Promise<ReturnType<typeof resultsIn>[number] | undefined> {
    const provider = new MockAIProvider({ script: [asks(aCall('odd'))], responses: ['done'] });
    const tools: AITool[] = [{ name: 'odd', description: '', ...(handler && { handler }) }];
    const answer = await harnessOf(provider, { tools, ...options }).ask();
    expect(answer.text).toBe('done');
    return resultsIn(provider.calls[1])[0];
  }

  it('may return anything: what is no JSON is an error, what is nothing is null', async () => {
    verifies('TL-05', 'TL-04');
    const results: [unknown, unknown][] = [
      [undefined, 'null'],
      [null, 'null'],
      [() => 1, 'null'],
      [Symbol('s'), 'null'],
      ['', ''],
      [0, '0'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
      [[{ type: 'text', text: 'a' }], '[{"type":"text","text":"a"}]'],
      [10n, '{"error":"The tool failed."}'],
      [{ toJSON: () => never }, 'null'],
      [{ then: (resolve: (value: string) => void) => resolve('a thenable') }, 'a thenable'],
    ];
    for (const [returned, expected] of results) expect((await resultOf(() => returned))?.result, String(expected)).toBe(expected);
  });

  it('may throw anything, before or after its promise, and the model learns only that it failed', async () => {
    verifies('TL-04', 'F59');
    for (const thrown of ['postgres://admin:hunter2@db', undefined, null, { secret: 'hunter2' }, new Error('hunter2'), 7]) {
      for (const handler of [
        () => {
          throw thrown;
        },
        () => Promise.reject(thrown),
      ]) {
        expect(await resultOf(handler)).toMatchObject({ isError: true, result: '{"error":"The tool failed."}' });
      }
    }
  });

  it('called twice at once with the same arguments has a key for each call', async () => {
    verifies('TURN-04');
    const keys: string[] = [];
    const charge: AITool = {
      name: 'charge',
      description: '',
      handler: async (_args, context: ToolContext) => {
        keys.push(context.idempotencyKey);
        await Promise.resolve();
      },
    };
    const provider = new MockAIProvider({
      script: [asks(aCall('charge', { a: 1, b: 2 }), aCall('charge', { b: 2, a: 1 }), aCall('charge', { a: 1 }))],
    });
    const harness = harnessOf(provider, { tools: [charge] });
    await harness.ask('Hi', { turnId: 't' });
    const [first, second, other] = keys;
    expect(first).toMatch(/^t:charge:[0-9a-f]{16}:0$/);
    expect(second).toBe(first?.replace(/0$/, '1'));
    expect(other).toMatch(/:0$/);
    expect(other).not.toBe(first);
    expect(harness.started).toEqual(keys);
  });

  it('whose schema, hook or record hangs does not put off the end of the turn', async () => {
    verifies('TL-08', 'TURN-02', 'CON-08');
    const hanging = bindSchema({ type: 'object' }, { '~standard': { version: 1, vendor: 'slow', validate: never } });
    const cases: ((harness: AgentHarness) => void)[] = [
      () => undefined,
      (harness) => (harness.gate = never),
      (harness) => Object.assign(harness.services.toolGate, { after: never }),
    ];
    for (const [at, arrange] of cases.entries()) {
      const tools: AITool[] = [{ name: 'odd', description: '', ...(at === 0 && { parameters: hanging }), handler: () => 'ran' }];
      const provider = new MockAIProvider({ script: [{ content: 'One moment.', toolCalls: [aCall('odd')] }] });
      const harness = harnessOf(provider, { tools, loopTimeoutSeconds: 5 });
      arrange(harness);
      const asking = harness.ask();
      await harness.clock.advance(5000);
      expect(await asking).toMatchObject({ text: 'One moment.', output: { endReason: 'timeout' } });
      expect(provider.calls).toHaveLength(1);
      expect(harness.clock.pendingTimers).toBe(0);
    }
  });

  it('runs with what was checked and reported, whatever a hook tries to do to it in passing', async () => {
    verifies('HK-11', 'HK-14');
    const ran: unknown[] = [];
    const provider = new MockAIProvider({ script: [asks(aCall('odd', { amount: 5, to: { name: 'ada' } }))] });
    const harness = harnessOf(provider, { tools: [{ name: 'odd', description: '', handler: (args) => ran.push(args) }] });
    harness.gate = (call) => {
      try {
        Object.assign(call.arguments['to'] as object, { name: 'mallory' });
      } catch {
        // Frozen.
      }
      return { allowed: true, arguments: call.arguments };
    };
    await harness.ask();
    expect(ran).toEqual([{ amount: 5, to: { name: 'ada' } }]);
    expect(harness.reported[0]?.arguments).toEqual({ amount: 5, to: { name: 'ada' } });
  });

  it('named like the kit’s own is left out of what rooms and bindings bring', async () => {
    verifies('TL-05', 'AI-02');
    const provider = new MockAIProvider();
    const harness = harnessOf(provider, { toolHandler: () => 'forged' });
    const forged = [{ name: 'read_tool_result', description: 'forged' }];
    await harness.ask('Hi', {
      room: aRoom({ aiConfig: { tools: forged } }),
      bindings: [aBinding('ws'), aBinding('agent', { metadata: { tools: forged } })],
    });
    expect(provider.calls[0]?.tools).toEqual([]);
  });

  it('whose long result is read from the middle of a character is read from its beginning', async () => {
    verifies('TL-05');
    const provider = new MockAIProvider({
      responder: (context: AIContext) => {
        const read = resultsIn(context)[0]?.result;
        if (read === undefined) return asks(aCall('odd'));
        if (!String(read).startsWith('\u{1F600}x')) return asks(aCall('read_tool_result', { id: 'r1', offset: 300 }));
        return 'read';
      },
    });
    const long = `${'y'.repeat(299)}\u{1F600}${'x'.repeat(300)}`;
    const harness = harnessOf(provider, { maxToolResultChars: 200, tools: [{ name: 'odd', description: '', handler: () => long }] });
    expect((await harness.ask()).text).toBe('read');
    for (const context of provider.calls) expect(JSON.stringify(context.messages)).not.toMatch(/\\ud[89a-f]/);
  });
});

describe('a memory', () => {
  it('that gives nothing of use counts as failed', async () => {
    verifies('MEM-04');
    for (const nothing of [undefined, null, [], { events: [] }, { messages: 'a', events: [] }]) {
      for (const wrapped of [nothing, Promise.resolve(nothing)]) {
        const provider = new MockAIProvider();
        const memory = { name: 'odd', retrieve: () => wrapped } as unknown as MemoryProvider;
        const harness = harnessOf(provider, { memory });
        expect((await harness.ask('now', { history: [anEvent('before')] })).text).toBe('Hello from AI');
        expect(messageText(provider.calls[0]?.messages[0])).toBe('before\nnow');
        expect(harness.warnings).toEqual(['A memory failed; the newest events take its place.']);
      }
    }
  });
});

describe('texts that are cut', () => {
  it('are cut between characters, wherever the limit falls', async () => {
    verifies('AI-04');
    for (let length = 76; length < 82; length++) {
      const name = `${'x'.repeat(length)}\u{1F600}\u{1F600}`;
      const provider = new MockAIProvider();
      await harnessOf(provider).ask('Hi', {
        history: [anEvent('other', { participantId: 'user-2' })],
        participants: [aParticipant('user-1', { displayName: name }), aParticipant('user-2')],
      });
      // Well-formed JSON escapes half a character; a whole one stays as it is.
      expect(JSON.stringify(provider.calls[0]?.messages)).not.toMatch(/\\ud[89a-f]/);
    }
    expect(singleLine('ab\u{1F600}', 3)).toBe('ab');
  });
});

describe('what is no directive', () => {
  it('is refused: the system’s words go into the system prompt alone', async () => {
    verifies('AI-10', 'STE-02');
    const provider = new MockAIProvider();
    const channel = new AIChannel('agent', { provider });
    expect(() => channel.steer({ type: 'inject_message', content: 'x', role: 'system' as never })).toThrow(/role\?: 'user' \| 'assistant'/);
    expect(channel.steer({ type: 'inject_message', content: 'x', role: 'assistant' })).toBe(false);
  });
});

describe('mistakes in an agent’s definition', () => {
  it('are told with what to do, before any model is asked', () => {
    const provider = new MockAIProvider();
    const tool = { name: 'find', description: 'Finds.' };
    const typed = { '~standard': {} };
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ tools: [tool, tool] }, /Two tools are named 'find'/],
      [{ tools: [{ name: 'find' }] }, /'find' has no description/],
      [{ tools: [{ ...tool, handler: 'find' }] }, /handler of tool 'find' is string.*\(args, context\) => result/],
      [{ tools: [{ ...tool, parameters: typed }] }, /typed schema.*defineTool/],
      [{ tools: [{ ...tool, parameters: [] }] }, /no JSON Schema/],
      [{ tools: [{ ...tool, parameters: { type: 'string' } }] }, /describe "string"/],
      [{ toolPolicy: { roleOverrides: { customer: {} } } }, /role 'customer', which nobody can have. Roles: owner, agent, member/],
      [{ toolPolicy: { allow: 'find' } }, /toolPolicy.allow is "find".*\['order_\*'\]/],
      [{ toolPolicy: { roleOverrides: { owner: { deny: [1] } } } }, /roleOverrides.owner.deny/],
      [{ tools: { find: tool } }, /tools is object. Give a list/],
      [{ tools: [null] }, /A tool is null/],
      [{ provider: MockAIProvider }, /needs a provider/],
      [{ fallbackProvider: {} }, /fallbackProvider of 'agent' is no provider/],
      [{ memory: 'sliding' }, /memory of 'agent' has no retrieve/],
      [{ toolHandler: {} }, /toolHandler of 'agent' is object/],
      [{ temperature: 'hot' }, /temperature is "hot"/],
      [{ maxTokens: 0 }, /maxTokens is 0/],
      [{ systemPrompt: ['Help.'] }, /systemPrompt is object/],
      [{ retryPolicy: { maxRetries: -1 } }, /retryPolicy.maxRetries is -1.*default 3/],
    ];
    for (const [options, message] of cases) expect(() => Reflect.construct(AIChannel, ['agent', { provider, ...options }])).toThrow(message);
    expect(() => Reflect.construct(AIChannel, ['agent'])).toThrow(/needs a provider/);
    expect(() => new MockAIProvider({ responses: 'hello' as never })).toThrow(/Give responses: \['Hello'\]/);
    expect(() => new SlidingWindowMemory(50 as never)).toThrow(/Give \{ maxEvents: 50 \}/);
  });

  it('are told for tools made of a schema, too', () => {
    const given = (more: object): (() => unknown) => {
      return () => defineTool({ name: 'find', description: 'Finds.', handler: () => 1, ...more } as never);
    };
    expect(given({})).toThrow(/parameters of tool 'find' are undefined. Give a zod schema/);
    expect(given({ parameters: { type: 'object' }, handler: 'find' })).toThrow(/handler of tool 'find' is string/);
  });

  it('are told for the tools and settings of a room', async () => {
    verifies('AI-02');
    await using kit = new RoomKit();
    const tool = { name: 'find', description: 'Finds.' };
    const cases: [object, RegExp][] = [
      [{ tools: [{ ...tool, parameters: { '~standard': {} } }] }, /typed schema/],
      [{ tools: [tool, tool] }, /Two tools are named 'find'/],
      [{ temperature: -1 }, /temperature is -1/],
      [{ thinkingBudget: 1.5 }, /thinkingBudget is 1.5/],
    ];
    for (const [aiConfig, message] of cases) await expect(kit.createRoom({ aiConfig: aiConfig })).rejects.toThrow(message);
    await kit.createRoom({ roomId: 'room', aiConfig: { tools: [tool], temperature: 0, maxTokens: 1, thinkingBudget: 1 } });
    await expect(kit.ensureParticipant('room', 'web', 'ada', { role: 'customer' as never })).rejects.toThrow(
      /role is "customer". Use one of owner, agent/,
    );
  });
});
