import { describe, expect, it } from 'vitest';
import { promptSummary, sharesOf } from './prompt.js';

const PROMPT = {
  parts: [
    { part: 'own_prompt', chars: 600 },
    { part: 'tools', chars: 150, count: 1 },
    { part: 'history', chars: 240, count: 4 },
    { part: 'asked', chars: 10, count: 1 },
  ],
  images: 2,
  tools: ['find'],
} as const;

describe('what a model was given', () => {
  it('is shares of one bar, which add up to all of it', () => {
    const shares = sharesOf(PROMPT);
    expect(shares.map(({ label, count, percent }) => [label, count, percent])).toEqual([
      ['Own prompt', '', 60],
      ['Tools', '1 tool', 15],
      ['History', '4 messages', 24],
      ['What it answers', '1 message', 1],
    ]);
  });

  it('is summed up in one line', () => {
    expect(promptSummary(PROMPT)).toBe('1,000 characters in 5 messages, 1 tool, 2 images');
    expect(promptSummary({ parts: [], images: 0, tools: [] })).toBe('0 characters in 0 messages');
  });

  it('of nothing has no share', () => {
    expect(sharesOf({ parts: [{ part: 'asked', chars: 0, count: 1 }], images: 1, tools: [] })[0]?.percent).toBe(0);
  });
});
