/** What a server is made of, wired once from its options and shared by requests and sockets. */
import type { RoomKit } from '../core/index.js';
import { Gate } from './auth/gate.js';
import { ClientTokens } from './auth/client-tokens.js';
import { FailedAttempts } from './auth/failed-attempts.js';
import { Origins } from './auth/origins.js';
import { TrustedProxies } from './auth/address.js';
import type { Authenticate } from './auth/principal.js';
import { serverLimits, type ServerLimits } from './limits.js';
import { RequestRates } from './request-rates.js';
import type { PageHandler } from './pages.js';

/** Who may use the server, and how much. */
export interface HandlerOptions {
  /** Says who asks: {@link apiKeys}, or the host's own sessions. Null is refused, a throw is no entry (AUTH-01). */
  readonly authenticate?: Authenticate;
  /** Secrets of ≥ 32 bytes: the first signs, all verify (AUTH-05). */
  readonly clientTokens?: { readonly secrets: readonly (string | Uint8Array)[] };
  /** Pages of these origins may use the server besides its own; exact, no wildcard. */
  readonly origins?: readonly string[];
  /** Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies?: readonly string[];
  /** Everybody without credentials is admin. For closed networks and nothing else. */
  readonly insecureAllowAnonymous?: boolean;
  readonly limits?: Partial<ServerLimits>;
  /** Answers what is no route of the server: a page of the host's own. */
  readonly pages?: PageHandler;
}

export interface ServerParts {
  readonly kit: RoomKit;
  readonly gate: Gate;
  readonly clientTokens: ClientTokens | undefined;
  readonly limits: ServerLimits;
  readonly rates: RequestRates;
  readonly pages: PageHandler | undefined;
  /** Aborted when the server closes: event streams end. */
  readonly closing: AbortSignal;
}

/** `isLoopback`: only this machine reaches the server, so it may do without configured secrets (AUTH-05, AUTH-07). */
export function serverParts(kit: RoomKit, options: HandlerOptions, isLoopback: boolean, closing: AbortSignal): ServerParts {
  const limits = serverLimits(options.limits);
  const { clock, logger } = kit;
  const clientTokens =
    options.clientTokens !== undefined
      ? new ClientTokens(options.clientTokens, clock)
      : isLoopback
        ? ClientTokens.withRandomSecret(clock)
        : undefined;
  const isConfigured = options.authenticate !== undefined || options.clientTokens !== undefined;
  const gate = new Gate({
    authenticate: options.authenticate,
    clientTokens,
    origins: new Origins(options.origins ?? []),
    proxies: new TrustedProxies(options.trustedProxies ?? []),
    attempts: new FailedAttempts(limits.failedAuthenticationsPerMinute, clock),
    anonymous: options.insecureAllowAnonymous === true ? 'anybody' : isConfigured ? 'nobody' : 'loopback',
    limits,
    clock,
    logger,
  });
  return { kit, gate, clientTokens, limits, rates: new RequestRates(limits, clock), pages: options.pages, closing };
}
