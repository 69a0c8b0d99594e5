/** Where credentials travel: in the Authorization header and nowhere else (AUTH-06). */
import { Refusal } from '../problem.js';

const MAX_TOKEN_LENGTH = 8192;

/** What is asked of the headers of a request, whatever carries them. */
export type HeaderReader = Pick<Headers, 'get' | 'has'>;

/** What is asked of the address of a request; a URL is one. */
export type Address = Pick<URL, 'protocol' | 'host' | 'hostname' | 'pathname' | 'search' | 'searchParams'>;

/** The token of `Authorization: Bearer …`; undefined when there is none or it cannot be one. */
export function bearerToken(headers: Pick<HeaderReader, 'get'>): string | undefined {
  const header = headers.get('authorization');
  if (header === null || header.length > MAX_TOKEN_LENGTH + 7) return undefined;
  return /^bearer +([\x21-\x7e]+)$/i.exec(header)?.[1];
}

const TOKEN_NAMES = new Set(['token', 'access_token', 'authorization', 'api_key', 'apikey', 'key']);

/** Refuses an address that carries a credential: addresses end up in logs and histories. It is not repeated in the error. */
export function refuseTokenInUrl(url: Address): void {
  if (holdsCredential(url.pathname)) throw tokenInUrl();
  if (url.search === '') return;
  for (const [name, value] of url.searchParams) if (TOKEN_NAMES.has(name.toLowerCase()) || holdsCredential(value)) throw tokenInUrl();
}

/** Whether a text holds a client token or an API key, and so must not be repeated. */
export function holdsCredential(text: string): boolean {
  return /(?<![A-Za-z0-9])(?:rkc1\.|rk_[A-Za-z0-9-]{1,64}_)[A-Za-z0-9]/.test(text);
}

function tokenInUrl(): Refusal {
  return new Refusal(
    'invalid',
    'A credential does not belong in an address. Send it in the Authorization header, or in the first frame of a socket.',
  );
}
