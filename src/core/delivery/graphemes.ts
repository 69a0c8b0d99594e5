/**
 * What people see as one character, one after another. Piece by piece: a segmenter looks at the whole of its text for each
 * step, so a long one would take the square of its length. Pure.
 */

/** So much is looked at at once; a grapheme is hardly ever longer. */
const WINDOW = 256;

let segmenter: Intl.Segmenter | undefined;

/** Graphemes of the text in order; together they are the text. One longer than the window comes in parts. */
export function* graphemesOf(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (let at = 0; at < text.length;) {
    const window = text.slice(at, pairEnd(text, at + WINDOW));
    const isLast = at + window.length === text.length;
    let held: string | undefined;
    for (const { segment } of segmenter.segment(window)) {
      if (held !== undefined) {
        yield held;
        at += held.length;
      }
      held = segment;
    }
    // The last of a window may go on behind it, unless nothing else is in it.
    if (held !== undefined && (isLast || held.length === window.length)) {
      yield held;
      at += held.length;
    }
  }
}

/** The place, or the one behind it when it lies within a pair. */
function pairEnd(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff ? at + 1 : at;
}
