/** Shapes that every model shares: open JSON maps, and the one empty object that stands for all empty ones (CON-05). */

/** An open map whose keys are snake_case (CON-01). Values are JSON-safe. */
export type Metadata = Readonly<Record<string, unknown>>;

/** The one shared empty map: models without metadata, data or parameters all point at it. */
export const EMPTY: Readonly<Record<string, never>> = Object.freeze({});

/** The one shared empty list. */
export const EMPTY_LIST: readonly never[] = Object.freeze([]);

/** A value, or a promise of it: implementations that need not wait stay synchronous. */
export type Awaitable<T> = T | Promise<T>;

export function isPromise<T>(value: T | Promise<T> | PromiseLike<T>): value is Promise<T> {
  return value !== null && typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function';
}

/** Copies JSON-safe data deeply; primitives and the shared empty map are returned as they are. */
export function copyJson<T>(value: T): T {
  if (value === null || typeof value !== 'object' || (value as unknown) === EMPTY) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T; // an array of T's element type stays one
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON === 'function') return copyJson(toJSON.call(value) as T); // a Date is the text that JSON makes of it
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = copyJson((value as Record<string, unknown>)[key]);
  return copy as T; // same keys, copied values
}

/** Freezes JSON-safe data deeply, in place, and returns it. */
export function freezeJson<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  // A list has no keys worth making: each would be a string of its own.
  if (Array.isArray(value)) for (const element of value) freezeJson(element);
  else for (const key of Object.keys(value)) freezeJson((value as Record<string, unknown>)[key]);
  return Object.freeze(value);
}

/** Data that is known to be frozen to the bottom: it is shared instead of copied. */
const frozenToTheBottom = new WeakSet<object>();

/** Freezes data this program has made itself, without copying it, and remembers that it is frozen to the bottom. */
export function sealJson<T extends object>(value: T): T {
  frozenToTheBottom.add(freezeJson(value));
  return value;
}

/** The same for a list whose elements are frozen to the bottom already; they are not looked at. */
export function sealList<T>(list: readonly T[]): readonly T[] {
  Object.freeze(list);
  frozenToTheBottom.add(list);
  return list;
}

export function isSealed(value: object): boolean {
  return frozenToTheBottom.has(value);
}

/** How deep a look is taken at what may be frozen already; beyond it, a copy is made. */
const LOOK = 3;

/** Whether small plain data is frozen to the bottom: nobody can change it, so it need not be copied. */
function isFrozenThroughout(value: object, depth = LOOK): boolean {
  if (depth === 0 || !Object.isFrozen(value)) return false;
  if (Array.isArray(value)) return value.every((element) => isPlainValue(element, depth));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) if (!isPlainValue((value as Record<string, unknown>)[key], depth)) return false;
  return true;
}

function isPlainValue(value: unknown, depth: number): boolean {
  return typeof value === 'object' && value !== null ? isFrozenThroughout(value, depth - 1) : typeof value !== 'function';
}

/** A frozen private copy; whatever part of it is known to be frozen to the bottom is shared. */
export function ownJson<T>(value: T): T {
  if (value === null || typeof value !== 'object' || (value as unknown) === EMPTY || frozenToTheBottom.has(value)) return value;
  if (Array.isArray(value)) return isFrozenThroughout(value) ? value : (Object.freeze(value.map(ownJson)) as T); // an array of T's element type stays one
  if (isFrozenThroughout(value)) return value;
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON === 'function') return ownJson(toJSON.call(value) as T); // a Date is the text that JSON makes of it
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = ownJson((value as Record<string, unknown>)[key]);
  return Object.freeze(copy) as T; // same keys, copied values
}

/** A frozen private copy of a map given by a caller; empty and absent ones become {@link EMPTY}. */
export function frozenMap(map: Readonly<Record<string, unknown>> | undefined): Metadata {
  if (map === undefined || map === EMPTY) return EMPTY;
  for (const _key in map) return isFrozenThroughout(map) ? map : freezeJson(copyJson(map));
  return EMPTY;
}
