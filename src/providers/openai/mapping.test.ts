/** Each mapping, held against requests and answers of the vendor's documentation (fixtures/, with their source and date). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import type { AIContext, AIMessage, AIStreamItem } from '../../core/models/ai.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import { chatAnswerOf, chatItemsOf } from '../_shared/openai-chat/answer.js';
import type { ChatDialect } from '../_shared/openai-chat/dialect.js';
import { chatRequestOf } from '../_shared/openai-chat/request.js';
import { responsesAnswerOf, responsesItemsOf } from './responses-answer.js';
import { responsesRequestOf } from './responses-request.js';

interface Fixture {
  readonly request: Record<string, unknown>;
  readonly response: unknown;
  readonly chunks: readonly unknown[];
  readonly events: readonly unknown[];
}

function fixture(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as Fixture;
}

const DIALECT: ChatDialect = {
  model: 'gpt-4.1',
  reasons: false,
  effortOf: () => undefined,
  strictTools: true,
  asksForUsage: true,
  thinkTags: false,
  userBegins: false,
};
const WEATHER = {
  name: 'get_current_weather',
  description: 'Get the current weather in a given location',
  parameters: {
    type: 'object',
    properties: {
      location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
    },
    required: ['location'],
  },
};
const ASKED = contextOf([{ role: 'user', content: 'What is the weather like in Boston today?' }], { tools: [WEATHER] });

function contextOf(messages: readonly AIMessage[], more: Partial<AIContext> = {}): AIContext {
  return { messages, tools: [], targetMediaTypes: [], ...more };
}

async function* inTurn(values: readonly unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

async function itemsIn(items: AsyncIterable<AIStreamItem>): Promise<AIStreamItem[]> {
  const all: AIStreamItem[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const names = (context = contextOf([])): ToolNames => new ToolNames(context, 64);
const reading = { provider: 'openai', names: names(), thinkTags: false, model: 'gpt-5.4' } as const;
const dialect = (change: Partial<ChatDialect>): ChatDialect => ({ ...DIALECT, ...change });

describe('chat completions', () => {
  it('are asked and read as documented', () => {
    verifies('AI-11', 'AIP-01');
    const { request, response } = fixture('chat-tool-call');
    expect(chatRequestOf(ASKED, DIALECT, names(ASKED))).toEqual(request);
    expect(chatAnswerOf(response, reading)).toEqual({
      content: '',
      toolCalls: [{ id: 'call_abc123', name: 'get_current_weather', arguments: { location: 'Boston, MA' } }],
      finishReason: 'tool_calls',
      usage: { input_tokens: 82, output_tokens: 17 },
      metadata: { response_id: 'chatcmpl-abc123', model: 'gpt-4.1-2025-04-14' },
    });
  });

  it('are read as a stream as documented', async () => {
    verifies('AI-11', 'AIP-01', 'AIP-02');
    expect(await itemsIn(chatItemsOf(inTurn(fixture('chat-stream').chunks), reading))).toEqual([
      { type: 'text_delta', text: 'Hello' },
      { type: 'text_delta', text: '!' },
      {
        type: 'done',
        finishReason: 'stop',
        usage: { input_tokens: 15, output_tokens: 10, cache_read_tokens: 4 },
        metadata: { response_id: 'chatcmpl-123', model: 'gpt-4o-mini' },
      },
    ]);
    expect(await itemsIn(chatItemsOf(inTurn(fixture('chat-stream-tools').chunks), reading))).toMatchObject([
      { type: 'tool_call', id: 'call_DdmO9pD3xa9XTPNJ32zg2hcA', name: 'get_weather', arguments: { location: 'Paris, France' } },
      { type: 'tool_call', id: 'call_second', name: 'get_weather', arguments: { location: 'Rome' } },
      { type: 'done', finishReason: 'tool_calls' },
    ]);
  });

  it('ask a model that reasons in its own way', () => {
    verifies('AI-11');
    const context = contextOf([{ role: 'user', content: 'Hi' }], { systemPrompt: 'Be kind.', maxTokens: 50, temperature: 0.2 });
    expect(chatRequestOf(context, dialect({ reasons: true, effortOf: () => 'low' }), names())).toEqual({
      model: 'gpt-4.1',
      messages: [
        { role: 'developer', content: 'Be kind.' },
        { role: 'user', content: 'Hi' },
      ],
      max_completion_tokens: 50,
      reasoning_effort: 'low',
    });
    expect(chatRequestOf(context, DIALECT, names())).toMatchObject({ max_tokens: 50, temperature: 0.2, messages: [{ role: 'system' }, {}] });
  });

  it('say what one said twice in one message, and leave out what is empty', () => {
    verifies('AI-08');
    const context = contextOf([
      { role: 'system', content: 'Second instruction.' },
      { role: 'assistant', content: 'Good morning.' },
      { role: 'assistant', content: '' },
      { role: 'assistant', content: 'How are you?' },
      { role: 'user', content: 'One.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Two.' },
          { type: 'image', url: 'https://x.test/a.png' },
          { type: 'image', url: 'data:image/tiff;base64,QQ==' },
        ],
      },
    ]);
    const { messages } = chatRequestOf(context, dialect({ userBegins: true }), names());
    expect(messages).toEqual([
      { role: 'system', content: 'Second instruction.' },
      { role: 'user', content: '[The conversation began before this.]' },
      { role: 'assistant', content: 'Good morning.\nHow are you?' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'One.' },
          { type: 'text', text: 'Two.' },
          { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
          { type: 'text', text: '[An image of a kind that cannot be shown]' },
        ],
      },
    ]);
  });

  it('mark a tool as strict only when its schema qualifies, and never change a schema', () => {
    verifies('AIP-04');
    const closed = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false };
    const context = contextOf([{ role: 'user', content: 'Hi' }], {
      tools: [WEATHER, { name: 'look_up', description: 'Looks up.', parameters: closed }, { name: 'clock', description: '' }],
    });
    const { tools } = chatRequestOf(context, DIALECT, names(context));
    expect(tools).toEqual([
      { type: 'function', function: WEATHER },
      { type: 'function', function: { name: 'look_up', description: 'Looks up.', parameters: closed, strict: true } },
      { type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } },
    ]);
    expect(JSON.stringify(chatRequestOf(context, dialect({ strictTools: false }), names(context)))).not.toContain('strict');
  });

  it('give a refusal as the answer, with its own finish reason', async () => {
    verifies('AIP-01');
    const message = { role: 'assistant', content: null, refusal: 'I cannot.' };
    expect(chatAnswerOf({ choices: [{ message, finish_reason: 'stop' }] }, reading)).toMatchObject({ content: 'I cannot.', finishReason: 'refusal' });
    const chunks = [{ choices: [{ delta: { refusal: 'I cannot.' } }] }, { choices: [{ delta: {}, finish_reason: 'stop' }] }];
    expect(await itemsIn(chatItemsOf(inTurn(chunks), reading))).toMatchObject([
      { type: 'text_delta', text: 'I cannot.' },
      { type: 'done', finishReason: 'refusal' },
    ]);
  });

  it.each([
    ['content_filter', 'content_filter'],
    ['function_call', 'tool_calls'],
    ['a_word_of_later', 'other'],
    [null, 'other'],
  ])('know %s as %s', (word, finishReason) => {
    verifies('AIP-01');
    expect(chatAnswerOf({ choices: [{ message: { content: 'x' }, finish_reason: word }] }, reading)).toMatchObject({ finishReason });
  });
});

describe('the responses API', () => {
  const settings = { model: 'gpt-4.1', reasons: false } as const;

  it('is asked and read as documented', () => {
    verifies('AI-11', 'AIP-01');
    const { request, response } = fixture('responses-tool-call');
    expect(responsesRequestOf(ASKED, settings, names(ASKED))).toEqual(request);
    expect(responsesAnswerOf(response, reading)).toEqual({
      content: '',
      toolCalls: [{ id: 'call_unLAR8MvFNptuiZK6K6HCy5k', name: 'get_current_weather', arguments: { location: 'Boston, MA', unit: 'celsius' } }],
      finishReason: 'tool_calls',
      usage: { input_tokens: 291, output_tokens: 23 },
      metadata: { response_id: 'resp_67ca09c5efe0819096d0511c92b8c890096610f474011cc0', model: 'gpt-4.1-2025-04-14' },
    });
  });

  it('is read as a stream as documented, and gives back what was reasoned before what it led to', async () => {
    verifies('AI-11', 'AIP-02', 'STR-07');
    const items = await itemsIn(responsesItemsOf(inTurn(fixture('responses-stream').events), reading));
    const texts = (type: string): string => items.map((item) => (item.type === type && 'text' in item ? item.text : '')).join('');
    expect(texts('thinking_delta')).toBe('**Finding the city**\n\n**Asking for the weather**');
    expect(texts('text_delta')).toBe('Let me look.');
    const done = items.at(-1);
    expect(items.slice(-2)).toMatchObject([
      { type: 'tool_call', id: 'call_4567', name: 'get_weather', arguments: { location: 'Paris, France' } },
      { type: 'done', finishReason: 'tool_calls', usage: { input_tokens: 30, output_tokens: 11, cache_read_tokens: 7, reasoning_tokens: 6 } },
    ]);
    const metadata = structuredClone(done?.type === 'done' ? done.metadata : undefined) ?? {};
    const again = contextOf(
      [
        { role: 'user', content: 'Paris?' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Let me look.' },
            { type: 'tool_call', id: 'call_4567', name: 'get_weather', arguments: { location: 'Paris, France' } },
          ],
          metadata,
        },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'call_4567', name: 'get_weather', result: 'sunny' }] },
      ],
      { systemPrompt: 'Be kind.', maxTokens: 3 },
    );
    const request = responsesRequestOf(again, { model: 'gpt-5.4', reasons: true, reasoningEffort: 'low', reasoningSummary: true }, names(again));
    expect(request).toEqual({
      model: 'gpt-5.4',
      instructions: 'Be kind.',
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'low', summary: 'auto' },
      max_output_tokens: 16,
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Paris?' }] },
        {
          type: 'reasoning',
          id: 'rs_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654',
          encrypted_content: 'gAAAAABqvvfGBT-H6KVafKuW',
          summary: [
            { type: 'summary_text', text: '**Finding the city**' },
            { type: 'summary_text', text: '**Asking for the weather**' },
          ],
        },
        { type: 'message', role: 'assistant', content: 'Let me look.' },
        { type: 'function_call', call_id: 'call_4567', name: 'get_weather', arguments: '{"location":"Paris, France"}' },
        { type: 'function_call_output', call_id: 'call_4567', output: 'sunny' },
      ],
    });
    // Another model does not understand it.
    expect(JSON.stringify(responsesRequestOf(again, { model: 'gpt-5.2', reasons: true }, names(again)))).not.toContain('encrypted_content":');
    expect(JSON.stringify(responsesRequestOf(again, settings, names(again)))).not.toContain('encrypted_content');
  });

  it('puts each piece of reasoning before its own call, and leaves out what led to nothing', () => {
    verifies('AIP-02');
    const reasoning = (id: string): unknown => ({ type: 'reasoning', id, summary: [], encrypted_content: `sealed ${id}` });
    const call = (id: string): unknown => ({ type: 'function_call', id: `fc_${id}`, call_id: id, name: 'f', arguments: '{}' });
    const output = [
      reasoning('rs_1'),
      call('call_1'),
      reasoning('rs_2'),
      call('call_2'),
      reasoning('rs_3'),
      { type: 'reasoning', id: 'rs_4', summary: [] },
    ];
    const { metadata, toolCalls = [] } = responsesAnswerOf({ status: 'completed', output }, reading);
    const parts = toolCalls.map(({ id, name, arguments: args }) => ({ type: 'tool_call', id, name, arguments: args }) as const);
    const context = contextOf([{ role: 'assistant', content: parts, ...(metadata && { metadata }) }]);
    const { input } = responsesRequestOf(context, { model: 'gpt-5.4', reasons: true }, names());
    expect((input as { id?: string; call_id?: string }[]).map((item) => item.id ?? item.call_id)).toEqual(['rs_1', 'call_1', 'rs_2', 'call_2']);
  });

  it('hands on images that a tool gave', () => {
    verifies('TL-05');
    const result = [{ type: 'text', text: 'Here.' } as const, { type: 'image', url: 'https://x.test/a.png' } as const];
    const context = contextOf([{ role: 'tool', content: [{ type: 'tool_result', toolCallId: 'call_1', name: 'f', result }] }]);
    expect(responsesRequestOf(context, settings, names()).input).toEqual([
      {
        type: 'function_call_output',
        call_id: 'call_1',
        output: [
          { type: 'input_text', text: 'Here.' },
          { type: 'input_image', image_url: 'https://x.test/a.png', detail: 'auto' },
        ],
      },
    ]);
  });

  it.each([
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length'],
    [{ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'content_filter'],
    [{ status: 'incomplete', incomplete_details: null }, 'other'],
    [{ status: 'a_word_of_later' }, 'other'],
  ])('knows %j as %s', (end, finishReason) => {
    verifies('AIP-01');
    expect(responsesAnswerOf({ output: [], ...end }, reading)).toMatchObject({ finishReason });
  });

  it.each([
    [
      { code: 'server_error', message: 'prose' },
      { code: 'provider_error', retryable: true },
    ],
    [
      { code: 'rate_limit_exceeded', message: 'prose' },
      { code: 'rate_limit', retryable: true },
    ],
    [
      { code: 'invalid_prompt', message: 'prose' },
      { code: 'invalid_request', retryable: false },
    ],
    [
      { code: 'context_length_exceeded', message: 'prose' },
      { code: 'context_overflow', retryable: false },
    ],
    [
      { code: 'insufficient_quota', message: 'prose' },
      { code: 'quota_exceeded', retryable: false },
    ],
  ])('throws what failed with %j, whole and streamed', async (error, expected) => {
    verifies('PV-12', 'AIP-10');
    const failed = { status: 'failed', output: [], error };
    expect(() => responsesAnswerOf(failed, reading)).toThrow(expect.objectContaining(expected) as Error);
    for (const event of [
      { type: 'response.failed', response: failed },
      { type: 'error', ...error },
    ]) {
      const thrown: unknown = await itemsIn(responsesItemsOf(inTurn([event]), reading)).catch((reason: unknown) => reason);
      expect(thrown).toMatchObject(expected);
      expect((thrown as Error).message).not.toContain('prose');
    }
  });
});
