/** Error bodies of Google's APIs: `{ error: { code, message, status, details } }`. */
import { Refusal } from '../problem.js';
import type { ScriptedFailure } from '../script.js';

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};
const MESSAGES: Readonly<Record<number, string>> = {
  429: 'You exceeded your current quota, please check your plan and billing details.',
  500: 'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  503: 'The model is overloaded. Please try again later.',
  504: 'The request timed out. Please try again.',
};

export interface ErrorBody {
  readonly error: { readonly code: number; readonly message: string; readonly status: string; readonly details?: readonly unknown[] };
}

/** Refuses with details of its own. */
export class DetailedRefusal extends Refusal {
  constructor(
    status: number,
    message: string,
    readonly details: readonly unknown[],
  ) {
    super(status, STATUSES[status] ?? 'UNKNOWN', message);
  }
}

export function invalid(message: string): Refusal {
  return new Refusal(400, 'INVALID_ARGUMENT', message);
}

/** A name that the message of the protocol does not have. */
export function unknownName(name: string, where: string, why = 'Cannot find field.'): Refusal {
  const description = `Invalid JSON payload received. Unknown name "${name}"${where === '' ? '' : ` at '${where}'`}: ${why}`;
  return new DetailedRefusal(400, description, [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ ...(where !== '' && { field: where }), description }] },
  ]);
}

export function wrongKey(): Refusal {
  const message = 'API key not valid. Please pass a valid API key.';
  return new DetailedRefusal(400, message, [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
    { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message },
  ]);
}

export function refusalBody(refusal: Refusal): ErrorBody {
  const details = refusal instanceof DetailedRefusal ? { details: refusal.details } : {};
  return { error: { code: refusal.status, message: refusal.message, status: refusal.type, ...details } };
}

/** How long to wait is told in the body, and in no header. */
export function failureBody({ status, type, message, retryAfterSeconds }: ScriptedFailure): ErrorBody {
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterSeconds ?? 0}s` };
  return {
    error: {
      code: status,
      message: message ?? MESSAGES[status] ?? 'Error',
      status: type ?? STATUSES[status] ?? 'UNKNOWN',
      ...(retryAfterSeconds !== undefined && {
        details: [{ '@type': 'type.googleapis.com/google.rpc.Help', links: [{ description: 'Learn more about Gemini API quotas' }] }, retry],
      }),
    },
  };
}
