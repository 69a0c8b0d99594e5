/** The contract of media stores, on every store there is, and on some that break it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RoomKitError, type MediaInfo, type MediaStore } from '../../src/core/index.js';
import { FileMediaStore } from '../../src/providers/media/index.js';
import { InMemoryMediaStore, mediaStoreContract, TestClock, type MediaStoreSetup, type OpenMediaStore } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { failures, withMethods } from './broken.js';

const MAX_BYTES = 65_536;

function inMemory(): MediaStoreSetup & { readonly store: InMemoryMediaStore } {
  const clock = new TestClock();
  return { store: new InMemoryMediaStore({ clock, maxBytes: MAX_BYTES }), maxBytes: MAX_BYTES, advance: (ms) => clock.advance(ms) };
}

async function inAFolder(): Promise<MediaStoreSetup> {
  const clock = new TestClock();
  const directory = await mkdtemp(join(tmpdir(), 'roomkit-media-'));
  return {
    store: new FileMediaStore({ directory, baseUrl: 'https://chat.example.com', clock, maxBytes: MAX_BYTES }),
    maxBytes: MAX_BYTES,
    advance: (ms) => clock.advance(ms),
    dispose: () => rm(directory, { recursive: true }),
  };
}

describe.each<readonly [string, OpenMediaStore]>([
  ['FileMediaStore', inAFolder],
  ['InMemoryMediaStore', inMemory],
])('the contract of media stores on %s', (_name, open) => {
  it.each(mediaStoreContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('MED-01', 'MED-02', ...one.rules);
    await one.run(open);
  });
});

/** A store in memory with something else in the place of its own. */
function broken(breakIt: (store: InMemoryMediaStore) => Partial<MediaStore>): OpenMediaStore {
  return () => {
    const setup = inMemory();
    return { ...setup, store: withMethods<MediaStore>(setup.store, breakIt(setup.store)) };
  };
}

describe('the contract of media stores', () => {
  it.each<readonly [string, string, OpenMediaStore]>([
    ['loses the last byte', 'gives back exactly', broken((store) => ({ open: async (id) => without(await store.open(id), 1) }))],
    [
      'says a wrong size',
      'gives back exactly',
      broken((store) => ({ put: async (data, info) => ({ ...(await store.put(data, info)), sizeBytes: 7 }) })),
    ],
    ['keeps the same bytes once', 'gives each medium', broken(keepsOnce)],
    [
      'gives an address that is none',
      'gives each medium',
      broken((store) => ({ put: async (data, info) => namedById(await store.put(data, info)) })),
    ],
    ['keeps the buffer of its caller', 'keeps what it was given', keepsBuffers],
    ['ends all reading with one', 'lets several read', broken(sharesOneReading)],
    [
      'gives nothing for what it does not have',
      'says media_not_found',
      broken((store) => ({ open: async (id) => (store.ids.includes(id) ? store.open(id) : itself(new Uint8Array())) })),
    ],
    ['deletes everything', 'deletes one medium', broken((store) => ({ delete: () => store.ids.forEach((id) => store.delete(id)) }))],
    ['deletes nothing', 'deletes one medium', broken(() => ({ delete: () => undefined, openLink: undefined }))],
    ['fails to delete what is not there', 'deletes one medium', broken((store) => ({ delete: (id) => assertHas(store, id) }))],
    ['keeps half a file', 'keeps nothing of a stream', broken(keepsHalf)],
    ['takes what is too large', 'refuses what is too large', broken((store) => ({ put: (data, info) => takesAll(store, data, info) }))],
    ['reads on when it is too much', 'refuses what is too large', broken((store) => ({ put: (data, info) => store.put(reading(data), info) }))],
    [
      'sweeps what is named',
      'sweeps what is not named',
      broken((store) => ({ sweep: (isNamed) => store.sweep(async (id, info) => !(await isNamed(id, info))) })),
    ],
    [
      'does not wait to be told',
      'sweeps what is not named',
      broken((store) => ({ sweep: (isNamed) => store.sweep((id, info) => Boolean(isNamed(id, info))) })),
    ],
    [
      'does not say what it sweeps',
      'sweeps what is not named',
      broken((store) => ({ sweep: (isNamed) => store.sweep((id, info) => isNamed(id, { ...info, keepUntil: '' })) })),
    ],
    ['does not count', 'sweeps what is not named', broken((store) => ({ sweep: async (isNamed) => (await store.sweep(isNamed)) * 0 }))],
    ['removes what it cannot ask about', 'keeps what it cannot ask about', broken(removesInDoubt)],
    [
      'does not take every name',
      'takes names of files',
      broken((store) => ({ put: (data, info) => (info.filename === '' ? refuse() : store.put(data, info)) })),
    ],
    ['opens by any link', 'opens by its own links', broken((store) => ({ openLink: async ({ id }) => store.openLink(partsOf(store.link(id))) }))],
    ['opens for ever', 'opens by its own links', broken((store) => ({ link: (id) => store.link(id, { seconds: 1e9 }) }))],
    ['goes on after it was closed', 'takes nothing once it is closed', broken(() => ({ close: () => undefined }))],
  ])('finds a store that %s', async (_what, finder, open) => {
    verifies('MED-01', 'MED-02');
    const found = mediaStoreContract.filter(({ name }) => name.startsWith(finder));
    expect(found).toHaveLength(1);
    expect(await failures(found, open)).toEqual([found[0]?.name]);
  });
});

async function* without(data: AsyncIterable<Uint8Array>, last: number): AsyncGenerator<Uint8Array, void> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  yield new Uint8Array(bytes.subarray(0, Math.max(0, bytes.byteLength - last)));
}

function namedById({ id, ...kept }: Awaited<ReturnType<MediaStore['put']>>): Awaited<ReturnType<MediaStore['put']>> {
  return { ...kept, id, url: `/media/${id}` };
}

function keepsOnce(store: InMemoryMediaStore): Partial<MediaStore> {
  let first: ReturnType<MediaStore['put']> | undefined;
  return { put: (data, info) => (first ??= store.put(data, info)) };
}

function keepsBuffers(): MediaStoreSetup {
  const setup = inMemory();
  const buffers = new Map<string, Uint8Array>();
  const put: MediaStore['put'] = async (data, info) => {
    const kept = await setup.store.put(data, info);
    if (data instanceof Uint8Array) buffers.set(kept.id, data);
    return kept;
  };
  const open: MediaStore['open'] = async (id) => {
    const buffer = buffers.get(id);
    return buffer === undefined ? setup.store.open(id) : itself(buffer);
  };
  return { ...setup, store: withMethods<MediaStore>(setup.store, { put, open }) };
}

async function* itself(buffer: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(buffer);
}

function sharesOneReading(store: InMemoryMediaStore): Partial<MediaStore> {
  const readings = new Map<string, ReturnType<MediaStore['open']>>();
  return {
    open: (id) => {
      const reading = readings.get(id) ?? store.open(id);
      readings.set(id, reading);
      return reading;
    },
  };
}

function keepsHalf(store: InMemoryMediaStore): Partial<MediaStore> {
  return {
    put: async (data, info) => {
      if (data instanceof Uint8Array) return store.put(data, info);
      const seen: Uint8Array[] = [];
      try {
        for await (const piece of data) seen.push(piece);
      } catch (error) {
        await store.put(Buffer.concat(seen), info);
        throw error;
      }
      return store.put(Buffer.concat(seen), info);
    },
  };
}

async function takesAll(store: InMemoryMediaStore, data: Uint8Array | AsyncIterable<Uint8Array>, info: MediaInfo): ReturnType<MediaStore['put']> {
  return store.put(data instanceof Uint8Array ? data.subarray(0, MAX_BYTES) : data, info);
}

/** Takes a hundred pieces more than it needs. */
async function* reading(data: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  if (data instanceof Uint8Array) return void (yield data);
  const ahead: Uint8Array[] = [];
  for await (const piece of data) {
    ahead.push(piece);
    if (ahead.length > 100) yield ahead.shift() ?? piece;
  }
  yield* ahead;
}

function removesInDoubt(store: InMemoryMediaStore): Partial<MediaStore> {
  return {
    sweep: async (isNamed) => {
      const failed: unknown[] = [];
      const removed = await store.sweep(async (id, info) => {
        try {
          return await isNamed(id, info);
        } catch (error) {
          failed.push(error);
          return false;
        }
      });
      if (failed.length > 0) throw failed[0];
      return removed;
    },
  };
}

function refuse(): Promise<never> {
  return Promise.reject(new RoomKitError('invalid', 'That is no name.'));
}

function assertHas(store: InMemoryMediaStore, id: string): void {
  if (!store.ids.includes(id)) throw new RoomKitError('media_not_found', 'There is none.');
  store.delete(id);
}

function partsOf(url: string): { id: string; expires: string; signature: string } {
  const { pathname, searchParams } = new URL(url);
  return { id: pathname.split('/').at(-1) ?? '', expires: searchParams.get('expires') ?? '', signature: searchParams.get('signature') ?? '' };
}
