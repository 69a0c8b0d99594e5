/**
 * The one fetch for addresses that somebody else named (PV-14): media of messages first of all. It goes to public addresses
 * only and connects to the very address it has checked; it follows few redirects, looks at each of them again, takes so much
 * and no more, and gives credentials to the vendor's own hosts alone.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import {
  RoomKitError,
  SystemClock,
  ValidationError,
  type Clock,
  type FetchedMedia,
  type MediaFetch,
  type MediaFetchOptions,
} from '../../core/index.js';
import { abortReason } from '../../core/clock.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { bareType, isSameKind, settledType, SNIFF_BYTES } from './content-type.js';
import { filenameOf } from './filename.js';
import { checkedAddresses, hostOf, nameOfUrl, type AddressGuard, type ResolvedAddress } from './guarded-address.js';

/** How far a guarded fetch goes. */
export interface GuardedFetchOptions extends AddressGuard {
  /** After decompression. Default 25 MiB. */
  readonly maxBytes?: number;
  /** For all of it, to the last byte. Default 10. */
  readonly timeoutSeconds?: number;
  /** Default 3. */
  readonly maxRedirects?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<GuardedFetchOptions> = {
  allowPrivate: true,
  lookup: true,
  maxBytes: true,
  timeoutSeconds: true,
  maxRedirects: true,
  clock: true,
};

const DEFAULTS = { maxBytes: 25 * 1024 * 1024, timeoutSeconds: 10, maxRedirects: 3 };

const USER_AGENT = 'roomkit';

/**
 * A fetch that can be given any address. It rejects with `media_url_refused`, `media_unavailable`, `media_timeout`,
 * `media_too_large` or `media_type_mismatch`; while the body is read, so does `data`. Messages name the host and no more.
 * @example const fetchMedia = guardedFetch({ maxBytes: 5 * 1024 * 1024 });
 */
export function guardedFetch(options: GuardedFetchOptions = {}): MediaFetch {
  checkOptionNames('guardedFetch', options, NAMES);
  const limits = { ...DEFAULTS, ...withoutUndefined(options) };
  for (const name of ['maxBytes', 'timeoutSeconds', 'maxRedirects'] as const) {
    const least = name === 'maxRedirects' ? 0 : Number.MIN_VALUE;
    if (typeof limits[name] !== 'number' || !(limits[name] >= least))
      throw new ValidationError(
        `Option ${name} is ${String(limits[name])}. Give a number ${least === 0 ? 'of 0 or more' : 'above 0'}; default ${DEFAULTS[name]}.`,
      );
  }
  const clock = options.clock ?? new SystemClock();
  return (url, call = {}) => fetchGuarded(url, call, options, limits, clock);
}

type Limits = typeof DEFAULTS;

async function fetchGuarded(address: string, call: MediaFetchOptions, guard: AddressGuard, limits: Limits, clock: Clock): Promise<FetchedMedia> {
  let url = parsed(address);
  const within = new Within(nameOfUrl(url), limits.timeoutSeconds, clock, call.signal);
  try {
    let mayKnow = true;
    for (let redirects = 0; ; redirects++) {
      const addresses = await within.wait(checkedAddresses(url, guard));
      const answer = await within.wait(ask(url, addresses, mayKnow ? headersFor(url, call, guard) : {}, within));
      const location = redirectOf(answer);
      if (location === undefined) return await received(url, answer, call, limits, within);
      answer.destroy();
      if (redirects >= limits.maxRedirects)
        throw new RoomKitError('media_unavailable', `${within.name} was redirected more than ${limits.maxRedirects} times.`);
      const next = parsed(location, url);
      // Whoever was sent elsewhere knows no secret there, nor when it is sent back.
      if (next.origin !== url.origin) mayKnow = false;
      url = next;
    }
  } catch (error) {
    within.end();
    throw error;
  }
}

function parsed(address: string, base?: URL): URL {
  try {
    return new URL(address, base);
  } catch {
    throw new RoomKitError('media_url_refused', 'An address of media is no URL. Give one that begins with https://.');
  }
}

/** A vendor's credentials, to its own hosts, and not in the clear. */
function headersFor(url: URL, { credentials }: MediaFetchOptions, guard: AddressGuard): Readonly<Record<string, string>> {
  if (credentials === undefined || (url.protocol !== 'https:' && guard.allowPrivate !== true)) return {};
  return credentials.hosts.some((host) => host.toLowerCase() === url.hostname || host.toLowerCase() === url.host) ? credentials.headers : {};
}

/** One request, over a connection of its own to one of these addresses. */
function ask(url: URL, addresses: readonly ResolvedAddress[], headers: Readonly<Record<string, string>>, within: Within): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method: 'GET',
      protocol: url.protocol,
      host: hostOf(url),
      port: url.port === '' ? undefined : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: { 'user-agent': USER_AGENT, accept: '*/*', ...headers, host: url.host },
      // No pool: a connection that somebody else has opened was checked by nobody.
      agent: false,
      lookup: pinned(addresses),
    };
    const sent = url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
    within.onEnd = (reason) => sent.destroy(reason);
    sent.once('response', resolve);
    sent.on('error', (error) => reject(within.failure(error)));
    sent.end();
  });
}

/** The name is not looked up again: between a check and a connection it could come to mean another machine. */
function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 0);
  };
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
}

async function received(url: URL, answer: IncomingMessage, call: MediaFetchOptions, limits: Limits, within: Within): Promise<FetchedMedia> {
  const { statusCode = 0, headers } = answer;
  if (statusCode !== 200) {
    answer.destroy();
    const retryable = statusCode === 408 || statusCode === 425 || statusCode === 429 || statusCode >= 500;
    throw new RoomKitError('media_unavailable', `${within.name} answered with status ${statusCode}.`, { retryable });
  }
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  const isPlain = encoding === undefined || encoding === '' || encoding === 'identity';
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (length !== undefined && length > limits.maxBytes) {
    answer.destroy();
    throw tooLarge(within.name, limits.maxBytes);
  }
  const body = decoded(answer, isPlain ? undefined : encoding, within);
  const pieces = counted(body, answer, limits.maxBytes, within);
  const { head, rest } = await begun(pieces);
  const mimeType = settledType(headers['content-type'], head);
  if (mimeType === undefined || !isSameKind(call.mimeType, mimeType)) {
    await rest.return?.();
    const said = bareType(mimeType === undefined ? headers['content-type'] : call.mimeType) ?? 'unknown';
    throw new RoomKitError('media_type_mismatch', `${within.name} was said to be ${said} and is something else. It was not taken.`);
  }
  const filename = filenameOf(headers['content-disposition']) ?? filenameOf(undefined, url);
  return {
    data: { [Symbol.asyncIterator]: () => rest },
    mimeType,
    ...(filename !== undefined && { filename }),
    ...(isPlain && length !== undefined && Number.isSafeInteger(length) && { sizeBytes: length }),
  };
}

function decoded(answer: IncomingMessage, encoding: string | undefined, within: Within): Readable {
  if (encoding === undefined) return answer;
  const decoder = DECODERS[encoding]?.();
  if (decoder === undefined) {
    answer.destroy();
    throw new RoomKitError('media_unavailable', `${within.name} is encoded in a way that is not understood.`);
  }
  answer.on('error', (error) => decoder.destroy(error));
  // An answer that breaks off says 'aborted' and 'close', and a decoder that waits for more would wait for ever.
  answer.once('close', () => {
    if (!answer.complete) decoder.destroy(new Error('The answer broke off.'));
  });
  return answer.pipe(decoder);
}

const DECODERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Counts what comes out, so that little bytes that grow to many are stopped as well. Owns the connection to its end. */
async function* counted(body: Readable, answer: IncomingMessage, maxBytes: number, within: Within): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  within.onEnd = (reason) => {
    body.destroy(reason);
    answer.destroy(reason);
  };
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge(within.name, maxBytes);
      yield chunk;
    }
    if (!answer.complete) throw new Error('The answer broke off.');
  } catch (error) {
    throw within.failure(error);
  } finally {
    within.end();
    body.destroy();
    answer.destroy();
  }
}

/** The first bytes, and everything from the first on. */
async function begun(pieces: AsyncGenerator<Uint8Array, void>): Promise<{ head: Uint8Array; rest: AsyncGenerator<Uint8Array, void> }> {
  const first: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < SNIFF_BYTES) {
    const { done, value } = await pieces.next();
    if (done === true) break;
    first.push(value);
    bytes += value.byteLength;
  }
  return { head: Buffer.concat(first).subarray(0, SNIFF_BYTES), rest: joined(first, pieces) };
}

function joined(first: readonly Uint8Array[], pieces: AsyncGenerator<Uint8Array, void>): AsyncGenerator<Uint8Array, void> {
  const waiting = [...first];
  const iterator: AsyncGenerator<Uint8Array, void> = {
    next: () => {
      const value = waiting.shift();
      return value === undefined ? pieces.next() : Promise.resolve({ done: false, value });
    },
    // A generator that was not begun would not run its `finally`; this one was.
    return: () => pieces.return(),
    throw: (error: unknown) => pieces.throw(error),
    [Symbol.asyncIterator]: () => iterator,
    [Symbol.asyncDispose]: async () => void (await pieces.return()),
  };
  return iterator;
}

function tooLarge(name: string, maxBytes: number): RoomKitError {
  return new RoomKitError('media_too_large', `${name} is larger than ${maxBytes} bytes. Raise maxBytes, or leave it a link.`);
}

/** The time of one fetch, and why it ended early. */
class Within {
  /** Breaks off what runs. */
  onEnd: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;
  #reject: ((reason: Error) => void) | undefined;
  readonly #timer;

  constructor(
    readonly name: string,
    seconds: number,
    clock: Clock,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#timer = clock.setTimer(seconds * 1000, () =>
      this.#breakOff(new RoomKitError('media_timeout', `${name} did not come within ${seconds} seconds.`, { retryable: true })),
    );
    if (signal?.aborted === true) this.#breakOff(abortReason(signal));
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The step's outcome, or why all of it is over. */
  async wait<T>(step: Promise<T>): Promise<T> {
    if (this.#reason !== undefined) {
      step.catch(() => undefined); // nobody waits for it any more
      throw this.#reason;
    }
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      step.then(resolve, reject);
    });
  }

  /** What is told of a connection that broke: never more than the host. */
  failure(error: unknown): Error {
    if (this.#reason !== undefined) return this.#reason;
    if (error instanceof RoomKitError) return error;
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return new RoomKitError('media_unavailable', `${this.name} could not be read to its end${code}.`, { retryable: true, cause: error });
  }

  end(): void {
    this.#timer.cancel();
    this.signal?.removeEventListener('abort', this.#onAbort);
    this.onEnd = undefined;
  }

  readonly #onAbort = (): void => this.#breakOff(abortReason(this.signal));

  #breakOff(reason: Error): void {
    this.#reason = reason;
    this.#reject?.(reason);
    this.onEnd?.(reason);
  }
}

function withoutUndefined(options: GuardedFetchOptions): GuardedFetchOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
