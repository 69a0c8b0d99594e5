/** Reading a message of the protocol: names in camelCase or snake_case, and none that it does not have. */
import { isFields, type Fields } from '../problem.js';
import { invalid, unknownName } from './errors.js';

/** The fields by their names in camelCase. `where` is the path in the vendor's words; empty for the request itself. */
export function messageOf(value: unknown, names: ReadonlySet<string>, where: string): Fields {
  if (!isFields(value)) throw invalid(`Invalid value at '${where}', Starting an object on a scalar field`);
  const found: Record<string, unknown> = {};
  for (const [given, field] of Object.entries(value)) {
    const name = given.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
    if (!names.has(name)) throw unknownName(given, where);
    found[name] = field;
  }
  return found;
}

/** A repeated field; empty when it is not given. */
export function repeated(value: unknown, name: string, where: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`Invalid value at '${where === '' ? name : `${where}.${name}`}', Expected a list`);
  return value;
}
