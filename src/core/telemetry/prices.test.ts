import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { Prices, type TokenPrices } from './prices.js';

const prices = new Prices({ small: { input: 2, output: 10, cacheRead: 0.2 }, free: { input: 0, output: 0 } });

describe('the price of a generation', () => {
  it('is what its tokens cost, by kind, per million', () => {
    verifies('USG-02');
    expect(prices.costOf('small', { input_tokens: 500_000, output_tokens: 100_000, cache_read_tokens: 1_000_000 })).toBeCloseTo(2.2, 10);
    // Reasoning is part of the output, and no kind of its own.
    expect(prices.costOf('small', { input_tokens: 0, output_tokens: 1000, reasoning_tokens: 900, total_tokens: 1000 })).toBeCloseTo(0.01, 10);
    expect(prices.costOf('free', { input_tokens: 10, output_tokens: 10 })).toBe(0);
  });

  it('is absent, and not zero, where a price is missing', () => {
    verifies('USG-02');
    expect(prices.costOf('large', { input_tokens: 10 })).toBeUndefined();
    expect(prices.costOf('toString', { input_tokens: 10 })).toBeUndefined();
    expect(prices.costOf('small', { input_tokens: 10, cache_write_tokens: 5 })).toBeUndefined();
  });

  it.each([
    [{ input: -1, output: 2 }, "input of model 'm' is -1"],
    [{ input: 1, output: Number.NaN }, "output of model 'm' is NaN"],
    [{ input: 1 } as TokenPrices, "output of model 'm' is undefined"],
    [{ input: 1, output: 2, cacheRead: '3' as unknown as number }, "cacheRead of model 'm' is 3"],
  ])('is refused when it is none: %j', (given, says) => {
    expect(() => new Prices({ m: given })).toThrow(says);
  });
});
