/**
 * Collision policies under random arrival times, random lengths of turns and random failures: every message is answered exactly
 * once, or whoever sent it is told why not; nothing is stranded, and nothing is left at work.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AIChannel,
  InMemoryStore,
  MockAIProvider,
  NotSupportedError,
  ProviderError,
  type AIContext,
  type CollisionConfig,
  type InboundResult,
  type RoomEvent,
  type ScriptedReply,
} from '../../src/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { answerFaults, resultFaults } from '../support/collision-judge.js';
import { makeKit, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const TIMES = Number(process.env['PROPERTY_RUNS'] ?? 1);

/** What one turn of the agent is like; they are used in turn. */
interface Course {
  /** Rounds of tools before the answer, each so many milliseconds long. */
  readonly tools: readonly number[];
  readonly heedsAbort: boolean;
  readonly thinkMs: number;
  /** What goes wrong in the last generation. */
  readonly end: 'answer' | 'nothing' | 'failure' | 'hang';
}

interface Arrival {
  readonly afterMs: number;
  readonly sender: 'ada' | 'bob';
  readonly kind: 'message' | 'whisper' | 'another agent';
}

const course: fc.Arbitrary<Course> = fc.record({
  tools: fc.array(fc.integer({ min: 0, max: 2500 }), { maxLength: 3 }),
  heedsAbort: fc.boolean(),
  thinkMs: fc.integer({ min: 0, max: 1200 }),
  end: fc.constantFrom('answer', 'answer', 'answer', 'nothing', 'failure', 'hang'),
});

const arrival: fc.Arbitrary<Arrival> = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 4000 })),
  sender: fc.constantFrom('ada', 'bob'),
  kind: fc.constantFrom('message', 'message', 'message', 'whisper', 'another agent'),
});

const scenario = fc.record({
  policy: fc.constantFrom<NonNullable<CollisionConfig['policy']>>('queue', 'burst', 'steer', 'interrupt', 'reject'),
  debounceMs: fc.constantFrom(0, 100, 800),
  leadingDebounceMs: fc.constantFrom(0, 0, 300),
  maxQueued: fc.constantFrom(1, 3, 100),
  streaming: fc.boolean(),
  /** How long the store takes to merge turns; some turns have run out of time by then. */
  mergeMs: fc.constantFrom(0, 0, 7, 4000),
  /** What of it fails: for a moment, or for good. */
  mergeFails: fc.constantFrom('never', 'never', 'once', 'lost answer', 'for good'),
  /** Whether everything else in the store takes time, too. */
  isSlow: fc.boolean(),
  courses: fc.array(course, { minLength: 1, maxLength: 5 }),
  arrivals: fc.array(arrival, { minLength: 1, maxLength: 14 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

async function play({ courses, arrivals, streaming, mergeMs, mergeFails, isSlow, ...collision }: Scenario): Promise<void> {
  const { clock, kit, store } = kitOf();
  let turns = 0;
  const courseOf = new Map<string, Course>();
  const courseFor = (turnId: string): Course => {
    const known = courseOf.get(turnId) ?? courses[turns++ % courses.length] ?? { tools: [], heedsAbort: true, thinkMs: 0, end: 'answer' };
    courseOf.set(turnId, known);
    return known;
  };
  let running: Course | undefined;
  const provider = new MockAIProvider({
    streaming,
    clock,
    responder: async (context: AIContext): Promise<ScriptedReply> => {
      const round = roundsOf(context);
      if (round === 0) running = courseFor(`turn ${turns}`);
      const { tools, thinkMs, end } = running ?? courseFor('turn');
      await clock.sleep(thinkMs);
      if (round < tools.length) return { content: `round ${round}`, toolCalls: [{ id: `call-${round}`, name: 'work', arguments: { round } }] };
      if (end === 'failure') throw new ProviderError('The model is away.', { provider: 'mock', code: 'server_error', retryable: false });
      if (end === 'hang') await new Promise(() => undefined);
      return end === 'nothing' ? '' : 'the answer';
    },
  });
  const agent = new AIChannel('bot', {
    provider,
    collision,
    tools: [
      {
        name: 'work',
        description: 'Takes its time.',
        parameters: { type: 'object', properties: { round: { type: 'number' } } },
        handler: async ({ round }, { signal }) => {
          const { tools, heedsAbort } = running ?? courseFor('turn');
          await clock.sleep(tools[Number(round)] ?? 0, heedsAbort ? signal : undefined);
          return 'done';
        },
      },
    ],
  });
  const other = new TestAgent('other', (event: RoomEvent) => (textOf(event) === 'another agent' ? 'says the other' : undefined));
  await openRoom(kit, [new TestTransport('a'), agent, other]);
  if (mergeMs > 0) store.delay('mergeTurns', mergeMs, { times: Infinity });
  if (isSlow) for (const method of ['updateTurn', 'commitEvent', 'loadRoom', 'getEvent'] as const) store.delay(method, 3, { times: Infinity });
  if (mergeFails === 'once') store.fail('mergeTurns', { nth: 2 });
  if (mergeFails === 'lost answer') store.fail('mergeTurns', { when: 'after' });
  if (mergeFails === 'for good') store.fail('mergeTurns', { times: Infinity, error: new NotSupportedError('This store merges nothing.') });

  const calls: Promise<InboundResult>[] = [];
  for (const { afterMs, sender, kind } of arrivals) {
    await clock.advance(afterMs);
    const fields = kind === 'another agent' ? { addressedTo: ['other'] } : { addressedTo: ['bot'] };
    calls.push(
      kit.processInbound(
        { channelId: 'a', senderId: sender, content: kind, ...fields, ...(kind === 'whisper' && { responseVisibility: 'internal' }) },
        { roomId: 'room' },
      ),
    );
  }
  await clock.advance(3_600_000);
  const results = await Promise.race([Promise.all(calls), clock.advance(0).then(() => undefined)]);
  if (results === undefined) throw new Error('Somebody still waits.');
  store.clear(); // from here on nobody moves the clock
  const asked = results.filter((_, at) => arrivals[at]?.kind !== 'another agent');
  const faults = [...(await answerFaults(kit, 'bot')), ...(await resultFaults(kit, 'bot', asked))];
  if (kit.stats().tasks > 0) faults.push(`${kit.stats().tasks} tasks are left at work`);
  if (agent.runningTurns > 0) faults.push(`${agent.runningTurns} turns run for ever`);
  await kit.close();
  await clock.advance(0);
  if (clock.pendingTimers > 0) faults.push(`${clock.pendingTimers} timers are left`);
  await store.inner.close();
  expect(faults).toEqual([]);
}

function kitOf() {
  const harness = makeKit();
  const { clock } = harness;
  const store = new FaultStore(new InMemoryStore(), { clock, ownsStore: false });
  const { kit } = makeKit({ clock, store, turnTimeoutSeconds: 6 });
  return { clock, kit, store };
}

function roundsOf({ messages }: AIContext): number {
  const since = messages.slice(
    messages.findLastIndex(
      ({ role, content }) => role === 'assistant' && (typeof content === 'string' || !content.some(({ type }) => type === 'tool_call')),
    ) + 1,
  );
  return since.filter(({ role }) => role === 'tool').length;
}

describe('messages that come while an agent answers', () => {
  it('are each answered exactly once, or their senders told why not', { timeout: 600_000 }, async () => {
    verifies('COL-01', 'COL-02', 'COL-03', 'COL-04', 'COL-05', 'COL-06', 'COL-08', 'TURN-01');
    await fc.assert(fc.asyncProperty(scenario, play), { numRuns: 300 * TIMES });
  });
});
