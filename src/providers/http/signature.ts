/** How what RoomKit posts is signed, and how a receiver finds out (providers §7). */
import type { Secret } from '../../core/telemetry/secret.js';
import { ValidationError } from '../../core/errors.js';
import { hmac, isFresh, isSame } from '../_shared/http/signature.js';

/** How strictly a signature is looked at. */
export interface RoomkitSignatureOptions {
  /** How far the signed time may be off. Default 300. */
  readonly toleranceSeconds?: number;
  /** Take calls without a signed time, too. Default false: anybody who has seen such a call can repeat it. */
  readonly takesUntimed?: boolean;
  /** The time it is, in milliseconds since 1970. Default: now. */
  readonly now?: number;
}

/** The headers of a request, as any framework has them. */
export type SignedHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Whether somebody who knows the secret has signed exactly these bytes, and lately. Give the body as it came, before it is
 * parsed. Throws ValidationError when there is no secret.
 * @example if (!verifyRoomkitSignature(rawBody, request.headers, secret)) return new Response(null, { status: 401 });
 */
export function verifyRoomkitSignature(
  rawBody: Uint8Array | string,
  headers: SignedHeaders,
  secret: string | Secret,
  options: RoomkitSignatureOptions = {},
): boolean {
  const key = typeof secret === 'string' ? secret : secret.reveal();
  if (key === '') throw new ValidationError('verifyRoomkitSignature has no secret. Give the one that the sender signs with.');
  const timestamp = headerOf(headers, 'x-roomkit-timestamp');
  const timed = headerOf(headers, 'x-roomkit-signature-v2');
  if (timed !== undefined || timestamp !== undefined) {
    // Whoever names a time has to have signed it: leaving the second signature out is no way around it.
    if (timestamp === undefined || !isFresh(timestamp, options.now ?? Date.now(), options.toleranceSeconds)) return false;
    return isSame(timed, hmac('sha256', key, signedBytes(timestamp, rawBody), 'hex'));
  }
  return options.takesUntimed === true && isSame(headerOf(headers, 'x-roomkit-signature'), hmac('sha256', key, rawBody, 'hex'));
}

/** The headers that sign a body now. */
export function signatureHeaders(body: string, secret: Secret, nowMs: number): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const key = secret.reveal();
  return {
    'x-roomkit-signature': hmac('sha256', key, body, 'hex'),
    'x-roomkit-timestamp': timestamp,
    'x-roomkit-signature-v2': hmac('sha256', key, signedBytes(timestamp, body), 'hex'),
  };
}

function signedBytes(timestamp: string, body: Uint8Array | string): Uint8Array {
  return Buffer.concat([Buffer.from(`${timestamp}.`), Buffer.from(body)]);
}

function headerOf(headers: SignedHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : found?.[0];
}
