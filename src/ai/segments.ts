/**
 * The visible text of a turn while it is written (STR-06): each round of the model is a segment, and segments are kept
 * apart by one blank line, in the stream as in the committed text. White space waits until words follow it.
 */
export class TextSegments {
  #text = '';
  #held = '';
  #isEmpty = true;
  #isNext = false;

  /** Everything said so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether the present segment has said nothing but white space. */
  get isCurrentEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Adds a piece and returns what of it can be shown now. */
  push(delta: string): string {
    if (delta === '') return '';
    const words = delta.trimEnd();
    if (words === '') {
      this.#held += delta;
      return '';
    }
    let shown = this.#held + words;
    this.#held = delta.slice(words.length);
    if (this.#isNext) {
      shown = shown.trimStart();
      if (this.#text !== '') shown = `\n\n${shown}`;
      this.#isNext = false;
    }
    this.#isEmpty = false;
    this.#text += shown;
    return shown;
  }

  /** Ends the present segment: what follows begins after a blank line. */
  next(): void {
    this.#held = '';
    this.#isEmpty = true;
    this.#isNext = true;
  }

  /** Ends the text and returns what still waited: white space after the last words. */
  end(): string {
    const rest = this.#text === '' || this.#isNext ? '' : this.#held;
    this.#held = '';
    this.#text += rest;
    return rest;
  }
}
