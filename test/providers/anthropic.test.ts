/** Anthropic's provider: its mappings as the vendor documents them, and streams as no vendor should send them. */
import type Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError, ValidationError, type AIContext, type AIStreamItem } from '../../src/index.js';
import { AnthropicAIProvider, type AnthropicConfig } from '../../src/providers/anthropic/index.js';
import { verifies } from '../requirements.js';

const TIMES = Number(process.env['PROPERTY_RUNS'] ?? 1);

/** A client of one's own that answers with this, and remembers what it was asked. */
function clientOf(answer: unknown): { client: Anthropic; asked: Anthropic.MessageCreateParams[] } {
  const asked: Anthropic.MessageCreateParams[] = [];
  const create = (body: Anthropic.MessageCreateParams): Promise<unknown> => {
    asked.push(body);
    return Promise.resolve(answer);
  };
  return { client: { messages: { create } } as unknown as Anthropic, asked };
}

async function* inTurn(values: readonly unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

function contextOf(messages: AIContext['messages'], more: Partial<AIContext> = {}): AIContext {
  return { messages, tools: [], targetMediaTypes: [], ...more };
}

async function read(events: readonly unknown[], config: Partial<AnthropicConfig> = {}): Promise<AIStreamItem[]> {
  const provider = new AnthropicAIProvider({ model: 'm', client: clientOf(inTurn(events)).client, ...config });
  const items: AIStreamItem[] = [];
  for await (const item of provider.generateStream(contextOf([{ role: 'user', content: 'Hi' }]))) items.push(item);
  return items;
}

describe('AnthropicAIProvider', () => {
  it('makes of a conversation what the Messages API takes', async () => {
    verifies('AI-08', 'AIP-02');
    const { client, asked } = clientOf({ id: 'msg_1', model: 'm', content: [], stop_reason: 'end_turn', usage: {} });
    const provider = new AnthropicAIProvider({ model: 'm', client, maxTokens: 500, effort: 'low', thinking: 1024 });
    const args = { number: '7' };
    await provider.generate(
      contextOf(
        [
          { role: 'assistant', content: 'Good morning.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look:' },
              { type: 'image', url: 'data:image/png;base64,QUJD' },
              { type: 'image', url: 'https://x.test/a.jpg' },
            ],
          },
          {
            role: 'assistant',
            content: [{ type: 'tool_call', id: 'toolu_1', name: 'orders.find', arguments: args }],
            metadata: {
              anthropic_thinking: [{ type: 'thinking', thinking: 'Hm.', signature: 'sig' }, { type: 'redacted_thinking', data: 'xyz' }, 'rubbish'],
            },
          },
          { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'toolu_1', name: 'orders.find', result: 'gone', isError: true }] },
        ],
        {
          systemPrompt: 'Be brief.',
          tools: [{ name: 'orders.find', description: 'Finds.', parameters: { properties: {} } }],
          maxTokens: 200,
          temperature: 0.3,
        },
      ),
    );
    const cached = { cache_control: { type: 'ephemeral' } };
    expect(asked).toEqual([
      {
        model: 'm',
        max_tokens: 200 + 1024,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        output_config: { effort: 'low' },
        system: [{ type: 'text', text: 'Be brief.', ...cached }],
        tools: [{ name: 'orders_find', description: 'Finds.', input_schema: { type: 'object', properties: {} }, ...cached }],
        messages: [
          { role: 'user', content: [{ type: 'text', text: '[The conversation began before this.]' }] },
          { role: 'assistant', content: [{ type: 'text', text: 'Good morning.' }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look:' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
              { type: 'image', source: { type: 'url', url: 'https://x.test/a.jpg' } },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
              { type: 'redacted_thinking', data: 'xyz' },
              { type: 'tool_use', id: 'toolu_1', name: 'orders_find', input: args, ...cached },
            ],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'gone', is_error: true, ...cached }] },
        ],
      },
    ]);
  });

  it('reads a stream as the vendor documents it, with what a later time may add', async () => {
    verifies('AI-11', 'AIP-01');
    // https://platform.claude.com/docs/en/build-with-claude/streaming: the order and fields of its examples.
    const usage = {
      input_tokens: 472,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: null,
      output_tokens: 2,
      output_tokens_details: null,
    };
    const items = await read([
      { type: 'message_start', message: { id: 'msg_014p', model: 'claude-x', content: [], stop_reason: null, usage } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'The weather.' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'EqQB' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Okay' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'wink_delta', wink: ';)' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'toolu_01T1', name: 'get_weather', input: {} } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"location":' } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: ' "San Francisco, CA"}' } },
      { type: 'content_block_stop', index: 2 },
      { type: 'weather_report', sunny: true },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { output_tokens: 89, output_tokens_details: { thinking_tokens: 12 } },
      },
      { type: 'message_stop' },
    ]);
    expect(items).toEqual([
      { type: 'thinking_delta', text: 'The weather.' },
      { type: 'text_delta', text: 'Okay' },
      { type: 'tool_call', id: 'toolu_01T1', name: 'get_weather', arguments: { location: 'San Francisco, CA' } },
      {
        type: 'done',
        finishReason: 'tool_calls',
        usage: { input_tokens: 472, output_tokens: 89, cache_read_tokens: 100, reasoning_tokens: 12 },
        metadata: {
          response_id: 'msg_014p',
          model: 'claude-x',
          anthropic_thinking: [{ type: 'thinking', thinking: 'The weather.', signature: 'EqQB' }],
        },
      },
    ]);
  });

  it('ends with done or with an error of ours, whatever comes', async () => {
    verifies('AIP-03');
    const text = fc.constantFrom('', 'Hello', '{"a":', '1}', '🙂');
    const delta = fc.oneof(
      fc.record({ type: fc.constant('text_delta'), text }),
      fc.record({ type: fc.constant('input_json_delta'), partial_json: text }),
      fc.record({ type: fc.constant('thinking_delta'), thinking: text }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const block = fc.oneof(
      fc.constantFrom({ type: 'text', text: '' }, { type: 'tool_use', id: 'toolu_1', name: 'a', input: {} }, { type: 'thinking', thinking: '' }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const event = fc.oneof(
      fc.record({
        type: fc.constant('message_start'),
        message: fc.oneof(fc.constant({ id: 'x', model: 'm', usage: {} }), fc.jsonValue({ maxDepth: 2 })),
      }),
      fc.record({ type: fc.constant('content_block_start'), index: fc.nat(2), content_block: block }),
      fc.record({ type: fc.constant('content_block_delta'), index: fc.nat(2), delta }),
      fc.record({ type: fc.constant('content_block_stop'), index: fc.nat(2) }),
      fc.record({ type: fc.constant('message_delta'), delta: fc.jsonValue({ maxDepth: 2 }), usage: fc.jsonValue({ maxDepth: 2 }) }),
      fc.constant({ type: 'message_stop' }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => {
        const outcome = await read(events).then(
          (items) => ({ items, error: undefined }),
          (error: unknown) => ({ items: [], error }),
        );
        if (outcome.error === undefined) expect(outcome.items.filter(({ type }) => type === 'done')).toEqual([outcome.items.at(-1)]);
        else expect(outcome.error).toBeInstanceOf(ProviderError);
      }),
      { numRuns: 300 * TIMES },
    );
  });

  it('says what of its configuration makes no sense', () => {
    const key = { apiKey: 'k' };
    const make = (config: object) => () => new AnthropicAIProvider(config as AnthropicConfig);
    expect(make({ ...key })).toThrow(/has no model/);
    expect(make({ ...key, model: 'm', modle: 'x' })).toThrow(/no option 'modle'. Did you mean 'model'/);
    expect(make({ ...key, model: 'm', temperature: 0.2 })).toThrow(ValidationError);
    expect(make({ ...key, model: 'm', thinking: 5 })).toThrow(/Give 1024 tokens or more, 'adaptive'/);
    expect(make({ ...key, model: 'm', effort: 'much' })).toThrow(/Give one of low, medium/);
    expect(make({ apiKey: ' ', model: 'm' })).toThrow(/apiKey/);
    const before = process.env['ANTHROPIC_API_KEY'];
    delete process.env['ANTHROPIC_API_KEY'];
    try {
      expect(make({ model: 'm' })).toThrow(/has no key. Pass \{ apiKey \}, or set ANTHROPIC_API_KEY/);
    } finally {
      if (before !== undefined) process.env['ANTHROPIC_API_KEY'] = before;
    }
  });
});
