/** What a message of a room is as a mail (EM-01…04). Pure but for the question which mail is answered. */
import { createHash } from 'node:crypto';
import type { TransportRequest } from '../../../channels/transport.js';
import { stripHtml } from '../../../core/delivery/transcode.js';
import type { EventContent, RichContent } from '../../../core/models/content.js';
import type { ProviderResult } from '../../../core/models/delivery.js';
import type { RoomEvent } from '../../../core/models/event.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../http/failure.js';
import { parseDataUrl } from './data-url.js';
import { headerValue, isMailAddress, messageIds, type MailAddress } from './headers.js';
import { escapeHtml, markdownToHtml, textToHtml } from './markdown.js';

/** A mail to be sent. */
export interface OutgoingMail {
  readonly from: MailAddress;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Only where there is more to show than the text. */
  readonly html?: string;
  readonly attachments: readonly OutgoingAttachment[];
  /** `<eventId@domain>`, with its brackets (EM-03). */
  readonly messageId: string;
  readonly inReplyTo?: string;
  readonly references: readonly string[];
  /** Further headers, their values clean. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A file to be sent. */
export interface OutgoingAttachment {
  readonly filename: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** What a provider of mail is set to. */
export interface MailSettings {
  readonly from: MailAddress;
  /** When nobody says what a mail is about, and it answers none. */
  readonly subject: string;
  /** In message ids. */
  readonly domain: string;
}

/** All files of a mail together. */
export const MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024;

/** The mail, or the result for what is none. */
export async function composeMail(request: TransportRequest, settings: MailSettings): Promise<OutgoingMail | ProviderResult> {
  const { to = '', content, defaults, event } = request;
  if (!isMailAddress(to))
    return { success: false, error: 'invalid_recipient', retryable: false, metadata: { message: 'The recipient is no e-mail address.' } };
  const from = typeof defaults['from'] === 'string' ? { address: defaults['from'] } : settings.from;
  if (!isMailAddress(from.address))
    return { success: false, error: 'invalid_sender', retryable: false, metadata: { message: 'The sender is no e-mail address.' } };
  const parts = partsOf(content);
  if (parts === undefined) return MEDIA_NOT_SUPPORTED;
  if (parts.text === '' && parts.attachments.length === 0) return EMPTY_MESSAGE;
  if (parts.attachments.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) > MAX_ATTACHMENT_BYTES) return MEDIA_NOT_SUPPORTED;
  const answered = await request.answered?.();
  return {
    from,
    to,
    subject: subjectOf(event, defaults['subject'], answered, settings.subject),
    ...parts,
    messageId: `<${atomOf(event.id)}@${settings.domain}>`,
    ...threadOf(event, answered, settings.domain),
    // An agent's words are an automatic answer: other machines must not answer it (RFC 3834).
    headers: event.source.channelType === 'ai' ? { 'Auto-Submitted': 'auto-replied' } : {},
  };
}

/** What is said of this one mail, of the binding, of the mail that is answered, of the provider: the first that is there (EM-02). */
function subjectOf(event: RoomEvent, ofBinding: unknown, answered: RoomEvent | undefined, standard: string): string {
  const given = textOf(event.metadata['subject']) ?? textOf(ofBinding);
  if (given !== undefined) return given;
  const last = textOf(answered?.metadata['subject']);
  if (last === undefined) return standard;
  return /^(?:re|aw|sv|antw|rif|odp|vs) ?:/i.test(last) ? last : `Re: ${last}`;
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? headerValue(value) : '';
  return text === '' ? undefined : text;
}

/** Mail programs show as one thread what names the same mails (RFC 5322, 3.6.4). What answers nothing hangs on a name of its room's. */
function threadOf(event: RoomEvent, answered: RoomEvent | undefined, domain: string): Pick<OutgoingMail, 'inReplyTo' | 'references'> {
  const id = answered?.source.externalId;
  if (answered === undefined || id === undefined || messageIds(id)[0] !== id) {
    const room = createHash('sha256').update(event.roomId).digest('hex').slice(0, 32);
    return { references: [`<room.${room}@${domain}>`] };
  }
  const known = answered.metadata['references'];
  const before = Array.isArray(known) ? messageIds(known.filter((one): one is string => typeof one === 'string')) : [];
  const others = before.filter((one) => one !== id);
  // The root and the last ones: a thread of years does not fill a page.
  const kept = others.length > 20 ? [others[0] ?? '', ...others.slice(-19)] : others;
  return { inReplyTo: id, references: [...kept, id] };
}

/** What may stand before the `@` of an id. Ids of hosts may be anything. */
function atomOf(eventId: string): string {
  return /^[\w.+-]{1,200}$/.test(eventId) ? eventId : createHash('sha256').update(eventId).digest('hex').slice(0, 40);
}

interface Parts {
  readonly text: string;
  readonly html?: string;
  readonly attachments: readonly OutgoingAttachment[];
}

interface Piece {
  readonly text: string;
  readonly html: string;
  /** More than the text says. */
  readonly isRich: boolean;
}

/** Undefined when something of it can be sent in no form. */
function partsOf(content: EventContent): Parts | undefined {
  const pieces: Piece[] = [];
  const attachments: OutgoingAttachment[] = [];
  for (const leaf of leavesOf(content)) {
    switch (leaf.type) {
      case 'text':
      case 'system':
      case 'template':
        if (typeof leaf.body === 'string' && leaf.body !== '') pieces.push({ text: leaf.body, html: textToHtml(leaf.body), isRich: false });
        break;
      case 'rich':
        pieces.push(richPiece(leaf));
        break;
      case 'media':
      case 'audio':
      case 'video': {
        const name = leaf.type === 'media' ? leaf.filename : undefined;
        const caption = leaf.type === 'media' && leaf.caption !== undefined && leaf.caption !== '' ? leaf.caption : undefined;
        if (/^data:/i.test(leaf.url)) {
          const data = parseDataUrl(leaf.url);
          if (data === undefined) return undefined;
          const mimeType = leaf.mimeType ?? data.mimeType;
          attachments.push({
            filename: headerValue(name ?? '') || `attachment-${attachments.length + 1}${extensionOf(mimeType)}`,
            mimeType,
            bytes: data.bytes,
          });
          if (caption !== undefined) pieces.push({ text: caption, html: textToHtml(caption), isRich: false });
        } else if (/^https?:/i.test(leaf.url)) pieces.push(linkPiece(leaf.url, name, caption));
        else return undefined;
        break;
      }
      default:
        break;
    }
  }
  const text = pieces.map((piece) => piece.text).join('\n\n');
  if (!pieces.some(({ isRich }) => isRich)) return { text, attachments };
  return { text, html: `<!doctype html>\n<html><body>\n${pieces.map(({ html }) => html).join('\n')}\n</body></html>`, attachments };
}

/** HTML stays HTML; Markdown becomes HTML, and is readable as the text beside it (EM-01). */
function richPiece({ body, format, plainText }: RichContent): Piece {
  const said = typeof plainText === 'string' && plainText !== '' ? plainText : undefined;
  if (format === 'html') return { text: said ?? stripHtml(body), html: body, isRich: true };
  return { text: said ?? body, html: markdownToHtml(body), isRich: true };
}

/** A file that lies elsewhere is not fetched; whoever reads the mail may (EM-01, EM-04). */
function linkPiece(url: string, filename: string | undefined, caption: string | undefined): Piece {
  const link = `<a href="${escapeHtml(url)}">${escapeHtml(filename ?? url)}</a>`;
  return {
    text: caption === undefined ? url : `${caption}\n${url}`,
    html: caption === undefined ? `<p>${link}</p>` : `${textToHtml(caption)}\n<p>${link}</p>`,
    isRich: false,
  };
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'application/pdf': '.pdf',
  'text/plain': '.txt',
  'text/csv': '.csv',
  'audio/ogg': '.ogg',
  'audio/mpeg': '.mp3',
  'video/mp4': '.mp4',
};

function extensionOf(mimeType: string): string {
  return EXTENSIONS[mimeType] ?? '';
}

const MAX_DEPTH = 5;

function leavesOf(content: EventContent, depth = 0): readonly EventContent[] {
  if (content.type !== 'composite') return [content];
  return depth === MAX_DEPTH ? [] : content.parts.flatMap((part) => leavesOf(part, depth + 1));
}
