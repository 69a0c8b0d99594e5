import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { TestClock } from '../testing/test-clock.js';
import { RequestRates } from './request-rates.js';

describe('request rates', () => {
  it('are counted per caller in a table that does not grow without end', () => {
    verifies('AUTH-13', 'CON-11');
    const rates = new RequestRates({ requestsPerSecond: 1, requestBurst: 1 }, new TestClock());
    for (let n = 0; n < 30_000; n++) rates.take(`caller-${n}`);
    expect(rates.size).toBe(10_000);
    // The newest are remembered, the oldest forgotten.
    expect(() => rates.take('caller-29999')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    expect(() => rates.take('caller-0')).not.toThrow();
  });
});
