/**
 * The tool loop under random models and tools: whatever they do, each call has one result, the tokens add up, the turn ends with
 * a reason, and nothing is left at work.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AIChannel,
  endTurn,
  MockAIProvider,
  ProviderError,
  READ_TOOL_RESULT,
  TurnEndReason,
  type AIContext,
  type AIContextPart,
  type AITool,
  type AIToolCall,
  type ScriptedReply,
  type TurnResult,
} from '../../src/index.js';
import { makeKit, openRoom, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

const TIMES = Number(process.env['PROPERTY_RUNS'] ?? 1);

/** What a tool is like when it is called. */
const KINDS = ['quick', 'slow', 'throws', 'hangs', 'deaf', 'huge', 'undefined', 'cyclic', 'ends', 'refused', 'unknown', 'invalid', 'again'] as const;
type Kind = (typeof KINDS)[number];

/** What one generation of the model is like. */
type Generation =
  | { readonly kind: 'calls'; readonly text: string; readonly calls: readonly Kind[]; readonly tokens: number }
  | { readonly kind: 'answer'; readonly text: string; readonly finish: 'stop' | 'length'; readonly tokens: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'broken' };

const text = fc.constantFrom('', ' ', 'One moment.', 'Ja 🙂', '{"error":"x"}');
const generation: fc.Arbitrary<Generation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('calls' as const),
      text,
      calls: fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 5 }),
      tokens: fc.integer({ min: 0, max: 1000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      text,
      finish: fc.constantFrom('stop', 'length'),
      tokens: fc.integer({ min: 0, max: 1000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('busy' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('broken' as const) }) },
);

const scenario = fc.record({
  generations: fc.array(generation, { minLength: 1, maxLength: 8 }),
  streaming: fc.boolean(),
  parallelTools: fc.boolean(),
  maxToolRounds: fc.integer({ min: 0, max: 4 }),
  maxToolCallsPerRound: fc.integer({ min: 1, max: 4 }),
  retries: fc.integer({ min: 0, max: 2 }),
  hasFallback: fc.boolean(),
  /** When somebody stops it; undefined: nobody. */
  cancelAfterMs: fc.option(fc.integer({ min: 0, max: 40_000 }), { nil: undefined }),
  loopTimeoutSeconds: fc.constantFrom(5, 60, 300),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/** The same turn from both sides: what was asked of the model, what ran, and what came of it. */
interface Played {
  readonly result: TurnResult;
  readonly contexts: readonly AIContext[];
  readonly answered: number;
  readonly attempts: number;
  readonly ran: readonly string[];
  readonly stillRunning: number;
  readonly runningTurns: number;
  readonly timersLeft: number;
  readonly said: readonly string[];
}

async function play(plan: Scenario): Promise<Played> {
  const { kit, clock } = makeKit();
  const ran: string[] = [];
  let atWork = 0;
  let answered = 0;
  let next = 0;
  let lastCall: AIToolCall | undefined;
  let made = 0;
  const contexts: AIContext[] = [];

  const callOf = (kind: Kind): AIToolCall => {
    const id = `call-${++made}`;
    if (kind === 'again' && lastCall !== undefined) return { ...lastCall, id };
    const call: AIToolCall = { id, name: kind === 'again' ? 'quick' : kind, arguments: { n: made }, ...(kind === 'invalid' && { invalid: true }) };
    lastCall = call;
    return call;
  };
  const reply = (context: AIContext): ScriptedReply => {
    contexts.push(context);
    const step = plan.generations[next++ % plan.generations.length];
    if (step === undefined || step.kind === 'busy') return new ProviderError('busy', { provider: 'mock', code: 'http_503', retryable: true });
    if (step.kind === 'broken') return new ProviderError('broken', { provider: 'mock', code: 'invalid_request' });
    answered += step.tokens;
    const usage = { output_tokens: step.tokens };
    if (step.kind === 'answer') return { content: step.text, finishReason: step.finish, usage };
    return { content: step.text, toolCalls: step.calls.map(callOf), usage };
  };

  const tool = (name: Kind, work: (signal: AbortSignal) => unknown): AITool => ({
    name,
    description: name,
    parameters: name === 'refused' ? { type: 'object', properties: { n: { type: 'string' } } } : { type: 'object' },
    idempotent: true,
    handler: async (_args, { callId, signal }) => {
      ran.push(callId);
      atWork++;
      try {
        return await work(signal);
      } finally {
        atWork--;
      }
    },
  });
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const tools = [
    tool('quick', () => ({ ok: true })),
    tool('slow', (signal) => clock.sleep(2000, signal).then(() => 'slow')),
    tool('throws', () => Promise.reject(new Error('inner secret'))),
    tool('hangs', (signal) => clock.sleep(3_600_000, signal)),
    // It does not heed the end of its turn, but comes to an end of its own.
    tool('deaf', () => clock.sleep(50_000).then(() => 'late')),
    tool('huge', () => 'x'.repeat(50_000)),
    tool('undefined', () => undefined),
    tool('cyclic', () => cyclic),
    tool('ends', () => endTurn('enough')),
    tool('refused', () => 'never'),
    tool('invalid', () => 'never'),
  ];
  const provider = new MockAIProvider({ responder: reply, streaming: plan.streaming });
  const agent = new AIChannel('bot', {
    provider,
    tools,
    parallelTools: plan.parallelTools,
    maxToolRounds: plan.maxToolRounds,
    maxToolCallsPerRound: plan.maxToolCallsPerRound,
    loopTimeoutSeconds: plan.loopTimeoutSeconds,
    retryPolicy: { maxRetries: plan.retries, baseDelaySeconds: 0.1 },
    ...(plan.hasFallback && { fallbackProvider: new MockAIProvider({ responder: reply, streaming: plan.streaming, name: 'fallback' }) }),
  });
  const ada = new TestTransport('a');
  const roomId = await openRoom(kit, [ada, agent]);
  const asking = kit.processInbound({ channelId: 'a', senderId: 'ada', content: 'Go' }, { roomId });
  if (plan.cancelAfterMs !== undefined) {
    await clock.advance(plan.cancelAfterMs);
    agent.steer({ type: 'cancel', reason: 'enough' }, { roomId });
  }
  for (let minutes = 0; minutes < 12; minutes++) await clock.advance(60_000);
  const { turns } = await asking;
  const [result] = turns;
  if (result === undefined || turns.length > 1) throw new Error(`There are ${turns.length} turns.`);
  const timeline = await kit.getTimeline(roomId);
  const said = timeline.flatMap(({ source, content }) => (source.channelId === 'bot' && content.type === 'text' ? [content.body] : []));
  const runningTurns = agent.runningTurns;
  await kit.close();
  return { result, contexts, answered, attempts: next, ran, stillRunning: atWork, runningTurns, timersLeft: clock.pendingTimers, said };
}

/** Each call is followed by its one result, in the order of the calls; no result is without its call. */
function pairsFault({ messages }: AIContext): string | undefined {
  for (const [at, message] of messages.entries()) {
    const calls = partsOf(message.content).filter((part) => part.type === 'tool_call');
    const results = partsOf(messages[at + 1]?.content).filter((part) => part.type === 'tool_result');
    const [wanted, given] = [calls.map(({ id }) => id), results.map(({ toolCallId }) => toolCallId)];
    if (message.role === 'assistant' && wanted.join() !== given.join()) return `calls ${wanted.join()} have the results ${given.join()}`;
    if (message.role === 'tool' && messages[at - 1]?.role !== 'assistant') return 'results stand without calls';
  }
  return messages.at(-1)?.role === 'assistant' ? 'the model speaks last' : undefined;
}

function partsOf(content: AIContext['messages'][number]['content'] | undefined): readonly AIContextPart[] {
  return typeof content === 'object' ? content : [];
}

describe('the tool loop, whatever models and tools do', () => {
  it('gives each call one result, adds up the tokens, ends with a reason and leaves nothing at work', { timeout: 120_000 }, async () => {
    verifies('TL-01', 'TL-02', 'TL-04', 'TL-08', 'TL-09', 'AI-08', 'STE-03', 'STR-08');
    await fc.assert(
      fc.asyncProperty(scenario, async (plan) => {
        const played = await play(plan);
        const { result, contexts, answered, ran } = played;
        expect(contexts.map(pairsFault).filter((fault) => fault !== undefined)).toEqual([]);
        // Generations, each with its retries and, once, the fallback with its own.
        const perGeneration = (1 + plan.retries) * (plan.hasFallback ? 2 : 1);
        expect(played.attempts).toBeLessThanOrEqual((1 + plan.maxToolRounds) * perGeneration);
        expect(Object.values<string>(TurnEndReason)).toContain(result.endReason);
        expect(['committed', 'empty', 'failed', 'cancelled']).toContain(result.state);
        expect(result.state === 'failed').toBe(result.error !== undefined);
        expect(result.usage['output_tokens'] ?? 0).toBe(answered);
        expect(new Set(ran).size, 'no call runs twice').toBe(ran.length);
        expect([played.stillRunning, played.runningTurns, played.timersLeft]).toEqual([0, 0, 0]);
        expect(played.said.length).toBeLessThanOrEqual(1);
        for (const words of [...played.said, JSON.stringify(contexts)]) expect(words).not.toContain('inner secret');
        for (const { tools } of contexts.slice(0, 1)) expect(tools.some(({ name }) => name === READ_TOOL_RESULT)).toBe(false);
      }),
      { numRuns: 60 * TIMES },
    );
  });
});
