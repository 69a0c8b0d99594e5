/** Values of options that are one of a few words. */
import { CannotRun } from '../say.js';

/** One, or several with commas; undefined when the option was not given. Throws CannotRun with exit code 2. */
export function valuesOf<Value extends string>(
  option: string,
  given: string | boolean | undefined,
  known: readonly Value[],
): readonly Value[] | undefined {
  if (typeof given !== 'string') return undefined;
  return given.split(',').map((word) => {
    const value = known.find((one) => one === word.trim());
    if (value === undefined) throw new CannotRun(`${option} is '${word}'. Give one of ${known.join(', ')}, or several with commas.`, 2);
    return value;
  });
}
