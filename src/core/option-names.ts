/** Options as programs give them whose types nobody checked: a misspelled name is an error there, too, and not silence. */
import { ValidationError } from './errors.js';

/** Every name of an interface of options, complete by its type. */
export type OptionNames<Options> = Readonly<Record<keyof Options & string, true>>;

/** Throws ValidationError for the first name that is not known. `of`: what the options are for, as the caller wrote it. */
export function checkOptionNames(of: string, given: object, names: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue;
    const near = Object.keys(names).find((known) => isNear(known.toLowerCase(), name.toLowerCase()));
    throw new ValidationError(
      `${of} has no option '${name}'. ${near === undefined ? `There are ${Object.keys(names).sort().join(', ')}.` : `Did you mean '${near}'?`}`,
    );
  }
}

/** Whether one becomes the other by leaving out, adding, changing or swapping letters, two steps at most. */
function isNear(one: string, other: string, steps = 2): boolean {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  if (same === one.length && same === other.length) return true;
  if (steps === 0) return false;
  const [a, b] = [one.slice(same), other.slice(same)];
  const left = steps - 1;
  const isSwapped = a.length > 1 && a[0] === b[1] && a[1] === b[0];
  return (
    (isSwapped && isNear(a.slice(2), b.slice(2), left)) ||
    isNear(a.slice(1), b.slice(1), left) ||
    (a !== '' && isNear(a.slice(1), b, left)) ||
    (b !== '' && isNear(a, b.slice(1), left))
  );
}
