/** What a system of one's own posts to the webhook of its channel (providers §7). */
import { createHash } from 'node:crypto';
import { inboundContent } from '../../channels/inbound-content.js';
import type { Metadata } from '../../core/models/json.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { isFields, textOf, type Fields } from '../_shared/http/reading.js';
import { contentOf } from './documents.js';

/** So many messages are read of one call. */
const MAX_MESSAGES = 100;

/**
 * The messages of a call: one document, or a list of them. A document has `sender_id`, `body` or `content`, and may have
 * `external_id`, `thread_id` and `metadata`. Pure; whatever it is given, it does not throw (PV-06). `key` tells apart what has
 * no `external_id`; without one, what says the same is the same.
 */
export function parseHttpWebhook(payload: unknown, key?: string): readonly WebhookMeta[] {
  if (!Array.isArray(payload)) return [metaOf(payload, key)];
  return payload.slice(0, MAX_MESSAGES).map((entry: unknown, index) => metaOf(entry, key === undefined ? undefined : `${key}:${index}`));
}

function metaOf(document: unknown, key: string | undefined): WebhookMeta {
  if (!isFields(document)) return { type: 'ignored', reason: 'no document' };
  const senderId = textOf(document['sender_id']);
  if (senderId === undefined) return { type: 'ignored', reason: 'no sender_id' };
  const id = textOf(document['external_id']) ?? key ?? createHash('sha256').update(JSON.stringify(document)).digest('hex');
  const threadId = textOf(document['thread_id']);
  return {
    type: 'message',
    message: {
      senderId,
      content: contentOf(document['content']) ?? inboundContent({ body: textOf(document['body']) ?? textOf(document['content']) }),
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      ...(threadId !== undefined && { threadId }),
      rawPayload: { ...document },
      metadata: metadataOf(document),
    },
  };
}

function metadataOf(document: Fields): Metadata {
  return isFields(document['metadata']) ? { ...document['metadata'] } : {};
}
