/** The vendor's own package, unchanged, against the emulators. */
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { OpenAIEmulator, VllmEmulator, type OpenAIEmulatorOptions } from '../../src/emulators/index.js';

const TOOL = {
  type: 'function',
  function: {
    name: 'look_up',
    parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false },
    strict: true,
  },
} as const;

async function withVendor(options: OpenAIEmulatorOptions, run: (client: OpenAI, vendor: OpenAIEmulator) => Promise<void>): Promise<void> {
  await using vendor = await OpenAIEmulator.start(options);
  await run(new OpenAI({ apiKey: 'test-key', baseURL: vendor.baseUrl, maxRetries: 0, logLevel: 'off' }), vendor);
}

async function refusal(run: () => Promise<unknown>): Promise<{ status: unknown; error: unknown }> {
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OpenAI.APIError)) throw new Error(`this is refused, not ${String(error)}`);
  return { status: error.status as unknown, error: error.error as unknown };
}

describe('chat completions', () => {
  it('gives a whole completion, and a stream that the package puts together to the same', async () => {
    const reply = { text: 'Let me look.', toolCalls: [{ id: 'call_1', name: 'look_up', arguments: { id: 'A-1' } }], usage: { input: 20, output: 9 } };
    await withVendor({ script: [reply, reply] }, async (client) => {
      const request = { model: 'test-model', messages: [{ role: 'user' as const, content: 'Where is A-1?' }], tools: [TOOL] };
      const whole = await client.chat.completions.create(request);
      expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Let me look.', refusal: null } });
      const streamed = await client.chat.completions.stream({ ...request, stream_options: { include_usage: true } }).finalChatCompletion();
      expect(streamed.choices[0]?.message.content).toBe('Let me look.');
      expect(streamed.choices[0]?.message.tool_calls).toMatchObject([{ id: 'call_1', function: { name: 'look_up', arguments: '{"id":"A-1"}' } }]);
      expect(streamed.usage).toEqual(whole.usage);
      expect(streamed.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 });
    });
  });

  it('tells the tokens of a stream only when it is asked', async () => {
    await withVendor({}, async (client) => {
      const messages = [{ role: 'user' as const, content: 'Hi' }];
      const usages = async (include: boolean): Promise<unknown[]> => {
        const found: unknown[] = [];
        const options = include ? { stream_options: { include_usage: true } } : {};
        for await (const { usage } of await client.chat.completions.create({ model: 'test-model', messages, stream: true, ...options }))
          found.push(usage);
        return found;
      };
      expect(new Set(await usages(false))).toEqual(new Set([undefined]));
      const asked = await usages(true);
      expect(asked.slice(0, -1).every((usage) => usage === null)).toBe(true);
      expect(asked.at(-1)).toMatchObject({ prompt_tokens: expect.any(Number) });
    });
  });

  const call = { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}' } }] };
  const user = { role: 'user', content: 'Hi' };
  it.each([
    ['no messages', { messages: undefined }, 400, { param: 'messages', code: 'missing_required_parameter' }],
    ['no message', { messages: [] }, 400, { param: 'messages', code: 'empty_array' }],
    ['no model', { model: undefined }, 400, { message: 'you must provide a model parameter', code: null }],
    ['an unknown model', { model: 'gpt-none' }, 404, { code: 'model_not_found' }],
    ['an unknown field', { surprise: 1 }, 400, { message: 'Unrecognized request argument supplied: surprise' }],
    ['an unknown role', { messages: [{ role: 'robot', content: 'Hi' }] }, 400, { param: 'messages[0].role', code: 'invalid_value' }],
    ['a result without its call', { messages: [user, { role: 'tool', tool_call_id: 'call_1', content: 'x' }] }, 400, { param: 'messages.[1].role' }],
    ['a call without its result', { messages: [user, call, user] }, 400, { param: 'messages.[2].role' }],
    ['a call at the end without its result', { messages: [user, call] }, 400, { param: 'messages.[2].role' }],
    [
      'a result of another call',
      { messages: [user, call, { role: 'tool', tool_call_id: 'call_2', content: 'x' }] },
      400,
      { param: 'messages.[2].tool_call_id' },
    ],
    ['a result without an id', { messages: [user, call, { role: 'tool', content: 'x' }] }, 400, { code: 'missing_required_parameter' }],
    ['an assistant that says nothing', { messages: [{ role: 'assistant', content: null }] }, 400, { param: 'messages.[0].content' }],
    [
      'a name of a tool with a dot',
      { tools: [{ type: 'function', function: { name: 'a.b' } }] },
      400,
      { param: 'tools[0].function.name', code: 'invalid_value' },
    ],
    ['a name that is too long', { tools: [{ type: 'function', function: { name: 'a'.repeat(65) } }] }, 400, { code: 'string_above_max_length' }],
    ['a schema of no object', { tools: [withSchema({ type: 'string' })] }, 400, { code: 'invalid_function_parameters' }],
    [
      'a schema of no type',
      { tools: [withSchema({ type: 'object', properties: { a: { type: 'strng' } } })] },
      400,
      { code: 'invalid_function_parameters' },
    ],
    [
      'a list of nothing in a schema',
      { tools: [withSchema({ type: 'object', properties: { a: { type: 'array' } } })] },
      400,
      { code: 'invalid_function_parameters' },
    ],
    ['an open schema as strict', { tools: [withSchema({ type: 'object', properties: {} }, true)] }, 400, { code: 'invalid_function_parameters' }],
    ['tokens below one', { max_tokens: 0 }, 400, { param: 'max_tokens', code: 'integer_below_min_value' }],
    ['a temperature above two', { temperature: 3 }, 400, { param: 'temperature', code: 'decimal_above_max_value' }],
    ['usage of no stream', { stream_options: { include_usage: true } }, 400, { param: 'stream_options' }],
    [
      'an image of the assistant',
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://x.test/a.png' } }] }] },
      400,
      { param: 'messages[0]' },
    ],
    [
      'a picture that is none',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:text/plain;base64,QQ==' } }] }] },
      400,
      { code: 'invalid_image_format' },
    ],
    ['max_tokens of a model that reasons', { model: 'thinker', max_tokens: 9 }, 400, { param: 'max_tokens', code: 'unsupported_parameter' }],
    ['a temperature of a model that reasons', { model: 'thinker', temperature: 0.5 }, 400, { param: 'temperature', code: 'unsupported_value' }],
    ['tools beside reasoning', { model: 'thinker', tools: [TOOL] }, 400, { param: 'reasoning_effort', code: null }],
    ['effort of a model that does not reason', { reasoning_effort: 'low' }, 400, { code: null }],
    ['too much', { messages: [{ role: 'user', content: 'word '.repeat(2000) }] }, 400, { param: 'messages', code: 'context_length_exceeded' }],
  ])('refuses %s as the vendor does', async (_what, change, status, error) => {
    await withVendor(
      { models: ['test-model', 'thinker'], reasoningModels: ['thinker'], responsesToolModels: ['thinker'], contextWindow: 2000 },
      async (client) => {
        const body = { model: 'test-model', messages: [user], ...change } as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
        expect(await refusal(() => client.chat.completions.create(body))).toMatchObject({
          status,
          error: { type: 'invalid_request_error', ...error },
        });
      },
    );
  });

  it('asks for a key, and shows no other whole', async () => {
    await withVendor({}, async (_client, vendor) => {
      const other = new OpenAI({ apiKey: 'sk-another-secret', baseURL: vendor.baseUrl, maxRetries: 0 });
      const { status, error } = await refusal(() => other.models.list());
      expect(status).toBe(401);
      expect(error).toMatchObject({ code: 'invalid_api_key' });
      expect(JSON.stringify(error)).not.toContain('another-secret');
      expect((await fetch(`${vendor.baseUrl}/models`)).status).toBe(401);
    });
  });

  it('lists its models, and knows no other path', async () => {
    await withVendor({ models: ['one', 'two'] }, async (client, vendor) => {
      expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['one', 'two']);
      const answer = await fetch(`${vendor.baseUrl}/embeddings`, { method: 'POST', headers: { authorization: 'Bearer test-key' }, body: '{}' });
      expect(answer.status).toBe(404);
    });
  });
});

describe('the responses API', () => {
  const reply = {
    thinking: 'An order.\n\nI look it up.',
    text: 'Let me look.',
    toolCalls: [{ id: 'call_1', name: 'look_up', arguments: { id: 'A-1' } }],
    usage: { input: 30, output: 20, cacheRead: 10, thinking: 5 },
  };
  const request = {
    model: 'thinker',
    input: 'Where is A-1?',
    store: false,
    include: ['reasoning.encrypted_content' as const],
    reasoning: { effort: 'low' as const, summary: 'auto' as const },
    tools: [{ type: 'function' as const, name: 'look_up', strict: true, parameters: TOOL.function.parameters }],
  };
  const thinker = { models: ['test-model', 'thinker'], reasoningModels: ['thinker'] };

  it('gives a whole response, and the events that the package puts together to the same', async () => {
    await withVendor({ ...thinker, script: [reply, reply] }, async (client) => {
      const whole = await client.responses.create(request);
      expect(whole.output_text).toBe('Let me look.');
      expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call']);
      expect(whole.usage).toMatchObject({
        input_tokens: 30,
        input_tokens_details: { cached_tokens: 10 },
        output_tokens_details: { reasoning_tokens: 5 },
      });
      const types: string[] = [];
      const stream = client.responses.stream(request).on('event', ({ type }) => types.push(type));
      const streamed = await stream.finalResponse();
      expect(streamed.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call']);
      expect(streamed.output_text).toBe('Let me look.');
      expect([...new Set(types)]).toEqual([
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.reasoning_summary_part.added',
        'response.reasoning_summary_text.delta',
        'response.reasoning_summary_text.done',
        'response.reasoning_summary_part.done',
        'response.output_item.done',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.function_call_arguments.delta',
        'response.function_call_arguments.done',
        'response.completed',
      ]);
    });
  });

  it('numbers its events from 0 on, without a gap', async () => {
    await withVendor({ ...thinker, script: [reply] }, async (client) => {
      const numbers: number[] = [];
      for await (const event of await client.responses.create({ ...request, stream: true })) numbers.push(event.sequence_number);
      expect(numbers).toEqual(numbers.map((_, at) => at));
    });
  });

  it('takes back its reasoning with the call it led to, and no other', async () => {
    await withVendor({ ...thinker, script: [reply, 'It left.'] }, async (client) => {
      const { output } = await client.responses.create(request);
      const result = { type: 'function_call_output' as const, call_id: 'call_1', output: 'left' };
      const again = [{ role: 'user' as const, content: 'Where is A-1?' }, ...output, result] as OpenAI.Responses.ResponseInput;
      expect((await client.responses.create({ ...request, input: again })).output_text).toBe('It left.');
      const forged = again.map((item) => ('encrypted_content' in item ? { ...item, encrypted_content: 'gAAAAAforged.mark' } : item));
      expect(await refusal(() => client.responses.create({ ...request, input: forged }))).toMatchObject({
        error: { code: 'invalid_encrypted_content' },
      });
      const unsealed = again.map((item) => ('encrypted_content' in item ? { type: 'reasoning' as const, id: item.id, summary: [] } : item));
      expect(await refusal(() => client.responses.create({ ...request, input: unsealed as OpenAI.Responses.ResponseInput }))).toMatchObject({
        status: 404,
      });
      const alone = again.slice(0, 2);
      expect(await refusal(() => client.responses.create({ ...request, input: alone }))).toMatchObject({
        error: { message: expect.stringContaining('without its required following item') },
      });
    });
  });

  it('knows no model but its own', async () => {
    await withVendor({}, async (client) => {
      const error = { type: 'invalid_request_error', param: 'model', code: 'model_not_found' };
      expect(await refusal(() => client.responses.create({ model: 'gpt-none', input: 'Hi' }))).toMatchObject({ status: 404, error });
    });
  });

  it.each([
    ['no input', { input: undefined }, { param: 'input', code: 'missing_required_parameter' }],
    ['an unknown field', { messages: [] }, { param: 'messages', code: 'unknown_parameter' }],
    ['a result without its call', { input: [{ type: 'function_call_output', call_id: 'call_9', output: 'x' }] }, { param: 'input', code: null }],
    [
      'a call without its result',
      { input: [{ type: 'function_call', call_id: 'call_9', name: 'look_up', arguments: '{}' }] },
      { param: 'input', code: null },
    ],
    ['a role of chat completions', { input: [{ role: 'tool', content: 'x' }] }, { param: 'input[0].role', code: 'invalid_value' }],
    ['an unknown kind of item', { input: [{ type: 'thought' }] }, { param: 'input[0].type', code: 'invalid_value' }],
    [
      'what the user reads as said by the assistant',
      { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
      { code: 'invalid_value' },
    ],
    ['fewer tokens than 16', { max_output_tokens: 3 }, { param: 'max_output_tokens', code: 'integer_below_min_value' }],
    ['an answer it does not have', { previous_response_id: 'resp_1' }, { code: 'previous_response_not_found' }],
    ['effort of a model that does not reason', { reasoning: { effort: 'low' } }, { code: 'unsupported_parameter' }],
    ['a temperature of a model that reasons', { model: 'thinker', temperature: 0.5 }, { param: 'temperature', code: 'unsupported_parameter' }],
    [
      'an open schema, which it takes for strict',
      { tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }] },
      { code: 'invalid_function_parameters' },
    ],
    ['too much', { input: 'word '.repeat(2000) }, { param: 'input', code: 'context_length_exceeded' }],
  ])('refuses %s as the vendor does', async (_what, change, error) => {
    await withVendor({ ...thinker, contextWindow: 2000 }, async (client) => {
      const body = { model: 'test-model', input: 'Hi', ...change } as unknown as OpenAI.Responses.ResponseCreateParamsNonStreaming;
      expect(await refusal(() => client.responses.create(body))).toMatchObject({ status: 400, error: { type: 'invalid_request_error', ...error } });
    });
  });
});

describe('an emulated vLLM server', () => {
  it('takes the package too: without a key, with thoughts in a field, and its list of models', async () => {
    await using server = await VllmEmulator.start({ models: ['local'], script: [{ thinking: 'Hm.', text: 'Hello.' }] });
    const client = new OpenAI({ apiKey: 'EMPTY', baseURL: server.baseUrl, maxRetries: 0 });
    expect((await client.models.list()).data).toMatchObject([{ id: 'local', owned_by: 'vllm', max_model_len: 200_000 }]);
    const { choices } = await client.chat.completions.create({ model: 'local', messages: [{ role: 'user', content: 'Hi' }] });
    expect(choices[0]?.message).toMatchObject({ content: 'Hello.', reasoning: 'Hm.' });
  });

  it.each([
    ['an unknown model', { model: 'other' }, 404, { type: 'NotFoundError', code: 404 }],
    ['no messages', { messages: undefined }, 400, { type: 'Bad Request', code: 400 }],
    [
      'two messages of the user',
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'user', content: 'b' },
        ],
      },
      400,
      { type: 'BadRequestError' },
    ],
    [
      'a second system message',
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'system', content: 'b' },
        ],
      },
      400,
      { type: 'BadRequestError' },
    ],
    ['no tokens', { max_tokens: 0 }, 400, { param: 'max_tokens', code: 400 }],
    ['too much', { messages: [{ role: 'user', content: 'word '.repeat(2000) }] }, 400, { param: 'input_tokens' }],
  ])('refuses %s with its own body', async (_what, change, status, error) => {
    await using server = await VllmEmulator.start({ models: ['local'], contextWindow: 2000 });
    const client = new OpenAI({ apiKey: 'EMPTY', baseURL: server.baseUrl, maxRetries: 0, logLevel: 'off' });
    const body = {
      model: 'local',
      messages: [{ role: 'user', content: 'Hi' }],
      ...change,
    } as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
    expect(await refusal(() => client.chat.completions.create(body))).toMatchObject({ status, error });
  });
});

function withSchema(parameters: unknown, strict = false): unknown {
  return { type: 'function', function: { name: 'f', parameters, strict } };
}
