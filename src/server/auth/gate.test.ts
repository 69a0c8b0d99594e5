import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import type { LogFields, Logger } from '../../core/index.js';
import { silentLogger } from '../../core/logger.js';
import { TestClock } from '../../testing/test-clock.js';
import { serverLimits, type ServerLimits } from '../limits.js';
import { TrustedProxies, type Peer } from './address.js';
import { ClientTokens } from './client-tokens.js';
import { FailedAttempts } from './failed-attempts.js';
import { Gate, type GateParts } from './gate.js';
import { Origins } from './origins.js';
import type { Authenticate, Principal } from './principal.js';

const LOCAL: Peer = { address: '127.0.0.1' };
const FAR: Peer = { address: '203.0.113.9' };
const SERVICE: Principal = { id: 'ops', kind: 'service', scopes: ['read'] };

class Setup {
  readonly clock = new TestClock();
  readonly tokens = new ClientTokens({ secrets: ['a secret of at least thirty-two bytes, surely'] }, this.clock);
  readonly gate: Gate;

  constructor(
    options: Partial<Omit<GateParts, 'origins' | 'proxies' | 'limits'>> & {
      origins?: string[];
      proxies?: string[];
      limits?: Partial<ServerLimits>;
    } = {},
  ) {
    const limits = serverLimits(options.limits);
    this.gate = new Gate({
      authenticate: options.authenticate,
      clientTokens: 'clientTokens' in options ? options.clientTokens : this.tokens,
      origins: new Origins(options.origins ?? []),
      proxies: new TrustedProxies(options.proxies ?? []),
      attempts: new FailedAttempts(limits.failedAuthenticationsPerMinute, this.clock),
      anonymous: options.anonymous ?? 'nobody',
      limits,
      clock: this.clock,
      logger: options.logger ?? silentLogger,
    });
  }

  admit(address: string, headers: Record<string, string> = {}, peer: Peer | undefined = LOCAL): Promise<Principal> {
    const request = new Request(address, { headers });
    return this.gate.admit({ headers: request.headers, toRequest: () => request }, new URL(request.url), peer);
  }

  admitSocket(address: string, headers: Record<string, string> = {}, peer: Peer = LOCAL): Promise<Principal | null> {
    const request = new Request(address, { headers });
    return this.gate.admitSocket(request, new URL(request.url), peer);
  }

  judge(address: string, origin: string | undefined, peer: Peer = LOCAL, headers: Record<string, string> = {}): string {
    const request = new Request(address, { headers: { ...headers, ...(origin !== undefined && { origin }) } });
    return this.gate.judgeOrigin(request, new URL(request.url), peer);
  }
}

const SOCKET = 'http://h/ws';

describe('authenticate', () => {
  it('is asked once, and null is nobody', async () => {
    verifies('AUTH-01');
    let asked = 0;
    const setup = new Setup({ authenticate: (request) => (asked++, request.headers.get('cookie') === 'session=1' ? SERVICE : null) });
    expect(await setup.admit('http://h/api/rooms', { cookie: 'session=1' })).toEqual(SERVICE);
    expect(asked).toBe(1);
    await expect(setup.admit('http://h/api/rooms')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked).toBe(2);
  });

  it('that throws, hangs or answers nonsense lets nobody in', async () => {
    verifies('AUTH-01');
    const hangs = new Setup({ authenticate: () => new Promise(() => undefined), limits: { authenticateSeconds: 3 } });
    const waiting = hangs.admit('http://h/');
    const late = expect(waiting).rejects.toMatchObject({ code: 'auth_unavailable' });
    await hangs.clock.advance(3000);
    await late;
    const broken: Authenticate[] = [
      () => {
        throw new Error('database is down');
      },
      () => Promise.reject(new Error('database is down')),
      () => ({ id: 'x', kind: 'root' }) as unknown as Principal,
      () => ({ id: 'x', kind: 'service', scopes: ['everything'] }) as unknown as Principal,
      () => ({ id: '', kind: 'service', scopes: [] }),
      () => ({ id: 'x', kind: 'client', scopes: ['read'] }),
      () => ({ id: 'x', kind: 'client', scopes: ['read'], rooms: ['r'], channelId: 'web' }),
      () => ({ id: 'x', kind: 'service', scopes: [], expiresAt: 'soon' }),
      () => ({ then: (_done: unknown, failed: (error: Error) => void) => failed(new Error('database is down')) }) as Promise<Principal>,
    ];
    for (const authenticate of broken)
      await expect(new Setup({ authenticate }).admit('http://h/')).rejects.toMatchObject({ code: 'auth_unavailable' });
  });

  it('cannot give a client more than reading and writing, nor anybody more than their time', async () => {
    verifies('AUTH-02', 'AUTH-03');
    const client: Principal = { id: 'c', kind: 'client', scopes: ['read', 'operate', 'admin'], rooms: ['r'], channelId: 'web', participantId: 'ada' };
    expect((await new Setup({ authenticate: () => client }).admit('http://h/')).scopes).toEqual(['read']);
    const setup = new Setup({ authenticate: () => ({ ...SERVICE, expiresAt: '2026-01-01T00:00:10.000Z' }) });
    expect(await setup.admit('http://h/')).toMatchObject({ id: 'ops' });
    await setup.clock.advance(10_000);
    await expect(setup.admit('http://h/')).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

describe('client tokens at the gate', () => {
  it('count in the Authorization header and in a socket frame, never in an address', async () => {
    verifies('AUTH-06');
    const setup = new Setup({ anonymous: 'loopback' });
    const { token } = await setup.tokens.mint({ rooms: ['r'], channelId: 'web', participantId: 'ada' });
    expect(await setup.admit('http://h/', { authorization: `Bearer ${token}` }, FAR)).toMatchObject({ participantId: 'ada' });
    expect(await setup.gate.admitToken(token, 'somewhere', SOCKET)).toMatchObject({ participantId: 'ada' });
    for (const query of [`?token=${token}`, `?q=${token}`, '?access_token=x', '?x=rk_ops_abc', `?TOKEN=${token}`, `/${token}`, '/rk_ops_abc']) {
      const refused = setup.admit(`http://localhost/api/rooms${query}`);
      await expect(refused).rejects.toMatchObject({ code: 'invalid' });
      await refused.catch((error: Error) => expect(error.message).not.toContain(token.slice(5, 20)));
    }
  });

  it('that have expired say so; forged ones say nothing', async () => {
    verifies('AUTH-05');
    const setup = new Setup();
    const { token } = await setup.tokens.mint({ rooms: ['r'], channelId: 'web', participantId: 'ada', ttlSeconds: 5 });
    await setup.clock.advance(5000);
    await expect(setup.admit('http://h/', { authorization: `Bearer ${token}` })).rejects.toMatchObject({ code: 'token_expired' });
    await expect(setup.gate.admitToken(token, 'a', SOCKET)).rejects.toMatchObject({ code: 'token_expired' });
    await expect(setup.gate.admitToken('rkc1.e30.AAAA', 'a', SOCKET)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('do not fall back to the anonymous admin when they are wrong', async () => {
    verifies('AUTH-07');
    const setup = new Setup({ anonymous: 'loopback' });
    expect(await setup.admit('http://localhost/')).toMatchObject({ id: 'anonymous' });
    await expect(setup.admit('http://localhost/', { authorization: 'Bearer rkc1.e30.AAAA' })).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(setup.admit('http://localhost/', { authorization: 'Basic eDp5' })).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('may come later on a socket that showed no credential, and only there', async () => {
    verifies('WIRE-02');
    const setup = new Setup();
    expect(await setup.admitSocket('http://h/ws', {}, FAR)).toBeNull();
    await expect(setup.admitSocket('http://h/ws', { authorization: 'Bearer wrong' }, FAR)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(new Setup({ clientTokens: undefined }).admitSocket('http://h/ws', {}, FAR)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('may be a key that the host knows, judged as in a header', async () => {
    verifies('WIRE-02', 'AUTH-06');
    const asked: (string | null)[] = [];
    const setup = new Setup({
      clientTokens: undefined,
      authenticate: ({ headers }) => {
        asked.push(headers.get('authorization'));
        return headers.get('authorization') === 'Bearer rk_ops_right' ? { id: 'ops', kind: 'service', scopes: ['operate'] } : null;
      },
    });
    expect(await setup.admitSocket('http://h/ws', {}, FAR)).toBeNull();
    expect(await setup.gate.admitToken('rk_ops_right', 'a', SOCKET)).toMatchObject({ id: 'ops' });
    for (const wrong of ['rk_ops_wrong', 'rk_ops_right\r\nx: y', 'rk ops', 'rkc1.e30.AAAA', '\u0000'])
      await expect(setup.gate.admitToken(wrong, 'a', SOCKET), wrong).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked).toEqual([null, 'Bearer rk_ops_right', 'Bearer rk_ops_wrong']); // nothing else could be a header
  });
});

describe('the anonymous admin', () => {
  it('comes from this machine by a name that can only be this machine', async () => {
    verifies('AUTH-07');
    const setup = new Setup({ anonymous: 'loopback' });
    for (const host of ['localhost:4170', '127.0.0.1:4170', '[::1]:4170', 'studio.localhost']) {
      expect(await setup.admit(`http://${host}/`), host).toMatchObject({ id: 'anonymous', kind: 'service', scopes: ['admin'] });
    }
    // DNS rebinding: the page's own name was made to point here.
    for (const host of ['evil.example:4170', '192.168.0.7:4170', 'localhost.evil.example']) {
      await expect(setup.admit(`http://${host}/`), host).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    await expect(setup.admit('http://localhost/', {}, FAR)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(setup.admit('http://localhost/', {}, {})).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is not a page of another origin, listed or not, and not what such a page loads', async () => {
    verifies('AUTH-07');
    const setup = new Setup({ anonymous: 'loopback', origins: ['https://app.example'] });
    expect(await setup.admit('http://localhost:4170/', { origin: 'http://localhost:4170' })).toMatchObject({ id: 'anonymous' });
    await expect(setup.admit('http://localhost:4170/', { origin: 'https://app.example' })).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(setup.admitSocket('http://localhost:4170/ws', { origin: 'https://app.example' })).resolves.toBeNull(); // a token may follow
    for (const site of ['cross-site', 'same-site'])
      await expect(setup.admit('http://localhost:4170/', { 'sec-fetch-site': site }), site).rejects.toMatchObject({ code: 'unauthenticated' });
    for (const site of ['same-origin', 'none'])
      expect(await setup.admit('http://localhost:4170/', { 'sec-fetch-site': site }), site).toMatchObject({ id: 'anonymous' });
    const open = new Setup({ anonymous: 'anybody', origins: ['https://app.example'] });
    expect(await open.admit('http://10.0.0.7:4170/', { origin: 'https://app.example' }, FAR)).toMatchObject({ id: 'anonymous' });
    await expect(open.admit('http://10.0.0.7:4170/', { 'sec-fetch-site': 'cross-site' }, FAR)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is nobody behind a proxy on the same machine', async () => {
    verifies('AUTH-07');
    const setup = new Setup({ anonymous: 'loopback' });
    await expect(setup.admit('http://localhost/', { 'x-forwarded-for': '203.0.113.9' })).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(setup.admit('http://localhost/', { forwarded: 'for=203.0.113.9' })).rejects.toMatchObject({ code: 'unauthenticated' });
    const proxied = new Setup({ anonymous: 'loopback', proxies: ['127.0.0.1'] });
    expect(await proxied.admit('http://localhost/', { 'x-forwarded-for': '127.0.0.1' })).toMatchObject({ id: 'anonymous' });
    await expect(proxied.admit('http://localhost/', { 'x-forwarded-for': '203.0.113.9' })).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is everybody when the host insists, but not for a name that was made to point here', async () => {
    verifies('AUTH-07');
    const setup = new Setup({ anonymous: 'anybody', origins: ['http://desk.internal:4170'] });
    for (const host of ['192.168.0.7:4170', 'localhost', 'desk.internal:4170'])
      expect(await setup.admit(`http://${host}/`, {}, FAR), host).toMatchObject({ id: 'anonymous' });
    await expect(setup.admit('http://evil.example:4170/', {}, FAR)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

describe('origins', () => {
  it('are the own one, the listed ones and none at all', () => {
    verifies('AUTH-08');
    const setup = new Setup({ origins: ['https://app.example'] });
    expect(setup.judge('http://h:4170/', undefined)).toBe('none');
    expect(setup.judge('http://h:4170/', 'http://h:4170')).toBe('own');
    expect(setup.judge('http://h:4170/', 'https://app.example')).toBe('listed');
    for (const origin of [
      'https://h:4170',
      'http://h',
      'http://h:4171',
      'http://evil.example',
      'null',
      'https://app.example.evil',
      'https://app.example:8443',
      '',
    ]) {
      expect(() => setup.judge('http://h:4170/', origin), origin).toThrow(expect.objectContaining({ code: 'forbidden' }));
    }
  });

  it('behind a trusted proxy are judged by the protocol the browser used', () => {
    verifies('AUTH-08');
    const https = { 'x-forwarded-proto': 'https' };
    expect(new Setup({ proxies: ['127.0.0.1'] }).judge('http://h/', 'https://h', LOCAL, https)).toBe('own');
    expect(() => new Setup().judge('http://h/', 'https://h', LOCAL, https)).toThrow(/origin/);
  });

  it.each(['*', 'https://*.example', 'https://app.example/', 'app.example', 'null', 'https://app.example/path'])(
    'cannot be listed as %j',
    (origin) => {
      verifies('AUTH-08');
      expect(() => new Origins([origin])).toThrow(/Write each exactly/);
    },
  );
});

describe('guessing', () => {
  it('is over after 20 failures a minute from one address', async () => {
    verifies('AUTH-10');
    const setup = new Setup({ authenticate: (request) => (request.headers.get('authorization') === 'Bearer right' ? SERVICE : null) });
    for (let n = 0; n < 20; n++)
      await expect(setup.admit('http://h/', { authorization: `Bearer ${n}` }, FAR)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(setup.admit('http://h/', { authorization: 'Bearer right' }, FAR)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 60,
    });
    await expect(setup.gate.admitToken('rkc1.e30.AAAA', '203.0.113.9', SOCKET)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await setup.admit('http://h/', { authorization: 'Bearer right' }, { address: '203.0.113.10' })).toEqual(SERVICE);
    await setup.clock.advance(60_000);
    expect(await setup.admit('http://h/', { authorization: 'Bearer right' }, FAR)).toEqual(SERVICE);
  });

  it('from a whole network does not fill the memory', () => {
    verifies('AUTH-10');
    const attempts = new FailedAttempts(20, new TestClock());
    for (let n = 0; n < 30_000; n++) attempts.note(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    expect(attempts.size).toBe(10_000);
  });
});

describe('what is logged', () => {
  it('holds no token', async () => {
    verifies('AUTH-06');
    const lines: string[] = [];
    const note = (message: string, fields?: LogFields): void =>
      void lines.push(message + JSON.stringify(fields ?? {}, (_key, value: unknown) => (value instanceof Error ? value.message : value)));
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const setup = new Setup({
      logger,
      authenticate: () => {
        throw new Error('broken');
      },
    });
    await expect(setup.admit('http://h/', { authorization: 'Bearer rk_ops_topsecret' })).rejects.toMatchObject({ code: 'auth_unavailable' });
    expect(lines.length).toBe(1);
    expect(lines.join()).not.toContain('topsecret');
  });
});
