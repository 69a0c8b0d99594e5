/**
 * SendGrid's calls: events of mails that were sent, signed; and mails that came in, in the parts of a form, unsigned.
 * @see https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
 * @see https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/inbound-email
 */
import { verify as verifySignature, type KeyObject } from 'node:crypto';
import type { WebhookRequest } from '../../channels/webhook.js';
import type { DeliveryStatus } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { bodyJson, fieldsOf, isoOf, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { isFresh } from '../_shared/http/signature.js';
import { mailAddress } from '../_shared/mail/headers.js';
import { decoded, parseMultipart } from '../_shared/mail/multipart.js';
import { hasPathSecret } from '../_shared/mail/path-secret.js';
import { addressList, parseHeaders, readMail, type MailAttachment } from '../_shared/mail/received.js';

/** Inbound parse posts a form; events are JSON. What is verified one way is never read the other. */
export function isInbound({ headers }: Pick<WebhookRequest, 'headers'>): boolean {
  return /^multipart\/form-data\b/i.test(headers.get('content-type') ?? '');
}

/** A mail by the secret in its address; events by their signature: ECDSA over the time and the bytes (EM-06). */
export function verifySendGrid(request: WebhookRequest, publicKey: KeyObject | undefined, secret: Secret | undefined): boolean {
  if (isInbound(request)) return hasPathSecret(request.url, secret);
  const { headers, body, receivedAt } = request;
  const signature = headers.get('x-twilio-email-event-webhook-signature');
  const timestamp = headers.get('x-twilio-email-event-webhook-timestamp');
  if (publicKey === undefined || signature === null || !/^[A-Za-z0-9+/]+={0,2}$/.test(signature) || !isFresh(timestamp, receivedAt)) return false;
  return verifySignature('sha256', Buffer.concat([Buffer.from(timestamp ?? ''), body]), publicKey, Buffer.from(signature, 'base64'));
}

/** What a call says: a form is a mail, anything else a list of events. Pure; throws only for what is no JSON. */
export function parseSendGridWebhook(payload: Uint8Array, contentType = 'application/json'): readonly WebhookMeta[] {
  return /^multipart\//i.test(contentType) ? parseSendGridInbound(payload, contentType) : parseSendGridEvents(bodyJson(payload));
}

const STATUSES: Readonly<Record<string, DeliveryStatus['status']>> = {
  processed: 'sending',
  deferred: 'sending',
  delivered: 'delivered',
  open: 'read',
  click: 'read',
  bounce: 'failed',
  dropped: 'failed',
};

/** What became of mails. Pure; whatever it is given, it does not throw (PV-06). */
export function parseSendGridEvents(payload: unknown): readonly WebhookMeta[] {
  const events = Array.isArray(payload) ? listOf(payload) : [payload];
  return events.slice(0, 10_000).map((event) => statusOf(fieldsOf(event)));
}

function statusOf(event: Fields): WebhookMeta {
  const word = textOf(event['event']) ?? '';
  const status = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
  if (status === undefined) return { type: 'ignored', reason: 'unknown event' };
  // The part before the first point is what the answer to the send has called it.
  const messageId = textOf(event['sg_message_id'])?.split('.', 1)[0];
  if (messageId === undefined || messageId === '') return { type: 'ignored', reason: 'no sg_message_id' };
  // Mail programs that fetch every picture in advance open mails nobody has seen.
  if (event['sg_machine_open'] === true) return { type: 'ignored', reason: 'opened by a machine' };
  const recipient = textOf(event['email']);
  const seconds = numberOf(event['timestamp']);
  const timestamp = seconds === undefined ? undefined : isoOf(seconds * 1000);
  const reason = textOf(event['reason']) ?? textOf(event['response']);
  const kind = word === 'bounce' && event['type'] === 'blocked' ? 'blocked' : word;
  return {
    type: 'status',
    status: {
      provider: 'sendgrid',
      messageId,
      status,
      ...(recipient !== undefined && { recipient }),
      ...(timestamp !== undefined && { timestamp }),
      ...(status === 'failed' && { errorCode: `sendgrid_${kind}` }),
      ...(status === 'failed' && reason !== undefined && { errorMessage: reason.slice(0, 500) }),
      raw: { ...event },
    },
  };
}

/** A mail that came in. Pure; whatever it is given, it does not throw (PV-06). */
export function parseSendGridInbound(payload: Uint8Array, contentType: string): readonly WebhookMeta[] {
  const parts = parseMultipart(payload, contentType);
  const raw = new Map(parts.flatMap((part) => (part.filename === undefined ? [[part.name, part.bytes] as const] : [])));
  const charsets = jsonOf(raw.get('charsets'));
  const field = (name: string): string | undefined => {
    const bytes = raw.get(name);
    return bytes === undefined ? undefined : decoded(bytes, charsets[name]);
  };
  if (parts.length === 0) return [{ type: 'ignored', reason: 'no form' }];
  if (raw.has('email') && !raw.has('headers'))
    return [{ type: 'ignored', reason: 'a raw mail: switch raw posts off in the settings of inbound parse' }];
  const envelope = jsonOf(raw.get('envelope'));
  const info = jsonOf(raw.get('attachment-info'));
  const headers = parseHeaders(field('headers') ?? '');
  const attachments = parts.flatMap(({ name, filename, mimeType, bytes }): MailAttachment[] => {
    if (filename === undefined || !/^attachment\d{1,4}$/.test(name)) return [];
    const described = fieldsOf(info[name]);
    const contentId = textOf(described['content-id']);
    return [
      {
        filename: textOf(described['filename']) ?? filename,
        mimeType: textOf(described['type']) ?? mimeType,
        bytes,
        ...(contentId !== undefined && { contentId }),
      },
    ];
  });
  const to = addressList(field('to') ?? '');
  const [meta] = readMail(
    {
      headers: envelope['from'] === '' ? [...headers, ['return-path', '<>']] : headers,
      from: mailAddress(field('from') ?? '') ?? mailAddress(textOf(envelope['from']) ?? ''),
      to: to.length > 0 ? to : listOf(envelope['to']).flatMap((one) => mailAddress(textOf(one) ?? '')?.address ?? []),
      cc: addressList(field('cc') ?? ''),
      replyTo: mailAddress(headers.find(([name]) => name === 'reply-to')?.[1] ?? '')?.address,
      subject: field('subject'),
      date: isoOf(headers.find(([name]) => name === 'date')?.[1]),
      text: field('text'),
      html: field('html'),
      attachments,
    },
    'sendgrid',
  );
  if (meta?.type !== 'message') return meta === undefined ? [] : [meta];
  const checks = Object.fromEntries(
    [['spf', 'SPF'] as const, ['dkim', 'dkim'] as const, ['spam_score', 'spam_score'] as const].flatMap(([name, given]) => {
      const value = field(given)?.slice(0, 1000);
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
  return [{ type: 'message', message: { ...meta.message, metadata: { ...meta.message.metadata, ...checks } } }];
}

function jsonOf(bytes: Uint8Array | undefined): Fields {
  try {
    return bytes === undefined ? {} : fieldsOf(JSON.parse(new TextDecoder().decode(bytes.subarray(0, 262_144))));
  } catch {
    return {};
  }
}
