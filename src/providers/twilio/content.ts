/** A message with something to tap, as a template of Twilio's Content API. @see https://www.twilio.com/docs/content/twiliocard */
import { cutText } from '../../core/delivery/split-text.js';
import type { Fields } from '../_shared/http/reading.js';
import { postbackOf } from '../_shared/rcs/postback.js';
import type { RcsCard, RcsChoice, RcsShape } from '../_shared/rcs/shape.js';

const MAX_CHIPS = 11;
const MAX_CARD_ACTIONS = 4;
const MAX_CAROUSEL_ACTIONS = 2;
const MAX_FALLBACK = 1600;

/**
 * The template; undefined for what needs none, or what Twilio's templates cannot show: that goes as text. `words` is what a
 * phone without RCS gets.
 */
export function templateOf(shape: RcsShape, words: string): Fields | undefined {
  const rich = typesOf(shape);
  if (rich === undefined) return undefined;
  const types = { ...rich, ...(words !== '' && { 'twilio/text': { body: cutText(words, MAX_FALLBACK) } }) };
  // What looks like a variable to Twilio cannot be sent as it stands.
  return JSON.stringify(types).includes('{{') ? undefined : { friendly_name: 'roomkit', language: 'en', variables: {}, types };
}

function typesOf(shape: RcsShape): Fields | undefined {
  switch (shape.kind) {
    case 'file':
      return undefined;
    case 'text':
      if (shape.choices.length === 0 || shape.choices.length > MAX_CHIPS || shape.text === '') return undefined;
      return { 'twilio/card': { body: shape.text, actions: shape.choices.map(action) } };
    case 'card': {
      const choices = [...shape.card.choices, ...shape.choices];
      const isShown = choices.length <= MAX_CARD_ACTIONS && (choices.length > 0 || shape.card.mediaUrl !== undefined);
      return isShown ? { 'twilio/card': card(shape.card, choices) } : undefined;
    }
    case 'carousel': {
      const isShown = shape.choices.length === 0 && shape.cards.every(fitsCarousel);
      return isShown ? { 'twilio/carousel': { body: ' ', cards: shape.cards.map(carouselCard) } } : undefined;
    }
  }
}

/** In a carousel every card has a picture and one or two buttons. */
function fitsCarousel({ mediaUrl, choices }: RcsCard): boolean {
  return mediaUrl !== undefined && choices.length > 0 && choices.length <= MAX_CAROUSEL_ACTIONS;
}

function card({ title, text, mediaUrl }: RcsCard, choices: readonly RcsChoice[]): Fields {
  return {
    ...(title !== undefined && { title }),
    ...(text !== undefined && { body: text }),
    ...(mediaUrl !== undefined && { media: [mediaUrl] }),
    ...(choices.length > 0 && { actions: choices.map(action) }),
  };
}

function carouselCard({ title, text, mediaUrl, choices }: RcsCard): Fields {
  return { ...(title !== undefined && { title }), body: text ?? title ?? ' ', media: mediaUrl, actions: choices.map(action) };
}

function action(choice: RcsChoice): Fields {
  const { label: title } = choice;
  if (choice.kind === 'url') return { type: 'URL', title, url: choice.url ?? '' };
  if (choice.kind === 'call') return { type: 'PHONE_NUMBER', title, phone: choice.phone ?? '' };
  return { type: 'QUICK_REPLY', title, id: postbackOf(choice) };
}
