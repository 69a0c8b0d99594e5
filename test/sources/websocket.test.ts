/** WebSocketSource in front of real servers: how it connects, what it takes for an end, what it bears, what it never shows. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createServer as createRawServer, type AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/core/index.js';
import { WebSocketSource, type WebSocketSourceOptions } from '../../src/providers/sources/index.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { jsonOf, SECRET, socketServer, sourceOf, type TestSocketServer } from './open-websocket.js';
import { kitWith } from './scene.js';
import { silentServer } from './silent-server.js';
import { soon, turnsOfTheLoop } from './soon.js';
import { startWithoutKit } from './started.js';

const closing: (() => unknown)[] = [];
const started = startWithoutKit(closing);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serving(...given: Parameters<typeof socketServer>): Promise<TestSocketServer> {
  const server = await socketServer(...given);
  closing.push(() => server.close());
  return server;
}

describe('a WebSocketSource', () => {
  it.each<[Partial<WebSocketSourceOptions>, string]>([
    [{ url: 7 as never }, "WebSocketSource has no url. Pass { url: 'wss://chat.example.com/events' }."],
    [{ url: `not a url ${SECRET}` }, "The url of WebSocketSource is none. Give one like 'wss://chat.example.com/events'."],
    [{ url: `https://x?token=${SECRET}` }, "begins with 'https:'. Use ws: or wss:"],
    [{ channelId: '' }, 'WebSocketSource has no channelId.'],
    [{ maxSizeBytes: 0 }, 'The maxSizeBytes of WebSocketSource is 0. Give a whole number above 0.'],
    [{ timeoutSeconds: -1 }, 'The timeoutSeconds of WebSocketSource is -1. Give seconds, above 0.'],
    [{ pingIntervalSeconds: -1 }, 'The pingIntervalSeconds of WebSocketSource is -1. Give seconds, 0 or more.'],
    [{ pingTimeoutSeconds: 0 }, 'The pingTimeoutSeconds'],
    [{ closeTimeoutSeconds: Number.POSITIVE_INFINITY }, 'The closeTimeoutSeconds'],
    [{ subprotocols: ['a', 'a'] }, 'The subprotocols of WebSocketSource are not a list of different names.'],
    [{ subprotocols: ['a b'] }, 'The subprotocols'],
    [{ headers: { 'x-key': `${SECRET}\r\nx: y` } }, "The header 'x-key' of WebSocketSource holds what no header can"],
    [{ headers: { 'x key': SECRET } }, 'a header whose name is none'],
    [{ url: `ws://a:${SECRET}@x`, headers: { Authorization: SECRET } }, 'a password in its url and an authorization header'],
    [{ parser: 'json' as never }, 'The parser of WebSocketSource is a string.'],
    [{ pingInterval: 5 } as never, 'new WebSocketSource has no option'],
  ])('refuses %j, and says how to mend it', (wrong, message) => {
    verifies('SRC-05', 'SRC-07');
    let error: unknown;
    try {
      new WebSocketSource({ url: 'wss://x', channelId: 'feed', ...wrong });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ValidationError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain(SECRET);
  });

  it('connects with headers, credentials and subprotocols, and is called by its host alone', async () => {
    verifies('SRC-05', 'SRC-07');
    const server = await serving();
    const source = sourceOf(server.port, {
      url: `ws://ada:p%40ss@127.0.0.1:${server.port}/events/all?token=${SECRET}#part`,
      headers: { 'X-Key': 'k' },
      subprotocols: ['chat.v2', 'chat.v1'],
    });
    const { connected } = started(source);
    await soon(() => connected() === 1);
    const [request] = server.requests;
    expect(request?.url).toBe(`/events/all?token=${SECRET}`);
    expect(request?.headers).toMatchObject({
      'x-key': 'k',
      authorization: `Basic ${Buffer.from('ada:p@ss').toString('base64')}`,
      'sec-websocket-protocol': 'chat.v2,chat.v1',
    });
    expect(request?.headers['sec-websocket-extensions']).toBeUndefined();
    expect(source.name).toBe(`websocket:127.0.0.1:${server.port}`);
  });

  it('gives a parser texts and bytes, and bears one that throws', async () => {
    verifies('SRC-06');
    const server = await serving();
    const seen: unknown[] = [];
    const source = sourceOf(server.port, {
      parser: ({ data, channelId }) => {
        seen.push(typeof data === 'string' ? data : [...data]);
        if (data === 'bad') throw new Error(SECRET);
        return typeof data === 'string' ? null : { channelId, senderId: 'bytes', content: String(data.byteLength) };
      },
    });
    const { emitted, connected } = started(source);
    await soon(() => connected() === 1);
    for (const frame of ['bad', 'text', Buffer.from([1, 2, 3])]) server.socket().send(frame);
    await soon(() => emitted.length === 1);
    expect(seen).toEqual(['bad', 'text', [1, 2, 3]]);
    expect(emitted).toEqual([{ channelId: 'feed', senderId: 'bytes', content: '3' }]);
    expect(source.healthcheck()).toMatchObject({ messagesReceived: 1, metadata: { messages_ignored: 2 } });
  });

  it('takes no close of the server for the end, and is started again', async () => {
    verifies('SRC-05', 'SRC-03');
    const server = await serving();
    const { kit, clock, events, textsIn } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sourceOf(server.port, { clock }));
    for (const [nth, code] of [1000, 1001, 1011].entries()) {
      await soon(() => server.sockets.length === nth + 1);
      server.socket().send(jsonOf({ senderId: 'ada', text: `m${nth}` }));
      await soon(async () => (await textsIn()).length === nth + 1);
      server.socket().close(code);
      await soon(() => events.filter(([type]) => type === 'source_error').length === nth + 1);
      await clock.advance(5000);
    }
    expect(events.filter(([type]) => type === 'source_error').map(([, data]) => [data['attempt'], data['code']])).toEqual(
      Array.from({ length: 3 }, () => [1, 'connection_lost']),
    );
    expect(await textsIn()).toEqual(['m0', 'm1', 'm2']);
    await soon(() => kit.listSources()['feed'] === 'connected');
    await kit.detachSource('feed');
    expect(events.at(-1)).toEqual(['source_detached', { source: `websocket:127.0.0.1:${server.port}` }]);
  });

  it('begins its record anew after half a minute of good work (F58), and gives up after so many failures in a row', async () => {
    verifies('F58', 'SRC-03');
    const server = await serving();
    const { kit, clock, events } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sourceOf(server.port, { clock, pingIntervalSeconds: 0 }), { maxRestartAttempts: 2 });
    const failures = (): unknown[] => events.filter(([type]) => type === 'source_error').map(([, data]) => data['attempt']);
    const comes = async (times: number): Promise<void> => {
      await soon(() => server.sockets.length === times && events.filter(([type]) => type === 'source_connected').length === times);
    };
    await comes(1);
    server.socket().terminate();
    await soon(() => failures().length === 1);
    await clock.advance(5000);
    await comes(2);
    await clock.advance(30_000);
    server.socket().terminate();
    await soon(() => failures().length === 2);
    expect(failures()).toEqual([1, 1]);
    await clock.advance(4999);
    expect(server.sockets).toHaveLength(2);
    await server.close(); // nobody is there any more
    await clock.advance(1);
    await soon(() => failures().length === 3);
    await clock.advance(10_000);
    await soon(() => events.some(([type]) => type === 'source_exhausted'));
    expect(failures()).toEqual([1, 1, 2, 3]);
    expect(kit.listSources()).toEqual({ feed: 'error' });
  });

  it('leaves a server that does not answer pings, and stays with one that does', async () => {
    verifies('SRC-05');
    const clock = new TestClock();
    const mute = await serving({ autoPong: false });
    const lively = await serving();
    const dead = started(sourceOf(mute.port, { clock }));
    const alive = started(sourceOf(lively.port, { clock }));
    await soon(() => dead.connected() + alive.connected() === 2);
    let pings = 0;
    lively.socket().on('ping', () => pings++);
    await clock.advance(20_000);
    await soon(() => pings === 1);
    await soon(async () => (await clock.advance(0), clock.pendingTimers === 2));
    await clock.advance(19_999);
    expect(dead.end()).toBeUndefined();
    await clock.advance(1);
    await soon(() => dead.end() !== undefined);
    expect(dead.end()?.error?.code).toBe('ping_timeout');
    expect(alive.end()).toBeUndefined();
  });

  it('does not take its own silence for the server’s: while the kit is busy, no answer is missed', async () => {
    verifies('SRC-05', 'SRC-02');
    const clock = new TestClock();
    const server = await serving();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const source = started(sourceOf(server.port, { clock }), { take: () => held, maxConcurrentEmits: 1 });
    await soon(() => source.connected() === 1);
    for (let n = 0; n < 100; n++) server.socket().send(jsonOf({ senderId: 'ada', text: 'x'.repeat(20_000) }));
    await soon(() => source.emitted.length === 1);
    await turnsOfTheLoop(2000); // it has as much as it takes, and reads no further
    for (let minute = 0; minute < 5; minute++) await clock.advance(60_000);
    expect(source.end()).toBeUndefined();
    release();
    await soon(() => source.emitted.length === 100);
  });

  it('keeps what it cannot hand over with the server: memory stays bounded', async () => {
    verifies('SRC-02');
    const server = await serving();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const source = started(sourceOf(server.port), { take: () => held, maxConcurrentEmits: 4 });
    await soon(() => source.connected() === 1);
    const text = 'x'.repeat(64 * 1024);
    for (let n = 0; n < 1000; n++) server.socket().send(jsonOf({ senderId: 'ada', text }));
    await soon(() => source.emitted.length === 4);
    let before = -1;
    while (before !== server.socket().bufferedAmount) {
      before = server.socket().bufferedAmount;
      await turnsOfTheLoop(500);
    }
    expect(server.socket().bufferedAmount).toBeGreaterThan(40 * 1024 * 1024);
    expect(source.emitted).toHaveLength(4);
    release();
    await soon(() => source.emitted.length === 1000);
  });

  it('fails at a frame that is too long, and at what is no frame', async () => {
    verifies('SRC-05');
    const server = await serving();
    const tooLong = started(sourceOf(server.port, { maxSizeBytes: 1000 }));
    await soon(() => tooLong.connected() === 1);
    server.socket().send('x'.repeat(1000));
    server.socket().send(jsonOf({ senderId: 'ada', text: 'before' }));
    server.socket().send('x'.repeat(1001));
    await soon(() => tooLong.end() !== undefined);
    expect(tooLong.end()?.error?.code).toBe('message_too_large');
    expect(tooLong.emitted.map(({ content }) => content)).toEqual(['before']);

    const raw = createRawServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (request) => {
        const key = /sec-websocket-key: (\S+)/i.exec(request.toString())?.[1] ?? '';
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
        socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      });
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    closing.push(() => raw.close());
    const garbled = started(sourceOf((raw.address() as AddressInfo).port));
    await soon(() => garbled.end() !== undefined);
    expect(garbled.end()?.error?.code).toBe('connection_lost');
  });

  it.each<[number, Record<string, string>, string]>([
    [401, {}, 'auth_error'],
    [403, {}, 'auth_error'],
    [404, {}, 'http_404'],
    [200, {}, 'http_200'],
    [429, { 'retry-after': '7' }, 'rate_limit'],
    [503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 'http_503'],
    [302, { location: 'ws://127.0.0.1:1/elsewhere' }, 'http_302'],
  ])('is not let in with %i, and follows nobody elsewhere', async (status, headers, code) => {
    verifies('SRC-05', 'SRC-07');
    const server = createServer().listen(0, '127.0.0.1');
    server.on('upgrade', (_request, socket) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${status} No\r\n${lines.join('')}content-length: 2\r\n\r\n{}`);
    });
    await once(server, 'listening');
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    const source = started(sourceOf(port, { url: `ws://127.0.0.1:${port}/?token=${SECRET}`, clock: new TestClock() }));
    await soon(() => source.end() !== undefined);
    const error = source.end()?.error;
    expect([error?.code, error?.retryAfterSeconds]).toEqual([code, 'retry-after' in headers ? 7 : undefined]);
    expect(error?.message).toMatch(status === 302 ? /Redirects are not followed/ : /Check its/);
    expect(source.connected()).toBe(0);
  });

  it('does not wait forever to be let in, or for a goodbye', async () => {
    verifies('SRC-05', 'SRC-04');
    const clock = new TestClock();
    const silent = await silentServer();
    closing.push(() => silent.close());
    const waiting = started(sourceOf(silent.port, { clock }));
    await soon(() => silent.openConnections() === 1);
    await clock.advance(29_999);
    expect(waiting.end()).toBeUndefined();
    await clock.advance(1);
    await soon(() => waiting.end() !== undefined && silent.openConnections() === 0);
    expect(waiting.end()?.error?.code).toBe('timeout');

    const server = await serving();
    const source = sourceOf(server.port, { clock });
    const running = started(source);
    await soon(() => running.connected() === 1);
    (server.socket() as unknown as { _receiver: { _write: unknown } })._receiver._write = () => undefined; // deaf: it never sees the goodbye
    let isStopped = false;
    void source.stop().then(() => (isStopped = true));
    await clock.advance(9999);
    expect(isStopped).toBe(false);
    await clock.advance(1);
    await soon(() => isStopped);
    expect(running.end()).toEqual({});
    expect(clock.pendingTimers).toBe(0);
  });

  it('is detached at once while it connects, and while it waits to be started again', async () => {
    verifies('SRC-04');
    const silent = await silentServer();
    closing.push(() => silent.close());
    const { kit, clock, events } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sourceOf(silent.port, { clock }));
    await soon(() => silent.openConnections() === 1);
    expect(kit.listSources()).toEqual({ feed: 'connecting' });
    await kit.detachSource('feed'); // the clock stands still: nothing is waited for
    await soon(() => silent.openConnections() === 0);

    await silent.close();
    await kit.attachSource('feed', sourceOf(silent.port, { clock }));
    await soon(() => events.some(([type]) => type === 'source_error'));
    await kit.detachSource('feed');
    await clock.advance(1_000_000);
    expect(events.map(([type]) => type)).toEqual(['source_attached', 'source_detached', 'source_attached', 'source_error', 'source_detached']);
  });

  it('bears whatever a server may send', async () => {
    verifies('SRC-06');
    const server = await serving();
    const source = sourceOf(server.port);
    const { emitted, connected, end } = started(source);
    await soon(() => connected() === 1);
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const hostile = fc.oneof(
      fc.string().map(String),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc
        .record({ sender_id: fc.jsonValue(), text: fc.jsonValue(), external_id: fc.jsonValue(), metadata: fc.jsonValue() })
        .map((one) => JSON.stringify(one)),
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(
        '{"sender_id":"eve","metadata":{"__proto__":{"admin":true},"_routed_to":"agent","deleted":true,"mood":"good"}}',
        `{"sender_id":"eve","metadata":${nested(5000)}}`,
        `{"sender_id":"eve","metadata":{"a":"${'x'.repeat(70_000)}"}}`,
        '{"sender_id":"eve","text":"\\ud800"}',
        '{"sender_id":""}',
      ),
    );
    let last = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { maxLength: 10 }), async (frames) => {
        for (const frame of frames) server.socket().send(frame);
        const mark = `end-${++last}`;
        server.socket().send(jsonOf({ senderId: 'mark', text: mark }));
        await soon(() => emitted.at(-1)?.content === mark);
        expect(end()).toBeUndefined();
      }),
    );
    for (const { senderId, content, metadata, channelId, idempotencyKey, externalId } of emitted) {
      expect([typeof senderId, typeof content, channelId, idempotencyKey]).toEqual(['string', 'string', 'feed', externalId]);
      expect(Object.keys(metadata ?? {}).filter((key) => key.startsWith('_') || key === 'deleted')).toEqual([]);
      expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(emitted.some(({ metadata }) => metadata?.['mood'] === 'good')).toBe(true);
  });

  it('is told of without its secrets, in events, logs and health, whatever happens', async () => {
    verifies('SRC-07', 'F60', 'TEL-06');
    const server = await serving();
    const { kit, clock, events, lines, textsIn } = await kitWith();
    closing.push(() => kit.close());
    const url = (port: number): string => `ws://ada:${SECRET}@127.0.0.1:${port}/${'x'}?token=${SECRET}`;
    const source = new WebSocketSource({ url: url(server.port), channelId: 'feed', headers: { 'x-key': SECRET }, clock });
    await kit.attachSource('feed', source, { maxRestartAttempts: 1 });
    await soon(() => server.sockets.length === 1);
    server.socket().send(jsonOf({ senderId: 'ada', text: 'hi' }));
    server.socket().send(`{"sender_id":"eve","external_id":"x"`);
    await soon(async () => (await textsIn()).length === 1);
    const health = [JSON.stringify(await kit.sourceHealth('feed'))];
    await server.close();
    await soon(() => events.some(([type]) => type === 'source_error'));
    await clock.advance(5000);
    await soon(() => events.some(([type]) => type === 'source_exhausted'));
    health.push(JSON.stringify(await kit.sourceHealth('feed')));
    expect(health[1]).toContain('ECONNREFUSED');
    expect(lines.length).toBeGreaterThan(1);
    for (const text of [...health, JSON.stringify(events), ...lines])
      expect(text).not.toMatch(new RegExp(`${SECRET}|${Buffer.from(SECRET).toString('base64').slice(0, 8)}`));
    expect(() => new WebSocketSource({ url: url(1), channelId: '' })).toThrow(ValidationError);
  });
});
