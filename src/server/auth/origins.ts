/** Which pages may talk to the server: its own and those the host names (AUTH-08). */
import { ValidationError } from '../../core/index.js';
import type { Address } from './bearer.js';

/** Why a request with this Origin may pass; `refused` otherwise. */
export type OriginVerdict = 'none' | 'own' | 'listed' | 'refused';

export class Origins {
  readonly #listed: ReadonlySet<string>;

  /** Throws ValidationError for a wildcard, a path or anything else that is not exactly one origin. */
  constructor(listed: readonly string[]) {
    for (const origin of listed) {
      if (parseOrigin(origin) === undefined)
        throw new ValidationError(`origins names '${origin}'. Write each exactly, such as 'https://app.example.com'; there is no wildcard.`);
    }
    this.#listed = new Set(listed);
  }

  /** `url` is the request's, as its Host header names it; `protocol` what a trusted proxy says the browser used. */
  judge(origin: string | null, url: Address, protocol: string = url.protocol): OriginVerdict {
    if (origin === null) return 'none';
    if (origin === `${protocol}//${url.host}`) return 'own';
    return this.#listed.has(origin) ? 'listed' : 'refused';
  }

  /** Whether a listed origin has this host name: a name that the host itself has vouched for. */
  hasHost(hostname: string): boolean {
    for (const origin of this.#listed) if (parseOrigin(origin)?.hostname === hostname) return true;
    return false;
  }
}

function parseOrigin(origin: string): URL | undefined {
  try {
    const url = new URL(origin);
    return url.origin === origin && origin !== 'null' && !origin.includes('*') ? url : undefined;
  } catch {
    return undefined;
  }
}
