/** Why a vendor did not take a message, in the codes of providers §2, and whether another attempt may succeed (PV-12). */
import { parseRetryAfter } from '../../../core/delivery/retry.js';
import type { ProviderResult } from '../../../core/models/delivery.js';
import type { HttpAnswer } from './client.js';

/** What a vendor says of a refusal beside its status. */
export interface RefusalDetail {
  /** The code by which the vendor names it, such as `twilio_21610`. */
  readonly code?: string | undefined;
  /** The vendor's words; kept for the operator in `metadata.message`. */
  readonly message?: string | undefined;
  /** Where the vendor's own documentation decides it, against the status. */
  readonly retryable?: boolean | undefined;
  /** Where the vendor says it in its body. */
  readonly retryAfterSeconds?: number | undefined;
}

/** The result for an answer that is a refusal. `secrets` are taken out of the vendor's words. */
export function refusal(answer: Pick<HttpAnswer, 'status' | 'headers'>, detail: RefusalDetail = {}, secrets: readonly string[] = []): ProviderResult {
  const { status, headers } = answer;
  const retryAfterSeconds =
    detail.retryAfterSeconds ?? parseRetryAfter(headers.get('retry-after'), Date.parse(headers.get('date') ?? '') || Date.now());
  return {
    success: false,
    error: codeOf(status, detail.code),
    retryable: detail.retryable ?? isRetryableStatus(status),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    metadata: {
      status,
      ...(detail.code !== undefined && { code: detail.code }),
      ...(detail.message !== undefined && detail.message !== '' && { message: scrubbed(detail.message, secrets) }),
    },
  };
}

/** Nothing to send: no request is made (PV-04). */
export const EMPTY_MESSAGE: ProviderResult = Object.freeze({ success: false, error: 'empty_message', retryable: false });

/** Media that the vendor cannot take in this form (PV-05). */
export const MEDIA_NOT_SUPPORTED: ProviderResult = Object.freeze({ success: false, error: 'media_not_supported', retryable: false });

/** No whole answer came in time, or the caller gave up. */
export function timeoutFailure(): ProviderResult {
  return { success: false, error: 'timeout', retryable: true };
}

/** The vendor could not be reached. Of the platform's error only its code is kept: its words can hold the address. */
export function networkFailure(error: unknown): ProviderResult {
  const reason = networkCode(error);
  return { success: false, error: 'network_error', retryable: true, ...(reason !== undefined && { metadata: { reason } }) };
}

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function codeOf(status: number, code: string | undefined): string {
  if (status === 401 || status === 403) return 'auth_error';
  if (status === 429) return 'rate_limit';
  return code ?? (status === 400 ? 'invalid_request' : `http_${status}`);
}

/** `ECONNREFUSED` and the like, from wherever the platform has put it. */
function networkCode(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 3) return undefined;
  if ('code' in error && typeof error.code === 'string' && /^[A-Z0-9_]+$/.test(error.code)) return error.code;
  return 'cause' in error ? networkCode(error.cause, depth + 1) : undefined;
}

const MAX_WORDS = 500;

/** A vendor may repeat what it was sent. */
export function scrubbed(words: string, secrets: readonly string[]): string {
  let clean = words;
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '***');
  return clean.slice(0, MAX_WORDS);
}
