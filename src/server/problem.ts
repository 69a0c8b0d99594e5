/** What a refused request is answered with: problem+json, one shape for every error (AUTH-12). */
import { RoomKitError, type RoomKitErrorOptions } from '../core/index.js';

/** One wrong field of a request. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface RefusalOptions extends RoomKitErrorOptions {
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];
}

/** The server refuses a request, a frame or a socket. The message is for the developer and never holds a secret. */
export class Refusal extends RoomKitError {
  override readonly name = 'Refusal';
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];

  constructor(code: string, message: string, options: RefusalOptions = {}) {
    super(code, message, options);
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
    if (options.errors !== undefined) this.errors = options.errors;
  }
}

/** The body of every refusal (RFC 9457): `code` is for programs, `detail` says how to mend it. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly requestId: string;
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  invalid: 400,
  unauthenticated: 401,
  token_expired: 401,
  forbidden: 403,
  media_link_invalid: 403,
  channel_not_registered: 404,
  method_not_allowed: 405,
  body_timeout: 408,
  conflict: 409,
  room_closed: 409,
  media_link_expired: 410,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  not_supported: 501,
  missing_peer: 501,
  kit_closed: 503,
  not_ready: 503,
  auth_unavailable: 503,
  media_store_closed: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Nobody is authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'The request came too slowly',
  409: 'In conflict with what is there',
  410: 'Not available any more',
  413: 'Too large',
  415: 'Media type not supported',
  429: 'Too many requests',
  500: 'Internal error',
  501: 'Not available on this server',
  503: 'Not available now',
};

/** The status that a code stands for; 500 for every code that is not meant for callers. */
export function statusOf(code: string): number {
  const known = STATUS_BY_CODE[code];
  if (known !== undefined) return known;
  if (code.endsWith('_not_found')) return 404;
  return code.endsWith('_exists') ? 409 : 500;
}

/** What may be said of an error: nothing but `internal` when it was not meant for the caller. */
export function problemOf(error: unknown, requestId: string): Problem {
  const status = error instanceof RoomKitError ? statusOf(error.code) : 500;
  const title = TITLES[status] ?? 'Error';
  if (!(error instanceof RoomKitError) || status === 500) return { title, status, code: 'internal', requestId };
  const errors = error instanceof Refusal ? error.errors : undefined;
  return { title, status, code: error.code, detail: error.message, ...(errors !== undefined && { errors }), requestId };
}

/** Headers that go with a refusal. */
export function problemHeaders(error: unknown, problem: Problem): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'x-request-id': problem.requestId };
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
  const retryAfterSeconds = error instanceof Refusal ? error.retryAfterSeconds : undefined;
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  else if (problem.status === 429 || problem.status === 503) headers['retry-after'] = '1';
  return headers;
}

export function problemResponse(error: unknown, requestId: string): Response {
  const problem = problemOf(error, requestId);
  return new Response(JSON.stringify(problem), { status: problem.status, headers: problemHeaders(error, problem) });
}
