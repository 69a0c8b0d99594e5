/** Tells thoughts from words in a model's text by their tags, `<think>` and `</think>` (AIP-07), wherever the text is cut into pieces. */

export interface Spoken {
  readonly type: 'text_delta' | 'thinking_delta';
  readonly text: string;
}

const OPEN = '<think>';
const CLOSE = '</think>';

export class ThinkTags {
  /** What may be the beginning of a tag, and the white space before it. */
  #held = '';
  /** Whether white space is layout around a tag and no part of what is said. */
  #atEdge = false;
  #isThinking: boolean;

  constructor(startsThinking = false) {
    this.#isThinking = startsThinking;
    this.#atEdge = startsThinking;
  }

  /** What is sure after this piece. */
  take(piece: string): readonly Spoken[] {
    const spoken: Spoken[] = [];
    let rest = this.#held + piece;
    this.#held = '';
    for (;;) {
      const tag = this.#isThinking ? CLOSE : OPEN;
      const at = rest.indexOf(tag);
      if (at === -1) break;
      const before = rest.slice(0, at);
      this.#say(spoken, this.#isThinking ? before.trimEnd() : before);
      rest = rest.slice(at + tag.length);
      this.#isThinking = !this.#isThinking;
      this.#atEdge = true;
    }
    const sure = rest.length - this.#unsure(rest);
    this.#held = rest.slice(sure);
    this.#say(spoken, rest.slice(0, sure));
    return spoken;
  }

  /** What was held back, at the end of the text. */
  end(): readonly Spoken[] {
    const spoken: Spoken[] = [];
    const held = this.#held;
    this.#held = '';
    this.#say(spoken, this.#isThinking ? held.trimEnd() : held);
    return spoken;
  }

  #say(spoken: Spoken[], text: string): void {
    const said = this.#atEdge ? text.trimStart() : text;
    if (said === '') return;
    this.#atEdge = false;
    spoken.push({ type: this.#isThinking ? 'thinking_delta' : 'text_delta', text: said });
  }

  /** How many letters at the end could still become a tag; the white space before a closing one goes with it. */
  #unsure(text: string): number {
    const tag = this.#isThinking ? CLOSE : OPEN;
    let length = Math.min(tag.length - 1, text.length);
    while (length > 0 && !tag.startsWith(text.slice(text.length - length))) length--;
    if (!this.#isThinking) return length;
    return text.length - text.slice(0, text.length - length).trimEnd().length;
  }
}
