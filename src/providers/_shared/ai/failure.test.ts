/** What a vendor's failure means to the kit. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../../test/requirements.js';
import { providerError } from './failure.js';

function waits(headers: Readonly<Record<string, string>>): number | undefined {
  return providerError({ provider: 'vendor', status: 429, headers: new Headers(headers), cause: undefined }).retryAfterSeconds;
}

describe('how long a vendor asks to be left alone', () => {
  it('is read as seconds, as a date by the vendor’s own clock, and finer where it says so', () => {
    verifies('PV-12');
    const date = 'Wed, 25 Nov 2026 12:00:00 GMT';
    expect(waits({ 'retry-after': '7' })).toBe(7);
    expect(waits({ date, 'retry-after': 'Wed, 25 Nov 2026 12:01:30 GMT' })).toBe(90);
    expect(waits({ date, 'retry-after': 'Wed, 25 Nov 2026 11:59:00 GMT' })).toBe(0);
    expect(waits({ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(0); // without its clock, by ours
    expect(waits({ 'retry-after-ms': '250', 'retry-after': '7' })).toBe(0.25);
  });

  it('is nothing where it makes no sense', () => {
    verifies('PV-12');
    expect(waits({})).toBeUndefined();
    for (const given of ['', '-1', 'soon']) expect(waits({ 'retry-after': given })).toBeUndefined();
  });
});
