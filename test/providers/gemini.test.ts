/** What is Gemini's own in its provider: thoughts and their signatures, ids, blocked prompts, failures. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AIContext, AIMessage } from '../../src/core/models/ai.js';
import { GeminiEmulator, type GeminiEmulatorOptions } from '../../src/emulators/index.js';
import { itemsOf } from '../../src/providers/gemini/answer.js';
import { bodyOf } from '../../src/providers/gemini/failure.js';
import { GeminiAIProvider, type GeminiConfig } from '../../src/providers/gemini/index.js';
import { ToolNames } from '../../src/providers/_shared/ai/tool-names.js';
import { verifies } from '../requirements.js';

const LOOK_UP = { name: 'look_up', description: 'Looks up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } };
let vendor: GeminiEmulator | undefined;

afterEach(async () => {
  await vendor?.close();
  vi.unstubAllEnvs();
});

async function open(config: Partial<GeminiConfig> = {}, options: GeminiEmulatorOptions = {}): Promise<GeminiAIProvider> {
  vendor = await GeminiEmulator.start({ models: ['test-model', 'gemini-2.5-test'], earlyModels: ['gemini-2.5-test'], ...options });
  return new GeminiAIProvider({ apiKey: 'test-key', model: 'test-model', baseUrl: vendor.url, ...config });
}

function contextOf(messages: readonly AIMessage[], more: Partial<AIContext> = {}): AIContext {
  return { messages, tools: [LOOK_UP], targetMediaTypes: [], ...more };
}

interface Signed {
  calls: Record<string, string>;
}

interface Body {
  contents: { role: string; parts: Record<string, unknown>[] }[];
  generationConfig?: Record<string, unknown>;
}

function sent(): Body {
  return vendor?.requests.at(-1)?.body as Body;
}

const ASKED: AIMessage = { role: 'user', content: 'Where are they?' };
const call = (id: string): { type: 'tool_call'; id: string; name: string; arguments: Record<string, string> } => ({
  type: 'tool_call',
  id,
  name: 'look_up',
  arguments: { id },
});
const results = (...ids: string[]): AIMessage => ({
  role: 'tool',
  content: ids.map((id) => ({ type: 'tool_result', toolCallId: id, name: 'look_up', result: 'found' })),
});

describe('signatures of thoughts', () => {
  it('go back with the call they came with, through what a store keeps', async () => {
    verifies('AIP-02');
    const provider = await open();
    vendor?.enqueue({ toolCalls: [{ name: 'look_up' }, { name: 'look_up' }] });
    const { toolCalls = [], metadata } = await provider.generate(contextOf([ASKED]));
    const kept = JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>;
    const ids = toolCalls.map(({ id }) => id);
    await provider.generate(contextOf([ASKED, { role: 'assistant', content: ids.map(call), metadata: kept }, results(...ids)]));
    const parts = sent().contents[1]?.parts ?? [];
    expect(parts[0]?.['thoughtSignature']).toBe((kept['gemini_signatures'] as Signed).calls[ids[0] ?? '']);
    expect(parts[1]).not.toHaveProperty('thoughtSignature');
  });

  it('are taken from a sibling where the first call has none, else told to be missing', async () => {
    verifies('AIP-02');
    const provider = await open();
    vendor?.enqueue({ toolCalls: [{ name: 'look_up', id: 'signed' }] });
    const { metadata } = await provider.generate(contextOf([ASKED]));
    const given = (metadata?.['gemini_signatures'] as Signed).calls['signed'];
    await provider.generate(
      contextOf([ASKED, { role: 'assistant', content: [call('first'), call('signed')], ...(metadata && { metadata }) }, results('first', 'signed')]),
    );
    expect(sent().contents[1]?.parts.map((part) => part['thoughtSignature'])).toEqual([given, given]);
    await provider.generate(contextOf([ASKED, { role: 'assistant', content: [call('toolu_1')] }, results('toolu_1')]));
    expect(sent().contents[1]?.parts[0]?.['thoughtSignature']).toBe('skip_thought_signature_validator');
  });

  it('of another model do not go back to this one', async () => {
    verifies('AIP-02');
    const provider = await open();
    vendor?.enqueue({ toolCalls: [{ name: 'look_up', id: 'a' }] });
    const { metadata = {} } = await provider.generate(contextOf([ASKED]));
    const signed = { ...metadata, gemini_signatures: { ...(metadata['gemini_signatures'] as Signed), model: 'gemini-other' } };
    await provider.generate(contextOf([ASKED, { role: 'assistant', content: [call('a')], metadata: signed }, results('a')]));
    expect(sent().contents[1]?.parts[0]?.['thoughtSignature']).toBe('skip_thought_signature_validator');
  });

  it('are not made up for models before Gemini 3', async () => {
    verifies('AIP-02');
    const provider = await open({ model: 'gemini-2.5-test' });
    await provider.generate(contextOf([ASKED, { role: 'assistant', content: [call('a')] }, results('a')]));
    expect(sent().contents[1]?.parts[0]).not.toHaveProperty('thoughtSignature');
  });
});

describe('thinking', () => {
  it.each<[Partial<GeminiConfig>, Partial<AIContext>, unknown]>([
    [{}, {}, undefined],
    [{ thinking: 'high' }, {}, { thinkingLevel: 'HIGH', includeThoughts: true }],
    [{ thinking: 'high' }, { metadata: { thinking_budget: 99 } }, { thinkingLevel: 'HIGH', includeThoughts: true }],
    [{ thinking: 0 }, {}, { thinkingBudget: 0 }],
    [{ thinking: 512 }, { metadata: { thinking_budget: 99 } }, { thinkingBudget: 99, includeThoughts: true }],
  ])('%j with %j asks for %j', async (config, context, expected) => {
    verifies('AI-02');
    const provider = await open(config);
    await provider.generate(contextOf([ASKED], context));
    expect(sent().generationConfig?.['thinkingConfig']).toEqual(expected);
  });

  it('leaves the answer its own tokens, and is counted among what was written', async () => {
    verifies('AI-11');
    const provider = await open({ thinking: 1000, maxTokens: 200 });
    vendor?.enqueue({ text: 'Yes.', thinking: 'Hm.', usage: { input: 10, output: 30, thinking: 20 } });
    const { usage } = await provider.generate(contextOf([ASKED]));
    expect(sent().generationConfig?.['maxOutputTokens']).toBe(1200);
    expect(usage).toEqual({ input_tokens: 10, output_tokens: 30, reasoning_tokens: 20 });
  });
});

describe('answers', () => {
  it('have calls with ids of their own where the model gives none', async () => {
    verifies('TL-02');
    const provider = await open({ model: 'gemini-2.5-test' });
    vendor?.enqueue({ toolCalls: [{ name: 'look_up' }, { name: 'look_up' }] });
    const { toolCalls = [] } = await provider.generate(contextOf([ASKED]));
    expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(2);
    expect(toolCalls.every(({ id }) => id !== '')).toBe(true);
  });

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'other'],
    ['A_REASON_OF_TOMORROW', 'other'],
  ])('that end with %s end with %s', async (finish, expected) => {
    verifies('AIP-01');
    const provider = await open();
    vendor?.enqueue({ text: 'Well', finish });
    expect((await provider.generate(contextOf([ASKED]))).finishReason).toBe(expected);
  });

  it('of a prompt that was blocked are empty, and say so', async () => {
    verifies('AIP-01');
    const provider = await open();
    vendor?.enqueue({ finish: 'blocked:SAFETY' }, { finish: 'blocked:SAFETY' });
    expect(await provider.generate(contextOf([ASKED]))).toMatchObject({
      content: '',
      finishReason: 'content_filter',
      metadata: { block_reason: 'SAFETY' },
    });
    const items = [];
    for await (const item of provider.generateStream(contextOf([ASKED]))) items.push(item);
    expect(items).toMatchObject([{ type: 'done', finishReason: 'content_filter' }]);
  });

  it('are read whatever the chunks leave out', async () => {
    verifies('AIP-03');
    const part = fc.record(
      { text: fc.oneof(fc.string(), fc.constant(null)), thought: fc.boolean(), functionCall: fc.record({ name: fc.string() }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    );
    const chunk = fc.record(
      {
        candidates: fc.array(
          fc.record(
            {
              content: fc.record({ parts: fc.array(part, { maxLength: 3 }) }, { requiredKeys: [] }),
              finishReason: fc.constantFrom('STOP', 'SAFETY', 'NEW'),
            },
            { requiredKeys: [] },
          ),
          { maxLength: 2 },
        ),
        usageMetadata: fc.record({ promptTokenCount: fc.nat(), cachedContentTokenCount: fc.nat() }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 5 }), async (chunks) => {
        const hasEnd = chunks.some(({ candidates }) => candidates?.[0]?.finishReason !== undefined);
        const read = async (): Promise<string[]> => {
          const types: string[] = [];
          for await (const item of itemsOf(chunks as unknown as Parameters<typeof itemsOf>[0], new ToolNames(contextOf([]), 128), 'm'))
            types.push(item.type);
          return types;
        };
        if (hasEnd) expect((await read()).filter((type) => type === 'done')).toHaveLength(1);
        else await expect(read()).rejects.toMatchObject({ code: 'stream_interrupted' });
      }),
    );
  });
});

describe('conversations', () => {
  it('hold images as bytes, as addresses, or as a word for what cannot be shown', async () => {
    verifies('AI-05');
    const provider = await open();
    const image = (url: string): { type: 'image'; url: string } => ({ type: 'image', url });
    await provider.generate(
      contextOf([
        {
          role: 'user',
          content: [image('data:image/webp;base64,AAAA'), image('https://example.org/a.png?x=1'), image('data:image/gif;base64,AAAA')],
        },
      ]),
    );
    expect(sent().contents[0]?.parts).toEqual([
      { inlineData: { mimeType: 'image/webp', data: 'AAAA' } },
      { fileData: { fileUri: 'https://example.org/a.png?x=1', mimeType: 'image/png' } },
      { text: '[An image of a kind that cannot be shown: image/gif]' },
    ]);
  });

  it('keep results of tools apart from what the user says after them, and never end with the model', async () => {
    verifies('AI-08');
    const provider = await open();
    await provider.generate(
      contextOf([
        ASKED,
        { role: 'assistant', content: [call('a')] },
        results('a'),
        { role: 'user', content: 'And?' },
        { role: 'assistant', content: 'Well' },
      ]),
    );
    expect(sent().contents.map(({ role, parts }) => [role, Object.keys(parts[0] ?? {})[0]])).toEqual([
      ['user', 'text'],
      ['model', 'functionCall'],
      ['user', 'functionResponse'],
      ['user', 'text'],
      ['model', 'text'],
      ['user', 'text'],
    ]);
  });
});

describe('failures', () => {
  it('are read from the body, in every form it comes in', () => {
    verifies('PV-12');
    // As in the vendor's guide to rate limits, shortened.
    const body = {
      error: {
        code: 429,
        message: 'You exceeded your current quota.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [] },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.074824224s' },
        ],
      },
    };
    const expected = { status: 'RESOURCE_EXHAUSTED', message: 'You exceeded your current quota.', reasons: [], retryAfterSeconds: 34.074824224 };
    for (const text of [JSON.stringify(body), JSON.stringify([body]), `got status: RESOURCE_EXHAUSTED. ${JSON.stringify(body)}`])
      expect(bodyOf(text)).toEqual(expected);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof bodyOf(text).message === 'string'));
  });

  it('of configuration are told at once', () => {
    verifies('PV-01');
    vi.stubEnv('GEMINI_API_KEY', '');
    vi.stubEnv('GOOGLE_API_KEY', '');
    expect(() => new GeminiAIProvider({ model: 'test-model' })).toThrow(/GEMINI_API_KEY or GOOGLE_API_KEY/);
    expect(() => new GeminiAIProvider({ model: ' ', apiKey: 'k' })).toThrow(/has no model/);
    expect(() => new GeminiAIProvider({ model: 'm', apiKey: 'k', thinking: 1.5 })).toThrow(/thinking of GeminiAIProvider is 1.5/);
    expect(() => new GeminiAIProvider({ model: 'm', apiKey: 'k', project: 'x' } as GeminiConfig)).toThrow(/project/);
    vi.stubEnv('GOOGLE_API_KEY', 'from-environment');
    expect(new GeminiAIProvider({ model: 'm' }).modelName).toBe('m');
  });
});
