/**
 * Telnyx' calls: whether they are Telnyx', and what they say of text messages.
 * @see https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
 */
import { verify } from 'node:crypto';
import { inboundContent } from '../../channels/inbound-content.js';
import type { WebhookRequest } from '../../channels/webhook.js';
import { ValidationError } from '../../core/errors.js';
import type { EventContent } from '../../core/models/content.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { fieldsOf, isoOf, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { isFresh } from '../_shared/http/signature.js';
import { statusIn, TELNYX_STATUSES } from '../_shared/sms/statuses.js';
import type { TelnyxAccount } from './config.js';

/** Whether Telnyx signed exactly these bytes, and not too long ago. Throws ValidationError where there is no key to tell. */
export function verifyTelnyx(
  { headers, body, receivedAt }: WebhookRequest,
  { publicKey, toleranceSeconds }: Pick<TelnyxAccount, 'publicKey' | 'toleranceSeconds'>,
  feature: string,
): boolean {
  if (publicKey === undefined)
    throw new ValidationError(`${feature} cannot verify calls. Pass { publicKey } from Telnyx' portal, or set TELNYX_PUBLIC_KEY.`);
  const timestamp = headers.get('telnyx-timestamp');
  const given = headers.get('telnyx-signature-ed25519');
  if (given === null || !/^[A-Za-z0-9+/]{86}==$/.test(given) || !isFresh(timestamp, receivedAt, toleranceSeconds)) return false;
  return verify(null, Buffer.concat([Buffer.from(`${timestamp ?? ''}|`), body]), publicKey, Buffer.from(given, 'base64'));
}

/** How {@link parseTelnyxWebhook} reads. */
export interface ParseTelnyxOptions {
  /** Only `message.received` of direction `inbound` is a message. False also takes a payload without the event around it. Default true. */
  readonly strict?: boolean;
}

/** What a call says. Pure; whatever it is given, it does not throw (PV-06). */
export function parseTelnyxWebhook(payload: unknown, { strict = true }: ParseTelnyxOptions = {}): WebhookMeta {
  const event = eventOf(payload, strict);
  if (event.status !== undefined) return event.status;
  const { message } = event;
  const media = listOf(message['media']).map((entry) => {
    const { url, content_type: mimeType, size } = fieldsOf(entry);
    return { url: textOf(url), mimeType: textOf(mimeType), sizeBytes: numberOf(size) };
  });
  return messageOf(payload, event, inboundContent({ body: textOf(message['text']), media }), {});
}

/** An event, taken apart as far as SMS and RCS have it in common. */
export interface TelnyxEvent {
  readonly message: Fields;
  /** What it is, when it is no message. */
  readonly status?: WebhookMeta;
}

export function eventOf(payload: unknown, strict = true): TelnyxEvent {
  const data = fieldsOf(fieldsOf(payload)['data']);
  const type = textOf(data['event_type']);
  const wrapped = fieldsOf(data['payload']);
  const message = !strict && Object.keys(wrapped).length === 0 ? fieldsOf(payload) : wrapped;
  if (type === 'message.sent' || type === 'message.finalized' || type === 'message.read')
    return { message, status: statusOf(payload, type, message) };
  const isMessage = strict ? type === 'message.received' && message['direction'] === 'inbound' : message['direction'] !== 'outbound';
  return isMessage ? { message } : { message, status: { type: 'ignored', reason: type === undefined ? 'no event_type' : 'not a received message' } };
}

/** The message, where there is somebody who sent it. */
export function messageOf(payload: unknown, { message }: TelnyxEvent, content: EventContent, extra: Readonly<Record<string, unknown>>): WebhookMeta {
  const id = textOf(message['id']);
  const senderId = textOf(fieldsOf(message['from'])['phone_number']);
  if (id === undefined || senderId === undefined) return { type: 'ignored', reason: id === undefined ? 'no id' : 'no from.phone_number' };
  const destination = textOf(fieldsOf(listOf(message['to'])[0])['phone_number']);
  const receivedAt = isoOf(message['received_at']);
  const optOut = textOf(message['autoresponse_type']);
  return {
    type: 'message',
    message: {
      senderId,
      content,
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { ...fieldsOf(payload) },
      metadata: {
        ...(destination !== undefined && { destination_number: destination }),
        ...(receivedAt !== undefined && { received_at: receivedAt }),
        ...(optOut !== undefined && { opt_out_type: optOut }),
        ...extra,
      },
    },
  };
}

function statusOf(payload: unknown, type: string, message: Fields): WebhookMeta {
  const messageId = textOf(message['id']);
  const to = fieldsOf(listOf(message['to'])[0]);
  const word = type === 'message.read' ? 'read' : (textOf(to['status']) ?? (type === 'message.sent' ? 'sent' : ''));
  const status = statusIn(TELNYX_STATUSES, word);
  if (messageId === undefined || status === undefined) return { type: 'ignored', reason: messageId === undefined ? 'no id' : 'unknown status' };
  const recipient = textOf(to['phone_number']);
  const sender = textOf(fieldsOf(message['from'])['phone_number']);
  const error = fieldsOf(listOf(message['errors'])[0]);
  const code = textOf(error['code']);
  const words = textOf(error['detail']) ?? textOf(error['title']);
  const timestamp = isoOf(fieldsOf(fieldsOf(payload)['data'])['occurred_at']);
  return {
    type: 'status',
    status: {
      provider: 'telnyx',
      messageId,
      status,
      ...(recipient !== undefined && { recipient }),
      ...(sender !== undefined && { sender }),
      ...(status === 'failed' && { errorCode: code === undefined ? word : `telnyx_${code}` }),
      ...(status === 'failed' && words !== undefined && { errorMessage: words }),
      ...(timestamp !== undefined && { timestamp }),
      raw: { ...fieldsOf(payload) },
    },
  };
}
