/** What a message of WhatsApp is to the kit (WP-04). Pure, but for the file, which has been fetched before. */
import { inboundContent } from '../../channels/inbound-content.js';
import { isoTime } from '../../core/clock.js';
import type { EventContent } from '../../core/models/content.js';
import { MAX_DATA_URL_BYTES } from '../../core/models/content-validation.js';
import type { InboundMessage } from '../../core/models/delivery.js';
import type { Metadata } from '../../core/models/json.js';
import type { ChannelMediaType } from '../../core/models/vocabulary.js';
import { bareType } from '../_shared/content-type.js';
import { addressOf, isGroup, messageKey } from './addresses.js';
import type { WhatsAppFileMessage, WhatsAppPersonalMessage, WhatsAppPresence, WhatsAppReceipt, WhatsAppSaid } from './driver.js';

/** What has become of the file of a message: its bytes, or why there are none. */
export type FetchedFile = { readonly bytes: Uint8Array } | { readonly missing: 'too_large' | 'unavailable' };

/** What a message is read with. */
export interface InboundFrame {
  readonly channelId: string;
  readonly file?: FetchedFile | undefined;
  /** Where a file waits that is too large for a message. */
  readonly hold: (name: string, file: { readonly bytes: Uint8Array; readonly mimeType: string; readonly filename?: string | undefined }) => string;
}

const MEDIA_TYPES: readonly ChannelMediaType[] = ['audio', 'video'];

/** The file that a message brings, also as the new content of an edit. */
export function fileOf(said: WhatsAppSaid): WhatsAppFileMessage | undefined {
  if (said.type === 'edit') return fileOf(said.said);
  return said.type === 'file' ? said : undefined;
}

export function inboundMessage(message: WhatsAppPersonalMessage, frame: InboundFrame): InboundMessage {
  const { chat, from, key, said } = message;
  const name = messageKey(chat, key.id);
  const file = fileOf(said);
  const common = {
    channelId: frame.channelId,
    senderId: addressOf(from),
    externalId: name,
    providerMessageId: name,
    // In a group, ids are the sender's own: nobody can take the place of another's message with one that they have seen.
    idempotencyKey: isGroup(chat) ? `${name}:${from}` : name,
    rawPayload: { key: { ...key }, type: said.type, sent_at: message.sentAt },
  };
  const metadata: Metadata = { ...metadataOf(message), ...(file !== undefined && fileMetadata(file, frame.file)) };
  const answers = message.answers === undefined ? {} : { repliesTo: [messageKey(chat, message.answers)] };
  switch (said.type) {
    case 'reaction': {
      const action = said.emoji === '' ? 'remove' : 'add';
      return {
        ...common,
        eventType: 'reaction',
        content: { type: 'text', body: said.emoji },
        metadata: { ...metadata, ...(said.emoji !== '' && { emoji: said.emoji }), action, target_external_id: messageKey(chat, said.targetId) },
      };
    }
    case 'edit': {
      const target = messageKey(chat, said.targetId);
      const newContent = contentOf(said.said, name, frame);
      return { ...common, content: { type: 'edit', targetEventId: target, newContent }, metadata: { ...metadata, target_external_id: target } };
    }
    case 'delete': {
      const target = messageKey(chat, said.targetId);
      return {
        ...common,
        content: { type: 'delete', targetEventId: target, deleteType: 'sender' },
        metadata: { ...metadata, target_external_id: target },
      };
    }
    default:
      return { ...common, ...answers, content: contentOf(said, name, frame), metadata };
  }
}

/** Somebody types, or has stopped; undefined where nobody would see it. */
export function typingOf({ chat, from, state }: WhatsAppPresence, channelId: string): InboundMessage | undefined {
  if (state === 'unavailable' && isGroup(chat)) return undefined;
  const isTyping = state === 'composing' || state === 'recording';
  return {
    channelId,
    senderId: addressOf(from),
    eventType: 'typing',
    content: '',
    metadata: { is_typing: isTyping, ...(isTyping && { typing_kind: state === 'recording' ? 'recording' : 'text' }), ...chatMetadata(chat) },
  };
}

/** Somebody has read a message that was sent from here. */
export function readOf({ chat, id, from, at }: WhatsAppReceipt, channelId: string): InboundMessage | undefined {
  if (from === undefined) return undefined;
  return {
    channelId,
    senderId: addressOf(from),
    eventType: 'read_receipt',
    content: '',
    metadata: { target_external_id: messageKey(chat, id), ...(at !== undefined && { timestamp: isoTime(at) }), ...chatMetadata(chat) },
  };
}

function contentOf(said: WhatsAppSaid, name: string, frame: InboundFrame): EventContent {
  switch (said.type) {
    case 'text':
      return inboundContent({ body: said.text });
    case 'location': {
      const { latitude, longitude, name: label, address } = said;
      return { type: 'location', latitude, longitude, ...(label !== undefined && { label }), ...(address !== undefined && { address }) };
    }
    case 'file':
      return fileContent(said, name, frame);
    default:
      return inboundContent({}); // an edit into an edit says nothing
  }
}

function fileContent(said: WhatsAppFileMessage, name: string, { file, hold }: InboundFrame): EventContent {
  const { caption, filename, kind } = said;
  const mimeType = bareType(said.mimeType) ?? 'application/octet-stream';
  if (file === undefined || 'missing' in file) {
    const why = file?.missing === 'too_large' ? 'too large to be taken over' : 'could not be fetched';
    const what = filename === undefined ? NAMES[kind] : `${NAMES[kind]} ${filename}`;
    return inboundContent({ body: [`[${what}: ${why}]`, ...(caption === undefined ? [] : [caption])].join('\n') });
  }
  const { bytes } = file;
  const inline = `data:${mimeType};base64,`;
  const isSmall = inline.length + Math.ceil(bytes.byteLength / 3) * 4 <= MAX_DATA_URL_BYTES;
  const url = isSmall ? `${inline}${Buffer.from(bytes).toString('base64')}` : hold(name, { bytes, mimeType, filename });
  const content = inboundContent({ body: caption, media: [{ url, mimeType, filename, sizeBytes: bytes.byteLength }] }, MEDIA_TYPES);
  return content.type === 'audio' && said.seconds !== undefined ? { ...content, durationSeconds: said.seconds } : content;
}

const NAMES: Readonly<Record<WhatsAppFileMessage['kind'], string>> = {
  image: 'Picture',
  video: 'Film',
  audio: 'Sound',
  voice: 'Voice note',
  document: 'File',
  sticker: 'Sticker',
};

function metadataOf({ key, chat, rawFrom, sentAt, pushName }: WhatsAppPersonalMessage): Metadata {
  return {
    raw_jid: rawFrom,
    ...chatMetadata(chat),
    is_from_me: key.isFromMe,
    timestamp: isoTime(sentAt),
    ...(pushName !== undefined && { push_name: pushName }),
  };
}

function chatMetadata(chat: string): Metadata {
  return { chat_jid: chat, chat_id: addressOf(chat), is_group: isGroup(chat) };
}

function fileMetadata({ kind, mimeType, filename, sizeBytes, seconds }: WhatsAppFileMessage, file: FetchedFile | undefined): Metadata {
  return {
    media_type: kind,
    mime_type: mimeType,
    ...(filename !== undefined && { file_name: filename }),
    ...(sizeBytes !== undefined && { file_size: sizeBytes }),
    ...(seconds !== undefined && { duration: seconds }),
    ...(file !== undefined && 'missing' in file && { media_missing: file.missing }),
  };
}
