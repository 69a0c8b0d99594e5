/** Meta's Graph API: one address, one token, and a proof that whoever has the token has the app's secret too. */
import { createHmac } from 'node:crypto';
import type { Secret } from '../../../core/telemetry/secret.js';
import type { HttpClient, HttpOutcome } from '../http/client.js';

/** The version of July 2026, which Meta keeps until July 2028 at least. */
export const GRAPH_VERSION = 'v26.0';
/** Where the Graph API listens. */
export const GRAPH_URL = 'https://graph.facebook.com';

/** Who calls, and where. */
export interface GraphAccess {
  readonly accessToken: Secret;
  readonly appSecret: Secret | undefined;
  readonly baseUrl: string;
  readonly apiVersion: string;
}

/** Calls the Graph API for one account. */
export class GraphClient {
  readonly #http: HttpClient;
  readonly #access: GraphAccess;

  constructor(http: HttpClient, access: GraphAccess) {
    this.#http = http;
    this.#access = access;
  }

  post(path: string, body: unknown, signal: AbortSignal | undefined): Promise<HttpOutcome> {
    return this.#call('POST', path, signal, JSON.stringify(body), { 'content-type': 'application/json' });
  }

  /** Sends a form with files; the platform writes its boundaries. */
  upload(path: string, form: FormData, signal: AbortSignal | undefined): Promise<HttpOutcome> {
    return this.#call('POST', path, signal, form);
  }

  get(path: string, signal: AbortSignal | undefined): Promise<HttpOutcome> {
    return this.#call('GET', path, signal);
  }

  /** What must show in no error. */
  get secrets(): readonly string[] {
    const { accessToken, appSecret } = this.#access;
    const proof = this.#proof();
    return [accessToken.reveal(), ...(appSecret === undefined ? [] : [appSecret.reveal()]), ...(proof === undefined ? [] : [proof])];
  }

  #call(
    method: string,
    path: string,
    signal: AbortSignal | undefined,
    body?: NonNullable<RequestInit['body']>,
    headers?: Record<string, string>,
  ): Promise<HttpOutcome> {
    const { baseUrl, apiVersion, accessToken } = this.#access;
    const proof = this.#proof();
    return this.#http.call({
      method,
      url: `${baseUrl}/${apiVersion}/${path}${proof === undefined ? '' : `?appsecret_proof=${proof}`}`,
      headers: { authorization: `Bearer ${accessToken.reveal()}`, ...headers },
      ...(body !== undefined && { body }),
      signal,
    });
  }

  /** @see https://developers.facebook.com/docs/graph-api/guides/secure-requests */
  #proof(): string | undefined {
    const { accessToken, appSecret } = this.#access;
    return appSecret === undefined ? undefined : createHmac('sha256', appSecret.reveal()).update(accessToken.reveal()).digest('hex');
  }
}
