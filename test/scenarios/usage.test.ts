/** What generations cost, who may ask for it, and budgets that refuse the next one (§36). */
import { afterEach, describe, expect, it } from 'vitest';
import {
  AIChannel,
  GenAIAttribute,
  HookResult,
  InMemoryStore,
  MockAIProvider,
  ProviderError,
  SlidingWindowMemory,
  SummarizingMemory,
  type AIChannelOptions,
  type Budget,
  type ConversationStore,
  type ErrorNotice,
  type InboundResult,
  type RoomKit,
  type RoomKitOptions,
  type ScriptedReply,
} from '../../src/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { MockTelemetryProvider } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { makeKit, openRoom, settle, TestTransport, textOf, type Harness } from '../support/harness.js';

const STORES: Readonly<Record<string, () => Promise<ConversationStore>>> = {
  memory: () => Promise.resolve(new InMemoryStore()),
  sqlite: () => SqliteStore.open(':memory:'),
};
const prices = { 'mock-model': { input: 100_000, output: 200_000 } }; // 10 and 5 tokens: 1 + 1
const opened: RoomKit[] = [];
afterEach(async () => {
  for (const kit of opened.splice(0)) await kit.close();
});

interface Scene extends Harness {
  readonly transport: TestTransport;
  readonly errors: ErrorNotice[];
  say(content?: string, roomId?: string): Promise<InboundResult>;
}

async function scene(
  agent: Omit<AIChannelOptions, 'provider'> & { provider?: AIChannelOptions['provider'] },
  options: RoomKitOptions = {},
): Promise<Scene> {
  const { kit, clock } = makeKit({ prices, ...options });
  opened.push(kit);
  const transport = new TestTransport('a');
  await openRoom(kit, [transport, new AIChannel('bot', { provider: new MockAIProvider(), ...agent })]);
  const errors: ErrorNotice[] = [];
  kit.hook('on_error', { name: 'watch' }, (error) => void errors.push(error));
  return {
    kit,
    clock,
    transport,
    errors,
    say: async (content = 'Hello', roomId = 'room') => {
      const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
      await settle(clock);
      return result;
    },
  };
}

const tool = { name: 'look', description: 'Looks.', handler: () => 'seen' };
const looks = (content = ''): ScriptedReply => ({ content, toolCalls: [{ id: '1', name: 'look', arguments: {} }] });
const used = { input_tokens: 10, output_tokens: 5 };

describe.each(Object.entries(STORES))('usage on the store %s', (_name, open) => {
  it('is recorded for every generation, with the turn’s end, and summed by agent and model', async () => {
    verifies('USG-01', 'USG-02');
    for (const streaming of [false, true]) {
      const provider = new MockAIProvider({ streaming, script: [looks('A moment. '), 'There.', 'Bye.'] });
      const s = await scene({ provider, tools: [tool] }, { store: await open() });
      await s.say();
      const expected = { generations: 2, tokens: { input_tokens: 20, output_tokens: 10 }, cost: 4, unpriced: 0 };
      expect(await s.kit.getUsage('room')).toMatchObject({
        ...expected,
        byAgent: { bot: expected },
        byModel: { 'mock-model': expected },
        rows: [{ agentId: 'bot', provider: 'mock', model: 'mock-model', ...expected }],
      });
      await s.say();
      expect(await s.kit.getUsage()).toMatchObject({ generations: 3, cost: 6 });
      expect(await s.kit.getUsage({ agentId: 'other' })).toEqual({
        generations: 0,
        tokens: {},
        ms: 0,
        unpriced: 0,
        byAgent: {},
        byModel: {},
        rows: [],
      });
      const now = new Date(s.clock.now()).toISOString();
      expect((await s.kit.getUsage({ to: now })).generations).toBe(0);
      expect((await s.kit.getUsage({ from: now })).generations).toBe(3);
      await expect(s.kit.getUsage('elsewhere')).rejects.toMatchObject({ code: 'room_not_found' });
      await expect(s.kit.getUsage({ from: 'yesterday' })).rejects.toThrow(/from is "yesterday"/);
    }
  });

  it('counts what failed, the fallback, turns that end without an answer, and blocked answers', async () => {
    verifies('USG-01', 'AI-09');
    const failing = new ProviderError('no', { provider: 'mock', code: 'overloaded', retryable: true, usage: { input_tokens: 7 } });
    const silent = new ProviderError('no', { provider: 'mock', code: 'overloaded', retryable: true });
    const provider = new MockAIProvider({ script: [failing, '', 'blocked', silent, failing] });
    const fallbackProvider = new MockAIProvider({ model: 'spare', script: ['ok', 'ok', new Error('both')] });
    const s = await scene({ provider, fallbackProvider }, { store: await open() });
    s.kit.hook('before_broadcast', { name: 'guard' }, (event) => (textOf(event) === 'blocked' ? HookResult.block('no') : HookResult.allow()));
    const first = await s.say();
    expect(first.turns[0]?.usage).toEqual({ input_tokens: 17, output_tokens: 5 });
    expect(await s.kit.getUsage('room')).toMatchObject({
      generations: 2,
      cost: 0.7,
      unpriced: 1,
      byModel: { 'mock-model': { tokens: { input_tokens: 7 } }, spare: { tokens: used } },
    });
    expect((await s.kit.getUsage('room')).byModel['spare']).not.toHaveProperty('cost');
    await s.say(); // says nothing
    await s.say(); // is blocked
    expect((await s.kit.getUsage('room')).byModel['mock-model']?.generations).toBe(3);
    await s.say(); // failed without a word of what it cost
    expect((await s.kit.getUsage('room')).byModel).toMatchObject({ 'mock-model': { generations: 3 }, spare: { generations: 2 } });
    await s.say(); // both fail
    expect((await s.kit.getUsage('room')).byModel).toMatchObject({ 'mock-model': { generations: 4 }, spare: { generations: 2 } });
  });

  it('counts a turn that waits for a person before and after it waited, each generation once', async () => {
    verifies('USG-01', 'APR-04');
    for (const streaming of [false, true]) {
      const provider = new MockAIProvider({ streaming, script: [looks(), 'Done.'] });
      const s = await scene({ provider, tools: [{ ...tool, requiresApproval: true, approvers: ['host'] }] }, { store: await open() });
      await s.say();
      expect((await s.kit.getUsage('room')).generations).toBe(1);
      const [approval] = await s.kit.listApprovals({ roomId: 'room' });
      await s.kit.resolveApproval(approval?.id ?? 'none', { approve: true, by: 'host' });
      await settle(s.clock);
      expect(provider.callCount).toBe(2);
      expect(await s.kit.getUsage('room')).toMatchObject({ generations: 2, cost: 4 });
    }
  });

  it('counts the summaries of a memory, too', async () => {
    verifies('USG-01', 'MEM-07');
    const scribe = new MockAIProvider({ model: 'scribe', responses: ['notes'] });
    const memory = new SummarizingMemory(new SlidingWindowMemory(), { provider: scribe, keepEvents: 1, everyEvents: 1 });
    const s = await scene({ memory }, { store: await open() });
    await s.say();
    await s.say();
    expect(scribe.callCount).toBe(1);
    expect((await s.kit.getUsage('room')).rows).toMatchObject([
      { model: 'mock-model', generations: 2 },
      { agentId: 'bot', model: 'scribe', tokens: used },
    ]);
  });

  it('is told of one organization only', async () => {
    verifies('USG-01', 'PERM-09');
    const store = await open();
    const s = await scene({}, { store });
    for (const organizationId of ['acme', 'globex']) {
      await s.kit.createRoom({ roomId: organizationId, organizationId });
      for (const channelId of ['a', 'bot']) await s.kit.attachChannel(organizationId, channelId);
      await s.say('Hello', organizationId);
    }
    expect((await s.kit.getUsage({ organizationId: 'acme' })).generations).toBe(1);
    expect((await s.kit.getUsage()).generations).toBe(2);
    const scoped = makeKit({ store, organizationId: 'acme' }).kit;
    expect((await scoped.getUsage()).generations).toBe(1);
    expect((await scoped.getUsage({ organizationId: 'globex' })).generations).toBe(1); // its own, whatever is asked
    await expect(scoped.getUsage('globex')).rejects.toMatchObject({ code: 'room_not_found' });
  });
});

describe('a budget', () => {
  it('refuses the next generation of a turn, posts what was said, and says why', async () => {
    verifies('USG-03', 'TURN-07');
    for (const streaming of [false, true]) {
      const provider = new MockAIProvider({ streaming, script: [looks('A moment. '), looks('Still. '), 'Never said.'] });
      const s = await scene({ provider, tools: [tool], budget: { turn: 20 } });
      const { turns, event } = await s.say();
      expect(provider.callCount).toBe(2); // 15 of 20, and the second was not cut
      expect(turns[0]).toMatchObject({
        state: 'failed',
        endReason: 'budget_exceeded',
        error: { code: 'budget_exceeded' },
        usage: { input_tokens: 20 },
      });
      expect(turns[0]?.error?.message).toBe("The budget of agent 'bot' for a turn is used up: 30 of 20 tokens.");
      expect(s.transport.texts.at(-1)).toMatch(/^A moment\.\s+Still\.\s*$/);
      const [reply] = (await s.kit.getTimeline('room', { newestFirst: true })).filter(({ source }) => source.channelId === 'bot');
      expect(reply?.metadata).toMatchObject({ end_reason: 'budget_exceeded', partial: true });
      expect(s.errors).toEqual([
        {
          category: 'budget',
          code: 'budget_exceeded',
          message: turns[0]?.error?.message,
          room_id: 'room',
          channel_id: 'bot',
          turn_id: turns[0]?.turnId,
        },
      ]);
      const steps = s.kit.getTrace(event?.id ?? '')?.turnSteps ?? [];
      expect(steps.at(-1)).toMatchObject({ kind: 'generation', code: 'budget_exceeded', ms: 0 });
      expect((await s.kit.getUsage('room')).generations).toBe(2);
    }
  });

  it('that is used up before a turn leaves it without an answer', async () => {
    verifies('USG-03');
    for (const streaming of [false, true]) {
      const provider = new MockAIProvider({ streaming });
      const s = await scene({ provider, budget: { room: { tokens: 15 } } });
      await s.say();
      const before = s.transport.texts.length;
      const { turns } = await s.say();
      expect(turns[0]).toMatchObject({ state: 'failed', endReason: 'budget_exceeded', replyEventIds: [] });
      expect([provider.callCount, s.errors.length]).toEqual([1, 1]);
      expect(s.transport.texts.length).toBe(before);
      // Another room has its own.
      await openAnother(s);
      expect((await s.say('Hello', 'other')).turns[0]?.state).toBe('committed');
    }
  });

  it('counts by agent, by room and by day, in tokens and in cost', async () => {
    verifies('USG-03', 'USG-02');
    const ends = async (s: Scene, roomId = 'room'): Promise<string | undefined> => (await s.say('Hello', roomId)).turns[0]?.endReason;
    const daily = await scene({ budget: { day: { cost: 2 } } });
    await openAnother(daily);
    expect([await ends(daily), await ends(daily, 'other'), await ends(daily)]).toEqual(['completed', 'budget_exceeded', 'budget_exceeded']);
    await daily.clock.advance(24 * 3600 * 1000);
    expect([await ends(daily), await ends(daily)]).toEqual(['completed', 'budget_exceeded']);

    const shared: Budget = { room: 30, day: { tokens: 1000 } };
    const s = await scene({});
    await openAnother(s, { aiConfig: { budget: shared } });
    s.kit.registerChannel(new AIChannel('second', { provider: new MockAIProvider() }));
    await s.kit.attachChannel('other', 'second');
    const both = (await s.say('Hello', 'other')).turns.map(({ endReason }) => endReason);
    expect(both.slice(0, 2)).toEqual(['completed', 'completed']);
    expect((await s.say('Hello', 'other')).turns[0]?.error?.message).toMatch(
      /^The budget of room 'other' for a room is used up: \d+ of 30 tokens\.$/,
    );
    expect(await ends(s)).toBe('completed');
  });

  it('in cost is refused where nobody knows the cost', async () => {
    verifies('USG-02', 'USG-03');
    const s = await scene({ budget: { turn: { cost: 1 } } }, { prices: {} });
    const { turns } = await s.say();
    expect(turns[0]).toMatchObject({
      state: 'failed',
      endReason: 'error',
      error: { message: expect.stringContaining("its model 'mock-model' has no price") },
    });
  });

  it('that makes no sense is refused at once', async () => {
    verifies('USG-03');
    const provider = new MockAIProvider();
    for (const budget of [{ week: 5 }, { day: -1 }, { day: {} }, { room: { token: 5 } }, 'much', { turn: { cost: Number.NaN } }]) {
      expect(() => new AIChannel('bot', { provider, budget: budget as never })).toThrow(/budget/);
      const { kit } = await scene({});
      await expect(kit.createRoom({ aiConfig: { budget: budget as never } })).rejects.toThrow(/budget/);
    }
  });

  it('needs a store that keeps usage', async () => {
    verifies('USG-03');
    const store = new InMemoryStore() as ConversationStore;
    store.sumUsage = undefined;
    const s = await scene({ budget: { day: 10 } }, { store });
    expect((await s.say()).turns[0]).toMatchObject({ state: 'failed', error: { code: 'not_supported' } });
    await expect(s.kit.getUsage()).rejects.toThrow(/keeps no usage/);
  });
});

describe('the spans of generations and tools', () => {
  it('say the same in the words of OpenTelemetry', async () => {
    verifies('TEL-04', 'USG-01');
    const telemetry = new MockTelemetryProvider();
    const usage = { input_tokens: 3, output_tokens: 4, cache_read_tokens: 5, cache_write_tokens: 6, reasoning_tokens: 2 };
    const failing = new ProviderError('no', { provider: 'mock', code: 'overloaded', usage: { input_tokens: 7 } });
    const provider = new MockAIProvider({ script: [{ ...(looks() as object), usage, finishReason: 'tool_use' }, failing] });
    const s = await scene({ provider, tools: [tool], temperature: 0.5, maxTokens: 99 }, { telemetry: { provider: telemetry } });
    await s.say();
    const [first, second] = telemetry.of('llm.generate').map(({ attributes, end }) => ({ ...attributes, ...end?.attributes }));
    expect(first).toMatchObject({
      provider: 'mock',
      input_tokens: 3,
      [GenAIAttribute.OPERATION_NAME]: 'chat',
      [GenAIAttribute.PROVIDER_NAME]: 'mock',
      [GenAIAttribute.REQUEST_MODEL]: 'mock-model',
      [GenAIAttribute.REQUEST_MAX_TOKENS]: 99,
      [GenAIAttribute.REQUEST_TEMPERATURE]: 0.5,
      [GenAIAttribute.AGENT_NAME]: 'bot',
      [GenAIAttribute.CONVERSATION_ID]: 'room',
      'gen_ai.usage.input_tokens': 14,
      'gen_ai.usage.output_tokens': 4,
      'gen_ai.usage.cache_read.input_tokens': 5,
      'gen_ai.usage.cache_creation.input_tokens': 6,
      'gen_ai.usage.reasoning.output_tokens': 2,
      'gen_ai.response.finish_reasons': ['tool_use'],
    });
    expect(second).toMatchObject({ 'error.type': 'overloaded', 'gen_ai.usage.input_tokens': 7 });
    const [called] = telemetry.of('llm.tool_call').map(({ attributes }) => attributes);
    expect(called).toMatchObject({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'look', 'gen_ai.tool.call.id': '1', call_id: '1' });
  });
});

async function openAnother({ kit }: Scene, options: object = {}): Promise<void> {
  await kit.createRoom({ roomId: 'other', ...options });
  for (const channelId of ['a', 'bot']) await kit.attachChannel('other', channelId);
}
