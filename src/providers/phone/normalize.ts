/** A phone number as people and vendors write it, in E.164: one spelling, so that one person is one address. */
import type { CountryCode } from 'libphonenumber-js/min';
import { ValidationError } from '../../core/errors.js';
import { loadPeer } from '../_shared/peer.js';

// Loaded with this module, so that both functions answer at once: parsers of webhooks cannot wait.
const { isSupportedCountry, parsePhoneNumberFromString } = await loadPeer(
  'roomkit/phone',
  'libphonenumber-js',
  () => import('libphonenumber-js/min'),
);

/** Longer than any number with its spaces and extension. */
const MAX_UNITS = 64;

/**
 * The number in E.164. Without a `+` it is read as people of `region` (ISO 3166, two letters) write it; when it is no number there, ten digits and more
 * are taken to begin with their country. Throws ValidationError, which does not repeat the number.
 * @example normalizePhone('418-555-1234', 'CA') // '+14185551234'
 */
export function normalizePhone(number: string, region = 'US'): string {
  const country = typeof region === 'string' ? region.toUpperCase() : region;
  if (!isSupportedCountry(country)) {
    throw new ValidationError(`The region is ${quoted(region)}. Give a country's two letters, such as 'US' or 'FR': normalizePhone(number, 'FR').`);
  }
  const parsed = typeof number === 'string' && number.length <= MAX_UNITS ? read(number.trim(), country) : undefined;
  if (parsed !== undefined) return parsed;
  throw new ValidationError(
    `${masked(number)} is no phone number in region ${country}. Write it with + and its country, such as '+14185551234', or name its region: normalizePhone(number, 'FR').`,
  );
}

/** Whether {@link normalizePhone} takes it. Never throws, whatever is given. */
export function isValidPhone(number: unknown, region = 'US'): boolean {
  try {
    return typeof number === 'string' && normalizePhone(number, region) !== '';
  } catch {
    return false;
  }
}

function read(number: string, country: CountryCode): string | undefined {
  const inRegion = valid(number, country);
  if (inRegion !== undefined || !/^[\d\s()./-]+$/.test(number)) return inRegion;
  const digits = number.replace(/\D/g, '').replace(/^00/, '');
  return digits.length >= 10 ? valid(`+${digits}`, country) : undefined;
}

function valid(number: string, defaultCountry: CountryCode): string | undefined {
  const parsed = parsePhoneNumberFromString(number, { defaultCountry, extract: false });
  return parsed?.isValid() === true ? parsed.number : undefined;
}

/** A number belongs to somebody: errors and logs get its length and last two digits. */
function masked(number: unknown): string {
  if (typeof number !== 'string') return `What was given (${number === null ? 'null' : typeof number})`;
  const digits = number.replace(/\D/g, '');
  return digits.length < 4 ? 'What was given' : `A number of ${digits.length} digits that ends in ${digits.slice(-2)}`;
}

function quoted(region: unknown): string {
  return typeof region === 'string' ? `'${region.slice(0, 20)}'` : typeof region;
}
