/** API keys of programs: `Authorization: Bearer rk_ID_SECRET`; the server knows only the secret's hash (AUTH-04). */
import { ValidationError } from '../../core/index.js';
import { isPromise, type Awaitable } from '../../core/models/json.js';
import { bearerToken } from './bearer.js';
import { equalInConstantTime, sha256Hex, toBase64Url } from './bytes.js';
import type { Authenticate, Principal, Scope } from './principal.js';

/** A key as the server knows it: never the secret itself. */
export interface ApiKey {
  /** Letters, digits and hyphens; also the principal's id. */
  readonly id: string;
  /** SHA-256 of the secret, 64 hexadecimal digits; {@link createApiKey} makes one. */
  readonly hash: string;
  readonly organizationId?: string;
  readonly scopes: readonly Scope[];
}

/**
 * An `authenticate` that knows these keys; every key is a service principal. Throws ValidationError for an id or hash that
 * cannot be one.
 */
export function apiKeys(keys: readonly ApiKey[]): Authenticate {
  const byId = new Map<string, { readonly hash: string; readonly principal: Principal }>();
  for (const { id, hash, organizationId, scopes } of keys) {
    checkKeyId(id);
    if (byId.has(id)) throw new ValidationError(`Two API keys have the id '${id}'. Give each its own.`);
    if (!/^[0-9a-f]{64}$/i.test(hash))
      throw new ValidationError(`The hash of API key '${id}' is not a SHA-256 of 64 hexadecimal digits. createApiKey('${id}') makes one.`);
    const principal: Principal = Object.freeze({ id, kind: 'service', scopes: [...scopes], ...(organizationId !== undefined && { organizationId }) });
    byId.set(id, { hash: hash.toLowerCase(), principal });
  }
  // Nothing is remembered of a request: the secret of each is hashed anew.
  const judgeToken: TokenJudge = (token) => {
    const [, id, secret] = /^rk_([A-Za-z0-9-]+)_(.+)$/.exec(token ?? '') ?? [];
    if (id === undefined || secret === undefined) return null;
    const key = byId.get(id);
    const judge = (hash: string): Principal | null => {
      // An unknown id costs the same as a wrong secret.
      const isRight = equalInConstantTime(hash, key?.hash ?? NO_HASH);
      return key !== undefined && isRight ? key.principal : null;
    };
    const hash = sha256Hex(secret);
    return isPromise(hash) ? hash.then(judge) : judge(hash);
  };
  const authenticate: Authenticate = (request) => judgeToken(bearerToken(request.headers));
  tokenJudges.set(authenticate, judgeToken);
  return authenticate;
}

/** Says who a bearer token stands for. */
export type TokenJudge = (token: string | undefined) => Awaitable<Principal | null>;

const tokenJudges = new WeakMap<Authenticate, TokenJudge>();

/** What {@link apiKeys} goes by, so that no Request need be made for it; undefined for any other function. */
export function tokenJudgeOf(authenticate: Authenticate): TokenJudge | undefined {
  return tokenJudges.get(authenticate);
}

const NO_HASH = '0'.repeat(64);

/** A new key: `key` goes to the program that uses it and is shown once, `hash` to {@link apiKeys}. */
export async function createApiKey(id: string): Promise<{ key: string; hash: string }> {
  checkKeyId(id);
  const secret = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { key: `rk_${id}_${secret}`, hash: await sha256Hex(secret) };
}

function checkKeyId(id: string): void {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) throw new ValidationError(`API key id '${id}' cannot be used. Give 1 to 64 letters, digits and hyphens.`);
}
