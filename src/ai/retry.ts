/** What follows a failed generation (AI-09): another attempt, the fallback, or the end. */
import { retryDelayMs } from '../core/delivery/retry.js';
import { ProviderError } from '../core/errors.js';
import type { RetryPolicy } from '../core/models/delivery.js';

export interface RecoveryOptions {
  /** Absent: one attempt. */
  readonly retryPolicy: RetryPolicy | undefined;
  /** Whether another provider is left to try. */
  readonly hasFallback: boolean;
}

export type Recovery = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'fallback' } | { readonly kind: 'fail' };

/** `attempt` is 1 for the first. Only retryable provider errors are recovered from; the policy may narrow them by code. */
export function recoveryFrom(error: unknown, attempt: number, options: RecoveryOptions, random: () => number): Recovery {
  if (!(error instanceof ProviderError) || !error.retryable) return { kind: 'fail' };
  const { retryPolicy } = options;
  if (retryPolicy !== undefined && (retryPolicy.retryableErrors?.includes(error.code) ?? true)) {
    const delayMs = retryDelayMs(retryPolicy, attempt, error.retryAfterSeconds, random);
    if (delayMs !== null) return { kind: 'retry', delayMs };
  }
  return options.hasFallback ? { kind: 'fallback' } : { kind: 'fail' };
}
