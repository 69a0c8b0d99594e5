/**
 * Client tokens: what a host gives one person's browser, good for a few rooms, one channel, one participant and a short
 * time (AUTH-05). They are stateless: `rkc1.PAYLOAD.MAC`, base64url JSON and its HMAC-SHA256.
 */
import { ValidationError, type Clock } from '../../core/index.js';
import { checkId } from '../../core/ids.js';
import { fromBase64Url, toBase64Url, utf8 } from './bytes.js';
import { expiry, type ClientPrincipal, type Scope } from './principal.js';

/** For whom a token is good, where, and for how long. */
export interface ClientTokenOptions {
  /** 1 to 50 room ids. */
  readonly rooms: readonly string[];
  /** The channel this person sees through and speaks on. */
  readonly channelId: string;
  /** Whom this person speaks as. */
  readonly participantId: string;
  /** The name its participant gets when it joins a room. */
  readonly displayName?: string;
  /** The organization of its rooms. */
  readonly organizationId?: string;
  /** Default read and write. */
  readonly scopes?: readonly ('read' | 'write')[];
  /** Default 900, at most 86400. */
  readonly ttlSeconds?: number;
}

/** A token and when it ends. Give it to one person's browser. */
export interface MintedToken {
  readonly token: string;
  /** ISO-8601. */
  readonly expiresAt: string;
}

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const PREFIX = 'rkc1';
const MIN_SECRET_BYTES = 32;
const MAX_ROOMS = 50;
const MAX_TTL_SECONDS = 86_400;
const MAX_TOKEN_LENGTH = 8000;

/** Makes and checks client tokens. `serve` has one; a host that authenticates elsewhere may use its own. */
export class ClientTokens {
  readonly #secrets: readonly Uint8Array<ArrayBuffer>[];
  readonly #clock: Pick<Clock, 'now'>;
  #keys: Promise<readonly Key[]> | undefined;

  /** The first secret signs, all verify: put a new one in front, and take the old one out once its tokens have ended. */
  constructor(options: { readonly secrets: readonly (string | Uint8Array)[] }, clock: Pick<Clock, 'now'>) {
    if (options.secrets.length === 0) throw new ValidationError('clientTokens.secrets is empty. Give at least one secret of 32 bytes or more.');
    this.#secrets = options.secrets.map((secret, position) => {
      const bytes = typeof secret === 'string' ? utf8(secret) : new Uint8Array(secret);
      if (bytes.length < MIN_SECRET_BYTES) {
        throw new ValidationError(`clientTokens.secrets[${position}] has ${bytes.length} bytes; give ${MIN_SECRET_BYTES} random bytes or more.`);
      }
      return bytes;
    });
    this.#clock = clock;
  }

  /** Tokens that end with this process: for a server that only its own machine reaches. */
  static withRandomSecret(clock: Pick<Clock, 'now'>): ClientTokens {
    return new ClientTokens({ secrets: [crypto.getRandomValues(new Uint8Array(32))] }, clock);
  }

  /** Throws ValidationError naming the option that cannot be. */
  async mint(options: ClientTokenOptions): Promise<MintedToken> {
    const payload = payloadOf(options, this.#clock.now());
    const signed = `${PREFIX}.${toBase64Url(utf8(JSON.stringify(payload)))}`;
    const [key] = await this.#importKeys();
    if (key === undefined) throw new ValidationError('clientTokens.secrets is empty.');
    const token = `${signed}.${toBase64Url(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(signed))))}`;
    if (token.length > MAX_TOKEN_LENGTH)
      throw new ValidationError(
        `The token would have ${token.length} characters; at most ${MAX_TOKEN_LENGTH} are taken. Name fewer rooms or shorter ids.`,
      );
    return { token, expiresAt: payload.expiresAt };
  }

  /** The client this token stands for; `expired` when it was one, null for everything else. */
  async verify(token: string): Promise<ClientPrincipal | 'expired' | null> {
    if (token.length > MAX_TOKEN_LENGTH) return null;
    const [prefix, payload, mac, more] = token.split('.');
    if (prefix !== PREFIX || payload === undefined || mac === undefined || more !== undefined) return null;
    const signature = fromBase64Url(mac);
    if (signature === undefined) return null;
    const signed = utf8(`${PREFIX}.${payload}`);
    let isOurs = false;
    // The comparison inside `verify` takes the same time wherever the signatures differ.
    for (const key of await this.#importKeys()) isOurs ||= await crypto.subtle.verify('HMAC', key, signature, signed);
    if (!isOurs) return null;
    const bytes = fromBase64Url(payload);
    if (bytes === undefined) return null;
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Payload; // signed by ourselves
    if (Date.parse(claims.expiresAt) <= this.#clock.now()) return 'expired';
    return { id: `${claims.channelId}/${claims.participantId}`, kind: 'client', ...claims };
  }

  #importKeys(): Promise<readonly Key[]> {
    return (this.#keys ??= Promise.all(
      this.#secrets.map((secret) => crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])),
    ));
  }
}

/** Whether this is meant to be a client token; says nothing about its worth. */
export function looksLikeClientToken(token: string): boolean {
  return token.startsWith(`${PREFIX}.`);
}

interface Payload {
  readonly rooms: readonly string[];
  readonly channelId: string;
  readonly participantId: string;
  readonly displayName?: string;
  readonly organizationId?: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: string;
}

function payloadOf(options: ClientTokenOptions, nowMs: number): Payload {
  const { rooms, channelId, participantId, displayName, organizationId, scopes = ['read', 'write'], ttlSeconds = 900 } = options;
  const roomIds: unknown = rooms;
  if (!isList(roomIds) || roomIds.length === 0 || roomIds.length > MAX_ROOMS)
    throw new ValidationError(`A client token names 1 to ${MAX_ROOMS} rooms in a list.`);
  for (const roomId of roomIds) checkId('Room id', roomId);
  checkId('Channel id', channelId);
  checkId('Participant id', participantId);
  if (displayName !== undefined) checkId('Display name', displayName);
  if (organizationId !== undefined) checkId('Organization id', organizationId);
  const asked: unknown = scopes;
  if (!isList(asked) || asked.length === 0 || asked.some((scope) => scope !== 'read' && scope !== 'write')) {
    throw new ValidationError("The scopes of a client token are 'read' and 'write', at least one of them.");
  }
  if (typeof ttlSeconds !== 'number' || !(ttlSeconds > 0 && ttlSeconds <= MAX_TTL_SECONDS))
    throw new ValidationError(`ttlSeconds is ${String(ttlSeconds)}. Give more than 0 and at most ${MAX_TTL_SECONDS}.`);
  return {
    rooms: [...rooms],
    channelId,
    participantId,
    ...(displayName !== undefined && { displayName }),
    ...(organizationId !== undefined && { organizationId }),
    scopes: [...scopes],
    expiresAt: expiry(nowMs, ttlSeconds),
  };
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
