/**
 * What content is at Teams: one activity or several, in the connector's fields. Pure.
 * @see https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
 */
import { outboundMedia, outboundText, type OutboundMedia } from '../../channels/outbound-text.js';
import type { EventContent, RichContent } from '../../core/models/content.js';
import { cardOf, choiceCard } from './cards.js';
import { encodeEntities, teamsMarkup } from './markup.js';

/** An activity of type `message`, without whom it goes to. */
export type TeamsMessage = Readonly<Record<string, unknown>>;

/** Activities, or that there are files which Teams does not take. */
export type TeamsMessages = { readonly messages: readonly TeamsMessage[] } | { readonly refused: 'media' };

/** Of one activity. */
const MAX_CARDS = 10;

/** What is sent for content; no messages when there is nothing to send. */
export function teamsMessages(content: EventContent): TeamsMessages {
  switch (content.type) {
    case 'rich':
      return { messages: richMessages(content) };
    case 'composite': {
      if (!content.parts.some((part) => part.type === 'rich' || part.type === 'composite')) return plainMessages(content);
      const messages: TeamsMessage[] = [];
      for (const part of content.parts) {
        const made = teamsMessages(part);
        if ('refused' in made) return made;
        messages.push(...made.messages);
      }
      return { messages };
    }
    default:
      return plainMessages(content);
  }
}

/** Pictures are shown in the chat, with the words over them; other files are links, as bots have no other way to send them. */
function plainMessages(content: EventContent): TeamsMessages {
  const media = outboundMedia(content);
  const pictures = media.filter(isPicture);
  const files = media.filter((file) => !isPicture(file));
  if (files.some(({ url }) => !/^https?:/i.test(url))) return { refused: 'media' };
  const text = outboundText(content) ?? '';
  if (text === '' && media.length === 0) return { messages: [] };
  const attachments = pictures.map(({ url, mimeType, filename }) => ({
    contentType: mimeType,
    contentUrl: url,
    ...(filename !== undefined && { name: filename }),
  }));
  const shown = { type: 'message', ...(attachments.length > 0 && { attachments }) };
  if (files.length === 0) return { messages: [{ ...shown, ...(text !== '' && { text, textFormat: 'plain' }) }] };
  const lines = [...(text === '' ? [] : [encodeEntities(text).replaceAll('\n', '<br/>')]), ...files.map(linkOf)];
  return { messages: [{ ...shown, text: lines.join('<br/>'), textFormat: 'xml' }] };
}

function isPicture({ url, mimeType }: OutboundMedia): boolean {
  return /^image\/(?:png|jpe?g|gif)$/i.test(mimeType) && (/^https:/i.test(url) || /^data:image\/(?:png|jpe?g|gif);base64,./i.test(url));
}

function linkOf({ url, filename }: OutboundMedia): string {
  const name = filename ?? (new URL(url).pathname.split('/').at(-1) || url);
  return `<a href="${encodeEntities(url)}">${encodeEntities(name)}</a>`;
}

function richMessages(content: RichContent): readonly TeamsMessage[] {
  const { buttons = [], cards = [], quickReplies = [] } = content;
  const words = wordsOf(content);
  const wishes = buttons.filter(({ kind }) => kind === 'location_request').map(({ label }) => label);
  const plain = [
    outboundText({ type: 'rich', body: content.body, ...(content.format !== undefined && { format: content.format }) }) ?? '',
    ...wishes,
  ];
  const choices = choiceCard(plain.filter((line) => line !== '').join('\n\n'), buttons, quickReplies);
  const first = choices === undefined ? words : [{ type: 'message', summary: plain.join(' ').trim(), attachments: [choices] }];
  const pages: TeamsMessage[] = [];
  for (let at = 0; at < cards.length; at += MAX_CARDS) {
    const attachments = cards.slice(at, at + MAX_CARDS).map(cardOf);
    pages.push({ type: 'message', ...(attachments.length > 1 && { attachmentLayout: 'carousel' }), attachments });
  }
  return [...first, ...pages];
}

/** `plainText` is for channels that show no formatting: Teams shows it. */
function wordsOf({ body, format = 'markdown', buttons = [] }: RichContent): readonly TeamsMessage[] {
  const wishes = buttons.filter(({ kind }) => kind === 'location_request').map(({ label }) => label);
  if (format === 'html') {
    const text = [teamsMarkup(body), ...wishes.map(encodeEntities)].filter((line) => line !== '').join('<br/>');
    return text === '' ? [] : [{ type: 'message', text, textFormat: 'xml' }];
  }
  const text = [body, ...wishes].filter((line) => line !== '').join('\n\n');
  return text === '' ? [] : [{ type: 'message', text, textFormat: 'markdown' }];
}
