/** What the connector refuses of an activity, and what of it a person sees. @see https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages */
import { isFields, listOf, stringOf, type Fields } from '../problem.js';
import { TeamsRefusal } from './refusal.js';

/** Something to tap. */
export interface TeamsButton {
  readonly label: string;
  /** Of a link. */
  readonly url?: string;
  /** What a tap brings back. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An activity, once it is found good. */
export interface CheckedActivity {
  readonly text: string;
  readonly media: readonly string[];
  readonly buttons: readonly TeamsButton[];
  readonly isCarousel: boolean;
}

/** 100 KB as UTF-16, without pictures that stand in it; the connector itself takes 256 KiB. */
const MAX_MESSAGE_BYTES = 100 * 1024;
const MAX_REQUEST_BYTES = 262_144;
const CARD = 'application/vnd.microsoft.card.adaptive';

export function checkActivity(activity: Fields, sent: string): CheckedActivity {
  if (Buffer.byteLength(sent) > MAX_REQUEST_BYTES)
    throw new TeamsRefusal(413, 'MessageSizeTooBig', `The request content length exceeded limit of ${MAX_REQUEST_BYTES} bytes`);
  if (sent.replace(/data:image\/[^"]*/g, '').length * 2 > MAX_MESSAGE_BYTES)
    throw new TeamsRefusal(413, 'MessageSizeTooBig', 'Message size too large.');
  const { text, textFormat = 'markdown', attachments, attachmentLayout } = activity;
  if (text !== undefined && typeof text !== 'string') throw bad('Text must be a string');
  if (textFormat !== 'plain' && textFormat !== 'markdown' && textFormat !== 'xml') throw bad(`Unknown text format '${stringOf(textFormat)}'`);
  const files = listOf(attachments);
  if ((text ?? '') === '' && files.length === 0) throw bad('Activity must have a text or an attachment');
  if (files.length > 10) throw bad('Too many attachments: at most 10 are allowed');
  if (attachmentLayout !== undefined && attachmentLayout !== 'list' && attachmentLayout !== 'carousel') throw bad('Unknown attachment layout');
  const seen = files.map(checkAttachment);
  const links = textFormat === 'xml' ? [...(text ?? '').matchAll(/<a href="([^"]*)">/g)].map(([, url = '']) => unescaped(url)) : [];
  const words = [textFormat === 'xml' ? shownOf(text ?? '') : (text ?? ''), ...seen.map((part) => part.text)];
  return {
    text: words.filter((line) => line !== '').join('\n'),
    media: [...seen.flatMap(({ media }) => media), ...links],
    buttons: seen.flatMap(({ buttons }) => buttons),
    isCarousel: attachmentLayout === 'carousel',
  };
}

function bad(message: string): TeamsRefusal {
  return new TeamsRefusal(400, 'BadArgument', message);
}

function shownOf(xml: string): string {
  const known = /^\/?(?:b|strong|i|em|u|strike|a|code|pre|blockquote|ul|ol|li|br|p|h[1-3]|hr)\b/;
  for (const [, tag = ''] of xml.matchAll(/<([^>]*)>/g)) if (!known.test(tag)) throw bad(`The tag <${tag}> is not supported`);
  return unescaped(xml.replace(/<(?:br|hr)\/>|<\/(?:p|li|h[1-3])>/g, '\n').replace(/<[^>]*>/g, ''));
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

type Seen = Pick<CheckedActivity, 'text' | 'media' | 'buttons'>;

function checkAttachment(given: unknown): Seen {
  const { contentType, contentUrl, content } = isFields(given) ? given : {};
  if (contentType === CARD) return checkCard(content);
  if (!/^image\/(?:png|jpe?g|gif)$/.test(stringOf(contentType))) throw bad(`Attachments of type '${stringOf(contentType)}' are not supported`);
  if (!/^https:\/\/|^data:image\//.test(stringOf(contentUrl))) throw bad('The contentUrl of a picture must be an https or data address');
  return { text: '', media: [stringOf(contentUrl)], buttons: [] };
}

function checkCard(content: unknown): Seen {
  const { type, version, body } = isFields(content) ? content : {};
  if (type !== 'AdaptiveCard' || !/^1\.[0-5]$/.test(stringOf(version))) throw bad('The card is no Adaptive Card of a version up to 1.5');
  const words: string[] = [];
  const media: string[] = [];
  const buttons: TeamsButton[] = [];
  for (const element of listOf(body)) {
    const part = isFields(element) ? element : {};
    switch (part['type']) {
      case 'TextBlock':
        if (typeof part['text'] !== 'string') throw bad('A TextBlock needs a text');
        words.push(part['text']);
        break;
      case 'Image':
        if (!/^https:\/\/|^data:image\//.test(stringOf(part['url']))) throw bad('An Image needs an https or data address');
        media.push(stringOf(part['url']));
        break;
      case 'ActionSet':
        for (const action of listOf(part['actions'])) buttons.push(checkAction(action));
        break;
      default:
        throw bad(`The card has an element of type '${stringOf(part['type'])}'`);
    }
  }
  return { text: words.join('\n'), media, buttons };
}

function checkAction(given: unknown): TeamsButton {
  const { type, title, url, data } = isFields(given) ? given : {};
  if (typeof title !== 'string' || title === '') throw bad('An action needs a title');
  if (type === 'Action.OpenUrl') {
    if (!/^(?:https?|tel|mailto):/.test(stringOf(url))) throw bad('Action.OpenUrl needs an address');
    return { label: title, url: stringOf(url) };
  }
  if (type !== 'Action.Submit') throw bad(`Actions of type '${stringOf(type)}' are not supported`);
  return { label: title, data: isFields(data) ? data : {} };
}
