/** Sinch's callbacks: whether they are Sinch's, and what they say. @see https://developers.sinch.com/docs/sms/api-reference/sms/webhooks */
import { inboundContent } from '../../channels/inbound-content.js';
import type { WebhookRequest } from '../../channels/webhook.js';
import { ValidationError } from '../../core/errors.js';
import type { EventContent } from '../../core/models/content.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { fieldsOf, isoOf, listOf, textOf, type Fields } from '../_shared/http/reading.js';
import { hmac, isFresh, isSame } from '../_shared/http/signature.js';
import { withPlus } from '../_shared/sms/numbers.js';
import { SINCH_STATUSES, statusIn } from '../_shared/sms/statuses.js';
import type { SinchPlan } from './config.js';

/** Whether Sinch signed exactly these bytes, by the scheme of the plan. Throws ValidationError where there is no secret to tell. */
export function verifySinch(
  { headers, body, receivedAt }: WebhookRequest,
  { webhookSecret, signatureScheme, toleranceSeconds }: Pick<SinchPlan, 'webhookSecret' | 'signatureScheme' | 'toleranceSeconds'>,
  feature: string,
): boolean {
  if (webhookSecret === undefined) throw new ValidationError(`${feature} cannot verify calls. Pass { webhookSecret }, or set SINCH_WEBHOOK_SECRET.`);
  const key = webhookSecret.reveal();
  if (signatureScheme === 'hmac_sha1') {
    const given = headers.get('x-sinch-signature');
    return given !== null && (isSame(given, hmac('sha1', key, body, 'base64')) || isSame(given, hmac('sha1', key, body, 'hex')));
  }
  const given = headers.get('x-sinch-webhook-signature');
  const nonce = headers.get('x-sinch-webhook-signature-nonce');
  const timestamp = headers.get('x-sinch-webhook-signature-timestamp');
  const algorithm = headers.get('x-sinch-webhook-signature-algorithm') ?? 'HmacSHA256';
  if (given === null || nonce === null || algorithm !== 'HmacSHA256' || !isFresh(timestamp, receivedAt, toleranceSeconds)) return false;
  return isSame(given, hmac('sha256', key, Buffer.concat([body, Buffer.from(`.${nonce}.${timestamp ?? ''}`)]), 'base64'));
}

/** What a callback says. Pure; whatever it is given, it does not throw (PV-06). */
export function parseSinchWebhook(payload: unknown): WebhookMeta {
  const fields = fieldsOf(payload);
  switch (fields['type']) {
    case 'mo_text':
      return messageOf(fields, inboundContent({ body: textOf(fields['body']), media: flatMedia(fields) }));
    case 'mo_media':
      return messageOf(fields, mediaContent(fieldsOf(fields['body']), fields));
    case 'mo_binary': {
      const body = textOf(fields['body']);
      const url = body === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(body) ? undefined : `data:application/octet-stream;base64,${body}`;
      return messageOf(fields, inboundContent({ media: [{ url }] }));
    }
    case 'recipient_delivery_report_sms':
    case 'recipient_delivery_report_mms':
      return statusOf(fields, fields);
    case 'delivery_report_sms':
    case 'delivery_report_mms': {
      // Of a whole batch; ours have one recipient, hence one status.
      const [only, another] = listOf(fields['statuses']);
      return another === undefined ? statusOf(fields, fieldsOf(only)) : { type: 'ignored', reason: 'a report of several recipients' };
    }
    default:
      return { type: 'ignored', reason: 'unknown type' };
  }
}

function mediaContent(body: Fields, fields: Fields): EventContent {
  const media = listOf(body['media'])
    .map(fieldsOf)
    .filter(({ status }) => status !== 'Failed')
    .map(({ url, content_type: mimeType }) => ({ url: textOf(url), mimeType: textOf(mimeType) }));
  return inboundContent({ body: textOf(body['message']) ?? textOf(body['subject']), media: media.length > 0 ? media : flatMedia(fields) });
}

/** As it was before `mo_media`. */
function flatMedia(fields: Fields): readonly { url: string | undefined; mimeType: string | undefined }[] {
  return listOf(fields['media'])
    .map(fieldsOf)
    .map((entry) => ({ url: textOf(entry['url']), mimeType: textOf(entry['mimeType']) ?? textOf(entry['content_type']) }));
}

function messageOf(fields: Fields, content: EventContent): WebhookMeta {
  const id = textOf(fields['id']);
  const senderId = withPlus(fields['from']);
  if (id === undefined || senderId === undefined) return { type: 'ignored', reason: id === undefined ? 'no id' : 'no from' };
  const receivedAt = isoOf(fields['received_at']);
  const to = withPlus(fields['to']);
  const operatorId = textOf(fields['operator_id']);
  const reference = textOf(fields['client_reference']);
  return {
    type: 'message',
    message: {
      senderId,
      content,
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { ...fields },
      metadata: {
        ...(to !== undefined && { to }),
        ...(receivedAt !== undefined && { received_at: receivedAt }),
        ...(operatorId !== undefined && { operator_id: operatorId }),
        ...(reference !== undefined && { client_reference: reference }),
      },
    },
  };
}

function statusOf(fields: Fields, report: Fields): WebhookMeta {
  const messageId = textOf(fields['batch_id']);
  const word = textOf(report['status']) ?? '';
  const status = statusIn(SINCH_STATUSES, word);
  if (messageId === undefined || status === undefined) return { type: 'ignored', reason: messageId === undefined ? 'no batch_id' : 'unknown status' };
  const recipient = withPlus(report['recipient'] ?? listOf(report['recipients'])[0]);
  const code = textOf(report['code']);
  const reference = textOf(fields['client_reference']);
  const timestamp = isoOf(report['at']);
  return {
    type: 'status',
    status: {
      provider: 'sinch',
      messageId,
      status,
      ...(reference !== undefined && { idempotencyKey: reference }),
      ...(recipient !== undefined && { recipient }),
      ...(status === 'failed' && { errorCode: code === undefined || code === '0' ? word.toLowerCase() : `sinch_${code}` }),
      ...(timestamp !== undefined && { timestamp }),
      raw: { ...fields },
    },
  };
}
