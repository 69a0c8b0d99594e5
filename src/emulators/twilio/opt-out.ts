/**
 * The words that Twilio answers by itself, before the program hears of them, and who may be written to since.
 * @see https://help.twilio.com/articles/223134027
 */

/** What a word asks for. */
export type OptOutType = 'STOP' | 'START' | 'HELP';

const WORDS: Readonly<Record<string, OptOutType>> = {
  STOP: 'STOP',
  STOPALL: 'STOP',
  UNSUBSCRIBE: 'STOP',
  CANCEL: 'STOP',
  END: 'STOP',
  QUIT: 'STOP',
  OPTOUT: 'STOP',
  REVOKE: 'STOP',
  START: 'START',
  UNSTOP: 'START',
  YES: 'START',
  HELP: 'HELP',
  INFO: 'HELP',
};

const ANSWERS: Readonly<Record<OptOutType, string>> = {
  STOP: 'You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.',
  START:
    'You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
  HELP: 'Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
};

/** Who has opted out of which number. */
export class OptOuts {
  readonly #pairs = new Set<string>();

  has(number: string, phone: string): boolean {
    return this.#pairs.has(`${number} ${phone}`);
  }

  /** What a message asks for, and what Twilio answers to the phone; undefined for every other message. */
  heard(text: string, number: string, phone: string): { readonly type: OptOutType; readonly answer: string } | undefined {
    const word = text.trim().toUpperCase();
    const type = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
    // Who has never opted out may say yes to something else.
    if (type === undefined || (type === 'START' && !this.has(number, phone))) return undefined;
    if (type === 'STOP') this.#pairs.add(`${number} ${phone}`);
    if (type === 'START') this.#pairs.delete(`${number} ${phone}`);
    return { type, answer: ANSWERS[type] };
  }
}
