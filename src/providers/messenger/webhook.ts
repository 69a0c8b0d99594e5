/**
 * Meta's calls about a page: messages, taps, reactions, edits, deliveries.
 * @see https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
 */
import { createHash } from 'node:crypto';
import { inboundContent, type InboundMedia } from '../../channels/inbound-content.js';
import type { EventContent } from '../../core/models/content.js';
import type { InboundMessage } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { tapOf } from '../_shared/graph/tap.js';
import { fieldsOf, isFields, isoOf, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import type { MessengerReads } from './watermarks.js';

/** What a call says, one by one. Pure; whatever it is given, it does not throw (PV-06). */
export function parseMessengerWebhook(payload: unknown): readonly WebhookMeta[] {
  if (fieldsOf(payload)['object'] !== 'page') return [{ type: 'ignored', reason: 'not about a page' }];
  return listOf(fieldsOf(payload)['entry']).flatMap((entry) => {
    const { id, messaging, standby, changes } = fieldsOf(entry);
    return [
      ...listOf(messaging).flatMap((event) => eventOf(fieldsOf(event), textOf(id))),
      ...listOf(standby).map((): WebhookMeta => ({ type: 'ignored', reason: 'another app has the conversation' })),
      ...listOf(changes).map((change): WebhookMeta => ({ type: 'ignored', reason: `field ${textOf(fieldsOf(change)['field']) ?? 'unknown'}` })),
    ];
  });
}

/** What was delivered and read, with the times that Meta gives. */
export function readsOf(payload: unknown): readonly MessengerReads[] {
  if (fieldsOf(payload)['object'] !== 'page') return [];
  return listOf(fieldsOf(payload)['entry']).flatMap((entry) =>
    listOf(fieldsOf(entry)['messaging']).flatMap((event): readonly MessengerReads[] => {
      const raw = fieldsOf(event);
      const person = textOf(fieldsOf(raw['sender'])['id']);
      const { delivery, read } = raw;
      const watermark = numberOf(fieldsOf(delivery ?? read)['watermark']);
      if (person === undefined || watermark === undefined) return [];
      return isFields(delivery) ? [{ person, delivered: idsIn(delivery), watermark, raw }] : [{ person, watermark, raw }];
    }),
  );
}

function idsIn(delivery: Fields): readonly string[] {
  return listOf(delivery['mids']).flatMap((mid) => (typeof mid === 'string' && mid !== '' ? [mid] : []));
}

function eventOf(event: Fields, pageId: string | undefined): readonly WebhookMeta[] {
  const person = textOf(fieldsOf(event['sender'])['id']);
  if (person === undefined) return [ignored('no sender')];
  if (isFields(event['message'])) return [messageOf(event, event['message'], person, pageId)];
  if (isFields(event['postback'])) return [postbackOf(event, event['postback'], person, pageId)];
  if (isFields(event['reaction'])) return [reactionOf(event, event['reaction'], person, pageId)];
  if (isFields(event['message_edit'])) return [editOf(event, event['message_edit'], person, pageId)];
  if (isFields(event['delivery'])) return deliveriesOf(event, event['delivery'], person);
  const kind = ['read', 'referral', 'optin', 'account_linking', 'pass_thread_control', 'take_thread_control'].find((name) => name in event);
  return [ignored(kind ?? 'unknown event')];
}

function ignored(reason: string): WebhookMeta {
  return { type: 'ignored', reason };
}

function deliveriesOf(event: Fields, delivery: Fields, recipient: string): readonly WebhookMeta[] {
  const timestamp = isoOf(numberOf(delivery['watermark']));
  return idsIn(delivery).map((messageId): WebhookMeta => ({
    type: 'status',
    status: {
      provider: 'messenger',
      messageId,
      status: 'delivered',
      recipient,
      ...(timestamp !== undefined && { timestamp }),
      raw: { ...event },
    },
  }));
}

function messageOf(event: Fields, message: Fields, person: string, pageId: string | undefined): WebhookMeta {
  const mid = textOf(message['mid']);
  if (message['is_echo'] === true) return ignored(message['app_id'] === undefined ? 'echo of a person who answers for the page' : 'echo');
  if (mid === undefined) return ignored('no mid');
  const shell = { event, person, pageId };
  if (message['is_deleted'] === true)
    return whole(shell, `${mid}:deleted`, {
      content: { type: 'delete', targetEventId: mid, deleteType: 'sender' },
      metadata: { target_external_id: mid },
    });
  const payload = textOf(fieldsOf(message['quick_reply'])['payload']);
  const tap = payload === undefined ? undefined : tapOf(payload);
  const text = textOf(message['text']);
  const attachments = listOf(message['attachments']).map(fieldsOf);
  const content = placeIn(attachments) ?? inboundContent({ body: text ?? tap?.id, media: mediaIn(attachments) });
  if (content.type === 'text' && content.body === '') return ignored(`attachment ${textOf(attachments[0]?.['type']) ?? 'unknown'}`);
  const repliesTo = textOf(fieldsOf(message['reply_to'])['mid']);
  return whole(shell, mid, {
    content,
    ...(repliesTo !== undefined && { repliesTo: [repliesTo] }),
    metadata: {
      ...(tap !== undefined && { action: { ...tap, kind: 'reply' } }),
      ...(repliesTo !== undefined && { reply_to_message_id: repliesTo }),
    },
  });
}

/** Stickers come as images beside their own type. */
function mediaIn(attachments: readonly Fields[]): readonly InboundMedia[] {
  const urls = new Set<string>();
  return attachments.flatMap((attachment): readonly InboundMedia[] => {
    const type = textOf(attachment['type']) ?? '';
    const url = textOf(fieldsOf(attachment['payload'])['url']);
    if (url === undefined || !Object.hasOwn(USUAL, type) || urls.has(url)) return [];
    urls.add(url);
    return [{ url, mimeType: typeOf(type, url) }];
  });
}

/** Meta tells the kind of a file and not its type: that is read off its address, else it is the usual one of its kind. */
function typeOf(kind: string, url: string): string | undefined {
  const ending = URL.canParse(url) ? (/\.([a-z0-9]{2,4})$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? '') : '';
  const usual = USUAL[kind];
  const known = Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined;
  const isOfKind = usual === undefined || known?.split('/')[0] === usual.split('/')[0];
  return known !== undefined && isOfKind ? known : usual;
}

const USUAL: Readonly<Record<string, string | undefined>> = {
  image: 'image/jpeg',
  sticker: 'image/png',
  audio: 'audio/mp4',
  video: 'video/mp4',
  file: undefined,
};

const TYPES: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  wav: 'audio/wav',
  mov: 'video/quicktime',
  pdf: 'application/pdf',
  txt: 'text/plain',
};

function placeIn(attachments: readonly Fields[]): EventContent | undefined {
  const found = attachments.find(({ type }) => type === 'location');
  if (found === undefined) return undefined;
  const { lat, long } = fieldsOf(fieldsOf(found['payload'])['coordinates']);
  const latitude = numberOf(lat);
  const longitude = numberOf(long);
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  const label = textOf(found['title']);
  return { type: 'location', latitude, longitude, ...(label !== undefined && { label }) };
}

function postbackOf(event: Fields, postback: Fields, person: string, pageId: string | undefined): WebhookMeta {
  const payload = textOf(postback['payload']);
  const title = textOf(postback['title']);
  if (payload === undefined && title === undefined) return ignored('a tap without a payload');
  const tap = tapOf(payload ?? title ?? '');
  const mid = textOf(postback['mid']) ?? hashOf(person, event['timestamp'], payload);
  return whole({ event, person, pageId }, mid, {
    content: inboundContent({ body: title ?? tap.id }),
    metadata: { action: { ...tap, kind: 'reply' } },
  });
}

/** Older payloads of taps have no id: the same tap has to have the same key. */
function hashOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function reactionOf(event: Fields, reaction: Fields, person: string, pageId: string | undefined): WebhookMeta {
  const target = textOf(reaction['mid']);
  if (target === undefined) return ignored('a reaction to nothing');
  const emoji = textOf(reaction['emoji']) ?? textOf(reaction['reaction']) ?? '';
  const isRemoved = reaction['action'] === 'unreact';
  return whole({ event, person, pageId }, hashOf(person, target, event['timestamp'], emoji), {
    content: { type: 'text', body: emoji },
    eventType: 'reaction',
    metadata: { target_external_id: target, action: isRemoved ? 'remove' : 'add', ...(emoji !== '' && { emoji }) },
  });
}

function editOf(event: Fields, edit: Fields, person: string, pageId: string | undefined): WebhookMeta {
  const target = textOf(edit['mid']);
  if (target === undefined) return ignored('an edit of nothing');
  const newContent = inboundContent({ body: textOf(edit['text']) });
  return whole({ event, person, pageId }, `${target}:edit:${textOf(edit['num_edit']) ?? hashOf(edit)}`, {
    content: { type: 'edit', targetEventId: target, newContent },
    metadata: { target_external_id: target },
  });
}

interface Shell {
  readonly event: Fields;
  readonly person: string;
  readonly pageId: string | undefined;
}

function whole(
  { event, person, pageId }: Shell,
  id: string,
  said: Pick<InboundMessage, 'content' | 'eventType' | 'repliesTo' | 'metadata'>,
): WebhookMeta {
  const recipient = textOf(fieldsOf(event['recipient'])['id']);
  const timestamp = isoOf(numberOf(event['timestamp']));
  return {
    type: 'message',
    message: {
      senderId: person,
      content: said.content,
      ...(said.eventType !== undefined && { eventType: said.eventType }),
      ...(said.repliesTo !== undefined && { repliesTo: said.repliesTo }),
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { ...event },
      metadata: {
        ...(recipient !== undefined && { recipient_id: recipient }),
        ...(pageId !== undefined && { page_id: pageId }),
        ...(timestamp !== undefined && { timestamp }),
        ...said.metadata,
      },
    },
  };
}
