/** The keys by which Microsoft signs its calls, as its OpenID configuration names them. */
import type { JWK } from 'jose';
import type { HttpClient } from '../_shared/http/client.js';
import { fieldsOf, listOf, textOf } from '../_shared/http/reading.js';

/** A key, and the channels whose calls it may sign. */
export interface SigningKey {
  readonly jwk: JWK;
  readonly endorsements: readonly string[];
}

const KEPT_MS = 24 * 3_600_000;
/** Strangers make up key ids: Microsoft is not asked for each of them. */
const PAUSE_MS = 5 * 60_000;

/** Asks for the keys once a day, and for a key that it does not know, but not more often than every five minutes. */
export class SigningKeys {
  #keys: ReadonlyMap<string, SigningKey> = new Map();
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  constructor(
    private readonly http: HttpClient,
    private readonly openIdUrl: string,
  ) {}

  /** `now` is the time of the call, in milliseconds. Rejects when the keys cannot be read. */
  async find(kid: string, now: number): Promise<SigningKey | undefined> {
    if (Math.abs(now - this.#fetchedAt) >= KEPT_MS) {
      await this.#refresh(now);
      return this.#keys.get(kid);
    }
    const key = this.#keys.get(kid);
    if (key !== undefined || Math.abs(now - this.#fetchedAt) < PAUSE_MS) return key;
    await this.#refresh(now);
    return this.#keys.get(kid);
  }

  #refresh(now: number): Promise<void> {
    this.#fetching ??= this.#fetch(now).finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetch(now: number): Promise<void> {
    const keysUrl = textOf(fieldsOf(await this.#read(this.openIdUrl))['jwks_uri']);
    if (keysUrl === undefined) throw new Error('The OpenID configuration of the Bot Framework names no keys.');
    const keys = new Map<string, SigningKey>();
    for (const entry of listOf(fieldsOf(await this.#read(keysUrl))['keys'])) {
      const { kty, kid, n, e, endorsements } = fieldsOf(entry);
      if (kty !== 'RSA' || typeof kid !== 'string' || typeof n !== 'string' || typeof e !== 'string') continue;
      keys.set(kid, { jwk: { kty, n, e }, endorsements: listOf(endorsements).filter((name) => typeof name === 'string') });
    }
    this.#keys = keys;
    this.#fetchedAt = now;
  }

  async #read(url: string): Promise<unknown> {
    const outcome = await this.http.call({ method: 'GET', url, headers: { accept: 'application/json' } });
    if ('answer' in outcome && outcome.answer.status === 200) return outcome.answer.json;
    throw new Error('The keys of the Bot Framework could not be read.');
  }
}
