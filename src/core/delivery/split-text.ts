/** Where a text may be cut (TRC-03): by UTF-16 units, at the borders people see, never within a grapheme. Pure. */

import { graphemesOf } from './graphemes.js';

/** The first units and `...`; where there is no room for that, a plain cut. */
export function truncate(text: string, most: number): string {
  if (text.length <= most) return text;
  return most < 4 ? cut(text, most) : `${cut(text, most - 3)}...`;
}

/** Consecutive parts of at most `most` units, at paragraph, sentence, word, or grapheme boundaries, in this order of liking. */
export function splitText(text: string, most: number): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > most) {
    const end = boundary(rest, most);
    parts.push(rest.slice(0, end).trimEnd() || rest.slice(0, end));
    const next = rest.slice(end);
    rest = next.trimStart() === '' ? '' : next.trimStart();
  }
  if (rest !== '') parts.push(rest);
  return parts;
}

/** The longest beginning of at most `most` units that ends between two graphemes; within one only when it alone is longer. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : cut(text, most) || text.slice(0, firstGrapheme(text, most));
}

function boundary(text: string, most: number): number {
  const window = text.slice(0, most + 1);
  const paragraph = window.lastIndexOf('\n\n');
  if (paragraph > most / 4) return paragraph;
  const line = window.lastIndexOf('\n');
  if (line > most / 2) return line;
  const sentence = lastSentenceEnd(window, most);
  if (sentence > most / 2) return sentence;
  const word = Math.max(window.lastIndexOf(' '), line);
  if (word > 0) return word;
  return cutText(text, most).length;
}

function lastSentenceEnd(window: string, most: number): number {
  for (let at = Math.min(window.length - 1, most) - 1; at > 0; at--) {
    const unit = window[at];
    if ((unit === '.' || unit === '!' || unit === '?') && /\s/.test(window[at + 1] ?? '')) return at + 1;
  }
  return -1;
}

/** The longest beginning of at most `most` units that ends between two graphemes. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Graphemes are short: looking at a little more than the border is enough, unless somebody builds a monster.
  const from = safeStart(text, most);
  let end = from;
  for (const grapheme of graphemesOf(text.slice(from, Math.min(text.length, most + 64)))) {
    if (end + grapheme.length > most) break;
    end += grapheme.length;
  }
  return text.slice(0, end);
}

/** A place before the border where a grapheme surely begins: after an ASCII character that is followed by another. */
function safeStart(text: string, most: number): number {
  for (let at = Math.max(0, most - 64); at > 0; at--) {
    const before = text.charCodeAt(at - 1);
    const here = text.charCodeAt(at);
    if (before < 0x80 && here < 0x80 && !(before === 0x0d && here === 0x0a)) return at;
    if (most - at > 4096) break;
  }
  return 0;
}

/** A single grapheme longer than the limit: cut between code points, there is no better place. */
function firstGrapheme(text: string, most: number): number {
  const code = text.charCodeAt(most - 1);
  return most > 1 && code >= 0xd800 && code <= 0xdbff ? most - 1 : Math.max(1, most);
}
