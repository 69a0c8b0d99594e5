/** What is recognised as a person's in what others wrote, and how it is taken out of it (ERA-04). */
import type { Person } from './person.js';

/** Stands in the place of an id. */
export const ERASED = 'erased';
/** Stands in the place of words. */
export const ERASED_WORDS = '[erased]';

/** Shorter ones are found as whole values only: within a text they may be anything. */
const SHORTEST_ADDRESS = 5;
const SHORTEST_NAME = 3;

/** Ids, addresses, names and words of one person in one room. */
export interface Marks {
  /** Whole values. */
  readonly ids: ReadonlySet<string>;
  /** Also within a text, the longest first. */
  readonly addresses: readonly string[];
  /** Whole words within a text, where names are looked for. */
  readonly names: RegExp | undefined;
  /** Whole messages that were said. */
  readonly quotes: ReadonlySet<string>;
}

export function marksOf(person: Person, participants: { readonly ids: Iterable<string>; readonly names: Iterable<string> }): Marks {
  const ids = new Set([...person.identityIds, ...person.addresses, ...participants.ids]);
  const addresses = [...person.addresses, ...participants.ids].filter((address) => address.length >= SHORTEST_ADDRESS && /[\d@]/.test(address));
  const names = [...new Set([...person.names, ...participants.names])].filter((name) => name.length >= SHORTEST_NAME);
  return {
    ids,
    addresses: [...new Set(addresses)].sort((a, b) => b.length - a.length),
    names:
      names.length === 0
        ? undefined
        : new RegExp(
            `(?<![\\p{L}\\p{N}])(?:${names
              .sort((a, b) => b.length - a.length)
              .map(escaped)
              .join('|')})(?![\\p{L}\\p{N}])`,
            'gu',
          ),
    quotes: new Set(),
  };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&').replace(/\\-/g, '-');
}

/** The same value without what is marked; the same object when there was nothing. Keys of maps are looked at, too. */
export function scrubbed<T>(value: T, marks: Marks, options: { readonly names: boolean }): T {
  return scrub(value, marks, options.names) as T; // texts become texts, and everything else keeps its shape
}

function scrub(value: unknown, marks: Marks, names: boolean): unknown {
  if (typeof value === 'string') return scrubText(value, marks, names);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const list = value.map((one) => scrub(one, marks, names));
    return list.some((one, n) => one !== value[n]) ? list : value;
  }
  let isOther = false;
  const copy: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const newKey = scrubText(key, marks, false);
    const changed = scrub(one, marks, names);
    isOther ||= newKey !== key || changed !== one;
    copy[newKey] = changed;
  }
  return isOther ? copy : value;
}

function scrubText(text: string, marks: Marks, names: boolean): string {
  if (marks.ids.has(text)) return ERASED;
  if (marks.quotes.has(text)) return ERASED_WORDS;
  let left = text;
  for (const address of marks.addresses) if (left.includes(address)) left = left.replaceAll(address, ERASED_WORDS);
  if (names && marks.names !== undefined) left = left.replace(marks.names, ERASED_WORDS);
  return left;
}

/** Whether anything of it is marked. */
export function isMarked(value: unknown, marks: Marks): boolean {
  return scrub(value, marks, true) !== value;
}
