/** What a server is made of, wired once from its options and shared by requests and sockets. */
import { ValidationError, type RoomKit } from '../core/index.js';
import type { OptionNames } from '../core/option-names.js';
import { Gate } from './auth/gate.js';
import { ClientTokens } from './auth/client-tokens.js';
import { FailedAttempts } from './auth/failed-attempts.js';
import { Origins } from './auth/origins.js';
import { TrustedProxies } from './auth/address.js';
import type { Authenticate } from './auth/principal.js';
import { serverLimits, type ServerLimits } from './limits.js';
import { RequestRates } from './request-rates.js';
import type { PageHandler } from './pages.js';
import { Webhooks } from './webhooks.js';

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
  /**
   * Under which address vendors and people reach this server, where a proxy or tunnel stands between: `https://help.example`.
   * Some vendors sign the address they call. Default: the address of the request.
   */
  readonly publicUrl?: string;
  /** Takes calls to webhooks that nobody signed. For closed networks and nothing else. */
  readonly insecureAllowUnsignedWebhooks?: boolean;
  /**
   * True: everybody without credentials is admin. For closed networks and nothing else. `'loopback'`: programs and pages of this
   * machine are, as they are where nothing is configured, also beside `clientTokens`, which several processes share: for development.
   */
  readonly insecureAllowAnonymous?: boolean | 'loopback';
  /** What callers may cost; what is not given keeps its default. */
  readonly limits?: Partial<ServerLimits>;
  /** Answers what is no route of the server: a page of the host's own. */
  readonly pages?: PageHandler;
  /**
   * Devices of emulated vendors (`deviceRoutes` of `roomkit/emulators`), which Studio shows beside the web chat: for development.
   * Only callers on this machine reach them.
   */
  readonly devices?: PageHandler;
  /** Abort it when the host shuts down: event streams and attached sockets end. */
  readonly closing?: AbortSignal;
}

/** For what is given by programs without types. */
export const HANDLER_OPTIONS: OptionNames<HandlerOptions> = {
  authenticate: true,
  clientTokens: true,
  origins: true,
  trustedProxies: true,
  publicUrl: true,
  insecureAllowUnsignedWebhooks: true,
  insecureAllowAnonymous: true,
  limits: true,
  pages: true,
  devices: true,
  closing: true,
};

export interface ServerParts {
  readonly kit: RoomKit;
  readonly gate: Gate;
  readonly clientTokens: ClientTokens | undefined;
  readonly limits: ServerLimits;
  readonly rates: RequestRates;
  readonly webhooks: Webhooks;
  readonly pages: PageHandler | undefined;
  readonly devices: PageHandler | undefined;
  /** Aborted when the server closes: event streams end. */
  readonly closing: AbortSignal;
}

/** `isLoopback`: only this machine reaches the server, so it may do without configured secrets (AUTH-05, AUTH-07). */
export function serverParts(kit: RoomKit, options: HandlerOptions, isLoopback: boolean, closing: AbortSignal): ServerParts {
  checkOptions(kit, options);
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
    anonymous: anonymousOf(options.insecureAllowAnonymous, isConfigured, isLoopback),
    limits,
    clock,
    logger,
  });
  const webhooks = new Webhooks(kit, { publicUrl: options.publicUrl, insecureAllowUnsigned: options.insecureAllowUnsignedWebhooks === true });
  webhooks.check();
  return {
    kit,
    gate,
    clientTokens,
    limits,
    rates: new RequestRates(limits, clock),
    webhooks,
    pages: options.pages,
    devices: options.devices,
    closing,
  };
}

function anonymousOf(allowed: boolean | 'loopback' | undefined, isConfigured: boolean, isLoopback: boolean): 'anybody' | 'loopback' | 'nobody' {
  if (allowed === true) return 'anybody';
  if (allowed === 'loopback' && isLoopback) return 'loopback';
  return isConfigured ? 'nobody' : 'loopback';
}

/** Options as programs without types may give them: each mistake is named before anything listens. */
function checkOptions(kit: unknown, options: { readonly [Name in keyof HandlerOptions]: unknown }): void {
  if (typeof kit !== 'object' || kit === null || !('processInbound' in kit)) throw wrong('The first argument', kit, 'the RoomKit to serve');
  const { authenticate, clientTokens, origins, trustedProxies, limits, pages, closing, publicUrl } = options;
  if (publicUrl !== undefined && !(typeof publicUrl === 'string' && /^https?:\/\/[^/?#]+[^?#]*$/i.test(publicUrl)))
    throw wrong('publicUrl', publicUrl, 'the address vendors call, such as https://help.example');
  if (authenticate !== undefined && typeof authenticate !== 'function')
    throw wrong('authenticate', authenticate, 'a function (request) => Principal | null');
  if (clientTokens !== undefined && !isSecrets(clientTokens)) throw wrong('clientTokens', clientTokens, '{ secrets: [ … ] } with strings or bytes');
  if (origins !== undefined && !isStrings(origins)) throw wrong('origins', origins, "a list such as ['https://app.example.com']");
  if (trustedProxies !== undefined && !isStrings(trustedProxies)) throw wrong('trustedProxies', trustedProxies, "a list such as ['10.0.0.0/8']");
  if (limits !== undefined && (typeof limits !== 'object' || limits === null))
    throw wrong('limits', limits, 'an object such as { maxBodyBytes: 65536 }');
  if (pages !== undefined && typeof pages !== 'function')
    throw wrong('pages', pages, 'a function (request) => Response, or for serve a { directory }');
  if (options.devices !== undefined && typeof options.devices !== 'function')
    throw wrong('devices', options.devices, 'what deviceRoutes of roomkit/emulators returns');
  if (closing !== undefined && !(closing instanceof AbortSignal)) throw wrong('closing', closing, "an AbortController's signal");
}

function isSecrets(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || !('secrets' in given) || !Array.isArray(given.secrets)) return false;
  return given.secrets.every((secret) => typeof secret === 'string' || secret instanceof Uint8Array);
}

function isStrings(given: unknown): boolean {
  return Array.isArray(given) && given.every((entry) => typeof entry === 'string');
}

/** The value itself may be a secret: only its kind is named. */
function wrong(name: string, given: unknown, expected: string): ValidationError {
  return new ValidationError(
    `${name} is ${given === null ? 'null' : Array.isArray(given) ? 'a list that does not fit' : `a ${typeof given}`}. Give ${expected}.`,
  );
}
