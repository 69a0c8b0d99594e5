/** Whom a message names: a list, for a text would name whoever's id is part of it. */
import { ValidationError } from '../errors.js';

export function checkAddress(addressedTo: readonly string[] | undefined): void {
  const given: unknown = addressedTo;
  if (given === undefined || (Array.isArray(given) && given.every((id) => typeof id === 'string'))) return;
  throw new ValidationError(`addressedTo is ${JSON.stringify(given)}. Give a list of agents' ids, such as ['agent-billing'], or [] for nobody.`);
}
