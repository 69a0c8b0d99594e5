/**
 * The gate every request and every socket passes before anything is read or allocated for it: its origin, then who it is.
 * Everything that cannot be decided is refused.
 */
import { RoomKitError, type Clock, type Logger } from '../../core/index.js';
import { isPromise, type Awaitable } from '../../core/models/json.js';
import type { ServerLimits } from '../limits.js';
import { Refusal } from '../problem.js';
import { isForwarded, isLoopbackAddress, isLoopbackHost, limitKey, parseAddress, type TrustedProxies, type Peer } from './address.js';
import { tokenJudgeOf, type TokenJudge } from './api-keys.js';
import { bearerToken, refuseTokenInUrl, type Address, type HeaderReader } from './bearer.js';
import { looksLikeClientToken, type ClientTokens } from './client-tokens.js';
import type { FailedAttempts } from './failed-attempts.js';
import type { Origins, OriginVerdict } from './origins.js';
import { checkPrincipal, type Authenticate, type Principal } from './principal.js';

export interface GateParts {
  readonly authenticate: Authenticate | undefined;
  readonly clientTokens: ClientTokens | undefined;
  readonly origins: Origins;
  readonly proxies: TrustedProxies;
  readonly attempts: FailedAttempts;
  /** Whether somebody without credentials is admin: nobody, who comes from this machine, or anybody (AUTH-07). */
  readonly anonymous: 'nobody' | 'loopback' | 'anybody';
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A request as far as the gate looks at it. */
export interface Asked {
  readonly headers: HeaderReader;
  /** The request itself, for a host that authenticates by more than a key. */
  readonly toRequest: () => Request;
}

const ANONYMOUS: Principal = Object.freeze({ id: 'anonymous', kind: 'service', scopes: Object.freeze(['admin'] as const) });

export class Gate {
  readonly #judgeToken: TokenJudge | undefined;

  constructor(private readonly parts: GateParts) {
    this.#judgeToken = parts.authenticate && tokenJudgeOf(parts.authenticate);
  }

  /** Whether `toRequest` is never called: who asks is known by a token, or not at all. */
  get goesByToken(): boolean {
    return this.parts.authenticate === undefined || this.#judgeToken !== undefined;
  }

  /** Throws `forbidden` for a page that is neither the server's own nor listed, before authentication (AUTH-08). */
  judgeOrigin(request: Pick<Asked, 'headers'>, url: Address, peer: Peer | undefined): OriginVerdict {
    const { origins, proxies } = this.parts;
    const verdict = origins.judge(request.headers.get('origin'), url, proxies.protocol(peer, request.headers));
    if (verdict === 'refused')
      throw new Refusal('forbidden', "This page's origin may not use this server. The host can list it under serve(kit, { origins: […] }).");
    return verdict;
  }

  /** Who a request comes from. Throws `unauthenticated`, `rate_limited` or `auth_unavailable`. */
  async admit(request: Asked, url: Address, peer: Peer | undefined): Promise<Principal> {
    const principal = await this.#identify(request, url, peer);
    if (principal !== null) return principal;
    this.parts.attempts.note(this.#addressKey(request, peer));
    throw unauthenticated(this.parts.authenticate === undefined && this.parts.anonymous === 'loopback');
  }

  /**
   * Who opens a socket. Null when it has shown no credential and may still show a token or key in its first frame; browsers
   * cannot set headers there (WIRE-02).
   */
  async admitSocket(request: Request, url: Address, peer: Peer | undefined): Promise<Principal | null> {
    const principal = await this.#identify({ headers: request.headers, toRequest: () => request }, url, peer);
    if (principal !== null) return principal;
    const mayFollow = this.parts.clientTokens !== undefined || this.parts.authenticate !== undefined;
    if (mayFollow && !request.headers.has('authorization')) return null;
    this.parts.attempts.note(this.#addressKey(request, peer));
    throw unauthenticated(false);
  }

  /**
   * Who a token or key in a socket's frame stands for: a client token, or whatever `authenticate` takes in an Authorization
   * header. `url` is the socket's. Throws `unauthenticated`, `token_expired`, `rate_limited` or `auth_unavailable`.
   */
  async admitToken(token: string, addressKey: string, url: string): Promise<Principal> {
    this.#refuseGuessing(addressKey);
    const { clientTokens, authenticate } = this.parts;
    const isClientToken = looksLikeClientToken(token);
    const found = isClientToken ? await clientTokens?.verify(token) : null;
    if (found === 'expired') throw new Refusal('token_expired', 'The token has expired. Ask the host for a new one.');
    if (found !== null && found !== undefined) return found;
    if (authenticate !== undefined && !isClientToken && isHeaderValue(token)) {
      const known = await this.#ask(() => authenticate(new Request(url, { headers: { authorization: `Bearer ${token}` } })));
      if (known !== null) return known;
    }
    this.parts.attempts.note(addressKey);
    throw unauthenticated(false);
  }

  /** The address that limits count by. */
  addressKeyOf(request: Pick<Asked, 'headers'>, peer: Peer | undefined): string {
    return this.#addressKey(request, peer);
  }

  /** Whether a request comes from this machine and from nobody behind it. */
  isLocal(request: Pick<Asked, 'headers'>, peer: Peer | undefined): boolean {
    const address = this.parts.proxies.clientAddress(peer, request.headers);
    if (address === undefined || !isLoopbackAddress(address)) return false;
    return this.parts.proxies.includes(peer?.address) || !isForwarded(request.headers);
  }

  async #identify(request: Asked, url: Address, peer: Peer | undefined): Promise<Principal | null> {
    refuseTokenInUrl(url);
    // Mostly nobody has failed, and then nobody need be told apart.
    if (this.parts.attempts.size > 0) this.#refuseGuessing(this.#addressKey(request, peer));
    const { clientTokens, authenticate } = this.parts;
    const token = bearerToken(request.headers);
    if (clientTokens !== undefined && token !== undefined && looksLikeClientToken(token)) {
      const client = await clientTokens.verify(token);
      if (client === 'expired') throw new Refusal('token_expired', 'The token has expired. Ask the host for a new one.');
      return client;
    }
    if (authenticate !== undefined) {
      const judge = this.#judgeToken;
      const known = await this.#ask(() => (judge === undefined ? authenticate(request.toRequest()) : judge(token)));
      if (known !== null) return known;
    }
    return !request.headers.has('authorization') && this.#isAnonymousAdmin(request, url, peer) ? ANONYMOUS : null;
  }

  /** The host's own answer, within its time; whatever goes wrong is no entry (AUTH-01). */
  async #ask(authenticate: () => Awaitable<Principal | null>): Promise<Principal | null> {
    const { clock, limits, logger } = this.parts;
    try {
      const answer = authenticate();
      const principal = isPromise(answer) ? await within(clock, Promise.resolve(answer), limits.authenticateSeconds * 1000) : answer;
      return principal === null || principal === undefined ? null : checkPrincipal(principal, clock.now());
    } catch (error) {
      logger.error('authenticate failed; the request was refused.', { error });
      throw new Refusal('auth_unavailable', 'Nobody can be authenticated at the moment. Try again.', { cause: error, retryAfterSeconds: 5 });
    }
  }

  /**
   * Foreign pages and names that were made to point here stay out: the Host header must name what cannot be rebound, and on
   * loopback a page must be the server's own, since one that is listed was never shown who its user is.
   */
  #isAnonymousAdmin(request: Asked, url: Address, peer: Peer | undefined): boolean {
    const { anonymous, origins } = this.parts;
    if (anonymous === 'nobody') return false;
    const page = this.judgeOrigin(request, url, peer);
    if (page === 'none' && isOfForeignPage(request.headers)) return false;
    if (isLoopbackHost(url.hostname)) return anonymous === 'anybody' || (page !== 'listed' && this.isLocal(request, peer));
    return anonymous === 'anybody' && (parseAddress(url.hostname) !== undefined || origins.hasHost(url.hostname));
  }

  #refuseGuessing(addressKey: string): void {
    const waitSeconds = this.parts.attempts.waitSeconds(addressKey);
    if (waitSeconds > 0)
      throw new Refusal('rate_limited', 'Too many failed authentications from this address. Try again later.', { retryAfterSeconds: waitSeconds });
  }

  #addressKey(request: Pick<Asked, 'headers'>, peer: Peer | undefined): string {
    return limitKey(this.parts.proxies.clientAddress(peer, request.headers));
  }
}

/** Browsers say of every request where it comes from, also of those that carry no Origin: images, links, frames. */
function isOfForeignPage(headers: HeaderReader): boolean {
  const site = headers.get('sec-fetch-site');
  return site === 'cross-site' || site === 'same-site';
}

function unauthenticated(isLoopbackOnly: boolean): Refusal {
  return new Refusal(
    'unauthenticated',
    isLoopbackOnly
      ? 'Without authentication this server answers only its own pages and the programs of its own machine, by a loopback address. Configure serve(kit, { authenticate }) for everybody else, or give them client tokens.'
      : 'Send Authorization: Bearer with an API key or a client token that is valid.',
  );
}

/** What a header may hold: anything else would throw instead of being refused. */
function isHeaderValue(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

function within<T>(clock: Clock, promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(ms, () => reject(new RoomKitError('timeout', `authenticate did not answer within ${ms} ms.`)));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
