/** Why a source failed: a code, and words that hold nothing of what the other side or a URL says (SRC-07). */
import { ProviderError } from '../../../core/errors.js';

export interface SourceFailure {
  /** As in `source.name`. */
  readonly source: string;
  readonly code: string;
  /** What happened, and what to look at. */
  readonly message: string;
  readonly statusCode?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** There is no cause: what lies beneath names addresses with their queries. */
export function sourceError({ source, code, message, statusCode, retryAfterSeconds }: SourceFailure): ProviderError {
  return new ProviderError(`Source '${source}' ${message}`, {
    provider: source,
    code,
    retryable: true,
    ...(statusCode !== undefined && { statusCode }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** The server answered, and not with a connection. */
export function statusError(source: string, status: number, retryAfterSeconds: number | undefined): ProviderError {
  const isRefused = status === 401 || status === 403;
  const code = isRefused ? 'auth_error' : status === 429 ? 'rate_limit' : `http_${status}`;
  const help = isRefused
    ? 'Check its headers, and the credentials in its url.'
    : status >= 300 && status < 400
      ? 'Redirects are not followed: they would carry credentials elsewhere. Give the address they lead to.'
      : 'Check its url.';
  return sourceError({ source, code, statusCode: status, retryAfterSeconds, message: `was answered with ${status}. ${help}` });
}

/** No connection came about. Only the system's own code is told: `ECONNREFUSED` and its like. */
export function unreachable(source: string, error: unknown): ProviderError {
  const code = systemCode(error);
  return sourceError({
    source,
    code: 'network_error',
    message: `cannot reach its server${code === undefined ? '' : ` (${code})`}. Check its address, and what lies between.`,
  });
}

function systemCode(error: unknown): string | undefined {
  for (let one = error; typeof one === 'object' && one !== null; one = 'cause' in one ? one.cause : undefined) {
    if ('code' in one && typeof one.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(one.code)) return one.code;
  }
  return undefined;
}

/** Seconds, or a date; of a header. */
export function retryAfterOf(header: string | null | undefined, now: number): number | undefined {
  if (header === null || header === undefined || header === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}
