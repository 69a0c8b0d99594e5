/** What a test expects of words and arguments, and whether it came. */
import { isFields } from './fields.js';

/** Words: exactly these, some that fit, or what a function says. */
export type ExpectedText = string | RegExp | ((text: string) => boolean);

/** Arguments: each that is named here is as it says here; others may be there. A text may be a RegExp, any value a function. */
export type ExpectedArguments = Readonly<Record<string, unknown>>;

export function fitsText(text: string, expected: ExpectedText | undefined): boolean {
  if (expected === undefined) return true;
  if (typeof expected === 'string') return text === expected;
  return expected instanceof RegExp ? new RegExp(expected.source, expected.flags.replace(/[gy]/g, '')).test(text) : expected(text);
}

export function fitsValue(value: unknown, expected: unknown): boolean {
  if (typeof expected === 'function') return (expected as (value: unknown) => unknown)(value) === true;
  if (expected instanceof RegExp) return typeof value === 'string' && fitsText(value, expected);
  if (Array.isArray(expected)) {
    return Array.isArray(value) && value.length === expected.length && expected.every((one, at) => fitsValue(value[at], one));
  }
  if (isFields(expected)) return isFields(value) && Object.entries(expected).every(([name, one]) => fitsValue(value[name], one));
  return Object.is(value, expected);
}

/** As a reader of a failed test wants it. */
export function shown(expected: unknown): string {
  if (expected === undefined) return 'anything';
  if (typeof expected === 'string') return `“${expected}”`;
  if (expected instanceof RegExp) return String(expected);
  if (typeof expected === 'function') return 'what the function says';
  return JSON.stringify(expected, (_name, value: unknown) =>
    value instanceof RegExp ? String(value) : typeof value === 'function' ? '(as the function says)' : value,
  );
}
