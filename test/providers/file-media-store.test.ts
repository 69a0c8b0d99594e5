/** The media store of files: what its folder looks like, and what its links open (behaviour §14.1). */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { MediaInfo, MediaStore } from '../../src/core/index.js';
import { FileMediaStore, type FileMediaStoreOptions } from '../../src/providers/media/index.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';

const INFO: MediaInfo = { mimeType: 'image/png', filename: 'cat.png', roomId: 'room', eventId: 'event' };
const BASE = 'https://chat.example.com';
const BYTES = new Uint8Array([1, 2, 3]);

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'roomkit-media-'));
  folders.push(made);
  return made;
}

function open(directory: string, options: Partial<FileMediaStoreOptions> = {}): FileMediaStore {
  return new FileMediaStore({ directory, baseUrl: BASE, clock: new TestClock(), ...options });
}

async function bytesOf(store: MediaStore, id: string): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of await store.open(id)) bytes.push(...piece);
  return bytes;
}

/** Every file, with its path below the folder. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function partsOf(url: string): { id: string; expires: string; signature: string } {
  const { pathname, searchParams } = new URL(url);
  return { id: pathname.split('/').at(-1) ?? '', expires: searchParams.get('expires') ?? '', signature: searchParams.get('signature') ?? '' };
}

describe('the folder of a media store', () => {
  it('is made at first use, holds whole files under names of its own, and is for its owner alone', async () => {
    verifies('MED-01');
    const directory = join(await folder(), 'deep', 'media');
    const store = open(directory);
    const { id, url, sizeBytes } = await store.put(BYTES, { ...INFO, filename: '../../evil\u202Egnp.exe' });
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(url).toMatch(new RegExp(`^${BASE}/media/${id}\\?expires=\\d+&signature=[\\w-]{43}$`));
    expect(sizeBytes).toBe(3);
    expect((await filesIn(directory)).sort()).toEqual(['.secret', join(id.slice(0, 2), `${id}.bin`), join(id.slice(0, 2), `${id}.json`)]);
    for (const file of await filesIn(directory)) expect((await stat(join(directory, file))).mode & 0o077, file).toBe(0);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    const info = JSON.parse(await readFile(join(directory, id.slice(0, 2), `${id}.json`), 'utf8')) as MediaInfo;
    expect(info).toEqual({ mimeType: 'image/png', filename: 'evilgnp.exe', roomId: 'room', eventId: 'event', sizeBytes: 3 });
  });

  it('outlives the process, with its links', async () => {
    verifies('MED-01', 'PV-05');
    const directory = await folder();
    const clock = new TestClock();
    const { id, url } = await open(directory, { clock }).put(BYTES, INFO);
    const again = open(directory, { clock });
    expect(await bytesOf(again, id)).toEqual([...BYTES]);
    expect((await again.openLink(partsOf(url))).info).toEqual(INFO);
  });

  it('gives two processes that start at once the same secret', async () => {
    verifies('PV-05');
    const directory = await folder();
    const clock = new TestClock();
    const stores = Array.from({ length: 5 }, () => open(directory, { clock }));
    const links = await Promise.all(stores.map(async (store) => (await store.put(BYTES, INFO)).url));
    for (const store of stores) for (const link of links) expect((await store.openLink(partsOf(link))).sizeBytes).toBe(3);
    expect((await filesIn(directory)).filter((file) => file.startsWith('.secret'))).toEqual(['.secret']);
  });

  it('is not left by way of a link that somebody put there', async () => {
    verifies('MED-02');
    const directory = await folder();
    const outside = join(await folder(), 'secret.txt');
    await writeFile(outside, 'secret');
    const store = open(directory);
    const { id, url } = await store.put(BYTES, INFO);
    const path = join(directory, id.slice(0, 2), `${id}.bin`);
    await rm(path);
    await symlink(outside, path);
    await expect(store.open(id)).rejects.toMatchObject({ code: 'media_not_found' });
    await expect(store.openLink(partsOf(url))).rejects.toMatchObject({ code: 'media_not_found' });
    await store.delete(id);
    expect(await readFile(outside, 'utf8')).toBe('secret');
  });

  it('shows nothing half done, and is cleared of it by a later sweep', async () => {
    verifies('MED-02');
    const directory = await folder();
    const clock = new TestClock();
    const store = open(directory, { clock });
    const { id } = await store.put(BYTES, INFO);
    const crashed = 'ab'.repeat(16);
    await mkdir(join(directory, 'ab'), { recursive: true });
    for (const name of [`${crashed}.bin.part`, `${crashed}.bin`, `${'ac'.repeat(16)}.json.part`, 'notes.txt'])
      await writeFile(join(directory, 'ab', name), 'half');
    await writeFile(join(directory, 'ab', `${'ad'.repeat(16)}.json`), '{"mimeType":');
    await expect(store.open(crashed)).rejects.toMatchObject({ code: 'media_not_found' });
    const before = await filesIn(directory);
    for (const file of before) await utimes(join(directory, file), clock.now() / 1000, clock.now() / 1000);
    expect(await store.sweep(() => true)).toBe(0);
    expect(await filesIn(directory), 'it may be in the making').toEqual(before);
    await clock.advance(3_600_001);
    expect(await store.sweep(() => true)).toBe(0);
    expect((await filesIn(directory)).filter((file) => file.startsWith('ab')).sort()).toEqual([
      join('ab', `${'ad'.repeat(16)}.json`),
      join('ab', 'notes.txt'),
    ]);
    expect(await bytesOf(store, id)).toEqual([...BYTES]);
  });

  it('keeps what cannot be written out of the way, and says so', async () => {
    verifies('MED-01');
    const directory = join(await folder(), 'file');
    await writeFile(directory, 'no folder');
    const store = open(directory);
    await expect(store.put(BYTES, INFO)).rejects.toMatchObject({ code: 'EEXIST' });
    await rm(directory);
    await expect(store.put(BYTES, INFO)).resolves.toMatchObject({ sizeBytes: 3 });
  });
});

describe('the links of a media store', () => {
  it('open for a year unless told otherwise', async () => {
    verifies('PV-05');
    const clock = new TestClock();
    const directory = await folder();
    const [year, hour] = [open(directory, { clock }), open(directory, { clock, linkSeconds: 3600 })];
    const [long, short] = [(await year.put(BYTES, INFO)).url, (await hour.put(BYTES, INFO)).url];
    const open_ = async (url: string): Promise<string> =>
      year.openLink(partsOf(url)).then(
        ({ secondsLeft }) => String(secondsLeft),
        (error: { code: string }) => error.code,
      );
    expect([await open_(long), await open_(short)]).toEqual([String(365 * 86_400), '3600']);
    await clock.advance(3_600_000);
    expect([await open_(long), await open_(short)]).toEqual([String(365 * 86_400 - 3600), 'media_link_expired']);
  });

  it('of another secret open nothing', async () => {
    verifies('PV-05');
    const directory = await folder();
    const [one, two] = ['one', 'two'].map((name) => open(directory, { secret: name.repeat(20) }));
    const { url } = (await one?.put(BYTES, INFO)) ?? { url: '' };
    await expect(two?.openLink(partsOf(url))).rejects.toMatchObject({ code: 'media_link_invalid' });
    await expect(one?.openLink(partsOf(url))).resolves.toMatchObject({ sizeBytes: 3 });
  });

  it('are fetched by the store itself without going out', async () => {
    verifies('MED-01', 'PV-14');
    const asked: string[] = [];
    const store = open(await folder(), {
      baseUrl: 'http://127.0.0.1:4170/base/',
      fetch: async (url) => {
        asked.push(url);
        return Promise.reject(new Error('outside'));
      },
    });
    const { url } = await store.put(BYTES, INFO);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:4170\/base\/media\//);
    expect(await store.fetch(url)).toMatchObject({ mimeType: 'image/png', filename: 'cat.png', sizeBytes: 3 });
    await expect(store.fetch(`${url}x`)).rejects.toMatchObject({ code: 'media_link_invalid' });
    await expect(store.fetch('http://127.0.0.1:4170/other')).rejects.toThrow('outside');
    expect(asked).toEqual(['http://127.0.0.1:4170/other']);
  });

  it('of others are fetched with the guard, by the limits it was given', async () => {
    verifies('PV-14');
    const store = open(await folder());
    await expect(store.fetch('http://169.254.169.254/latest')).rejects.toMatchObject({ code: 'media_url_refused' });
    const small = open(await folder(), { maxBytes: 2, fetch: { lookup: async () => Promise.resolve([]) } });
    await expect(small.fetch('https://example.com/')).rejects.toMatchObject({ code: 'media_url_refused' });
  });
});

describe('a media store', () => {
  it.each<readonly [Partial<FileMediaStoreOptions>, RegExp]>([
    [{ directory: '' }, /directory/],
    [{ baseUrl: undefined }, /baseUrl is missing/],
    [{ baseUrl: 'chat.example.com' }, /baseUrl is 'chat/],
    [{ baseUrl: 'ftp://example.com' }, /baseUrl/],
    [{ baseUrl: 'https://example.com/?x=1' }, /baseUrl/],
    [{ secret: 'short' }, /fewer than 32 bytes/],
    [{ maxBytes: 0 }, /maxBytes/],
    [{ linkSeconds: NaN }, /linkSeconds/],
  ])('refuses %j', (options, message) => {
    verifies('PV-01');
    expect(() => open('/nowhere', options)).toThrow(message);
  });

  it('refuses a secret file that is none', async () => {
    verifies('PV-05');
    const directory = await folder();
    await writeFile(join(directory, '.secret'), 'short');
    await expect(open(directory).put(BYTES, INFO)).rejects.toMatchObject({ code: 'invalid' });
    expect(await filesIn(directory), 'nothing is kept without an address').toEqual(['.secret']);
  });
});
