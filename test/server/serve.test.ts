/** The server on a real port of loopback, with real sockets. */
import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createApiKey, serve, type ClientTokenOptions, type RoomKitServer, type ServeOptions } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { verifies } from '../requirements.js';
import { ADA, openKit, SECRET } from './served-kit.js';
import { WirePeer } from './wire-peer.js';

const opened: { close(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(
  options: Partial<ServeOptions> = {},
  kit?: RoomKit,
): Promise<{ kit: RoomKit; server: RoomKitServer; tokenOf: (options?: Partial<ClientTokenOptions>) => Promise<string> }> {
  const served = kit ?? (await realTimeKit());
  const server = await serve(served, { port: 0, ...options });
  opened.push(served, server);
  return { kit: served, server, tokenOf: async (asked = {}) => (await server.mintClientToken({ ...ADA, ...asked })).token };
}

/** A kit on the real clock: what is tested here is the network. */
async function realTimeKit(): Promise<RoomKit> {
  const kit = new RoomKit({ logger: silentLogger });
  kit.registerChannel(new WebSocketChannel('web', { echo: true }));
  kit.registerChannel(new WebSocketChannel('desk'));
  for (const [roomId, organizationId] of [
    ['acme-1', 'acme'],
    ['acme-2', 'acme'],
    ['globex-1', 'globex'],
  ] as const) {
    await kit.createRoom({ roomId, organizationId });
    for (const channelId of ['web', 'desk']) await kit.attachChannel(roomId, channelId);
  }
  return kit;
}

async function connectPeer(server: RoomKitServer, token?: string): Promise<WirePeer> {
  const peer = await WirePeer.connect(server.url, token);
  opened.push(peer);
  return peer;
}

/** A request with a Host header of its own, which fetch does not let one choose. */
function requestAs(server: RoomKitServer, path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end();
  });
}

describe('starting', () => {
  it('listens on this machine only unless somebody says who may come', async () => {
    verifies('AUTH-07');
    const { kit } = await openKit();
    opened.push(kit);
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.com']) {
      await expect(serve(kit, { port: 0, host }), host).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('insecureAllowAnonymous'),
      });
    }
    const { server } = await start({});
    expect(server.host).toBe('127.0.0.1');
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    for (const options of [{ insecureAllowAnonymous: true }, { authenticate: () => null }, { clientTokens: { secrets: [SECRET] } }]) {
      const { server: open } = await start({ host: '0.0.0.0', ...options });
      expect((await fetch(`${open.url}/healthz`)).status).toBe(200);
    }
  });

  it('lets this machine in beside tokens of a shared secret when it is told to, and nobody else', async () => {
    verifies('AUTH-07');
    const clientTokens = { secrets: [SECRET] };
    const statusOf = async (options: Partial<ServeOptions>): Promise<number> => {
      const { server } = await start({ clientTokens, ...options });
      return (await fetch(`http://127.0.0.1:${server.port}/api/rooms`)).status;
    };
    expect(await statusOf({})).toBe(401);
    expect(await statusOf({ insecureAllowAnonymous: 'loopback' })).toBe(200);
    expect(await statusOf({ insecureAllowAnonymous: 'loopback', host: '0.0.0.0' })).toBe(401);
    const { kit } = await openKit();
    opened.push(kit);
    await expect(serve(kit, { port: 0, host: '0.0.0.0', insecureAllowAnonymous: 'loopback' })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('on a port in use says which', async () => {
    const { kit, server } = await start();
    const failed = serve(kit, { port: server.port });
    await expect(failed).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(String(server.port)),
      cause: { code: 'EADDRINUSE' },
    });
    for (const port of [-1, 65_536, 1.5, NaN, '80' as unknown as number])
      await expect(serve(kit, { port }), String(port)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('refuses options that cannot be', async () => {
    const { kit } = await openKit();
    opened.push(kit);
    const wrong: Partial<ServeOptions>[] = [
      { origins: ['*'] },
      { trustedProxies: ['proxy'] },
      { clientTokens: { secrets: ['short'] } },
      { limits: { maxBodyBytes: 0 } },
      { limits: { maxFrameBytes: 2 ** 21 } },
      { limits: { maxFrames: 1 } as never },
      { pages: { directory: '/no/such/folder' } },
      { host: 'no such host.invalid', authenticate: () => null },
      // As programs without types may give them.
      { host: 127 as never },
      { authenticate: 'rk_ops_topsecret' as never },
      { clientTokens: { secrets: 'topsecret'.repeat(9) } as never },
      { clientTokens: { secrets: [64] } as never },
      { clientTokens: 'topsecret' as never },
      { origins: 'https://app.example' as never },
      { trustedProxies: 7 as never },
      { limits: 'none' as never },
      { pages: './folder' as never },
      { pages: { directory: 7 } as never },
    ];
    for (const options of wrong)
      await expect(serve(kit, { port: 0, ...options }), JSON.stringify(options)).rejects.toMatchObject({
        code: 'invalid',
        message: expect.not.stringContaining('topsecret'),
      });
    for (const none of [undefined, null, {}, 'kit']) await expect(serve(none as never, { port: 0 })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('sweeps the timers of rooms once a minute, unless the kit does already', async () => {
    verifies('ROOM-08');
    const { kit, clock } = await openKit();
    await kit.createRoom({ roomId: 'idle', timers: { inactiveAfterSeconds: 30 } });
    await start({}, kit);
    await clock.advance(59_000);
    expect((await kit.getRoom('idle')).status).toBe('active');
    await clock.advance(1000);
    expect((await kit.getRoom('idle')).status).toBe('paused');

    const own = new TestClock();
    const quick = new RoomKit({ clock: own, logger: silentLogger, sweepIntervalSeconds: 5 });
    await quick.createRoom({ roomId: 'idle', timers: { inactiveAfterSeconds: 3 } });
    await start({}, quick);
    await own.advance(5000);
    expect((await quick.getRoom('idle')).status).toBe('paused');
  });
});

describe('on loopback without authentication', () => {
  it('the developer is admin, foreign pages and rebound names are nobody', async () => {
    verifies('AUTH-07', 'AUTH-08');
    const { server } = await start();
    const own = `127.0.0.1:${server.port}`;
    expect((await requestAs(server, '/api/rooms', { host: own })).status).toBe(200);
    expect((await requestAs(server, '/api/rooms', { host: `localhost:${server.port}`, origin: `http://localhost:${server.port}` })).status).toBe(200);
    expect((await requestAs(server, '/api/rooms', { host: `evil.example:${server.port}` })).status).toBe(401);
    expect(
      (await requestAs(server, '/api/rooms', { host: `evil.example:${server.port}`, origin: `http://evil.example:${server.port}` })).status,
    ).toBe(401);
    expect((await requestAs(server, '/api/rooms', { host: own, origin: 'http://evil.example' })).status).toBe(403);
    // An image or a frame of a foreign page carries no Origin, but browsers say where it comes from.
    expect((await requestAs(server, '/api/rooms', { host: own, 'sec-fetch-site': 'cross-site' })).status).toBe(401);
    expect((await requestAs(server, '/api/rooms', { host: own, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect((await requestAs(server, '/api/rooms', { host: 'not a host' })).status).toBe(400);
  });

  it('a page may get a token for its user and connect with it, without anybody configuring a secret', async () => {
    verifies('AUTH-05');
    const { server } = await start();
    const { organizationId: _, ...asked } = ADA;
    const minted = await fetch(`${server.url}/api/client-tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    });
    const { token } = (await minted.json()) as { token: string };
    const peer = await connectPeer(server, token);
    expect(peer.frames[0]).toMatchObject({ type: 'welcome', channelId: 'web', participantId: 'ada' });
  });
});

describe('a conversation over sockets', () => {
  it('is acknowledged, heard by the room and by nobody else', async () => {
    verifies('WS-08', 'AUTH-03');
    const { kit, server, tokenOf } = await start();
    const ada = await connectPeer(server, await tokenOf());
    const bob = await connectPeer(server, await tokenOf({ participantId: 'bob' }));
    const eve = await connectPeer(server, await tokenOf({ rooms: ['acme-2'], participantId: 'eve' }));
    for (const [peer, roomId] of [
      [ada, 'acme-1'],
      [bob, 'acme-1'],
      [eve, 'acme-2'],
    ] as const)
      expect(await peer.subscribe(roomId)).toMatchObject({ type: 'subscribed', roomId });
    expect(await eve.subscribe('acme-1')).toMatchObject({ type: 'error', code: 'room_not_found' });

    ada.says({
      type: 'send',
      id: 'm1',
      roomId: 'acme-1',
      content: 'Hello Bob',
      channelId: 'desk',
      senderId: 'bob',
      participantId: 'bob',
      role: 'owner',
      visibility: 'none',
      organizationId: 'globex',
    });
    const ack = await ada.frame(({ id }) => id === 'm1');
    expect(ack).toMatchObject({ type: 'ack', prev: -1, event: { source: { channelId: 'web', participantId: 'ada' }, visibility: 'all' } });
    await bob.frame(({ type }) => type === 'event');
    expect(bob.texts()).toEqual(['Hello Bob']);
    expect(await eve.send('acme-1', 'Let me in')).toMatchObject({ type: 'error', code: 'room_not_found' });
    await eve.send('acme-2', 'Alone here');
    expect(eve.texts()).toEqual([]);
    expect((await kit.getTimeline('acme-2')).at(-1)).toMatchObject({ source: { participantId: 'eve' } });
  });

  it('is resumed where the line broke', async () => {
    verifies('WS-09', 'WIRE-08');
    const { kit, server, tokenOf } = await start();
    const first = await connectPeer(server, await tokenOf());
    await first.subscribe('acme-1');
    await kit.sendEvent('acme-1', 'desk', 'one');
    const seen = await first.frame(({ type }) => type === 'event');
    first.socket.terminate();
    for (const text of ['two', 'three']) await kit.sendEvent('acme-1', 'desk', text);
    const again = await connectPeer(server, await tokenOf());
    await again.subscribe('acme-1', (seen['event'] as { index: number }).index);
    await again.frame((frame) => frame['type'] === 'event' && JSON.stringify(frame).includes('three'));
    expect(again.texts()).toEqual(['two', 'three']);
  });
});

describe('bad sockets', () => {
  it('are refused before the upgrade, with a problem that says why', async () => {
    verifies('WIRE-01', 'WS-08', 'AUTH-08', 'AUTH-06');
    const { server, tokenOf } = await start({ clientTokens: { secrets: [SECRET] } });
    await expect(WirePeer.open(server.url, {}, [])).rejects.toMatchObject({ status: 400, contentType: 'application/problem+json' });
    await expect(WirePeer.open(server.url, {}, ['roomkit.v2'])).rejects.toMatchObject({ status: 400 });
    const newer = await WirePeer.open(server.url, {}, ['roomkit.v9', 'roomkit.v1']);
    opened.push(newer);
    expect(newer.socket.protocol).toBe('roomkit.v1');
    await expect(WirePeer.open(server.url, { origin: 'https://evil.example' })).rejects.toMatchObject({ status: 403 });
    await expect(WirePeer.open(server.url, { headers: { authorization: 'Bearer rkc1.e30.AAAA' } })).rejects.toMatchObject({ status: 401 });
    await expect(WirePeer.open(`${server.url}/elsewhere`)).rejects.toMatchObject({ status: 404 });
    const token = await tokenOf();
    await expect(WirePeer.open(server.url, { headers: { authorization: `Bearer ${token}x` } })).rejects.toMatchObject({ status: 401 });
    const inHeader = await WirePeer.connect(server.url, undefined, { headers: { authorization: `Bearer ${token}` } });
    opened.push(inHeader);
    expect(inHeader.frames[0]).toMatchObject({ participantId: 'ada' });
    expect(inHeader.socket.protocol).toBe('roomkit.v1');
  });

  it('that send 2 MiB are closed with 1009 and harm nobody', async () => {
    verifies('WIRE-03', 'WIRE-13', 'WS-08');
    const { server, tokenOf } = await start();
    const large = await connectPeer(server, await tokenOf());
    const other = await connectPeer(server, await tokenOf({ participantId: 'bob' }));
    large.says(JSON.stringify({ type: 'send', id: 'x', roomId: 'acme-1', content: 'x'.repeat(2 * 1024 * 1024) }));
    expect((await large.ended).code).toBe(1009);
    const medium = await connectPeer(server, await tokenOf());
    medium.says(JSON.stringify({ type: 'send', id: 'x', roomId: 'acme-1', content: 'x'.repeat(100 * 1024) }));
    expect(await medium.frame(({ type }) => type === 'error')).toMatchObject({ code: 'too_large' });
    expect(await other.subscribe('acme-1')).toMatchObject({ type: 'subscribed' });
  });

  it('that send binary, nonsense or a hello without end are closed with their code', async () => {
    verifies('WIRE-02', 'WIRE-03', 'WIRE-13');
    const { server, tokenOf } = await start();
    const binary = await connectPeer(server, await tokenOf());
    binary.socket.send(new Uint8Array([1, 2, 3]));
    expect((await binary.ended).code).toBe(1003);
    const nonsense = await connectPeer(server, await tokenOf());
    for (let n = 0; n < 10; n++) nonsense.says('{"type":');
    expect((await nonsense.ended).code).toBe(1008);
    expect(nonsense.frames.filter(({ code }) => code === 'invalid').length).toBe(10);
    const flood = await WirePeer.open(server.url);
    flood.says(JSON.stringify({ type: 'hello', version: 1, token: 'x'.repeat(500_000) }));
    expect(await flood.ended).toEqual({ code: 1008, reason: 'hello_timeout' });
    const forged = await WirePeer.open(server.url);
    forged.says({ type: 'hello', version: 1, token: 'rkc1.e30.AAAA' });
    expect(await forged.ended).toEqual({ code: 1008, reason: 'unauthenticated' });
  });

  it('that stay silent are closed by the clock', async () => {
    verifies('WIRE-02');
    const { kit, clock } = await openKit();
    const { server } = await start({ clientTokens: { secrets: [SECRET] } }, kit);
    const idle = await Promise.all(Array.from({ length: 20 }, () => WirePeer.open(server.url)));
    await expect(WirePeer.open(server.url)).rejects.toMatchObject({ status: 429 });
    await clock.advance(5000);
    expect(new Set((await Promise.all(idle.map(({ ended }) => ended))).map(({ reason }) => reason))).toEqual(new Set(['hello_timeout']));
    opened.push(await WirePeer.open(server.url));
  });
});

describe('closing', () => {
  it('says goodbye to sockets, ends streams, frees the port and leaves the kit alone', async () => {
    verifies('WIRE-13');
    const { kit, server, tokenOf } = await start();
    const peer = await connectPeer(server, await tokenOf());
    const waiting = await WirePeer.open(server.url);
    const stream = await fetch(`${server.url}/api/rooms/acme-1/stream`);
    const streamed = stream.text();
    await Promise.all([server.close(), server.close()]);
    expect(await peer.ended).toEqual({ code: 1012, reason: 'closing' });
    expect(await waiting.ended).toEqual({ code: 1012, reason: 'closing' });
    expect(peer.frames.at(-1)).toMatchObject({ type: 'goodbye', reason: 'closing' });
    expect(await streamed).toContain(':');
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    expect((await kit.sendEvent('acme-1', 'desk', 'still here')).status).not.toBe('blocked');
    const again = await serve(kit, { port: server.port });
    opened.push(again);
    expect(again.port).toBe(server.port);
  });

  it('tells sockets to go elsewhere before it closes, and still answers all else', async () => {
    verifies('OPS-08', 'OPS-05', 'WIRE-13');
    const { server, tokenOf } = await start();
    const peer = await connectPeer(server, await tokenOf());
    const streamed = (await fetch(`${server.url}/api/rooms/acme-1/stream`)).text();
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    server.drain();
    server.drain();
    expect(await peer.ended).toEqual({ code: 1012, reason: 'closing' });
    expect(peer.frames.at(-1)).toMatchObject({ type: 'goodbye', reason: 'closing' });
    await streamed;
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '5']);
    await expect(WirePeer.open(server.url)).rejects.toThrow(/503/);
    const said = await fetch(`${server.url}/api/rooms/acme-1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ channelId: 'desk', senderId: 'ada', content: 'on its way' }),
    });
    expect(said.status).toBe(201);
    await server.close();
  });

  it('does not wait for sockets that do not answer', async () => {
    const { kit, clock } = await openKit();
    const { server } = await start({}, kit);
    // A socket that never answers the closing handshake.
    const raw = connect(server.port, '127.0.0.1');
    raw.write(
      'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: roomkit.v1\r\n\r\n',
    );
    await new Promise((resolve) => raw.once('data', resolve));
    const closed = server.close();
    await clock.advance(2000);
    await closed;
    raw.destroy();
  });
});

describe('slow and broken requests', () => {
  it('that do not finish their headers are ended', async () => {
    verifies('AUTH-13');
    const { server } = await start({ limits: { headersSeconds: 0.05 } });
    const raw = connect(server.port, '127.0.0.1');
    raw.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    let answer = '';
    raw.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await new Promise((resolve) => raw.once('close', resolve));
    expect(answer).toContain('408');
  });

  it('find their connection open for longer than a proxy keeps it', async () => {
    const { server } = await start();
    const raw = connect(server.port, '127.0.0.1');
    raw.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    const answer = await new Promise<string>((resolve) => raw.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    expect(Number(/^keep-alive: timeout=(\d+)/im.exec(answer)?.[1])).toBeGreaterThan(60);
    raw.destroy();
  });

  it('with a body above the limit are answered and leave the server well', async () => {
    verifies('AUTH-13', 'CON-13');
    const { server } = await start();
    const large = await fetch(`${server.url}/api/rooms`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ metadata: { text: 'x'.repeat(2 * 1024 * 1024) } }),
    });
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ code: 'too_large' });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe('the event stream', () => {
  it('gives the frames of the wire, each event with its index, and resumes by Last-Event-ID', async () => {
    verifies('WIRE-04', 'AUTH-03');
    const { kit, server, tokenOf } = await start();
    const authorization = `Bearer ${await tokenOf()}`;
    const stream = await EventStream.open(`${server.url}/api/rooms/acme-1/stream`, { authorization });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    await stream.next((frame) => frame['type'] === 'subscribed');
    await kit.sendEvent('acme-1', 'desk', 'for all');
    await kit.sendEvent('acme-1', 'desk', 'for agents', { visibility: 'intelligence' });
    await kit.sendEvent('acme-1', 'desk', 'for all again');
    const last = await stream.next((frame) => JSON.stringify(frame).includes('for all again'));
    expect(stream.events.map(({ id }) => id)).toEqual(['2', '4']);
    expect(last).toMatchObject({ type: 'event', prev: 2, event: { index: 4 } });
    stream.close();
    await kit.sendEvent('acme-1', 'desk', 'missed');
    const resumed = await EventStream.open(`${server.url}/api/rooms/acme-1/stream`, { authorization, 'last-event-id': '2' });
    await resumed.next((frame) => JSON.stringify(frame).includes('missed'));
    expect(resumed.events.map(({ id }) => id)).toEqual(['4', '5']);
    resumed.close();
    const refused = await fetch(`${server.url}/api/rooms/acme-2/stream`, { headers: { authorization } });
    expect(refused.status).toBe(404);
    expect((await fetch(`${server.url}/api/rooms/acme-1/stream`, { headers: { authorization, 'last-event-id': 'x' } })).status).toBe(400);
  });

  it('is not opened for a look at its headers', async () => {
    const { kit, server, tokenOf } = await start();
    const authorization = `Bearer ${await tokenOf()}`;
    for (let n = 0; n < 3; n++) {
      const { status, headers } = await fetch(`${server.url}/api/rooms/acme-1/stream`, { method: 'HEAD', headers: { authorization } });
      expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    }
    expect((kit.getChannel('web') as WebSocketChannel).connectionCount()).toBe(0);
  });

  it('shows a host everything', async () => {
    verifies('WIRE-15');
    const { kit, server } = await start();
    const stream = await EventStream.open(`${server.url}/api/rooms/acme-1/stream?afterIndex=-1`);
    await kit.sendEvent('acme-1', 'desk', 'hidden', { visibility: 'none' });
    await stream.next((frame) => JSON.stringify(frame).includes('hidden'));
    expect(stream.events.map(({ id }) => id)).toEqual(['0', '1', '2']);
    stream.close();
  });

  it('ends with the token, and for who was shown out', async () => {
    verifies('AUTH-05');
    const { kit, clock } = await openKit();
    const { server, tokenOf } = await start({}, kit);
    const short = await EventStream.open(`${server.url}/api/rooms/acme-1/stream`, { authorization: `Bearer ${await tokenOf({ ttlSeconds: 20 })}` });
    const banned = await EventStream.open(`${server.url}/api/rooms/acme-1/stream`, {
      authorization: `Bearer ${await tokenOf({ participantId: 'bob' })}`,
    });
    await clock.advance(20_000);
    await short.ended;
    const bob = await kit.ensureParticipant('acme-1', 'web', 'bob');
    await kit.store.putParticipant({ ...bob, status: 'banned' });
    await clock.advance(5000);
    await banned.ended;
  });
});

describe('a folder of pages', () => {
  it('is served with its types, and nothing outside of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'roomkit-pages-'));
    opened.push({ close: () => rm(folder, { recursive: true }) });
    const pages = join(folder, 'pages');
    await mkdir(join(pages, 'sub'), { recursive: true });
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(pages, 'index.html'), '<h1>Hi</h1>');
    await writeFile(join(pages, '.env'), 'secret');
    await writeFile(join(pages, 'tool.exe'), 'secret');
    await writeFile(join(pages, 'sub', 'app.js'), 'export {}');
    await symlink(join(folder, 'secret.txt'), join(pages, 'link.txt'));
    const { server } = await start({ pages: { directory: pages } });
    const index = await fetch(`${server.url}/`);
    expect([index.status, index.headers.get('content-type'), await index.text()]).toEqual([200, 'text/html; charset=utf-8', '<h1>Hi</h1>']);
    expect(index.headers.get('content-security-policy')).toContain("default-src 'self'");
    const script = await fetch(`${server.url}/sub/app.js`, { method: 'HEAD' });
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
    for (const path of [
      '/secret.txt',
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/sub/..%2f..%2fsecret.txt',
      '/link.txt',
      '/.env',
      '/tool.exe',
      '/sub',
      '/sub/',
      '/%00',
      '/..%5csecret.txt',
      '/missing.html',
      '//etc/passwd',
      '/%c0%ae%c0%ae/secret.txt',
    ]) {
      const { status, text } = await requestAs(server, path, { host: `127.0.0.1:${server.port}` });
      expect([status === 404 || status === 400, text.includes('secret"') || text === 'secret'], path).toEqual([true, false]);
    }
    expect((await fetch(`${server.url}/`, { method: 'POST' })).status).toBe(404);
  });
});

describe('keys over HTTP', () => {
  it('let their programs in on any host', async () => {
    verifies('AUTH-04', 'AUTH-07');
    const { key, hash } = await createApiKey('ops');
    const { server } = await start({ host: '0.0.0.0', authenticate: apiKeys([{ id: 'ops', hash, scopes: ['read'] }]) });
    expect((await fetch(`${server.url}/api/rooms`)).status).toBe(401);
    expect((await fetch(`${server.url}/api/rooms`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
    await expect(server.mintClientToken(ADA)).rejects.toMatchObject({ code: 'invalid' });
  });
});

/** A port that is taken by somebody else. */
it('names the port when another program has it', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const { kit } = await openKit();
  opened.push(kit);
  await expect(serve(kit, { port })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(`Port ${port}`) });
  await new Promise((resolve) => other.close(resolve));
});

class EventStream {
  readonly events: { id: string; frame: Record<string, unknown> }[] = [];
  readonly ended: Promise<void>;
  readonly #frames: Record<string, unknown>[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly headers: Headers,
    body: ReadableStream<Uint8Array>,
    private readonly abort: AbortController,
  ) {
    this.ended = this.#read(body).catch(() => undefined);
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.body === null || response.status !== 200) throw new Error(`The stream was answered with ${response.status}.`);
    return new EventStream(response.headers, response.body, abort);
  }

  next(isSo: (frame: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.#frames.find(isSo);
        if (found !== undefined) resolve(found);
      };
      this.#waiting.add(look);
      void this.ended.then(() => reject(new Error('The stream ended.')));
      look();
    });
  }

  close(): void {
    this.abort.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, id, data] = /^(?:id: (.*)\n)?data: (.*)$/.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        if (data === undefined) continue;
        const frame = JSON.parse(data) as Record<string, unknown>;
        this.#frames.push(frame);
        if (id !== undefined) this.events.push({ id, frame });
      }
      for (const look of [...this.#waiting]) look();
    }
  }
}
