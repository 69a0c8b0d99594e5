/** What vendors of text messages call what became of a message (PV-11). */
import type { DeliveryStatus } from '../../../core/models/delivery.js';

type Words = Readonly<Record<string, DeliveryStatus['status']>>;

export const TWILIO_STATUSES: Words = {
  accepted: 'sending',
  scheduled: 'sending',
  queued: 'sending',
  sending: 'sending',
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
  undelivered: 'failed',
  canceled: 'failed',
};

export const TELNYX_STATUSES: Words = {
  queued: 'sending',
  sending: 'sending',
  sent: 'sent',
  delivered: 'delivered',
  delivery_unconfirmed: 'sent', // the carrier says nothing more
  webhook_delivered: 'delivered',
  read: 'read',
  sending_failed: 'failed',
  delivery_failed: 'failed',
  expired: 'failed',
};

export const SINCH_STATUSES: Words = {
  Queued: 'sending',
  Dispatched: 'sent',
  Delivered: 'delivered',
  Aborted: 'failed',
  Cancelled: 'failed',
  Rejected: 'failed',
  Deleted: 'failed',
  Failed: 'failed',
  Expired: 'failed',
  Unknown: 'unknown',
};

/** Undefined for a word that nobody knows. */
export function statusIn(words: Words, word: string | undefined): DeliveryStatus['status'] | undefined {
  return word !== undefined && Object.hasOwn(words, word) ? words[word] : undefined;
}
