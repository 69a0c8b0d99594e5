/** Templates of Twilio's Content API, as a phone shows them. @see https://www.twilio.com/docs/content/content-api-resources */
import { randomBytes } from 'node:crypto';
import type { RecordedRequest } from '../loopback.js';
import type { PhoneButton, PhoneMessage } from '../phone.js';
import { TwilioRefusal } from './check-message.js';

type Json = Readonly<Record<string, unknown>>;

/** A template: what a phone with RCS shows, and the words for one without. */
export interface Template {
  readonly sid: string;
  readonly resource: Json;
  readonly rich: Pick<PhoneMessage, 'text' | 'mediaUrls' | 'buttons'>;
  readonly words: string | undefined;
}

export function templateOf({ headers, body }: RecordedRequest, accountSid: string): Template {
  if (!(headers['content-type'] ?? '').startsWith('application/json')) refuse('Send application/json');
  const { types, language, friendly_name: name = null, variables = {} } = jsonIn(body, 'body');
  if (typeof language !== 'string' || language === '') refuse('language is required');
  const given = jsonIn(types, 'types');
  const text = given['twilio/text'] === undefined ? undefined : String(jsonIn(given['twilio/text'], 'twilio/text')['body']);
  const sid = `HX${randomBytes(16).toString('hex')}`;
  return { sid, resource: { sid, account_sid: accountSid, friendly_name: name, language, variables, types }, rich: richOf(given, text), words: text };
}

function richOf(types: Json, text: string | undefined): Template['rich'] {
  if (types['twilio/card'] !== undefined) return cardOf(jsonIn(types['twilio/card'], 'twilio/card'));
  if (types['twilio/carousel'] !== undefined) {
    const { body, cards } = jsonIn(types['twilio/carousel'], 'twilio/carousel');
    if (typeof body !== 'string' || body === '') refuse('twilio/carousel needs a body');
    if (!Array.isArray(cards) || cards.length < 2 || cards.length > 10) refuse('twilio/carousel has 2 to 10 cards');
    const shown = (cards as unknown[]).map((entry) => {
      const card = jsonIn(entry, 'card');
      if (typeof card['media'] !== 'string' || typeof card['body'] !== 'string') refuse('a card of a carousel needs body and media');
      const buttons = actionsOf(card['actions'], 2);
      if (buttons.length === 0) refuse('a card of a carousel has 1 or 2 actions');
      return { text: wordsOf(card['title'], card['body']), media: String(card['media']), buttons };
    });
    // RCS shows no words before a carousel.
    return {
      text: shown.map((card) => card.text).join('\n'),
      mediaUrls: shown.map(({ media }) => media),
      buttons: shown.flatMap(({ buttons }) => buttons),
    };
  }
  if (text === undefined) refuse('types needs one that is known');
  return { text: text ?? '', mediaUrls: [] };
}

function cardOf(card: Json): Template['rich'] {
  const { title, body, media = [] } = card;
  if (title === undefined && body === undefined) refuse('twilio/card needs a title or a body');
  const isRich = title !== undefined || (media as unknown[]).length > 0;
  const buttons = actionsOf(card['actions'], isRich ? 4 : 11);
  if ([title, body, ...(media as unknown[]), ...buttons].filter((part) => part !== undefined).length < 2) refuse('twilio/card needs one more field');
  if (typeof body === 'string' && body.length > (isRich ? 2000 : 3072)) refuse('body is too long');
  return { text: wordsOf(title, body), mediaUrls: media as string[], buttons };
}

function actionsOf(given: unknown, most: number): readonly PhoneButton[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || given.length > most) refuse(`there are at most ${most} actions`);
  return (given as unknown[]).map((entry) => {
    const { type, title, url, phone, id } = jsonIn(entry, 'action');
    if (typeof title !== 'string' || title === '' || title.length > 25) refuse('the title of an action has 1 to 25 characters');
    if (type === 'URL' && typeof url === 'string') return { label: String(title), target: url };
    if (type === 'PHONE_NUMBER' && typeof phone === 'string') return { label: String(title), target: phone };
    if (type !== 'QUICK_REPLY' || typeof id !== 'string') refuse('an action is a URL, a PHONE_NUMBER or a QUICK_REPLY');
    return { label: String(title), data: String(id) };
  });
}

function wordsOf(...parts: readonly unknown[]): string {
  return parts.filter((part) => typeof part === 'string').join('\n');
}

function jsonIn(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${name} is required`);
  return value as Json;
}

function refuse(detail: string): never {
  throw new TwilioRefusal(400, 20001, detail);
}
