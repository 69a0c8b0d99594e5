/**
 * Buttons, lists, links, cards and carousels.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-media-carousel-messages
 */
import { cutText, splitText, truncate } from '../../core/delivery/split-text.js';
import { outboundText } from '../../channels/outbound-text.js';
import type { Button, Card, RichContent } from '../../core/models/content.js';
import { tapPayload } from '../_shared/graph/tap.js';
import { whatsAppText } from './formatting.js';
import { fileMessages, MAX_BODY, textMessages, type GraphMessage } from './messages.js';

const MAX_REPLIES = 3;
const MAX_ROWS = 10;
const MAX_TITLE = 20;
const MAX_ROW_TITLE = 24;
const MAX_ROW_DESCRIPTION = 72;
const MAX_REPLY_ID = 256;
const MAX_ROW_ID = 200;
const MAX_LIST_BODY = 4096;
const MIN_CARDS = 2;
const MAX_CARDS = 10;
const MAX_CARD_BODY = 160;

interface Choice {
  readonly id: string;
  readonly label: string;
  readonly value?: string;
}

type Interactive = Readonly<Record<string, unknown>>;

/** The messages for rich content, in the order in which they are to be read. */
export function richMessages(content: RichContent, listButton: string): readonly GraphMessage[] {
  const buttons = content.buttons ?? [];
  const choices = different([
    ...buttons.filter(({ kind }) => kind === 'reply'),
    ...(content.quickReplies ?? []).map((reply) => (typeof reply === 'string' ? { id: reply, label: reply } : reply)),
  ]);
  const links = buttons.filter(({ kind, url }) => kind === 'url' && url !== undefined);
  const calls = buttons.filter(({ kind }) => kind === 'call');
  // One link alone is a button; beside other buttons there is no place for it but the text.
  const button = choices.length === 0 && links.length === 1 ? links[0] : undefined;
  const lines = [
    ...choices.slice(MAX_ROWS).map(({ label }, at) => `${MAX_ROWS + 1 + at}. ${label}`),
    ...[...(button === undefined ? links : []), ...calls].map(lineOf),
  ];
  const carousel = carouselOf(content.cards ?? []);
  const text = [wordsOf(content), ...lines].filter((line) => line !== '').join('\n');
  const wants = buttons.some(({ kind }) => kind === 'location_request');
  return [
    ...(carousel === undefined
      ? [...said(text, choices.slice(0, MAX_ROWS), button, listButton), ...(content.cards ?? []).flatMap(cardMessages)]
      : [...withBody(text, MAX_BODY, labelsOf(content.cards ?? []), () => carousel), ...said('', choices.slice(0, MAX_ROWS), button, listButton)]),
    ...(wants ? [locationRequest(buttons)] : []),
  ];
}

function wordsOf(content: RichContent): string {
  const text = outboundText(content) ?? '';
  return content.plainText === undefined && content.format !== 'html' ? whatsAppText(text) : text;
}

function said(text: string, choices: readonly Choice[], link: Button | undefined, listButton: string): readonly GraphMessage[] {
  if (link !== undefined) return withBody(text, MAX_BODY, link.label, () => ({ type: 'cta_url', action: linkAction(link) }));
  if (choices.length === 0) return text === '' ? [] : textMessages(text);
  const labels = choices.map(({ label }) => label).join(' / ');
  if (areReplies(choices)) return withBody(text, MAX_BODY, labels, () => ({ type: 'button', action: { buttons: replyButtons(choices) } }));
  return withBody(text, MAX_LIST_BODY, labels, () => ({
    type: 'list',
    action: { button: listButton, sections: [{ title: listButton, rows: choices.map(rowOf) }] },
  }));
}

/** WhatsApp refuses two buttons of one id. */
function different(choices: readonly Choice[]): readonly Choice[] {
  return choices.filter(({ id, label }, at) => label !== '' && choices.findIndex((other) => other.id === id) === at);
}

/** Whether they fit on buttons: few, short, and no two alike. */
function areReplies(choices: readonly Choice[]): boolean {
  if (choices.length === 0 || choices.length > MAX_REPLIES) return false;
  return choices.every(({ label }) => label.length <= MAX_TITLE) && new Set(choices.map(({ label }) => label)).size === choices.length;
}

/** The last part of a text that is too long stands with the buttons, the rest before it; a body there must be. */
function withBody(text: string, most: number, fallback: string, make: () => Interactive): readonly GraphMessage[] {
  const parts = splitText(text === '' ? fallback : text, most);
  const body = parts.at(-1) ?? fallback;
  const before = parts.slice(0, -1).flatMap(textMessages);
  return [...before, { type: 'interactive', fields: { ...make(), body: { text: body } } }];
}

function replyButtons(choices: readonly Choice[]): readonly Interactive[] {
  return choices.map((choice) => ({ type: 'reply', reply: { id: idOf(choice, MAX_REPLY_ID), title: choice.label } }));
}

/** A label that is too long is cut, and stands whole below as far as there is room. */
function rowOf(choice: Choice): Interactive {
  const { label } = choice;
  const isLong = label.length > MAX_ROW_TITLE;
  return {
    id: idOf(choice, MAX_ROW_ID),
    title: truncate(label, MAX_ROW_TITLE),
    ...(isLong && { description: truncate(label, MAX_ROW_DESCRIPTION) }),
  };
}

function idOf(choice: Choice, most: number): string {
  return cutText(tapPayload(choice, most), most);
}

function linkAction({ label, url }: Button): Interactive {
  return { name: 'cta_url', parameters: { display_text: truncate(label, MAX_TITLE), url } };
}

function locationRequest(buttons: readonly Button[]): GraphMessage {
  const label = buttons.find(({ kind }) => kind === 'location_request')?.label ?? '';
  return {
    type: 'interactive',
    fields: { type: 'location_request_message', body: { text: cutText(label, MAX_BODY) }, action: { name: 'send_location' } },
  };
}

function lineOf({ label, url, phone }: Button): string {
  return `${label}: ${url ?? phone ?? ''}`;
}

/** A card by itself: a picture over text and buttons, or what of it there is. */
function cardMessages(card: Card): readonly GraphMessage[] {
  const link = linkOf(card);
  const replies = repliesOf(card);
  const lines = [card.title, card.subtitle, card.body].filter((line) => line !== undefined && line !== '');
  const header = isLink(card.imageUrl) ? { header: { type: 'image', image: { link: card.imageUrl } } } : {};
  if (areReplies(replies)) {
    const text = [...lines, ...(link === undefined ? [] : [lineOf(link)])].join('\n');
    return withBody(text, MAX_BODY, card.title, () => ({ type: 'button', ...header, action: { buttons: replyButtons(replies) } }));
  }
  const text = [...lines, ...replies.map(({ label }, at) => `${at + 1}. ${label}`)].join('\n');
  if (link !== undefined) return withBody(text, MAX_BODY, card.title, () => ({ type: 'cta_url', ...header, action: linkAction(link) }));
  return card.imageUrl === undefined ? textMessages(text) : fileMessages({ url: card.imageUrl, mimeType: 'image/jpeg', caption: text });
}

/**
 * Cards side by side: two to ten, each with a picture, short words, and either one link or the same number of replies as all the others.
 * Anything else is sent card by card.
 */
function carouselOf(cards: readonly Card[]): Interactive | undefined {
  if (cards.length < MIN_CARDS || cards.length > MAX_CARDS) return undefined;
  const count = repliesOf(cards[0] as Card).length; // there are two at least
  const areLinks = cards.every((card) => linkOf(card) !== undefined && repliesOf(card).length === 0);
  const haveReplies = count > 0 && count <= 2 && cards.every((card) => linkOf(card) === undefined && repliesOf(card).length === count);
  if (!areLinks && !haveReplies) return undefined;
  if (!cards.every((card) => isLink(card.imageUrl) && cardText(card).length <= MAX_CARD_BODY)) return undefined;
  if (haveReplies && !cards.every((card) => repliesOf(card).every(({ label }) => label.length <= MAX_TITLE))) return undefined;
  return {
    type: 'carousel',
    action: {
      cards: cards.map((card, index) => {
        const link = linkOf(card);
        return {
          card_index: index,
          type: 'cta_url',
          header: { type: 'image', image: { link: card.imageUrl } },
          body: { text: cardText(card) },
          action:
            link === undefined
              ? {
                  buttons: repliesOf(card).map((reply) => ({
                    type: 'quick_reply',
                    quick_reply: { id: idOf(reply, MAX_REPLY_ID), title: reply.label },
                  })),
                }
              : linkAction(link),
        };
      }),
    },
  };
}

function cardText({ title, subtitle, body }: Card): string {
  return [`*${title}*`, subtitle, body].filter((line) => line !== undefined && line !== '').join('\n');
}

function labelsOf(cards: readonly Card[]): string {
  return cutText(cards.map(({ title }) => title).join(' / '), MAX_BODY);
}

/** Its one link: a button's, or the card's own under its title. */
function linkOf(card: Card): Button | undefined {
  const links = (card.buttons ?? []).filter(({ kind, url }) => kind === 'url' && url !== undefined);
  if (links.length > 0) return links[0];
  return card.url === undefined ? undefined : { id: card.id ?? card.title, label: card.title, kind: 'url', url: card.url };
}

function repliesOf(card: Card): readonly Choice[] {
  return different((card.buttons ?? []).filter(({ kind }) => kind === 'reply'));
}

function isLink(url: string | undefined): boolean {
  return url !== undefined && /^https?:/i.test(url);
}
