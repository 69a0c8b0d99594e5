/**
 * The token with which the bot calls the connector, by the OAuth 2.0 client credentials flow of Microsoft Entra.
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
import { randomUUID } from 'node:crypto';
import type { ProviderResult } from '../../core/models/delivery.js';
import { loadPeer } from '../_shared/peer.js';
import type { HttpClient } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, numberOf, textOf } from '../_shared/http/reading.js';
import type { TeamsBot, TeamsCredential } from './config.js';

/** A token, or why there is none. */
export type TokenOutcome = { readonly token: string } | { readonly failure: ProviderResult };

/** A token is not used in its last five minutes. */
const MARGIN_SECONDS = 300;
const ASSERTION_SECONDS = 300;

/** One token for all messages, renewed before it ends; never more than one request for it at a time. */
export class Tokens {
  #kept: { readonly token: string; readonly until: number } | undefined;
  #asking: Promise<TokenOutcome> | undefined;

  constructor(
    private readonly http: HttpClient,
    private readonly bot: Pick<TeamsBot, 'appId' | 'credential' | 'tokenUrl' | 'scope'>,
  ) {}

  get(): Promise<TokenOutcome> {
    if (this.#kept !== undefined && Date.now() < this.#kept.until) return Promise.resolve({ token: this.#kept.token });
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** The connector does not take this token any more: the next one is a new one. */
  forget(token: string): void {
    if (this.#kept?.token === token) this.#kept = undefined;
  }

  async #ask(): Promise<TokenOutcome> {
    const { appId, credential, tokenUrl, scope } = this.bot;
    const proof = await proofOf(credential, appId, tokenUrl);
    const outcome = await this.http.call({
      method: 'POST',
      url: tokenUrl,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: appId, scope, ...proof }).toString(),
    });
    if ('failure' in outcome) return { failure: outcome.failure };
    const { status, json } = outcome.answer;
    const { access_token: given, expires_in: seconds, error, error_description: said } = fieldsOf(json);
    const token = textOf(given);
    if (status === 200 && token !== undefined) {
      const lifetime = numberOf(seconds) ?? 0;
      this.#kept = { token, until: Date.now() + (lifetime - Math.min(MARGIN_SECONDS, lifetime / 2)) * 1000 };
      return { token };
    }
    const code = /AADSTS\d+/.exec(textOf(said) ?? '')?.[0] ?? textOf(error);
    const secrets = [...Object.values(proof), ...('password' in credential ? [credential.password.reveal()] : [])];
    const result = refusal(outcome.answer, { code, message: textOf(said) }, secrets);
    // Entra answers a wrong id or secret with 400 as well as with 401: neither passes by itself.
    return { failure: result.retryable === true ? result : { ...result, error: 'auth_error', retryable: false } };
  }
}

async function proofOf(credential: TeamsCredential, appId: string, audience: string): Promise<Record<string, string>> {
  if ('password' in credential) return { client_secret: credential.password.reveal() };
  const { importPKCS8, SignJWT } = await loadPeer('BotFrameworkTeamsProvider', 'jose', () => import('jose'));
  const { thumbprint } = credential;
  const isSha256 = thumbprint.length === 64;
  const alg = isSha256 ? 'PS256' : 'RS256';
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg, typ: 'JWT', [isSha256 ? 'x5t#S256' : 'x5t']: Buffer.from(thumbprint, 'hex').toString('base64url') })
    .setIssuer(appId)
    .setSubject(appId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setNotBefore('0s')
    .setIssuedAt()
    .setExpirationTime(`${ASSERTION_SECONDS}s`)
    .sign(await importPKCS8(credential.privateKey.reveal(), alg));
  return { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion };
}
