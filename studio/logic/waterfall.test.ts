import { describe, expect, it } from 'vitest';
import { NO_NAMES } from './names.js';
import { layOut, money, ticksOf } from './waterfall.js';
import type { DecisionTrace } from '../types.js';

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 5) + ms).toISOString();

const TRACE: DecisionTrace = {
  eventId: 'e0',
  roomId: 'r',
  startedAt: at(0),
  lockWaitMs: 5,
  commitMs: 9,
  hooks: [
    { hook: 'redact', trigger: 'before_broadcast', verdict: 'modify', ms: 0.5 },
    { hook: 'filter', trigger: 'before_broadcast', verdict: 'timeout', ms: 2 },
  ],
  targets: [],
  deliveries: [
    { channelId: 'sms', attempt: 1, startedAt: at(9), ms: 40, code: 'unavailable' },
    { channelId: 'sms', attempt: 2, startedAt: at(1049), ms: 30, code: 'sent' },
    { channelId: 'email', attempt: 1, startedAt: at(3), ms: 20, code: 'sent' },
  ],
  turnDecisions: [],
  turnEnds: [],
  turnSteps: [
    {
      channelId: 'bot',
      turnId: 't',
      kind: 'generation',
      name: 'large',
      startedAt: at(10),
      ms: 300,
      firstTokenMs: 120,
      tokens: { input_tokens: 50, output_tokens: 5 },
    },
    { channelId: 'bot', turnId: 't', kind: 'tool', name: 'lookup', startedAt: at(310), ms: 90 },
    {
      channelId: 'bot',
      turnId: 't',
      kind: 'generation',
      name: 'large',
      startedAt: at(400),
      ms: 200,
      firstTokenMs: 80,
      tokens: { input_tokens: 70, output_tokens: 9 },
    },
    { channelId: 'other', turnId: 'u', kind: 'generation', name: 'small', startedAt: at(10), ms: 900, code: 'timeout' },
  ],
};

describe('a waterfall', () => {
  it('lays waiting, hooks and the commit one after another, then what followed', () => {
    const { bars } = layOut(TRACE, NO_NAMES);
    expect(bars.slice(0, 4)).toMatchObject([
      { kind: 'wait', from: 0, ms: 5 },
      { kind: 'hook', label: 'redact', from: 5, ms: 0.5 },
      { kind: 'hook', label: 'filter', from: 5.5, ms: 2, failed: 'timeout' },
      { kind: 'commit', from: 7.5, ms: 1.5 },
    ]);
    // The clock of deliveries tells whole milliseconds: none began before the commit.
    expect(bars.filter(({ kind }) => kind === 'delivery').every(({ from }) => from >= 9)).toBe(true);
    expect(bars.map(({ from }) => from)).toEqual(bars.map(({ from }) => from).sort((a, b) => a - b));
  });

  it('shows each attempt with its code', () => {
    const toSms = layOut(TRACE, NO_NAMES).bars.filter(({ label }) => label.startsWith('to Sms'));
    expect(toSms).toMatchObject([
      { label: 'to Sms 1', from: 9, ms: 40, failed: 'unavailable' },
      { label: 'to Sms 2', from: 1049, ms: 30 },
    ]);
    expect(toSms[1]).not.toHaveProperty('failed');
  });

  it('marks first tokens, adds up tokens, and reaches to the end of the last bar', () => {
    const { bars, totalMs, firstTokenMs, tokens } = layOut(TRACE, NO_NAMES);
    expect(totalMs).toBe(1079);
    expect(firstTokenMs).toBe(130);
    expect(tokens).toEqual({ input_tokens: 120, output_tokens: 14 });
    expect(bars.filter(({ mark }) => mark !== undefined).map(({ mark }) => mark)).toEqual([130, 480]);
    expect(bars.find(({ kind }) => kind === 'tool')?.about).toBe('Tool of Bot · 90 ms · 8 %');
  });

  it('is of one agent’s turn when an answer is looked at, with the answer’s own way to its readers', () => {
    const reply: DecisionTrace = {
      ...TRACE,
      startedAt: at(600),
      lockWaitMs: 0,
      commitMs: 2,
      hooks: [],
      turnSteps: [],
      deliveries: [{ channelId: 'web', attempt: 1, startedAt: at(602), ms: 4, code: 'sent' }],
    };
    const { bars, totalMs } = layOut(TRACE, NO_NAMES, { trace: reply, channelId: 'bot' });
    expect(bars.map(({ label }) => label)).toEqual([
      'wait for lock',
      'redact',
      'filter',
      'route, commit',
      'generate 1',
      'lookup',
      'generate 2',
      'route, commit',
      'to Web',
    ]);
    expect(totalMs).toBe(606);
  });

  it('shows how long a turn waited for its agent', () => {
    const queued = { channelId: 'bot', turnId: 't', decision: 'queued', policy: 'queue', at: at(4), reason: 'agent_busy' } as const;
    const wait = layOut({ ...TRACE, turnDecisions: [queued] }, NO_NAMES).bars.find(({ label }) => label === 'wait for turn');
    expect(wait).toMatchObject({ kind: 'wait', from: 4, ms: 6 });
    expect(wait?.about).toMatch(/^Bot was busy/);
  });

  it('has round figures on its axis', () => {
    expect(ticksOf(1079)).toEqual([0, 500, 1000]);
    expect(ticksOf(10)).toEqual([0, 2.5, 5, 7.5, 10]);
    expect(ticksOf(1)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });

  it('sums the cost of its generations, and knows none when one of them has no price', () => {
    const priced = (cost: number | undefined): DecisionTrace => ({
      ...TRACE,
      turnSteps: TRACE.turnSteps.map((step, position) =>
        step.tokens === undefined ? step : { ...step, ...((cost !== undefined || position > 0) && { cost: cost ?? 0.5 }) },
      ),
    });
    expect(layOut(TRACE, NO_NAMES).cost).toBeUndefined();
    expect(layOut(priced(undefined), NO_NAMES).cost).toBeUndefined();
    const { cost, bars } = layOut(priced(0.002), NO_NAMES);
    expect(cost).toBeCloseTo(0.004, 10);
    expect(bars.find(({ kind }) => kind === 'generation')?.about).toContain('50 tokens in, 5 out · cost 0.002');
    expect(layOut({ ...TRACE, turnSteps: [] }, NO_NAMES).cost).toBeUndefined();
  });

  it.each([
    [0, '0'],
    [0.000123456, '0.00012'],
    [0.0421, '0.042'],
    [1.256, '1.26'],
    [12, '12.00'],
  ])('writes %d as %s', (cost, written) => {
    expect(money(cost)).toBe(written);
  });
});
