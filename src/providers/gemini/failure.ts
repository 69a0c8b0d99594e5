/** What the failures of Gemini's client mean. It keeps the vendor's body as the text of its error, and no headers. */
import type * as GenAI from '@google/genai';
import { AbortedError } from '../../core/errors.js';
import type { Deadline } from '../_shared/ai/deadline.js';
import { interrupted, providerError } from '../_shared/ai/failure.js';

const NAME = 'gemini';

export function failureOf(module: typeof GenAI, error: unknown, deadline: Deadline, hasBegun: boolean): unknown {
  if (deadline.hasPassed) return providerError({ provider: NAME, code: 'timeout', retryable: true, cause: error });
  if (deadline.wasAborted) return new AbortedError('The request to the model was aborted.', { cause: error });
  if (error instanceof module.ApiError) return vendorFailure(error);
  if (hasBegun && isBrokenOff(error)) return interrupted(NAME, error);
  if (error instanceof TypeError) return providerError({ provider: NAME, code: 'network_error', retryable: true, cause: error });
  if (error instanceof SyntaxError) return providerError({ provider: NAME, code: 'invalid_response', retryable: false, cause: error });
  return error;
}

/** The socket was cut, or half an event was the last of it. */
function isBrokenOff(error: unknown): boolean {
  return error instanceof TypeError || error instanceof SyntaxError || (error instanceof Error && /JSON|stream chunk/.test(error.message));
}

function vendorFailure(error: GenAI.ApiError): unknown {
  const body = bodyOf(error.message);
  const isKey = body.reasons.includes('API_KEY_INVALID'); // answered with 400
  return providerError({
    provider: NAME,
    status: error.status,
    type: isKey ? 'API_KEY_INVALID' : body.status,
    message: body.message,
    retryAfterSeconds: body.retryAfterSeconds,
    cause: error,
    ...(isKey && { code: 'auth_error' }),
  });
}

interface Body {
  readonly status: string | undefined;
  readonly message: string;
  readonly reasons: readonly string[];
  readonly retryAfterSeconds: number | undefined;
}

/** `{ error: { code, message, status, details } }`, alone, in a list, or behind "got status: …". */
export function bodyOf(text: string): Body {
  const error = errorIn(text);
  const details = Array.isArray(error['details']) ? (error['details'] as readonly unknown[]).filter(isFields) : [];
  const delay = details.map((detail) => detail['retryDelay']).find((value) => typeof value === 'string');
  const seconds = typeof delay === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined;
  const { status, message } = error;
  return {
    status: typeof status === 'string' ? status : undefined,
    message: typeof message === 'string' ? message : text,
    reasons: details.map((detail) => detail['reason']).filter((reason): reason is string => typeof reason === 'string'),
    retryAfterSeconds: seconds === undefined ? undefined : Number(seconds),
  };
}

function errorIn(text: string): Readonly<Record<string, unknown>> {
  const begin = text.search(/[{[]/);
  if (begin < 0) return {};
  try {
    const parsed: unknown = JSON.parse(text.slice(begin));
    const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isFields(body) && isFields(body['error']) ? body['error'] : {};
  } catch {
    return {};
  }
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
