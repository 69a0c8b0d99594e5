/** The session of a linked WhatsApp: kept encrypted, and read again by baileys. */
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as baileys from 'baileys';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sessionState } from '../../src/providers/baileys/adapter/auth-state.js';
import { downloadMedia } from '../../src/providers/baileys/adapter/media.js';
import { hideSessionKeys } from '../../src/providers/baileys/adapter/quiet.js';
import { baileysDriver, FileWhatsAppSession, type WhatsAppFileMessage } from '../../src/providers/baileys/index.js';
import { guardedFetch } from '../../src/providers/media/index.js';
import { Secret } from '../../src/index.js';
import { verifies } from '../requirements.js';
import { MapSession, ME } from './baileys-stand-in.js';

const KEY = randomBytes(32);
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function folder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'whatsapp-session-'));
  open.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a session in a folder', () => {
  it('keeps what it is given, and shows nothing of it', async () => {
    verifies('WP-05');
    const directory = await folder();
    const session = new FileWhatsAppSession({ directory, key: KEY });
    await session.save('session-15550123.0', bytesOf('the private key'));
    await session.save('session-15550123.0', bytesOf('the newer private key'));
    await session.save('creds', bytesOf('{"me":"15550100"}'));
    const again = new FileWhatsAppSession({ directory, key: KEY.toString('base64') });
    expect(Buffer.from((await again.load('session-15550123.0')) ?? []).toString()).toBe('the newer private key');
    expect(await again.load('session-15550124.0')).toBeUndefined();
    const names = await readdir(directory);
    expect(names).toHaveLength(3);
    for (const name of names) {
      expect(name).not.toMatch(/1555|creds/);
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
      const bytes = await readFile(join(directory, name));
      for (const secret of ['private key', '15550100', KEY.toString('hex')]) expect(bytes.toString('latin1')).not.toContain(secret);
    }
    await again.remove('session-15550123.0');
    await again.remove('session-15550123.0');
    expect(await session.load('session-15550123.0')).toBeUndefined();
    await session.clear();
    expect(await readdir(directory)).toEqual([]);
    expect(await session.load('creds')).toBeUndefined();
  });

  it('seals the same bytes differently each time, and each for its own place', async () => {
    verifies('WP-05');
    const directory = await folder();
    const session = new FileWhatsAppSession({ directory, key: KEY });
    await session.save('one', bytesOf('same'));
    const [first] = (await readdir(directory)).filter((name) => name.endsWith('.sealed'));
    const before = await readFile(join(directory, first ?? ''));
    await session.save('one', bytesOf('same'));
    expect((await readFile(join(directory, first ?? ''))).equals(before)).toBe(false);
    await session.save('two', bytesOf('other'));
    const [other] = (await readdir(directory)).filter((name) => name.endsWith('.sealed') && name !== first);
    await writeFile(join(directory, other ?? ''), before);
    await expect(session.load('two')).rejects.toMatchObject({ code: 'whatsapp_session_damaged' });
  });

  it('refuses another key, and removes nothing', async () => {
    verifies('WP-05');
    const directory = await folder();
    await new FileWhatsAppSession({ directory, key: KEY }).save('creds', bytesOf('mine'));
    const before = (await readdir(directory)).sort();
    const wrong = new FileWhatsAppSession({ directory, key: randomBytes(32) });
    await expect(wrong.load('creds')).rejects.toMatchObject({
      code: 'whatsapp_session_key',
      message: expect.stringContaining('nothing was removed') as string,
    });
    await expect(wrong.save('creds', bytesOf('yours'))).rejects.toMatchObject({ code: 'whatsapp_session_key' });
    expect((await readdir(directory)).sort()).toEqual(before);
    expect(Buffer.from((await new FileWhatsAppSession({ directory, key: KEY }).load('creds')) ?? []).toString()).toBe('mine');
    await wrong.clear(); // who has lost the key can begin anew
    await wrong.save('creds', bytesOf('yours'));
  });

  it('refuses a key of another length, and prints none', async () => {
    verifies('WP-05', 'F60');
    const directory = await folder();
    const secret = randomBytes(16).toString('hex');
    for (const key of [secret, randomBytes(31), 'p@ss word', new Secret(`${secret}0`)])
      expect(() => new FileWhatsAppSession({ directory, key })).toThrow(/openssl rand -base64 32/);
    expect(() => new FileWhatsAppSession({ directory, key: secret })).not.toThrow(new RegExp(secret));
    vi.stubEnv('WHATSAPP_SESSION_KEY', undefined);
    expect(() => new FileWhatsAppSession({ directory })).toThrow(/WHATSAPP_SESSION_KEY/);
    vi.stubEnv('WHATSAPP_SESSION_KEY', KEY.toString('hex'));
    const session = new FileWhatsAppSession({ directory });
    vi.unstubAllEnvs();
    await session.save('creds', bytesOf('x'));
    const driver = baileysDriver({ session });
    for (const printed of [
      inspect(session, { depth: 12, showHidden: true }),
      JSON.stringify(session),
      inspect(driver, { depth: 12, showHidden: true }),
    ])
      for (const form of ['hex', 'base64'] as const) expect(printed).not.toContain(KEY.toString(form));
  });

  it('leaves the entry of before when a write was broken off, and clears up after it', async () => {
    verifies('WP-05');
    const directory = await folder();
    const session = new FileWhatsAppSession({ directory, key: KEY });
    await session.save('creds', bytesOf('whole'));
    const [name] = (await readdir(directory)).filter((one) => one.endsWith('.sealed'));
    await writeFile(join(directory, `${name}.0123456789ab.begun`), 'half');
    const again = new FileWhatsAppSession({ directory, key: KEY });
    expect(Buffer.from((await again.load('creds')) ?? []).toString()).toBe('whole');
    expect((await readdir(directory)).some((one) => one.endsWith('.begun'))).toBe(false);
  });

  it('keeps what was saved last, of all that is saved at once', async () => {
    verifies('WP-05');
    const session = new FileWhatsAppSession({ directory: await folder(), key: KEY });
    await Promise.all(Array.from({ length: 30 }, (_, n) => session.save('creds', bytesOf(`${n}`))));
    expect(Buffer.from((await session.load('creds')) ?? []).toString()).toBe('29');
  });
});

describe('the session as baileys has it', () => {
  it('comes back as it was, keys and all', async () => {
    verifies('WP-05');
    const store = new FileWhatsAppSession({ directory: await folder(), key: KEY });
    const first = await sessionState(baileys, store);
    expect(first.isLinked).toBe(false);
    const pair = baileys.Curve.generateKeyPair();
    Object.assign(first.state.creds, { me: ME, account: { details: Buffer.from([1, 2]) }, nextPreKeyId: 31 });
    first.saveCreds();
    await first.saved();
    const keyData = baileys.proto.Message.AppStateSyncKeyData.fromObject({ keyData: Buffer.from([9]), timestamp: 5 });
    await first.state.keys.set({
      'pre-key': { '1': pair, '2': pair },
      session: { '15550123.0': new Uint8Array([5, 6, 7]) },
      'app-state-sync-key': { AAAA: keyData },
      'lid-mapping': { '15550123': '999' },
    });
    await first.state.keys.set({ 'pre-key': { '2': null } });
    const second = await sessionState(baileys, store);
    expect(second.isLinked).toBe(true);
    expect(second.state.creds).toEqual(JSON.parse(JSON.stringify(first.state.creds, baileys.BufferJSON.replacer), baileys.BufferJSON.reviver));
    expect(Buffer.isBuffer(second.state.creds.noiseKey.private)).toBe(true);
    expect(second.state.creds.noiseKey).toEqual(first.state.creds.noiseKey);
    const preKeys = await second.state.keys.get('pre-key', ['1', '2', '3']);
    expect(Object.keys(preKeys)).toEqual(['1']);
    expect(Buffer.from(preKeys['1']?.private ?? []).equals(Buffer.from(pair.private))).toBe(true);
    expect([...((await second.state.keys.get('session', ['15550123.0']))['15550123.0'] ?? [])]).toEqual([5, 6, 7]);
    const synced = (await second.state.keys.get('app-state-sync-key', ['AAAA']))['AAAA'];
    expect(synced).toBeInstanceOf(baileys.proto.Message.AppStateSyncKeyData);
    expect([...(synced?.keyData ?? [])]).toEqual([9]);
  });

  it('is kept before baileys goes on, so before a message is acknowledged', async () => {
    verifies('WP-05');
    const store = new MapSession();
    let release = (): void => undefined;
    store.onSave = () => new Promise<void>((resolve) => (release = resolve));
    const { state } = await sessionState(baileys, store);
    const keys = baileys.addTransactionCapability(
      state.keys,
      { ...console, level: 'silent', child: () => ({}) as never, trace: () => undefined },
      { maxCommitRetries: 1, delayBetweenTriesMs: 1 },
    );
    let isDone = false;
    // As baileys does to decrypt: what it has changed of the session is kept when the transaction is over.
    const decrypting = keys
      .transaction(async () => {
        await keys.set({ session: { 'ada.0': new Uint8Array([1]) } });
      }, 'ada')
      .then(() => (isDone = true));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([isDone, store.entries.has('session-ada.0')]).toEqual([false, false]);
    release();
    await decrypting;
    expect(store.entries.has('session-ada.0')).toBe(true);
  });

  it('forgets a pairing that was never finished', async () => {
    const store = new MapSession();
    const first = await sessionState(baileys, store);
    Object.assign(first.state.creds, { me: { id: '15550100@s.whatsapp.net', name: '~' }, pairingCode: 'ABCD1234' });
    first.saveCreds();
    await first.saved();
    const { creds } = (await sessionState(baileys, store)).state;
    expect([creds.me, creds.pairingCode]).toEqual([undefined, undefined]);
    expect(creds.noiseKey).toEqual(first.state.creds.noiseKey);
  });

  it('does not begin anew where what is kept cannot be read', async () => {
    verifies('WP-05');
    const store = new MapSession();
    store.entries.set('creds', bytesOf('{ "noiseKey": "half'));
    const error: unknown = await sessionState(baileys, store).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'whatsapp_session_damaged' });
    expect(inspect(error)).not.toContain('noiseKey');
  });

  it('is not printed by libsignal when it closes a session', () => {
    verifies('WP-05', 'F60');
    hideSessionKeys();
    const require = createRequire(import.meta.url);
    const { SessionRecord } = createRequire(require.resolve('baileys'))('libsignal') as { SessionRecord: { createEntry(): Record<string, unknown> } };
    const session = SessionRecord.createEntry();
    session['currentRatchet'] = { ephemeralKeyPair: { privKey: Buffer.from('the private key') } };
    const printed = inspect(session, { depth: 12 });
    expect(printed).not.toContain(Buffer.from('the private key').toString('hex').slice(0, 8));
    expect(printed).not.toContain('privKey');
  });
});

describe('files', () => {
  const mediaKey = new Uint8Array(randomBytes(32));
  const plain = randomBytes(5000);

  /** As WhatsApp keeps it. */
  async function sealed(bytes: Uint8Array): Promise<Uint8Array> {
    const { iv, cipherKey, macKey } = await baileys.getMediaKeys(mediaKey, 'image');
    const cipher = createCipheriv('aes-256-cbc', cipherKey, iv);
    const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
    return Buffer.concat([
      body,
      createHmac('sha256', macKey ?? '')
        .update(iv)
        .update(body)
        .digest()
        .subarray(0, 10),
    ]);
  }

  const file = (handle: object): WhatsAppFileMessage => ({
    type: 'file',
    kind: 'image',
    mimeType: 'image/png',
    handle: { mediaType: 'image', mediaKey, ...handle },
  });

  async function fetched(handle: object, answer: Uint8Array, maxBytes = 10_000): Promise<{ bytes?: Uint8Array; error?: unknown; urls: string[] }> {
    const urls: string[] = [];
    const fetch = (url: string): Promise<{ data: AsyncIterable<Uint8Array>; mimeType: string }> => {
      urls.push(url);
      const data = (async function* () {
        yield await Promise.resolve(answer.subarray(0, 100));
        yield answer.subarray(100);
      })();
      return Promise.resolve({ data, mimeType: 'application/octet-stream' });
    };
    const { getMediaKeys } = baileys;
    try {
      const bytes = await downloadMedia(file(handle), { getMediaKeys, fetch, maxBytes, signal: new AbortController().signal });
      return { bytes, urls };
    } catch (error) {
      return { error, urls };
    }
  }

  it('are fetched from WhatsApp, and opened with the key in the message', async () => {
    verifies('WP-04');
    const { bytes, urls } = await fetched({ directPath: '/v/t62/1_n.enc?ccb=11-4&oh=01' }, await sealed(plain));
    expect(urls).toEqual(['https://mmg.whatsapp.net/v/t62/1_n.enc?ccb=11-4&oh=01']);
    expect(Buffer.from(bytes ?? []).equals(plain)).toBe(true);
    expect((await fetched({ url: 'https://mmg.whatsapp.net/v/2.enc?x=1' }, await sealed(plain))).urls).toEqual([
      'https://mmg.whatsapp.net/v/2.enc?x=1',
    ]);
  });

  it('are asked for of nobody but WhatsApp, whatever the sender has written', async () => {
    verifies('PV-14');
    for (const handle of [
      { directPath: '@169.254.169.254/latest' },
      { directPath: '//169.254.169.254/latest' },
      { directPath: '/\\169.254.169.254/' },
      { directPath: 7 },
      {},
    ]) {
      const { error, urls } = await fetched(handle, new Uint8Array());
      expect(urls).toEqual([]);
      expect(error).toMatchObject({ code: 'media_unavailable' });
    }
    const { urls } = await fetched({ url: 'http://169.254.169.254/latest/meta-data' }, await sealed(plain));
    expect(urls).toEqual(['https://mmg.whatsapp.net/latest/meta-data']);
    // The default fetch goes to no private address either.
    await expect(guardedFetch()('https://127.0.0.1/v/1.enc')).rejects.toMatchObject({ code: 'media_url_refused' });
  });

  it('are refused when they are not what was sealed, or larger than may be', async () => {
    verifies('WP-04');
    const changed = Buffer.from(await sealed(plain));
    changed[20] = (changed[20] ?? 0) ^ 1;
    expect((await fetched({ directPath: '/v/1' }, changed)).error).toMatchObject({ code: 'media_unavailable' });
    expect((await fetched({ directPath: '/v/1' }, new Uint8Array(5))).error).toMatchObject({ code: 'media_unavailable' });
    expect((await fetched({ directPath: '/v/1' }, await sealed(plain), 4000)).error).toMatchObject({ code: 'media_too_large' });
  });
});
