/** Reads a JSON body as far as it may go: size before anything else, then time, then depth (AUTH-13, CON-13). */
import type { ZodType } from 'zod';
import { checkJson, type Clock } from '../core/index.js';
import type { Awaitable } from '../core/models/json.js';
import type { ServerLimits } from './limits.js';
import { Refusal, type FieldError } from './problem.js';

/** Reads a body as UTF-8. Throws `too_large`, `body_timeout` or `invalid`. */
export type ReadText = (maxBytes: number, maxMs: number, clock: Clock) => Awaitable<string>;

/** The JSON of a body of this type. Throws `too_large`, `body_timeout`, `unsupported_media_type` or `invalid`. */
export async function readJson(contentType: string | null, limits: ServerLimits, clock: Clock, read: ReadText): Promise<unknown> {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new Refusal('unsupported_media_type', 'Send the body as application/json.');
  const text = await read(limits.maxBodyBytes, limits.bodySeconds * 1000, clock);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal('invalid', 'The body is not JSON.');
  }
  checkJson(value, 'body', undefined, limits.maxBodyBytes);
  return value;
}

/** What the schema makes of a value; throws `invalid` naming every wrong field, below `at` where the value has a name. */
export function checked<Value>(schema: ZodType<Value>, value: unknown, at?: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors: FieldError[] = result.error.issues.map(({ path, message }) => ({
    path: [...(at === undefined ? [] : [at]), ...path.map(String)].join('.'),
    message,
  }));
  const first = errors[0];
  throw new Refusal(
    'invalid',
    first === undefined ? 'The request is not valid.' : `${first.path === '' ? 'The request' : first.path}: ${first.message}`,
    { errors },
  );
}

/** By the stream of the request, whatever carries it. */
export function textOf(request: Request): ReadText {
  return (maxBytes, maxMs, clock) => readText(request, maxBytes, maxMs, clock);
}

async function readText(request: Request, maxBytes: number, maxMs: number, clock: Clock): Promise<string> {
  const tooLarge = (): Refusal => bodyTooLarge(maxBytes);
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > maxBytes) throw tooLarge();
  if (request.body === null) return '';
  // A body is bytes; the type of the stream does not say so.
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const timer = clock.setTimer(maxMs, () => void reader.cancel().catch(() => undefined));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const startedAt = clock.monotonic();
  let bytes = 0;
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > maxBytes) {
        // Not awaited: of a request that was cloned it ends only with the clone.
        reader.cancel().catch(() => undefined);
        throw tooLarge();
      }
      text += decoder.decode(value, { stream: true });
    }
    if (clock.monotonic() - startedAt >= maxMs) throw bodyTooSlow(maxMs);
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw bodyNotUtf8(error);
    throw error;
  } finally {
    timer.cancel();
  }
}

export function bodyTooLarge(maxBytes: number): Refusal {
  return new Refusal('too_large', `The body is larger than ${maxBytes} bytes.`);
}

export function bodyTooSlow(maxMs: number): Refusal {
  return new Refusal('body_timeout', `The body was not there within ${maxMs / 1000} seconds.`);
}

export function bodyNotUtf8(cause?: unknown): Refusal {
  return new Refusal('invalid', 'The body is not UTF-8.', { cause });
}
