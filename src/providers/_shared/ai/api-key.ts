/** Where the key of a vendor comes from. */
import { ValidationError } from '../../../core/errors.js';
import { Secret } from '../../../core/telemetry/secret.js';

/** The given key, else the first of these environment variables that is set. Throws ValidationError when there is none. */
export function apiKeyOf(feature: string, given: string | undefined, variables: readonly string[]): Secret {
  if (given !== undefined && (typeof given !== 'string' || given.trim() === ''))
    throw new ValidationError(`The apiKey of ${feature} is empty. Give the key, or leave it out and set ${variables.join(' or ')}.`);
  const key = given ?? variables.map((name) => process.env[name]).find((value) => value !== undefined && value.trim() !== '');
  if (key === undefined) throw new ValidationError(`${feature} has no key. Pass { apiKey }, or set ${variables.join(' or ')} in the environment.`);
  const trimmed = key.trim(); // files and shells end with a line break
  checkKey(`The key of ${feature}`, trimmed);
  return new Secret(trimmed);
}

/** What no header takes would fail later, with the key in the words of the error. */
export function checkKey(what: string, key: string): void {
  if (!/^[\x21-\x7e]+$/.test(key)) throw new ValidationError(`${what} is empty, or holds letters that no key has, such as a line break.`);
}
