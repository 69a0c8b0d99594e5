/** Sockets without a network: what happens before the welcome, and what time does, on the test clock. */
import { describe, expect, it } from 'vitest';
import type { RoomKit } from 'roomkit';
import { verifies } from '../requirements.js';
import { serverParts, type HandlerOptions } from '../../src/server/parts.js';
import type { Peer } from '../../src/server/auth/address.js';
import type { ClientTokens, ClientTokenOptions } from '../../src/server/auth/client-tokens.js';
import type { SocketSession } from '../../src/server/socket-session.js';
import { Sockets } from '../../src/server/sockets.js';
import type { TestClock } from '../../src/testing/test-clock.js';
import { ADA, openKit, SECRET, tokensFor } from './served-kit.js';

const FAR: Peer = { address: '203.0.113.9' };

/** The other end of a socket that is not there. */
class FakeSocket {
  readonly frames: Record<string, unknown>[] = [];
  readonly pings: number[] = [];
  closed: { code: number; reason: string } | undefined;
  terminated = false;
  session: SocketSession | undefined;

  send = (text: string): void => void this.frames.push(JSON.parse(text) as Record<string, unknown>);
  close = (code: number, reason: string): void => void (this.closed ??= { code, reason });
  terminate = (): void => void (this.terminated = true);
  ping = (): void => void this.pings.push(this.pings.length);
  bufferedBytes = (): number => 0;

  /** Sends a frame as a client would. */
  says(frame: unknown, isBinary = false): void {
    this.session?.onMessage(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), isBinary);
  }

  types(): unknown[] {
    return this.frames.map(({ type }) => type);
  }
}

class Setup {
  private constructor(
    readonly kit: RoomKit,
    readonly clock: TestClock,
    readonly sockets: Sockets,
    readonly tokens: ClientTokens,
  ) {}

  static async open(options: HandlerOptions = {}): Promise<Setup> {
    const { kit, clock } = await openKit();
    const parts = serverParts(kit, { clientTokens: { secrets: [SECRET] }, ...options }, false, new AbortController().signal);
    return new Setup(kit, clock, new Sockets(parts), tokensFor(clock));
  }

  async upgrade(options: { peer?: Peer; headers?: Record<string, string> } = {}): Promise<FakeSocket> {
    const request = new Request('http://server.test/ws', { headers: { 'sec-websocket-protocol': 'roomkit.v1', ...options.headers } });
    const admission = await this.sockets.admit(request, options.peer ?? FAR);
    const socket = new FakeSocket();
    socket.session = this.sockets.open(socket, admission);
    return socket;
  }

  /** A socket that was welcomed with a token. */
  async connect(token: Partial<ClientTokenOptions> = {}): Promise<FakeSocket> {
    const socket = await this.upgrade();
    await this.hello(socket, token);
    expect(socket.types()).toEqual(['welcome']);
    return socket;
  }

  async hello(socket: FakeSocket, token: Partial<ClientTokenOptions> = {}): Promise<void> {
    socket.says({ type: 'hello', version: 1, token: (await this.tokens.mint({ ...ADA, ...token })).token });
    await until(() => socket.frames.length > 0 || socket.closed !== undefined);
  }
}

/** Lets what runs on worker threads (signatures) come back. */
async function until(isSo: () => boolean): Promise<void> {
  const patience = performance.now() + 5000;
  while (!isSo() && performance.now() < patience) await new Promise((resolve) => setImmediate(resolve));
  expect(isSo()).toBe(true);
}

describe('an upgrade', () => {
  it('is for the subprotocol both know', async () => {
    verifies('WIRE-01');
    const setup = await Setup.open();
    for (const protocol of ['', 'roomkit.v2', 'chat, graphql-ws']) {
      await expect(setup.upgrade({ headers: { 'sec-websocket-protocol': protocol } }), protocol).rejects.toMatchObject({ code: 'invalid' });
    }
    expect(await setup.upgrade({ headers: { 'sec-websocket-protocol': 'roomkit.v9, roomkit.v1' } })).toBeDefined();
    expect(setup.sockets.waiting).toBe(1);
  });

  it('by a foreign page, or with a credential that is wrong or in the address, does not happen', async () => {
    verifies('WS-08', 'AUTH-08', 'AUTH-06');
    const setup = await Setup.open();
    await expect(setup.upgrade({ headers: { origin: 'https://evil.example' } })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(setup.upgrade({ headers: { authorization: 'Bearer rkc1.e30.AAAA' } })).rejects.toMatchObject({ code: 'unauthenticated' });
    const { token } = await setup.tokens.mint(ADA);
    const request = new Request(`http://server.test/ws?token=${token}`, { headers: { 'sec-websocket-protocol': 'roomkit.v1' } });
    await expect(setup.sockets.admit(request, FAR)).rejects.toMatchObject({ code: 'invalid' });
    expect([setup.sockets.waiting, setup.sockets.size]).toEqual([0, 0]);
  });

  it('is refused when too many wait for their hello, from one address or at all', async () => {
    verifies('WIRE-02', 'WS-08');
    const setup = await Setup.open();
    const sockets: FakeSocket[] = [];
    for (let n = 0; n < 20; n++) sockets.push(await setup.upgrade());
    await expect(setup.upgrade()).rejects.toMatchObject({ code: 'rate_limited' });
    for (let n = 20; n < 1000; n++) await setup.upgrade({ peer: { address: `10.0.${n >> 8}.${n & 255}` } });
    await expect(setup.upgrade({ peer: { address: '10.9.9.9' } })).rejects.toMatchObject({ code: 'not_ready' });
    // A welcome, a close and time each give the place back.
    await setup.hello(sockets[0] as FakeSocket);
    sockets[1]?.session?.onClose();
    expect(setup.sockets.waiting).toBe(998);
    await setup.upgrade();
    await setup.clock.advance(5000);
    expect([setup.sockets.waiting, setup.sockets.size]).toEqual([0, 1]);
  });

  it('counts from before its authentication on, so that slow ones do not pile up', async () => {
    verifies('WIRE-02');
    const setup = await Setup.open({ authenticate: () => new Promise(() => undefined) });
    const waiting = Array.from({ length: 20 }, () => setup.upgrade().catch((error: { code: string }) => error.code));
    await expect(setup.upgrade()).rejects.toMatchObject({ code: 'rate_limited' });
    await setup.clock.advance(10_000);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['auth_unavailable']));
    expect(setup.sockets.waiting).toBe(0);
  });
});

describe('before the welcome', () => {
  it('a socket that does not say hello within five seconds is closed', async () => {
    verifies('WIRE-02', 'WIRE-13');
    const setup = await Setup.open();
    const socket = await setup.upgrade();
    await setup.clock.advance(4999);
    expect(socket.closed).toBeUndefined();
    await setup.clock.advance(1);
    expect(socket.closed).toEqual({ code: 1008, reason: 'hello_timeout' });
  });

  it('a hello is small, whether in one message or in bytes that never become one', async () => {
    verifies('WIRE-02');
    const setup = await Setup.open();
    const large = await setup.upgrade();
    large.says({ type: 'hello', version: 1, token: 'x'.repeat(8192) });
    expect(large.closed).toEqual({ code: 1008, reason: 'hello_timeout' });
    const slow = await setup.upgrade();
    for (let n = 0; n < 8; n++) slow.session?.onBytes(1024);
    expect(slow.closed).toBeUndefined();
    slow.session?.onBytes(1024);
    expect(slow.closed).toEqual({ code: 1008, reason: 'hello_timeout' });
  });

  it('nothing else is listened to', async () => {
    verifies('WIRE-02', 'WIRE-13');
    const setup = await Setup.open();
    const frames = [
      { type: 'subscribe', id: '1', roomId: 'acme-1' },
      { type: 'send', id: '1', roomId: 'acme-1', content: 'Hi' },
      { type: 'ping', t: 1 },
      { type: 'auth', token: 'x' },
      'no json',
      '[]',
      '{}',
      { type: 'hello', version: 1 },
      { type: 'hello', version: 1, token: 'rkc1.e30.AAAA' },
    ];
    for (const [n, frame] of frames.entries()) {
      const socket = await setup.upgrade({ peer: { address: `10.0.0.${n}` } });
      socket.says(frame);
      await until(() => socket.closed !== undefined);
      expect([socket.closed, socket.frames], JSON.stringify(frame)).toEqual([{ code: 1008, reason: 'unauthenticated' }, []]);
    }
    const early = await setup.upgrade();
    early.says({ type: 'hello', version: 1, token: (await setup.tokens.mint(ADA)).token });
    early.says({ type: 'subscribe', id: '1', roomId: 'acme-1' });
    expect(early.closed).toEqual({ code: 1008, reason: 'unauthenticated' });
    const twice = await setup.upgrade();
    const { token } = await setup.tokens.mint(ADA);
    for (let n = 0; n < 2; n++) twice.says({ type: 'hello', version: 1, token });
    expect(twice.closed).toEqual({ code: 1008, reason: 'unauthenticated' });
    const newer = await setup.upgrade();
    newer.says({ type: 'hello', version: 2, token: (await setup.tokens.mint(ADA)).token });
    expect(newer.closed?.code).toBe(1008);
    expect([setup.sockets.size, setup.sockets.waiting]).toEqual([0, 0]);
  });

  it("the token's end is told apart from a token that is none", async () => {
    verifies('WIRE-12', 'WIRE-13');
    const setup = await Setup.open();
    const { token } = await setup.tokens.mint({ ...ADA, ttlSeconds: 1 });
    await setup.clock.advance(1000);
    const socket = await setup.upgrade();
    socket.says({ type: 'hello', version: 1, token });
    await until(() => socket.closed !== undefined);
    expect(socket.closed).toEqual({ code: 1008, reason: 'token_expired' });
  });

  it('who guesses tokens is shut out for a while', async () => {
    verifies('AUTH-10');
    const setup = await Setup.open();
    for (let n = 0; n < 20; n++) {
      const socket = await setup.upgrade();
      socket.says({ type: 'hello', version: 1, token: `rkc1.e30.${n}` });
      await until(() => socket.closed !== undefined);
    }
    await expect(setup.upgrade()).rejects.toMatchObject({ code: 'rate_limited' });
  });
});

describe('the welcome', () => {
  it('says who the client is and what holds', async () => {
    verifies('WIRE-02');
    const setup = await Setup.open({ limits: { heartbeatSeconds: 10, maxFrameBytes: 1000 } });
    const socket = await setup.connect({ ttlSeconds: 300 });
    expect(socket.frames[0]).toEqual({
      type: 'welcome',
      version: 1,
      connectionId: expect.any(String),
      channelId: 'web',
      participantId: 'ada',
      expiresAt: '2026-01-01T00:05:00.000Z',
      limits: expect.objectContaining({ frameBytes: 1000, openSends: 100 }),
      heartbeatSeconds: 10,
    });
    expect(setup.sockets.waiting).toBe(0);
  });

  it('is told to the host, as is the end', async () => {
    verifies('WS-07');
    const setup = await Setup.open();
    const told: unknown[] = [];
    for (const type of ['channel_connected', 'channel_disconnected'] as const)
      setup.kit.on(type, (event) => void told.push([type, event.channelId, event.data['connection_id']]));
    const socket = await setup.connect();
    const id = socket.frames[0]?.['connectionId'];
    await until(() => told.length === 1);
    socket.session?.onClose();
    await until(() => told.length === 2);
    expect(told).toEqual([
      ['channel_connected', 'web', id],
      ['channel_disconnected', 'web', id],
    ]);
  });

  it('needs no token from who showed a credential at the upgrade, but a token counts more', async () => {
    verifies('WIRE-02', 'WIRE-15', 'AUTH-01');
    let asked = 0;
    const setup = await Setup.open({
      authenticate: (request) => (asked++, request.headers.get('cookie') === 's=1' ? { id: 'ops', kind: 'service', scopes: ['operate'] } : null),
    });
    const host = await setup.upgrade({ headers: { cookie: 's=1' } });
    host.says({ type: 'hello', version: 1 });
    await until(() => host.frames.length > 0);
    expect(host.frames[0]).toMatchObject({ type: 'welcome' });
    expect(host.frames[0]).not.toHaveProperty('participantId');
    const client = await setup.upgrade({ headers: { cookie: 's=1' } });
    await setup.hello(client);
    expect(client.frames[0]).toMatchObject({ participantId: 'ada' });
    expect(asked).toBe(2); // once per socket
  });

  it('shows an operator of one organization what becomes of its events, and nothing of others', async () => {
    verifies('WIRE-15', 'AUTH-09', 'PERM-09');
    const setup = await Setup.open({ authenticate: () => ({ id: 'ops', kind: 'service', scopes: ['operate'], organizationId: 'acme' }) });
    const host = await setup.upgrade();
    host.says({ type: 'hello', version: 1 });
    await until(() => host.frames.length > 0);
    for (const roomId of ['acme-1', 'globex-1', '*']) host.says({ type: 'subscribe', id: roomId, roomId });
    await until(() => host.frames.length === 4);
    expect(host.frames.slice(1).map(({ type, id }) => [type, id])).toEqual([
      ['subscribed', 'acme-1'],
      ['error', 'globex-1'],
      ['subscribed', '*'],
    ]);
    const ours = await setup.kit.sendEvent('acme-1', 'desk', 'Helo');
    const theirs = await setup.kit.sendEvent('globex-1', 'desk', 'Helo');
    await setup.kit.updateEvent('acme-1', ours.id, { content: 'Hello' });
    await setup.kit.updateEvent('globex-1', theirs.id, { content: 'Hello' });
    await setup.clock.advance(250);
    await until(() => host.types().includes('room'));
    expect(host.frames.flatMap(({ type, event }) => (type === 'event_changed' ? [(event as { content: unknown }).content] : []))).toContainEqual({
      type: 'text',
      body: 'Hello',
    });
    expect(JSON.stringify(host.frames.slice(4))).not.toContain('globex');
  });

  it("is not for services without operate, for tokens that may not read, or for channels that are no sockets'", async () => {
    verifies('AUTH-02');
    const setup = await Setup.open({ authenticate: () => ({ id: 'ops', kind: 'service', scopes: ['read', 'write'] }) });
    const service = await setup.upgrade();
    service.says({ type: 'hello', version: 1 });
    const blind = await setup.upgrade();
    await setup.hello(blind, { scopes: ['write'] });
    const lost = await setup.upgrade();
    await setup.hello(lost, { channelId: 'sms' });
    for (const socket of [service, blind, lost]) expect(socket.closed).toEqual({ code: 1008, reason: 'forbidden' });
  });
});

describe('frames', () => {
  it('that are binary end the connection, before and after the welcome', async () => {
    verifies('WIRE-03', 'WIRE-13');
    const setup = await Setup.open();
    const waiting = await setup.upgrade();
    waiting.says('x', true);
    const open = await setup.connect();
    open.says('{"type":"ping","t":1}', true);
    for (const socket of [waiting, open]) expect(socket.closed?.code).toBe(1003);
  });

  it('that are too large are refused unread, and ten of them end the connection', async () => {
    verifies('WIRE-03', 'CON-13');
    const setup = await Setup.open();
    const socket = await setup.connect();
    const large = {
      byteLength: 64 * 1024 + 1,
      toString: (): string => {
        throw new Error('read');
      },
    };
    socket.session?.onMessage(large, false);
    expect(socket.frames.at(-1)).toMatchObject({ type: 'error', code: 'too_large', retryable: false });
    socket.says({ type: 'ping', t: 7 });
    expect(socket.frames.at(-1)).toEqual({ type: 'pong', t: 7 });
    for (let n = 0; n < 8; n++) socket.session?.onMessage(large, false);
    expect(socket.closed).toBeUndefined();
    socket.session?.onMessage(large, false);
    expect(socket.closed).toEqual({ code: 1008, reason: 'too_large' });
  });

  it('of people who were shown out find no room', async () => {
    verifies('AUTH-05', 'WIRE-12');
    const setup = await Setup.open();
    const ada = await setup.kit.ensureParticipant('acme-1', 'web', 'ada');
    const socket = await setup.connect({ rooms: ['acme-1', 'acme-2'] });
    socket.says({ type: 'subscribe', id: 's1', roomId: 'acme-1' });
    await until(() => socket.types().includes('subscribed'));
    socket.says({ type: 'send', id: 'm1', roomId: 'acme-1', content: 'Hello' });
    await until(() => socket.types().includes('ack'));
    await setup.kit.store.putParticipant({ ...ada, status: 'banned' });
    socket.says({ type: 'send', id: 'm2', roomId: 'acme-1', content: 'Still here' });
    await until(() => socket.types().includes('error'));
    expect(socket.frames.find(({ type }) => type === 'error')).toMatchObject({ code: 'room_not_found' });
    expect((await setup.kit.getTimeline('acme-1')).some(({ content }) => content.type === 'text' && content.body === 'Still here')).toBe(false);
    expect(socket.closed).toBeUndefined();
    socket.says({ type: 'subscribe', id: 's2', roomId: 'acme-2' });
    await until(() => socket.frames.some(({ id, type }) => id === 's2' && type === 'subscribed'));
  });

  it('of others do not reach them from the next event on', async () => {
    verifies('AUTH-05', 'WIRE-12');
    const setup = await Setup.open();
    const ada = await setup.kit.ensureParticipant('acme-1', 'web', 'ada');
    const [shownOut, stays] = [await setup.connect(), await setup.connect({ participantId: 'bob' })];
    for (const socket of [shownOut, stays]) {
      socket.says({ type: 'subscribe', id: 's', roomId: 'acme-1' });
      await until(() => socket.types().includes('subscribed'));
    }
    await setup.kit.sendEvent('acme-1', 'desk', 'for both');
    await setup.kit.store.putParticipant({ ...ada, status: 'banned' });
    await setup.kit.sendEvent('acme-1', 'desk', 'for one');
    expect(shownOut.types()).toEqual(['welcome', 'subscribed', 'event', 'error']);
    expect(shownOut.frames.at(-1)).toMatchObject({ code: 'room_not_found', roomId: 'acme-1' });
    expect(stays.types()).toEqual(['welcome', 'subscribed', 'event', 'event']);
  });

  it('do not even reach those people who only listen, once the heartbeat has come round', async () => {
    verifies('WIRE-12');
    const setup = await Setup.open();
    const ada = await setup.kit.ensureParticipant('acme-1', 'web', 'ada');
    const socket = await setup.connect({ rooms: ['acme-1', 'acme-2'] });
    for (const roomId of ['acme-1', 'acme-2']) socket.says({ type: 'subscribe', id: roomId, roomId });
    await until(() => socket.types().filter((type) => type === 'subscribed').length === 2);
    await setup.kit.store.putParticipant({ ...ada, status: 'banned' });
    await setup.clock.advance(25_000);
    socket.session?.onPong();
    expect(socket.frames.filter(({ type }) => type === 'error')).toEqual([expect.objectContaining({ code: 'room_not_found', roomId: 'acme-1' })]);
    await setup.kit.sendEvent('acme-1', 'desk', 'not for ada');
    await setup.kit.sendEvent('acme-2', 'desk', 'for ada');
    await until(() => socket.types().includes('event'));
    expect(socket.frames.filter(({ type }) => type === 'event').map(({ roomId }) => roomId)).toEqual(['acme-2']);
  });

  it('for rooms outside the token, of other organizations, or that do not exist get one answer', async () => {
    verifies('AUTH-09', 'AUTH-03', 'WS-08');
    const setup = await Setup.open();
    const socket = await setup.connect({ rooms: ['acme-1', 'globex-1', 'gone'] });
    for (const roomId of ['acme-2', 'globex-1', 'gone', '*']) {
      socket.says({ type: 'subscribe', id: roomId, roomId });
      await until(() => socket.frames.some(({ id }) => id === roomId));
      expect(socket.frames.at(-1), roomId).toMatchObject({ type: 'error', id: roomId, code: 'room_not_found' });
      socket.says({ type: 'send', id: `m-${roomId}`, roomId, content: 'Hello' });
      await until(() => socket.frames.some(({ id }) => id === `m-${roomId}`));
      expect(socket.frames.at(-1), roomId).toMatchObject({ type: 'error', id: `m-${roomId}`, code: 'room_not_found' });
    }
    for (const roomId of ['acme-2', 'globex-1'])
      expect((await setup.kit.getTimeline(roomId)).every(({ type }) => type === 'channel_attached')).toBe(true);
    expect(await setup.kit.store.getRoom('gone')).toBeNull();
  });
});

describe('a token', () => {
  it('is about to expire a minute before it does, and then the connection ends', async () => {
    verifies('WIRE-12', 'WIRE-13');
    const setup = await Setup.open();
    const socket = await setup.connect({ ttlSeconds: 300 });
    const live = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 20_000) {
        await setup.clock.advance(Math.min(left, 20_000));
        socket.session?.onPong();
      }
    };
    await live(239_999);
    expect(socket.types()).toEqual(['welcome']);
    await setup.clock.advance(1);
    expect(socket.frames.at(-1)).toEqual({ type: 'token_expiring', expiresAt: '2026-01-01T00:05:00.000Z' });
    await live(59_000);
    expect(socket.closed).toBeUndefined();
    await setup.clock.advance(1000);
    expect(socket.closed).toEqual({ code: 1008, reason: 'token_expired' });
  });

  it('holds from the frame after its renewal on', async () => {
    verifies('WIRE-12');
    const setup = await Setup.open();
    const socket = await setup.connect({ rooms: ['acme-1'] });
    const { token } = await setup.tokens.mint({ ...ADA, rooms: ['acme-1', 'acme-2'] });
    socket.says({ type: 'auth', token });
    socket.says({ type: 'subscribe', id: 's', roomId: 'acme-2' });
    await until(() => socket.frames.length > 1);
    expect(socket.frames[1]).toMatchObject({ type: 'subscribed', id: 's', roomId: 'acme-2' });
  });

  it('is renewed for the same person only', async () => {
    verifies('WIRE-12');
    const setup = await Setup.open();
    const socket = await setup.connect({ rooms: ['acme-1', 'acme-2'], ttlSeconds: 100 });
    for (const roomId of ['acme-1', 'acme-2']) socket.says({ type: 'subscribe', id: roomId, roomId });
    await until(() => socket.types().filter((type) => type === 'subscribed').length === 2);
    socket.says({ type: 'auth', token: (await setup.tokens.mint({ ...ADA, rooms: ['acme-1'], ttlSeconds: 600 })).token });
    await until(() => socket.frames.some(({ type, roomId }) => type === 'error' && roomId === 'acme-2'));
    await setup.clock.advance(24_000);
    socket.session?.onPong();
    expect(socket.frames.some(({ type }) => type === 'token_expiring')).toBe(false);
    socket.says({ type: 'subscribe', id: 'again', roomId: 'acme-2' });
    await until(() => socket.frames.at(-1)?.['id'] === 'again');
    expect(socket.frames.at(-1)).toMatchObject({ type: 'error', code: 'room_not_found' });
    expect(socket.closed).toBeUndefined();

    for (const other of [{ participantId: 'bob' }, { channelId: 'desk' }, { organizationId: 'globex' }]) {
      const stolen = await setup.connect();
      stolen.says({ type: 'auth', token: (await setup.tokens.mint({ ...ADA, ...other })).token });
      await until(() => stolen.closed !== undefined);
      expect(stolen.closed, JSON.stringify(other)).toEqual({ code: 1008, reason: 'unauthenticated' });
    }
    const forged = await setup.connect();
    forged.says({ type: 'auth', token: 'rkc1.e30.AAAA' });
    await until(() => forged.closed !== undefined);
    expect(forged.closed).toEqual({ code: 1008, reason: 'unauthenticated' });
  });
});

describe('the heartbeat', () => {
  it('drops who has not answered two pings, and nobody else', async () => {
    verifies('WIRE-11');
    const setup = await Setup.open();
    const silent = await setup.connect({ ttlSeconds: 3600 });
    const alive = await setup.connect({ ttlSeconds: 3600 });
    for (let n = 0; n < 2; n++) {
      await setup.clock.advance(25_000);
      alive.session?.onPong();
    }
    expect([silent.pings.length, silent.terminated]).toEqual([2, false]);
    await setup.clock.advance(25_000);
    expect([silent.terminated, alive.terminated, setup.sockets.size]).toEqual([true, false, 1]);
    // Any frame is a sign of life, too.
    for (let n = 0; n < 5; n++) {
      alive.says({ type: 'ping', t: n });
      await setup.clock.advance(25_000);
    }
    expect(alive.terminated).toBe(false);
  });
});

describe('closing', () => {
  it('says goodbye to who was welcomed, and ends every socket with 1012', async () => {
    verifies('WIRE-13');
    const setup = await Setup.open();
    const open = [await setup.connect(), await setup.connect()];
    const waiting = await setup.upgrade();
    setup.sockets.close();
    const goodbyes = open.map((socket) => socket.frames.at(-1) ?? {});
    for (const goodbye of goodbyes) expect(goodbye).toEqual({ type: 'goodbye', reason: 'closing', reconnectAfterMs: expect.any(Number) });
    expect(goodbyes[0]?.['reconnectAfterMs']).not.toBe(goodbyes[1]?.['reconnectAfterMs']);
    for (const socket of [...open, waiting]) expect(socket.closed).toEqual({ code: 1012, reason: 'closing' });
    expect(waiting.frames).toEqual([]);
    expect([setup.sockets.size, setup.sockets.waiting]).toEqual([0, 0]);
    await expect(setup.upgrade()).rejects.toMatchObject({ code: 'not_ready' });
  });

  it('leaves no timer and no connection behind', async () => {
    verifies('WIRE-13');
    const setup = await Setup.open();
    const before = setup.clock.pendingTimers;
    const sockets = [await setup.connect(), await setup.connect(), await setup.upgrade()];
    expect(setup.clock.pendingTimers).toBeGreaterThan(before);
    for (const socket of sockets) socket.session?.onClose();
    await setup.clock.advance(25_000);
    expect(setup.clock.pendingTimers).toBe(before);
  });
});
