/** What a message says, out of baileys' own form of it. Pure; whatever it is given, it does not throw (PV-06). */
import { fieldsOf, isFields, listOf, numberOf, textOf, type Fields } from '../../_shared/http/reading.js';
import type { WhatsAppFileMessage, WhatsAppSaid } from '../driver.js';

/** What is read of a file's message to fetch it. */
export interface MediaHandle {
  /** As in baileys' table of keys. */
  readonly mediaType: 'image' | 'video' | 'audio' | 'document' | 'sticker';
  readonly mediaKey: unknown;
  readonly directPath: unknown;
  readonly url: unknown;
}

/** Wrappers around the message proper; nested, at most so deep. */
const WRAPPERS = [
  'ephemeralMessage',
  'documentWithCaptionMessage',
  'associatedChildMessage',
  'groupMentionedMessage',
  'deviceSentMessage',
  'editedMessage',
] as const;
const VIEW_ONCE = ['viewOnceMessage', 'viewOnceMessageV2', 'viewOnceMessageV2Extension'] as const;
const MAX_WRAPPERS = 5;

const REVOKE: readonly unknown[] = [0, 'REVOKE'];
const MESSAGE_EDIT: readonly unknown[] = [14, 'MESSAGE_EDIT'];

/** A content, and the id of the message that it answers; undefined for what no room could show. */
export function readContent(message: unknown): { readonly said: WhatsAppSaid; readonly answers?: string } | undefined {
  const inner = unwrapped(message);
  const said = saidIn(inner);
  if (said === undefined) return undefined;
  const answers = answeredBy(inner);
  return { said, ...(answers !== undefined && { answers }) };
}

function unwrapped(message: unknown): Fields {
  let fields = fieldsOf(message);
  for (let depth = 0; depth < MAX_WRAPPERS; depth++) {
    const name = WRAPPERS.find((wrapper) => isFields(fields[wrapper]) && isFields(fieldsOf(fields[wrapper])['message']));
    if (name === undefined) break;
    fields = fieldsOf(fieldsOf(fields[name])['message']);
  }
  return fields;
}

function saidIn(message: Fields): WhatsAppSaid | undefined {
  const text = textOf(message['conversation']) ?? textOf(fieldsOf(message['extendedTextMessage'])['text']) ?? chosen(message);
  if (text !== undefined) return { type: 'text', text };
  // Its sender wants it seen once, on the phone: it is not kept.
  if (VIEW_ONCE.some((name) => isFields(message[name]))) return { type: 'text', text: '[To be viewed once: open WhatsApp on the phone]' };
  return (
    changeIn(message) ??
    reactionIn(message) ??
    fileIn(message) ??
    placeIn(fieldsOf(message['locationMessage'])) ??
    placeIn(fieldsOf(message['liveLocationMessage'])) ??
    contactsIn(message)
  );
}

/** What was tapped in a message of a business. */
function chosen(message: Fields): string | undefined {
  return (
    textOf(fieldsOf(message['buttonsResponseMessage'])['selectedDisplayText']) ??
    textOf(fieldsOf(message['templateButtonReplyMessage'])['selectedDisplayText']) ??
    textOf(fieldsOf(message['listResponseMessage'])['title'])
  );
}

function changeIn(message: Fields): WhatsAppSaid | undefined {
  const protocol = fieldsOf(message['protocolMessage']);
  const targetId = idOf(fieldsOf(protocol['key'])['id']);
  if (targetId === undefined) return undefined;
  if (REVOKE.includes(protocol['type'] ?? (isFields(protocol['editedMessage']) ? undefined : 0))) return { type: 'delete', targetId };
  if (!MESSAGE_EDIT.includes(protocol['type'])) return undefined;
  const said = saidIn(unwrapped(protocol['editedMessage']));
  // An edit puts words or a file in the place of others; anything else is none.
  return said === undefined || (said.type !== 'text' && said.type !== 'file') ? undefined : { type: 'edit', targetId, said };
}

function reactionIn(message: Fields): WhatsAppSaid | undefined {
  const reaction = message['reactionMessage'];
  const targetId = isFields(reaction) ? idOf(fieldsOf(reaction['key'])['id']) : undefined;
  return targetId === undefined ? undefined : { type: 'reaction', targetId, emoji: (textOf(fieldsOf(reaction)['text']) ?? '').slice(0, MAX_EMOJI) };
}

const MAX_EMOJI = 64;

interface Kind {
  readonly name: string;
  readonly kind: WhatsAppFileMessage['kind'];
  readonly mediaType: MediaHandle['mediaType'];
  readonly mimeType: string;
}

/** What WhatsApp calls the files it tells apart, and what they are where it does not say. */
const KINDS: readonly Kind[] = [
  { name: 'imageMessage', kind: 'image', mediaType: 'image', mimeType: 'image/jpeg' },
  { name: 'videoMessage', kind: 'video', mediaType: 'video', mimeType: 'video/mp4' },
  { name: 'ptvMessage', kind: 'video', mediaType: 'video', mimeType: 'video/mp4' },
  { name: 'audioMessage', kind: 'audio', mediaType: 'audio', mimeType: 'audio/ogg; codecs=opus' },
  { name: 'documentMessage', kind: 'document', mediaType: 'document', mimeType: 'application/octet-stream' },
  { name: 'stickerMessage', kind: 'sticker', mediaType: 'sticker', mimeType: 'image/webp' },
];

function fileIn(message: Fields): WhatsAppFileMessage | undefined {
  for (const { name, kind, mediaType, mimeType } of KINDS) {
    const file = message[name];
    if (!isFields(file)) continue;
    const caption = textOf(file['caption']);
    const filename = textOf(file['fileName']);
    const sizeBytes = wholeOf(file['fileLength']);
    const seconds = wholeOf(file['seconds']);
    const handle: MediaHandle = { mediaType, mediaKey: file['mediaKey'], directPath: file['directPath'], url: file['url'] };
    return {
      type: 'file',
      kind: kind === 'audio' && file['ptt'] === true ? 'voice' : kind,
      mimeType: textOf(file['mimetype'])?.slice(0, MAX_TYPE) ?? mimeType,
      ...(caption !== undefined && { caption }),
      ...(filename !== undefined && { filename }),
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(seconds !== undefined && seconds > 0 && { seconds }),
      handle,
    };
  }
  return undefined;
}

const MAX_TYPE = 200;

function placeIn(place: Fields): WhatsAppSaid | undefined {
  const latitude = numberOf(place['degreesLatitude']);
  const longitude = numberOf(place['degreesLongitude']);
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  const name = textOf(place['name']) ?? textOf(place['caption']);
  const address = textOf(place['address']);
  return { type: 'location', latitude, longitude, ...(name !== undefined && { name }), ...(address !== undefined && { address }) };
}

const MAX_CONTACTS = 20;

/** People's numbers that were passed on, a line each. */
function contactsIn(message: Fields): WhatsAppSaid | undefined {
  const several = listOf(fieldsOf(message['contactsArrayMessage'])['contacts']);
  const contacts = isFields(message['contactMessage']) ? [message['contactMessage']] : several;
  const lines = contacts.slice(0, MAX_CONTACTS).flatMap((contact) => {
    const { displayName, vcard } = fieldsOf(contact);
    const name = textOf(displayName);
    const number = numberIn(textOf(vcard) ?? '');
    const line = [name, number].filter((part) => part !== undefined).join(': ');
    return line === '' ? [] : [line];
  });
  return lines.length === 0 ? undefined : { type: 'text', text: lines.join('\n') };
}

/** WhatsApp's own number of a person, else the first that stands there. */
function numberIn(vcard: string): string | undefined {
  const own = /waid=(\d{5,20})/i.exec(vcard)?.[1];
  return own === undefined ? /^TEL[^:\n]{0,200}:\s*([+\d][\d ().-]{4,30})/im.exec(vcard)?.[1]?.trim() : `+${own}`;
}

/** Every kind of message may name the one it answers. */
function answeredBy(message: Fields): string | undefined {
  for (const part of Object.values(message)) {
    const id = idOf(fieldsOf(fieldsOf(part)['contextInfo'])['stanzaId']);
    if (id !== undefined) return id;
  }
  return undefined;
}

/** An id of WhatsApp's; undefined for what could be none. */
export function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:+/=-]{1,128}$/.test(value) ? value : undefined;
}

/** A whole number of 0 or more, also in the form that protobuf has for large ones. */
export function wholeOf(value: unknown): number | undefined {
  const { low, high } = fieldsOf(value);
  const number = typeof low === 'number' && typeof high === 'number' ? high * 2 ** 32 + (low >>> 0) : numberOf(value);
  return number !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
