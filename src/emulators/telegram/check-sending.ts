/** What Telegram refuses to send. @see https://core.telegram.org/bots/api#available-methods */
import { isFields, listOf, stringOf, type Fields } from '../problem.js';
import type { Parameters } from './parameters.js';
import { badRequest } from './refusal.js';

const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;
const MAX_DATA_BYTES = 64;

/** The words of a message and what in them looks different. Telegram takes the spaces off both ends. */
export function checkText(parameters: Parameters): Fields {
  const given = parameters.text('text') ?? '';
  const text = given.trim();
  if (text === '') throw badRequest('message text is empty');
  if (text.length > MAX_TEXT) throw badRequest('message is too long');
  refuseParseMode(parameters, given);
  return { text, ...entitiesOf(parameters, 'entities', given, text) };
}

export function checkCaption(parameters: Parameters | { text(name: string): string | undefined; json(name: string): unknown }): Fields {
  const given = parameters.text('caption') ?? '';
  const caption = given.trim();
  if (caption.length > MAX_CAPTION) throw badRequest('message caption is too long');
  return caption === '' ? {} : { caption, ...entitiesOf(parameters, 'caption_entities', given, caption) };
}

/** The emulator reads no markup: whoever asks for it has to escape, and here nobody should have to. */
function refuseParseMode(parameters: Parameters, text: string): void {
  if (!parameters.has('parse_mode')) return;
  if (/[_*[\]()~`>#+\-=|{}.!<&]/.test(text)) throw badRequest("can't parse entities: the emulator reads none, send entities");
}

const KINDS = new Set([
  'bold',
  'italic',
  'underline',
  'strikethrough',
  'spoiler',
  'blockquote',
  'expandable_blockquote',
  'code',
  'pre',
  'text_link',
  'text_mention',
]);

function entitiesOf(
  parameters: { json(name: string): unknown },
  name: 'entities' | 'caption_entities',
  given: string,
  text: string,
): Record<string, unknown> {
  const start = given.length - given.trimStart().length;
  const entities = listOf(parameters.json(name))
    .filter(isFields)
    .flatMap((entity) => {
      const { type, offset, length, url } = entity;
      if (!KINDS.has(stringOf(type))) throw badRequest("can't parse MessageEntity: Unsupported type specified");
      if (typeof offset !== 'number' || typeof length !== 'number') throw badRequest("can't parse MessageEntity: Field must be of type Number");
      if (offset < 0 || length <= 0 || offset + length > given.length)
        throw badRequest(`entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${offset + length}`);
      if (isHalf(given, offset) || isHalf(given, offset + length))
        throw badRequest(`entity begins in a middle of a UTF-16 symbol at UTF-16 offset ${offset}`);
      if (type === 'text_link' && !/^(https?|tg):\/\//.test(stringOf(url))) throw badRequest("can't parse MessageEntity: URL is invalid");
      const moved = Math.max(0, offset - start);
      const kept = Math.min(length, text.length - moved);
      return kept > 0 ? [{ ...entity, offset: moved, length: kept }] : [];
    });
  return entities.length === 0 ? {} : { [name]: entities };
}

function isHalf(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff && text.charCodeAt(at - 1) >= 0xd800;
}

/** The keyboard as it goes into the message: only one below it is part of it. */
export function checkMarkup(
  parameters: Parameters,
  isPrivate: boolean,
): { readonly shown: Fields | undefined; readonly letters: Fields | undefined } {
  const markup = parameters.object('reply_markup');
  if (markup === undefined) return { shown: undefined, letters: undefined };
  if (markup['inline_keyboard'] !== undefined) {
    const rows = listOf(markup['inline_keyboard']);
    if (rows.length > 100) throw badRequest('REPLY_MARKUP_TOO_LONG');
    for (const row of rows) for (const button of listOf(row).filter(isFields)) checkButton(button);
    return { shown: markup, letters: undefined };
  }
  if (markup['keyboard'] === undefined) return { shown: undefined, letters: undefined };
  for (const row of listOf(markup['keyboard']))
    for (const button of listOf(row)) {
      const text = isFields(button) ? stringOf(button['text']) : stringOf(button);
      if (text === '') throw badRequest('can\'t parse keyboard button: Field "text" must be of type String');
      if (isFields(button) && button['request_location'] === true && !isPrivate) throw badRequest('location can be requested in private chats only');
    }
  return { shown: undefined, letters: markup };
}

function checkButton({ text, callback_data: data, url }: Fields): void {
  if (stringOf(text) === '') throw badRequest('can\'t parse inline keyboard button: Field "text" must be of type String');
  if (data === undefined && url === undefined)
    throw badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
  if (data !== undefined && (stringOf(data) === '' || Buffer.byteLength(stringOf(data)) > MAX_DATA_BYTES)) throw badRequest('BUTTON_DATA_INVALID');
  if (url !== undefined && !/^(https?|tg):\/\//.test(stringOf(url)))
    throw badRequest(`inline keyboard button URL '${stringOf(url)}' is invalid: Wrong HTTP URL`);
}

/** The letters that stand for a reaction of somebody without a subscription. */
const REACTIONS = new Set([
  ...'❤👍👎🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡',
]);

export function checkReaction(parameters: Parameters): string | undefined {
  const list = parameters.list('reaction');
  if (list.length > 1) throw badRequest('REACTIONS_TOO_MANY');
  const [reaction] = list;
  if (reaction === undefined) return undefined;
  const emoji = stringOf(reaction['emoji']);
  if (reaction['type'] !== 'emoji' || !REACTIONS.has(emoji)) throw badRequest('REACTION_INVALID');
  return emoji;
}
