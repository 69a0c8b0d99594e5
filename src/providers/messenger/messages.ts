/**
 * What content is at Messenger: one message or several, in the API's fields. Pure; files are uploaded by who sends them.
 * @see https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
 */
import { outboundMedia, outboundText, type OutboundMedia } from '../../channels/outbound-text.js';
import { cutText, splitText, truncate } from '../../core/delivery/split-text.js';
import type { Button, Card, EventContent, QuickReply, RichContent } from '../../core/models/content.js';
import { tapPayload } from '../_shared/graph/tap.js';
import { graphTemplate } from '../_shared/graph/template.js';

/** One message, without whom it goes to. */
export interface MessengerMessage {
  readonly message: Readonly<Record<string, unknown>>;
  /** Made of an approved template: it may go out at any time. */
  readonly isUtility?: true;
  /** Bytes in a `data:` url, to be uploaded first; then `message` holds its attachment. */
  readonly file?: OutboundMedia & { readonly kind: string };
}

/** Messages, or what of the content the API would refuse. */
export type MessengerMessages = { readonly messages: readonly MessengerMessage[] } | { readonly refused: string };

const MAX_TEXT = 2000;
const MAX_BUTTON_TEXT = 640;
const MAX_TITLE = 20;
const MAX_PAYLOAD = 1000;
const MAX_BUTTONS = 3;
const MAX_QUICK_REPLIES = 13;
const MAX_CARDS = 10;
const MAX_CARD_LINE = 80;

type Fields = Readonly<Record<string, unknown>>;

/** What is sent for content; no messages when there is nothing to send. */
export function messengerMessages(content: EventContent): MessengerMessages {
  switch (content.type) {
    case 'rich':
      return { messages: richMessages(content) };
    case 'template': {
      const made = graphTemplate(content);
      return 'refused' in made ? made : { messages: [{ message: { template: made.fields }, isUtility: true }] };
    }
    case 'composite': {
      const messages: MessengerMessage[] = [];
      for (const part of content.parts) {
        const made = messengerMessages(part);
        if ('refused' in made) return made;
        messages.push(...made.messages);
      }
      return { messages };
    }
    default:
      return { messages: [...outboundMedia(content).map(fileMessage), ...textMessages(outboundText(content))] };
  }
}

function textMessages(text: string | undefined): readonly MessengerMessage[] {
  return text === undefined || text === '' ? [] : splitText(text, MAX_TEXT).map((part) => ({ message: { text: part } }));
}

/** There are no captions: the words come as a message of their own behind the file. */
function fileMessage(file: OutboundMedia): MessengerMessage {
  const kind = /^(image|audio|video)\//i.exec(file.mimeType)?.[1]?.toLowerCase() ?? 'file';
  if (!/^https?:/i.test(file.url)) return { message: {}, file: { ...file, kind } };
  return { message: { attachment: { type: kind, payload: { url: file.url, is_reusable: true } } } };
}

function richMessages(content: RichContent): readonly MessengerMessage[] {
  const { buttons = [], cards = [], quickReplies = [] } = content;
  const shown = buttons.map(buttonOf).flatMap((one) => (one === undefined ? [] : [one]));
  const lines = [...buttons.slice(0, MAX_BUTTONS), ...quickReplies.slice(0, MAX_QUICK_REPLIES)]
    .map(labelOf)
    .filter(({ length }) => length > MAX_TITLE);
  const wishes = buttons.filter(({ kind }) => kind === 'location_request').map(labelOf);
  const surplus = [...buttons.filter((one) => buttonOf(one) !== undefined).slice(MAX_BUTTONS), ...quickReplies.slice(MAX_QUICK_REPLIES)];
  const text = [outboundText(content) ?? '', ...wishes, ...lines, ...surplus.map(labelOf)].filter((line) => line !== '').join('\n');
  const messages = [...(shown.length > 0 ? buttonMessages(text, shown.slice(0, MAX_BUTTONS), buttons) : textMessages(text)), ...cardMessages(cards)];
  return quickReplies.length === 0 ? messages : withQuickReplies(messages, quickReplies);
}

/** Buttons stand under a text; what of it is too long comes before them. */
function buttonMessages(text: string, shown: readonly Fields[], buttons: readonly Button[]): readonly MessengerMessage[] {
  const parts = splitText(text === '' ? buttons.map(labelOf).join(' / ') : text, MAX_BUTTON_TEXT);
  const under = parts.at(-1) ?? '';
  const before = parts.slice(0, -1).flatMap((part) => textMessages(part));
  return [...before, templateOf({ template_type: 'button', text: under, buttons: shown })];
}

function templateOf(payload: Fields): MessengerMessage {
  return { message: { attachment: { type: 'template', payload } } };
}

function buttonOf(button: Button): Fields | undefined {
  const title = truncate(button.label, MAX_TITLE);
  switch (button.kind) {
    case 'reply':
      return { type: 'postback', title, payload: cutText(tapPayload(button, MAX_PAYLOAD), MAX_PAYLOAD) };
    case 'url':
      return button.url === undefined ? undefined : { type: 'web_url', title, url: button.url };
    case 'call':
      return button.phone === undefined ? undefined : { type: 'phone_number', title, payload: button.phone };
    default:
      return undefined; // Messenger has no button that asks where somebody is
  }
}

function labelOf(choice: Button | QuickReply): string {
  return typeof choice === 'string' ? choice : choice.label;
}

function withQuickReplies(messages: readonly MessengerMessage[], replies: readonly QuickReply[]): readonly MessengerMessage[] {
  const shown = replies.slice(0, MAX_QUICK_REPLIES).map((reply) => {
    const tap = typeof reply === 'string' ? { id: reply } : reply;
    const imageUrl = typeof reply === 'string' ? undefined : reply.imageUrl;
    return {
      content_type: 'text',
      title: truncate(labelOf(reply), MAX_TITLE),
      payload: cutText(tapPayload(tap, MAX_PAYLOAD), MAX_PAYLOAD),
      ...(imageUrl !== undefined && { image_url: imageUrl }),
    };
  });
  const last = messages.at(-1) ?? { message: { text: cutText(replies.map(labelOf).join(' / '), MAX_TEXT) } };
  return [...messages.slice(0, -1), { ...last, message: { ...last.message, quick_replies: shown } }];
}

/** Up to ten cards side by side; one that is a title alone is no card for Messenger, and comes as text. */
function cardMessages(cards: readonly Card[]): readonly MessengerMessage[] {
  const messages: MessengerMessage[] = [];
  let row: Fields[] = [];
  const flush = (): void => {
    if (row.length > 0) messages.push(templateOf({ template_type: 'generic', elements: row }));
    row = [];
  };
  for (const card of cards) {
    const element = elementOf(card);
    if (element === undefined) {
      flush();
      messages.push(...textMessages(card.title));
      continue;
    }
    row.push(element);
    if (row.length === MAX_CARDS) flush();
  }
  flush();
  return messages;
}

function elementOf({ title, subtitle, body, imageUrl, url, buttons = [] }: Card): Fields | undefined {
  const lines = [title.length > MAX_CARD_LINE ? title : undefined, subtitle, body].filter((line) => line !== undefined && line !== '').join('\n');
  const shown = buttons
    .map(buttonOf)
    .filter((one) => one !== undefined)
    .slice(0, MAX_BUTTONS);
  const more = {
    ...(lines !== '' && { subtitle: truncate(lines, MAX_CARD_LINE) }),
    ...(imageUrl !== undefined && { image_url: imageUrl }),
    ...(url !== undefined && { default_action: { type: 'web_url', url } }),
    ...(shown.length > 0 && { buttons: shown }),
  };
  return Object.keys(more).length === 0 ? undefined : { title: truncate(title, MAX_CARD_LINE), ...more };
}
