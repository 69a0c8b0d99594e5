/** Anthropic's own package, unchanged, against the emulator; and what the emulator refuses, in the vendor's words. */
import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { AnthropicEmulator, type AnthropicEmulatorOptions } from '../../src/emulators/index.js';

const TOOL = { name: 'look_up', description: 'Looks up.', input_schema: { type: 'object' as const, properties: { id: { type: 'string' } } } };
const REQUEST = { model: 'test-model', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Where is A-1?' }] };

async function withVendor(options: AnthropicEmulatorOptions, run: (client: Anthropic, vendor: AnthropicEmulator) => Promise<void>): Promise<void> {
  await using vendor = await AnthropicEmulator.start(options);
  await run(new Anthropic({ apiKey: 'test-key', baseURL: vendor.url, maxRetries: 0 }), vendor);
}

describe('the Messages API', () => {
  it('gives a whole message, and a stream that the package puts together to the same', async () => {
    const reply = {
      thinking: 'An order.',
      text: 'Let me look.',
      toolCalls: [{ id: 'toolu_1', name: 'look_up', arguments: { id: 'A-1' } }],
      usage: { input: 30, output: 9, cacheRead: 10 },
    };
    await withVendor({ script: [reply, reply] }, async (client) => {
      const request = { ...REQUEST, max_tokens: 3000, tools: [TOOL], thinking: { type: 'enabled' as const, budget_tokens: 2000 } };
      const whole = await client.messages.create(request);
      expect(whole).toMatchObject({
        role: 'assistant',
        stop_reason: 'tool_use',
        content: [
          { type: 'thinking', thinking: 'An order.' },
          { type: 'text', text: 'Let me look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'look_up', input: { id: 'A-1' } },
        ],
        usage: { input_tokens: 20, cache_read_input_tokens: 10, output_tokens: 9 },
      });
      const streamed = await client.messages.stream(request).finalMessage();
      // The vendor's streams say nothing of citations where there are none.
      expect(whole.content).toMatchObject(streamed.content);
      expect([streamed.stop_reason, streamed.usage.output_tokens]).toEqual(['tool_use', 9]);
    });
  });

  it('sends the events of a stream in the vendor’s order', async () => {
    await withVendor(
      { script: [{ text: 'Hello there', pieceChars: 6, toolCalls: [{ name: 'look_up', arguments: { id: 'A' } }] }] },
      async (client) => {
        const kinds: string[] = [];
        for await (const event of await client.messages.create({ ...REQUEST, tools: [TOOL], stream: true })) kinds.push(event.type);
        expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
          ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop'],
          ...['content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'],
        ]);
      },
    );
  });

  const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {} }] };
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' }] };
  const user = { role: 'user', content: 'Hi' };
  const marked = (n: number): unknown[] => Array.from({ length: n }, () => ({ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }));
  it.each([
    ['no max_tokens', { max_tokens: undefined }, /max_tokens: Field required/],
    ['no messages', { messages: [] }, /at least one message is required/],
    ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, /Unexpected role "robot"/],
    ['the assistant first', { messages: [{ role: 'assistant', content: 'x' }, user] }, /first message must use the "user" role/],
    ['an empty text', { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, /text content blocks must be non-empty/],
    ['blanks alone', { messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] }, /must contain non-whitespace text/],
    ['a call without its result', { messages: [user, call, user], tools: [TOOL] }, /`tool_use` ids were found without `tool_result` blocks/],
    ['a result without its call', { messages: [result], tools: [TOOL] }, /unexpected `tool_use_id` found in `tool_result` blocks: toolu_1/],
    ['results without tools', { messages: [user, call, result] }, /must define tools/],
    ['a temperature', { temperature: 1 }, /temperature: Extra inputs are not permitted/],
    ['an unknown field', { surprise: 1 }, /surprise: Extra inputs are not permitted/],
    ['a tool without a schema', { tools: [{ name: 'a' }] }, /tools\.0\.custom\.input_schema: Field required/],
    ['a tool of a wrong name', { tools: [{ ...TOOL, name: 'a.b' }] }, /String should match pattern/],
    ['two tools of one name', { tools: [TOOL, TOOL] }, /Tool names must be unique/],
    [
      'too many cache marks',
      { messages: [{ role: 'user', content: marked(5) }] },
      /A maximum of 4 blocks with cache_control may be provided\. Found 5/,
    ],
    ['a small thinking budget', { thinking: { type: 'enabled', budget_tokens: 10 } }, /greater than or equal to 1024/],
    [
      'a budget above the limit',
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      /`max_tokens` must be greater than `thinking\.budget_tokens`/,
    ],
    [
      'an image of a wrong type',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/tiff', data: 'eA==' } }] }] },
      /media_type/,
    ],
  ])('refuses %s', async (_what, change, words) => {
    await withVendor({}, async (client) => {
      const body = { ...REQUEST, ...change } as never; // as a program without types would send it
      for (const stream of [false, true]) {
        const error: unknown = await client.messages.create({ ...(body as object), stream } as never).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (!(error instanceof Anthropic.BadRequestError)) throw new Error(`this is refused, not ${String(error)}`);
        expect(error.error).toMatchObject({
          type: 'error',
          error: { type: 'invalid_request_error', message: expect.stringMatching(words) as string },
        });
        expect(error.requestID).toMatch(/^req_/);
      }
    });
  });

  it('refuses an unknown model, a wrong key, a strange thought and a budget where the model decides by itself', async () => {
    await withVendor({ models: ['test-model', 'adaptive'], adaptiveModels: ['adaptive'] }, async (client, vendor) => {
      const thinking = { type: 'enabled' as const, budget_tokens: 1024 };
      await expect(client.messages.create({ ...REQUEST, model: 'none' })).rejects.toMatchObject({ status: 404, type: 'not_found_error' });
      await expect(client.messages.create({ ...REQUEST, model: 'adaptive', max_tokens: 2000, thinking })).rejects.toThrow(/thinking\.type\.adaptive/);
      const forged = { type: 'thinking' as const, thinking: 'I may.', signature: 'forged' };
      const messages = [
        { role: 'user' as const, content: 'Hi' },
        { role: 'assistant' as const, content: [forged] },
        { role: 'user' as const, content: 'Go' },
      ];
      await expect(client.messages.create({ ...REQUEST, max_tokens: 2000, thinking, messages })).rejects.toThrow(
        /Invalid `signature` in `thinking` block/,
      );
      const stranger = new Anthropic({ apiKey: 'wrong', baseURL: vendor.url, maxRetries: 0 });
      await expect(stranger.messages.create(REQUEST)).rejects.toMatchObject({ status: 401, type: 'authentication_error' });
      const early = { ...REQUEST, temperature: 0.5 } as never;
      await expect(client.messages.create(early, { headers: { 'anthropic-version': '2023-06-01' } })).resolves.toMatchObject({ role: 'assistant' });
    });
  });
});
