/** The words that carriers' vendors answer by themselves, before the program hears of them, and who may be written to since. */

/** What a word asks for. */
export type OptOutType = 'STOP' | 'START' | 'HELP';

/** A vendor's words, in capitals, and what it answers. */
export interface OptOutWords {
  readonly words: Readonly<Record<string, OptOutType>>;
  readonly answers: Readonly<Record<OptOutType, string>>;
}

/** Who has opted out of which number. */
export class OptOuts {
  readonly #pairs = new Set<string>();

  constructor(private readonly vendor: OptOutWords) {}

  has(number: string, phone: string): boolean {
    return this.#pairs.has(`${number} ${phone}`);
  }

  /** What a message asks for, and what the vendor answers to the phone; undefined for every other message. */
  heard(text: string, number: string, phone: string): { readonly type: OptOutType; readonly answer: string } | undefined {
    const word = text.trim().toUpperCase();
    const type = Object.hasOwn(this.vendor.words, word) ? this.vendor.words[word] : undefined;
    // Who has never opted out may say yes to something else.
    if (type === undefined || (type === 'START' && !this.has(number, phone))) return undefined;
    if (type === 'STOP') this.#pairs.add(`${number} ${phone}`);
    if (type === 'START') this.#pairs.delete(`${number} ${phone}`);
    return { type, answer: this.vendor.answers[type] };
  }
}
