/**
 * Media in a folder: each file has a random name, and a second file beside it that says what it is. A medium is there once its
 * second file is, and that one comes last and goes first; what a crash leaves half done is nothing, and the sweep clears it.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join, sep } from 'node:path';
import {
  RoomKitError,
  SystemClock,
  ValidationError,
  type Awaitable,
  type Clock,
  type KeptMedia,
  type MediaFetch,
  type MediaInfo,
  type MediaLink,
  type MediaStore,
  type StoredMedia,
} from '../../core/index.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { bareType } from '../_shared/content-type.js';
import { sanitizedFilename } from '../_shared/filename.js';
import { guardedFetch, type GuardedFetchOptions } from '../_shared/guarded-fetch.js';
import { LinkSigner } from './link-signer.js';
import { kept as keptSecret } from './secret-file.js';

/** Where the files are and how their links look. */
export interface FileMediaStoreOptions {
  /** Made when it is not there. Nothing else should live in it. */
  readonly directory: string;
  /** Where the server that serves the kit is reached from outside, such as `https://chat.example.com`. Links begin with it. */
  readonly baseUrl: string;
  /** Signs links: at least 32 bytes. Default: a random one that is kept in the folder. Give one where several servers share the folder. */
  readonly secret?: string | Uint8Array;
  /** How long the links in timelines open. Default: a year. */
  readonly linkSeconds?: number;
  /** Of one file. Default 25 MiB. */
  readonly maxBytes?: number;
  /** How media of others is fetched: options of {@link guardedFetch}, or a fetch of your own. */
  readonly fetch?: GuardedFetchOptions | MediaFetch;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<FileMediaStoreOptions> = {
  directory: true,
  baseUrl: true,
  secret: true,
  linkSeconds: true,
  maxBytes: true,
  fetch: true,
  clock: true,
};

const MAX_BYTES = 25 * 1024 * 1024;
const YEAR_SECONDS = 365 * 24 * 3600;
/** How old something half done has to be before the sweep takes it for left behind. */
const LEFT_BEHIND_MS = 3_600_000;
const ID = /^[0-9a-f]{32}$/;

/** Keeps media as files, with signed links that expire. Closed with its kit. */
export class FileMediaStore implements MediaStore {
  /** Fetches media of others, and this store's own links without going out. */
  readonly fetch: MediaFetch;
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #links: LinkSigner;
  #root: Promise<string> | undefined;
  #closed = false;

  constructor(options: FileMediaStoreOptions) {
    checkOptionNames('new FileMediaStore', options, NAMES);
    const { directory, secret, maxBytes = MAX_BYTES, linkSeconds = YEAR_SECONDS } = options;
    if (typeof directory !== 'string' || directory === '') throw new ValidationError("FileMediaStore needs { directory }, such as './media'.");
    for (const [name, value] of Object.entries({ maxBytes, linkSeconds })) {
      if (typeof value !== 'number' || !(value > 0)) throw new ValidationError(`Option ${name} is ${String(value)}. Give a number above 0.`);
    }
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#clock = options.clock ?? new SystemClock();
    this.#links = new LinkSigner({
      baseUrl: options.baseUrl,
      secret: secret === undefined ? () => this.#opened().then(keptSecret) : secret,
      seconds: linkSeconds,
      clock: this.#clock,
    });
    const { fetch = {} } = options;
    const outside = typeof fetch === 'function' ? fetch : guardedFetch({ maxBytes, clock: this.#clock, ...fetch });
    this.fetch = async (url, call) => {
      const own = this.#links.parse(url);
      if (own === undefined) return outside(url, call);
      const { data, info, sizeBytes } = await this.openLink(own);
      return {
        data,
        mimeType: info.mimeType,
        ...(info.filename !== undefined && { filename: info.filename }),
        ...(sizeBytes !== undefined && { sizeBytes }),
      };
    };
  }

  async put(data: Uint8Array | AsyncIterable<Uint8Array>, info: MediaInfo): Promise<KeptMedia> {
    const root = await this.#opened();
    const id = randomBytes(16).toString('hex');
    const place = this.#place(root, id);
    const half = { data: `${place.data}.part`, info: `${place.info}.part` };
    await mkdir(place.folder, { recursive: true, mode: 0o700 });
    try {
      const url = await this.#links.sign(id);
      const sizeBytes = await this.#write(half.data, data);
      await writeWhole(half.info, Buffer.from(JSON.stringify({ ...stored(info), sizeBytes })));
      await rename(half.data, place.data);
      await rename(half.info, place.info);
      return { id, url, sizeBytes };
    } catch (error) {
      await Promise.all([half.data, half.info, place.data].map((path) => rm(path, { force: true })));
      throw error;
    }
  }

  async open(id: string): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#read(id)).data;
  }

  async delete(id: string): Promise<void> {
    const root = await this.#opened();
    if (!ID.test(id)) return;
    const place = this.#place(root, id);
    await rm(place.info, { force: true });
    await rm(place.data, { force: true });
  }

  async sweep(isNamed: (id: string, info: MediaInfo) => Awaitable<boolean>): Promise<number> {
    const root = await this.#opened();
    let removed = 0;
    for (const folder of await readdir(root)) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      const names = new Set(await readdir(join(root, folder)));
      for (const name of names) {
        const id = name.replace(/\..*$/, '');
        if (!ID.test(id)) continue;
        const place = this.#place(root, id);
        if (name === `${id}.json`) {
          const info = await readInfo(place.info);
          // Gone meanwhile, or written by nobody: the next sweep sees it again.
          if (info === undefined || (await isNamed(id, infoOf(info)))) continue;
          await this.delete(id);
          removed++;
        } else if (!names.has(`${id}.json`) && (await isOlder(join(root, folder, name), this.#clock.now() - LEFT_BEHIND_MS))) {
          await rm(join(root, folder, name), { force: true });
        }
      }
    }
    return removed;
  }

  link(id: string, options: { readonly seconds?: number } = {}): Promise<string> {
    return this.#links.sign(id, options.seconds);
  }

  async openLink(link: MediaLink): Promise<StoredMedia> {
    const secondsLeft = await this.#links.check(link);
    return { ...(await this.#read(link.id)), secondsLeft };
  }

  close(): void {
    this.#closed = true;
  }

  /** The real path of the folder, made at first use. */
  #opened(): Promise<string> {
    if (this.#closed) return Promise.reject(new RoomKitError('media_store_closed', 'The media store is closed. Make a new FileMediaStore.'));
    return (this.#root ??= mkdir(this.#directory, { recursive: true, mode: 0o700 }).then(
      () => realpath(this.#directory),
      (error: unknown) => {
        this.#root = undefined;
        throw error;
      },
    ));
  }

  #place(root: string, id: string): { readonly folder: string; readonly data: string; readonly info: string } {
    const folder = join(root, id.slice(0, 2));
    return { folder, data: join(folder, `${id}.bin`), info: join(folder, `${id}.json`) };
  }

  async #read(id: string): Promise<{ data: AsyncIterable<Uint8Array>; info: MediaInfo; sizeBytes: number }> {
    const root = await this.#opened();
    const place = this.#place(root, ID.test(id) ? id : '');
    const info = ID.test(id) ? await readInfo(place.info) : undefined;
    if (info === undefined || !(await isInside(root, place.data)))
      throw new RoomKitError('media_not_found', 'There is no such media, or not any more.');
    return { data: pieces(place.data), info: infoOf(info), sizeBytes: info.sizeBytes };
  }

  /** Returns how many bytes there are. */
  async #write(path: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    const file = await open(path, 'wx', 0o600);
    let bytes = 0;
    try {
      for await (const piece of data instanceof Uint8Array ? [data] : data) {
        bytes += piece.byteLength;
        if (bytes > this.#maxBytes)
          throw new RoomKitError(
            'media_too_large',
            `The media is larger than ${this.#maxBytes} bytes. Raise maxBytes of the media store, or leave it a link.`,
          );
        await writeAll(file, piece);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return bytes;
  }
}

interface StoredInfo extends MediaInfo {
  readonly sizeBytes: number;
}

/** What is written: the fields of the contract, with a name that is fit to be one. */
function stored({ mimeType, filename, roomId, eventId, keepUntil }: MediaInfo): MediaInfo {
  const name = filename === undefined ? undefined : sanitizedFilename(filename);
  return {
    mimeType: bareType(mimeType) ?? 'application/octet-stream',
    ...(name !== undefined && { filename: name }),
    roomId,
    eventId,
    ...(keepUntil !== undefined && { keepUntil }),
  };
}

function infoOf({ sizeBytes: _sizeBytes, ...info }: StoredInfo): MediaInfo {
  return info;
}

/** Undefined when there is none, or none that this store has written. */
async function readInfo(path: string): Promise<StoredInfo | undefined> {
  try {
    const info = JSON.parse(await readFile(path, 'utf8')) as Partial<StoredInfo> | null;
    const isWhole = typeof info?.mimeType === 'string' && typeof info.roomId === 'string' && typeof info.eventId === 'string';
    return isWhole && typeof info.sizeBytes === 'number' ? (info as StoredInfo) : undefined; // its fields were looked at just now
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether the file is where its name says: a link that leads out of the folder is not followed. */
async function isInside(root: string, path: string): Promise<boolean> {
  try {
    return (await realpath(path)).startsWith(`${root}${sep}`);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function* pieces(path: string): AsyncGenerator<Uint8Array, void> {
  // Opened by the first read: who never reads holds no file.
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) yield piece;
}

async function isOlder(path: string, thanMs: number): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < thanMs;
  } catch {
    return false; // somebody else has cleared it
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await writeAll(file, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
