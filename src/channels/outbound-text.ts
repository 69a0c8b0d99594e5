/** What of a content a vendor's plain fields take (PV-04): its words and its media. Pure; nothing that is stored makes it throw. */
import { stripHtml } from '../core/delivery/transcode.js';
import type { EventContent } from '../core/models/content.js';

/** A file to send. */
export interface OutboundMedia {
  readonly url: string;
  readonly mimeType: string;
  readonly filename?: string;
  readonly caption?: string;
}

/**
 * The words: the body of text, rich (its `plainText` first, HTML without its tags), system and template, the caption of
 * media; the parts of a composite joined by a space. Undefined when there are none. Buttons are not among them: what the
 * channel cannot show stands in the body already (§11.1).
 */
export function outboundText(content: EventContent): string | undefined {
  const words = leavesOf(content).flatMap((leaf) => {
    const text = textOf(leaf);
    return typeof text === 'string' && text !== '' ? [text] : [];
  });
  return words.length === 0 ? undefined : words.join(' ');
}

/** The files of media, audio and video, in order; empty when there are none. */
export function outboundMedia(content: EventContent): readonly OutboundMedia[] {
  return leavesOf(content).flatMap((leaf) => {
    const media = mediaOf(leaf);
    return media === undefined || typeof media.url !== 'string' || media.url === '' ? [] : [media];
  });
}

function textOf(leaf: EventContent): string | undefined {
  switch (leaf.type) {
    case 'text':
    case 'system':
    case 'template':
      return leaf.body;
    case 'rich':
      if (typeof leaf.plainText === 'string') return leaf.plainText;
      return leaf.format === 'html' && typeof leaf.body === 'string' ? stripHtml(leaf.body) : leaf.body;
    case 'media':
      return leaf.caption;
    default:
      return undefined;
  }
}

function mediaOf(leaf: EventContent): OutboundMedia | undefined {
  switch (leaf.type) {
    case 'media': {
      const { url, mimeType, filename, caption } = leaf;
      return { url, mimeType, ...(filename !== undefined && { filename }), ...(caption !== undefined && { caption }) };
    }
    case 'audio':
      return { url: leaf.url, mimeType: leaf.mimeType ?? 'audio/ogg' };
    case 'video':
      return { url: leaf.url, mimeType: leaf.mimeType ?? 'video/mp4' };
    default:
      return undefined;
  }
}

/** The same depth that content is checked for (§3.1): a content that was never checked cannot nest without end. */
const MAX_DEPTH = 5;

function leavesOf(content: EventContent, depth = 0): readonly EventContent[] {
  if (typeof content !== 'object' || (content as EventContent | null) === null) return []; // unchecked content may be anything
  if (content.type !== 'composite') return [content];
  if (depth === MAX_DEPTH || !Array.isArray(content.parts)) return [];
  return content.parts.flatMap((part: EventContent) => leavesOf(part, depth + 1));
}
