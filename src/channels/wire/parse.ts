/** Reads what a client sends (WIRE-03). Strict in what it needs, blind to what it does not know (WIRE-01). */
import { ValidationError } from '../../core/errors.js';
import { checkJson, checkMetadata, parseContent } from '../../core/models/content-validation.js';
import type { EventContent } from '../../core/models/content.js';
import type { Metadata } from '../../core/models/json.js';
import type { ClientFrame, WireErrorCode } from './frames.js';

/** A frame, or why it is none. */
export type ParsedFrame =
  | { readonly frame: ClientFrame }
  | { readonly error: Extract<WireErrorCode, 'invalid' | 'unknown_type'>; readonly message: string; readonly id?: string };

/** Reads one text frame of a client. Never throws for what came from outside. */
export function parseClientFrame(text: string): ParsedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: 'invalid', message: 'The frame is not JSON. Send one JSON object per text frame.' };
  }
  if (!isObject(value)) return { error: 'invalid', message: 'The frame is not a JSON object.' };
  const id = isId(value['id']) ? { id: value['id'] } : {};
  try {
    checkJson(value, 'The frame');
    const frame = readFrame(value);
    if (frame === undefined)
      return { error: 'unknown_type', message: `There is no frame type ${name(value['type'])} in version 1 of this protocol.`, ...id };
    return { frame };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { error: 'invalid', message: error.message, ...id };
  }
}

function readFrame(given: Fields): ClientFrame | undefined {
  switch (given['type']) {
    case 'hello':
      return {
        type: 'hello',
        version: given['version'] === undefined ? 1 : wholeNumber(given, 'version', 1),
        ...(given['token'] !== undefined && { token: text(given, 'token', MAX_TOKEN) }),
        streams: given['streams'] === undefined ? true : flag(given, 'streams'),
      };
    case 'subscribe':
      return {
        type: 'subscribe',
        id: id(given),
        roomId: text(given, 'roomId', MAX_ID),
        ...(given['afterIndex'] !== undefined && { afterIndex: wholeNumber(given, 'afterIndex', -1) }),
        ...(given['as'] !== undefined && { as: text(given, 'as', MAX_ID) }),
      };
    case 'unsubscribe':
      return { type: 'unsubscribe', id: id(given), roomId: text(given, 'roomId', MAX_ID) };
    case 'send':
      return {
        type: 'send',
        id: id(given),
        roomId: text(given, 'roomId', MAX_ID),
        content: clientContent(given['content']),
        ...(given['parentEventId'] !== undefined && { parentEventId: text(given, 'parentEventId', MAX_ID) }),
        ...(given['metadata'] !== undefined && { metadata: clientMetadata(given['metadata']) }),
      };
    case 'typing':
      return { type: 'typing', roomId: text(given, 'roomId', MAX_ID), on: flag(given, 'on') };
    case 'receipt':
      return { type: 'receipt', roomId: text(given, 'roomId', MAX_ID), eventId: text(given, 'eventId', MAX_ID) };
    case 'reaction': {
      const action = given['action'] ?? 'add';
      if (action !== 'add' && action !== 'remove') throw new ValidationError(`action is ${name(action)}. Use 'add' or 'remove'.`);
      return {
        type: 'reaction',
        roomId: text(given, 'roomId', MAX_ID),
        eventId: text(given, 'eventId', MAX_ID),
        emoji: text(given, 'emoji', MAX_WORD),
        action,
      };
    }
    case 'presence':
      return { type: 'presence', status: text(given, 'status', MAX_WORD) };
    case 'auth':
      return { type: 'auth', token: text(given, 'token', MAX_TOKEN) };
    case 'ping': {
      const t = given['t'] ?? 0;
      if (typeof t !== 'number') throw new ValidationError(`t is ${name(t)}; give a number, which comes back in the pong.`);
      return { type: 'ping', t };
    }
    default:
      return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_ID = 255;
const MAX_FRAME_ID = 64;
const MAX_WORD = 64;
const MAX_TOKEN = 8192;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** What the kit itself says about an event: a client cannot say it (PERM-08). So are all keys that start with `_`. */
const RESERVED_METADATA: ReadonlySet<string> = new Set([
  'handoff',
  'from_agent',
  'to_agent',
  'summary',
  'inject_role',
  'edited',
  'edited_at',
  'deleted',
  'deleted_at',
  'cancelled',
  'cancelled_by',
  'partial',
  'answers',
  'ai_usage',
  'model',
  'end_reason',
  'voice_session_id',
  'interrupted',
  'played_ms',
  'store',
  'target_external_id',
]);

/** Content as a person may say it. Throws ValidationError (PERM-08). */
export function clientContent(given: unknown): EventContent {
  const parsed = parseContent(given);
  if (holdsSystem(parsed)) throw new ValidationError("content holds type 'system', which only the kit says. Send text or another content.");
  return parsed;
}

function holdsSystem(given: EventContent): boolean {
  switch (given.type) {
    case 'system':
      return true;
    case 'composite':
      return given.parts.some(holdsSystem);
    case 'edit':
      return holdsSystem(given.newContent);
    default:
      return false;
  }
}

/** Metadata of a person's message without the keys that are not theirs to set (PERM-08). Throws ValidationError. */
export function clientMetadata(given: unknown): Metadata {
  checkMetadata(given);
  const entries = Object.entries(given);
  const own = entries.filter(([key]) => !key.startsWith('_') && !RESERVED_METADATA.has(key));
  return own.length === entries.length ? given : Object.fromEntries(own);
}

function id(given: Fields): string {
  const value = given['id'];
  if (!isId(value)) throw new ValidationError(`id is ${name(value)}; give a string of 1 to ${MAX_FRAME_ID} characters.`);
  return value;
}

function text(given: Fields, field: string, most: number): string {
  const value = given[field];
  if (typeof value !== 'string' || value.length === 0 || value.length > most || CONTROL.test(value)) {
    throw new ValidationError(`${field} is ${name(value)}; give a string of 1 to ${most} characters without control characters.`);
  }
  return value;
}

function wholeNumber(given: Fields, field: string, least: number): number {
  const value = given[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > MAX_INDEX) {
    throw new ValidationError(`${field} is ${name(value)}; give a whole number from ${least} to ${MAX_INDEX}.`);
  }
  return value;
}

/** No room grows beyond it. */
const MAX_INDEX = 2_000_000_000;

function flag(given: Fields, field: string): boolean {
  const value = given[field];
  if (typeof value !== 'boolean') throw new ValidationError(`${field} is ${name(value)}; give true or false.`);
  return value;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_FRAME_ID && !CONTROL.test(value);
}

function isObject(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A value in a message: short, whatever it is. */
function name(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`;
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? String(value) : `a ${typeof value}`;
}
