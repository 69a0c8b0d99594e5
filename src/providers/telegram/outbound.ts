/** The calls that a content becomes. Pure. @see https://core.telegram.org/bots/api#available-methods */
import { splitText } from '../../core/delivery/split-text.js';
import type { EventContent, LocationContent, RichContent } from '../../core/models/content.js';
import { outboundText } from '../../channels/outbound-text.js';
import type { TelegramCall, TelegramFile } from './api.js';
import { formattedText, type FormattedText } from './entities.js';
import { isAlbum, isFileContent, METHODS, outgoingFile, type OutgoingFile } from './files.js';
import { keyboardOf } from './keyboard.js';

/** What of the bot's settings and of the chat the calls depend on. */
export interface OutboundFrame {
  readonly formatsText: boolean;
  readonly linkPreviews: boolean;
  /** A chat with one person. */
  readonly isPrivate: boolean;
}

const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;
/** The same depth that content is checked for (§3.1). */
const MAX_DEPTH = 5;

/** A content taken apart into what Telegram sends apart. */
interface Taken {
  readonly words: FormattedText;
  readonly files: readonly OutgoingFile[];
  readonly places: readonly LocationContent[];
  readonly markup: Readonly<Record<string, unknown>> | undefined;
}

/** The calls in their order, without the chat; empty when there is nothing to send, undefined for media that cannot be sent. */
export function callsFor(content: EventContent, frame: OutboundFrame): readonly TelegramCall[] | undefined {
  const taken = takenApart(content, frame);
  if (taken === undefined) return undefined;
  const { files, places, markup } = taken;
  const only = files.length === 1 ? files[0] : undefined;
  const inCaption = taken.words.text !== '' && only !== undefined && only.caption === undefined && taken.words.text.length <= MAX_CAPTION;
  const words = inCaption ? [] : textCalls(taken.words, frame);
  const shown = isAlbum(files) ? [albumCall(files)] : files.map((file) => fileCall(file, inCaption ? taken.words : undefined, frame));
  const rest = files
    .flatMap(({ caption }) => (caption === undefined ? [] : splitCaption(caption).slice(1)))
    .map((text) => textCall({ text, entities: [] }, frame));
  const calls = [...words, ...shown, ...rest, ...places.map(placeCall)];
  return markup === undefined ? calls : withMarkup(calls, words.length, markup);
}

/** The call that puts new content in the place of a message's; undefined when the new content is none that a message can become. */
export function editCallFor(content: EventContent, frame: OutboundFrame): TelegramCall | undefined {
  const taken = takenApart(content, frame);
  if (taken === undefined) return undefined;
  const [file] = taken.files;
  // Only keyboards below a message are part of it.
  const reply_markup = taken.markup !== undefined && 'inline_keyboard' in taken.markup ? taken.markup : undefined;
  if (file !== undefined) {
    const text = taken.words.text === '' ? { text: file.caption ?? '', entities: [] } : taken.words;
    const name = file.kind === 'voice' ? 'audio' : file.kind;
    const media = { type: name, media: file.source ?? 'attach://file', ...captionOf(cut(text, MAX_CAPTION)) };
    return { method: 'editMessageMedia', parameters: { media, reply_markup }, ...(file.file !== undefined && { files: { file: file.file } }) };
  }
  if (taken.words.text === '') return undefined;
  const { text, entities } = cut(taken.words, MAX_TEXT);
  return { method: 'editMessageText', parameters: { text, ...(entities.length > 0 && { entities }), ...previews(frame), reply_markup } };
}

/** The same new words for a message that has a caption in place of a text. */
export function captionEdit({ parameters }: TelegramCall): TelegramCall {
  const { text, entities, reply_markup } = parameters;
  const fits = typeof text === 'string' && text.length <= MAX_CAPTION;
  return {
    method: 'editMessageCaption',
    parameters: fits ? { caption: text, caption_entities: entities, reply_markup } : { caption: String(text).slice(0, MAX_CAPTION), reply_markup },
  };
}

function takenApart(content: EventContent, frame: OutboundFrame): Taken | undefined {
  const words: FormattedText[] = [];
  const files: OutgoingFile[] = [];
  const places: LocationContent[] = [];
  let markup: Taken['markup'];
  for (const leaf of leavesOf(content)) {
    if (isFileContent(leaf)) {
      const file = outgoingFile(leaf);
      if (file === undefined) return undefined;
      files.push(file);
    } else if (leaf.type === 'location') places.push(leaf);
    else if (leaf.type === 'rich') {
      const keyboard = keyboardOf(leaf, frame.isPrivate);
      markup ??= keyboard.markup;
      words.push(...[richWords(leaf), ...keyboard.lines.map(plain)].filter(({ text }) => text !== ''));
    } else {
      const text = outboundText(leaf)?.trim() ?? '';
      if (text !== '') words.push(frame.formatsText && leaf.type === 'text' ? formattedText(text) : plain(text));
    }
  }
  return { words: joined(words), files, places, markup };
}

function leavesOf(content: EventContent, depth = 0): readonly EventContent[] {
  if (content.type !== 'composite') return [content];
  return depth === MAX_DEPTH ? [] : content.parts.flatMap((part) => leavesOf(part, depth + 1));
}

/** HTML is shown by its words alone. */
function richWords(content: RichContent): FormattedText {
  return content.format === 'html' ? plain(outboundText(content)?.trim() ?? '') : formattedText(content.body);
}

function plain(text: string): FormattedText {
  return { text, entities: [] };
}

function joined(parts: readonly FormattedText[]): FormattedText {
  let text = '';
  const entities = parts.flatMap((part) => {
    if (text !== '') text += '\n';
    const start = text.length;
    text += part.text;
    return part.entities.map((entity) => ({ ...entity, offset: entity.offset + start }));
  });
  return { text, entities };
}

/** Too long for one message (it was put together of several contents): in parts, and then without what looks different. */
function textCalls(words: FormattedText, frame: OutboundFrame): readonly TelegramCall[] {
  if (words.text === '') return [];
  if (words.text.length <= MAX_TEXT) return [textCall(words, frame)];
  return splitText(words.text, MAX_TEXT).map((text) => textCall(plain(text), frame));
}

function textCall({ text, entities }: FormattedText, frame: OutboundFrame): TelegramCall {
  return { method: 'sendMessage', parameters: { text, ...(entities.length > 0 && { entities }), ...previews(frame) } };
}

function previews({ linkPreviews }: OutboundFrame): { readonly link_preview_options?: { readonly is_disabled: true } } {
  return linkPreviews ? {} : { link_preview_options: { is_disabled: true } };
}

/** By their address Telegram takes some files only: of the others people get the address. */
function fileCall(file: OutgoingFile, words: FormattedText | undefined, frame: OutboundFrame): TelegramCall {
  const { kind, source, file: upload, durationSeconds } = file;
  const caption = words ?? plain(file.caption === undefined ? '' : (splitCaption(file.caption)[0] ?? ''));
  const duration = durationSeconds === undefined ? {} : { duration: Math.round(durationSeconds) };
  return {
    method: METHODS[kind],
    parameters: { ...(source !== undefined && { [kind]: source }), ...captionOf(caption), ...duration },
    ...(upload !== undefined && { files: { [kind]: upload } }),
    ...(source?.startsWith('http') === true && { otherwise: textCall(joined([caption, plain(source)].filter(({ text }) => text !== '')), frame) }),
  };
}

function albumCall(files: readonly OutgoingFile[]): TelegramCall {
  const uploads: Record<string, TelegramFile> = {};
  const media = files.map(({ kind, source, file, caption }, index) => {
    if (file !== undefined) uploads[`file${index}`] = file;
    return {
      type: kind,
      media: source ?? `attach://file${index}`,
      ...captionOf(plain(caption === undefined ? '' : (splitCaption(caption)[0] ?? ''))),
    };
  });
  return { method: 'sendMediaGroup', parameters: { media }, ...(Object.keys(uploads).length > 0 && { files: uploads }) };
}

function captionOf({ text, entities }: FormattedText): Record<string, unknown> {
  return text === '' ? {} : { caption: text, ...(entities.length > 0 && { caption_entities: entities }) };
}

/** The first part is the caption, what comes after follows as text. */
function splitCaption(caption: string): readonly string[] {
  if (caption.length <= MAX_CAPTION) return [caption];
  const [first = ''] = splitText(caption, MAX_CAPTION);
  return [first, caption.slice(first.length).trimStart()];
}

function cut(words: FormattedText, most: number): FormattedText {
  return words.text.length <= most ? words : plain(splitText(words.text, most)[0] ?? '');
}

function placeCall({ latitude, longitude, label, address }: LocationContent): TelegramCall {
  const title = label ?? address;
  if (title === undefined || title === '') return { method: 'sendLocation', parameters: { latitude, longitude } };
  // A place with a name needs an address; where nobody has told it, its coordinates are one.
  const where = label === undefined || address === undefined || address === '' ? `${latitude}, ${longitude}` : address;
  return { method: 'sendVenue', parameters: { latitude, longitude, title, address: where } };
}

/** Below the words; without words below the last of the rest that can have a keyboard. */
function withMarkup(calls: readonly TelegramCall[], words: number, markup: Readonly<Record<string, unknown>>): readonly TelegramCall[] {
  const at = words > 0 ? words - 1 : calls.findLastIndex(({ method }) => method !== 'sendMediaGroup');
  return calls.map((call, index) => (index === at ? marked(call, markup) : call));
}

function marked({ otherwise, ...call }: TelegramCall, markup: Readonly<Record<string, unknown>>): TelegramCall {
  return {
    ...call,
    parameters: { ...call.parameters, reply_markup: markup },
    ...(otherwise !== undefined && { otherwise: marked(otherwise, markup) }),
  };
}
