/** A mail that came in, whoever brought it, as a message of a channel (EM-05). Pure; nothing a stranger sends makes it throw. */
import { createHash } from 'node:crypto';
import { inboundContent, type InboundMedia } from '../../../channels/inbound-content.js';
import { stripHtml } from '../../../core/delivery/transcode.js';
import type { InboundMessage } from '../../../core/models/delivery.js';
import { MAX_DATA_URL_BYTES } from '../../../core/models/content-validation.js';
import type { WebhookMeta } from '../../../core/pipeline/webhook.js';
import { isAutomatic } from './auto-reply.js';
import { bounceOf } from './bounce.js';
import { dataUrlOf } from './data-url.js';
import { headerValue, localPartOf, mailAddress, messageIds, type MailAddress } from './headers.js';
import { withoutQuotedHistory } from './quoted.js';

/** A mail taken apart. */
export interface ReceivedMail {
  /** Lower-case names; a name may come several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly from?: MailAddress | undefined;
  readonly to?: readonly string[] | undefined;
  readonly cc?: readonly string[] | undefined;
  readonly replyTo?: string | undefined;
  readonly subject?: string | undefined;
  readonly date?: string | undefined;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly attachments: readonly MailAttachment[];
}

/** A file of a mail. */
export interface MailAttachment {
  readonly filename?: string | undefined;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  /** Of a picture that stands in the HTML. */
  readonly contentId?: string | undefined;
}

/** A message without its channel, which the channel's own route adds. */
export type MailMessage = Extract<WebhookMeta, { type: 'message' }>['message'];

/** What a mail is: a message of a person or a machine, news of mails that were sent, or nothing to anybody. */
export function readMail(mail: ReceivedMail, sentBy: string): readonly WebhookMeta[] {
  const statuses = bounceOf(mail, sentBy);
  if (statuses.length > 0) return statuses.map((status) => ({ type: 'status', status }));
  if (mail.from === undefined) return [{ type: 'ignored', reason: 'no sender' }];
  return [{ type: 'message', message: messageOf(mail, mail.from) }];
}

const MAX_TEXT = 65_536;
const MAX_LISTED = 20;

function messageOf(mail: ReceivedMail, from: MailAddress): MailMessage {
  const full = bodyOf(mail).slice(0, MAX_TEXT);
  const own = withoutQuotedHistory(full);
  const { media, leftOut } = mediaOf(mail.attachments);
  // A mail that says nothing new of its own, such as one that was passed on, is shown whole.
  const body = own === '' && media.length === 0 ? full.trim() : own;
  const messageId = idOf(mail, from, full);
  const inReplyTo = messageIds(headersNamed(mail, 'in-reply-to')).slice(0, 1);
  const references = messageIds(headersNamed(mail, 'references'));
  const answered = [...new Set([...inReplyTo, ...[...references].reverse()])].slice(0, 10);
  const automatic = isAutomatic(mail);
  const subject = headerValue(mail.subject ?? '');
  return {
    senderId: from.address,
    content: inboundContent({ body, media }),
    externalId: messageId,
    providerMessageId: messageId,
    idempotencyKey: messageId,
    threadId: references[0] ?? inReplyTo[0] ?? messageId,
    // Ids of our own mails are made of the ids of our events (EM-03).
    ...(answered.length > 0 && { repliesTo: answered.flatMap((id) => [id, localPartOf(id)]) }),
    ...(automatic && { addressedTo: [] }),
    rawPayload: rawOf(mail),
    metadata: {
      subject,
      message_id: messageId,
      ...(inReplyTo[0] !== undefined && { in_reply_to: inReplyTo[0] }),
      ...(references.length > 0 && { references }),
      ...(from.name !== undefined && { from_name: from.name }),
      to: (mail.to ?? []).slice(0, MAX_LISTED),
      ...(mail.cc !== undefined && mail.cc.length > 0 && { cc: mail.cc.slice(0, MAX_LISTED) }),
      ...(mail.replyTo !== undefined && { reply_to: mail.replyTo }),
      ...(mail.date !== undefined && { date: mail.date }),
      ...(body !== full.trim() && { full_text: full }),
      ...(automatic && { auto_reply: true }),
      ...(leftOut.length > 0 && { attachments_left_out: leftOut }),
    },
  };
}

function bodyOf({ text, html }: ReceivedMail): string {
  if (text !== undefined && text.trim() !== '') return text;
  return html === undefined ? '' : stripHtml(html.slice(0, 1_000_000));
}

/** A mail without an id, which some machines send, is known again by what it says. */
function idOf(mail: ReceivedMail, from: MailAddress, body: string): string {
  const [given] = messageIds(headersNamed(mail, 'message-id'));
  if (given !== undefined) return given;
  const digest = createHash('sha256')
    .update(JSON.stringify([from.address, mail.date ?? '', mail.subject ?? '', body]))
    .digest('hex');
  return `<${digest.slice(0, 40)}@no-message-id>`;
}

/** Files that a message can carry as they are; of the others what they were. */
function mediaOf(attachments: readonly MailAttachment[]): { media: InboundMedia[]; leftOut: object[] } {
  const media: InboundMedia[] = [];
  const leftOut: object[] = [];
  for (const { filename, mimeType, bytes } of attachments.slice(0, 100)) {
    const type = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(mimeType) ? mimeType.toLowerCase() : 'application/octet-stream';
    const name = filename === undefined ? undefined : headerValue(filename).slice(0, 255);
    const isSmall = Math.ceil(bytes.byteLength / 3) * 4 + type.length + 20 <= MAX_DATA_URL_BYTES;
    if (isSmall && media.length < MAX_LISTED)
      media.push({ url: dataUrlOf(type, bytes), mimeType: type, filename: name, sizeBytes: bytes.byteLength });
    else if (leftOut.length < MAX_LISTED)
      leftOut.push({ ...(name !== undefined && { filename: name }), mime_type: type, size_bytes: bytes.byteLength });
  }
  return { media, leftOut };
}

/** The headers and the HTML: enough to show the mail as it was, without its files. */
function rawOf({ headers, html }: ReceivedMail): NonNullable<InboundMessage['rawPayload']> {
  return {
    headers: headers.slice(0, 200).map(([name, value]) => [name.slice(0, 100), value.slice(0, 2000)]),
    ...(html !== undefined && { html: html.slice(0, MAX_TEXT) }),
  };
}

/** The values of a header, in order. */
export function headersNamed({ headers }: Pick<ReceivedMail, 'headers'>, name: string): readonly string[] {
  return headers.flatMap(([one, value]) => (one === name ? [value] : []));
}

/** Headers as they stand in a mail, folded lines put together. */
export function parseHeaders(text: string): readonly (readonly [name: string, value: string])[] {
  const out: [string, string][] = [];
  for (const line of text.slice(0, 262_144).split(/\r?\n/)) {
    if (line === '') break;
    const last = out.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) last[1] = `${last[1]} ${line.trim()}`;
    else {
      const colon = line.indexOf(':');
      if (colon > 0) out.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
    }
  }
  return out;
}

/** The addresses in a list such as that of `To`. */
export function addressList(text: string): readonly string[] {
  // A comma within quotes belongs to a name.
  const parts = text.slice(0, 20_000).match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  return parts.slice(0, 100).flatMap((part) => mailAddress(part)?.address ?? []);
}
