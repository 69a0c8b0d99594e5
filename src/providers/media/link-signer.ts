/** Links of a media store: who has one may fetch this file, and no other, until it expires. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { RoomKitError, ValidationError, type Clock, type MediaLink } from '../../core/index.js';

export interface LinkSignerOptions {
  readonly baseUrl: string;
  /** At least 32 bytes; a function is asked once, at first use. */
  readonly secret: string | Uint8Array | (() => Promise<Uint8Array>);
  /** How long a link opens unless told otherwise. */
  readonly seconds: number;
  readonly clock: Clock;
}

const MIN_SECRET_BYTES = 32;

export class LinkSigner {
  readonly #base: string;
  readonly #seconds: number;
  readonly #clock: Clock;
  readonly #readSecret: () => Promise<Uint8Array>;
  #secret: Promise<Uint8Array> | undefined;

  constructor({ baseUrl, secret, seconds, clock }: LinkSignerOptions) {
    this.#base = baseOf(baseUrl);
    this.#seconds = seconds;
    this.#clock = clock;
    if (typeof secret !== 'function' && Buffer.byteLength(secret) < MIN_SECRET_BYTES)
      throw new ValidationError(`The secret of a media store has fewer than ${MIN_SECRET_BYTES} bytes. Make one with: openssl rand -base64 32`);
    this.#readSecret = typeof secret === 'function' ? secret : () => Promise.resolve(Buffer.from(secret));
  }

  async sign(id: string, seconds = this.#seconds): Promise<string> {
    const expires = String(Math.floor(this.#clock.now() / 1000) + Math.ceil(seconds));
    return `${this.#base}/media/${id}?expires=${expires}&signature=${await this.#signature(id, expires)}`;
  }

  /** Returns how many seconds are left. Rejects with `media_link_invalid` or `media_link_expired`. */
  async check({ id, expires, signature }: MediaLink): Promise<number> {
    const wanted = Buffer.from(await this.#signature(id, expires));
    const given = Buffer.from(signature);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new RoomKitError('media_link_invalid', 'The link to this media is not one that was given out.');
    const secondsLeft = Number(expires) - this.#clock.now() / 1000;
    // What was signed is a number; this says so to whoever changes that.
    if (!(secondsLeft > 0))
      throw new RoomKitError('media_link_expired', 'The link to this media has expired. Read the event again, or ask for a new link.');
    return Math.floor(secondsLeft);
  }

  /** The parts of a link that begins as this signer's do. */
  parse(url: string): MediaLink | undefined {
    if (!url.startsWith(`${this.#base}/media/`)) return undefined;
    const [id = '', query = ''] = url.slice(this.#base.length + '/media/'.length).split('?');
    const values = new URLSearchParams(query);
    return { id, expires: values.get('expires') ?? '', signature: values.get('signature') ?? '' };
  }

  async #signature(id: string, expires: string): Promise<string> {
    const secret = await (this.#secret ??= this.#readSecret().catch((error: unknown) => {
      this.#secret = undefined;
      throw error;
    }));
    return createHmac('sha256', secret).update(`media\n${id}\n${expires}`).digest('base64url');
  }
}

function baseOf(given: string | undefined): string {
  let url: URL | undefined;
  try {
    url = new URL(given ?? '');
  } catch {
    url = undefined;
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new ValidationError(
      `baseUrl is ${given === undefined ? 'missing' : `'${given}'`}. Give the address at which the server is reached, such as 'https://chat.example.com'.`,
    );
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
