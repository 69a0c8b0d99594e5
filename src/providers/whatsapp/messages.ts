/** What content is at WhatsApp: one message or several, in the API's fields. Pure; files are uploaded by who sends them. */
import { splitText, cutText } from '../../core/delivery/split-text.js';
import { outboundText, type OutboundMedia } from '../../channels/outbound-text.js';
import type { EventContent, LocationContent, TemplateContent } from '../../core/models/content.js';
import { richMessages } from './rich.js';
import { graphTemplate } from '../_shared/graph/template.js';

/** A file, by its address: a link for Meta to fetch, or bytes to upload first. */
export interface FileField {
  readonly url: string;
  readonly mimeType: string;
  readonly filename?: string;
}

/** The body of a request, without whom it goes to. `file` is where a link or an id belongs. */
export interface GraphMessage {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly file?: FileField;
}

/** Messages, or what of the content the API would refuse. */
export type Messages = { readonly messages: readonly GraphMessage[] } | { readonly refused: string };

/** The longest text. */
export const MAX_TEXT = 4096;
/** The longest caption, and the longest text with buttons. */
export const MAX_BODY = 1024;

/** What is sent for content; no messages when there is nothing to send. */
export function whatsAppMessages(content: EventContent, listButton: string): Messages {
  switch (content.type) {
    case 'rich':
      return { messages: richMessages(content, listButton) };
    case 'media':
    case 'audio':
    case 'video':
      return { messages: mediaMessages(content) };
    case 'location':
      return { messages: [locationMessage(content)] };
    case 'template':
      return oneTemplate(content);
    case 'composite':
      return compositeMessages(content.parts, listButton);
    default: {
      const text = outboundText(content);
      return { messages: text === undefined ? [] : textMessages(text) };
    }
  }
}

function oneTemplate(content: TemplateContent): Messages {
  const made = graphTemplate(content);
  return 'refused' in made ? made : { messages: [{ type: 'template', ...made }] };
}

/** The words before a single file are its caption. */
function compositeMessages(parts: readonly EventContent[], listButton: string): Messages {
  const [first, second] = parts;
  if (parts.length === 2 && first?.type === 'text' && second?.type === 'media' && second.caption === undefined)
    return whatsAppMessages({ ...second, caption: first.body }, listButton);
  const messages: GraphMessage[] = [];
  for (const part of parts) {
    const made = whatsAppMessages(part, listButton);
    if ('refused' in made) return made;
    messages.push(...made.messages);
  }
  return { messages };
}

/** Words alone, in as many messages as it takes. */
export function textMessages(text: string): readonly GraphMessage[] {
  return splitText(text, MAX_TEXT).map((body) => ({ type: 'text', fields: { body } }));
}

function locationMessage({ latitude, longitude, label, address }: LocationContent): GraphMessage {
  return {
    type: 'location',
    fields: { latitude, longitude, ...(label !== undefined && { name: label }), ...(address !== undefined && { address }) },
  };
}

const IMAGES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png']);
const SOUNDS: ReadonlySet<string> = new Set(['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg']);
const FILMS: ReadonlySet<string> = new Set(['video/mp4', 'video/3gpp']);

/** As what a file is shown: pictures, sounds and films of the kinds WhatsApp plays, everything else as a document. */
function kindOf(mimeType: string): 'image' | 'audio' | 'video' | 'document' {
  const kind = mimeType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (IMAGES.has(kind)) return 'image';
  if (SOUNDS.has(kind)) return 'audio';
  return FILMS.has(kind) ? 'video' : 'document';
}

function mediaMessages(content: Extract<EventContent, { type: 'media' | 'audio' | 'video' }>): readonly GraphMessage[] {
  if (typeof content.url !== 'string' || content.url === '') {
    const text = outboundText(content);
    return text === undefined ? [] : textMessages(text);
  }
  if (content.type === 'audio') return fileMessages({ url: content.url, mimeType: content.mimeType ?? 'audio/ogg' });
  if (content.type === 'video') return fileMessages({ url: content.url, mimeType: content.mimeType ?? 'video/mp4' });
  return fileMessages(content);
}

/** A caption that is too long, or that this kind of file has not, goes on as text. */
export function fileMessages({ url, mimeType, filename, caption }: OutboundMedia): readonly GraphMessage[] {
  const kind = kindOf(mimeType);
  const words = caption ?? '';
  const [head = '', ...rest] = kind === 'audio' ? ['', words] : splitText(words, MAX_BODY);
  const message: GraphMessage = {
    type: kind,
    fields: {
      ...(head !== '' && { caption: head }),
      ...(kind === 'document' && filename !== undefined && { filename: cutText(filename, 240) }),
    },
    file: { url, mimeType, ...(filename !== undefined && { filename }) },
  };
  const behind = rest.filter((part) => part !== '');
  return [message, ...(behind.length === 0 ? [] : textMessages(behind.join('\n')))];
}
