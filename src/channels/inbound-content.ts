/** What a vendor's text and attachments are to a room (PV-08): one rule for every parser, and nothing a stranger sends makes it throw. */
import { cutText } from '../core/delivery/split-text.js';
import { MAX_DATA_URL_BYTES } from '../core/models/content-validation.js';
import type { AudioContent, EventContent, MediaContent, VideoContent } from '../core/models/content.js';
import type { ChannelMediaType } from '../core/models/vocabulary.js';

/** An attachment as a vendor names it. */
export interface InboundMedia {
  /** `http:`, `https:` or `data:` (≤ 1 MiB); an attachment without one is dropped. */
  readonly url?: string | undefined;
  /** Default `application/octet-stream`. */
  readonly mimeType?: string | undefined;
  readonly filename?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

/** A message as a vendor tells it. */
export interface InboundParts {
  /** At most 65,536 UTF-16 units are kept, cut between two graphemes. */
  readonly body?: string | undefined;
  /** In the vendor's order; at most 20 are kept. */
  readonly media?: readonly InboundMedia[] | undefined;
}

const MAX_BODY_UNITS = 65_536;
const MAX_MEDIA = 20;
const MAX_URL_UNITS = 16_384;
const MAX_NAME_UNITS = 255;

/**
 * Text alone is text, one attachment is media (with the text as its caption), more are a composite whose first part is the
 * text. Sounds and films are media as well, unless the channel's `mediaTypes` list `audio` or `video`; these have no caption, so a
 * text comes as a part before them. Without text and attachments: an empty text.
 * @example inboundContent({ body: form.Body, media: [{ url: form.MediaUrl0, mimeType: form.MediaContentType0 }] })
 */
export function inboundContent({ body, media }: InboundParts, mediaTypes: readonly ChannelMediaType[] = []): EventContent {
  const text = typeof body === 'string' ? cutText(body, MAX_BODY_UNITS) : '';
  const parts = attachments(media).map((attachment) => mediaContent(attachment, mediaTypes));
  const [first] = parts;
  if (first === undefined) return { type: 'text', body: text };
  if (parts.length === 1 && text === '') return first;
  if (parts.length === 1 && first.type === 'media') return { ...first, caption: text };
  return { type: 'composite', parts: text === '' ? parts : [{ type: 'text', body: text }, ...parts] };
}

type Attachment = InboundMedia & { readonly url: string };

function attachments(media: unknown): readonly Attachment[] {
  return Array.isArray(media) ? media.filter(isAttachment).slice(0, MAX_MEDIA) : [];
}

/** What a room would refuse for its address is not taken over: the rest of the message is worth more than the error. */
function isAttachment(entry: unknown): entry is Attachment {
  if (typeof entry !== 'object' || entry === null || !('url' in entry) || typeof entry.url !== 'string') return false;
  return /^https?:\/\/\S/i.test(entry.url) ? entry.url.length <= MAX_URL_UNITS : /^data:/i.test(entry.url) && entry.url.length <= MAX_DATA_URL_BYTES;
}

function mediaContent(given: Attachment, mediaTypes: readonly ChannelMediaType[]): MediaContent | AudioContent | VideoContent {
  const { url } = given;
  const mimeType = nameOf(given.mimeType) ?? 'application/octet-stream';
  if (/^audio\//i.test(mimeType) && mediaTypes.includes('audio')) return { type: 'audio', url, mimeType };
  // A film by a data: url is no video content (§3.1).
  if (/^video\//i.test(mimeType) && mediaTypes.includes('video') && !/^data:/i.test(url)) return { type: 'video', url, mimeType };
  const filename = nameOf(given.filename);
  const { sizeBytes } = given;
  return {
    type: 'media',
    url,
    mimeType,
    ...(filename !== undefined && { filename }),
    ...(typeof sizeBytes === 'number' && sizeBytes >= 0 && Number.isFinite(sizeBytes) && { sizeBytes }),
  };
}

function nameOf(value: unknown): string | undefined {
  const name = typeof value === 'string' ? cutText(value.trim(), MAX_NAME_UNITS) : '';
  return name === '' ? undefined : name;
}
