/** The words by which people end and begin messages, and how a message is read for one. Pure. */
import { ValidationError } from '../../core/errors.js';

/** What somebody asks for: no more messages, messages again, or help. */
export type OptOutRequest = 'stop' | 'start' | 'help';

/** The words of one language, and what is answered. */
export interface OptOutLanguage {
  /** Words that end messages, in addition to the English ones. Upper or lower case are the same. */
  readonly stop?: readonly string[];
  /** Words that begin them again. */
  readonly start?: readonly string[];
  /** Words that ask for help. */
  readonly help?: readonly string[];
  /** What is answered to each; null: nothing. Default: the English answers. */
  readonly answers?: { readonly [Request in OptOutRequest]?: string | null };
}

/** Carriers hold to these words in every country; further languages add to them. */
const ENGLISH = {
  stop: ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT'],
  start: ['START', 'UNSTOP'],
  help: ['HELP'],
  answers: {
    stop: 'You will receive no more messages from us. Reply START to receive them again.',
    start: 'You will receive messages from us again. Reply HELP for help, STOP to end them.',
    help: 'Reply STOP to receive no more messages from us, START to receive them again.',
  },
} as const;

/** What a message asks for, in which language. */
export interface OptOutWord {
  readonly request: OptOutRequest;
  readonly language: string;
  /** In capitals, as it is compared. */
  readonly word: string;
}

const REQUESTS = ['stop', 'start', 'help'] as const;

export class OptOutWords {
  readonly #words = new Map<string, OptOutWord>();
  readonly #answers: Readonly<Record<string, OptOutLanguage['answers']>>;

  constructor(languages: Readonly<Record<string, OptOutLanguage>>) {
    this.#add('en', ENGLISH);
    for (const [language, words] of Object.entries(languages)) this.#add(language, words);
    this.#answers = Object.fromEntries(Object.entries(languages).map(([language, { answers }]) => [language, answers]));
  }

  /** The request, when the whole message is its word: white space around it and punctuation after it do not count. */
  read(text: string): OptOutWord | undefined {
    // The longest word is short: a letter to somebody is not looked at.
    return text.length > MAX_UNITS ? undefined : this.#words.get(plain(text));
  }

  /** Null: this request is not answered. */
  answer(request: OptOutRequest, language: string): string | null {
    const own = this.#answers[language]?.[request];
    if (own !== undefined) return own;
    return this.#answers['en']?.[request] ?? (this.#answers['en']?.[request] === null ? null : ENGLISH.answers[request]);
  }

  #add(language: string, words: OptOutLanguage): void {
    for (const request of REQUESTS) {
      for (const given of words[request] ?? []) {
        const word = plain(given);
        const known = this.#words.get(word);
        if (word === '' || (known !== undefined && known.request !== request)) {
          throw new ValidationError(
            `The ${language} word '${given}' for '${request}' ${word === '' ? 'has no letters' : `means '${known?.request}' already`}. Choose another one.`,
          );
        }
        if (known === undefined) this.#words.set(word, { request, language, word });
      }
    }
  }
}

const MAX_UNITS = 64;

function plain(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\s\p{P}]+$/u, '')
    .trimStart()
    .toUpperCase();
}
