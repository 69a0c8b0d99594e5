/** Media in memory, for tests: with links that expire by the test's clock, and a fetch that is told what is where. */
import { isoTime, type Clock } from '../core/clock.js';
import { RoomKitError } from '../core/errors.js';
import type { FetchedMedia, KeptMedia, MediaFetchOptions, MediaInfo, MediaLink, MediaStore, StoredMedia } from '../core/media/media-store.js';
import type { Awaitable } from '../core/models/json.js';
import { TestClock } from './test-clock.js';

interface Entry {
  readonly bytes: Uint8Array;
  readonly info: MediaInfo;
}

/** What is found at an address: bytes with their type, or the error that comes in their place. */
export type MediaAtAddress = { readonly bytes: Uint8Array; readonly mimeType: string; readonly filename?: string } | Error;

/** How much it takes, and by which time its links expire. */
export interface InMemoryMediaStoreOptions {
  /** Default 25 MiB. */
  readonly maxBytes?: number;
  /** Default: a clock that stands still. */
  readonly clock?: Clock;
}

/** A media store for tests: everything in memory, and nothing is fetched but what `addresses` says. */
export class InMemoryMediaStore implements MediaStore {
  /** Url → what is there. Whatever is not listed is `media_unavailable`. */
  readonly addresses = new Map<string, MediaAtAddress>();
  /** Every address that was asked for, with what went along. */
  readonly fetched: { readonly url: string; readonly options: MediaFetchOptions }[] = [];
  /** Called before each answer of `fetch`; to make it wait. */
  onFetch: ((url: string) => void | Promise<void>) | undefined;
  closed = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #made = 0;

  constructor(options: InMemoryMediaStoreOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 25 * 1024 * 1024;
    this.#clock = options.clock ?? new TestClock();
  }

  /** The ids of all that is kept, in the order it came. */
  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** What is known of a medium. */
  info(id: string): MediaInfo | undefined {
    return this.#entries.get(id)?.info;
  }

  async put(data: Uint8Array | AsyncIterable<Uint8Array>, info: MediaInfo): Promise<KeptMedia> {
    this.#assertOpen();
    const bytes = await this.#collected(data);
    const id = `media-${++this.#made}`;
    this.#entries.set(id, { bytes, info: Object.freeze({ ...info }) });
    return { id, url: this.link(id, { seconds: 365 * 86_400 }), sizeBytes: bytes.byteLength };
  }

  async open(id: string): Promise<AsyncIterable<Uint8Array>> {
    this.#assertOpen();
    return pieces((await this.#entry(id)).bytes);
  }

  delete(id: string): void {
    this.#entries.delete(id);
  }

  async sweep(isNamed: (id: string, info: MediaInfo) => Awaitable<boolean>): Promise<number> {
    let removed = 0;
    for (const [id, { info }] of [...this.#entries]) {
      if (await isNamed(id, info)) continue;
      this.#entries.delete(id);
      removed++;
    }
    return removed;
  }

  link(id: string, options: { readonly seconds?: number } = {}): string {
    const expires = isoTime(this.#clock.now() + (options.seconds ?? 3600) * 1000);
    return `https://media.test/media/${id}?expires=${expires}&signature=${signature(id, expires)}`;
  }

  async openLink({ id, expires, signature: given }: MediaLink): Promise<StoredMedia> {
    if (given !== signature(id, expires)) throw new RoomKitError('media_link_invalid', 'The link is none of this store.');
    const secondsLeft = Math.floor((Date.parse(expires) - this.#clock.now()) / 1000);
    if (secondsLeft <= 0) throw new RoomKitError('media_link_expired', 'The link has expired.');
    const { bytes, info } = await this.#entry(id);
    return { data: pieces(bytes), info, sizeBytes: bytes.byteLength, secondsLeft };
  }

  /** Looks the address up in `addresses`. */
  async fetch(url: string, options: MediaFetchOptions = {}): Promise<FetchedMedia> {
    this.fetched.push({ url, options });
    await this.onFetch?.(url);
    options.signal?.throwIfAborted();
    const found = this.addresses.get(url);
    if (found === undefined) throw new RoomKitError('media_unavailable', 'There is nothing at this address.');
    if (found instanceof Error) throw found;
    const { bytes, ...rest } = found;
    return { ...rest, data: pieces(bytes), sizeBytes: bytes.byteLength };
  }

  close(): void {
    this.closed++;
  }

  #entry(id: string): Promise<Entry> {
    const entry = this.#entries.get(id);
    return entry === undefined ? Promise.reject(new RoomKitError('media_not_found', `There is no media '${id}'.`)) : Promise.resolve(entry);
  }

  #assertOpen(): void {
    if (this.closed > 0) throw new RoomKitError('media_store_closed', 'The media store is closed.');
  }

  async #collected(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const piece of data instanceof Uint8Array ? [data] : data) {
      length += piece.byteLength;
      if (length > this.#maxBytes) throw new RoomKitError('media_too_large', `The media is larger than ${this.#maxBytes} bytes.`);
      parts.push(piece.slice());
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.byteLength;
    }
    return bytes;
  }
}

/** Nothing that keeps anybody out: it tells a link that was changed from one that was not. */
function signature(id: string, expires: string): string {
  let sum = 7;
  for (const unit of `${id} ${expires}`) sum = (sum * 31 + (unit.codePointAt(0) ?? 0)) % 1_000_000_007;
  return String(sum);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += 16_384) yield await Promise.resolve(bytes.slice(at, at + 16_384));
}
