/** The server's routes over HTTP, with the client's token. What it refuses becomes an error with its code. */
import type { Credentials } from './credentials.js';
import { ClientError } from './errors.js';
import type { ClientFetch, ClientClock, ClientResponse } from './options.js';

/** What to ask a route. */
export interface ApiRequest {
  /** Default GET, with a body POST. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** What a refusal may hold (AUTH-12). */
interface Refused {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
}

const ANSWER_MS = 30_000;

export class Api {
  /** Gives up what was asked and not answered. */
  readonly #open = new Set<() => void>();

  constructor(
    private readonly url: string,
    private readonly credentials: Credentials,
    private readonly fetch: ClientFetch,
    private readonly clock: ClientClock,
  ) {}

  async request(path: string, request: ApiRequest = {}): Promise<unknown> {
    let response = await this.#ask(path, request, await this.credentials.current());
    // The token may have ended between two connections.
    if (response.status === 401 && this.credentials.isRenewable) response = await this.#ask(path, request, await this.credentials.renew());
    if (response.ok) return response.status === 204 ? undefined : response.json();
    const refused = (await response.json().catch(() => ({}))) as Refused;
    const { status } = response;
    const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
    throw new ClientError(
      refused.code ?? 'http_error',
      refused.detail ?? refused.title ?? `The server answered with ${status} to ${path.split('?')[0]}.`,
      { status, retryable: status >= 500 || status === 429, ...(retryAfter >= 0 && { retryAfterSeconds: retryAfter }) },
    );
  }

  /** Nobody waits for an answer any more. */
  close(): void {
    for (const giveUp of [...this.#open]) giveUp();
  }

  async #ask(path: string, { body, method }: ApiRequest, token: string | undefined): Promise<ClientResponse> {
    const controller = new AbortController();
    const giveUp = (): void => {
      timer.cancel();
      controller.abort();
    };
    const timer = this.clock.setTimer(ANSWER_MS, giveUp);
    this.#open.add(giveUp);
    try {
      return await this.fetch(this.url + path, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // Without a token the server may know the caller by a cookie.
        credentials: token === undefined ? 'include' : 'same-origin',
        signal: controller.signal,
      });
    } catch (error) {
      throw new ClientError('network', `The server at ${this.url} could not be asked.`, { retryable: true, cause: error });
    } finally {
      timer.cancel();
      this.#open.delete(giveUp);
    }
  }
}
