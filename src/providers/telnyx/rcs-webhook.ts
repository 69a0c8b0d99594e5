/** What Telnyx' calls say of RCS. @see https://developers.telnyx.com/docs/messaging/messages/receiving-rcs-webhooks */
import { inboundContent } from '../../channels/inbound-content.js';
import type { EventContent } from '../../core/models/content.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { fieldsOf, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { actionOf } from '../_shared/rcs/postback.js';
import { eventOf, messageOf } from './webhook.js';

/** A message, a tap, a place, a file, or what became of a message. Pure; whatever it is given, it does not throw (PV-06). */
export function parseTelnyxRcsWebhook(payload: unknown): WebhookMeta {
  const event = eventOf(payload);
  if (event.status !== undefined) return ofRcs(event.status);
  const { message } = event;
  const body = fieldsOf(message['body']);
  const response = fieldsOf(body['suggestion_response']);
  const postback = textOf(response['postback_data']);
  const agent = fieldsOf(listOf(message['to'])[0]);
  const type = textOf(message['type']);
  const agentId = textOf(agent['agent_id']);
  const agentName = textOf(agent['agent_name']);
  return messageOf(payload, event, contentOf(message, body, response), {
    ...(agentId !== undefined && { agent_id: agentId }),
    ...(agentName !== undefined && { agent_name: agentName }),
    ...(type !== undefined && { type }),
    ...(postback !== undefined && { action: actionOf(postback) }),
  });
}

function contentOf(message: Fields, body: Fields, response: Fields): EventContent {
  const place = fieldsOf(body['location']);
  const [latitude, longitude] = [numberOf(place['latitude']), numberOf(place['longitude'])];
  if (latitude !== undefined && longitude !== undefined && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)
    return { type: 'location', latitude, longitude };
  const file = fieldsOf(fieldsOf(body['user_file'])['payload']);
  const url = textOf(file['file_uri']);
  return inboundContent({
    body: textOf(response['text']) ?? textOf(body['text']) ?? textOf(message['text']),
    media:
      url === undefined
        ? []
        : [{ url, mimeType: textOf(file['mime_type']), filename: textOf(file['file_name']), sizeBytes: numberOf(file['file_size_bytes']) }],
  });
}

/** Rows of this channel carry the provider's name. */
function ofRcs(meta: WebhookMeta): WebhookMeta {
  return meta.type === 'status' ? { ...meta, status: { ...meta.status, provider: 'telnyx_rcs' } } : meta;
}
