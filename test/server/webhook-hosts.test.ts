/** The webhooks of examples/webhook-hosts in Hono, Express and Fastify, called by an emulated vendor through a proxy. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import express, { type Express } from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWebhookHandler, RoomKit, type WebhookHandler } from 'roomkit';
import { toNodeListener } from 'roomkit/server';
import { application as expressApplication } from '../../examples/webhook-hosts/express.js';
import { application as fastifyApplication } from '../../examples/webhook-hosts/fastify.js';
import { openHelpDesk } from '../../examples/webhook-hosts/help-desk.js';
import { application as honoApplication } from '../../examples/webhook-hosts/hono.js';
import { verifies } from '../requirements.js';
import { judgeHost, openHostScene, type HostScene } from '../support/webhook-hosts.js';

const opened: { close(): unknown }[] = [];
let scene: HostScene;

beforeEach(async () => {
  scene = await openHostScene();
  opened.push(scene);
  for (const [name, value] of Object.entries(scene.environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
  vi.unstubAllEnvs();
});

function openDesk(): WebhookHandler {
  const { kit, webhook } = openHelpDesk();
  opened.push(kit);
  return webhook;
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

async function pageOf(url: string): Promise<string> {
  return (await fetch(`${url}/`)).text();
}

describe('a webhook in an application of others', () => {
  it('of Hono takes calls, answers, and sends', async () => {
    verifies('WHK-03', 'WHK-04', 'PV-09');
    const { fetch: answer } = honoApplication(openDesk());
    scene.proxy.target = await listen(createServer((incoming, outgoing) => void getRequestListener(answer)(incoming, outgoing)));
    await judgeHost(scene);
    expect(await pageOf(scene.proxy.target)).toBe('My own page');
  });

  it('of Express takes calls, answers, and sends', async () => {
    verifies('WHK-03', 'WHK-04', 'WHK-07', 'PV-09');
    scene.proxy.target = await listen(createServer(expressApplication(openDesk())));
    await judgeHost(scene);
    expect(await pageOf(scene.proxy.target)).toBe('My own page');
  });

  it('of Fastify takes calls, answers, and sends', async () => {
    verifies('WHK-03', 'WHK-04', 'WHK-07', 'PV-09');
    const app = fastifyApplication(openDesk());
    opened.push({ close: () => app.close() });
    scene.proxy.target = await app.listen({ port: 0, host: '127.0.0.1' });
    await judgeHost(scene);
    expect(await pageOf(scene.proxy.target)).toBe('My own page');
  });
});

/** A vendor that says what it was called with, in place of verifying it. */
function openProbe() {
  const calls: { url: string; body: string }[] = [];
  const logged: string[] = [];
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const kit = new RoomKit({ logger: { ...quiet, error: (message) => void logged.push(message) } });
  opened.push(kit);
  const webhook = createWebhookHandler({
    kit,
    channelId: 'sms',
    provider: {
      name: 'probe',
      verify: ({ url, body }) => calls.push({ url, body: new TextDecoder().decode(body) }) > 0,
      parse: () => [],
    },
  });
  return { webhook, calls, logged };
}

const FORM = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'Body=a%2Bb+c&From=%2B1' };

async function postTo(app: Express, path = '/webhooks/sms', init: RequestInit = FORM): Promise<{ status: number; text: string; url: string }> {
  const url = `${await listen(createServer(app))}${path}`;
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text(), url };
}

describe('a body that somebody else has read', () => {
  it.each([
    ['express.urlencoded()', express.urlencoded({ extended: true }), FORM],
    ['express.json()', express.json(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }],
  ])('by %s is no forged call, but a mistake that the log says how to mend', async (_name, parser, init) => {
    verifies('WHK-07');
    const { webhook, calls, logged } = openProbe();
    const app = express();
    app.use(parser);
    app.all('/webhooks/sms', toNodeListener(webhook));
    expect(await postTo(app, '/webhooks/sms', init)).toMatchObject({ status: 500, text: '{"status":"body_read"}' });
    expect(calls).toEqual([]);
    expect(logged).toEqual([expect.stringMatching(/webhook of 'sms' .*was read before.*Mount the webhook before.*express\.json\(\)/s)]);
  });

  it('is taken where its bytes were kept', async () => {
    verifies('WHK-07');
    const { webhook, calls, logged } = openProbe();
    const raw = express();
    raw.use(express.raw({ type: '*/*' }));
    raw.all('/webhooks/sms', toNodeListener(webhook));
    expect(await postTo(raw)).toMatchObject({ status: 200 });
    const kept = express();
    kept.use(express.urlencoded({ extended: true, verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes }) }));
    kept.all('/webhooks/sms', toNodeListener(webhook));
    expect(await postTo(kept)).toMatchObject({ status: 200 });
    expect(calls.map(({ body }) => body)).toEqual([FORM.body, FORM.body]);
    expect(logged).toEqual([]);
  });

  it('is left alone by parsers of other types, and where there is none', async () => {
    verifies('WHK-07');
    const { webhook, calls } = openProbe();
    const app = express();
    app.use(express.json());
    app.all('/webhooks/sms', toNodeListener(webhook));
    expect(await postTo(app)).toMatchObject({ status: 200 });
    expect(await postTo(app, '/webhooks/sms?challenge=1', {})).toMatchObject({ status: 200 });
    expect(calls.map(({ body }) => body)).toEqual([FORM.body, '']);
  });

  it('in Fastify and Hono is told as well', async () => {
    verifies('WHK-07');
    const { webhook, logged } = openProbe();
    const app = fastify();
    opened.push({ close: () => app.close() });
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    const listener = toNodeListener(webhook);
    app.post('/webhooks/sms', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    const response = await fetch(`${await app.listen({ port: 0, host: '127.0.0.1' })}/webhooks/sms`, FORM);
    expect([response.status, await response.json()]).toEqual([500, { status: 'body_read' }]);
    const hono = new Hono();
    hono.use(async (context, next) => {
      await context.req.parseBody();
      await next();
    });
    hono.post('/webhooks/sms', (context) => webhook(context.req.raw));
    const server = await listen(createServer((incoming, outgoing) => void getRequestListener(hono.fetch)(incoming, outgoing)));
    expect((await fetch(`${server}/webhooks/sms`, FORM)).status).toBe(500);
    expect((await hono.request('/webhooks/sms', FORM)).status).toBe(500);
    expect(logged).toHaveLength(3);
  });
});

describe('a webhook in a server of Node', () => {
  it('is verified for the address that was called, wherever it is mounted', async () => {
    verifies('WHK-07');
    const { webhook, calls } = openProbe();
    const router = express.Router();
    router.post('/sms', toNodeListener(webhook));
    const app = express();
    app.use('/texts', router);
    app.use('/below', toNodeListener(webhook));
    const routed = await postTo(app, '/texts/sms?a=%C3%9F');
    const below = await postTo(app, '/below/status');
    expect([routed.status, below.status]).toEqual([200, 200]);
    expect(calls).toEqual([
      { url: routed.url, body: FORM.body },
      { url: below.url, body: FORM.body },
    ]);
  });

  it('logs what went wrong in the vendor’s part, and asks for the call again', async () => {
    verifies('WHK-07');
    const logged: unknown[] = [];
    const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
    const kit = new RoomKit({ logger: { ...quiet, error: (...line) => void logged.push(line) } });
    opened.push(kit);
    const error = new Error('no handshake');
    const handshake = (): never => {
      throw error;
    };
    const webhook = createWebhookHandler({ kit, channelId: 'sms', provider: { name: 'broken', verify: () => true, parse: () => [], handshake } });
    expect((await fetch(await listen(createServer(toNodeListener(webhook))), FORM)).status).toBe(500);
    expect(logged).toEqual([['A call to a webhook could not be answered.', { error }]]);
  });

  it('refuses what is larger than allowed, and what is no request', async () => {
    verifies('WHK-03', 'WHK-07');
    const { webhook, calls } = openProbe();
    const server = await listen(createServer(toNodeListener(webhook)));
    expect((await fetch(server, { ...FORM, body: 'x'.repeat(1024 * 1024 + 1) })).status).toBe(413);
    const app = express();
    app.all('/{*any}', toNodeListener(webhook));
    expect((await fetch(await listen(createServer(app)), { ...FORM, body: 'x'.repeat(1024 * 1024 + 1) })).status).toBe(413);
    const socket = connect(Number(new URL(server).port), '127.0.0.1');
    socket.end('POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx');
    expect((await socket.setEncoding('utf8').toArray()).join('')).toMatch(/^HTTP\/1\.1 400 /);
    expect(calls).toEqual([]);
  });
});
