/** When a failed delivery is tried again (OUT-05). */
import { ValidationError } from '../errors.js';
import type { DeliveryFailure, RetryPolicy } from '../models/delivery.js';

/** The policy of durable channels without one of their own: three retries, after 1, 2 and 4 seconds. */
export const DEFAULT_RETRY = {
  maxRetries: 3,
  baseDelaySeconds: 1,
  maxDelaySeconds: 60,
  exponentialBase: 2,
  jitter: 'none',
} as const satisfies RetryPolicy;

/** Refuses a policy whose delays could not be computed. `null` is one attempt. */
export function checkRetryPolicy(policy: RetryPolicy | null | undefined): void {
  if (policy === undefined || policy === null) return;
  if (typeof policy !== 'object') throw new ValidationError(`retryPolicy is ${typeof policy}. Give { maxRetries: 3 }, say, or null for one attempt.`);
  for (const name of ['maxRetries', 'baseDelaySeconds', 'maxDelaySeconds', 'exponentialBase'] as const) {
    const value: unknown = policy[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      throw new ValidationError(`retryPolicy.${name} is ${JSON.stringify(value)}. Give a number of 0 or more; default ${DEFAULT_RETRY[name]}.`);
    }
  }
}

/** Only retryable errors; an explicit list of codes narrows further. */
export function isRetryable(policy: RetryPolicy | null | undefined, failure: DeliveryFailure): boolean {
  if (!failure.retryable || policy === null) return false;
  return policy?.retryableErrors === undefined || policy.retryableErrors.includes(failure.code);
}

/**
 * Milliseconds until the next attempt after `attempt` (1 for the first) failed; null when there is none. `undefined` as
 * policy is the default one, `null` means one attempt.
 */
export function retryDelayMs(
  policy: RetryPolicy | null | undefined,
  attempt: number,
  retryAfterSeconds: number | undefined,
  random: () => number,
): number | null {
  if (policy === null) return null;
  const { maxRetries, baseDelaySeconds, maxDelaySeconds, exponentialBase, jitter } = { ...DEFAULT_RETRY, ...policy };
  if (attempt > maxRetries) return null;
  const full = Math.min(baseDelaySeconds * exponentialBase ** (attempt - 1), maxDelaySeconds);
  const seconds = jitter === 'full' ? full * random() : full;
  return Math.max(seconds, retryAfterSeconds ?? 0) * 1000;
}

/** Seconds of a Retry-After header: a number, or an HTTP date. */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === null || header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - nowMs) / 1000);
}
