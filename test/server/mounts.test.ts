/** The handler in servers of others: each example of examples/mounts, over real HTTP, beside the host's own routes. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RoomKit } from 'roomkit';
import { attachSockets, ClientTokens, createApiKey, createHandler, toNodeListener, type ServerHandler } from 'roomkit/server';
import { application as expressApplication } from '../../examples/mounts/express.js';
import { application as fastifyApplication } from '../../examples/mounts/fastify.js';
import { application as honoApplication } from '../../examples/mounts/hono.js';
import { application as httpApplication } from '../../examples/mounts/http.js';
import { openHandler } from '../../examples/mounts/kit.js';
import { verifies } from '../requirements.js';
import { openKit } from './served-kit.js';
import { WirePeer } from './wire-peer.js';

const SECRET = 'a secret of at least thirty-two bytes, surely';
const opened: { close(): unknown }[] = [];
let key: string;
let keyHash: string;

beforeAll(async () => {
  ({ key, hash: keyHash } = await createApiKey('backend'));
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function open(): Promise<{ kit: RoomKit; handle: ServerHandler; closing: AbortController }> {
  const closing = new AbortController();
  const { kit, handle } = await openHandler({ keyHash, tokenSecret: SECRET, closing: closing.signal });
  opened.push(kit);
  return { kit, handle, closing };
}

async function listen(server: Server): Promise<string> {
  opened.push({
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What any mount has to do: the host's page, refusals, a message in, the same out, a large body refused, and an event stream. */
async function judge(url: string, prefix: string, kit: RoomKit): Promise<void> {
  const ask = async (method: string, path: string, body?: string, credential = key) => {
    const response = await fetch(`${url}${prefix}${path}`, {
      method,
      headers: {
        ...(credential !== '' && { authorization: `Bearer ${credential}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    });
    return { status: response.status, type: response.headers.get('content-type'), json: (await response.json()) as Record<string, unknown> };
  };
  expect(await (await fetch(`${url}/`)).text()).toBe('My own page');
  expect(await ask('GET', '/api/rooms', undefined, '')).toMatchObject({
    status: 401,
    type: 'application/problem+json',
    json: { code: 'unauthenticated' },
  });
  const body = JSON.stringify({ channelId: 'web', senderId: 'ada', content: 'grüße' });
  expect(await ask('POST', '/api/rooms/room-1/messages', body)).toMatchObject({ status: 201, json: { event: { content: { body: 'grüße' } } } });
  expect(await ask('PATCH', '/api/rooms/room-1', JSON.stringify({ metadata: { a: 1 } }))).toMatchObject({
    status: 200,
    json: { room: { metadata: { a: 1 } } },
  });
  expect(await ask('GET', '/api/rooms/room-1/events?newestFirst=true&limit=1')).toMatchObject({ json: { events: [{ content: { body: 'grüße' } }] } });
  expect(await ask('POST', '/api/rooms/room-1/messages', JSON.stringify('x'.repeat(1024 * 1024 + 1)))).toMatchObject({ status: 413 });
  expect(await ask('POST', '/api/rooms/room-1/messages', '{"a":')).toMatchObject({ status: 400 });
  expect(
    (await fetch(`${url}${prefix}/api/rooms/room-1/channels/web`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } })).status,
  ).toBe(204);
  const stream = await fetch(`${url}${prefix}/api/rooms/room-1/stream`, { headers: { authorization: `Bearer ${key}` } });
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  const reader = stream.body!.getReader();
  let seen = '';
  await kit.attachChannel('room-1', 'web');
  while (!seen.includes('channel_attached')) seen += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
}

describe('a mount', () => {
  it('into Hono serves beside its routes', async () => {
    verifies('MNT-01');
    const { kit, handle } = await open();
    await judge(
      await listen(createServer((incoming, outgoing) => void getRequestListener(honoApplication(handle).fetch)(incoming, outgoing))),
      '',
      kit,
    );
  });

  it('into Express serves below a prefix of its own', async () => {
    verifies('MNT-01');
    const { kit, handle } = await open();
    await judge(await listen(createServer(expressApplication(handle))), '/rooms-of-mine', kit);
  });

  it('into Fastify serves beside its routes', async () => {
    verifies('MNT-01');
    const { kit, handle } = await open();
    const app = fastifyApplication(handle);
    opened.push({ close: () => app.close() });
    await judge(await app.listen({ port: 0, host: '127.0.0.1' }), '', kit);
  });

  it('into node:http serves requests and sockets', async () => {
    verifies('MNT-01', 'MNT-02');
    const { kit, handle } = await open();
    const url = await listen(httpApplication(handle));
    await judge(url, '', kit);
    const { token } = await new ClientTokens({ secrets: [SECRET] }, kit.clock).mint({ rooms: ['room-1'], channelId: 'web', participantId: 'ada' });
    const peer = await WirePeer.connect(url, token);
    opened.push(peer);
    expect(await peer.send('room-1', 'over the socket')).toMatchObject({ type: 'ack', event: { source: { participantId: 'ada' } } });
  });

  it('into Next is a function per method, called with a request and what Next knows of it', async () => {
    verifies('MNT-01');
    process.env['ROOMKIT_KEY_HASH'] = keyHash;
    const route = await import('../../examples/mounts/next/route.js');
    const context = { params: Promise.resolve({ path: ['rooms'] }) };
    const call = (method: 'GET' | 'POST' | 'DELETE', path: string, init: RequestInit = {}): Promise<Response> => {
      const handler = route[method] as (request: Request, context: object) => Promise<Response>;
      return handler(
        new Request(`https://app.example${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...init,
        }),
        context,
      );
    };
    expect((await call('GET', '/api/rooms')).status).toBe(200);
    const said = await call('POST', '/api/rooms/room-1/messages', { body: JSON.stringify({ channelId: 'web', senderId: 'ada', content: 'hi' }) });
    expect([said.status, await said.json()]).toMatchObject([201, { event: { content: { body: 'hi' } } }]);
    expect((await call('DELETE', '/api/rooms/room-1/channels/web')).status).toBe(204);
    expect((await route.GET(new Request('https://app.example/api/rooms'))).status).toBe(401);
    expect([route.dynamic, route.runtime]).toEqual(['force-dynamic', 'nodejs']);
  });
});

describe('a mount that was made wrongly', () => {
  it('says that a body parser came first', async () => {
    verifies('MNT-01');
    const logged: unknown[] = [];
    const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
    const { kit } = await openKit({ logger: { ...quiet, error: (_message, fields) => void logged.push(fields) } });
    opened.push(kit);
    const app = express();
    app.use(express.json());
    app.use(toNodeListener(createHandler(kit, { insecureAllowAnonymous: true })));
    const url = await listen(createServer(app));
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await fetch(`${url}/api/rooms`, init)).status).toBe(500);
    expect(JSON.stringify(logged.map((fields) => String((fields as { error: unknown }).error)))).toContain('express.json()');
    expect((await fetch(`${url}/api/rooms`)).status).toBe(200);
  });

  it('is refused for a function that is no handler of ours', async () => {
    verifies('MNT-01', 'MNT-02');
    const stranger = (): Promise<Response> => Promise.resolve(new Response());
    expect(() => toNodeListener(stranger)).toThrow(/neither by createHandler/);
    expect(() => attachSockets(createServer(), stranger)).toThrow(/not made by createHandler/);
    const { handle } = await open();
    expect(() => attachSockets(createServer(), handle, { path: 'ws' })).toThrow(/path is "ws"/);
  });
});

describe('attached sockets', () => {
  it('leave upgrades elsewhere to others, and refuse them when there are none', async () => {
    verifies('MNT-02');
    const { kit, handle } = await open();
    const server = createServer();
    attachSockets(server, handle, { path: '/rooms/ws' });
    const url = await listen(server);
    const { token } = await new ClientTokens({ secrets: [SECRET] }, kit.clock).mint({ rooms: ['room-1'], channelId: 'web', participantId: 'ada' });
    await expect(WirePeer.connect(url, token)).rejects.toMatchObject({ status: 404 });
    let others = 0;
    server.on('upgrade', (request, socket) => {
      if (request.url !== '/elsewhere') return;
      others++;
      socket.end('HTTP/1.1 418 Teapot\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
    const peer = await WirePeer.connect(`${url}/rooms`, token);
    opened.push(peer);
    const status = await new Promise<number | undefined>((resolve) => {
      const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x', 'sec-websocket-version': '13' };
      httpRequest(`${url}/elsewhere`, { headers })
        .on('response', (response) => resolve(response.statusCode))
        .end();
    });
    expect([status, others]).toEqual([418, 1]);
  });

  it('close with a goodbye when the host shuts down, once', async () => {
    verifies('MNT-02', 'WIRE-13');
    const { kit, handle, closing } = await open();
    const server = createServer(toNodeListener(handle));
    const sockets = attachSockets(server, handle);
    const url = await listen(server);
    const { token } = await new ClientTokens({ secrets: [SECRET] }, kit.clock).mint({ rooms: ['room-1'], channelId: 'web', participantId: 'ada' });
    const peer = await WirePeer.connect(url, token);
    opened.push(peer);
    const stream = await fetch(`${url}/api/rooms/room-1/stream`, { headers: { authorization: `Bearer ${key}` } });
    closing.abort();
    sockets.close();
    expect(await peer.frame(({ type }) => type === 'goodbye')).toMatchObject({ reason: 'closing' });
    expect(await peer.ended).toMatchObject({ code: 1012 });
    expect(await stream.text()).toContain('subscribed');
    await expect(WirePeer.connect(url, token)).rejects.toThrow();
  });
});
