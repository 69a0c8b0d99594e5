/** What a failed or finished delivery looks like in results, rows and events. */
import type { DeliverReceipt } from '../channel.js';
import { DeliveryError, ProviderError, RoomKitError } from '../errors.js';
import type { DeliveryFailure, DeliveryResult, ProviderResult, TryAgain } from '../models/delivery.js';

/** Code and message of a failed attempt. Messages of foreign errors stay out: they may hold addresses or secrets. */
export function failureOf(error: unknown): DeliveryFailure {
  if (error instanceof DeliveryError || error instanceof ProviderError) {
    return {
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
      ...again(providerResultOf(error)),
    };
  }
  if (error instanceof RoomKitError) return { code: error.code, message: error.message, retryable: error.retryable };
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  if (code === 'circuit_breaker_open' || code === 'not_ready') return { code, message: (error as Error).message, retryable: true };
  // An error nobody classified is most often the network: worth another attempt.
  return { code: 'failed', message: error instanceof Error ? error.name : 'unknown error', retryable: true };
}

/** Errors that say something of the recipient, not of the vendor, do not count for the breaker (RES-01). */
export function isCountable(failure: DeliveryFailure): boolean {
  return failure.retryable;
}

export function resultOf(channelId: string, receipt: DeliverReceipt | undefined, attempts: number): DeliveryResult {
  return {
    channelId,
    status: receipt?.skipped === true ? 'skipped' : 'sent',
    attempts: receipt?.skipped === true ? 0 : attempts,
    ...(receipt?.providerMessageId !== undefined && { providerMessageId: receipt.providerMessageId }),
    ...(receipt?.providerResult !== undefined && { providerResult: receipt.providerResult }),
  };
}

/** The vendor's answer inside a DeliveryError, when there is one. */
export function providerResultOf(error: unknown): ProviderResult | undefined {
  return error instanceof DeliveryError && error.result !== undefined ? (error.result as ProviderResult) : undefined;
}

/** When the vendor says that another attempt makes sense (OUT-17). */
export function again(said: TryAgain | undefined): TryAgain {
  if (said?.again === undefined) return {};
  return said.waitSeconds === undefined ? { again: said.again } : { again: said.again, waitSeconds: said.waitSeconds };
}
