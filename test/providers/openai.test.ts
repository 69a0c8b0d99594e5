/** What is OpenAI's own, and that of compatible servers, beyond the contract of all providers. */
import { inspect } from 'node:util';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { OpenAIEmulator, VllmEmulator, type OpenAIEmulatorOptions, type VllmEmulatorOptions } from '../../src/emulators/index.js';
import {
  AbortedError,
  Agent,
  extractText,
  RoomKit,
  silentLogger,
  ValidationError,
  WebSocketChannel,
  type AIContext,
  type AIStreamItem,
} from '../../src/index.js';
import { OpenAIAIProvider, type OpenAIConfig } from '../../src/providers/openai/index.js';
import { createVllmProvider, type VllmConfig } from '../../src/providers/vllm/index.js';
import { verifies } from '../requirements.js';

const TOOL = { name: 'look_up', description: 'Looks up.', parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } };

function contextOf(content: string, more: Partial<AIContext> = {}): AIContext {
  return { messages: [{ role: 'user', content }], tools: [], targetMediaTypes: [], ...more };
}

async function itemsOf(items: AsyncIterable<AIStreamItem>): Promise<AIStreamItem[]> {
  const all: AIStreamItem[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function failure(run: () => Promise<unknown>): Promise<unknown> {
  return run().then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function withOpenAI(
  options: OpenAIEmulatorOptions,
  config: Partial<OpenAIConfig>,
  run: (provider: OpenAIAIProvider, vendor: OpenAIEmulator) => Promise<void>,
): Promise<void> {
  await using vendor = await OpenAIEmulator.start(options);
  await run(new OpenAIAIProvider({ apiKey: 'test-key', model: 'test-model', baseUrl: vendor.baseUrl, ...config }), vendor);
}

async function withVllm(
  options: VllmEmulatorOptions,
  config: Partial<VllmConfig>,
  run: (provider: ReturnType<typeof createVllmProvider>, server: VllmEmulator) => Promise<void>,
): Promise<void> {
  await using server = await VllmEmulator.start(options);
  await run(createVllmProvider({ model: 'test-model', baseUrl: server.baseUrl, ...config }), server);
}

const bodyOf = (vendor: { readonly requests: readonly { readonly body: unknown }[] }): Record<string, unknown> =>
  vendor.requests.at(-1)?.body as Record<string, unknown>;

describe('OpenAIAIProvider', () => {
  const saved = { ...process.env };
  afterEach(() => {
    process.env = { ...saved };
  });

  it('takes its key from the environment, and neither the address nor who pays', async () => {
    verifies('AIP-09');
    delete process.env['OPENAI_API_KEY'];
    expect(() => new OpenAIAIProvider({ model: 'gpt-4.1' })).toThrow(
      'OpenAIAIProvider has no key. Pass { apiKey }, or set OPENAI_API_KEY in the environment.',
    );
    Object.assign(process.env, {
      OPENAI_API_KEY: 'test-key',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
      OPENAI_ORG_ID: 'org-of-the-shell',
      OPENAI_PROJECT_ID: 'project-of-the-shell',
    });
    await using vendor = await OpenAIEmulator.start({ script: ['Hello.'] });
    const provider = new OpenAIAIProvider({ model: 'test-model', baseUrl: vendor.baseUrl });
    expect((await provider.generate(contextOf('Hi'))).content).toBe('Hello.');
    expect(JSON.stringify(vendor.requests[0]?.headers)).not.toContain('of-the-shell');
    expect(inspect(provider, { depth: 9, showHidden: true })).not.toContain('test-key');
  });

  it('takes no key that a header would show in its error', async () => {
    verifies('AIP-09');
    expect(() => new OpenAIAIProvider({ model: 'm', apiKey: 'sec\nret' })).toThrow(
      'The key of OpenAIAIProvider is empty, or holds letters that no key has',
    );
    await withOpenAI({ script: ['Hello.'] }, { apiKey: 'test-key\n' }, async (provider) => {
      expect((await provider.generate(contextOf('Hi'))).content).toBe('Hello.');
      const error = await failure(() => provider.generate(contextOf('Hi', { metadata: { api_key: 'sec\nret' } })));
      expect(error).toBeInstanceOf(ValidationError);
      expect(inspect(error)).not.toContain('sec');
    });
  });

  it('refuses a configuration that makes no sense', () => {
    verifies('KIT-07');
    const make = (config: object) => () => new OpenAIAIProvider({ apiKey: 'k', model: 'gpt-4.1', ...config });
    for (const config of [
      { model: ' ' },
      { api: 'completions' },
      { reasoningEffort: 'much' },
      { reasoningSummary: 'long' },
      { apiKey: '' },
      { maxTokens: 0 },
    ])
      expect(make(config), JSON.stringify(config)).toThrow(ValidationError);
    expect(make({ reasoningEfort: 'low' })).toThrow("has no option 'reasoningEfort'. Did you mean 'reasoningEffort'?");
  });

  it('knows by the id of a model whether it sees and reasons, unless it is told', async () => {
    verifies('AIP-05');
    const see = (config: Partial<OpenAIConfig>): boolean => new OpenAIAIProvider({ apiKey: 'k', model: 'gpt-4.1', ...config }).supportsVision;
    expect([see({}), see({ vision: false }), see({ model: 'mine' }), see({ model: 'mine', vision: true })]).toEqual([true, false, false, true]);
    const models = ['gpt-5.2', 'mine'];
    await withOpenAI({ models, reasoningModels: models }, { model: 'gpt-5.2', maxTokens: 9, temperature: 0.5 }, async (provider, vendor) => {
      await provider.generate(contextOf('Hi', { systemPrompt: 'Be kind.' }));
      expect(bodyOf(vendor)).toMatchObject({ max_completion_tokens: 9, messages: [{ role: 'developer' }, { role: 'user' }] });
      const told = new OpenAIAIProvider({
        apiKey: 'test-key',
        model: 'mine',
        reasoning: true,
        reasoningEffort: 'high',
        maxTokens: 9,
        baseUrl: vendor.baseUrl,
      });
      await told.generate(contextOf('Hi'));
      expect(bodyOf(vendor)).toMatchObject({ max_completion_tokens: 9, reasoning_effort: 'high' });
    });
  });

  it('lets newer models call tools over chat completions by giving up their reasoning, and says where they need not', async () => {
    verifies('TL-01');
    const options = { models: ['gpt-5.6-sol'], reasoningModels: ['gpt-5.6-sol'], responsesToolModels: ['gpt-5.6-sol'] };
    await withOpenAI(options, { model: 'gpt-5.6-sol' }, async (provider, vendor) => {
      await provider.generate(contextOf('Hi', { tools: [TOOL] }));
      expect(bodyOf(vendor)).toMatchObject({ reasoning_effort: 'none' });
      await provider.generate(contextOf('Hi'));
      expect(bodyOf(vendor)).not.toHaveProperty('reasoning_effort');
      const eager = new OpenAIAIProvider({ apiKey: 'test-key', model: 'gpt-5.6-sol', reasoningEffort: 'low', baseUrl: vendor.baseUrl });
      expect(await failure(() => eager.generate(contextOf('Hi', { tools: [TOOL] })))).toMatchObject({
        code: 'invalid_request',
        retryable: false,
        message: expect.stringContaining("pass { api: 'responses' }"),
      });
      const able = new OpenAIAIProvider({
        apiKey: 'test-key',
        model: 'gpt-5.6-sol',
        reasoningEffort: 'low',
        api: 'responses',
        baseUrl: vendor.baseUrl,
      });
      await able.generate(contextOf('Hi', { tools: [TOOL] }));
      expect(bodyOf(vendor)).toMatchObject({ reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'], store: false });
      expect(bodyOf(vendor)['reasoning']).not.toHaveProperty('summary');
    });
  });

  it('asks models that call tools nowhere else by the responses API, unless it is told', async () => {
    verifies('TL-01');
    const options = { models: ['gpt-6.1-sol'], reasoningModels: ['gpt-6.1-sol'], responsesToolModels: ['gpt-6.1-sol'] };
    await withOpenAI(options, { model: 'gpt-6.1-sol' }, async (provider, vendor) => {
      await provider.generate(contextOf('Hi', { tools: [TOOL] }));
      const told = new OpenAIAIProvider({ apiKey: 'test-key', model: 'gpt-6.1-sol', api: 'chat', baseUrl: vendor.baseUrl });
      await told.generate(contextOf('Hi'));
      expect(vendor.requests.map(({ path }) => path)).toEqual(['/v1/responses', '/v1/chat/completions']);
      expect(vendor.requests.map(({ body }) => (body as { store?: unknown }).store)).toEqual([false, false]);
    });
  });

  it('sends back what was reasoned before a call, in the turn of an agent', async () => {
    verifies('AIP-02', 'TL-02');
    const options = { models: ['gpt-5.6-sol'], reasoningModels: ['gpt-5.6-sol'] };
    await withOpenAI(options, { model: 'gpt-5.6-sol', api: 'responses' }, async (provider, vendor) => {
      vendor.enqueue({ thinking: 'I need the order.', text: 'Let me look.', toolCalls: [{ name: 'look_up', arguments: { id: 'A-1' } }] }, 'It left.');
      await using kit = new RoomKit({ logger: silentLogger });
      kit.registerChannel(new WebSocketChannel('web'));
      kit.registerChannel(new Agent('agent', { provider, tools: [{ ...TOOL, handler: () => 'left' }] }));
      await kit.createRoom({ roomId: 'room' });
      await kit.attachChannel('room', 'web');
      await kit.attachChannel('room', 'agent', { category: 'intelligence' });
      await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is A-1?' }, { roomId: 'room' });
      const types = (bodyOf(vendor)['input'] as { type: string }[]).map(({ type }) => type);
      expect(types).toEqual(['message', 'reasoning', 'message', 'function_call', 'function_call_output']);
      const timeline = await kit.getTimeline('room');
      expect(timeline.map(extractText).join('\n')).toContain('It left.');
      expect(JSON.stringify(timeline)).not.toContain('I need the order.');
    });
  });

  it('knows that waiting fills no empty account', async () => {
    verifies('PV-12');
    await withOpenAI({}, {}, async (provider, vendor) => {
      vendor.enqueue({ failure: { status: 429, type: 'insufficient_quota' } });
      expect(await failure(() => provider.generate(contextOf('Hi')))).toMatchObject({ code: 'quota_exceeded', statusCode: 429, retryable: false });
    });
  });

  it.each(['chat', 'responses'] as const)('is aborted, and not broken off, when a stream of %s is left', async (api) => {
    verifies('TURN-02');
    await withOpenAI({}, { api }, async (provider, vendor) => {
      vendor.enqueue({ text: 'Word after word after word after word.', pieceChars: 4, pause: { after: 8, until: new Promise(() => undefined) } });
      const controller = new AbortController();
      const error = await failure(async () => {
        for await (const _item of provider.generateStream(contextOf('Hi'), { signal: controller.signal })) controller.abort();
      });
      expect(error).toBeInstanceOf(AbortedError);
    });
  });

  it('takes a client of your own', async () => {
    verifies('AI-11');
    await using vendor = await OpenAIEmulator.start({ script: ['Hello.'], apiKey: 'of-the-client' });
    const client = new OpenAI({ apiKey: 'of-the-client', baseURL: vendor.baseUrl });
    expect((await new OpenAIAIProvider({ model: 'test-model', client }).generate(contextOf('Hi'))).content).toBe('Hello.');
  });

  it('says that what answered is no such API', async () => {
    verifies('AI-11');
    for (const api of ['chat', 'responses'] as const) {
      const fetch = async (): Promise<Response> => new Response('<html>Hello</html>', { headers: { 'content-type': 'text/html' } });
      const provider = new OpenAIAIProvider({ api, model: 'gpt-4.1', client: new OpenAI({ apiKey: 'k', fetch, maxRetries: 0 }) });
      expect(await failure(() => provider.generate(contextOf('Hi')))).toMatchObject({ code: 'invalid_response', retryable: false });
    }
  });
});

describe('createVllmProvider', () => {
  it('asks without a key of the environment, for no usage and for nothing strict', async () => {
    verifies('AIP-07');
    const closed = { ...TOOL, parameters: { ...TOOL.parameters, additionalProperties: false } };
    await withVllm({ script: ['Hello.', 'Hello.'] }, {}, async (provider, server) => {
      const items = await itemsOf(provider.generateStream(contextOf('Hi', { tools: [closed] })));
      const done = items.at(-1);
      expect(done).toMatchObject({ type: 'done', finishReason: 'stop' });
      expect(done).not.toHaveProperty('usage');
      expect(server.requests[0]?.headers['authorization']).toBe('Bearer none');
      expect(Object.keys(bodyOf(server)).sort()).toEqual(['messages', 'model', 'stream', 'tools']);
      expect(server.requests[0]?.text).not.toContain('strict');
      expect((await provider.generate(contextOf('Hi'))).usage).toMatchObject({ output_tokens: 2 });
    });
  });

  it.each(['reasoning', 'reasoning_content', 'tags'] as const)(
    'tells thoughts from words that come by %s, however they are cut',
    async (thinking) => {
      verifies('AIP-07', 'STR-07');
      await withVllm({ thinking }, {}, async (provider, server) => {
        for (const pieceChars of [1, 3, 7, 100]) {
          const reply = { thinking: 'Two and two. Four.', text: 'It is < 5 and > 3: four.', pieceChars };
          server.enqueue(reply, reply);
          const items = await itemsOf(provider.generateStream(contextOf('2 + 2?')));
          const told = (type: string): string => items.map((item) => (item.type === type && 'text' in item ? item.text : '')).join('');
          expect([told('thinking_delta'), told('text_delta')]).toEqual([reply.thinking, reply.text]);
          expect((await provider.generate(contextOf('2 + 2?'))).content).toBe(reply.text);
        }
      });
    },
  );

  it('sends further fields as they are', async () => {
    verifies('AIP-07');
    await withVllm(
      {},
      { body: { top_k: 20, chat_template_kwargs: { enable_thinking: false } }, temperature: 0.6, maxTokens: 50 },
      async (provider, server) => {
        await provider.generate(contextOf('Hi'));
        expect(bodyOf(server)).toMatchObject({ top_k: 20, chat_template_kwargs: { enable_thinking: false }, temperature: 0.6, max_tokens: 50 });
      },
    );
  });

  it('understands errors that are a text, or have a number as their code', async () => {
    verifies('PV-12', 'AIP-10');
    await withVllm({ apiKey: 'secret' }, {}, async (provider) => {
      expect(await failure(() => provider.generate(contextOf('Hi')))).toMatchObject({ code: 'auth_error', statusCode: 401, retryable: false });
    });
    await withVllm({}, {}, async (provider, server) => {
      for (const [status, retryable] of [
        [503, true],
        [400, false],
      ] as const) {
        server.enqueue({ text: 'Word after word.', failAfter: { events: 1, failure: { status, message: 'prose' } } });
        expect(await failure(() => itemsOf(provider.generateStream(contextOf('Hi'))))).toMatchObject({ statusCode: status, retryable });
      }
    });
  });

  it('refuses a configuration that makes no sense', () => {
    verifies('KIT-07');
    const make = (config: object) => () => createVllmProvider({ model: 'm', ...config });
    for (const config of [{ model: '' }, { baseUrl: 'localhost:8000' }, { reasoningEffort: 'much' }, { temperature: -1 }])
      expect(make(config), JSON.stringify(config)).toThrow(ValidationError);
    expect(make({ baseURL: 'http://x' })).toThrow("Did you mean 'baseUrl'?");
    expect(make({})()).toMatchObject({ name: 'vllm', modelName: 'm', supportsVision: false, supportsStreaming: true, supportsTools: true });
  });
});
