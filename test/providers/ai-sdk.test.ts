/** What is the AI SDK's own in its provider: the two specifications, what goes back to the model, errors known by their fields. */
import { APICallError, type LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AIContext, AIMessage, AIResponse, AIStreamItem } from '../../src/core/models/ai.js';
import { AISDKProvider, type AISDKConfig, type AISDKModel, type AISDKPart } from '../../src/providers/ai-sdk/index.js';
import { verifies } from '../requirements.js';

type V3Part = Awaited<ReturnType<MockLanguageModelV3['doStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never;
type V3Content = Awaited<ReturnType<MockLanguageModelV3['doGenerate']>>['content'];

const USAGE = {
  inputTokens: { total: 10, noCache: 7, cacheRead: 2, cacheWrite: 1 },
  outputTokens: { total: 5, text: 3, reasoning: 2 },
};
const STOP = { unified: 'stop', raw: 'stop' } as const;
const FINISH: V3Part = { type: 'finish', finishReason: STOP, usage: USAGE };
const LOOK_UP = { name: 'look_up', description: 'Looks up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } };

function contextOf(messages: readonly AIMessage[] = [{ role: 'user', content: 'Hello' }], more: Partial<AIContext> = {}): AIContext {
  return { messages, tools: [], targetMediaTypes: [], ...more };
}

function whole(content: V3Content): MockLanguageModelV3 {
  return new MockLanguageModelV3({ doGenerate: { content, finishReason: STOP, usage: USAGE, warnings: [] } });
}

function streaming(chunks: readonly V3Part[]): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    doStream: () => Promise.resolve({ stream: simulateReadableStream({ chunks: [...chunks], chunkDelayInMs: null }) }),
  });
}

async function read(model: AISDKModel, context = contextOf()): Promise<AIStreamItem[]> {
  const items: AIStreamItem[] = [];
  for await (const item of new AISDKProvider({ model }).generateStream(context)) items.push(item);
  return items;
}

/** What the model would be sent after its answer, as a store would have kept it. */
async function sentAfter(model: MockLanguageModelV3, { content, toolCalls = [], metadata }: AIResponse): Promise<unknown[]> {
  const kept = JSON.parse(JSON.stringify(metadata)) as NonNullable<AIResponse['metadata']>;
  await new AISDKProvider({ model }).generate(
    contextOf([
      { role: 'user', content: 'Hello' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: content },
          ...toolCalls.map(({ id, name, arguments: args }) => ({ type: 'tool_call', id, name, arguments: args }) as const),
        ],
        metadata: kept,
      },
      {
        role: 'tool',
        content: toolCalls.map(({ id, name }) => ({ type: 'tool_result', toolCallId: id, name, result: 'no', isError: true }) as const),
      },
    ]),
  );
  return model.doGenerateCalls.at(-1)?.prompt.slice(1) ?? [];
}

const SIGNED = { anthropic: { signature: 'abc' } };
const CALL_OPTIONS = { google: { thoughtSignature: 'xyz' } };
const ITEM = { openai: { itemId: 'msg_1' } };
const EXPECTED_BACK = [
  {
    role: 'assistant',
    content: [
      { type: 'reasoning', text: 'Hm, a thought.', providerOptions: SIGNED },
      { type: 'text', text: 'One moment.', providerOptions: ITEM },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'look_up', input: { id: 'A' }, providerOptions: CALL_OPTIONS },
    ],
  },
  { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'look_up', output: { type: 'error-text', value: 'no' } }] },
];

describe('AISDKProvider', () => {
  it('gives back to the model what it wants back, after a whole answer and after a stream', async () => {
    verifies('AIP-08', 'AIP-02');
    const model = whole([
      { type: 'reasoning', text: 'Hm, a thought.', providerMetadata: SIGNED },
      { type: 'text', text: 'One moment.', providerMetadata: ITEM },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'look_up', input: '{"id":"A"}', providerMetadata: CALL_OPTIONS },
    ]);
    const answer = await new AISDKProvider({ model }).generate(contextOf());
    expect(answer).toMatchObject({
      content: 'One moment.',
      usage: { input_tokens: 7, output_tokens: 5, cache_read_tokens: 2, cache_write_tokens: 1, reasoning_tokens: 2 },
    });
    expect(await sentAfter(model, answer)).toEqual(EXPECTED_BACK);

    const items = await read(
      streaming([
        { type: 'stream-start', warnings: [] },
        { type: 'response-metadata', id: 'r1', modelId: 'm1' },
        { type: 'reasoning-start', id: '0' },
        { type: 'reasoning-delta', id: '0', delta: 'Hm, ' },
        { type: 'reasoning-delta', id: '0', delta: 'a thought.' },
        { type: 'reasoning-end', id: '0', providerMetadata: SIGNED },
        { type: 'text-start', id: '1', providerMetadata: ITEM },
        { type: 'text-delta', id: '1', delta: 'One ' },
        { type: 'text-delta', id: '1', delta: 'moment.' },
        { type: 'text-end', id: '1' },
        { type: 'tool-input-start', id: 'c1', toolName: 'look_up' },
        { type: 'tool-input-delta', id: 'c1', delta: '{"id":"A"}' },
        { type: 'tool-input-end', id: 'c1' },
        { type: 'tool-call', toolCallId: 'c1', toolName: 'look_up', input: '{"id":"A"}', providerMetadata: CALL_OPTIONS },
        FINISH,
      ]),
    );
    const calls = items.filter((item) => item.type === 'tool_call');
    const done = items.at(-1);
    expect(done).toMatchObject({ type: 'done', finishReason: 'stop', metadata: { response_id: 'r1', model: 'm1' } });
    expect(calls).toHaveLength(1);
    const streamedMetadata = done?.type === 'done' ? done.metadata : undefined;
    expect(await sentAfter(whole([]), { content: 'One moment.', toolCalls: calls, ...(streamedMetadata && { metadata: streamedMetadata }) })).toEqual(
      EXPECTED_BACK,
    );
  });

  it('gives nothing of it to another model', async () => {
    verifies('AIP-08');
    const answer = await new AISDKProvider({
      model: whole([
        { type: 'reasoning', text: 'Hm.', providerMetadata: SIGNED },
        { type: 'text', text: 'Yes.' },
      ]),
    }).generate(contextOf());
    const other = new MockLanguageModelV3({ modelId: 'another', doGenerate: { content: [], finishReason: STOP, usage: USAGE, warnings: [] } });
    expect(await sentAfter(other, answer)).toEqual([{ role: 'assistant', content: [{ type: 'text', text: 'Yes.' }] }]);
  });

  it("leaves the vendor's own tools alone, and makes calls of inputs that no call followed", async () => {
    verifies('AIP-08', 'TL-02');
    const items = await read(
      streaming([
        { type: 'tool-input-start', id: 's', toolName: 'web_search', providerExecuted: true },
        { type: 'tool-call', toolCallId: 's', toolName: 'web_search', input: '{}', providerExecuted: true },
        { type: 'tool-result', toolCallId: 's', toolName: 'web_search', result: 'sunny' },
        { type: 'tool-input-start', id: 'c', toolName: 'look_up' },
        { type: 'tool-input-delta', id: 'c', delta: '{"id":' },
        { type: 'tool-input-delta', id: 'c', delta: '"A"}' },
        FINISH,
      ]),
    );
    expect(items.filter(({ type }) => type === 'tool_call')).toEqual([{ type: 'tool_call', id: 'c', name: 'look_up', arguments: { id: 'A' } }]);
  });

  it('sends images in the shape of each specification, and fetches none', async () => {
    verifies('AIP-08', 'AI-05');
    const asked: unknown[] = [];
    const model = (specificationVersion: 'v3' | 'v4'): AISDKModel => ({
      specificationVersion,
      provider: 'test',
      modelId: 'claude-test',
      supportedUrls: { 'image/*': [/^https:\/\/pictures\.example\//] },
      doGenerate: ({ prompt }) => {
        asked.push((prompt[0] as { content: unknown }).content);
        return Promise.resolve({ content: [], finishReason: STOP, usage: USAGE });
      },
      doStream: () => Promise.reject(new Error('unused')),
    });
    const urls = ['data:image/png;base64,AAAA', 'https://pictures.example/a', 'https://inside.example/b'];
    const content = urls.map((url) => ({ type: 'image', url }) as const);
    for (const version of ['v3', 'v4'] as const) await new AISDKProvider({ model: model(version) }).generate(contextOf([{ role: 'user', content }]));
    const refused = { type: 'text', text: '[An image that cannot be shown to this model]' };
    const address = new URL('https://pictures.example/a');
    expect(asked).toEqual([
      [{ type: 'file', mediaType: 'image/png', data: 'AAAA' }, { type: 'file', mediaType: 'image/*', data: address }, refused],
      [
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AAAA' } },
        { type: 'file', mediaType: 'image/*', data: { type: 'url', url: address } },
        refused,
      ],
    ]);
  });

  it.each([
    [{ unified: 'content-filter', raw: 'refusal' }, 'refusal'],
    [{ unified: 'content-filter', raw: 'safety' }, 'content_filter'],
    [{ unified: 'tool-calls', raw: undefined }, 'tool_calls'],
    [{ unified: 'other', raw: 'pause' }, 'other'],
    [{ unified: 'error', raw: 'x' }, 'other'],
  ] as const)('ends with %j as %s', async (finishReason, expected) => {
    verifies('AIP-01');
    expect((await read(streaming([{ type: 'finish', finishReason, usage: USAGE }]))).at(-1)).toMatchObject({ finishReason: expected });
  });

  it('knows a stream that broke off, whatever the model makes of it', async () => {
    verifies('AIP-03');
    const part: V3Part = { type: 'text-delta', id: '0', delta: 'We' };
    const broken = { code: 'stream_interrupted', retryable: true };
    await expect(read(streaming([part]))).rejects.toMatchObject(broken);
    await expect(read(streaming([part, { type: 'finish', finishReason: { unified: 'other', raw: undefined }, usage: USAGE }]))).rejects.toMatchObject(
      broken,
    );
    const parts: LanguageModelV4StreamPart[] = [{ type: 'finish', finishReason: { unified: 'interrupted', raw: undefined }, usage: USAGE }];
    await expect(read({ ...v4(), doStream: () => Promise.resolve({ stream: simulateReadableStream({ chunks: parts }) }) })).rejects.toMatchObject(
      broken,
    );
  });

  it.each<[string, Error, { code: string; retryable: boolean; statusCode?: number; retryAfterSeconds?: number }]>([
    [
      'with its status and headers',
      callError({ statusCode: 429, responseHeaders: { 'retry-after': '7' }, isRetryable: true }),
      { code: 'rate_limit', retryable: true, statusCode: 429, retryAfterSeconds: 7 },
    ],
    ['that never reached a server', callError({ isRetryable: true }), { code: 'network_error', retryable: true }],
    ['whose answer cannot be read', callError({ statusCode: 200 }), { code: 'invalid_response', retryable: false }],
    [
      'of a conversation that is too long',
      callError({ statusCode: 400, responseBody: '{"error":"prompt is too long"}' }),
      { code: 'context_overflow', retryable: false, statusCode: 400 },
    ],
    [
      'of another copy of the SDK',
      Object.assign(new Error('prose'), { statusCode: 401, isRetryable: false }),
      { code: 'auth_error', retryable: false, statusCode: 401 },
    ],
    ['of a key that is not there', Object.assign(new Error('prose'), { name: 'AI_LoadAPIKeyError' }), { code: 'auth_error', retryable: false }],
  ])('knows an error %s', async (_what, error, expected) => {
    verifies('PV-12', 'AIP-10');
    const model = new MockLanguageModelV3({ doGenerate: () => Promise.reject(error), doStream: () => Promise.reject(error) });
    const provider = new AISDKProvider({ model });
    await expect(provider.generate(contextOf())).rejects.toMatchObject({ name: 'ProviderError', ...expected });
    await expect(read(model)).rejects.toMatchObject(expected);
    await expect(provider.generate(contextOf())).rejects.not.toThrow(/prose/);
  });

  it.each([
    [{ type: 'overloaded_error', message: 'prose' }, true],
    [{ type: 'invalid_request_error', message: 'prose' }, false],
    ['prose', true],
  ])('knows %j reported in mid-stream', async (error, retryable) => {
    verifies('AIP-03', 'AIP-10');
    const failed = expect(read(streaming([{ type: 'error', error }, FINISH])));
    await failed.rejects.toMatchObject({ code: 'provider_error', retryable });
    await expect(read(streaming([{ type: 'error', error }]))).rejects.not.toThrow(/prose/);
  });

  it('reads parts of any kind, and ends once', async () => {
    verifies('AIP-03');
    const part = fc.record(
      {
        type: fc.constantFrom(
          'text-delta',
          'reasoning-end',
          'tool-call',
          'tool-input-start',
          'tool-input-delta',
          'source',
          'ping',
          'raw',
          'of-tomorrow',
        ),
        id: fc.constantFrom('a', 'b'),
        delta: fc.string(),
        toolCallId: fc.constantFrom('a', 'b'),
        toolName: fc.string(),
        input: fc.oneof(fc.string(), fc.json()),
        providerMetadata: fc.dictionary(fc.string(), fc.object()),
      },
      { requiredKeys: ['type'] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        const chunks = [...parts, FINISH] as AISDKPart[];
        const items = await read({ ...v4(), doStream: () => Promise.resolve({ stream: simulateReadableStream({ chunks, chunkDelayInMs: null }) }) });
        expect(items.filter(({ type }) => type === 'done')).toHaveLength(1);
        expect(items.at(-1)?.type).toBe('done');
      }),
      { numRuns: 50 },
    );
  });

  it('offers tools by their schema, with the options of the model', async () => {
    verifies('TL-01');
    const model = whole([]);
    await new AISDKProvider({ model, maxTokens: 9, providerOptions: { mistral: { safePrompt: true } } }).generate(
      contextOf(undefined, { tools: [LOOK_UP, { name: 'clock', description: '' }], systemPrompt: 'Be kind.', temperature: 0 }),
    );
    expect(model.doGenerateCalls[0]).toMatchObject({
      prompt: [{ role: 'system', content: 'Be kind.' }, { role: 'user' }],
      maxOutputTokens: 9,
      temperature: 0,
      providerOptions: { mistral: { safePrompt: true } },
      tools: [
        { type: 'function', name: 'look_up', description: 'Looks up.', inputSchema: LOOK_UP.parameters },
        { type: 'function', name: 'clock', inputSchema: { type: 'object', properties: {} } },
      ],
    });
  });

  it('says what is no model', () => {
    verifies('PV-01');
    const make = (model: unknown) => () => new AISDKProvider({ model } as AISDKConfig);
    expect(make('openai/gpt')).toThrow(/The model of AISDKProvider is 'openai\/gpt'/);
    expect(make(undefined)).toThrow(/is undefined/);
    expect(make({ ...v4(), specificationVersion: 'v2' })).toThrow(/follows the specification v2/);
    expect(() => new AISDKProvider({ model: v4(), apiKey: 'x' } as AISDKConfig)).toThrow(/apiKey/);
    expect(new AISDKProvider({ model: v4() })).toMatchObject({ name: 'test', modelName: 'gemini-test', supportsVision: true });
    expect(new AISDKProvider({ model: whole([]) }).supportsVision).toBe(false);
  });
});

function v4(): AISDKModel {
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'gemini-test',
    supportedUrls: {},
    doGenerate: () => Promise.resolve({ content: [], finishReason: STOP, usage: USAGE }),
    doStream: () => Promise.reject(new Error('unused')),
  };
}

function callError(fields: Partial<ConstructorParameters<typeof APICallError>[0]>): APICallError {
  return new APICallError({ message: 'prose', url: 'https://vendor.example', requestBodyValues: {}, ...fields });
}
