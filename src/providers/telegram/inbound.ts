/** What a message of Telegram is to a room: its text, its file or its place. */
import { inboundContent } from '../../channels/inbound-content.js';
import type { EventContent } from '../../core/models/content.js';
import type { Metadata } from '../../core/models/json.js';
import { fieldsOf, isFields, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { addressOfFile } from './files.js';

/** A content, and what of the message it does not hold. */
export interface Said {
  readonly content: EventContent;
  readonly metadata: Metadata;
}

/** Undefined for what no room could show, such as stickers, polls and news about the chat. */
export function contentOf(message: Fields): Said | undefined {
  const text = textOf(message['text']);
  if (text !== undefined) return { content: inboundContent({ body: text }), metadata: {} };
  const file = fileOf(message);
  if (file !== undefined) return fileContent(file, textOf(message['caption']));
  if (isFields(message['location'])) return placeContent(message['location'], fieldsOf(message['venue']));
  if (isFields(message['contact'])) return contactContent(message['contact']);
  return undefined;
}

interface InboundFile {
  readonly kind: string;
  readonly fields: Fields;
  readonly mimeType: string;
}

/** What Telegram calls the files it tells apart, and what they are where it does not say. An animation is a document as well, so it comes first. */
const KINDS: readonly (readonly [name: string, mimeType: string])[] = [
  ['animation', 'video/mp4'],
  ['voice', 'audio/ogg'],
  ['audio', 'audio/mpeg'],
  ['video', 'video/mp4'],
  ['video_note', 'video/mp4'],
  ['document', 'application/octet-stream'],
];

function fileOf(message: Fields): InboundFile | undefined {
  const sizes = listOf(message['photo']).map(fieldsOf);
  const largest = sizes.at(-1);
  if (largest !== undefined && textOf(largest['file_id']) !== undefined) return { kind: 'photo', fields: largest, mimeType: 'image/jpeg' };
  for (const [kind, mimeType] of KINDS) {
    const fields = fieldsOf(message[kind]);
    if (textOf(fields['file_id']) !== undefined) return { kind, fields, mimeType: textOf(fields['mime_type']) ?? mimeType };
  }
  return undefined;
}

function fileContent({ kind, fields, mimeType }: InboundFile, caption: string | undefined): Said {
  const fileId = textOf(fields['file_id']) ?? '';
  const filename = textOf(fields['file_name']);
  const sizeBytes = numberOf(fields['file_size']);
  const duration = numberOf(fields['duration']);
  return {
    content: inboundContent({ body: caption, media: [{ url: addressOfFile(fileId), mimeType, filename, sizeBytes }] }),
    metadata: {
      file_id: fileId,
      media_type: kind,
      mime_type: mimeType,
      ...(filename !== undefined && { file_name: filename }),
      ...(sizeBytes !== undefined && { file_size: sizeBytes }),
      ...(duration !== undefined && { duration }),
    },
  };
}

function placeContent(place: Fields, venue: Fields): Said | undefined {
  const latitude = numberOf(place['latitude']);
  const longitude = numberOf(place['longitude']);
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  const label = textOf(venue['title']);
  const address = textOf(venue['address']);
  return {
    content: { type: 'location', latitude, longitude, ...(label !== undefined && { label }), ...(address !== undefined && { address }) },
    metadata: {},
  };
}

/** A person's number that was passed on. */
function contactContent(contact: Fields): Said | undefined {
  const phone = textOf(contact['phone_number']);
  if (phone === undefined) return undefined;
  const name = [textOf(contact['first_name']), textOf(contact['last_name'])].filter((part) => part !== undefined).join(' ');
  const userId = textOf(contact['user_id']);
  return {
    content: inboundContent({ body: name === '' ? phone : `${name}: ${phone}` }),
    metadata: { contact: { phone_number: phone, ...(name !== '' && { name }), ...(userId !== undefined && { user_id: userId }) } },
  };
}
