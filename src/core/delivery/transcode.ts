/** Turns content into what a channel can carry (behaviour §11.1). Pure; what passes unchanged is the same object. */
import type { ChannelBinding } from '../models/binding.js';
import type { ChannelCapabilities } from '../models/capabilities.js';
import type { Button, EventContent, QuickReply, RichContent } from '../models/content.js';
import type { Awaitable } from '../models/json.js';

/** Replaces the built-in table: option `transcoder` of the kit. A throw counts as null (TRC-04). */
export interface ContentTranscoder {
  /** The content in a form the target carries; null when nothing of it can be carried. */
  transcode(content: EventContent, source: ChannelBinding | undefined, target: ChannelBinding): Awaitable<EventContent | null>;
}

/** The content for a channel of these capabilities; null when nothing of it can be carried (OUT-04). */
export function transcodeFor(content: EventContent, capabilities: ChannelCapabilities): EventContent | null {
  const takes = capabilities.mediaTypes;
  switch (content.type) {
    case 'text':
      return content;
    case 'system':
      return content;
    case 'rich':
      return takes.includes('rich') ? richForRich(content, capabilities) : text(richAsText(content));
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
      return composite(content.parts, capabilities, content);
    case 'edit': {
      if (capabilities.supportsEdit) return content;
      const inner = transcodeFor(content.newContent, capabilities);
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

function composite(parts: readonly EventContent[], capabilities: ChannelCapabilities, whole: EventContent): EventContent | null {
  const kept: EventContent[] = [];
  let changed = false;
  for (const part of parts) {
    const form = transcodeFor(part, capabilities);
    if (form !== part) changed = true;
    if (form !== null) kept.push(form);
  }
  if (kept.length === 0) return null;
  if (kept.every((part) => part.type === 'text')) return text(kept.map((part) => (part.type === 'text' ? part.body : '')).join('\n'));
  return changed ? Object.freeze({ type: 'composite', parts: Object.freeze(kept) }) : whole;
}

/** A rich channel that lacks buttons, cards or quick replies gets them as numbered lines; so does what is too much. */
function richForRich(content: RichContent, capabilities: ChannelCapabilities): EventContent {
  const buttons = content.buttons ?? [];
  const replies = content.quickReplies ?? [];
  const cards = content.cards ?? [];
  const most = capabilities.supportsButtons ? (capabilities.maxButtons ?? Infinity) : 0;
  const surplus = buttons.slice(most);
  const lostReplies = capabilities.supportsQuickReplies ? [] : replies;
  const lostCards = capabilities.supportsCards ? [] : cards;
  if (surplus.length === 0 && lostReplies.length === 0 && lostCards.length === 0) return content;
  const { buttons: _buttons, quickReplies: _replies, cards: _cards, ...rest } = content;
  const extra = [...lostCards.map(cardAsText), ...numbered([...surplus, ...lostReplies], 1)];
  const append = (body: string): string => [body, ...extra].filter((line) => line !== '').join('\n');
  return Object.freeze({
    ...rest,
    body: append(content.body),
    ...(content.plainText !== undefined && { plainText: append(content.plainText) }),
    ...(buttons.length > surplus.length && { buttons: Object.freeze(buttons.slice(0, most)) }),
    ...(lostReplies.length === 0 && replies.length > 0 && { quickReplies: replies }),
    ...(lostCards.length === 0 && cards.length > 0 && { cards }),
  });
}

function richAsText(content: RichContent): string {
  const body = content.plainText ?? (content.format === 'html' ? stripHtml(content.body) : content.body);
  const choices = numbered([...(content.buttons ?? []), ...(content.quickReplies ?? [])], 1);
  return [body, ...(content.cards ?? []).map(cardAsText), ...choices].filter((line) => line !== '').join('\n');
}

type Choice = Button | QuickReply;

/** The lines under which choices appear on channels without buttons; a typed number stands for the tap (§3.1). */
export function numbered(choices: readonly Choice[], from: number): string[] {
  return choices.map((choice, position) => {
    if (typeof choice === 'string') return `${from + position}. ${choice}`;
    const target = 'kind' in choice ? (choice.url ?? choice.phone) : undefined;
    return `${from + position}. ${choice.label}${target === undefined ? '' : `: ${target}`}`;
  });
}

function cardAsText(card: { title: string; subtitle?: string; body?: string; url?: string; buttons?: readonly Button[] }): string {
  return [card.title, card.subtitle, card.body, card.url, ...numbered(card.buttons ?? [], 1)]
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
      const end = html.toLowerCase().indexOf(`</${name}`, at);
      if (!closing) at = end === -1 ? html.length : end;
    } else if (name === 'br' || (closing && (name === 'p' || name === 'div' || name === 'li' || name === 'tr' || /^h[1-6]$/.test(name ?? '')))) {
      out += '\n';
    }
  }
  return decodeEntities(out)
    .replace(/[ \t]*\n[ \t]*/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
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
