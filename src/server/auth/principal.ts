/** Who asks, and what they may do (AUTH-02, AUTH-03). */
import { isoTime, RoomKitError, type Awaitable } from '../../core/index.js';
import { Refusal } from '../problem.js';

/** `read`; `write`: messages, typing, receipts; `operate`: rooms, bindings, permissions, deliveries; `admin`: all of it. */
export type Scope = 'read' | 'write' | 'operate' | 'admin';

/** Who asks: a program of the host, or one person on one channel. */
export interface Principal {
  /** Names the caller in limits; at most 255 characters. */
  readonly id: string;
  /** A `service` is a program of the host; a `client` is one person on one channel, for example in a browser. */
  readonly kind: 'service' | 'client';
  /** Everything of other organizations is answered as missing. */
  readonly organizationId?: string;
  readonly scopes: readonly Scope[];
  /** The only rooms there are for this caller; required for a client. */
  readonly rooms?: readonly string[];
  /** The channel a client sees through and speaks on. */
  readonly channelId?: string;
  /** Whom a client speaks as. */
  readonly participantId?: string;
  /** The name a client's participant gets when it joins a room. */
  readonly displayName?: string;
  /** ISO-8601; afterwards the caller is nobody. */
  readonly expiresAt?: string;
}

/** One person on one channel: what a client principal is known to be once it was checked. */
export interface ClientPrincipal extends Principal {
  readonly kind: 'client';
  readonly rooms: readonly string[];
  readonly channelId: string;
  readonly participantId: string;
}

/** Says who a request comes from; null when it cannot tell. Asked once per request and once per socket (AUTH-01). */
export type Authenticate = (request: Request) => Awaitable<Principal | null>;

const SCOPES: readonly string[] = ['read', 'write', 'operate', 'admin'];

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope) || principal.scopes.includes('admin');
}

/** Throws `forbidden` when the caller lacks a scope. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!hasScope(principal, scope)) throw new Refusal('forbidden', `This needs the scope '${scope}', which the caller does not have.`);
}

/** Throws `forbidden` for a client: what only a program of the host may ask for. */
export function requireService(principal: Principal, scope: Scope): void {
  if (principal.kind === 'client') throw new Refusal('forbidden', 'A client token does not reach this. Ask with a service principal of the host.');
  requireScope(principal, scope);
}

export function isClient(principal: Principal): principal is ClientPrincipal {
  return principal.kind === 'client';
}

/**
 * What the host's `authenticate` answered, made safe: a client keeps read and write only, and one that names no rooms,
 * channel and participant is an error, never an entry. Null when it has expired.
 */
export function checkPrincipal(given: Principal, nowMs: number): Principal | null {
  if (typeof given.id !== 'string' || given.id === '' || given.id.length > 255) throw invalid('id is not a string of 1 to 255 characters');
  if (given.kind !== 'service' && given.kind !== 'client') throw invalid("kind is neither 'service' nor 'client'");
  if (!isStrings(given.scopes) || !given.scopes.every((scope) => SCOPES.includes(scope)))
    throw invalid('scopes is not a list of read, write, operate, admin');
  if (given.rooms !== undefined && !isStrings(given.rooms)) throw invalid('rooms is not a list of room ids');
  if (given.expiresAt !== undefined) {
    const endsMs = Date.parse(given.expiresAt);
    if (Number.isNaN(endsMs)) throw invalid('expiresAt is no ISO-8601 time');
    if (endsMs <= nowMs) return null;
  }
  if (given.kind === 'service') return given;
  if (given.rooms === undefined || typeof given.channelId !== 'string' || typeof given.participantId !== 'string') {
    throw invalid('a client principal needs rooms, channelId and participantId');
  }
  return { ...given, scopes: given.scopes.filter((scope) => scope === 'read' || scope === 'write') };
}

/** ISO-8601 with milliseconds, from milliseconds since the epoch. */
export function expiry(nowMs: number, ttlSeconds: number): string {
  return isoTime(nowMs + Math.round(ttlSeconds * 1000));
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function invalid(what: string): RoomKitError {
  return new RoomKitError('invalid_principal', `The principal that authenticate() returned cannot be used: ${what}.`);
}
