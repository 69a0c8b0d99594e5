/** Reads what a client sends (WIRE-03). Strict in what it needs, blind to what it does not know (WIRE-01). */
import { checkJson, checkMetadata, parseContent, ValidationError } from '../../core/index.js';
import type { ClientFrame, WireErrorCode } from './frames.js';

export type ParsedFrame = { readonly frame: ClientFrame } | { readonly error: WireErrorCode; readonly message: string; readonly id?: string };

export function parseClientFrame(text: string): ParsedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: 'invalid', message: 'The frame is not JSON. Send one JSON object per text frame.' };
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { error: 'invalid', message: 'The frame is not a JSON object.' };
  }
  const given = value as Record<string, unknown>; // an object, checked just now
  const id = typeof given['id'] === 'string' && given['id'].length <= 64 ? given['id'] : undefined;
  try {
    checkJson(given, 'frame');
    const frame = readFrame(given);
    if (frame === undefined) return { error: 'unknown_type', message: `There is no frame type ${shorten(given['type'])}.`, ...(id !== undefined && { id }) };
    return { frame };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { error: 'invalid', message: error.message, ...(id !== undefined && { id }) };
  }
}

function readFrame(given: Record<string, unknown>): ClientFrame | undefined {
  switch (given['type']) {
    case 'hello':
      return {
        type: 'hello',
        version: given['version'] === undefined ? 1 : wholeNumber(given, 'version'),
        ...(given['token'] !== undefined && { token: text(given, 'token', 8192) }),
        streams: given['streams'] !== false,
      };
    case 'subscribe':
      return {
        type: 'subscribe',
        id: text(given, 'id', 64),
        roomId: text(given, 'roomId', 255),
        ...(given['afterIndex'] !== undefined && { afterIndex: wholeNumber(given, 'afterIndex', -1) }),
        ...(given['as'] !== undefined && { as: text(given, 'as', 255) }),
      };
    case 'unsubscribe':
      return { type: 'unsubscribe', id: text(given, 'id', 64), roomId: text(given, 'roomId', 255) };
    case 'send': {
      if (given['metadata'] !== undefined) checkMetadata(given['metadata'], 'metadata');
      return {
        type: 'send',
        id: text(given, 'id', 64),
        roomId: text(given, 'roomId', 255),
        content: parseContent(given['content']),
        ...(given['parentEventId'] !== undefined && { parentEventId: text(given, 'parentEventId', 255) }),
        // Checked above; keys that start with `_` belong to the kit and are not taken from a client (PERM-08).
        ...(given['metadata'] !== undefined && { metadata: withoutInternal(given['metadata'] as Record<string, unknown>) }),
      };
    }
    case 'typing':
      return { type: 'typing', roomId: text(given, 'roomId', 255), on: given['on'] !== false };
    case 'receipt':
      return { type: 'receipt', roomId: text(given, 'roomId', 255), eventId: text(given, 'eventId', 255) };
    case 'reaction': {
      const action = given['action'] ?? 'add';
      if (action !== 'add' && action !== 'remove') throw new ValidationError("action is neither 'add' nor 'remove'.");
      return { type: 'reaction', roomId: text(given, 'roomId', 255), eventId: text(given, 'eventId', 255), emoji: text(given, 'emoji', 64), action };
    }
    case 'presence':
      return { type: 'presence', status: text(given, 'status', 64) };
    case 'auth':
      return { type: 'auth', token: text(given, 'token', 8192) };
    case 'ping':
      return { type: 'ping', t: typeof given['t'] === 'number' ? given['t'] : 0 };
    default:
      return undefined;
  }
}

function text(given: Record<string, unknown>, field: string, most: number): string {
  const value = given[field];
  if (typeof value !== 'string' || value.length === 0 || value.length > most) throw new ValidationError(`${field} must be a string of 1 to ${most} characters.`);
  return value;
}

function wholeNumber(given: Record<string, unknown>, field: string, least = 0): number {
  const value = given[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) throw new ValidationError(`${field} must be a whole number of ${least} or more.`);
  return value;
}

function withoutInternal(metadata: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !key.startsWith('_')));
}

function shorten(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : typeof value;
}
