/** The guarded fetch (PV-14): where it goes, how far, and what it gives away on the way. Servers on loopback, over real sockets. */
import type { LookupAddress } from 'node:dns';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { gzipSync, brotliCompressSync, deflateSync, createGzip } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKitError, type FetchedMedia, type MediaFetchOptions } from '../../src/core/index.js';
import { guardedFetch, type GuardedFetchOptions } from '../../src/providers/media/index.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...new Uint8Array(100)]);
const SECRET = 'secret-token-4711';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Site {
  readonly url: string;
  readonly port: number;
  readonly requests: IncomingMessage[];
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function site(answer: Answer, address = '127.0.0.1'): Promise<Site> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { url: `http://${address}:${port}`, port, requests };
}

function png(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
}

/** For tests on loopback. */
const local = (options: GuardedFetchOptions = {}): ReturnType<typeof guardedFetch> => guardedFetch({ allowPrivate: true, ...options });

async function bytesOf({ data }: FetchedMedia): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** The whole of it, or why not. */
async function refusal(fetching: Promise<FetchedMedia>): Promise<RoomKitError> {
  try {
    await bytesOf(await fetching);
  } catch (error) {
    if (error instanceof RoomKitError) return error;
    throw error;
  }
  throw new Error('This was fetched.');
}

/** A resolver of names that are nobody's; it counts how often each was asked for. */
function names(table: Readonly<Record<string, readonly (readonly string[])[]>>): {
  lookup: NonNullable<GuardedFetchOptions['lookup']>;
  asked: string[];
} {
  const asked: string[] = [];
  return {
    asked,
    lookup: async (hostname) => {
      const answers = table[hostname] ?? [];
      const answer = answers[Math.min(asked.filter((name) => name === hostname).length, answers.length - 1)];
      asked.push(hostname);
      if (answer === undefined) throw new Error('ENOTFOUND');
      return Promise.resolve(answer.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })));
    },
  };
}

describe('SSRF: the guarded fetch refuses', () => {
  const loopback = ['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '127.0.0.1.', '①②⑦.⓪.⓪.①'];
  const names6 = [
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    '[::]',
  ];
  const own = ['localhost', 'localhost.', 'LOCALHOST', 'app.localhost', '0', '0.0.0.0', '0.1.2.3'];
  const metadata = [
    '169.254.169.254',
    '0xa9fea9fe',
    '[::ffff:169.254.169.254]',
    '[fd00:ec2::254]',
    '168.63.129.16',
    '100.100.100.200',
    '169.254.170.2',
  ];
  const inside = [
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '100.127.255.254',
    '[fc00::1]',
    '[fd12::1]',
  ];
  const odd = [
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.9',
    '[fe80::1]',
    '[ff02::1]',
  ];
  const odd6 = ['[2001:db8::1]', '[2001::1]', '[100::1]', '[fec0::1]', '[3fff::1]', '[5f00::1]', '[64:ff9b:1::1]', '[64:ff9b::a00:1]'];

  it.each([...loopback, ...names6, ...own, ...metadata, ...inside, ...odd, ...odd6])('http://%s/', async (host) => {
    verifies('PV-14');
    let asked = 0;
    const fetching = guardedFetch({ lookup: () => Promise.reject(new Error(`asked ${++asked}`)) })(`http://${host}/media?token=${SECRET}`);
    const error = await refusal(fetching);
    expect([error.code, asked]).toEqual(['media_url_refused', 0]);
    expect(error.message).not.toContain(SECRET);
  });

  it.each([
    'ftp://example.com/a',
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:alert(1)',
    'gopher://example.com/',
    'telegram:FILE',
    'no url',
    '',
  ])('the address %s', async (url) => {
    verifies('PV-14');
    expect((await refusal(guardedFetch()(url))).code).toBe('media_url_refused');
  });

  it('a user name and a password in the address', async () => {
    verifies('PV-14');
    expect((await refusal(guardedFetch()(`https://ada:${SECRET}@example.com/`))).message).not.toContain(SECRET);
  });

  it.each([
    ['10.0.0.5'],
    ['127.0.0.1'],
    ['169.254.169.254'],
    ['::1'],
    ['fe80::1%eth0'],
    ['::ffff:10.0.0.5'],
    ['93.184.216.34', '10.0.0.5'],
    ['2606:2800::1', '::1'],
  ])('a name that leads to %s', async (...addresses) => {
    verifies('PV-14');
    const { lookup, asked } = names({ 'cdn.example': [addresses] });
    expect((await refusal(guardedFetch({ lookup })('https://cdn.example/a.png'))).code).toBe('media_url_refused');
    expect(asked).toEqual(['cdn.example']);
  });

  it.each(['169.254.169.254', '0xa9fea9fe', '[::ffff:a9fe:a9fe]', '[fd00:ec2::254]', '168.63.129.16', '[fe80::1]', '0.0.0.0'])(
    '%s even where private addresses are allowed',
    async (host) => {
      verifies('PV-14');
      expect((await refusal(local()(`http://${host}/latest/meta-data`))).code).toBe('media_url_refused');
    },
  );

  it('a redirect to an internal address, however it is spelled', async () => {
    verifies('PV-14');
    let target = '';
    const { url, requests } = await site((_request, response) => response.writeHead(302, { location: target }).end());
    for (const host of ['169.254.169.254', '2852039166', '[::ffff:169.254.169.254]', 'metadata.example']) {
      target = `http://${host}/latest/meta-data`;
      const { lookup } = names({ 'metadata.example': [['169.254.169.254']] });
      expect((await refusal(local({ lookup })(url))).code, host).toBe('media_url_refused');
    }
    target = 'file:///etc/passwd';
    expect((await refusal(local()(url))).code).toBe('media_url_refused');
    expect(requests).toHaveLength(5);
  });

  it('a name that comes to mean another machine between the check and the connection', async () => {
    verifies('PV-14');
    const meant = await site(png, '127.0.0.1');
    const other = createServer((_request, response) => response.end('internal'));
    await new Promise<void>((resolve) => other.listen(meant.port, '127.0.0.2', resolve));
    closers.push(() => new Promise((resolve) => other.close(() => resolve())));
    let reached = 0;
    other.on('connection', () => reached++);
    const { lookup, asked } = names({ 'rebind.example': [['127.0.0.1'], ['127.0.0.2']] });
    const fetched = await local({ lookup })(`http://rebind.example:${meant.port}/cat.png`);
    expect(await bytesOf(fetched)).toEqual(PNG);
    expect(asked, 'looked up once').toEqual(['rebind.example']);
    expect([meant.requests.length, reached]).toEqual([1, 0]);
    expect(meant.requests[0]?.headers.host).toBe(`rebind.example:${meant.port}`);
  });

  it('a name that comes to mean an internal machine at a redirect', async () => {
    verifies('PV-14');
    const { url, port, requests } = await site((_request, response) =>
      response.writeHead(302, { location: `http://rebind.example:${port}/again` }).end(),
    );
    const { lookup, asked } = names({ 'rebind.example': [['127.0.0.1'], ['169.254.169.254']] });
    expect((await refusal(local({ lookup })(url.replace('127.0.0.1', 'rebind.example')))).code).toBe('media_url_refused');
    expect([asked.length, requests.length]).toEqual([2, 1]);
  });
});

describe('SSRF: the guarded fetch ends', () => {
  it('a body of 10 GB by what it says of itself, without reading it', async () => {
    verifies('PV-14');
    const { url } = await site((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': String(10 * 1024 ** 3) });
      response.write(PNG);
    });
    expect((await refusal(local()(url))).code).toBe('media_too_large');
  });

  it('a body of 10 GB that says nothing of its length, at the limit', async () => {
    verifies('PV-14');
    let sent = 0;
    const gone = signal();
    const { url } = await site((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).write(PNG);
      const piece = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && sent < 10 * 1024 ** 3) {
          sent += piece.byteLength;
          if (!response.write(piece)) return void response.once('drain', more);
        }
      };
      response.once('close', gone.give);
      more();
    });
    expect((await refusal(local({ maxBytes: 1024 * 1024 })(url))).code).toBe('media_too_large');
    await gone.given;
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('a body that comes byte by byte, when its time is up', async () => {
    verifies('PV-14');
    const clock = new TestClock();
    const [asked, gone] = [signal(), signal()];
    const { url } = await site((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).write(PNG.subarray(0, 1), asked.give);
      response.once('close', gone.give);
    });
    const fetching = refusal(local({ clock })(url));
    await asked.given;
    await clock.advance(9_999);
    await clock.advance(1);
    expect((await fetching).code).toBe('media_timeout');
    await gone.given;
  });

  it('a body that stops in the middle, while it is read', async () => {
    verifies('PV-14');
    const clock = new TestClock();
    const { url } = await site((_request, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).write(Buffer.concat([PNG, Buffer.alloc(4096)])),
    );
    const fetched = await local({ clock, timeoutSeconds: 3 })(url);
    const reading = expect(bytesOf(fetched)).rejects.toMatchObject({ code: 'media_timeout', retryable: true });
    await clock.advance(3_000);
    await reading;
  });

  it('a server that takes the connection and says nothing', async () => {
    verifies('PV-14');
    const clock = new TestClock();
    const asked = signal();
    const { url } = await site(asked.give);
    const fetching = refusal(local({ clock })(url));
    await asked.given;
    await clock.advance(10_000);
    expect((await fetching).code).toBe('media_timeout');
  });

  it('a resolver that never answers', async () => {
    verifies('PV-14');
    const clock = new TestClock();
    const fetching = refusal(guardedFetch({ clock, lookup: () => new Promise(() => undefined) })('https://example.com/'));
    await clock.advance(10_000);
    expect((await fetching).code).toBe('media_timeout');
  });

  it.each(['gzip', 'deflate', 'br'])('a %s bomb by what comes out of it', async (encoding) => {
    verifies('PV-14');
    const plain = Buffer.concat([PNG, Buffer.alloc(40 * 1024 * 1024)]);
    const packed = encoding === 'gzip' ? gzipSync(plain) : encoding === 'deflate' ? deflateSync(plain) : brotliCompressSync(plain);
    expect(packed.byteLength).toBeLessThan(100 * 1024);
    const { url } = await site((_request, response) =>
      response.writeHead(200, { 'content-type': 'image/png', 'content-encoding': encoding, 'content-length': packed.byteLength }).end(packed),
    );
    expect((await refusal(local()(url))).code).toBe('media_too_large');
  });

  it('a gzip stream without an end', async () => {
    verifies('PV-14');
    const { url } = await site((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(PNG);
      const zeros = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        if (!response.destroyed) gzip.write(zeros, more);
      };
      more();
    });
    expect((await refusal(local({ maxBytes: 4 * 1024 * 1024 })(url))).code).toBe('media_too_large');
  });

  it('redirects after the third', async () => {
    verifies('PV-14');
    const { url, requests } = await site((request, response) => {
      const left = Number(new URL(request.url ?? '', 'http://x').searchParams.get('left'));
      if (left === 0) png(request, response);
      else response.writeHead(302, { location: `/?left=${left - 1}` }).end();
    });
    expect(await bytesOf(await local()(`${url}/?left=3`))).toEqual(PNG);
    expect((await refusal(local()(`${url}/?left=4`))).code).toBe('media_unavailable');
    expect(requests).toHaveLength(4 + 4);
  });

  it('when its caller gives up, before and while it is read', async () => {
    verifies('PV-14');
    const { url } = await site((_request, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).write(Buffer.concat([PNG, Buffer.alloc(4096)])),
    );
    const stop = new AbortController();
    const fetched = await local()(url, { signal: stop.signal });
    const reading = expect(bytesOf(fetched)).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await reading;
    await expect(local()(url, { signal: stop.signal })).rejects.toThrow('enough');
  });
});

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

describe('the guarded fetch', () => {
  it('gives bytes, type, name and size', async () => {
    verifies('PV-14');
    const { url, requests } = await site((_request, response) =>
      response
        .writeHead(200, {
          'content-type': 'image/png',
          'content-length': PNG.byteLength,
          'content-disposition': 'attachment; filename="../our cat.png"',
        })
        .end(PNG),
    );
    const fetched = await local()(url);
    expect(await bytesOf(fetched)).toEqual(PNG);
    expect(fetched).toMatchObject({ mimeType: 'image/png', filename: 'our cat.png', sizeBytes: PNG.byteLength });
    expect(requests[0]?.headers).toMatchObject({ connection: 'close', accept: '*/*' });
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each([
    ['image/png', PNG, 'image/png'],
    ['image/jpeg', PNG, 'image/png'],
    ['application/octet-stream', PNG, 'image/png'],
    [undefined, PNG, 'image/png'],
    ['IMAGE/PNG; charset=binary', PNG, 'image/png'],
    ['text/plain; charset=utf-8', Buffer.from('<html>said to be text'), 'text/plain'],
    ['text/html', Buffer.from('<html>'), 'text/html'],
    [
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      Buffer.from('PK\x03\x04…'),
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    ],
    ['audio/mp4', Buffer.from('\0\0\0\x20ftypM4A more'), 'audio/mp4'],
    ['audio/ogg; codecs=opus', Buffer.from('OggS more'), 'audio/ogg'],
    ['text/x-vcard', Buffer.from('BEGIN:VCARD'), 'text/x-vcard'],
    ['nonsense', Buffer.from('words'), 'application/octet-stream'],
    ['image/png', Buffer.from('<!DOCTYPE html><script>'), 'media_type_mismatch'],
    ['image/png', Buffer.from('no picture at all'), 'media_type_mismatch'],
    ['image/jpeg', Buffer.from(' <svg onload="alert(1)">'), 'media_type_mismatch'],
    ['audio/ogg', Buffer.from('MZ\x90\0'), 'media_type_mismatch'],
    ['video/mp4', Buffer.from('\x7fELF'), 'media_type_mismatch'],
    ['application/pdf', Buffer.from('<html>Sign in'), 'media_type_mismatch'],
    ['image/png', Buffer.from(''), 'media_type_mismatch'],
  ])('takes what is declared %s and begins %j for %s', async (declared, body, expected) => {
    verifies('PV-14');
    const { url } = await site((_request, response) => response.writeHead(200, declared === undefined ? {} : { 'content-type': declared }).end(body));
    const outcome = await local()(url).then(
      ({ mimeType }) => mimeType,
      (error: unknown) => (error instanceof RoomKitError ? error.code : String(error)),
    );
    expect(outcome).toBe(expected);
  });

  it.each([
    ['image/jpeg', 'media_type_mismatch'],
    ['audio/ogg', 'media_type_mismatch'],
    ['application/octet-stream', 'text/html'],
    [undefined, 'text/html'],
  ])('is told by a message of %s and meets a page: %s', async (mimeType, expected) => {
    verifies('PV-14');
    const { url } = await site((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please sign in'));
    const outcome = await local()(url, mimeType === undefined ? {} : { mimeType }).then(
      (fetched) => fetched.mimeType,
      (error: unknown) => (error instanceof RoomKitError ? error.code : String(error)),
    );
    expect(outcome).toBe(expected);
  });

  it.each(['gzip', 'deflate', 'br'])('reads %s', async (encoding) => {
    verifies('PV-14');
    const packed = encoding === 'gzip' ? gzipSync(PNG) : encoding === 'deflate' ? deflateSync(PNG) : brotliCompressSync(PNG);
    const { url } = await site((_request, response) =>
      response.writeHead(200, { 'content-type': 'image/png', 'content-encoding': encoding }).end(packed),
    );
    const fetched = await local()(url);
    expect(await bytesOf(fetched)).toEqual(PNG);
    expect(fetched.sizeBytes, 'what is packed says nothing of its size').toBeUndefined();
  });

  it.each<readonly [string, Answer, boolean]>([
    ['status 404', (_request, response) => response.writeHead(404).end(), false],
    ['status 206', (_request, response) => response.writeHead(206).end(), false],
    ['status 429', (_request, response) => response.writeHead(429).end(), true],
    ['status 503', (_request, response) => response.writeHead(503).end(), true],
    [
      'an encoding of its own',
      (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(gzipSync(PNG))),
      false,
    ],
    ['bytes that are not what they are encoded in', (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(PNG), true],
    [
      'half of what it announced',
      (_request, response) => void response.writeHead(200, { 'content-length': '5000' }).write(PNG, () => response.destroy()),
      true,
    ],
    [
      'half of a packed body',
      (_request, response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(PNG).subarray(0, 20), () => response.destroy()),
      true,
    ],
    ['nothing', (request) => request.socket.destroy(), true],
  ])('says media_unavailable of a server that answers with %s', async (_what, answer, retryable) => {
    verifies('PV-14');
    const { url } = await site(answer);
    const error = await refusal(local()(`${url}/bot${SECRET}/a?token=${SECRET}`));
    expect(error).toMatchObject({ code: 'media_unavailable', retryable });
    expect(error.message).not.toContain(SECRET);
  });

  it('says media_unavailable where nobody listens, or nobody knows the name', async () => {
    verifies('PV-14');
    const { lookup } = names({});
    expect(await refusal(guardedFetch({ lookup })('https://nobody.example/'))).toMatchObject({ code: 'media_unavailable', retryable: true });
    expect(await refusal(local()('http://127.0.0.1:1/'))).toMatchObject({ code: 'media_unavailable', retryable: true });
  });

  it.each([{ maxBytes: 0 }, { timeoutSeconds: -1 }, { maxRedirects: -1 }, { maxBytes: NaN }])('refuses %j', (options) => {
    verifies('PV-14');
    expect(() => guardedFetch(options)).toThrow(/Give a number/);
    const misspelled: object = { allowPrivates: true };
    expect(() => guardedFetch(misspelled)).toThrow(/Did you mean 'allowPrivate'/);
  });
});

describe('credentials', () => {
  const credentials = (...hosts: string[]): MediaFetchOptions => ({ credentials: { headers: { authorization: `Bearer ${SECRET}` }, hosts } });

  it('go to the hosts they are for', async () => {
    verifies('PV-14');
    const { url, port, requests } = await site(png);
    await bytesOf(await local()(url, credentials('127.0.0.1')));
    await bytesOf(await local()(url, credentials(`127.0.0.1:${port}`)));
    await bytesOf(await local()(url, credentials('api.example.com', '127.0.0.1')));
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(new Array(3).fill(`Bearer ${SECRET}`));
  });

  it('go to no other host', async () => {
    verifies('PV-14');
    const { url, requests } = await site(png);
    for (const hosts of [[], ['api.example.com'], ['27.0.0.1'], ['.0.0.1'], ['127.0.0.1.evil.example'], ['127.0.0.1:1']])
      await bytesOf(await local()(url, credentials(...hosts)));
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(new Array(6).fill(undefined));
  });

  it('are dropped when a redirect leads elsewhere, and do not come back', async () => {
    verifies('PV-14');
    const vendor = await site((request, response) => {
      if (request.url === '/stay') response.writeHead(302, { location: '/leave' }).end();
      else if (request.url === '/leave') response.writeHead(302, { location: other.url }).end();
      else png(request, response);
    });
    const other = await site((_request, response) => response.writeHead(307, { location: `${vendor.url}/back` }).end());
    await bytesOf(await local()(`${vendor.url}/stay`, credentials('127.0.0.1')));
    expect(vendor.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/stay', `Bearer ${SECRET}`],
      ['/leave', `Bearer ${SECRET}`],
      ['/back', undefined],
    ]);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('are for https, with the name the certificate is asked by', async () => {
    verifies('PV-14');
    const asked: string[] = [];
    const server = createTlsServer({ SNICallback: (name, answer) => (asked.push(name), answer(new Error('no certificate'))) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo; // it listens on a port
    const { lookup } = names({ 'vendor.example': [['127.0.0.1']] });
    expect((await refusal(local({ lookup })(`https://vendor.example:${port}/`, credentials('vendor.example')))).code).toBe('media_unavailable');
    expect(asked).toEqual(['vendor.example']);
  });
});
