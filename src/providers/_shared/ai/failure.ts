/** What a vendor's failure means to the kit (PV-12, AIP-06, AIP-10): a code, and whether it is worth another try. */
import { ProviderError } from '../../../core/errors.js';

/** What is known of a failed request. */
export interface VendorFailure {
  /** The provider's name, as in `source.provider`. */
  readonly provider: string;
  /** Of HTTP; absent when no answer came. */
  readonly status?: number | undefined;
  /** The vendor's word for the kind of failure. */
  readonly type?: string | undefined;
  /** The vendor's prose: read for what it says of the context's length, and never passed on. */
  readonly message?: string | undefined;
  readonly headers?: Headers | undefined;
  /** Of vendors that say it elsewhere than in a header. */
  readonly retryAfterSeconds?: number | undefined;
  /** Kept for the operator. */
  readonly cause: unknown;
  /** Where the status does not say it. */
  readonly code?: string | undefined;
  readonly retryable?: boolean | undefined;
  /** What to do about it, where the code does not say it. */
  readonly help?: string | undefined;
}

const RETRYABLE = new Set([408, 409, 425, 429]);
const OVERFLOW =
  /context[ _]length|context[ _]window|prompt is too long|maximum context|too many (input )?tokens|input (token count|is too long)|exceeds the maximum number of tokens/i;

/** Our error of it. Its message holds no word of the vendor's prose: that is in `cause`. */
export function providerError(failure: VendorFailure): ProviderError {
  const { provider, status, type, cause, help } = failure;
  const code = failure.code ?? codeOf(failure);
  const retryable = failure.retryable ?? (code !== 'context_overflow' && status !== undefined && isRetryableStatus(status));
  const retryAfterSeconds = failure.retryAfterSeconds ?? retryAfterOf(failure.headers);
  return new ProviderError(
    `${provider} ${status === undefined ? `failed: ${code}` : `answered ${status}`}${type === undefined ? '' : ` (${type})`}.${help === undefined ? (HELP[code] ?? '') : ` ${help}`}`,
    {
      provider,
      code,
      retryable,
      cause,
      ...(status !== undefined && { statusCode: status }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
  );
}

const HELP: Readonly<Record<string, string>> = {
  auth_error: ' Check the key, and whether it may use this model.',
  model_not_found: ' Check the id of the model and the base URL.',
  quota_exceeded: ' The account has no quota left; see what it is billed.',
  context_overflow: ' The conversation does not fit into the model; lower maxContextEvents or use BudgetAwareMemory.',
};

/** Whether a vendor's words say that the conversation does not fit into the model (AIP-06). */
export function isContextOverflow(words: string): boolean {
  return OVERFLOW.test(words);
}

/** 408, 409, 425, 429 and 5xx. */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status) || status >= 500;
}

function codeOf({ status, message, type }: VendorFailure): string {
  if (status === undefined) return 'network_error';
  if ((status === 400 || status === 413 || status === 422) && OVERFLOW.test(`${type ?? ''} ${message ?? ''}`)) return 'context_overflow';
  switch (status) {
    case 400:
    case 422:
      return 'invalid_request';
    case 401:
    case 403:
      return 'auth_error';
    case 404:
      return 'model_not_found';
    case 408:
    case 504:
      return 'timeout';
    case 429:
      return 'rate_limit';
    default:
      return `http_${status}`;
  }
}

/** Seconds, or the date when it ends; the vendors' millisecond header is finer. */
function retryAfterOf(headers: Headers | undefined): number | undefined {
  const milliseconds = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds / 1000;
  const given = headers?.get('retry-after');
  if (given === undefined || given === null || given === '') return undefined;
  const seconds = Number(given);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds : undefined;
  const until = Date.parse(given);
  if (Number.isNaN(until)) return undefined;
  // By the vendor's own clock, where it tells the time: ours may be another.
  const now = Date.parse(headers?.get('date') ?? '');
  return Math.max(0, (until - (Number.isNaN(now) ? Date.now() : now)) / 1000);
}

/** The answer ended before it said that it was at its end (AIP-03). What was yielded stays; it is not asked again. */
export function interrupted(provider: string, cause?: unknown): ProviderError {
  return new ProviderError('The answer broke off before its end.', { provider, code: 'stream_interrupted', retryable: true, cause });
}
