/** Callers who mean no good, on a real port: whatever they send, the server answers or ends them, and serves everybody else. */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { serve, type ClientTokenOptions, type RoomKitServer, type ServeOptions } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { verifies } from '../requirements.js';
import { openKit } from './served-kit.js';
import { WirePeer } from './wire-peer.js';

const ADA: ClientTokenOptions = { rooms: ['r'], channelId: 'web', participantId: 'ada' };
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Served {
  readonly kit: RoomKit;
  readonly web: WebSocketChannel;
  readonly server: RoomKitServer;
  readonly tokenOf: (participantId: string) => Promise<string>;
}

async function start(options: Partial<ServeOptions> = {}): Promise<Served> {
  const kit = new RoomKit({ logger: silentLogger });
  const web = new WebSocketChannel('web', { echo: true });
  kit.registerChannel(web);
  kit.registerChannel(new WebSocketChannel('desk'));
  await kit.createRoom({ roomId: 'r' });
  for (const channelId of ['web', 'desk']) await kit.attachChannel('r', channelId);
  const server = await serve(kit, { port: 0, ...options });
  opened.push(kit, server);
  return { kit, web, server, tokenOf: async (participantId) => (await server.mintClientToken({ ...ADA, participantId })).token };
}

/** A caller without manners: bytes out, bytes in. */
class RawCaller {
  text = '';
  readonly ended: Promise<string>;
  readonly #waiting = new Set<() => void>();

  constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      for (const look of [...this.#waiting]) look();
    });
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(this.text)));
    opened.push({ close: () => socket.destroy() });
  }

  static to(server: RoomKitServer): RawCaller {
    return new RawCaller(connect(server.port, '127.0.0.1'));
  }

  /** An upgraded socket, from where on the caller makes its own frames. */
  static async upgraded(server: RoomKitServer, headers: Record<string, string> = {}): Promise<RawCaller> {
    const caller = RawCaller.to(server);
    caller.upgrade(headers);
    await caller.until('\r\n\r\n');
    return caller;
  }

  upgrade(headers: Record<string, string> = {}): void {
    this.say(
      [
        'GET /ws HTTP/1.1',
        'Host: 127.0.0.1',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol: roomkit.v1',
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        '\r\n',
      ].join('\r\n'),
    );
  }

  say(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  until(words: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!this.text.includes(words)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      void this.ended.then((text) => reject(new Error(`The line ended without ${JSON.stringify(words)}: ${JSON.stringify(text)}`)));
      look();
    });
  }
}

/** The server is well: a newcomer is let in, speaks and hears. */
async function isWell({ server, tokenOf }: Served): Promise<void> {
  const peer = await WirePeer.connect(server.url, await tokenOf('well'));
  await peer.subscribe('r');
  const id = `well-${Math.random()}`;
  expect(await peer.send('r', 'Hello', id)).toMatchObject({ type: 'ack', id });
  peer.close();
  await peer.ended;
}

const KNOWN_ANSWERS = new Set([
  'welcome',
  'subscribed',
  'unsubscribed',
  'event',
  'ack',
  'event_changed',
  'event_removed',
  'resync',
  'ephemeral',
  'pong',
  'error',
]);
const KNOWN_CODES = new Set([
  'invalid',
  'unknown_type',
  'unauthenticated',
  'token_expired',
  'forbidden',
  'room_not_found',
  'room_closed',
  'too_large',
  'rate_limited',
  'busy',
]);

describe('frames without sense', () => {
  it('at any moment get an answer of the protocol or an end of the protocol, and harm nobody', { timeout: 60_000 }, async () => {
    verifies('WIRE-03', 'WIRE-13', 'WIRE-14', 'WS-08');
    const served = await start({ limits: { maxWaitingPerAddress: 1000, failedAuthenticationsPerMinute: 100_000 } });
    const { server, web, kit, tokenOf } = served;
    const token = await tokenOf('fuzz');
    const id = fc.oneof(fc.constantFrom('a', 'b', 'c', '', 'x'.repeat(65), 'a\u0000b'), fc.jsonValue());
    const roomId = fc.oneof(
      { weight: 4, arbitrary: fc.constant('r') },
      { weight: 1, arbitrary: fc.constantFrom('nowhere', '*', '', '__proto__') },
      fc.jsonValue(),
    );
    const content = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.record({ type: fc.constant('text'), body: fc.oneof(fc.string(), fc.jsonValue()) }),
      fc.record({
        type: fc.constantFrom('edit', 'delete', 'composite', 'system', 'rich', 'media', 'location', 'poem'),
        targetEventId: fc.jsonValue(),
        parts: fc.jsonValue(),
      }),
      fc.jsonValue(),
    );
    const frame = fc.record(
      {
        type: fc.oneof(
          {
            weight: 8,
            arbitrary: fc.constantFrom('hello', 'subscribe', 'unsubscribe', 'send', 'typing', 'receipt', 'reaction', 'presence', 'ping', 'dance'),
          },
          { weight: 1, arbitrary: fc.jsonValue() },
        ),
        id,
        roomId,
        content,
        version: fc.constantFrom(1, 2, 'one'),
        token: fc.constantFrom(token, `${token}x`, '', 7),
        afterIndex: fc.oneof(fc.integer({ min: -3, max: 9 }), fc.constantFrom(1e300, null, '0')),
        on: fc.oneof(fc.boolean(), fc.jsonValue()),
        eventId: fc.jsonValue(),
        emoji: fc.string(),
        status: fc.string(),
        metadata: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
        t: fc.oneof(fc.double(), fc.string()),
      },
      { requiredKeys: ['type'] },
    );
    const message = fc.oneof(
      { weight: 6, arbitrary: frame.map((given) => JSON.stringify(given)) },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string() },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 200 }).map((levels) => `{"type":"ping","x":${'['.repeat(levels * 20)}`) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
    );
    const hello = JSON.stringify({ type: 'hello', version: 1, token });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(message, { minLength: 1, maxLength: 30 }), fc.boolean(), async (isPolite, messages, breaksOff) => {
        const peer = await WirePeer.open(server.url);
        if (isPolite) {
          peer.says(hello);
          await peer.frame(({ type }) => type === 'welcome');
        }
        for (const one of messages) peer.socket.send(one);
        if (breaksOff) peer.socket.terminate();
        else peer.close();
        const { code, reason } = await peer.ended;
        expect([1000, 1003, 1006, 1008], `${code} ${reason}`).toContain(code);
        if (code === 1006) expect(breaksOff).toBe(true);
        for (const answer of peer.frames) {
          expect(KNOWN_ANSWERS, JSON.stringify(answer)).toContain(answer['type']);
          if (answer['type'] === 'error') expect(KNOWN_CODES, JSON.stringify(answer)).toContain(answer['code']);
        }
      }),
      { numRuns: 150 },
    );
    await isWell(served);
    // What got through is what a client may say, said by nobody else.
    const timeline = await kit.getTimeline('r', { limit: 1000 });
    expect(timeline.map(({ index }) => index)).toEqual(timeline.map((_, position) => position));
    for (const event of timeline.slice(2)) expect(['fuzz', 'well']).toContain(event.source.participantId);
    await server.close();
    expect(web.connectionCount()).toBe(0);
  });

  it.each([
    ['bytes that are no HTTP', 'HELO mail.example\r\n\r\n', '400'],
    ['two lengths', 'POST /api/rooms HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '400'],
    ['a header without end', `GET /healthz HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431'],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', '400'],
    ['an upgrade to something else', 'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', '400'],
    [
      'an upgrade without key',
      'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: roomkit.v1\r\n\r\n',
      '400',
    ],
    [
      'an upgrade for another address',
      'GET http://evil.example/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      '400',
    ],
  ])('as a request: %s', async (_what, bytes, status) => {
    const served = await start();
    const caller = RawCaller.to(served.server);
    caller.say(bytes);
    await caller.until(`HTTP/1.1 ${status}`);
    caller.socket.end();
    await caller.ended;
    await isWell(served);
  });

  it.each([
    ['without a mask', [0x81, 0x02, 0x7b, 0x7d]],
    ['with reserved bits', [0xf1, 0x80, 0, 0, 0, 0]],
    ['of an unknown kind', [0x8b, 0x80, 0, 0, 0, 0]],
    ['that go on without a beginning', [0x80, 0x81, 0, 0, 0, 0, 0x7b]],
    ['that announce an exabyte', [0x81, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['that announce two mebibytes', [0x81, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0]],
    ['with a ping of a kilobyte', [0x89, 0xfe, 4, 0, 0, 0, 0, 0]],
    ['that are no UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
  ])('on a socket: frames %s', async (_what, bytes) => {
    verifies('WS-08', 'WIRE-03');
    const served = await start();
    const caller = await RawCaller.upgraded(served.server);
    caller.say(new Uint8Array(bytes));
    caller.socket.end();
    await caller.ended;
    await isWell(served);
    await served.server.close();
  });
});

describe('upgrades that come to nothing', () => {
  it('give back their place among those who wait for their hello', async () => {
    verifies('WIRE-02');
    const served = await start();
    for (let n = 0; n < 25; n++) {
      const caller = RawCaller.to(served.server);
      // Admitted, and then refused for its key.
      caller.say(
        'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: roomkit.v1\r\n\r\n',
      );
      expect(await caller.ended).toContain('HTTP/1.1 400');
    }
    await isWell(served);
  });
});

describe('callers who take their time', () => {
  it('cannot hold more than a thousand places before their hello, nor longer than five seconds', { timeout: 60_000 }, async () => {
    verifies('WIRE-02', 'WS-08');
    const { kit, clock } = await openKit();
    const server = await serve(kit, { port: 0, trustedProxies: ['127.0.0.1'] });
    opened.push(kit, server);
    const web = kit.getChannel('web') as WebSocketChannel;
    const callers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => RawCaller.upgraded(server, { 'X-Forwarded-For': `10.0.${n >> 8}.${n & 255}` })),
    );
    const late = RawCaller.to(server);
    late.upgrade({ 'X-Forwarded-For': '10.9.9.9' });
    await late.until('HTTP/1.1 503');
    expect(web.connectionCount()).toBe(0);
    await clock.advance(5000);
    // The reason of each close, in its close frame.
    for (const { ended } of callers) expect(await ended).toContain('hello_timeout');
    const next = await RawCaller.upgraded(server, { 'X-Forwarded-For': '10.9.9.9' });
    expect(next.text).toContain('101 Switching Protocols');
  });

  it('with a body are answered when its time is over, and hold no connection', async () => {
    verifies('AUTH-13');
    const { kit, clock } = await openKit();
    const server = await serve(kit, { port: 0 });
    opened.push(kit, server);
    const caller = RawCaller.to(server);
    caller.say('POST /api/rooms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
    await turns(() => clock.pendingTimers > 1);
    await clock.advance(30_000);
    await caller.until('body_timeout');
    expect(caller.text).toContain('HTTP/1.1 408');
    await caller.ended;
  });

  it('without a word are hung up on', async () => {
    verifies('AUTH-13');
    const { server } = await start({ limits: { headersSeconds: 0.05 } });
    const caller = RawCaller.to(server);
    await caller.ended;
  });
});

describe('readers who do not keep up', () => {
  /** More than a connection may have waiting. */
  const flood = async (kit: RoomKit, quick: WirePeer): Promise<number> => {
    const body = 'x'.repeat(500_000);
    let last = 0;
    for (let n = 0; n < 60; n++) {
      last = (await kit.sendEvent('r', 'desk', body, { wait: 'commit' })).index;
      await quick.frame((frame) => frame['type'] === 'event' && (frame['event'] as { index: number }).index === last);
    }
    return last;
  };

  it('over a socket are dropped with 1013, delay nobody, and find everything when they come again', { timeout: 60_000 }, async () => {
    verifies('WS-04', 'WIRE-13', 'WIRE-08');
    const served = await start();
    const { server, kit, web, tokenOf } = served;
    const slow = await WirePeer.connect(server.url, await tokenOf('slow'));
    const quick = await WirePeer.connect(server.url, await tokenOf('quick'));
    for (const peer of [slow, quick]) await peer.subscribe('r', 1);
    slow.socket.pause();
    const last = await flood(kit, quick);
    await turns(() => web.connectionCount() === 1);
    slow.socket.resume();
    const { code } = await slow.ended;
    expect([1013, 1006]).toContain(code); // the close frame waits behind what was not read; after two seconds the line is cut
    const seen = slow.indexes();
    const again = await WirePeer.connect(server.url, await tokenOf('slow'));
    await again.subscribe('r', seen.at(-1) ?? 1);
    await again.frame((frame) => frame['type'] === 'event' && (frame['event'] as { index: number }).index === last);
    expect([...seen, ...again.indexes()]).toEqual(quick.indexes());
    // The host's view holds back likewise.
    const host = await WirePeer.connect(server.url);
    await host.subscribe('r', 1);
    await host.frame((frame) => frame['type'] === 'event' && (frame['event'] as { index: number }).index === last);
    expect(host.indexes()).toEqual(quick.indexes());
    for (const peer of [quick, again, host]) peer.close();
  });

  it('of an event stream are dropped, with what waits for them', { timeout: 60_000 }, async () => {
    verifies('WS-04', 'WIRE-13');
    const served = await start();
    const { server, kit, web, tokenOf } = served;
    const quick = await WirePeer.connect(server.url, await tokenOf('quick'));
    await quick.subscribe('r', 1);
    const caller = RawCaller.to(server);
    caller.say(`GET /api/rooms/r/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${await tokenOf('slow')}\r\n\r\n`);
    await caller.until('subscribed');
    caller.socket.pause();
    await flood(kit, quick);
    await turns(() => web.connectionCount() === 1);
    quick.close();
    caller.socket.resume();
    await caller.until('\r\n0\r\n\r\n'); // the body ends; the reader may come again with Last-Event-ID
    caller.socket.end();
    const read = await caller.ended;
    expect(read.length).toBeLessThan(20_000_000);
    await isWell(served);
  });
});

describe('two servers on one kit', () => {
  it('serve the same room, and each closes alone, with all that is its own', async () => {
    verifies('KIT-04', 'WIRE-13');
    const before = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
    const served = await start();
    const { kit, server, web, tokenOf } = served;
    const second = await serve(kit, { port: 0 });
    opened.push(second);
    expect(second.port).not.toBe(server.port);
    const ann = await WirePeer.connect(server.url, await tokenOf('ann'));
    const bob = await WirePeer.connect(second.url, (await second.mintClientToken({ ...ADA, participantId: 'bob' })).token);
    for (const peer of [ann, bob]) await peer.subscribe('r');
    await ann.send('r', 'Hello Bob');
    await bob.frame(({ type }) => type === 'event');
    expect(bob.texts()).toEqual(['Hello Bob']);
    // A token of one is none of the other's.
    const stranger = await WirePeer.open(second.url);
    stranger.says({ type: 'hello', version: 1, token: await tokenOf('ann') });
    expect(await stranger.ended).toEqual({ code: 1008, reason: 'unauthenticated' });
    await Promise.all([second.close(), second.close()]);
    await second.close();
    expect(await bob.ended).toEqual({ code: 1012, reason: 'closing' });
    expect(await ann.send('r', 'Still here')).toMatchObject({ type: 'ack' });
    await server.close();
    expect(await ann.ended).toEqual({ code: 1012, reason: 'closing' });
    expect(web.connectionCount()).toBe(0);
    await kit.close();
    await turns(() => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length <= before);
  });
});

/** Lets the network do its work until something is so. */
async function turns(isSo: () => boolean): Promise<void> {
  const patience = performance.now() + 10_000;
  while (!isSo() && performance.now() < patience) await new Promise((resolve) => setImmediate(resolve));
  expect(isSo()).toBe(true);
}
