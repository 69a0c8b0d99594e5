/** What an error of baileys is to a delivery (PV-12). Its words are left where they are: they hold addresses and messages. */
import { ProviderError } from '../../../core/errors.js';
import { statusOf } from './read-events.js';

const CLOSED: readonly number[] = [401, 428, 440, 515];

export function sendFailure(provider: string, error: unknown): ProviderError {
  const statusCode = statusOf(error);
  const code = codeOf(statusCode);
  return new ProviderError(`WhatsApp did not take what it was sent (${code}).`, {
    provider,
    code,
    retryable: statusCode === undefined || statusCode >= 500 || statusCode === 408 || statusCode === 429 || CLOSED.includes(statusCode),
    ...(statusCode !== undefined && { statusCode }),
  });
}

function codeOf(statusCode: number | undefined): string {
  if (statusCode === undefined) return 'provider_error';
  if (CLOSED.includes(statusCode)) return 'not_connected';
  if (statusCode === 408) return 'timeout';
  return statusCode === 429 ? 'rate_limit' : `whatsapp_${statusCode}`;
}
