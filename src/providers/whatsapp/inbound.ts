/** One message of a person, as the kit takes it. */
import { inboundContent } from '../../channels/inbound-content.js';
import type { EventContent } from '../../core/models/content.js';
import type { InboundMessage } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { tapOf } from '../_shared/graph/tap.js';
import { fieldsOf, isoOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { addressOf } from './addresses.js';
import { MEDIA_URL } from './media.js';

/** What stands around the messages of one call. */
export interface Shell {
  readonly number: Fields;
  readonly contacts: readonly Fields[];
  readonly accountId: string | undefined;
}

type Said = Pick<InboundMessage, 'content' | 'eventType' | 'metadata'>;

export function messageOf(message: Fields, shell: Shell): WebhookMeta {
  const type = textOf(message['type']) ?? 'unknown';
  const id = textOf(message['id']);
  const contact = contactOf(message, shell.contacts);
  const userId = textOf(message['from_user_id']) ?? textOf(contact['user_id']);
  const senderId = addressOf(textOf(message['from']), userId);
  if (id === undefined || senderId === undefined) return { type: 'ignored', reason: id === undefined ? 'no id' : 'no sender' };
  const said = saidIn(type, message);
  if (typeof said === 'string') return { type: 'ignored', reason: said };
  const { content, eventType, metadata } = said;
  const quoted = textOf(fieldsOf(message['context'])['id']);
  return {
    type: 'message',
    message: {
      senderId,
      content,
      ...(eventType !== undefined && { eventType }),
      ...(quoted !== undefined && { repliesTo: [quoted] }),
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { ...message },
      metadata: { ...frameOf(message, shell, contact, userId), ...metadata },
    },
  };
}

/** Whose name and username belong to a message: matched by number or id, and the only one where there is one. */
function contactOf({ from, from_user_id: userId }: Fields, contacts: readonly Fields[]): Fields {
  const found = contacts.find((one) => (from !== undefined && one['wa_id'] === from) || (userId !== undefined && one['user_id'] === userId));
  return found ?? (contacts.length === 1 ? fieldsOf(contacts[0]) : {});
}

/** What was said, or why it is left out. */
function saidIn(type: string, message: Fields): Said | string {
  const own = fieldsOf(message[type]);
  switch (type) {
    case 'text':
      return textOf(own['body']) === undefined ? 'no text' : { content: inboundContent({ body: textOf(own['body']) }) };
    case 'image':
    case 'audio':
    case 'video':
    case 'document':
    case 'sticker':
      return mediaIn(own);
    case 'location':
      return locationIn(own);
    case 'button':
      return tapped(textOf(own['payload']) ?? textOf(own['text']), textOf(own['text']), message);
    case 'interactive':
      return interactiveIn(own, message);
    case 'reaction':
      return reactionIn(own);
    case 'edit':
      return editIn(own);
    case 'revoke':
      return revokeIn(own);
    default:
      return type === 'unsupported' ? `unsupported ${textOf(own['type']) ?? 'message'}` : `type ${type}`;
  }
}

/** A file stands under an address that holds its id and opens nothing by itself: it is fetched with the token when it is wanted. */
function mediaIn(own: Fields): Said | string {
  const id = textOf(own['id']);
  if (id === undefined || !/^\d{1,40}$/.test(id)) return 'media without an id';
  return {
    content: inboundContent({
      body: textOf(own['caption']),
      media: [{ url: `${MEDIA_URL}${id}`, mimeType: textOf(own['mime_type']), filename: textOf(own['filename']) }],
    }),
    metadata: { media_id: id, ...(own['voice'] === true && { voice: true }) },
  };
}

function locationIn(own: Fields): Said | string {
  const latitude = numberOf(own['latitude']);
  const longitude = numberOf(own['longitude']);
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return 'no place';
  const label = textOf(own['name']);
  const address = textOf(own['address']);
  return { content: { type: 'location', latitude, longitude, ...(label !== undefined && { label }), ...(address !== undefined && { address }) } };
}

function interactiveIn(own: Fields, message: Fields): Said | string {
  const kind = textOf(own['type']) ?? '';
  if (kind !== 'button_reply' && kind !== 'list_reply') return `interactive ${kind}`.trim();
  const reply = fieldsOf(own[kind]);
  return tapped(textOf(reply['id']), textOf(reply['title']), message);
}

/** Meta says under which message the button was: the kit finds the event (INB-29). */
function tapped(payload: string | undefined, label: string | undefined, message: Fields): Said | string {
  if (payload === undefined) return 'a tap without an id';
  const tap = tapOf(payload);
  const target = textOf(fieldsOf(message['context'])['id']);
  return {
    content: inboundContent({ body: label ?? tap.id }),
    metadata: { action: { ...tap, kind: 'reply' }, ...(target !== undefined && { target_external_id: target }) },
  };
}

function reactionIn(own: Fields): Said | string {
  const target = textOf(own['message_id']);
  if (target === undefined) return 'a reaction to nothing';
  const emoji = textOf(own['emoji']);
  return {
    content: { type: 'text', body: emoji ?? '' },
    eventType: 'reaction',
    metadata: { target_external_id: target, ...(emoji === undefined ? { action: 'remove' } : { emoji, action: 'add' }) },
  };
}

/** Reported of numbers that are in WhatsApp's own app as well; what was said comes whole once more. */
function editIn(own: Fields): Said | string {
  const target = textOf(own['original_message_id']);
  const inner = fieldsOf(own['message']);
  const said = saidIn(textOf(inner['type']) ?? 'unknown', inner);
  if (target === undefined || typeof said === 'string') return 'an edit that cannot be read';
  const newContent = said.content as EventContent;
  if (newContent.type === 'edit' || newContent.type === 'delete') return 'an edit that cannot be read';
  return { content: { type: 'edit', targetEventId: target, newContent }, metadata: { target_external_id: target } };
}

function revokeIn(own: Fields): Said | string {
  const target = textOf(own['original_message_id']);
  if (target === undefined) return 'a delete of nothing';
  return { content: { type: 'delete', targetEventId: target, deleteType: 'sender' }, metadata: { target_external_id: target } };
}

function frameOf(message: Fields, { number, accountId }: Shell, contact: Fields, userId: string | undefined): Record<string, unknown> {
  const profile = fieldsOf(contact['profile']);
  const context = fieldsOf(message['context']);
  return defined({
    to: addressOf(textOf(number['display_phone_number']), undefined),
    phone_number_id: textOf(number['phone_number_id']),
    account_id: accountId,
    timestamp: isoOf((numberOf(message['timestamp']) ?? Number.NaN) * 1000),
    profile_name: textOf(profile['name']),
    username: textOf(profile['username']) ?? textOf(contact['username']),
    user_id: userId,
    group_id: textOf(message['group_id']),
    reply_to_message_id: textOf(context['id']),
    forwarded: context['forwarded'] === true || context['frequently_forwarded'] === true ? true : undefined,
  });
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
