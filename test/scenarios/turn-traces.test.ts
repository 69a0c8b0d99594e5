/** What the decision trace tells of turns (TEL-07): what each model was given, in figures; what was tried again; how it ended. */
import { describe, expect, it } from 'vitest';
import {
  Agent,
  HandoffMemoryProvider,
  messageText,
  MockAIProvider,
  ProviderError,
  setConversationState,
  SlidingWindowMemory,
  type AIContext,
  type AITool,
  type DecisionTrace,
  type TurnStepTrace,
} from '../../src/index.js';
import { aCall, asks } from '../ai-harness.js';
import { makeKit, openRoom, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

const busy = new ProviderError('confidential cause', { provider: 'mock', code: 'overloaded', retryable: true });

const find: AITool = {
  name: 'find',
  description: 'Finds an order.',
  parameters: { type: 'object', properties: { number: { type: 'integer' } } },
  handler: () => 'confidential result',
};

/** Part → [characters, how many]. */
function partsOf(step: TurnStepTrace | undefined): Record<string, readonly [chars: number, count: number | undefined]> {
  return Object.fromEntries((step?.prompt?.parts ?? []).map(({ part, chars, count }) => [part, [chars, count]]));
}

function sizeOf(messages: AIContext['messages']): number {
  // Messages of one role are put together, each on lines of its own.
  return messages.reduce((chars, message) => chars + messageText(message).replaceAll('\n', '').length, 0);
}

const generations = (trace: DecisionTrace | undefined): TurnStepTrace[] => (trace?.turnSteps ?? []).filter(({ kind }) => kind === 'generation');

describe('the trace of a turn', () => {
  it('counts what the model was given, part by part, without a word of it', async () => {
    verifies('TEL-07');
    const { kit } = makeKit();
    const provider = new MockAIProvider({
      model: 'large',
      vision: true,
      script: ['confidential greeting', asks(aCall('find', { number: 7 })), 'confidential answer'],
    });
    const memory = new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 10 }));
    const agent = new Agent('bot', { provider, systemPrompt: 'You are confidential.', role: 'Helper', tools: [find], memory });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const say = async (senderId: string, content: Parameters<typeof kit.processInbound>[0]['content']): Promise<DecisionTrace | undefined> => {
      const { event } = await kit.processInbound({ channelId: 'a', senderId, content }, { roomId });
      return kit.getTrace(event?.id ?? '');
    };

    const [first] = generations(await say('u', 'confidential question'));
    expect(first?.prompt).toMatchObject({ images: 0, tools: ['find'] });
    expect(partsOf(first)).toEqual({
      own_prompt: ['You are confidential.'.length, undefined],
      identity: [(provider.calls[0]?.systemPrompt?.length ?? 0) - 'You are confidential.'.length, undefined],
      tools: [JSON.stringify(find.parameters).length + 'find'.length + 'Finds an order.'.length, 1],
      asked: ['confidential question'.length, 1],
    });

    // A second person, an image, a handoff before it, and a tool.
    const context = { handoff_from: 'desk', handoff_summary: 'confidential summary' };
    await kit.store.updateRoom(setConversationState(await kit.getRoom(roomId), { context }));
    const trace = await say('v', {
      type: 'composite',
      parts: [
        { type: 'text', body: 'confidential image' },
        { type: 'media', url: 'https://example.com/a.png', mimeType: 'image/png' },
      ],
    });
    const [second, third] = generations(trace);
    const given = provider.calls[1];
    expect(second?.prompt?.images).toBe(1);
    const { own_prompt, identity, notes, memory: remembered, history, asked, work } = partsOf(second);
    expect((own_prompt?.[0] ?? 0) + (identity?.[0] ?? 0) + (notes?.[0] ?? 0)).toBe(given?.systemPrompt?.length);
    expect(notes?.[0]).toBeGreaterThan(0);
    expect([remembered?.[1], history?.[1], asked?.[1], work]).toEqual([1, 2, 1, undefined]);
    expect((remembered?.[0] ?? 0) + (history?.[0] ?? 0) + (asked?.[0] ?? 0)).toBe(sizeOf(given?.messages ?? []));
    // What the turn has called, and what came of it.
    expect(partsOf(third)).toMatchObject({ history, asked, work: ['find'.length + '{"number":7}'.length + 'confidential result'.length, 2] });
    expect(JSON.stringify(trace)).not.toContain('confidential');
  });

  it('tells what was done after a failure, of the time of each attempt alone, and how the turn ended', async () => {
    verifies('TEL-07', 'AI-09');
    const { kit, clock } = makeKit();
    const provider = new MockAIProvider({ model: 'large', script: [busy, busy] });
    const fallbackProvider = new MockAIProvider({ model: 'small', responses: ['there'] });
    const agent = new Agent('bot', { provider, fallbackProvider, retryPolicy: { maxRetries: 1, baseDelaySeconds: 3, jitter: 'none' } });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const asking = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(3000);
    const { event, turns } = await asking;
    const trace = kit.getTrace(event?.id ?? '');
    expect(trace?.turnSteps.map(({ name, code, recovery, ms }) => [name, code, recovery, ms])).toEqual([
      ['large', 'overloaded', 'retry', 0],
      ['large', 'overloaded', 'fallback', 0],
      ['small', undefined, undefined, 0],
    ]);
    const [one, two] = trace?.turnSteps ?? [];
    expect(Date.parse(two?.startedAt ?? '') - Date.parse(one?.startedAt ?? '')).toBe(3000);
    const [turn] = turns;
    const at = new Date(clock.now()).toISOString();
    expect(trace?.turnEnds).toEqual([
      { channelId: 'bot', turnId: turn?.turnId, at, state: 'committed', endReason: 'completed', replyEventIds: turn?.replyEventIds },
    ]);
  });

  it('shows the history that did not fit, and how much of it was left', async () => {
    verifies('TEL-07', 'AI-09');
    const { kit } = makeKit();
    const tooLong = new ProviderError('too long', { provider: 'mock', code: 'context_overflow' });
    const provider = new MockAIProvider({ script: ['one', 'two', tooLong, 'three'] });
    const roomId = await openRoom(kit, [new TestTransport('a'), new Agent('bot', { provider })]);
    let trace: DecisionTrace | undefined;
    for (const content of ['a', 'b', 'c']) {
      const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
      trace = kit.getTrace(event?.id ?? '');
    }
    expect(generations(trace).map((step) => [step.recovery, partsOf(step)['history']?.[1], partsOf(step)['asked']?.[1]])).toEqual([
      ['shorter', 4, 1],
      [undefined, 2, 1],
    ]);
  });

  it('tells that a turn waited for a person and went on, and has ended once', async () => {
    verifies('TEL-07', 'APR-04');
    const { kit } = makeKit();
    const provider = new MockAIProvider({ script: [asks(aCall('find', { number: 7 })), 'done'] });
    const agent = new Agent('bot', { provider, tools: [{ ...find, requiresApproval: true }] });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const traced = (): DecisionTrace | undefined => kit.getTrace(event?.id ?? '');
    expect(traced()?.turnEnds).toEqual([]);
    const [approval] = await kit.listApprovals({ roomId });
    const ended = new Promise<void>((resolve) => kit.onCommitted(({ source }) => source.channelId === 'bot' && resolve()));
    await kit.resolveApproval(approval?.id ?? '', { approve: true, by: 'host' });
    await ended;
    await kit.drain();
    expect(traced()?.turnDecisions.map(({ decision }) => decision)).toEqual(['waiting', 'resumed']);
    expect(traced()?.turnEnds).toMatchObject([{ state: 'committed', endReason: 'completed' }]);
    expect(partsOf(generations(traced()).at(-1))).toMatchObject({ asked: [1, 1], work: [expect.any(Number), 2] });
  });

  it('of a turn that came to nothing tells why', async () => {
    verifies('TEL-07');
    const { kit } = makeKit();
    const wrong = new ProviderError('confidential', { provider: 'mock', code: 'bad_request' });
    const provider = new MockAIProvider({ script: [wrong, ''] });
    const roomId = await openRoom(kit, [new TestTransport('a'), new Agent('bot', { provider })]);
    const ends: unknown[] = [];
    for (const content of ['a', 'b']) {
      const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
      ends.push(...(kit.getTrace(event?.id ?? '')?.turnEnds ?? []));
    }
    expect(ends).toMatchObject([
      { state: 'failed', endReason: 'error', code: 'bad_request', replyEventIds: [] },
      { state: 'empty', endReason: 'empty', replyEventIds: [] },
    ]);
  });

  it('shows nothing of the event whose place another one has taken', async () => {
    verifies('TEL-07');
    const { kit } = makeKit({ traceEvents: 2, prices: { mock: { input: 1, output: 1 } } }); // a message, and its reply
    const failing: AITool = { ...find, handler: () => Promise.reject(new Error('confidential')) };
    const provider = new MockAIProvider({ model: 'mock', vision: true, script: [busy, { content: 'done', usage: {} }] });
    const fallbackProvider = new MockAIProvider({ model: 'mock', vision: true, script: [asks(aCall('find', { number: 7 })), 'late'] });
    const memory = new SlidingWindowMemory({ maxEvents: 0 });
    const agent = new Agent('bot', { provider, fallbackProvider, retryPolicy: { maxRetries: 0 }, tools: [failing], memory });
    const roomId = await openRoom(kit, [new TestTransport('a'), agent]);
    const say = async (content: Parameters<typeof kit.processInbound>[0]['content'], addressedTo?: readonly string[]): Promise<string> => {
      const message = { channelId: 'a', senderId: 'u', content, ...(addressedTo !== undefined && { addressedTo }) };
      return (await kit.processInbound(message, { roomId })).event?.id ?? '';
    };
    const long = await say({ type: 'media', url: 'https://example.com/cat.png', mimeType: 'image/png' });
    const before = kit.getTrace(long);
    const copy = structuredClone(before);
    expect(before?.turnSteps.map(({ kind, code, recovery, cost }) => [kind, code, recovery, cost])).toEqual([
      ['generation', 'overloaded', 'fallback', undefined],
      ['generation', undefined, undefined, expect.any(Number)],
      ['tool', expect.any(String), undefined, undefined],
      ['generation', undefined, undefined, expect.any(Number)],
    ]);
    expect(before?.turnSteps.map(({ prompt }) => prompt?.images)).toEqual([1, 1, undefined, 1]);

    const short = kit.getTrace(await say('hi'));
    expect(kit.getTrace(long)).toBeUndefined();
    expect(short?.turnSteps).toMatchObject([{ kind: 'generation', name: 'mock', prompt: { images: 0 } }]);
    expect(partsOf(short?.turnSteps[0])).toEqual({ tools: [expect.any(Number), 1], asked: [2, 1] });
    for (const gone of ['code', 'recovery']) expect(short?.turnSteps[0]).not.toHaveProperty(gone);
    expect(short?.turnEnds).toHaveLength(1);
    expect(before).toEqual(copy); // what was read before stays as it was

    const unheard = kit.getTrace(await say('to nobody', []));
    expect(unheard).toMatchObject({ turnSteps: [], turnEnds: [] });
  });
});
