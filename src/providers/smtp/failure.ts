/** What a server's refusal of a mail means (PV-12): 4xx passes, 5xx does not (RFC 5321, 4.2.1). */
import type { ProviderResult } from '../../core/models/delivery.js';
import { scrubbed, timeoutFailure } from '../_shared/http/failure.js';

/** Made of what nodemailer throws; anything else counts as a broken connection. */
export function smtpFailure(error: unknown, secrets: readonly string[]): ProviderResult {
  const fields = typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>) : {};
  const code = typeof fields['code'] === 'string' ? fields['code'] : '';
  const status = typeof fields['responseCode'] === 'number' ? fields['responseCode'] : undefined;
  const response = typeof fields['response'] === 'string' ? scrubbed(fields['response'], secrets) : undefined;
  const metadata = {
    ...(status !== undefined && { status }),
    ...(code !== '' && { reason: code }),
    ...(response !== undefined && { message: response }),
  };
  const passes = status !== undefined && status >= 400 && status < 500;
  if (code === 'EAUTH' || code === 'ENOAUTH' || code === 'EOAUTH2' || status === 530 || status === 535)
    return { success: false, error: 'auth_error', retryable: passes, metadata };
  if (status !== undefined) return { success: false, error: `smtp_${status}`, retryable: passes, metadata };
  if (code === 'ETIMEDOUT' || code === 'EABORT') return timeoutFailure();
  // The server is there and can never take this mail: an address or a mail of a wrong form.
  if (code === 'EENVELOPE' || code === 'EMESSAGE') return { success: false, error: 'invalid_request', retryable: false, metadata };
  return { success: false, error: 'network_error', retryable: true, metadata };
}
