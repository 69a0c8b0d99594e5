/** What is AG-UI's own in the provider of served agents: whose tools are whose, thoughts, answers told in other ways, failures. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AIContext, AIMessage, AIStreamItem } from '../../src/core/models/ai.js';
import { AGUIEmulator } from '../../src/emulators/index.js';
import { ToolNames } from '../../src/providers/_shared/ai/tool-names.js';
import { PydanticAIProvider, type PydanticAIConfig } from '../../src/providers/pydantic-ai/index.js';
import { Run } from '../../src/providers/pydantic-ai/run.js';
import { verifies } from '../requirements.js';

const LOOK_UP = { name: 'look_up', description: 'Looks up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } };
let vendor: AGUIEmulator;

beforeEach(async () => {
  vendor = await AGUIEmulator.start({ remoteTools: { weather: 'sunny' } });
});
afterEach(() => vendor.close());

function open(config: Partial<PydanticAIConfig> = {}): PydanticAIProvider {
  return new PydanticAIProvider({ apiKey: 'test-key', url: vendor.url, ...config });
}

function contextOf(messages: readonly AIMessage[] = [{ role: 'user', content: 'Hello' }], more: Partial<AIContext> = {}): AIContext {
  return { messages, tools: [LOOK_UP], targetMediaTypes: [], ...more };
}

interface Input {
  threadId: string;
  runId: string;
  messages: Record<string, unknown>[];
  tools: unknown[];
  forwardedProps: unknown;
}
const sent = (): Input => vendor.requests.at(-1)?.body as Input;

async function read(events: readonly unknown[], provider = open()): Promise<AIStreamItem[]> {
  vendor.sendNext(...events);
  const items: AIStreamItem[] = [];
  for await (const item of provider.generateStream(contextOf())) items.push(item);
  return items;
}

const textIn = (items: readonly AIStreamItem[]): string => items.map((item) => (item.type === 'text_delta' ? item.text : '')).join('');
const STARTED = { type: 'RUN_STARTED', threadId: 't', runId: 'r' };
const FINISHED = { type: 'RUN_FINISHED', threadId: 't', runId: 'r' };

describe('tools', () => {
  it('of the agent itself are not ours to run, those offered are', async () => {
    verifies('AIP-08', 'TL-02');
    vendor.enqueue({ toolCalls: [{ name: 'weather' }, { name: 'look_up', arguments: { id: 'A' } }] });
    const { toolCalls, finishReason } = await open().generate(contextOf());
    expect(toolCalls).toMatchObject([{ name: 'look_up', arguments: { id: 'A' } }]);
    expect(finishReason).toBe('tool_calls');
    expect(sent().tools).toEqual([LOOK_UP]);
    vendor.enqueue({ text: 'Sunny.', toolCalls: [{ name: 'weather' }] });
    expect(await open().generate(contextOf())).toMatchObject({ content: 'Sunny.', toolCalls: [], finishReason: 'stop' });
  });

  it('that the agent has run already are told to it when the turn goes on', async () => {
    verifies('AIP-08');
    const provider = open();
    vendor.enqueue({
      toolCalls: [
        { name: 'weather', id: 'w', arguments: { city: 'Bern' } },
        { name: 'look_up', id: 'c' },
      ],
    });
    const { metadata = {} } = await provider.generate(contextOf());
    await provider.generate(
      contextOf([
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: [{ type: 'tool_call', id: 'c', name: 'look_up', arguments: {} }], metadata },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'c', name: 'look_up', result: 'found' }] },
      ]),
    );
    expect(sent().messages.slice(1)).toMatchObject([
      { role: 'assistant', toolCalls: [{ id: 'w', function: { name: 'weather', arguments: '{"city":"Bern"}' } }] },
      { role: 'tool', toolCallId: 'w', content: 'sunny' },
      { role: 'assistant', toolCalls: [{ id: 'c' }] },
      { role: 'tool', toolCallId: 'c', content: 'found' },
    ]);
  });

  it('come in chunks, too, and one that nobody offered is left alone', async () => {
    verifies('AIP-08', 'AIP-02');
    const items = await read([
      STARTED,
      { type: 'TOOL_CALL_CHUNK', toolCallId: 'c1', toolCallName: 'look_up', delta: '{"id":' },
      { type: 'TOOL_CALL_CHUNK', delta: '"A"}' },
      { type: 'TOOL_CALL_START', toolCallId: 'c2', toolCallName: 'delete_all' },
      { type: 'TOOL_CALL_END', toolCallId: 'c2' },
      FINISHED,
    ]);
    expect(items.filter(({ type }) => type === 'tool_call')).toEqual([{ type: 'tool_call', id: 'c1', name: 'look_up', arguments: { id: 'A' } }]);
  });
});

describe('answers', () => {
  it('are told in several messages, with what is not said to the user left out', async () => {
    verifies('AIP-08', 'STR-07');
    const items = await read([
      STARTED,
      { type: 'STEP_STARTED', stepName: 'think' },
      { type: 'THINKING_TEXT_MESSAGE_CONTENT', delta: 'Hm.' },
      { type: 'TEXT_MESSAGE_START', messageId: 'm1', role: 'assistant' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: 'One ' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: 'moment.' },
      { type: 'TEXT_MESSAGE_START', messageId: 'm2', role: 'developer' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm2', delta: 'secret' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm3', subagentRunId: 's1', delta: 'inner' },
      { type: 'STATE_SNAPSHOT', snapshot: { a: 1 } },
      { type: 'EVENT_OF_TOMORROW' },
      { type: 'TEXT_MESSAGE_CHUNK', messageId: 'm4', role: 'assistant', delta: 'It is ' },
      { type: 'TEXT_MESSAGE_CHUNK', delta: 'there.' },
      { ...FINISHED, outcome: { type: 'interrupt', interrupts: [{ id: 'i', reason: 'approval' }] } },
      { type: 'TEXT_MESSAGE_CHUNK', messageId: 'm5', delta: 'too late' },
    ]);
    expect(textIn(items)).toBe('One moment.\n\nIt is there.');
    expect(items.filter(({ type }) => type === 'thinking_delta')).toEqual([{ type: 'thinking_delta', text: 'Hm.' }]);
    expect(items.at(-1)).toMatchObject({ type: 'done', finishReason: 'other', metadata: { outcome: 'interrupt' } });
  });

  it('are taken from the snapshot of all messages where they are told nowhere else', async () => {
    verifies('AIP-08');
    const messages = [
      { id: '1', role: 'assistant', content: 'Old.' },
      { id: '2', role: 'user', content: 'Hello' },
      { id: '3', role: 'assistant', content: 'New.' },
    ];
    expect(textIn(await read([STARTED, { type: 'MESSAGES_SNAPSHOT', messages }, FINISHED]))).toBe('New.');
    const said = { type: 'TEXT_MESSAGE_CONTENT', messageId: '3', delta: 'New.' };
    expect(textIn(await read([STARTED, said, { type: 'MESSAGES_SNAPSHOT', messages }, FINISHED]))).toBe('New.');
  });

  it('bring thoughts that go back before the call they led to', async () => {
    verifies('AIP-08', 'AIP-02');
    const provider = open();
    vendor.enqueue({ thinking: 'I need it.', text: 'Well.', toolCalls: [{ name: 'look_up', id: 'c1' }] });
    const { metadata = {} } = await provider.generate(contextOf());
    await provider.generate(
      contextOf([
        { role: 'user', content: 'Hello' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Well.' },
            { type: 'tool_call', id: 'c1', name: 'look_up', arguments: {} },
          ],
          metadata: JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>,
        },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'c1', name: 'look_up', result: 'gone', isError: true }] },
      ]),
    );
    expect(sent().messages).toMatchObject([
      { role: 'user', content: 'Hello' },
      { role: 'reasoning', content: 'I need it.', encryptedValue: Buffer.from('I need it.').toString('base64') },
      { role: 'assistant', content: 'Well.', toolCalls: [{ id: 'c1', type: 'function', function: { name: 'look_up', arguments: '{}' } }] },
      { role: 'tool', toolCallId: 'c1', content: 'gone', error: 'gone' },
    ]);
  });

  it('are added up over the models that made them', async () => {
    verifies('AI-11');
    const usage = [
      { inputTokens: 10, cachedInputTokens: 4, cacheWriteInputTokens: 1, outputTokens: 3, reasoningTokens: 2 },
      { inputTokens: 5, outputTokens: 1 },
      null,
    ];
    expect((await read([STARTED, { ...FINISHED, usage }])).at(-1)).toMatchObject({
      usage: { input_tokens: 10, output_tokens: 4, cache_read_tokens: 4, cache_write_tokens: 1, reasoning_tokens: 2 },
    });
  });

  it('are read from any events, and end once or fail', () => {
    verifies('AIP-03');
    const types = [
      'TEXT_MESSAGE_CHUNK',
      'TOOL_CALL_START',
      'TOOL_CALL_ARGS',
      'TOOL_CALL_RESULT',
      'MESSAGES_SNAPSHOT',
      'REASONING_MESSAGE_CHUNK',
      'RUN_FINISHED',
    ];
    const event = fc.record(
      {
        type: fc.constantFrom(...types),
        messageId: fc.constantFrom<unknown>('a', 'b', 7, null),
        toolCallId: fc.constantFrom<unknown>('a', 'b', {}),
        toolCallName: fc.constantFrom<unknown>('look_up', 3),
        delta: fc.oneof(fc.string(), fc.anything()),
        messages: fc.anything(),
        usage: fc.anything(),
        outcome: fc.anything(),
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), (events) => {
        const run = new Run('test', new ToolNames(contextOf(), 64), new Set(['look_up']));
        for (const one of events) {
          const items = [...run.read(one)];
          expect(items.filter(({ type }) => type === 'done')).toHaveLength(one.type === 'RUN_FINISHED' ? 1 : 0);
          if (one.type === 'RUN_FINISHED') return;
        }
        expect(run.interrupted()).toMatchObject({ code: 'stream_interrupted' });
      }),
    );
  });
});

describe('requests', () => {
  it('are what the protocol wants: a thread for the room, a run of their own, images as parts', async () => {
    verifies('AIP-08', 'AI-05');
    const provider = open({ vision: true, forwardedProps: { tenant: 7 }, headers: { 'x-team': 'support' } });
    const room = { id: 'room-1' } as AIContext['room'];
    const image = { type: 'image', url: 'data:image/png;base64,AAAA' } as const;
    const linked = { type: 'image', url: 'https://pictures.example/a' } as const;
    const context = contextOf([{ role: 'user', content: [{ type: 'text', text: 'Look:' }, image, linked] }], {
      ...(room && { room }),
      systemPrompt: 'Be kind.',
    });
    await provider.generate(context);
    const first = sent();
    await provider.generate(context);
    expect(first).toMatchObject({
      threadId: 'room-1',
      forwardedProps: { tenant: 7 },
      messages: [
        { role: 'system', content: 'Be kind.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image', source: { type: 'data', value: 'AAAA', mimeType: 'image/png' } },
            { type: 'image', source: { type: 'url', value: 'https://pictures.example/a' } },
          ],
        },
      ],
    });
    expect(sent().runId).not.toBe(first.runId);
    expect(vendor.requests[0]?.headers['x-team']).toBe('support');
  });
});

describe('failures', () => {
  it.each<[string, readonly unknown[], { code: string; retryable: boolean }]>([
    ['that the agent reports', [STARTED, { type: 'RUN_ERROR', message: 'prose' }], { code: 'provider_error', retryable: true }],
    [
      'after it has run tools of its own',
      [STARTED, { type: 'TOOL_CALL_RESULT', messageId: 'm', toolCallId: 'c', content: 'paid' }, { type: 'RUN_ERROR', message: 'prose' }],
      { code: 'provider_error', retryable: false },
    ],
    [
      'that would come again',
      [STARTED, { type: 'RUN_ERROR', message: 'prose', code: 'invalid_input' }],
      { code: 'provider_error', retryable: false },
    ],
    [
      'of a conversation that is too long',
      [STARTED, { type: 'RUN_ERROR', message: 'prose: maximum context length is 10' }],
      { code: 'context_overflow', retryable: false },
    ],
    ['of a stream that ends without its last event', [STARTED], { code: 'stream_interrupted', retryable: true }],
    [
      'of such a stream, after tools were run',
      [STARTED, { type: 'TOOL_CALL_RESULT', messageId: 'm', toolCallId: 'c', content: 'paid' }],
      { code: 'stream_interrupted', retryable: false },
    ],
    ['of events that are no JSON', [STARTED, 'prose'], { code: 'invalid_response', retryable: false }],
    ['of events that are no objects', [STARTED, [1]], { code: 'invalid_response', retryable: false }],
  ])('%s', async (_what, events, expected) => {
    verifies('AIP-03', 'AIP-10');
    await expect(read(events)).rejects.toMatchObject({ name: 'ProviderError', ...expected });
    await expect(read(events)).rejects.not.toThrow(/prose/);
  });

  it.each<[string, RequestListener, { code: string; statusCode?: number }]>([
    [
      'a redirect, which is not followed',
      (_request, response) => response.writeHead(307, { location: '/elsewhere' }).end(),
      { code: 'http_307', statusCode: 307 },
    ],
    ['a page', (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hello'), { code: 'invalid_response' }],
    [
      'more than anybody reads',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const line = Buffer.alloc(1024 * 1024, 'x');
        for (let n = 0; n < 11; n++) response.write(line);
        response.end();
      },
      { code: 'invalid_response' },
    ],
  ])('of an address that answers with %s', async (_what, listener, expected) => {
    verifies('AIP-08');
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      listener(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/agent`;
      await expect(open({ url }).generate(contextOf())).rejects.toMatchObject({ retryable: false, ...expected });
      expect(asked).toEqual(['/agent']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('of configuration are told at once', () => {
    verifies('PV-01');
    const agent = { run: () => Promise.resolve({ output: '' }), runStream: async function* () {} };
    expect(() => new PydanticAIProvider({})).toThrow(/needs one of/);
    expect(() => new PydanticAIProvider({ url: vendor.url, agent })).toThrow(/needs one of/);
    expect(() => new PydanticAIProvider({ url: 'ftp://x' })).toThrow(/is 'ftp:\/\/x'/);
    expect(() => new PydanticAIProvider({ agent: {} as typeof agent })).toThrow(/no run or no runStream/);
    expect(() => new PydanticAIProvider({ url: vendor.url, model: 'x' } as PydanticAIConfig)).toThrow(/model/);
  });
});

describe('an agent that is an object', () => {
  it('is asked with the newest message, and what was said before', async () => {
    verifies('AIP-08');
    const asked: unknown[] = [];
    const provider = new PydanticAIProvider({
      agent: {
        run: (prompt, { messageHistory, instructions }) => {
          asked.push([prompt, messageHistory.length, instructions]);
          return Promise.resolve({ output: { city: 'Bern' }, usage: { input_tokens: 1 } });
        },
        runStream: async function* (prompt) {
          await Promise.resolve();
          yield* ['You said ', '', prompt];
        },
      },
    });
    const context = contextOf(
      [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Yes?' },
        { role: 'user', content: [{ type: 'text', text: 'Two' }] },
      ],
      { systemPrompt: 'Be kind.' },
    );
    expect(provider.supportsTools).toBe(false);
    expect(await provider.generate(context)).toMatchObject({ content: '{"city":"Bern"}', usage: { input_tokens: 1 } });
    expect(asked).toEqual([['Two', 2, 'Be kind.']]);
    const items: AIStreamItem[] = [];
    for await (const item of provider.generateStream(context)) items.push(item);
    expect(textIn(items)).toBe('You said Two');
    expect(items).toHaveLength(3);
  });

  it('fails for good, since it may have run tools, and is told when nobody waits any more', async () => {
    verifies('AIP-08', 'TURN-02', 'AIP-10');
    let signal: AbortSignal | undefined;
    const provider = new PydanticAIProvider({
      agent: {
        run: () => Promise.reject(new TypeError('prose')),
        runStream: async function* (_prompt, options) {
          signal = options.signal;
          yield 'We';
          await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
          yield ' never';
        },
      },
    });
    await expect(provider.generate(contextOf())).rejects.toMatchObject({
      code: 'provider_error',
      retryable: false,
      message: expect.not.stringContaining('prose') as string,
    });
    const controller = new AbortController();
    const reading = (async () => {
      for await (const item of provider.generateStream(contextOf(), { signal: controller.signal }))
        if (item.type === 'text_delta') controller.abort();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'AbortedError' });
    expect(signal?.aborted).toBe(true);
  });
});
