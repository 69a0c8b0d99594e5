/**
 * Content is checked once, where it enters (CON-05, CON-13): its shape, its limits, its urls. What comes out is a private
 * frozen copy that nobody checks or copies again.
 */
import { ValidationError } from '../errors.js';
import type { ContentInput, EventContent, TextContent } from './content.js';
import { copyJson, freezeJson } from './json.js';

export const MAX_TEXT_UNITS = 1_000_000;
export const MAX_LIST_ENTRIES = 100;
export const MAX_DATA_URL_BYTES = 1024 * 1024;
export const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_JSON_DEPTH = 64;
export const MAX_METADATA_BYTES = 64 * 1024;
const MAX_COMPOSITE_DEPTH = 5;

/** A frozen copy of what was given; text takes the short way. Throws ValidationError naming field, value and limit. */
export function toContent(input: ContentInput): EventContent {
  if (typeof input === 'string') return text(input, undefined);
  if (input === null || typeof input !== 'object')
    throw new ValidationError(`Content is ${describe(input)}. Give a string or an object such as { type: 'text', body: 'Hi' }.`);
  if (input.type === 'text') {
    if (Object.isFrozen(input) && typeof input.body === 'string' && input.body.length <= MAX_TEXT_UNITS) return input;
    const keys = Object.keys(input).length;
    if (keys === 2 || (keys === 3 && input.language !== undefined)) return text(input.body, input.language);
  }
  checkContent(input, 'content', 0);
  return freezeJson(copyJson(input));
}

function text(body: unknown, language: string | undefined): TextContent {
  checkBody(body, 'content.body');
  return Object.freeze(language === undefined ? { type: 'text', body } : { type: 'text', body, language });
}

/** Content in JSON from outside; unknown fields are kept (CON-05). */
export function parseContent(value: unknown): EventContent {
  if (typeof value === 'string') return toContent(value);
  checkObject(value, 'content');
  return toContent(value as unknown as EventContent); // checked in full by toContent
}

function checkContent(content: unknown, at: string, depth: number): void {
  checkObject(content, at);
  switch (content['type']) {
    case 'text':
      checkBody(content['body'], `${at}.body`);
      return;
    case 'rich':
      checkBody(content['body'], `${at}.body`);
      checkOneOf(content['format'], ['markdown', 'html'], `${at}.format`);
      if (content['plainText'] !== undefined) checkBody(content['plainText'], `${at}.plainText`);
      checkButtons(content['buttons'], `${at}.buttons`);
      checkList(content['cards'], `${at}.cards`, checkCard);
      checkList(content['quickReplies'], `${at}.quickReplies`, checkQuickReply);
      return;
    case 'media':
      checkUrl(content['url'], `${at}.url`, true);
      checkString(content['mimeType'], `${at}.mimeType`);
      if (content['caption'] !== undefined) checkBody(content['caption'], `${at}.caption`);
      return;
    case 'audio':
      checkUrl(content['url'], `${at}.url`, true);
      return;
    case 'video':
      checkUrl(content['url'], `${at}.url`, false);
      if (content['thumbnailUrl'] !== undefined) checkUrl(content['thumbnailUrl'], `${at}.thumbnailUrl`, false);
      return;
    case 'location':
      checkRange(content['latitude'], 90, `${at}.latitude`);
      checkRange(content['longitude'], 180, `${at}.longitude`);
      return;
    case 'composite': {
      if (depth + 1 > MAX_COMPOSITE_DEPTH)
        throw new ValidationError(`${at} is nested deeper than ${MAX_COMPOSITE_DEPTH} composites. Flatten its parts.`);
      const parts = content['parts'];
      if (!Array.isArray(parts) || parts.length === 0) throw new ValidationError(`${at}.parts needs at least one part.`);
      checkList(parts, `${at}.parts`, (part, where) => checkContent(part, where, depth + 1));
      return;
    }
    case 'system':
      checkBody(content['body'], `${at}.body`);
      return;
    case 'template':
      checkString(content['templateId'], `${at}.templateId`);
      if (content['parameters'] !== undefined) {
        checkObject(content['parameters'], `${at}.parameters`);
        for (const [key, value] of Object.entries(content['parameters'])) checkString(value, `${at}.parameters.${key}`);
      }
      return;
    case 'edit': {
      checkString(content['targetEventId'], `${at}.targetEventId`);
      const inner = content['newContent'];
      checkObject(inner, `${at}.newContent`);
      if (inner['type'] === 'edit' || inner['type'] === 'delete')
        throw new ValidationError(`${at}.newContent is itself ${describe(inner['type'])}; give the content that shall stand there.`);
      checkContent(inner, `${at}.newContent`, depth);
      return;
    }
    case 'delete':
      checkString(content['targetEventId'], `${at}.targetEventId`);
      checkOneOf(content['deleteType'], ['sender', 'system', 'admin'], `${at}.deleteType`);
      return;
    default:
      throw new ValidationError(
        `${at}.type is ${describe(content['type'])}. Use text, rich, media, location, audio, video, composite, system, template, edit or delete.`,
      );
  }
}

function checkCard(card: unknown, at: string): void {
  checkObject(card, at);
  checkString(card['title'], `${at}.title`);
  if (card['imageUrl'] !== undefined) checkUrl(card['imageUrl'], `${at}.imageUrl`, true);
  checkButtons(card['buttons'], `${at}.buttons`);
}

function checkButtons(buttons: unknown, at: string): void {
  checkList(buttons, at, (button, where) => {
    checkObject(button, where);
    checkString(button['id'], `${where}.id`);
    checkString(button['label'], `${where}.label`);
    if (button['kind'] === undefined) throw new ValidationError(`${where}.kind is missing. Use reply, url, call or location_request.`);
    checkOneOf(button['kind'], ['reply', 'url', 'call', 'location_request'], `${where}.kind`);
    if (button['kind'] === 'url') checkUrl(button['url'], `${where}.url`, false);
  });
}

function checkQuickReply(reply: unknown, at: string): void {
  if (typeof reply === 'string') return;
  checkObject(reply, at);
  checkString(reply['id'], `${at}.id`);
  checkString(reply['label'], `${at}.label`);
}

function checkList(list: unknown, at: string, check: (entry: unknown, at: string) => void): void {
  if (list === undefined) return;
  if (!Array.isArray(list)) throw new ValidationError(`${at} is ${describe(list)}; give a list.`);
  if (list.length > MAX_LIST_ENTRIES) throw new ValidationError(`${at} has ${list.length} entries; at most ${MAX_LIST_ENTRIES} are taken.`);
  list.forEach((entry: unknown, position) => check(entry, `${at}[${position}]`));
}

function checkBody(body: unknown, at: string): asserts body is string {
  if (typeof body !== 'string') throw new ValidationError(`${at} is ${describe(body)}; give a string (it may be empty).`);
  if (body.length > MAX_TEXT_UNITS) throw new ValidationError(`${at} has ${body.length} UTF-16 units; at most ${MAX_TEXT_UNITS} are taken.`);
}

function checkString(value: unknown, at: string): void {
  if (typeof value !== 'string' || value === '') throw new ValidationError(`${at} is ${describe(value)}; give a string that is not empty.`);
}

function checkOneOf(value: unknown, allowed: readonly string[], at: string): void {
  if (value !== undefined && !allowed.includes(value as string))
    throw new ValidationError(`${at} is ${describe(value)}. Use ${allowed.join(' or ')}.`);
}

function checkUrl(url: unknown, at: string, dataAllowed: boolean): void {
  checkString(url, at);
  const address = url as string; // a string, checked just now
  if (/^https?:\/\/[^\s]/i.test(address) && address.length <= 16_384) return;
  if (dataAllowed && /^data:/i.test(address)) {
    if (address.length <= MAX_DATA_URL_BYTES) return;
    throw new ValidationError(
      `${at} is a data: url of ${address.length} characters; at most ${MAX_DATA_URL_BYTES} are taken. Put the file in a media store and give its link.`,
    );
  }
  throw new ValidationError(`${at} is ${describe(address)}. Use an http: or https:${dataAllowed ? ' or data:' : ''} url.`);
}

function checkRange(value: unknown, most: number, at: string): void {
  if (typeof value !== 'number' || !(value >= -most && value <= most))
    throw new ValidationError(`${at} is ${describe(value)}; give degrees from -${most} to ${most}.`);
}

function checkObject(value: unknown, at: string): asserts value is Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new ValidationError(`${at} is ${describe(value)}; give an object.`);
}

/** JSON from outside: at most so deep and so large, checked before anything else. */
export function checkJson(value: unknown, at: string, maxDepth = MAX_JSON_DEPTH, maxBytes = MAX_JSON_BYTES): void {
  let left = maxBytes;
  const walk = (node: unknown, depth: number): void => {
    if (depth > maxDepth) throw new ValidationError(`${at} is nested deeper than ${maxDepth} levels.`);
    left -= typeof node === 'string' ? node.length + 2 : 8;
    if (left < 0) throw new ValidationError(`${at} is larger than ${maxBytes} bytes.`);
    if (node === null || typeof node !== 'object') return;
    for (const key of Object.keys(node)) {
      left -= key.length;
      walk((node as Record<string, unknown>)[key], depth + 1);
    }
  };
  walk(value, 0);
}

/** Metadata from outside: an object of at most 64 KiB. */
export function checkMetadata(metadata: unknown, at = 'metadata'): asserts metadata is Record<string, unknown> {
  checkObject(metadata, at);
  checkJson(metadata, at, MAX_JSON_DEPTH, MAX_METADATA_BYTES);
}

/** A value in an error message: short, and never a whole body. */
function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return value.length > 60 ? `'${value.slice(0, 60)}…'` : `'${value}'`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
