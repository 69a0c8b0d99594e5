import { describe, expect, it } from 'vitest';
import { decisionWords, endWords, failureOf, storedWords, turnsOf } from './turns.js';
import type { TurnDecisionTrace, TurnEndTrace, TurnStepTrace } from '../types.js';

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 5) + ms).toISOString();

const step = (turnId: string, from: number, ms: number, more: Partial<TurnStepTrace> = {}): TurnStepTrace => ({
  channelId: turnId === 't' ? 'bot' : 'other',
  turnId,
  kind: 'generation',
  name: 'large',
  startedAt: at(from),
  ms,
  ...more,
});
const decided = (decision: TurnDecisionTrace['decision'], more: Partial<TurnDecisionTrace> = {}): TurnDecisionTrace => ({
  channelId: 'bot',
  turnId: 't',
  decision,
  policy: 'burst',
  at: at(0),
  ...more,
});
const ended = (more: Partial<TurnEndTrace>): TurnEndTrace => ({
  channelId: 'bot',
  turnId: 't',
  at: at(900),
  state: 'committed',
  replyEventIds: [],
  ...more,
});

describe('the turns of an event', () => {
  const trace = {
    turnDecisions: [decided('queued', { reason: 'agent_busy' })],
    turnSteps: [
      step('t', 100, 50, { tokens: { input_tokens: 5, output_tokens: 2 }, cost: 0.5 }),
      step('u', 100, 10, { tokens: { input_tokens: 1 } }),
      step('t', 150, 20, { kind: 'tool', name: 'find' }),
      step('t', 180, 40, { tokens: { input_tokens: 7, output_tokens: 3 }, cost: 0.25 }),
    ],
    turnEnds: [ended({ endReason: 'timeout', state: 'failed' }), ended({ endReason: 'completed' })],
  };

  it('are told apart, each with its steps, its sums and its last end', () => {
    const [one, two] = turnsOf(trace);
    expect(one).toMatchObject({ channelId: 'bot', ms: 120, tokens: { input: 12, output: 5 }, cost: 0.75, end: { endReason: 'completed' } });
    expect(one?.steps.map(({ name }) => name)).toEqual(['large', 'find', 'large']);
    expect(one?.decisions).toHaveLength(1);
    expect(two).toMatchObject({ channelId: 'other', ms: 10, end: undefined, cost: undefined });
    expect(turnsOf(trace, 'other').map(({ turnId }) => turnId)).toEqual(['u']);
  });

  it('say in words what became of a message, and by which other one', () => {
    const words = (...given: Parameters<typeof decided>) => decisionWords(decided(...given), 'Ben');
    expect(words('queued', { reason: 'agent_busy' }).text).toBe('Waited: Ben was busy');
    expect(words('queued').text).toBe('Waited for what may follow');
    expect(words('merged', { answeredWith: 'e7' })).toMatchObject({ text: 'Answered together with', eventId: 'e7' });
    expect(words('merged', { answeredWith: 'e7', policy: 'steer' }).text).toBe('Read while answering');
    expect(words('interrupted', { interruptedBy: 'e8' })).toMatchObject({ text: 'Cut short by', eventId: 'e8' });
    expect(words('rejected', { reason: 'agent_busy' }).text).toBe('Turned away: Ben was busy');
    expect(words('rejected', { reason: 'turn_queue_full' }).text).toBe('Turned away: too many wait for Ben');
  });

  it.each<[Partial<TurnEndTrace>, string, string]>([
    [{ endReason: 'completed' }, 'answered', 'ok'],
    [{ endReason: 'max_rounds' }, 'answered, out of tool rounds', 'wait'],
    [{ state: 'failed', endReason: 'error', code: 'overloaded' }, 'failed: overloaded', 'fail'],
    [{ state: 'cancelled', endReason: 'cancelled', reason: 'interrupted' }, 'interrupted', 'wait'],
    [{ state: 'cancelled', reason: 'taken_over' }, 'cancelled: taken_over', 'wait'],
    [{ state: 'expired' }, 'too late to begin', 'fail'],
    [{ state: 'empty', endReason: 'empty' }, 'said nothing', 'quiet'],
  ])('%j ended: %s', (end, text, tone) => {
    expect(endWords({ end: ended(end), decisions: [] })).toMatchObject({ text, tone });
  });

  it('that never began say so, and one that runs says nothing', () => {
    expect(endWords({ end: undefined, decisions: [decided('queued'), decided('merged')] })?.text).toBe('merged');
    expect(endWords({ end: undefined, decisions: [decided('rejected')] })?.text).toBe('turned away');
    expect(endWords({ end: undefined, decisions: [decided('queued')] })).toBeUndefined();
  });

  it('tell what a step failed with, and what was done about it', () => {
    expect(failureOf(step('t', 0, 1, { code: 'overloaded', recovery: 'retry' }))).toBe('overloaded, tried again');
    expect(failureOf(step('t', 0, 1, { code: 'overloaded', recovery: 'fallback' }))).toBe('overloaded, the fallback took over');
    expect(failureOf(step('t', 0, 1, { code: 'error' }))).toBe('error');
    expect(failureOf(step('t', 0, 1))).toBeUndefined();
    expect(failureOf(step('t', 0, 1, { code: 'waiting' }))).toBeUndefined();
  });
});

describe('a turn as the store knows it', () => {
  it('says what has become of it, and why', () => {
    expect(storedWords({ state: 'running' })).toEqual({ text: 'under way', tone: 'quiet' });
    expect(storedWords({ state: 'waiting' }).text).toBe('waits for a person');
    expect(storedWords({ state: 'rejected' }).tone).toBe('fail');
    expect(storedWords({ state: 'committed', endReason: 'completed' })).toEqual({ text: 'answered', tone: 'ok' });
    const error = { code: 'server_error', message: 'The turn failed.' };
    expect(storedWords({ state: 'failed', endReason: 'error', error })).toEqual({ text: 'failed: server_error', tone: 'fail' });
  });
});
