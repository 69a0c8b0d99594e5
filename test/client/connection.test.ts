/** The client's connection against a server that the test plays: hello, life signs, tokens, and coming back. */
import { describe, expect, it } from 'vitest';
import { RoomKitClient, type ClientError, type WakeEvents } from 'roomkit/client';
import { verifies } from '../requirements.js';
import { Script } from './scripted.js';

/** How often the client has opened a socket. */
const tries = (script: Script): number => script.sockets.length;

describe('a client connects', () => {
  it('when it is first needed, offers its protocol, and shows its token in the first frame', async () => {
    verifies('WIRE-01', 'WIRE-02', 'AUTH-06');
    const script = new Script();
    await script.settle();
    expect([tries(script), script.client.status]).toEqual([0, 'idle']);
    script.client.room('room').subscribe(() => undefined);
    await script.settle();
    expect([script.socket.url, script.socket.protocol, script.client.status]).toEqual(['wss://chat.test/ws', 'roomkit.v1', 'connecting']);
    expect(script.socket.sent).toEqual([]);
    script.socket.open();
    expect(script.socket.sent).toEqual([{ type: 'hello', version: 1, token: 'token-1' }]);
    await script.welcome();
    expect(script.client.connection).toEqual({ status: 'open', participantId: 'ada', channelId: 'web' });
  });

  it('without a token when the server knows it otherwise, and without previews when it wants none', async () => {
    const script = new Script({ token: undefined, streams: false });
    await script.welcomed({ participantId: undefined, channelId: undefined });
    expect(script.socket.last('hello')).toEqual({ type: 'hello', version: 1, streams: false });
    expect(script.client.connection).toEqual({ status: 'open' });
  });

  it('only with options that can be', () => {
    const make = (options: object): string => {
      try {
        new RoomKitClient({ url: 'http://x', WebSocket: class {} as never, ...options });
        return 'made';
      } catch (error) {
        return (error as ClientError).message;
      }
    };
    expect(make({})).toBe('made');
    expect(make({ url: undefined })).toBe("url is undefined. Give the server's address, such as 'https://chat.example.com'.");
    expect(make({ url: 'chat.example.com' })).toContain('url is "chat.example.com"');
    expect(make({ token: 5 })).toBe('token is a number. Give a client token, or a function that fetches one.');
    expect(make({ maxQueuedSends: 0 })).toBe('maxQueuedSends is 0. Give a whole number above 0.');
    expect(make({ WebSocket: null })).toMatch(
      process.versions.node.startsWith('20') ? /There is no global WebSocket here.*import \{ WebSocket \} from 'ws'/ : /made/,
    );
    const client = new RoomKitClient({ url: 'http://x', WebSocket: class {} as never });
    expect(() => client.room('')).toThrow('Room id "" is none');
    expect(() => client.room('*')).toThrow('client.rooms');
  });

  it('not at all to an address that cannot be, and says so to whoever waits', async () => {
    const script = new Script({
      WebSocket: class {
        constructor() {
          throw new SyntaxError('bad url');
        }
      } as never,
    });
    await expect(script.client.connect()).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('wss://chat.test/ws') });
    expect(script.client.status).toBe('closed');
  });
});

describe('a client that lost its connection', () => {
  it('comes back after half a second, doubling to thirty, with a new token each time', async () => {
    verifies('WIRE-08');
    const script = new Script();
    void script.client.connect().catch(() => undefined);
    await script.settle();
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      script.socket.ends(1006);
      const { retryAt = NaN, status } = script.client.connection;
      expect(status).toBe('connecting');
      waits.push(retryAt - script.clock.now());
      const before = tries(script);
      await script.clock.advance(waits.at(-1)! - 1);
      expect(tries(script)).toBe(before);
      await script.clock.advance(1);
      expect(tries(script)).toBe(before + 1);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    script.socket.open();
    expect(script.socket.last('hello')).toMatchObject({ token: 'token-10' });
  });

  it('spreads its attempts, so that not all clients come at once', async () => {
    verifies('WIRE-08');
    const waits = [0, 0.5, 0.999].map(async (random) => {
      const script = new Script({ random: () => random });
      await script.welcomed();
      script.socket.ends(1006);
      return (script.client.connection.retryAt ?? NaN) - script.clock.now();
    });
    expect(await Promise.all(waits)).toEqual([375, 500, 625]);
  });

  it('is quick again after a connection that held, and slower after each that did not', async () => {
    const script = new Script();
    await script.welcomed();
    const next = async (heldMs: number): Promise<number> => {
      await script.clock.advance(heldMs);
      script.socket.ends(1006);
      expect(script.client.status).toBe('reconnecting');
      const wait = (script.client.connection.retryAt ?? NaN) - script.clock.now();
      await script.clock.advance(wait);
      await script.welcome();
      return wait;
    };
    expect([await next(100), await next(100), await next(100), await next(6000), await next(100)]).toEqual([500, 1000, 2000, 500, 1000]);
  });

  it('tries at once when the network or the page comes back', async () => {
    verifies('WIRE-08');
    const listeners = new Map<string, () => void>();
    const wakeEvents: WakeEvents = {
      addEventListener: (type, listener) => void listeners.set(type, listener),
      removeEventListener: (type) => void listeners.delete(type),
    };
    const script = new Script({ wakeEvents });
    await script.welcomed();
    for (const type of ['online', 'visibilitychange'] as const) {
      script.socket.ends(1006);
      const before = tries(script);
      listeners.get(type)?.();
      await script.settle();
      expect(tries(script)).toBe(before + 1);
      await script.welcome();
    }
    // A connection that was quiet is asked whether it lives, instead of being believed.
    await script.clock.advance(6000);
    expect(script.socket.of('ping')).toHaveLength(0);
    listeners.get('online')?.();
    expect(script.socket.of('ping')).toHaveLength(1);
    script.client.close();
    expect([...listeners.keys()]).toEqual([]);
  });

  it('stays away as long as the server asks when it says goodbye', async () => {
    verifies('WIRE-13');
    const script = new Script();
    await script.welcomed();
    script.socket.says({ type: 'goodbye', reason: 'closing', reconnectAfterMs: 1234 });
    script.socket.ends(1012, 'closing');
    expect((script.client.connection.retryAt ?? NaN) - script.clock.now()).toBe(1234);
    await script.clock.advance(1234);
    expect(tries(script)).toBe(2);
  });

  it('gives up an attempt that leads nowhere, whatever hangs in it', async () => {
    const hanging = new Script({ token: () => new Promise(() => undefined) });
    void hanging.client.connect().catch(() => undefined);
    await hanging.clock.advance(15_000);
    expect([tries(hanging), hanging.client.connection.error?.code, hanging.client.status]).toEqual([0, 'timeout', 'connecting']);

    const silent = new Script();
    void silent.client.connect().catch(() => undefined);
    await silent.settle();
    silent.socket.open();
    await silent.clock.advance(15_000);
    expect([silent.client.connection.error?.code, silent.socket.closedWith]).toEqual(['timeout', 'no code']);
    await silent.clock.advance(500);
    expect(tries(silent)).toBe(2);
    silent.sockets[0]?.says({ type: 'welcome' }); // too late: it is another attempt's socket
    expect(silent.client.status).toBe('connecting');
  });

  it('tries again when its token function fails, and tells of it', async () => {
    let failures = 2;
    const script = new Script({
      token: () => {
        if (failures-- > 0) throw new Error('no network');
        return 'fine';
      },
    });
    const connected = script.client.connect();
    await script.settle();
    expect(script.errors).toMatchObject([{ code: 'token_failed', message: 'The token function failed: no network', retryable: true }]);
    expect(script.client.connection.error).toBe(script.errors[0]);
    await script.clock.advance(1500);
    expect(tries(script)).toBe(1);
    await script.welcome();
    await connected;
  });

  it('does not take what a token function gives for a token unless it is one', async () => {
    const script = new Script({ token: () => undefined as never });
    void script.client.connect().catch(() => undefined);
    await script.settle();
    expect([tries(script), script.errors[0]?.message]).toEqual([0, 'The token function gave a undefined. Return the token as a string.']);
  });
});

describe('life signs', () => {
  it('are asked for after 35 seconds of silence; five more without an answer end the connection', async () => {
    verifies('WIRE-11');
    const script = new Script();
    await script.welcomed();
    await script.clock.advance(20_000);
    script.socket.says({ type: 'pong', t: 0 }); // any frame is a sign of life
    await script.clock.advance(34_999);
    expect(script.socket.of('ping')).toHaveLength(0);
    await script.clock.advance(1);
    expect(script.socket.of('ping')).toEqual([{ type: 'ping', t: 55_000 }]);
    script.socket.says({ type: 'pong', t: 55_000 });
    await script.clock.advance(34_999);
    expect(script.client.status).toBe('open');
    await script.clock.advance(1);
    expect(script.socket.of('ping')).toHaveLength(2);
    await script.clock.advance(4999);
    expect(script.client.status).toBe('open');
    await script.clock.advance(1);
    expect([script.client.status, script.client.connection.error?.message]).toEqual(['reconnecting', 'The server fell silent.']);
    // The socket is let go of at once: one that is half dead may take minutes to close.
    script.sockets[0]?.says({ type: 'pong', t: 1 });
    await script.clock.advance(500);
    expect(tries(script)).toBe(2);
  });
});

describe('tokens', () => {
  it('are renewed within the connection when they are about to end', async () => {
    verifies('WIRE-12');
    const script = new Script();
    await script.welcomed();
    await script.says({ type: 'token_expiring', expiresAt: '2026-01-01T00:01:00.000Z' });
    expect(script.socket.of('auth')).toEqual([{ type: 'auth', token: 'token-2' }]);
    expect(script.client.status).toBe('open');
  });

  it('are asked for again while their function fails', async () => {
    let count = 0;
    const script = new Script({
      token: () => {
        if (++count === 2) throw new Error('busy');
        return `token-${count}`;
      },
    });
    await script.welcomed();
    await script.says({ type: 'token_expiring', expiresAt: '2026-01-01T00:01:00.000Z' });
    expect([script.socket.of('auth').length, script.errors[0]?.code]).toEqual([0, 'token_failed']);
    await script.clock.advance(10_000);
    expect(script.socket.of('auth')).toEqual([{ type: 'auth', token: 'token-3' }]);
  });

  it('that are strings end the connection when they end, and the client says why', async () => {
    verifies('WIRE-13');
    const script = new Script({ token: 'given' });
    const room = script.client.room('room');
    await script.welcomed();
    await script.says({ type: 'token_expiring', expiresAt: '2026-01-01T00:01:00.000Z' });
    expect(script.socket.of('auth')).toEqual([]);
    const entered = room.enter();
    const sent = room.send('Too late');
    script.socket.ends(1008, 'token_expired');
    const why = { code: 'token_expired', message: expect.stringContaining('Give token as a function') };
    await expect(entered).rejects.toMatchObject(why);
    await expect(sent).rejects.toMatchObject(why);
    await expect(room.send('Even later')).rejects.toMatchObject(why);
    expect(script.client.connection).toMatchObject({ status: 'closed', error: why });
    await script.clock.advance(60_000);
    expect(tries(script)).toBe(1);
  });

  it('that are fetched are tried anew when one has ended, until two in a row are refused at once', async () => {
    verifies('WIRE-13');
    const script = new Script();
    await script.welcomed();
    script.socket.ends(1008, 'token_expired');
    expect(script.client.status).toBe('reconnecting');
    await script.clock.advance(500);
    script.socket.ends(1008, 'unauthenticated');
    expect(script.client.status).toBe('reconnecting');
    await script.clock.advance(1000);
    expect(tries(script)).toBe(3);
    script.socket.ends(1008, 'unauthenticated');
    expect(script.client.connection).toMatchObject({
      status: 'closed',
      error: { code: 'unauthenticated', message: 'The server refused this client: unauthenticated. See which token your token function returns.' },
    });
    await script.clock.advance(60_000);
    expect(tries(script)).toBe(3);
    // Whoever asks for it gets another try.
    const connected = script.client.connect();
    await script.settle();
    await script.welcome();
    await connected;
    expect(script.client.status).toBe('open');
  });

  it.each(['hello_timeout', 'auth_unavailable', 'rate_limited'])('are not judged by %s', async (reason) => {
    verifies('WIRE-13');
    const script = new Script({ token: 'given' });
    void script.client.connect().catch(() => undefined);
    await script.settle();
    script.socket.ends(1008, reason);
    expect(script.client.status).toBe('connecting');
    await script.clock.advance(500);
    expect(tries(script)).toBe(2);
  });
});

describe('a connection', () => {
  it('leaves alone what it does not know and what is no frame', async () => {
    verifies('WIRE-01');
    const script = new Script();
    await script.welcomed();
    for (const text of ['', '{', 'null', '[]', '"hello"', '{"type":"hologram","roomId":"room"}', '{"type":"hologram"}', new ArrayBuffer(3)])
      script.socket.saysText(text);
    await script.settle();
    expect([script.client.status, script.errors]).toEqual(['open', []]);
  });

  it('keeps below the rate the server allows, and loses nothing but typing by that', async () => {
    verifies('WIRE-03');
    const script = new Script();
    await script.welcomed();
    for (let number = 0; number < 60; number++) script.client.room(`room-${number}`).subscribe(() => undefined);
    script.client.room('room-0').typing();
    const counts = [script.socket.of('subscribe').length];
    for (let second = 0; second < 3; second++) {
      await script.clock.advance(1000);
      counts.push(script.socket.of('subscribe').length);
    }
    // A burst of 40 and 20 a second are allowed; a quarter of both is left for what is on its way.
    expect(counts[0]).toBe(30);
    expect((counts[1] ?? 0) - 30).toBeLessThanOrEqual(15);
    expect((counts[2] ?? 0) - (counts[1] ?? 0)).toBeLessThanOrEqual(15);
    expect(script.socket.of('subscribe').map(({ roomId }) => roomId)).toEqual(Array.from({ length: 60 }, (_, number) => `room-${number}`));
    expect(script.socket.of('typing')).toEqual([]);
  });

  it('tells of every change, in new objects, and of what was refused', async () => {
    const script = new Script();
    const seen: string[] = [];
    const end = script.client.on('status', ({ status, retryAt }) => seen.push(retryAt === undefined ? status : `${status}, waiting`));
    await script.welcomed();
    const { connection } = script.client;
    expect(script.client.connection).toBe(connection);
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome();
    script.client.close();
    script.client.close();
    expect(seen).toEqual(['connecting', 'open', 'reconnecting, waiting', 'reconnecting', 'open', 'closed']);
    end();
    await script.says({ type: 'error', code: 'forbidden', message: 'This token may only read.', retryable: false });
    expect(script.errors).toEqual([]); // closed: nothing is heard any more
    void script.client.connect();
    await script.settle();
    await script.welcome();
    await script.says({ type: 'error', code: 'forbidden', message: 'This token may only read.', retryable: false });
    expect(script.errors).toMatchObject([{ code: 'forbidden', message: 'This token may only read.' }]);
    expect(seen).toHaveLength(6);
  });

  it('ends with everything that waits when the client is closed, and leaves no timer', async () => {
    const script = new Script();
    const room = await script.inRoom();
    room.typing();
    await script.says({
      type: 'ephemeral',
      roomId: 'room',
      event: { type: 'typing_start', userId: 'bob', data: {}, roomId: 'room', id: '1', timestamp: '' },
    });
    const other = script.client.room('other');
    const end = other.subscribe(() => undefined);
    end(); // it lingers
    const sent = room.send('Hello');
    script.client.close();
    await expect(sent).rejects.toMatchObject({ code: 'client_closed' });
    await expect(room.send('More')).rejects.toMatchObject({ code: 'client_closed' });
    await expect(other.enter()).rejects.toMatchObject({ code: 'client_closed' });
    expect(script.socket.closedWith).toBe(1000);
    await script.clock.advance(20);
    expect(script.clock.pendingTimers).toBe(0);
    expect(() => other.subscribe(() => undefined)).not.toThrow();
  });
});
