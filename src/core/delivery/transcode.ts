/** Turns content into what a channel can carry (behaviour §11.1). Pure; what passes unchanged is the same object. */
import type { ChannelBinding } from '../models/binding.js';
import type { ChannelCapabilities } from '../models/capabilities.js';
import type { Button, Card, EventContent, QuickReply, RichContent } from '../models/content.js';
import type { Awaitable } from '../models/json.js';

/** Replaces the built-in table: option `transcoder` of the kit. A throw counts as null (TRC-04). */
export interface ContentTranscoder {
  /** The content in a form the target carries; null when nothing of it can be carried. */
  transcode(content: EventContent, source: ChannelBinding | undefined, target: ChannelBinding): Awaitable<EventContent | null>;
}

/** The content for a channel of these capabilities; null when nothing of it can be carried (OUT-04). */
export function transcodeFor(content: EventContent, capabilities: ChannelCapabilities): EventContent | null {
  return shape(content, capabilities, { next: 1 });
}

/** Something that can be chosen: on channels without buttons a line with a number. */
export type Choice = Button | QuickReply;

/** What stands under numbers once the content is transcoded for these capabilities, in their order: the first is number 1. */
export function numberedChoices(content: EventContent, capabilities: ChannelCapabilities): readonly Choice[] {
  switch (content.type) {
    case 'rich': {
      const { cards, buttons, replies } = capabilities.mediaTypes.includes('rich') ? beyond(content, capabilities) : everything(content);
      return [...cards.flatMap((card) => card.buttons ?? []), ...buttons, ...replies];
    }
    case 'composite':
      return content.parts.flatMap((part) => numberedChoices(part, capabilities));
    case 'edit':
      return capabilities.supportsEdit ? [] : numberedChoices(content.newContent, capabilities);
    default:
      return [];
  }
}

/** Numbers run on through one message: a number means one thing. */
interface Numbers {
  next: number;
}

function shape(content: EventContent, capabilities: ChannelCapabilities, numbers: Numbers): EventContent | null {
  const takes = capabilities.mediaTypes;
  switch (content.type) {
    case 'text':
      return content;
    case 'system':
      return content;
    case 'rich':
      return takes.includes('rich') ? richForRich(content, capabilities, numbers) : text(richAsText(content, numbers));
    case 'media':
      return takes.includes('media') ? content : text(`[Media: ${mediaName(content.caption, content.filename, content.url)}]`);
    case 'audio':
      return takes.includes('audio') ? content : text(content.transcript ?? `[Voice message: ${mediaName(undefined, undefined, content.url)}]`);
    case 'video':
      return takes.includes('video') ? content : text(`[Video: ${mediaName(undefined, undefined, content.url)}]`);
    case 'location':
      return takes.includes('location')
        ? content
        : text(`[Location: ${content.label ?? content.address ?? ''} (${content.latitude}, ${content.longitude})]`);
    case 'template':
      return takes.includes('template') ? content : text(content.body ?? `[Template: ${content.templateId}]`);
    case 'composite':
      return composite(content.parts, capabilities, content, numbers);
    case 'edit': {
      if (capabilities.supportsEdit) return content;
      const inner = shape(content.newContent, capabilities, numbers);
      if (inner === null) return text('[Correction]');
      return inner.type === 'text' ? text(`Correction: ${inner.body}`) : inner;
    }
    case 'delete':
      return capabilities.supportsDelete ? content : text('[Message deleted]');
  }
}

function text(body: string): EventContent {
  return Object.freeze({ type: 'text', body });
}

/** data: urls never stand in a text (TRC-02). */
function mediaName(caption: string | undefined, filename: string | undefined, url: string): string {
  if (caption !== undefined && caption !== '') return caption;
  if (filename !== undefined && filename !== '') return filename;
  return /^data:/i.test(url) ? 'attachment' : url;
}

function composite(parts: readonly EventContent[], capabilities: ChannelCapabilities, whole: EventContent, numbers: Numbers): EventContent | null {
  const kept: EventContent[] = [];
  let changed = false;
  for (const part of parts) {
    const form = shape(part, capabilities, numbers);
    if (form !== part) changed = true;
    if (form !== null) kept.push(form);
  }
  if (kept.length === 0) return null;
  if (kept.every((part) => part.type === 'text')) return text(kept.map((part) => (part.type === 'text' ? part.body : '')).join('\n'));
  return changed ? Object.freeze({ type: 'composite', parts: Object.freeze(kept) }) : whole;
}

interface Lost {
  readonly cards: readonly Card[];
  readonly buttons: readonly Button[];
  readonly replies: readonly QuickReply[];
}

/** What a rich channel cannot show of it. */
function beyond(content: RichContent, capabilities: ChannelCapabilities): Lost {
  const most = capabilities.supportsButtons ? (capabilities.maxButtons ?? Infinity) : 0;
  return {
    cards: capabilities.supportsCards ? [] : (content.cards ?? []),
    buttons: (content.buttons ?? []).slice(most),
    replies: capabilities.supportsQuickReplies ? [] : (content.quickReplies ?? []),
  };
}

function everything(content: RichContent): Lost {
  return { cards: content.cards ?? [], buttons: content.buttons ?? [], replies: content.quickReplies ?? [] };
}

/** A rich channel that lacks buttons, cards or quick replies gets them as numbered lines; so does what is too much. */
function richForRich(content: RichContent, capabilities: ChannelCapabilities, numbers: Numbers): EventContent {
  const lost = beyond(content, capabilities);
  if (lost.cards.length + lost.buttons.length + lost.replies.length === 0) return content;
  const { buttons = [], quickReplies: replies = [], cards = [], ...rest } = content;
  const kept = buttons.slice(0, buttons.length - lost.buttons.length);
  const extra = linesOf(lost, numbers);
  const append = (body: string): string => [body, ...extra].filter((line) => line !== '').join('\n');
  return Object.freeze({
    ...rest,
    body: append(content.body),
    ...(content.plainText !== undefined && { plainText: append(content.plainText) }),
    ...(kept.length > 0 && { buttons: Object.freeze(kept) }),
    ...(lost.replies.length === 0 && replies.length > 0 && { quickReplies: replies }),
    ...(lost.cards.length === 0 && cards.length > 0 && { cards }),
  });
}

function richAsText(content: RichContent, numbers: Numbers): string {
  const body = content.plainText ?? (content.format === 'html' ? stripHtml(content.body) : content.body);
  return [body, ...linesOf(everything(content), numbers)].filter((line) => line !== '').join('\n');
}

function linesOf({ cards, buttons, replies }: Lost, numbers: Numbers): string[] {
  return [...cards.map((card) => cardAsText(card, numbers)), ...numbered([...buttons, ...replies], numbers)];
}

/** The lines under which choices appear on channels without buttons; a typed number stands for the tap (§3.1). */
function numbered(choices: readonly Choice[], numbers: Numbers): string[] {
  return choices.map((choice) => {
    const number = numbers.next++;
    if (typeof choice === 'string') return `${number}. ${choice}`;
    const target = 'kind' in choice ? (choice.url ?? choice.phone) : undefined;
    return `${number}. ${choice.label}${target === undefined ? '' : `: ${target}`}`;
  });
}

function cardAsText(card: Card, numbers: Numbers): string {
  return [card.title, card.subtitle, card.body, card.url, ...numbered(card.buttons ?? [], numbers)]
    .filter((line) => line !== undefined && line !== '')
    .join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** HTML as text, in one pass over the characters: tags go, line-breaking ones leave a line break, entities are decoded. */
export function stripHtml(html: string): string {
  let out = '';
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open === -1) {
      out += html.slice(at);
      break;
    }
    out += html.slice(at, open);
    const close = html.indexOf('>', open);
    if (close === -1) {
      out += html.slice(open);
      break;
    }
    const name = /^\/?([a-z0-9]+)/i.exec(html.slice(open + 1, Math.min(close, open + 20)))?.[1]?.toLowerCase();
    const closing = html[open + 1] === '/';
    at = close + 1;
    if (name === 'script' || name === 'style') {
      if (!closing) at = endOf(name, html, at);
    } else if (name === 'br' || (closing && (name === 'p' || name === 'div' || name === 'li' || name === 'tr' || /^h[1-6]$/.test(name ?? '')))) {
      out += '\n';
    }
  }
  const lines = decodeEntities(out)
    .split('\n')
    .map((line) => line.trim());
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function endOf(name: 'script' | 'style', html: string, from: number): number {
  const end = name === 'script' ? /<\/script/gi : /<\/style/gi;
  end.lastIndex = from;
  return end.exec(html)?.index ?? html.length;
}

function decodeEntities(encoded: string): string {
  return encoded.replace(/&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,6});/gi, (whole, name: string) => {
    if (name.startsWith('#')) {
      const code = name[1]?.toLowerCase() === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
      return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : whole;
    }
    return ENTITIES[name.toLowerCase()] ?? whole;
  });
}
