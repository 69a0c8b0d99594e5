/**
 * Texts as PostgreSQL may hold them. It takes no NUL and no half of a surrogate pair: each is written as U+0001 and four hex
 * digits, and so is U+0001 itself. In JSON all three are escapes already, and become others there.
 */
const UNSAFE = /[\0\u0001\p{Surrogate}]/u;
const ALL_UNSAFE = /[\0\u0001\p{Surrogate}]/gu;
const ALL_ESCAPED = /\u0001([0-9a-f]{4})/g;
/** What may be unsafe, found faster: halves of pairs, paired or not. */
const SUSPECT = /[\0\u0001\ud800-\udfff]/;

/** An escape of JSON: a backslash, which ends nothing, or one of those that have to be written otherwise. */
const UNSAFE_ESCAPES = /\\(?:\\|u(0000|0001|d[89a-f][0-9a-f]{2}))/g;
const STORED_ESCAPES = /\\(?:\\|u0001([0-9a-f]{4}))/g;

export function encodeText(text: string): string {
  return SUSPECT.test(text) && UNSAFE.test(text)
    ? text.replace(ALL_UNSAFE, (unit) => `\u0001${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
}

export function decodeText(text: string): string {
  return text.includes('\u0001') ? text.replace(ALL_ESCAPED, (_escaped, code: string) => String.fromCharCode(parseInt(code, 16))) : text;
}

/** A model as JSON, ready for its column: nothing in it has to be looked at again. */
export class Json {
  readonly text: string;

  constructor(model: unknown) {
    const text = JSON.stringify(model);
    this.text = text.includes('\\u')
      ? text.replace(UNSAFE_ESCAPES, (escape, code: string | undefined) => (code === undefined ? escape : `\\u0001${code}`))
      : text;
  }

  /** What is written as such JSON already. */
  static raw(text: string): Json {
    return Object.assign(Object.create(Json.prototype) as Json, { text });
  }
}

/** Json, or NULL for what is not there. */
export function jsonOf(model: unknown): Json | null {
  return model === undefined || model === null ? null : new Json(model);
}

/** A JSON column, parsed. The table's writer put the type in. */
export function parseJson<T>(text: string): T {
  const plain = text.includes('\\u0001')
    ? text.replace(STORED_ESCAPES, (escape, code: string | undefined) => (code === undefined ? escape : `\\u${code}`))
    : text;
  return JSON.parse(plain) as T;
}

/** What a statement takes for a `$1`: texts are made safe, also those in lists. */
export type Value = string | number | boolean | null | Json | readonly (string | null)[] | readonly Json[];

/** As the driver takes it. */
export function encodeValue(value: Value): unknown {
  if (typeof value === 'string') return encodeText(value);
  if (value instanceof Json) return value.text;
  if (typeof value === 'object' && value !== null)
    return value.map((one) => (one === null ? null : one instanceof Json ? one.text : encodeText(one)));
  return value;
}

const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Longer words are no words, and a message has no more: an index takes a megabyte of one text at most. */
const MAX_WORD = 200;
const MAX_WORDS = 10_000;

/** The words of a text, each once, as they are searched by. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const [word] of text.matchAll(WORD)) {
    words.add(word.toLowerCase().slice(0, MAX_WORD));
    if (words.size === MAX_WORDS) break;
  }
  return [...words];
}
