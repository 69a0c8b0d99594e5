/** Cuts or splits text to what a channel takes (TRC-03): UTF-16 units, never within a grapheme. */
import type { ChannelCapabilities } from '../models/capabilities.js';
import type { EventContent } from '../models/content.js';

/** The content, cut to the channel's `maxLength`: text, rich bodies and captions. The same object when it fits. */
export function limitLength(content: EventContent, capabilities: ChannelCapabilities): EventContent {
  const most = capabilities.maxLength;
  if (most === undefined) return content;
  switch (content.type) {
    case 'text':
    case 'system':
      return content.body.length <= most ? content : Object.freeze({ ...content, body: truncate(content.body, most) });
    case 'rich': {
      const plain = content.plainText;
      if (content.body.length <= most && (plain === undefined || plain.length <= most)) return content;
      return Object.freeze({ ...content, body: truncate(content.body, most), ...(plain !== undefined && { plainText: truncate(plain, most) }) });
    }
    case 'media':
      return content.caption === undefined || content.caption.length <= most
        ? content
        : Object.freeze({ ...content, caption: truncate(content.caption, most) });
    case 'composite': {
      const parts = content.parts.map((part) => limitLength(part, capabilities));
      return parts.every((part, position) => part === content.parts[position]) ? content : Object.freeze({ ...content, parts: Object.freeze(parts) });
    }
    case 'edit': {
      // Where texts are split, so is the new one, by the channel, which knows what it has to change (TRC-06).
      if (capabilities.overflow === 'split' && content.newContent.type === 'text') return content;
      const inner = limitLength(content.newContent, capabilities);
      return inner === content.newContent ? content : Object.freeze({ ...content, newContent: inner });
    }
    case 'location':
    case 'audio':
    case 'video':
    case 'template':
    case 'delete':
      return content;
  }
}

/** The parts a text has to be sent in, when the channel splits and one message cannot hold it. */
export function partsOf(content: EventContent, capabilities: ChannelCapabilities): readonly string[] | undefined {
  const most = capabilities.maxLength;
  if (most === undefined || content.type !== 'text' || content.body.length <= most) return undefined;
  return splitText(content.body, most);
}

/** The first units and `...`; where there is no room for that, a plain cut. */
export function truncate(text: string, most: number): string {
  if (text.length <= most) return text;
  return most < 4 ? cut(text, most) : `${cut(text, most - 3)}...`;
}

/** Consecutive parts of at most `most` units, at paragraph, sentence, word, or grapheme boundaries, in this order of liking. */
export function splitText(text: string, most: number): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > most) {
    const end = boundary(rest, most);
    parts.push(rest.slice(0, end).trimEnd() || rest.slice(0, end));
    const next = rest.slice(end);
    rest = next.trimStart() === '' ? '' : next.trimStart();
  }
  if (rest !== '') parts.push(rest);
  return parts;
}

/** The longest beginning of at most `most` units that ends between two graphemes; within one only when it alone is longer. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : cut(text, most) || text.slice(0, firstGrapheme(text, most));
}

function boundary(text: string, most: number): number {
  const window = text.slice(0, most + 1);
  const paragraph = window.lastIndexOf('\n\n');
  if (paragraph > most / 4) return paragraph;
  const line = window.lastIndexOf('\n');
  if (line > most / 2) return line;
  const sentence = lastSentenceEnd(window, most);
  if (sentence > most / 2) return sentence;
  const word = Math.max(window.lastIndexOf(' '), line);
  if (word > 0) return word;
  return cutText(text, most).length;
}

function lastSentenceEnd(window: string, most: number): number {
  for (let at = Math.min(window.length - 1, most) - 1; at > 0; at--) {
    const unit = window[at];
    if ((unit === '.' || unit === '!' || unit === '?') && /\s/.test(window[at + 1] ?? '')) return at + 1;
  }
  return -1;
}

let segmenter: Intl.Segmenter | undefined;

/** The longest beginning of at most `most` units that ends between two graphemes. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Graphemes are short: looking at a little more than the border is enough, unless somebody builds a monster.
  const from = safeStart(text, most);
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let end = from;
  for (const { index, segment } of segmenter.segment(text.slice(from, Math.min(text.length, most + 64)))) {
    if (from + index + segment.length > most) break;
    end = from + index + segment.length;
  }
  return text.slice(0, end);
}

/** A place before the border where a grapheme surely begins: after an ASCII character that is followed by another. */
function safeStart(text: string, most: number): number {
  for (let at = Math.max(0, most - 64); at > 0; at--) {
    const before = text.charCodeAt(at - 1);
    const here = text.charCodeAt(at);
    if (before < 0x80 && here < 0x80 && !(before === 0x0d && here === 0x0a)) return at;
    if (most - at > 4096) break;
  }
  return 0;
}

/** A single grapheme longer than the limit: cut between code points, there is no better place. */
function firstGrapheme(text: string, most: number): number {
  const code = text.charCodeAt(most - 1);
  return most > 1 && code >= 0xd800 && code <= 0xdbff ? most - 1 : Math.max(1, most);
}
