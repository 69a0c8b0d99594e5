/** The token of a client: a given one, or fetched anew whenever one is needed. */
import { asClientError, ClientError } from './errors.js';
import type { RoomKitClientOptions } from './options.js';

export class Credentials {
  #newest: string | undefined;
  #asking: Promise<string | undefined> | undefined;

  constructor(private readonly given: RoomKitClientOptions['token']) {
    if (typeof given === 'string') this.#newest = given;
  }

  /** Whether another token may be had. */
  get isRenewable(): boolean {
    return typeof this.given === 'function';
  }

  /** A new token; a given one as it is, undefined when the server knows the caller otherwise. Throws `token_failed`. */
  renew(): Promise<string | undefined> {
    if (typeof this.given !== 'function') return Promise.resolve(this.given);
    // Who asks while somebody asks gets the same.
    return (this.#asking ??= this.#ask(this.given).finally(() => (this.#asking = undefined)));
  }

  /** The newest token there is. */
  async current(): Promise<string | undefined> {
    return this.#newest ?? this.renew();
  }

  async #ask(ask: () => string | Promise<string>): Promise<string> {
    try {
      const token: unknown = await ask();
      if (typeof token !== 'string' || token === '')
        throw new ClientError(
          'token_failed',
          `The token function gave ${token === null ? 'null' : `a ${typeof token}`}. Return the token as a string.`,
          { retryable: true },
        );
      return (this.#newest = token);
    } catch (error) {
      throw asClientError(error, 'token_failed', 'The token function failed');
    }
  }
}
