/** What the errors of AI SDK models mean. They are known by their fields: several copies of the SDK's classes may be about. */
import { AbortedError, ProviderError } from '../../core/errors.js';
import type { Deadline } from '../_shared/ai/deadline.js';
import { interrupted, isRetryableStatus, providerError } from '../_shared/ai/failure.js';
import { ReportedError } from './answer.js';

type Fields = Readonly<Record<string, unknown>>;

/** Of errors that come from no server. */
const CODES: Readonly<Record<string, string>> = {
  AI_LoadAPIKeyError: 'auth_error',
  AI_NoSuchModelError: 'model_not_found',
  AI_InvalidPromptError: 'invalid_request',
  AI_InvalidArgumentError: 'invalid_request',
  AI_UnsupportedFunctionalityError: 'invalid_request',
  AI_TypeValidationError: 'invalid_response',
  AI_JSONParseError: 'invalid_response',
  AI_InvalidResponseDataError: 'invalid_response',
  AI_EmptyResponseBodyError: 'invalid_response',
};
/** What a vendor reports in mid-stream has its own shape; what is not worth another try says so. */
const FOR_GOOD = /invalid|auth|permission|not_found|billing|unsupported/i;

export function failureOf(provider: string, error: unknown, deadline: Deadline, hasBegun: boolean): unknown {
  if (error instanceof ProviderError) return error;
  if (deadline.hasPassed) return providerError({ provider, code: 'timeout', retryable: true, cause: error });
  if (deadline.wasAborted) return new AbortedError('The request to the model was aborted.', { cause: error });
  if (error instanceof ReportedError) return reported(provider, error.reported);
  if (isCallError(error)) return callFailure(provider, error);
  const code = error instanceof Error ? CODES[error.name] : undefined;
  if (code !== undefined) return providerError({ provider, code, retryable: false, cause: error });
  if (error instanceof TypeError)
    return hasBegun ? interrupted(provider, error) : providerError({ provider, code: 'network_error', retryable: true, cause: error });
  return error;
}

function isCallError(error: unknown): error is Fields {
  return isFields(error) && (typeof error['isRetryable'] === 'boolean' || (typeof error['statusCode'] === 'number' && error instanceof Error));
}

function callFailure(provider: string, error: Fields): ProviderError {
  const { statusCode, responseHeaders, responseBody, message } = error;
  const status = typeof statusCode === 'number' ? statusCode : undefined;
  const retryable = error['isRetryable'] === true;
  return providerError({
    provider,
    status,
    message: `${String(message)} ${typeof responseBody === 'string' ? responseBody : ''}`,
    headers: headersOf(responseHeaders),
    cause: error,
    // No answer came, or one that the SDK could not read.
    ...(status === undefined && { code: retryable ? 'network_error' : 'provider_error', retryable }),
    ...(status !== undefined && status < 400 && { code: 'invalid_response', retryable: false }),
    // The SDK knows some vendors' own words better than their status.
    ...(status !== undefined && status >= 400 && retryable && !isRetryableStatus(status) && { retryable }),
  });
}

function reported(provider: string, error: unknown): ProviderError {
  if (isCallError(error)) return callFailure(provider, error);
  const type = isFields(error) ? (error['type'] ?? error['code'] ?? error['name']) : undefined;
  return providerError({
    provider,
    code: 'provider_error',
    type: typeof type === 'string' && /^[\w.-]{1,60}$/.test(type) ? type : undefined,
    retryable: typeof type !== 'string' || !FOR_GOOD.test(type),
    cause: error,
  });
}

function headersOf(given: unknown): Headers | undefined {
  if (!isFields(given)) return undefined;
  const headers = new Headers();
  for (const name of ['retry-after', 'retry-after-ms']) if (typeof given[name] === 'string') headers.set(name, given[name]);
  return headers;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
