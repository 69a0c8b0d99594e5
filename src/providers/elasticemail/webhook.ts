/**
 * Elastic Email's calls: events as the query of a GET or the fields of a form, mails that came in as a form. Nothing is signed.
 * @see https://help.elasticemail.com/en/articles/4804685-notification-settings
 */
import type { WebhookRequest } from '../../channels/webhook.js';
import type { DeliveryStatus } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { fieldsOf, formOf, isoOf, textOf, type Fields } from '../_shared/http/reading.js';
import { mailAddress } from '../_shared/mail/headers.js';
import { decoded, parseMultipart } from '../_shared/mail/multipart.js';
import { addressList, parseHeaders, readMail, type MailAttachment } from '../_shared/mail/received.js';

/** The fields of a call, wherever they stand. */
export function elasticEmailFields({ url, headers, body }: Pick<WebhookRequest, 'url' | 'headers' | 'body'>): Fields {
  const query = URL.canParse(url) ? Object.fromEntries(new URL(url).searchParams) : {};
  const contentType = headers.get('content-type') ?? '';
  if (!/^multipart\/form-data/i.test(contentType)) return { ...query, ...formOf(body) };
  return { ...query, ...Object.fromEntries(parseMultipart(body, contentType).map(({ name, bytes }) => [name, decoded(bytes, 'utf-8')])) };
}

/** What a call says, of its fields. Pure; whatever it is given, it does not throw (PV-06). */
export function parseElasticEmailWebhook(payload: unknown): readonly WebhookMeta[] {
  const fields = fieldsOf(payload);
  if (textOf(fields['from_email']) !== undefined || textOf(fields['body_text']) !== undefined) return inbound(fields);
  // A call without any status asks whether somebody is there, when the webhook is saved.
  return [textOf(fields['status']) === undefined ? { type: 'ignored', reason: 'no status' } : statusOf(fields)];
}

const STATUSES: Readonly<Record<string, DeliveryStatus['status']>> = {
  // The recipient's server has taken it.
  sent: 'delivered',
  opened: 'read',
  clicked: 'read',
  error: 'failed',
};

function statusOf(fields: Fields): WebhookMeta {
  const word = textOf(fields['status'])?.toLowerCase() ?? '';
  const status = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
  if (status === undefined) return { type: 'ignored', reason: 'unknown status' };
  const messageId = textOf(fields['messageid']) ?? textOf(fields['transaction']);
  if (messageId === undefined) return { type: 'ignored', reason: 'no messageid' };
  const recipient = textOf(fields['to']);
  // Sent once when a webhook is saved.
  if (messageId === 'abc1234' && recipient === 'test@test.com') return { type: 'ignored', reason: 'a test of the address' };
  const sender = textOf(fields['from']);
  const category = textOf(fields['category']);
  // In UTC, without saying so.
  const date = textOf(fields['date']);
  const timestamp = isoOf(date) === undefined ? undefined : isoOf(/(?:z|gmt|utc|[+-]\d{2}:?\d{2})$/i.test(date ?? '') ? date : `${date ?? ''} UTC`);
  return {
    type: 'status',
    status: {
      provider: 'elasticemail',
      messageId,
      status,
      ...(recipient !== undefined && { recipient: recipient.toLowerCase() }),
      ...(sender !== undefined && { sender }),
      ...(timestamp !== undefined && { timestamp }),
      ...(status === 'failed' && { errorCode: category === undefined ? 'failed' : `elasticemail_${category.replace(/\W/g, '').slice(0, 50)}` }),
      raw: { ...fields },
    },
  };
}

const MAX_FILES = 50;

function inbound(fields: Fields): readonly WebhookMeta[] {
  const headers = parseHeaders(textOf(fields['header_list']) ?? '');
  const headerOf = (name: string): string | undefined => headers.find(([one]) => one === name)?.[1];
  const from = mailAddress(textOf(fields['from_email']) ?? '') ?? mailAddress(headerOf('from') ?? '');
  const name = textOf(fields['from_name']);
  const attachments: MailAttachment[] = [];
  for (let number = 1; number <= MAX_FILES; number++) {
    const content: unknown = fields[`att${number}_content`];
    if (typeof content !== 'string' || content === '') continue;
    const filename = textOf(fields[`att${number}_name`]);
    attachments.push({ filename, mimeType: mimeTypeOf(filename), bytes: new Uint8Array(Buffer.from(content, 'base64')) });
  }
  const text: unknown = fields['body_text'];
  const html: unknown = fields['body_html'];
  const isBounce = fields['env_from'] === '' || fields['env_from'] === '<>';
  return readMail(
    {
      headers: isBounce ? [...headers, ['return-path', '<>']] : headers,
      from: from === undefined || name === undefined ? from : { address: from.address, name },
      to: addressList(textOf(fields['to_list']) ?? textOf(fields['env_to_list']) ?? ''),
      cc: addressList(headerOf('cc') ?? ''),
      replyTo: mailAddress(headerOf('reply-to') ?? '')?.address,
      subject: textOf(fields['subject']),
      date: isoOf(headerOf('date')),
      text: typeof text === 'string' ? text : undefined,
      html: typeof html === 'string' && html !== '' ? html : undefined,
      attachments,
    },
    'elasticemail',
  );
}

const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  html: 'text/html',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  mp4: 'video/mp4',
  zip: 'application/zip',
};

/** The vendor names a file and not its type. */
function mimeTypeOf(filename: string | undefined): string {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(filename ?? '')?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(TYPES, ending) ? (TYPES[ending] ?? '') : 'application/octet-stream';
}
