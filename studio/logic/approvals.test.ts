import { describe, expect, it } from 'vitest';
import { outcomeOf, parseArguments, pendingOf, requestedIn, validity } from './approvals.js';
import { eventAt } from './fixtures.js';
import type { Approval } from '../types.js';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 5) + seconds * 1000).toISOString();

const approval = (given: Partial<Approval> = {}): Approval => ({
  id: 'a',
  roomId: 'r',
  turnId: 't',
  callId: 'c',
  agentId: 'ben',
  tool: 'refund',
  arguments: { number: '12345' },
  requestedAt: at(0),
  expiresAt: at(86_400),
  visibility: 'internal',
  askedBy: ['ada'],
  state: 'pending',
  ...given,
});

describe('approvals', () => {
  it('that wait are listed with the first to expire first', () => {
    const list = [
      approval({ id: 'late', expiresAt: at(9) }),
      approval({ id: 'done', state: 'approved' }),
      approval({ id: 'soon', expiresAt: at(3) }),
    ];
    expect(pendingOf(list).map(({ id }) => id)).toEqual(['soon', 'late']);
  });

  it('are found in the entry that asks for them, whether it is plain or has buttons', () => {
    const data = { approvals: [{ approval_id: 'a1' }, { approval_id: 'a2' }, { other: 1 }, null] };
    const plain = eventAt(1, { type: 'system', content: { type: 'system', body: '', code: 'approval_requested', data } });
    const withButtons = eventAt(1, { type: 'system', content: { type: 'rich', body: 'May it?' }, metadata: { code: 'approval_requested', ...data } });
    expect(requestedIn(plain)).toEqual(['a1', 'a2']);
    expect(requestedIn(withButtons)).toEqual(['a1', 'a2']);
    expect(requestedIn(eventAt(1, { content: { type: 'system', body: '', code: 'approval_resolved', data } }))).toEqual([]);
    expect(requestedIn(eventAt(1, { metadata: data }))).toEqual([]);
  });

  it.each([
    [-1, 'expired'],
    [40, 'valid for 40 s'],
    [600, 'valid for 10 min'],
    [3 * 3600, 'valid for 3 h'],
    [72 * 3600, 'valid for 3 days'],
  ])('with %d s left: %s', (seconds, words) => {
    expect(validity({ expiresAt: at(seconds) }, Date.parse(at(0)))).toBe(words);
  });

  it('say what became of them', () => {
    expect(outcomeOf(approval({ state: 'approved', resolvedBy: 'sam', approvedArguments: {} }))).toBe('approved by sam, with changed arguments');
    expect(outcomeOf(approval({ state: 'rejected', resolvedBy: 'sam', reason: 'too much' }))).toBe('rejected by sam: too much');
    expect(outcomeOf(approval({ state: 'expired', resolvedBy: 'system' }))).toBe('expired');
  });

  it('take changed arguments that are an object, and say of all else what is wrong', () => {
    expect(parseArguments('{ "amount": 5 }')).toEqual({ value: { amount: 5 } });
    for (const text of ['[1]', 'null', '5']) expect(parseArguments(text)).toMatchObject({ problem: expect.stringContaining('object') as string });
    expect(parseArguments('{ "amount": ')).toMatchObject({ problem: expect.stringContaining('no JSON yet') as string });
  });
});
