/**
 * What is written straight to a connection of Node is what the handler answers elsewhere, whatever is asked; and bodies are
 * read alike, however they arrive.
 */
import { createServer, request as ask, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKit } from 'roomkit';
import { apiKeys, createApiKey, createHandler, toNodeListener, type Authenticate, type HandlerOptions, type ServerHandler } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { verifies } from '../requirements.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Twin {
  readonly kit: RoomKit;
  readonly handler: ServerHandler;
  readonly server: Server;
  readonly port: number;
  readonly key: string;
}

async function start(options: HandlerOptions = {}, wrap = (judge: Authenticate): Authenticate => judge): Promise<Twin> {
  const kit = new RoomKit({ clock: new TestClock(), logger: silentLogger });
  await kit.createRoom({ roomId: 'r' });
  const { key, hash } = await createApiKey('ops');
  const handler = createHandler(kit, {
    authenticate: wrap(apiKeys([{ id: 'ops', hash, scopes: ['admin'] }])),
    origins: ['https://app.example.com'],
    limits: { maxBodyBytes: 2000 },
    pages: ({ url }) => (url.endsWith('/hello') ? new Response('hello', { headers: { 'content-type': 'text/plain' } }) : undefined),
    ...options,
  });
  const server = createServer(toNodeListener(handler));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(kit, server);
  return { kit, handler, server, port: (server.address() as AddressInfo).port, key };
}

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers of the connection, and what differs between any two requests. */
const OF_THE_LINE = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'x-request-id']);

function comparable(status: number, headers: Iterable<readonly [string, string]>, body: string): Seen {
  const kept = [...headers].filter(([name]) => !OF_THE_LINE.has(name)).sort();
  return { status, headers: Object.fromEntries(kept), body: body.replace(/"requestId":"[^"]*"/, '"requestId":""') };
}

async function overTheLine({ port }: Twin, { method, path, headers, body }: Question): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const outgoing = ask({ port, host: '127.0.0.1', method, path, headers: { ...headers, host: 'twin.test' } }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (text += chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const given = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const);
        if (method !== 'HEAD' && incoming.statusCode !== 204) expect(incoming.headers['x-request-id']).toMatch(/./);
        resolve(comparable(incoming.statusCode ?? 0, given, text));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function asResponse({ handler }: Twin, { method, path, headers, body }: Question): Promise<Seen> {
  const response = await handler(new Request(`http://twin.test${path}`, { method, headers, ...(body !== undefined && { body }) }), {
    address: '127.0.0.1',
  });
  return comparable(response.status, response.headers, await response.text());
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

describe('an answer on the line', () => {
  it.each([
    ['of keys that are known by their header', (judge: Authenticate): Authenticate => judge],
    [
      'of a host that looks at the whole request',
      (judge: Authenticate): Authenticate =>
        async (request) =>
          judge(request.clone()),
    ],
  ])('is the handler’s own, with all its headers: %s', async (_name, wrap) => {
    verifies('AUTH-12', 'AUTH-14', 'MNT-01');
    const twin = await start({}, wrap);
    const known = { authorization: `Bearer ${twin.key}` };
    const json = { ...known, 'content-type': 'application/json' };
    const page = { ...known, origin: 'https://app.example.com' };
    const questions: readonly Question[] = [
      { method: 'GET', path: '/api/rooms/r', headers: known },
      { method: 'HEAD', path: '/api/rooms/r', headers: known },
      { method: 'GET', path: '/api/rooms/r', headers: page },
      { method: 'GET', path: '/api/rooms/no%20such%2Froom?x=1', headers: known },
      { method: 'HEAD', path: '/api/rooms/none', headers: known },
      { method: 'GET', path: '/api/rooms/a%00b', headers: known },
      { method: 'GET', path: '/api/rooms/r/events?limit=2&limit=3', headers: known },
      { method: 'GET', path: '/api/rooms/r/events?limit=x', headers: known },
      { method: 'GET', path: '/api/rooms/r/', headers: known },
      { method: 'GET', path: '/api/rooms/%', headers: known },
      { method: 'GET', path: '/healthz', headers: {} },
      { method: 'HEAD', path: '/healthz', headers: {} },
      { method: 'GET', path: '/openapi.json', headers: known },
      { method: 'GET', path: '/nowhere', headers: {} },
      { method: 'GET', path: '/hello', headers: page },
      { method: 'HEAD', path: '/hello', headers: {} },
      { method: 'DELETE', path: '/healthz', headers: {} },
      { method: 'TRACE', path: '/healthz', headers: {} },
      { method: 'GET', path: '/api/rooms/r', headers: {} },
      { method: 'GET', path: '/api/rooms/r', headers: { authorization: 'Bearer rk_ops_wrong' } },
      { method: 'GET', path: `/api/rooms/r?token=${twin.key}`, headers: known },
      { method: 'GET', path: '/api/rooms/r', headers: { ...known, origin: 'https://evil.example.com' } },
      {
        method: 'OPTIONS',
        path: '/api/rooms',
        headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
      },
      { method: 'OPTIONS', path: '/api/rooms', headers: known },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: json, body: '' },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: json, body: '{' },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: json, body: '\uFEFF{"title":1}' },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: json, body: '{"title":1}' },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: known, body: '{"title":"a"}' },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: { 'content-type': 'application/json' }, body: '{"title":"a"}' },
      { method: 'POST', path: '/api/rooms/r/tasks', headers: json, body: JSON.stringify({ title: 'x'.repeat(3000) }) },
      { method: 'POST', path: '/api/rooms/none/tasks', headers: json, body: '{"title":"a"}' },
      { method: 'DELETE', path: '/api/rooms/r/channels/none', headers: known },
    ];
    for (const question of questions.filter(({ method }) => method !== 'TRACE')) {
      const name = `${question.method} ${question.path} ${question.body?.slice(0, 20) ?? ''}`;
      expect(await overTheLine(twin, question), name).toEqual(await asResponse(twin, question));
    }
    expect(
      (
        await overTheLine(
          twin,
          questions.find(({ method }) => method === 'TRACE')!,
        )
      ).status,
    ).toBe(404);
  });

  it('to a request with two credentials is a refusal: nobody knows which was meant', async () => {
    verifies('AUTH-01');
    const twin = await start();
    const line = new Line(twin.port);
    const credentials = [`Bearer ${twin.key}`, 'Bearer rk_ops_wrong'].map((value) => `Authorization: ${value}\r\n`).join('');
    line.say(`GET /api/rooms/r HTTP/1.1\r\nHost: twin.test\r\nConnection: close\r\n${credentials}\r\n`);
    expect(await line.ended).toMatch(/^HTTP\/1\.1 401/);
  });

  it('has the same headers when the request is none at all', async () => {
    verifies('AUTH-12');
    const twin = await start();
    const line = new Line(twin.port);
    line.say('GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n');
    const text = await line.ended;
    expect(text).toMatch(/^HTTP\/1\.1 400/);
    expect(text).toContain('application/problem+json');
    expect(text).toContain("content-security-policy: default-src 'none'");
  });
});

/** A connection on which bytes are sent as a test likes. */
class Line {
  text = '';
  readonly socket: Socket;
  readonly ended: Promise<string>;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve(this.text)));
    opened.push({ close: () => this.socket.destroy() });
  }

  say(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }
}

const BODY = Buffer.from('{"title":"Zurückrufen ☎"}');

describe('a body', () => {
  async function created(twin: Twin, send: (line: Line, head: string) => Promise<void> | void): Promise<string> {
    const line = new Line(twin.port);
    await send(
      line,
      `POST /api/rooms/r/tasks HTTP/1.1\r\nHost: twin.test\r\nConnection: close\r\nAuthorization: Bearer ${twin.key}\r\nContent-Type: application/json\r\n`,
    );
    return line.ended;
  }
  const title = (answer: string): string | undefined => /"title":"([^"]*)"/.exec(answer)?.[1];

  it('is the same in one piece, in many, in chunks, and before its head was looked at', async () => {
    verifies('AUTH-13', 'AUTH-14');
    const twin = await start();
    const length = `Content-Length: ${BODY.byteLength}\r\n\r\n`;
    const whole = await created(twin, (line, head) => line.say(Buffer.concat([Buffer.from(head + length), BODY])));
    const pieces = await created(twin, async (line, head) => {
      line.say(head + length);
      // Each byte is its own packet: the one before has left when the next is written.
      line.socket.setNoDelay(true);
      for (const byte of BODY) await new Promise((resolve) => line.socket.write(Uint8Array.of(byte), resolve));
    });
    const chunked = await created(twin, (line, head) => {
      line.say(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      for (const part of [BODY.subarray(0, 13), BODY.subarray(13)]) {
        line.say(`${part.byteLength.toString(16)}\r\n`);
        line.say(part);
        line.say('\r\n');
      }
      line.say('0\r\n\r\n');
    });
    for (const answer of [whole, pieces, chunked]) {
      expect(answer).toMatch(/^HTTP\/1\.1 201/);
      expect(title(answer)).toBe('Zurückrufen ☎');
    }
    expect(await twin.kit.listTasks('r')).toHaveLength(3);
  });

  it('that is no UTF-8, or has none of the promised bytes, is refused', async () => {
    verifies('CON-13');
    const twin = await start();
    const broken = await created(twin, (line, head) =>
      line.say(Buffer.concat([Buffer.from(`${head}Content-Length: 4\r\n\r\n"`), Buffer.from([0xff, 0xfe, 0x22])])),
    );
    expect(broken).toMatch(/^HTTP\/1\.1 400/);
    expect(broken).toContain('not UTF-8');
    const empty = await created(twin, (line, head) => line.say(`${head}Content-Length: 0\r\n\r\n`));
    expect(empty).toMatch(/^HTTP\/1\.1 400/);
    expect(empty).toContain('not JSON');
  });

  it('whose connection is lost half way changes nothing, and its request is over', async () => {
    verifies('AUTH-13');
    const over: Promise<unknown>[] = [];
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const { key, hash } = await createApiKey('ops');
    const judge = apiKeys([{ id: 'ops', hash, scopes: ['admin'] }]);
    const twin = await start({ authenticate: (request) => (asked(), judge(request)) });
    twin.server.prependListener('request', (incoming) => over.push(new Promise((resolve) => incoming.once('close', resolve))));
    const line = new Line(twin.port);
    line.say(
      `POST /api/rooms/r/tasks HTTP/1.1\r\nHost: twin.test\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"title"`,
    );
    await isAsked;
    line.socket.destroy();
    await Promise.all([line.ended, ...over]);
    expect(await twin.kit.listTasks('r')).toEqual([]);
    // Its time limit is called off: nothing of it waits any more.
    expect((twin.kit.clock as TestClock).pendingTimers).toBe(0);
  });

  it('that nobody read, because its sender is nobody, leaves the connection usable', async () => {
    verifies('AUTH-01');
    const twin = await start();
    const line = new Line(twin.port);
    const post = (key: string, more: string): string =>
      `POST /api/rooms/r/tasks HTTP/1.1\r\nHost: twin.test\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 13\r\n${more}\r\n{"title":"a"}`;
    line.say(post('rk_ops_wrong', '') + post(twin.key, 'Connection: close\r\n'));
    expect((await line.ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 201']);
  });
});
