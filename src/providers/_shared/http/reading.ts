/** Reading what strangers send: nothing is taken for what it is not, nothing is longer than it may be (PV-06). */

/** A JSON object of whatever content. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze({});
/** 64 KiB; longer texts are cut. */
const MAX_TEXT = 65_536;

/** The object, or an empty one for anything else. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NOTHING;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The list, or an empty one for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that is not empty, or a number as text; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined;
}

/** A finite number, also one written as text; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** The bytes of a webhook as UTF-8 text. */
export function bodyText(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** The bytes of a webhook as JSON. Throws SyntaxError for what is none: the call is then answered with 400. */
export function bodyJson(body: Uint8Array): unknown {
  return JSON.parse(bodyText(body)) as unknown;
}

/** A name and a value of a form. */
export type Pair = readonly [name: string, value: string];

/** Whoever verifies a form reads it, and whoever parses it right after reads the same. */
let last: { readonly body: Uint8Array; readonly pairs: readonly Pair[] } | undefined;

/** The names and values of a form, in its order. */
export function formPairs(body: Uint8Array): readonly Pair[] {
  if (last?.body !== body) last = { body, pairs: [...new URLSearchParams(bodyText(body))] };
  return last.pairs;
}

/** The fields of a form. Of a name that is given twice, the first. */
export function formOf(body: Uint8Array): Fields {
  const form: Record<string, string> = {};
  for (const [name, value] of formPairs(body)) if (!Object.hasOwn(form, name)) form[name] = value;
  return form;
}

/** ISO-8601 of a date in any form that `Date` reads; undefined for anything else. */
export function isoOf(value: unknown): string | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value : Number.NaN;
  return Number.isNaN(time) || Math.abs(time) > 8.64e15 ? undefined : new Date(time).toISOString();
}
