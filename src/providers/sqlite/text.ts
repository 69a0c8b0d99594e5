/**
 * Texts as SQLite may hold them. A driver may end a text at its first NUL, and none can write half of a surrogate pair: two
 * different keys would be the same. Both are written as U+0001 and four hex digits, and so is U+0001 itself. JSON has
 * neither, because it escapes them.
 */
import type { SqlValue, Statement } from './database.js';

const UNSAFE = /[\0\u0001\p{Surrogate}]/u;
const ALL_UNSAFE = /[\0\u0001\p{Surrogate}]/gu;
const ALL_ESCAPED = /\u0001([0-9a-f]{4})/g;

/** `column ${IN_LIST}`: the value is that of {@link listOf}. */
export const IN_LIST = 'IN (SELECT value FROM json_each(?))';

/** What may be unsafe, found faster: halves of pairs, paired or not. */
const SUSPECT = /[\0\u0001\ud800-\udfff]/;

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
    this.text = JSON.stringify(model);
  }

  /** A part of such JSON. */
  static raw(text: string): Json {
    return Object.assign(Object.create(Json.prototype) as Json, { text });
  }
}

/** What a {@link SafeStatement} takes for a `?`. */
export type Value = SqlValue | Json;

/** What `column ${IN_LIST}` takes: a list as one value, so that its length does not make another statement. */
export function listOf(texts: readonly string[]): Json {
  return new Json(texts.map(encodeText));
}

/** A text to be searched: what cannot be written is no part of a word. */
export function searchable(text: string): string {
  return text.replace(ALL_UNSAFE, ' ');
}

/** A statement that takes and gives any text. Columns named `json` are JSON, and as they are. */
export class SafeStatement {
  constructor(private readonly inner: Statement) {}

  run(...values: Value[]): ReturnType<Statement['run']> {
    return this.inner.run(...encoded(values));
  }

  get(...values: Value[]): unknown {
    return decoded(this.inner.get(...encoded(values)));
  }

  all(...values: Value[]): unknown[] {
    const rows = this.inner.all(...encoded(values));
    for (const row of rows) decoded(row);
    return rows;
  }
}

function encoded(values: readonly Value[]): SqlValue[] {
  return values.map((value) => (typeof value === 'string' ? encodeText(value) : value instanceof Json ? value.text : value));
}

function decoded(row: unknown): unknown {
  if (row === undefined) return row;
  const columns = row as Record<string, unknown>;
  for (const name in columns) {
    const value = columns[name];
    if (typeof value === 'string' && name !== 'json') columns[name] = decodeText(value);
  }
  return row;
}
