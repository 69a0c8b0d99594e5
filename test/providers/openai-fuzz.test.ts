/** Streams as no vendor should send them: cut anywhere, with fields and events nobody knows, or of anything at all. */
import fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { ProviderError, type AIContext, type AIStreamItem } from '../../src/index.js';
import { OpenAIAIProvider } from '../../src/providers/openai/index.js';
import { chatAnswerOf, chatItemsOf } from '../../src/providers/_shared/openai-chat/answer.js';
import { ToolNames } from '../../src/providers/_shared/ai/tool-names.js';
import { responsesAnswerOf, responsesItemsOf } from '../../src/providers/openai/responses-answer.js';
import { verifies } from '../requirements.js';

const CONTEXT: AIContext = { messages: [{ role: 'user', content: 'Hi' }], tools: [], targetMediaTypes: [] };
const READING = { provider: 'openai', names: new ToolNames(CONTEXT, 64), thinkTags: true, model: 'gpt-5.4' } as const;

async function* inTurn(values: readonly unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

/** What a stream gave: its items, and the error it ended with. */
async function outcome(items: AsyncIterable<AIStreamItem>): Promise<{ items: AIStreamItem[]; error: unknown }> {
  const all: AIStreamItem[] = [];
  try {
    for await (const item of items) all.push(item);
    return { items: all, error: undefined };
  } catch (error) {
    return { items: all, error };
  }
}

/** It ends with `done`, once and last, or with an error of ours; and what it gave is as the contract has it. */
function checkOutcome({ items, error }: { items: AIStreamItem[]; error: unknown }): void {
  const ends = items.filter(({ type }) => type === 'done').length;
  if (error === undefined) expect([ends, items.at(-1)?.type]).toEqual([1, 'done']);
  else {
    expect(error).toBeInstanceOf(ProviderError);
    expect(ends).toBe(0);
  }
  for (const item of items) {
    if (item.type === 'text_delta' || item.type === 'thinking_delta') expect(item.text).toBeTypeOf('string');
    if (item.type === 'tool_call') expect([typeof item.id, typeof item.name, typeof item.arguments]).toEqual(['string', 'string', 'object']);
    if (item.type === 'done') for (const count of Object.values(item.usage ?? {})) expect(Number.isInteger(count) && count >= 0).toBe(true);
  }
}

const anything = fc.jsonValue({ maxDepth: 3 });
/** An object that is often as it should be, field by field, and sometimes not. */
const nearly = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ ...fields, unknown_field: anything }, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.record(Object.fromEntries(Object.keys(fields).map((name) => [name, anything])), { requiredKeys: [] }) },
    { weight: 1, arbitrary: anything },
  );

const text = fc.constantFrom('', 'Hello', '<think>', '</thi', 'nk>', '{"a":', '1}', '🙂');
const count = fc.oneof(fc.nat(1000), anything);
const called = nearly({ name: fc.constantFrom('look_up', ''), arguments: text });
const toolCall = nearly({ index: fc.nat(2), id: fc.constantFrom('call_1', 'call_2', ''), type: fc.constant('function'), function: called });
const delta = nearly({
  role: fc.constant('assistant'),
  content: text,
  reasoning: text,
  reasoning_content: text,
  refusal: text,
  tool_calls: fc.array(toolCall, { maxLength: 2 }),
});
const usage = nearly({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: nearly({ cached_tokens: count, cache_write_tokens: count }),
});
const finish = fc.constantFrom(null, 'stop', 'length', 'tool_calls', 'later', 7);
const chunk = nearly({
  id: text,
  model: text,
  choices: fc.array(nearly({ index: fc.constant(0), delta, finish_reason: finish }), { maxLength: 2 }),
  usage,
});

const item = nearly({
  type: fc.constantFrom('message', 'function_call', 'reasoning', 'later'),
  id: text,
  call_id: fc.constantFrom('call_1', ''),
  name: fc.constantFrom('look_up', ''),
  arguments: text,
  content: fc.array(nearly({ type: fc.constantFrom('output_text', 'refusal'), text, refusal: text }), { maxLength: 2 }),
  summary: fc.array(nearly({ type: fc.constant('summary_text'), text }), { maxLength: 2 }),
  encrypted_content: text,
});
const response = nearly({
  id: text,
  status: fc.constantFrom('completed', 'incomplete', 'failed', 'later'),
  output: fc.array(item, { maxLength: 3 }),
  error: nearly({ code: fc.constantFrom('server_error', 'later'), message: text }),
  incomplete_details: nearly({ reason: fc.constantFrom('max_output_tokens', 'later') }),
  usage: nearly({ input_tokens: count, output_tokens: count, input_tokens_details: nearly({ cached_tokens: count }) }),
});
const EVENTS = [
  ...['response.created', 'response.output_item.added', 'response.output_item.done', 'response.output_text.delta', 'response.refusal.delta'],
  ...['response.reasoning_summary_part.added', 'response.reasoning_summary_text.delta', 'response.function_call_arguments.delta', 'response.later'],
  ...['response.completed', 'response.incomplete', 'response.failed', 'error'],
];
const event = nearly({ type: fc.constantFrom(...EVENTS), delta: text, item, response, code: text, message: text, summary_index: count });

describe('whatever comes', () => {
  it('chunks of chat completions end with done or with an error of ours', async () => {
    verifies('AIP-02', 'AIP-03');
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 12 }), async (chunks) => checkOutcome(await outcome(chatItemsOf(inTurn(chunks), READING)))),
      { numRuns: 400 },
    );
  });

  it('events of the responses API end with done or with an error of ours', async () => {
    verifies('AIP-02', 'AIP-03');
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => checkOutcome(await outcome(responsesItemsOf(inTurn(events), READING)))),
      { numRuns: 400 },
    );
  });

  it('whole answers are read, or are an error of ours', () => {
    verifies('AI-11');
    const read = (run: () => { readonly content: unknown }): void => {
      try {
        expect(run().content).toBeTypeOf('string');
      } catch (error) {
        expect(error).toBeInstanceOf(ProviderError);
      }
    };
    const completion = nearly({ choices: fc.array(nearly({ message: delta, finish_reason: finish }), { maxLength: 2 }), usage });
    fc.assert(
      fc.property(completion, response, (chat, whole) => {
        read(() => chatAnswerOf(chat, READING));
        read(() => responsesAnswerOf(whole, READING));
      }),
      { numRuns: 400 },
    );
  });
});

const CHAT = [
  { id: 'chatcmpl-1', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
  { choices: [{ index: 0, delta: { content: 'Ça va 🙂, ' } }], later: { field: [1] } },
  { choices: [{ index: 0, delta: { content: 'très bien.' } }] },
  { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'look_up', arguments: '{"id":"é' } }] } }] },
  { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '🙂"}' } }] } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  { choices: [], usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 } },
];
const CALL = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'look_up', arguments: '{"id":"é🙂"}' };
const RESPONSES = [
  { type: 'response.created', response: { id: 'resp_1', status: 'in_progress', output: [] } },
  { type: 'response.later', anything: { at: ['all'] } },
  { type: 'response.output_text.delta', delta: 'Ça va 🙂, ' },
  { type: 'response.output_text.delta', delta: 'très bien.' },
  { type: 'response.output_item.done', item: CALL },
  { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [CALL], usage: { input_tokens: 5, output_tokens: 6 } } },
];
const STREAMS: Readonly<Record<'chat' | 'responses', string>> = {
  chat: [...CHAT.map((value) => JSON.stringify(value)), '[DONE]'].map((data) => `data: ${data}\n\n`).join(''),
  responses: RESPONSES.map((value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`).join(''),
};

/** A provider whose client reads these pieces of bytes. */
function reading(api: 'chat' | 'responses', pieces: readonly Uint8Array[]): OpenAIAIProvider {
  const fetch = async (): Promise<Response> => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  return new OpenAIAIProvider({
    api,
    model: 'gpt-4.1',
    client: new OpenAI({ apiKey: 'test-key', baseURL: 'http://x.test', fetch, maxRetries: 0, logLevel: 'off' }),
  });
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
  return [0, ...at].map((from, n) => bytes.slice(from, at[n] ?? bytes.length)).filter((piece) => piece.length > 0);
}

describe.each(['chat', 'responses'] as const)('the bytes of a stream of %s', (api) => {
  const bytes = new TextEncoder().encode(STREAMS[api]);

  it('say the same wherever they are cut', async () => {
    verifies('AIP-02', 'STR-07');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), async (cuts) => {
        const { items, error } = await outcome(reading(api, cutAt(bytes, cuts)).generateStream(CONTEXT));
        expect(error).toBeUndefined();
        expect(items.map((one) => (one.type === 'text_delta' ? one.text : '')).join('')).toBe('Ça va 🙂, très bien.');
        expect(items.slice(-2)).toMatchObject([
          { type: 'tool_call', id: 'call_1', name: 'look_up', arguments: { id: 'é🙂' } },
          { type: 'done', finishReason: 'tool_calls', usage: { input_tokens: 5, output_tokens: 6 } },
        ]);
      }),
      { numRuns: 60 },
    );
  });

  it('are an error of ours when they end early, or are no events at all', async () => {
    verifies('AIP-03', 'AIP-10');
    const damage = fc.oneof(
      fc.nat().map((end) => bytes.slice(0, end % bytes.length)),
      fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, noise]) => {
        const damaged = bytes.slice();
        damaged.set(noise.slice(0, Math.max(0, bytes.length - (at % bytes.length))), at % bytes.length);
        return damaged;
      }),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(damage, fc.array(fc.nat(), { maxLength: 5 }), async (damaged, cuts) => {
        checkOutcome(await outcome(reading(api, damaged.length === 0 ? [] : cutAt(damaged, cuts)).generateStream(CONTEXT)));
      }),
      { numRuns: 100 },
    );
  });
});
