/**
 * What a content is in RCS, for every vendor of it: a text, a file, a card or a carousel, each with something to tap. Pure.
 * @see https://developers.google.com/business-communications/rcs-business-messaging/guides/build/messages/overview
 */
import { outboundMedia, outboundText, type OutboundMedia } from '../../../channels/outbound-text.js';
import { cutText } from '../../../core/delivery/split-text.js';
import { channelCapabilities } from '../../../core/models/capabilities.js';
import { transcodeFor } from '../../../core/delivery/transcode.js';
import type { Button, Card, EventContent, QuickReply, RichContent } from '../../../core/models/content.js';

/** Something to tap. */
export interface RcsChoice {
  readonly kind: Button['kind'];
  readonly id: string;
  /** At most 25 characters. */
  readonly label: string;
  readonly value?: string;
  readonly url?: string;
  readonly phone?: string;
}

export interface RcsCard {
  readonly title?: string;
  readonly text?: string;
  readonly mediaUrl?: string;
  readonly choices: readonly RcsChoice[];
}

export type RcsShape =
  | { readonly kind: 'text'; readonly text: string; readonly choices: readonly RcsChoice[] }
  | { readonly kind: 'file'; readonly url: string }
  | { readonly kind: 'card'; readonly card: RcsCard; readonly choices: readonly RcsChoice[] }
  | { readonly kind: 'carousel'; readonly cards: readonly RcsCard[]; readonly choices: readonly RcsChoice[] };

const MAX_LABEL = 25;
const MAX_TITLE = 200;
const MAX_TEXT = 2000;
const MAX_CARDS = 10;

/** Undefined when there is nothing to send. What stands before cards becomes the first words of the first: one message, all or nothing. */
export function rcsShape(content: EventContent): RcsShape | undefined {
  if (content.type === 'rich') return richShape(content);
  const text = outboundText(content) ?? '';
  const media = outboundMedia(content);
  const [first] = media;
  if (first === undefined) return text === '' ? undefined : { kind: 'text', text, choices: [] };
  if (media.length === 1 && text === '') return { kind: 'file', url: first.url };
  // Cards show pictures and films; other files are told by their address.
  if (!media.every(isVisible) || media.length > MAX_CARDS) return { kind: 'text', text: lines(text, ...media.map(({ url }) => url)), choices: [] };
  const cards = media.map(({ url }, index): RcsCard => ({
    mediaUrl: url,
    ...(index === 0 && text !== '' && { text: cutText(text, MAX_TEXT) }),
    choices: [],
  }));
  return shapeOfCards(cards, []);
}

function richShape(content: RichContent): RcsShape | undefined {
  const text = outboundText(content) ?? '';
  const choices = [...(content.buttons ?? []).map(choiceOf), ...(content.quickReplies ?? []).map(choiceOfReply)];
  const given = content.cards ?? [];
  if (given.length === 0) return text === '' && choices.length === 0 ? undefined : { kind: 'text', text, choices };
  if (given.length > MAX_CARDS) return { kind: 'text', text: textFormOf({ ...content, buttons: [], quickReplies: [] }), choices };
  return shapeOfCards(
    given.map((card, index) => cardOf(card, index === 0 ? text : '')),
    choices,
  );
}

function shapeOfCards(cards: readonly RcsCard[], choices: readonly RcsChoice[]): RcsShape {
  const [only] = cards;
  return only !== undefined && cards.length === 1 ? { kind: 'card', card: only, choices } : { kind: 'carousel', cards, choices };
}

function cardOf({ title, subtitle, body, url, imageUrl, buttons = [] }: Card, before: string): RcsCard {
  const text = cutText(lines(before, subtitle, body, url), MAX_TEXT);
  return {
    title: cutText(title, MAX_TITLE),
    ...(text !== '' && { text }),
    ...(imageUrl !== undefined && { mediaUrl: imageUrl }),
    choices: buttons.map(choiceOf),
  };
}

function choiceOf({ kind, id, label, value, url, phone }: Button): RcsChoice {
  return {
    kind,
    id,
    label: cutText(label, MAX_LABEL),
    ...(value !== undefined && { value }),
    ...(url !== undefined && { url }),
    ...(phone !== undefined && { phone }),
  };
}

function choiceOfReply(reply: QuickReply): RcsChoice {
  if (typeof reply === 'string') return { kind: 'reply', id: reply, label: cutText(reply, MAX_LABEL) };
  return { kind: 'reply', id: reply.id, label: cutText(reply.label, MAX_LABEL), ...(reply.value !== undefined && { value: reply.value }) };
}

const PLAIN = channelCapabilities({ mediaTypes: ['text', 'media'] });

/** The words of a content for a phone without RCS: buttons and cards as lines. */
export function textFormOf(content: EventContent): string {
  const plain = transcodeFor(content, PLAIN);
  return (plain === null ? undefined : outboundText(plain)) ?? '';
}

function isVisible({ mimeType }: OutboundMedia): boolean {
  return /^(image|video)\//i.test(mimeType);
}

function lines(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('\n');
}
