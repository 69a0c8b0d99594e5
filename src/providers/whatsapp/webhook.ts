/**
 * Meta's calls about a WhatsApp number: messages, what became of those sent, reactions, edits and deletes.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
 */
import type { DeliveryStatus } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { graphCode } from '../_shared/graph/refusal.js';
import { fieldsOf, isoOf, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { addressOf } from './addresses.js';
import { messageOf } from './inbound.js';

/** Which calls are this number's. */
export interface WhatsAppWebhookOptions {
  /** Messages of other numbers of the account are ignored. Default: all are taken. */
  readonly phoneNumberId?: string;
}

/** What a call says, one by one. Pure; whatever it is given, it does not throw (PV-06). */
export function parseWhatsAppWebhook(payload: unknown, { phoneNumberId }: WhatsAppWebhookOptions = {}): readonly WebhookMeta[] {
  const root = fieldsOf(payload);
  if (root['object'] !== 'whatsapp_business_account') return [{ type: 'ignored', reason: 'not about WhatsApp' }];
  return listOf(root['entry']).flatMap((entry) =>
    listOf(fieldsOf(entry)['changes']).flatMap((change) => {
      const { field, value } = fieldsOf(change);
      if (field !== 'messages') return [{ type: 'ignored', reason: `field ${textOf(field) ?? 'unknown'}` } as const];
      return changeOf(fieldsOf(value), textOf(fieldsOf(entry)['id']), phoneNumberId);
    }),
  );
}

function changeOf(value: Fields, accountId: string | undefined, phoneNumberId: string | undefined): readonly WebhookMeta[] {
  const number = fieldsOf(value['metadata']);
  if (phoneNumberId !== undefined && number['phone_number_id'] !== phoneNumberId) return [{ type: 'ignored', reason: 'another number' }];
  const contacts = listOf(value['contacts']).map(fieldsOf);
  const shell = { number, contacts, accountId };
  return [
    ...listOf(value['messages']).map((message) => messageOf(fieldsOf(message), shell)),
    ...listOf(value['statuses']).map((status) => statusOf(fieldsOf(status), number)),
    ...listOf(value['errors']).map((error): WebhookMeta => ({ type: 'ignored', reason: `error ${numberOf(fieldsOf(error)['code']) ?? ''}`.trim() })),
  ];
}

const STATUSES: Readonly<Record<string, DeliveryStatus['status']>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  failed: 'failed',
};

function statusOf(status: Fields, number: Fields): WebhookMeta {
  const messageId = textOf(status['id']);
  const word = textOf(status['status']) ?? '';
  const known = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
  if (messageId === undefined || known === undefined) return { type: 'ignored', reason: 'unknown status' };
  const recipient = addressOf(textOf(status['recipient_id']), textOf(status['recipient_user_id']));
  const sender = addressOf(textOf(number['display_phone_number']), undefined);
  const idempotencyKey = textOf(status['biz_opaque_callback_data']);
  const timestamp = isoOf((numberOf(status['timestamp']) ?? Number.NaN) * 1000);
  return {
    type: 'status',
    status: {
      provider: 'whatsapp',
      messageId,
      status: known,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(recipient !== undefined && { recipient }),
      ...(sender !== undefined && { sender }),
      ...(timestamp !== undefined && { timestamp }),
      ...(known === 'failed' && problemOf(fieldsOf(listOf(status['errors'])[0]))),
      raw: { ...status },
    },
  };
}

function problemOf(error: Fields): Pick<DeliveryStatus, 'errorCode' | 'errorMessage'> {
  const code = numberOf(error['code']);
  const words = textOf(fieldsOf(error['error_data'])['details']) ?? textOf(error['message']) ?? textOf(error['title']);
  return { errorCode: code === undefined ? 'failed' : graphCode(code).error, ...(words !== undefined && { errorMessage: words }) };
}
