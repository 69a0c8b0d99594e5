import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../core/index.js';
import { isValidPhone, normalizePhone } from './index.js';

const errorOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('phone numbers', () => {
  it.each([
    ['418-555-1234', 'CA', '+14185551234'],
    ['(418) 555-1234', 'us', '+14185551234'],
    ['1 418 555 1234', undefined, '+14185551234'],
    ['+33 6 12 34 56 78', undefined, '+33612345678'],
    ['33612345678', undefined, '+33612345678'],
    ['0033612345678', undefined, '+33612345678'],
    ['06 12 34 56 78', 'FR', '+33612345678'],
    ['  +14185551234\n', 'FR', '+14185551234'],
    // Would be a number in Bangkok (+66 2…), Lima (+51) or Maryland (+1 301) as well: people of a region write as one does there.
    ['(662) 234-1234', 'US', '+16622341234'],
    ['51987654321', 'BR', '+5551987654321'],
    ['13012345678', 'CN', '+8613012345678'],
  ])('%j in %s is %s', (number, region, expected) => {
    expect(normalizePhone(number, region)).toBe(expected);
    expect(isValidPhone(number, region)).toBe(true);
    expect(normalizePhone(expected, 'JP')).toBe(expected);
  });

  it.each(['', '418', '+1418555123', 'call +14185551234', 'ada@example.com', '+'.repeat(20), `+1${'4'.repeat(1000)}`, '0'.repeat(12)])(
    '%j is none',
    (number) => {
      expect(isValidPhone(number)).toBe(false);
      expect(errorOf(() => normalizePhone(number))).toBeInstanceOf(ValidationError);
    },
  );

  it('are told in errors by their length and end, with what to do', () => {
    expect(() => normalizePhone('418-555-123')).toThrow(
      "A number of 9 digits that ends in 23 is no phone number in region US. Write it with + and its country, such as '+14185551234', or name its region: normalizePhone(number, 'FR').",
    );
    expect(() => normalizePhone('418')).toThrow(/^What was given is no phone number in region US/);
    expect(() => normalizePhone(undefined as unknown as string)).toThrow(/^What was given \(undefined\) is no phone number/);
    expect(() => normalizePhone('418-555-1234', 'Canada')).toThrow("The region is 'Canada'. Give a country's two letters");
    expect(isValidPhone('418-555-1234', 'Canada')).toBe(false);
  });

  it('are judged without throwing, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.string(), fc.stringMatching(/^\+?[0-9 ()-]{0,20}$/)),
        fc.oneof(fc.constant('US'), fc.anything()),
        (number, region) => {
          const isValid = isValidPhone(number, region as string);
          if (isValid) expect(normalizePhone(number as string, region as string)).toMatch(/^\+[1-9]\d{6,14}$/);
          else if (typeof number === 'string') expect(errorOf(() => normalizePhone(number, region as string))).toSatisfy(isSilentAbout(number));
        },
      ),
      { seed: 48, numRuns: 1000 },
    );
  });
});

/** Wrong numbers are people's numbers, too. */
const isSilentAbout = (number: string) => (error: unknown) =>
  error instanceof ValidationError && (number.replace(/\D/g, '').length < 7 || !error.message.includes(number));
