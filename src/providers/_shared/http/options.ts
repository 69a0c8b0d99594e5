/** What providers over HTTP are made with, and how it is checked (PV-01). */
import { ValidationError } from '../../../core/errors.js';
import { Secret } from '../../../core/telemetry/secret.js';

/** Options that every provider over HTTP has. */
export interface HttpProviderOptions {
  /** Where the vendor listens; for its emulator, a proxy or a region of your own. Default: the vendor's address. */
  readonly baseUrl?: string;
  /** For tests, or a proxy. Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Until the vendor's whole answer is there. */
  readonly timeoutSeconds?: number;
}

/** For programs without types. */
export const HTTP_OPTION_NAMES = { baseUrl: true, fetch: true, timeoutSeconds: true } as const;

/**
 * A credential that must be there: the option, else the environment variable. Throws ValidationError that names both, and
 * never the value.
 */
export function requiredSecret(feature: string, option: string, given: string | Secret | undefined, variable?: string): Secret {
  const secret = optionalSecret(feature, option, given, variable);
  if (secret !== undefined) return secret;
  throw new ValidationError(
    `${feature} has no ${option}. Pass { ${option} }${variable === undefined ? '' : `, or set ${variable} in the environment`}.`,
  );
}

/** A credential that may be there. */
export function optionalSecret(feature: string, option: string, given: string | Secret | undefined, variable?: string): Secret | undefined {
  const value = given instanceof Secret ? given.reveal() : (given ?? (variable === undefined ? undefined : process.env[variable]));
  if (value === undefined || (given === undefined && value.trim() === '')) return undefined;
  if (typeof value !== 'string' || value.trim() === '') throw new ValidationError(`The ${option} of ${feature} is empty. Give it, or leave it out.`);
  return new Secret(value.trim());
}

/** A setting that must be a text. */
export function requiredText(feature: string, option: string, given: unknown, example: string): string {
  if (typeof given === 'string' && given.trim() !== '') return given.trim();
  throw new ValidationError(`${feature} has no ${option}. Pass { ${option}: '${example}' }.`);
}

/** The address without a slash at its end. */
export function baseUrlOf(feature: string, given: string | undefined, standard: string): string {
  const url = given ?? standard;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ValidationError(`The baseUrl of ${feature} is no http address. Give one such as ${standard}.`);
  return url.replace(/\/+$/, '');
}

/** Seconds above 0. */
export function timeoutOf(feature: string, given: number | undefined, standard: number): number {
  if (given === undefined) return standard;
  if (typeof given !== 'number' || !(given > 0))
    throw new ValidationError(`The timeoutSeconds of ${feature} is ${String(given)}. Give a number above 0.`);
  return given;
}
