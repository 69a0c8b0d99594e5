/** Stored media over HTTP: by signed links, safely, and from end to end over real sockets (behaviour §14.1). */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKit, TransportChannel, type MediaInfo, type RoomEvent } from 'roomkit';
import { FileMediaStore } from 'roomkit/media';
import { serve } from 'roomkit/server';
import { InMemoryMediaStore, TestClock } from 'roomkit/testing';
import { silentLogger } from '../../src/core/logger.js';
import { verifies } from '../requirements.js';
import { AskedServer } from './served-kit.js';

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...new Uint8Array(50).fill(7)]);
const INFO: MediaInfo = { mimeType: 'image/png', filename: 'cat.png', roomId: 'acme-1', eventId: 'event' };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function served(): Promise<{
  server: AskedServer;
  store: InMemoryMediaStore;
  clock: TestClock;
  link(info?: Partial<MediaInfo>, bytes?: Uint8Array): Promise<string>;
}> {
  const clock = new TestClock();
  const store = new InMemoryMediaStore({ clock });
  const server = await AskedServer.open({}, { mediaStore: store, clock });
  closers.push(() => server.kit.close());
  return {
    server,
    store,
    clock,
    link: async (info = {}, bytes = PNG) => {
      const { id } = await store.put(bytes, { ...INFO, ...info });
      const { pathname, search } = new URL(store.link(id, { seconds: 60 }));
      return `${pathname}${search}`;
    },
  };
}

describe('GET /media/{id}', () => {
  it('gives whoever has the link the file, and no way to run it', async () => {
    verifies('MED-01', 'PV-05');
    const { server, link } = await served();
    const path = await link();
    const { status, headers, text } = await server.ask({}, 'GET', path);
    expect([status, text.length > 0]).toEqual([200, true]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(PNG.byteLength),
      'content-disposition': `inline; filename="cat.png"; filename*=UTF-8''cat.png`,
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'private, max-age=60',
    });
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*; sandbox$/);
    const head = await server.ask({}, 'HEAD', path);
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', String(PNG.byteLength)]);
  });

  it.each([
    ['image/jpeg', 'inline'],
    ['audio/ogg', 'inline'],
    ['video/mp4', 'inline'],
    ['image/svg+xml', 'attachment'],
    ['text/html', 'attachment'],
    ['application/pdf', 'attachment'],
    ['application/xhtml+xml', 'attachment'],
    ['text/javascript', 'attachment'],
    ['application/octet-stream', 'attachment'],
    ['image/svg', 'attachment'],
  ])('serves %s as %s, sandboxed', async (mimeType, disposition) => {
    verifies('MED-01');
    const { server, link } = await served();
    const { headers } = await server.ask({}, 'GET', await link({ mimeType }));
    expect(headers.get('content-disposition')?.split(';')[0]).toBe(disposition);
    expect(headers.get('content-type')).toBe(mimeType);
    expect(headers.get('content-security-policy')).toMatch(/sandbox$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('writes any name as a header can', async () => {
    verifies('MED-01');
    const { server, link } = await served();
    const { headers } = await server.ask({}, 'GET', await link({ filename: `Größe "1" 猫's\r\n(2).png` }));
    expect(headers.get('content-disposition')).toBe(
      `inline; filename="Gr__e _1_ _'s__(2).png"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22%20%E7%8C%AB%27s%0D%0A%282%29.png`,
    );
  });

  it('refuses a link that was changed, has expired, or leads to nothing', async () => {
    verifies('PV-05');
    const { server, store, clock, link } = await served();
    const [one, two] = [await link(), await link()];
    const other = new URL(`http://x${two}`);
    for (const [path, status, code] of [
      [one.replace(/signature=\d+/, 'signature=1'), 403, 'media_link_invalid'],
      [one.replace(/media-1/, 'media-2'), 403, 'media_link_invalid'],
      [one.replace(/\?.*/, ''), 403, 'media_link_invalid'],
      [`/media/media-9${other.search}`, 403, 'media_link_invalid'],
      [`/media/..%2f..%2fetc${other.search}`, 403, 'media_link_invalid'],
      [`/media/media-1/${other.search}`, 404, 'route_not_found'],
    ] as const) {
      const answer = await server.ask({}, 'GET', path);
      expect([path, answer.status, answer.json['code']]).toEqual([path, status, code]);
    }
    store.delete('media-2');
    expect((await server.ask({}, 'GET', two)).json['code']).toBe('media_not_found');
    await clock.advance(60_001);
    const expired = await server.ask({}, 'GET', one);
    expect([expired.status, expired.json['code']]).toEqual([410, 'media_link_expired']);
    expect((await server.ask({}, 'POST', one)).status).toBe(404);
  });

  it.each([
    ['bytes=0-3', 206, 'bytes 0-3/40', 'abcd'],
    ['bytes=36-', 206, 'bytes 36-39/40', 'abcd'],
    ['bytes=-2', 206, 'bytes 38-39/40', 'cd'],
    ['bytes=38-99', 206, 'bytes 38-39/40', 'cd'],
    ['bytes=40-', 200, null, 'abcd'.repeat(10)],
    ['bytes=3-1', 200, null, 'abcd'.repeat(10)],
    ['bytes=0-1,3-4', 200, null, 'abcd'.repeat(10)],
    ['lines=1-2', 200, null, 'abcd'.repeat(10)],
  ])('answers a player that asks for %s with %i', async (range, status, said, body) => {
    verifies('MED-01');
    const { server, link } = await served();
    const answer = await server.ask({}, 'GET', await link({ mimeType: 'video/mp4' }, Buffer.from('abcd'.repeat(10))), { headers: { range } });
    expect([answer.status, answer.headers.get('content-range'), answer.text]).toEqual([status, said, body]);
    expect(answer.headers.get('content-length')).toBe(String(body.length));
  });

  it('is a page like any other where the kit keeps no media', async () => {
    verifies('MED-01');
    const pages = (): Response => new Response('a page of the host');
    const plain = await AskedServer.open({ pages });
    closers.push(() => plain.kit.close());
    expect((await plain.ask({}, 'GET', '/media/logo')).text).toBe('a page of the host');
  });
});

it('from a vendor into the room, and from the server to a browser, over real sockets', async () => {
  verifies('MED-01', 'MED-02', 'PV-14');
  const vendor = createServer((request, response) => {
    if (request.headers.authorization === 'Bearer vendor-token') response.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
    else response.writeHead(401).end();
  });
  await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => vendor.close(resolve)));
  const { port } = vendor.address() as AddressInfo; // it listens on a port
  const directory = await mkdtemp(join(tmpdir(), 'roomkit-media-'));
  closers.push(() => rm(directory, { recursive: true }));

  const probe = await serve(new RoomKit({ logger: silentLogger }), { port: 0 });
  await probe.close();
  const mediaStore = new FileMediaStore({ directory, baseUrl: probe.url, fetch: { allowPrivate: true } });
  const kit = new RoomKit({ logger: silentLogger, mediaStore });
  closers.push(() => kit.close());
  const server = await serve(kit, { port: probe.port });
  closers.push(() => server.close());
  const credentials = { headers: { authorization: 'Bearer vendor-token' }, hosts: [`127.0.0.1:${port}`] };
  kit.registerChannel(
    new TransportChannel('sms', {
      channelType: 'sms',
      capabilities: { mediaTypes: ['text', 'media'] },
      provider: { name: 'vendor', send: () => ({ success: true }), fetchMedia: (url, { fetch, signal }) => fetch(url, { signal, credentials }) },
    }),
  );
  const stored = new Promise<RoomEvent>((resolve) => void kit.hook('on_event_updated', (event) => resolve(event)));
  const { event } = await kit.processInbound({
    channelId: 'sms',
    senderId: '+15550001111',
    content: { type: 'media', url: `http://127.0.0.1:${port}/files/cat.png`, mimeType: 'image/png' },
  });
  const { content, roomId, id } = await stored;
  expect([id, content.type]).toEqual([event?.id, 'media']);
  const url = content.type === 'media' ? content.url : '';
  expect(url.startsWith(`${server.url}/media/`)).toBe(true);
  const answer = await fetch(url);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(PNG);
  const part = await fetch(url, { headers: { range: 'bytes=1-3' } });
  expect([part.status, await part.text()]).toEqual([206, 'PNG']);
  const removed = new Promise<void>((resolve) => {
    const remove = mediaStore.delete.bind(mediaStore);
    mediaStore.delete = async (mediaId) => resolve(await remove(mediaId));
  });
  await kit.deleteEvent(roomId, id);
  await removed;
  expect((await fetch(url)).status).toBe(404);
});
