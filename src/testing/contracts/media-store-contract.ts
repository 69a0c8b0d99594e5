/** The contract of what keeps the bytes of media (behaviour §14.1). */
import assert from 'node:assert/strict';
import type { MediaInfo, MediaLink, MediaStore } from '../../core/media/media-store.js';
import type { Awaitable } from '../../core/models/json.js';
import { refused, type ContractCase } from './contract.js';

/** An empty store, and what else there is to look at. The suite closes it. */
export interface MediaStoreSetup {
  readonly store: MediaStore;
  /** The largest file it takes: at least 64 KiB, and not so much that the suite takes long. */
  readonly maxBytes: number;
  /** Lets the store's time pass; for stores with `openLink`. */
  readonly advance?: (ms: number) => Awaitable<void>;
  /** Cleans up after the suite has closed the store. */
  readonly dispose?: () => Awaitable<void>;
}

/** Gives a new, empty store each time it is called. */
export type OpenMediaStore = () => Awaitable<MediaStoreSetup>;
/** One promise of media stores. */
export type MediaStoreCase = ContractCase<OpenMediaStore>;

const INFO: MediaInfo = { mimeType: 'image/png', filename: 'cat.png', roomId: 'room-1', eventId: 'event-1' };

/**
 * What every MediaStore promises, as cases that any test runner can run on a store of yours.
 * @example
 * import { mediaStoreContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * describe('MyMediaStore', () => {
 *   for (const c of mediaStoreContract) it(c.name, () => c.run(() => ({ store: new MyMediaStore(), maxBytes: 65_536 })));
 * });
 */
export const mediaStoreContract: readonly MediaStoreCase[] = mediaStoreCases([
  {
    name: 'gives back exactly the bytes it was given, whole or in pieces, none or many',
    rules: ['MED-01'],
    test: async ({ store, maxBytes }) => {
      for (const length of [0, 1, 10_000, maxBytes]) {
        const bytes = noise(length);
        const kept = await store.put(bytes, INFO);
        same(await collected(await store.open(kept.id)), bytes, `${length} bytes at once`);
        const streamed = await store.put(inPieces(bytes, 1000), INFO);
        same(await collected(await store.open(streamed.id)), bytes, `${length} bytes in pieces`);
        if (kept.sizeBytes !== undefined) assert.equal(kept.sizeBytes, length, 'it says how many they are');
      }
    },
  },
  {
    name: 'gives each medium an id of its own, and an address',
    rules: ['MED-01'],
    test: async ({ store }) => {
      const kept = [await store.put(noise(10), INFO), await store.put(noise(10), INFO), await store.put(noise(10), { ...INFO, eventId: 'event-2' })];
      assert.equal(new Set(kept.map(({ id }) => id)).size, 3);
      assert.equal(new Set(kept.map(({ url }) => url)).size, 3);
      for (const { url } of kept) assert.match(url, /^https?:\/\/\S+$/);
    },
  },
  {
    name: 'keeps what it was given, whatever becomes of the buffer afterwards',
    rules: ['MED-01'],
    test: async ({ store }) => {
      const buffer = noise(100);
      const before = buffer.slice();
      const { id } = await store.put(buffer, INFO);
      buffer.fill(0);
      const first = await collected(await store.open(id));
      same(first, before);
      first.fill(1);
      for await (const piece of await store.open(id)) piece.fill(2);
      same(await collected(await store.open(id)), before, 'what was given out is the reader’s');
    },
  },
  {
    name: 'lets several read at once, and one of them leave early',
    rules: ['MED-01'],
    test: async ({ store, maxBytes }) => {
      const bytes = noise(maxBytes);
      const { id } = await store.put(bytes, INFO);
      const [one, two, three] = [await store.open(id), await store.open(id), await store.open(id)];
      for await (const piece of three) {
        assert.ok(piece.byteLength > 0);
        break;
      }
      for (const read of await Promise.all([collected(one), collected(two)])) same(read, bytes, 'each of them reads all of it');
    },
  },
  {
    name: 'says media_not_found of what it does not have',
    rules: ['MED-02'],
    test: async ({ store }) => {
      const { id } = await store.put(noise(10), INFO);
      for (const unknown of ['', 'unknown', `${id}x`, '../secret', '..', '/etc/passwd', `${id}/../${id}`, `${id}\0`, 'é', '__proto__'])
        await refused(async () => collected(await store.open(unknown)), 'media_not_found');
    },
  },
  {
    name: 'deletes one medium and no other, and knows no error for what is not there',
    rules: ['MED-02'],
    test: async ({ store }) => {
      const [one, two] = [await store.put(noise(10), INFO), await store.put(noise(20), INFO)];
      await store.delete(one.id);
      await store.delete(one.id);
      for (const unknown of ['', 'unknown', '../secret', `${two.id}/../${two.id}`]) await store.delete(unknown);
      await refused(async () => collected(await store.open(one.id)), 'media_not_found');
      same(await collected(await store.open(two.id)), noise(20));
    },
  },
  {
    name: 'keeps nothing of a stream that breaks off, and passes its error on',
    rules: ['MED-01'],
    test: async ({ store }) => {
      await assert.rejects(store.put(breaking(noise(5000)), INFO), /the connection broke/);
      assert.deepEqual(await listed(store), [], 'half a file is no file');
    },
  },
  {
    name: 'refuses what is too large, at the first byte too many, and keeps nothing of it',
    rules: ['MED-01'],
    test: async ({ store, maxBytes }) => {
      await refused(() => store.put(noise(maxBytes + 1), INFO), 'media_too_large');
      const endless = new Endless();
      await refused(() => store.put(endless, INFO), 'media_too_large');
      assert.ok(endless.given <= maxBytes + 2 * ENDLESS_PIECE, 'it does not read on');
      assert.equal(endless.ended, true, 'the stream is told that nobody reads on');
      assert.deepEqual(await listed(store), []);
    },
  },
  {
    name: 'sweeps what is not named, tells of each what it is, and counts',
    rules: ['MED-02'],
    test: async ({ store }) => {
      const infos: MediaInfo[] = [
        INFO,
        { mimeType: 'audio/ogg', roomId: 'room ü/..', eventId: 'event-2', keepUntil: '2030-01-01T00:00:00.000Z' },
        { mimeType: 'application/pdf', filename: 'bill.pdf', roomId: 'room-3', eventId: 'event-3' },
      ];
      const kept = await Promise.all(infos.map((info) => store.put(noise(10), info)));
      const asked = new Map<string, MediaInfo>();
      const removed = await store.sweep(async (id, info) => {
        asked.set(id, info);
        return Promise.resolve(info.eventId !== 'event-2');
      });
      assert.equal(removed, 1);
      assert.deepEqual(
        kept.map(({ id }) => asked.get(id)),
        infos,
      );
      assert.equal(asked.size, 3);
      await refused(async () => collected(await store.open(kept[1]?.id ?? '')), 'media_not_found');
      assert.deepEqual(await listed(store), [kept[0]?.id, kept[2]?.id].sort());
      assert.equal(await store.sweep(() => true), 0);
    },
  },
  {
    name: 'keeps what it cannot ask about',
    rules: ['MED-02'],
    test: async ({ store }) => {
      const { id } = await store.put(noise(10), INFO);
      await assert.rejects(
        store.sweep(() => Promise.reject(new Error('the store is away'))),
        /the store is away/,
      );
      same(await collected(await store.open(id)), noise(10));
    },
  },
  {
    name: 'takes names of files as strangers write them',
    rules: ['MED-01'],
    test: async ({ store }) => {
      for (const filename of [
        '../../etc/passwd',
        'a/b\\c.png',
        '',
        '.',
        '\0',
        'x'.repeat(5000),
        '"; attachment',
        'è\u202Egnp.exe',
        'con',
        '\ud800',
      ]) {
        const { id } = await store.put(noise(10), { ...INFO, filename });
        same(await collected(await store.open(id)), noise(10), `under the name ${JSON.stringify(filename.slice(0, 30))}`);
      }
      assert.equal((await listed(store)).length, 10);
    },
  },
  {
    name: 'opens by its own links only, until they expire',
    rules: ['PV-05'],
    test: async ({ store, advance }) => {
      if (store.openLink === undefined) return;
      assert.ok(store.link, 'a store that opens links makes some');
      assert.ok(advance, 'links are tried over time: give `advance`');
      const [one, two] = [await store.put(noise(10), INFO), await store.put(noise(20), { ...INFO, mimeType: 'audio/ogg' })];
      const own = partsOf(await store.link(one.id, { seconds: 60 }));
      const opened = await store.openLink(own);
      same(await collected(opened.data), noise(10));
      assert.deepEqual(opened.info, INFO);
      same(await collected((await store.openLink(partsOf(one.url))).data), noise(10), 'by the link it was given at first');
      const other = partsOf(await store.link(two.id, { seconds: 3600 }));
      const forged: MediaLink[] = [
        { ...own, id: two.id },
        { ...own, expires: other.expires },
        { ...own, signature: other.signature },
        { ...own, signature: '' },
        { ...own, signature: `${own.signature}x` },
        { ...own, signature: own.signature.slice(0, -1) },
        { id: '', expires: '', signature: '' },
      ];
      for (const link of forged) await refused(async () => store.openLink?.(link), 'media_link_invalid');
      await advance(59_000);
      same(await collected((await store.openLink(own)).data), noise(10));
      await advance(1_001);
      await refused(async () => store.openLink?.(own), 'media_link_expired');
      same(await collected((await store.openLink(other)).data), noise(20));
      await store.delete(two.id);
      await refused(async () => store.openLink?.(other), 'media_not_found');
    },
  },
  {
    name: 'takes nothing once it is closed',
    rules: ['KIT-03'],
    test: async ({ store }) => {
      await store.put(noise(10), INFO);
      await store.close?.();
      await store.close?.();
      if (store.close !== undefined) await assert.rejects(async () => store.put(noise(10), INFO));
    },
  },
]);

interface MediaStoreTest {
  readonly name: string;
  readonly rules: readonly string[];
  test(setup: MediaStoreSetup): Promise<void>;
}

function mediaStoreCases(tests: readonly MediaStoreTest[]): readonly MediaStoreCase[] {
  return tests.map(({ name, rules, test }) => ({
    name,
    rules,
    run: async (open) => {
      const setup = await open();
      try {
        await test(setup);
      } finally {
        await setup.store.close?.();
        await setup.dispose?.();
      }
    },
  }));
}

/** The same each time, and no pattern that a careless copy would keep. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let at = 0; at < length; at++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes[at] = state >> 16;
  }
  return bytes;
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += size) yield await Promise.resolve(bytes.slice(at, at + size));
}

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield* inPieces(bytes, 1000);
  throw new Error('the connection broke');
}

const ENDLESS_PIECE = 1024;

/** A stream without an end, which notes how much was taken of it and whether it was let go. */
class Endless implements AsyncIterable<Uint8Array> {
  given = 0;
  ended = false;

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        this.given += ENDLESS_PIECE;
        yield await Promise.resolve(noise(ENDLESS_PIECE));
      }
    } finally {
      this.ended = true;
    }
  }
}

/** Told by its length alone: spelling out how two long lists of bytes differ takes some versions of Node gigabytes. */
function same(given: Uint8Array, expected: Uint8Array, what = 'it is what was kept'): void {
  assert.ok(Buffer.compare(given, expected) === 0, `${what}: ${given.byteLength} bytes came back, not the ${expected.byteLength} that were given`);
}

async function collected(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** The ids of everything a store keeps, in the order of their names. */
async function listed(store: MediaStore): Promise<string[]> {
  const ids: string[] = [];
  await store.sweep((id) => {
    ids.push(id);
    return true;
  });
  return ids.sort();
}

function partsOf(url: string): MediaLink {
  const { pathname, searchParams } = new URL(url);
  return { id: pathname.split('/').at(-1) ?? '', expires: searchParams.get('expires') ?? '', signature: searchParams.get('signature') ?? '' };
}
