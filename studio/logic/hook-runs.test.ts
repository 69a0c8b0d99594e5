import { describe, expect, it } from 'vitest';
import { eventAt } from './fixtures.js';
import { runsOf } from './hook-runs.js';
import type { DecisionTrace } from '../types.js';

const events = [0, 1, 2, 3].map((index) => eventAt(index));

function trace(...hooks: DecisionTrace['hooks']): DecisionTrace {
  return {
    eventId: 'e',
    roomId: 'r',
    startedAt: new Date(0).toISOString(),
    lockWaitMs: 0,
    commitMs: 1,
    hooks,
    targets: [],
    deliveries: [],
    turnDecisions: [],
    turnSteps: [],
    turnEnds: [],
  };
}

const asked = (hook: string, verdict: DecisionTrace['hooks'][number]['verdict'], ms: number, reason?: string): DecisionTrace['hooks'][number] => ({
  hook,
  trigger: 'before_broadcast',
  verdict,
  ms,
  ...(reason !== undefined && { reason }),
});

describe('the runs of a hook', () => {
  it('are those of its name, newest first, with how often each verdict fell and how long it took', () => {
    const { runs, counts, medianMs, slowest } = runsOf(
      'spam_filter',
      events,
      new Map<string, DecisionTrace | null>([
        ['e0', trace(asked('spam_filter', 'allow', 1), asked('redact', 'modify', 99))],
        ['e1', trace(asked('spam_filter', 'block', 40, 'spam'))],
        ['e2', null],
        ['e3', trace(asked('redact', 'allow', 1), asked('spam_filter', 'allow', 3))],
      ]),
    );
    expect(runs.map(({ event, verdict, reason, ms }) => [event.index, verdict, reason, ms])).toEqual([
      [3, 'allow', undefined, 3],
      [1, 'block', 'spam', 40],
      [0, 'allow', undefined, 1],
    ]);
    expect([counts, medianMs, slowest?.event.index]).toEqual([
      [
        ['allow', 2],
        ['block', 1],
      ],
      3,
      1,
    ]);
  });

  it('are none of a hook that nobody asked', () => {
    expect(runsOf('other', events, new Map([['e0', trace(asked('spam_filter', 'allow', 1))]]))).toEqual({
      runs: [],
      counts: [],
      medianMs: 0,
      slowest: undefined,
    });
  });
});
