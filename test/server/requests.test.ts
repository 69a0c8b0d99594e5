import { describe, expect, it } from 'vitest';
import { HookResult, RoomKit } from 'roomkit';
import { createHandler } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { verifies } from '../requirements.js';
import { ADA, AskedServer, LOCAL, openKit } from './served-kit.js';

const ACME = { key: 'acme' };
const GLOBEX = { key: 'globex' };

describe('errors', () => {
  it('are problem+json with a code and the id of the request', async () => {
    verifies('AUTH-12');
    const server = await AskedServer.open();
    const answer = await server.ask({}, 'GET', '/api/rooms');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.json).toMatchObject({
      title: 'Nobody is authenticated',
      status: 401,
      code: 'unauthenticated',
      detail: expect.any(String),
      requestId: expect.any(String),
    });
    expect(answer.headers.get('x-request-id')).toBe(answer.json['requestId']);
  });

  it('have the status of their code', async () => {
    verifies('AUTH-12');
    const server = await AskedServer.open();
    const cases: readonly (readonly [string, string, unknown, number, string])[] = [
      ['GET', '/api/rooms/nowhere', undefined, 404, 'room_not_found'],
      ['GET', '/api/rooms/acme-1/events?as=sms', undefined, 404, 'channel_not_found'],
      ['GET', '/api/rooms/acme-1/events/nothing/trace', undefined, 404, 'trace_not_found'],
      ['GET', '/api/nothing', undefined, 404, 'route_not_found'],
      ['POST', '/api/rooms', { roomId: 'acme-1' }, 409, 'room_exists'],
      ['POST', '/api/rooms', { roomId: 7 }, 400, 'invalid'],
      ['POST', '/api/client-tokens', { ...ADA, channelId: 'sms' }, 404, 'channel_not_registered'],
    ];
    for (const [method, path, body, status, code] of cases) {
      const answer = await server.ask(ACME, method, path, { body });
      expect([answer.status, answer.json['code']], `${method} ${path}`).toEqual([status, code]);
    }
  });

  it('say where Studio is for who looks for it and has not turned it on', async () => {
    verifies('AUTH-12');
    const server = await AskedServer.open();
    const detail = async (path: string): Promise<unknown> => (await server.ask(ACME, 'GET', path)).json['detail'];
    for (const path of ['/studio', '/studio/'])
      expect(await detail(path)).toBe(`There is nothing at GET ${path}. Studio is off: serve(kit, { studio: true }) turns it on.`);
    expect(await detail('/')).toContain('The rooms are at /api/rooms');
    expect(await detail('/nothing')).toBe('There is nothing at GET /nothing.');
  });

  it('name every wrong field', async () => {
    verifies('AUTH-12');
    const server = await AskedServer.open();
    const { json } = await server.ask(ACME, 'POST', '/api/client-tokens', {
      body: { rooms: [], channelId: 'web', ttlSeconds: 'long', role: 'owner' },
    });
    expect((json['errors'] as { path: string }[]).map(({ path }) => path).sort()).toEqual(['', 'participantId', 'rooms', 'ttlSeconds']);
  });

  it('that nobody expected are logged and say nothing but that', async () => {
    verifies('AUTH-12');
    const logged: unknown[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (message: string, fields?: unknown) => void logged.push({ message, fields }),
    };
    const server = await AskedServer.open({}, { logger });
    server.kit.store.findRooms = () => Promise.reject(new Error('password of the database is hunter2'));
    const answer = await server.ask(ACME, 'GET', '/api/rooms');
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({ title: 'Internal error', status: 500, code: 'internal', requestId: expect.any(String) });
    expect(JSON.stringify(logged)).toContain(answer.json['requestId']);
  });

  it('of a closed kit are 503', async () => {
    verifies('AUTH-12');
    const server = await AskedServer.open();
    await server.kit.close();
    const answer = await server.ask(ACME, 'POST', '/api/rooms', { body: {} });
    expect([answer.status, answer.json['code'], answer.headers.get('retry-after')]).toEqual([503, 'kit_closed', '1']);
  });
});

describe('a credential in an address', () => {
  it('is in no answer and no log, whatever comes of the request', async () => {
    verifies('AUTH-06');
    const logged: string[] = [];
    const note = (message: string, fields?: object): void =>
      void logged.push(message + JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value)));
    const server = await AskedServer.open(
      { pages: () => Promise.reject(new Error('disk')) },
      { logger: { debug: note, info: note, warn: note, error: note } },
    );
    const { token } = await server.tokens.mint(ADA);
    for (const path of [`/api/rooms/${token}`, `/api/rooms/acme-1?x=${token}`, `/api/${token}`]) {
      const answer = await server.ask(ACME, 'GET', path);
      expect(answer.json, path.slice(0, 20)).toMatchObject({ status: 400, code: 'invalid' });
      expect(answer.text).not.toContain(token.slice(5, 30));
    }
    const page = await server.ask({}, 'GET', `/chat/${token}`);
    expect([page.status, page.text.includes(token.slice(5, 30)), logged.length, logged.join().includes(token.slice(5, 30))]).toEqual([
      500,
      false,
      1,
      false,
    ]);
    const missing = await (await AskedServer.open()).ask({}, 'GET', `/chat/${token}`);
    expect([missing.status, missing.text.includes(token.slice(5, 30))]).toEqual([404, false]);
  });
});

describe('every answer', () => {
  it('carries the headers that keep browsers safe', async () => {
    const server = await AskedServer.open();
    for (const path of ['/healthz', '/api/rooms', '/nowhere']) {
      const { headers } = await server.ask(ACME, 'GET', path);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
      expect(headers.get('referrer-policy'), path).toBe('no-referrer');
      expect(headers.get('cache-control'), path).toBe('no-store');
      expect(headers.get('x-request-id'), path).toMatch(/./);
    }
  });
});

describe('scopes', () => {
  it('decide per route', async () => {
    verifies('AUTH-02');
    const server = await AskedServer.open();
    const reads = ['/api/rooms', '/api/rooms/acme-1', '/api/rooms/acme-1/events?as=web'];
    const operates = ['/api/rooms/acme-1/events', '/api/rooms/acme-1/events/x/trace', '/api/rooms/acme-1/deliveries', '/api/rooms/acme-1/stream'];
    for (const path of [...reads, ...operates])
      expect((await server.ask({ key: 'none' }, 'GET', path)).json, path).toMatchObject({ status: 403, code: 'forbidden' });
    for (const path of reads) expect((await server.ask({ key: 'acme-reader' }, 'GET', path)).status, path).toBe(200);
    for (const path of operates)
      expect((await server.ask({ key: 'acme-reader' }, 'GET', path)).json, path).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await server.ask({ key: 'acme-reader' }, 'POST', '/api/rooms', { body: {} })).status).toBe(403);
    expect((await server.ask({ key: 'acme-reader' }, 'POST', '/api/client-tokens', { body: ADA })).status).toBe(403);
    // Admin is all of it.
    for (const path of ['/api/rooms', '/api/rooms/globex-1/deliveries', '/api/rooms/acme-1/events'])
      expect((await server.ask({ key: 'root' }, 'GET', path)).status, path).toBe(200);
  });

  it("of a client never reach what is the host's", async () => {
    verifies('AUTH-03');
    const server = await AskedServer.open();
    const { token } = await server.tokens.mint(ADA);
    for (const path of ['/api/rooms/acme-1/deliveries', '/api/rooms/acme-1/events/x/trace'])
      expect((await server.ask({ token }, 'GET', path)).status, path).toBe(403);
    expect((await server.ask({ token }, 'POST', '/api/rooms', { body: {} })).status).toBe(403);
    expect((await server.ask({ token }, 'POST', '/api/client-tokens', { body: ADA })).status).toBe(403);
  });
});

describe('organizations', () => {
  it('do not see each other: foreign is missing, in the same words', async () => {
    verifies('AUTH-09', 'PERM-09', 'ROOM-02');
    const server = await AskedServer.open();
    const withoutIds = (text: string): string => text.replaceAll(/"requestId":"[^"]+"/g, '').replaceAll(/acme-1|nowhere-1/g, 'ID');
    const operations: readonly (readonly [string, (room: string) => string, ((room: string) => unknown)?])[] = [
      ['GET', (room) => `/api/rooms/${room}`],
      ['GET', (room) => `/api/rooms/${room}/events`],
      ['GET', (room) => `/api/rooms/${room}/events?as=web`],
      ['GET', (room) => `/api/rooms/${room}/events/x/trace`],
      ['GET', (room) => `/api/rooms/${room}/deliveries`],
      ['GET', (room) => `/api/rooms/${room}/stream`],
      ['POST', () => '/api/client-tokens', (room) => ({ ...ADA, organizationId: 'globex', rooms: ['globex-1', room] })],
    ];
    for (const [method, path, body] of operations) {
      const foreign = await server.ask(GLOBEX, method, path('acme-1'), { body: body?.('acme-1') });
      const missing = await server.ask(GLOBEX, method, path('nowhere-1'), { body: body?.('nowhere-1') });
      expect(foreign.json, path('acme-1')).toMatchObject({ status: 404, code: 'room_not_found' });
      expect(withoutIds(foreign.text), path('acme-1')).toBe(withoutIds(missing.text));
    }
    const { json } = await server.ask(GLOBEX, 'GET', '/api/rooms');
    expect((json['rooms'] as { id: string }[]).map(({ id }) => id)).toEqual(['globex-1']);
  });

  it('are not chosen by who asks', async () => {
    verifies('PERM-09');
    const server = await AskedServer.open();
    expect((await server.ask(GLOBEX, 'POST', '/api/rooms', { body: { roomId: 'new', organizationId: 'acme' } })).status).toBe(403);
    const { json } = await server.ask(GLOBEX, 'POST', '/api/rooms', { body: { roomId: 'new' } });
    expect(json['room']).toMatchObject({ id: 'new', organizationId: 'globex' });
    expect((await server.ask(GLOBEX, 'POST', '/api/rooms', { body: { roomId: 'acme-1', ensure: true } })).json).toMatchObject({
      status: 409,
      code: 'room_exists',
    });
    expect((await server.ask(GLOBEX, 'POST', '/api/client-tokens', { body: { ...ADA, rooms: ['globex-1'], organizationId: 'acme' } })).status).toBe(
      403,
    );
  });

  it('of the kit bind everybody', async () => {
    verifies('PERM-09');
    const server = await AskedServer.open({}, { organizationId: 'acme' });
    expect((await server.ask({ key: 'root' }, 'GET', '/api/rooms/acme-1')).status).toBe(200);
    expect((await server.ask(GLOBEX, 'GET', '/api/rooms')).json).toEqual({ rooms: [] });
    expect((await server.ask(GLOBEX, 'GET', '/api/rooms/acme-1')).status).toBe(404);
    // Another kit has rooms of another organization in the same store.
    const other = new RoomKit({ store: server.kit.store, organizationId: 'globex', logger: silentLogger });
    await other.createRoom({ roomId: 'theirs' });
    expect((await server.ask({ key: 'root' }, 'GET', '/api/rooms/theirs')).json).toMatchObject({ status: 404, code: 'room_not_found' });
    expect(JSON.stringify((await server.ask({ key: 'root' }, 'GET', '/api/rooms')).json)).not.toContain('theirs');
  });
});

describe('clients', () => {
  it('have the rooms of their token and no others', async () => {
    verifies('AUTH-03', 'AUTH-09');
    const server = await AskedServer.open();
    const { token } = await server.tokens.mint({ ...ADA, rooms: ['acme-1', 'globex-1', 'gone'] });
    expect((await server.ask({ token }, 'GET', '/api/rooms/acme-1')).status).toBe(200);
    for (const room of ['acme-2', 'globex-1', 'gone'])
      expect((await server.ask({ token }, 'GET', `/api/rooms/${room}/events`)).json, room).toMatchObject({ status: 404, code: 'room_not_found' });
    expect(((await server.ask({ token }, 'GET', '/api/rooms')).json['rooms'] as { id: string }[]).map(({ id }) => id)).toEqual(['acme-1']);
  });

  it('see what their channel may see, as the wire shows it', async () => {
    verifies('AUTH-03', 'PERM-07', 'WIRE-06');
    const server = await AskedServer.open();
    const { kit } = server;
    kit.hook('before_broadcast', { name: 'no_swearing' }, (event) =>
      JSON.stringify(event.content).includes('darn') ? HookResult.block('rude') : HookResult.allow(),
    );
    await kit.processInbound(
      {
        channelId: 'web',
        senderId: 'ada',
        content: 'for all',
        idempotencyKey: 'k1',
        metadata: { mood: 'good', _kits: 1 },
        rawPayload: { secret: 1 },
      },
      { roomId: 'acme-1' },
    );
    await kit.sendEvent('acme-1', 'desk', 'for agents only', { visibility: 'intelligence' });
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'darn' }, { roomId: 'acme-1' });
    const { token } = await server.tokens.mint(ADA);
    const seen = (await server.ask({ token }, 'GET', '/api/rooms/acme-1/events')).json['events'] as Record<string, unknown>[];
    expect(seen.map((event) => (event['content'] as { body: string }).body)).toEqual(['for all']);
    const shown = new Set([
      'chainDepth',
      'content',
      'correlationId',
      'createdAt',
      'id',
      'index',
      'metadata',
      'roomId',
      'source',
      'status',
      'type',
      'visibility',
    ]);
    expect(Object.keys(seen[0] ?? {}).filter((key) => !shown.has(key))).toEqual([]);
    expect(seen[0]?.['metadata']).toEqual({ mood: 'good' });
    expect(JSON.stringify(seen)).not.toMatch(/secret|rawPayload|idempotencyKey|k1/);
    expect((await server.ask({ token }, 'GET', '/api/rooms/acme-1/events?as=desk')).status).toBe(403);
    // The host sees all, with what became of it, or what a channel may see.
    const all = (await server.ask(ACME, 'GET', '/api/rooms/acme-1/events')).json['events'] as Record<string, unknown>[];
    expect(all.map((event) => event['index'])).toEqual([...all.keys()]);
    expect(all.map((event) => event['status'] === 'blocked' && event['blockedBy'])).toContain('no_swearing');
    expect(all.length).toBe(5);
    const asWeb = (await server.ask({ key: 'acme-reader' }, 'GET', '/api/rooms/acme-1/events?as=web')).json['events'];
    expect(asWeb).toEqual(seen);
  });

  it('see nothing of a room that their channel is not in', async () => {
    verifies('AUTH-03', 'PERM-07');
    const server = await AskedServer.open();
    await server.kit.detachChannel('acme-1', 'web');
    await server.kit.sendEvent('acme-1', 'desk', 'not for the web');
    const { token } = await server.tokens.mint(ADA);
    const answer = await server.ask({ token }, 'GET', '/api/rooms/acme-1/events');
    expect([answer.status, answer.json['events']]).toEqual([200, []]);
  });

  it('know of a room and its people what people may know', async () => {
    verifies('AUTH-03');
    const server = await AskedServer.open();
    await server.kit.updateRoomMetadata('acme-1', { crm_id: 'secret-7' });
    await server.kit.ensureParticipant('acme-1', 'web', 'ada', { displayName: 'Ada' });
    const { token } = await server.tokens.mint(ADA);
    const answer = await server.ask({ token }, 'GET', '/api/rooms/acme-1');
    expect(answer.json).toEqual({
      room: { id: 'acme-1', status: 'active', createdAt: expect.any(String), updatedAt: expect.any(String), latestIndex: 1 },
      participants: [{ id: 'ada', displayName: 'Ada', role: 'member', status: 'active' }],
    });
    const host = (await server.ask(ACME, 'GET', '/api/rooms/acme-1')).json;
    expect(host).toMatchObject({
      room: { metadata: { crm_id: 'secret-7' } },
      bindings: [{ channelId: 'web' }, { channelId: 'desk' }],
      participants: [{ id: 'ada' }],
      state: { phase: 'intake', handoffCount: 0 },
    });
  });

  it('who were shown out, or whose room is gone, are out at the next request', async () => {
    verifies('AUTH-05');
    const server = await AskedServer.open();
    const { kit } = server;
    const { token } = await server.tokens.mint({ ...ADA, rooms: ['acme-1', 'acme-2'] });
    const status = async (room: string): Promise<number> => (await server.ask({ token }, 'GET', `/api/rooms/${room}/events`)).status;
    const ada = await kit.ensureParticipant('acme-1', 'web', 'ada');
    expect(await status('acme-1')).toBe(200);
    await kit.store.putParticipant({ ...ada, status: 'banned' });
    expect(await status('acme-1')).toBe(404);
    await kit.store.putParticipant({ ...ada, status: 'left' });
    expect(await status('acme-1')).toBe(404);
    await kit.store.putParticipant({ ...ada, status: 'active' });
    expect(await status('acme-1')).toBe(200);
    expect(await status('acme-2')).toBe(200);
    await kit.deleteRoom('acme-2');
    expect(await status('acme-2')).toBe(404);
  });
});

describe('rooms', () => {
  it('are made, found and kept', async () => {
    const server = await AskedServer.open();
    const made = await server.ask(ACME, 'POST', '/api/rooms', {
      body: { roomId: 'new', metadata: { topic: 'refund' }, timers: { inactiveAfterSeconds: 60 }, channels: ['web'] },
    });
    expect(made.status).toBe(201);
    expect(made.json['room']).toMatchObject({ id: 'new', organizationId: 'acme', metadata: { topic: 'refund' }, latestIndex: 0 });
    const again = await server.ask(ACME, 'POST', '/api/rooms', { body: { roomId: 'new', ensure: true } });
    expect([again.status, again.json['room']]).toEqual([200, made.json['room']]);
    const grown = await server.ask(ACME, 'POST', '/api/rooms', { body: { roomId: 'new', ensure: true, channels: ['web', 'desk'] } });
    expect(grown.json['room']).toMatchObject({ latestIndex: 1 });
    const refused = await server.ask(ACME, 'POST', '/api/rooms', { body: { roomId: 'never', channels: ['web', 'sms'] } });
    expect([refused.status, refused.json['code'], await server.kit.store.getRoom('never')]).toEqual([404, 'channel_not_registered', null]);
    await server.kit.closeRoom('acme-2');
    const ids = async (query: string): Promise<string[]> =>
      ((await server.ask(ACME, 'GET', `/api/rooms${query}`)).json['rooms'] as { id: string }[]).map(({ id }) => id).sort();
    expect(await ids('')).toEqual(['acme-1', 'acme-2', 'new']);
    expect(await ids('?status=closed')).toEqual(['acme-2']);
    expect(await ids('?limit=1')).toHaveLength(1);
    expect(await ids('?limit=5&offset=2')).toHaveLength(1);
  });

  it('are made by a caller with a fixed list from that list only', async () => {
    verifies('AUTH-02', 'AUTH-09');
    const server = await AskedServer.open({ authenticate: () => ({ id: 'ops', kind: 'service', scopes: ['operate'], rooms: ['mine', 'acme-2'] }) });
    const made = async (body: object): Promise<number> => (await server.ask({}, 'POST', '/api/rooms', { body })).status;
    expect([await made({ roomId: 'mine' }), await made({ roomId: 'other' }), await made({})]).toEqual([201, 403, 403]);
    expect((await server.ask({}, 'GET', '/api/rooms/acme-1/deliveries')).status).toBe(404);
  });

  it('do not take what belongs to the kit', async () => {
    const server = await AskedServer.open();
    const wrong = [
      { metadata: { _conversation_state: {} } },
      { metadata: { big: 'x'.repeat(70_000) } },
      { timers: { inactiveAfterSeconds: -1 } },
      { surprise: 1 },
      [],
      'text',
      null,
      { roomId: '' },
    ];
    for (const body of wrong)
      expect((await server.ask(ACME, 'POST', '/api/rooms', { body: JSON.stringify(body) })).json, JSON.stringify(body).slice(0, 60)).toMatchObject({
        status: 400,
        code: 'invalid',
      });
  });
});

describe('the timeline', () => {
  it('is paged by index', async () => {
    verifies('ROOM-11');
    const server = await AskedServer.open();
    for (let n = 0; n < 5; n++) await server.kit.sendEvent('acme-1', 'desk', `message ${n}`);
    const indexes = async (query: string): Promise<unknown[]> =>
      ((await server.ask(ACME, 'GET', `/api/rooms/acme-1/events?${query}`)).json['events'] as { index: number }[]).map(({ index }) => index);
    expect(await indexes('limit=3')).toEqual([0, 1, 2]);
    expect(await indexes('afterIndex=3')).toEqual([4, 5, 6]);
    expect(await indexes('beforeIndex=4&limit=2&newestFirst=true')).toEqual([3, 2]);
    expect((await server.ask(ACME, 'GET', '/api/rooms/acme-1/events')).json['latestIndex']).toBe(6);
    for (const query of [
      'limit=-1',
      'limit=1001',
      'limit=many',
      'afterIndex=',
      'afterIndex=1e3',
      'newestFirst=perhaps',
      'beforeIndex=-1',
      'afterIndex=99999999999999999999',
    ]) {
      expect((await server.ask(ACME, 'GET', `/api/rooms/acme-1/events?${query}`)).json, query).toMatchObject({ status: 400, code: 'invalid' });
    }
  });

  it('explains an event, in its own room only', async () => {
    const server = await AskedServer.open();
    const event = await server.kit.sendEvent('acme-1', 'desk', 'Hello');
    const answer = await server.ask(ACME, 'GET', `/api/rooms/acme-1/events/${event.id}/trace`);
    expect(answer.json['trace']).toMatchObject({ eventId: event.id, roomId: 'acme-1', targets: expect.any(Array) });
    expect((await server.ask(ACME, 'GET', `/api/rooms/acme-2/events/${event.id}/trace`)).status).toBe(404);
  });

  it('says of an event whose decisions are not kept any more that nothing is known', async () => {
    const server = await AskedServer.open({}, { traceEvents: 1 });
    const [old] = [await server.kit.sendEvent('acme-1', 'desk', 'one'), await server.kit.sendEvent('acme-1', 'desk', 'two')];
    const answer = await server.ask(ACME, 'GET', `/api/rooms/acme-1/events/${old.id}/trace`);
    expect([answer.status, answer.json]).toEqual([200, { trace: null }]);
  });
});

describe('client tokens over HTTP', () => {
  it('are minted for an operator and let their holder in', async () => {
    verifies('AUTH-05');
    const server = await AskedServer.open();
    const { organizationId: _, ...asked } = ADA;
    const minted = await server.ask(ACME, 'POST', '/api/client-tokens', { body: { ...asked, displayName: 'Ada', ttlSeconds: 60 } });
    expect(minted.status).toBe(201);
    expect(minted.json['expiresAt']).toBe('2026-01-01T00:01:00.000Z');
    const token = minted.json['token'] as string;
    expect(await server.tokens.verify(token)).toMatchObject({ organizationId: 'acme', participantId: 'ada' });
    expect((await server.ask({ token }, 'GET', '/api/rooms/acme-1/events')).status).toBe(200);
    expect(await server.kit.listParticipants('acme-1')).toMatchObject([{ id: 'ada', displayName: 'Ada', channelId: 'web' }]);
    await server.clock.advance(60_000);
    expect((await server.ask({ token }, 'GET', '/api/rooms/acme-1/events')).json).toMatchObject({ status: 401, code: 'token_expired' });
  });

  it('are not to be had where the server has no secret', async () => {
    const server = await AskedServer.open({ clientTokens: undefined });
    expect((await server.ask(ACME, 'POST', '/api/client-tokens', { body: ADA })).json).toMatchObject({ status: 501, code: 'not_supported' });
  });
});

describe('bodies', () => {
  it('are refused by their size before they are read', async () => {
    verifies('AUTH-13', 'CON-13');
    const server = await AskedServer.open({ limits: { maxBodyBytes: 1000 } });
    let read = 0;
    const endless = new ReadableStream<Uint8Array>(
      { pull: (controller) => (read++, controller.enqueue(new Uint8Array(400).fill(32))) },
      { highWaterMark: 0 },
    );
    const answer = await server.ask(ACME, 'POST', '/api/rooms', { body: endless });
    expect(answer.json).toMatchObject({ status: 413, code: 'too_large' });
    expect(read).toBeLessThan(6);
    const announced = await server.ask(ACME, 'POST', '/api/rooms', {
      body: JSON.stringify({ metadata: { text: 'x'.repeat(2000) } }),
      headers: { 'content-length': '2030' },
    });
    expect(announced.status).toBe(413);
  });

  it('are refused when they are no JSON, too deep, or something else', async () => {
    verifies('AUTH-13', 'CON-13');
    const server = await AskedServer.open();
    const deep = (levels: number): string => `{"metadata":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`;
    expect((await server.ask(ACME, 'POST', '/api/rooms', { body: deep(60) })).status).toBe(201);
    expect((await server.ask(ACME, 'POST', '/api/rooms', { body: deep(64) })).json).toMatchObject({
      status: 400,
      code: 'invalid',
      detail: expect.stringContaining('64 levels'),
    });
    expect((await server.ask(ACME, 'POST', '/api/rooms', { body: '['.repeat(500_000) + ']'.repeat(500_000) })).status).toBe(400);
    for (const body of ['', '{', '{"a":1}}', 'undefined', new Uint8Array([0x22, 0xff, 0xfe, 0x22])])
      expect((await server.ask(ACME, 'POST', '/api/rooms', { body })).json, String(body)).toMatchObject({ status: 400, code: 'invalid' });
    expect((await server.ask(ACME, 'POST', '/api/rooms', { body: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  });

  it('have to come in time', async () => {
    verifies('AUTH-13');
    const server = await AskedServer.open({ authenticate: () => ({ id: 'ops', kind: 'service', scopes: ['operate'] }) });
    const silent = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) });
    const waiting = server.ask(ACME, 'POST', '/api/rooms', { body: silent });
    await server.clock.advance(30_000);
    expect((await waiting).json).toMatchObject({ status: 408, code: 'body_timeout' });
  });

  it('of callers nobody knows are not read', async () => {
    verifies('AUTH-01');
    const server = await AskedServer.open();
    let read = 0;
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => (read++, controller.close()) }, { highWaterMark: 0 });
    expect((await server.ask({}, 'POST', '/api/rooms', { body })).status).toBe(401);
    expect(read).toBe(0);
  });
});

describe('rates', () => {
  it('are 100 requests a second with a burst of 200, per caller', async () => {
    verifies('AUTH-13');
    const server = await AskedServer.open();
    const get = (key: string): Promise<number> => server.ask({ key }, 'GET', '/api/rooms?limit=0').then(({ status }) => status);
    for (let n = 0; n < 200; n++) expect(await get('acme')).toBe(200);
    const refused = await server.ask(ACME, 'GET', '/api/rooms');
    expect([refused.status, refused.json['code'], refused.headers.get('retry-after')]).toEqual([429, 'rate_limited', '1']);
    expect(await get('globex')).toBe(200);
    await server.clock.advance(100);
    for (let n = 0; n < 10; n++) expect(await get('acme')).toBe(200);
    expect(await get('acme')).toBe(429);
  });
});

describe('pages of other origins', () => {
  it('stay out before anybody is asked who they are', async () => {
    verifies('AUTH-08');
    let asked = 0;
    const server = await AskedServer.open({ authenticate: () => (asked++, null), origins: ['https://app.example'] });
    for (const path of ['/api/rooms', '/healthz', '/']) {
      expect((await server.ask({}, 'GET', path, { headers: { origin: 'https://evil.example' } })).json, path).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
    }
    expect(asked).toBe(0);
  });

  it('that are listed may read answers, preflights included', async () => {
    verifies('AUTH-08');
    const server = await AskedServer.open({ origins: ['https://app.example'] });
    const headers = { origin: 'https://app.example' };
    const preflight = await server.ask({}, 'OPTIONS', '/api/rooms', { headers: { ...headers, 'access-control-request-method': 'POST' } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example']);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
    const answer = await server.ask(ACME, 'GET', '/api/rooms', { headers });
    expect([answer.status, answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')]).toEqual([
      200,
      'https://app.example',
      'origin',
    ]);
    const own = await server.ask(ACME, 'GET', '/api/rooms', { headers: { origin: 'http://server.test' } });
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    const refused = await server.ask({}, 'OPTIONS', '/api/rooms', {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });
});

describe('health', () => {
  it('is open and says nothing but its status; readiness is for those who may ask', async () => {
    verifies('AUTH-11');
    const server = await AskedServer.open();
    expect((await server.ask({}, 'GET', '/healthz')).json).toEqual({ status: 'ok' });
    expect((await server.ask({}, 'GET', '/readyz')).status).toBe(401);
    expect((await server.ask({}, 'GET', '/readyz', { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(401);
    expect((await server.ask({ peer: LOCAL }, 'GET', '/readyz')).json).toMatchObject({ status: 'ready' });
    expect((await server.ask({ key: 'acme-reader' }, 'GET', '/readyz')).status).toBe(200);
  });

  it('is not ready while it drains or its store fails', async () => {
    verifies('AUTH-11', 'AUTH-12');
    const server = await AskedServer.open();
    server.kit.store.findRooms = () => Promise.reject(new Error('gone'));
    expect((await server.ask({ peer: LOCAL }, 'GET', '/readyz')).json).toMatchObject({ status: 503, code: 'not_ready' });
    const draining = await AskedServer.open();
    await draining.kit.drain();
    expect((await draining.ask({ peer: LOCAL }, 'GET', '/readyz')).json).toMatchObject({ status: 503, code: 'not_ready' });
    expect((await draining.ask({}, 'GET', '/healthz')).status).toBe(200);
  });
});

describe('a handler without authentication', () => {
  it('answers only whose address is known to be this machine', async () => {
    verifies('AUTH-07');
    const { kit } = await openKit();
    const handler = createHandler(kit);
    const request = (): Request => new Request('http://localhost:4170/api/rooms');
    expect((await handler(request(), LOCAL)).status).toBe(200);
    expect((await handler(request())).status).toBe(401);
    expect((await handler(request(), { address: '203.0.113.9' })).status).toBe(401);
    expect((await handler(new Request('http://evil.example:4170/api/rooms'), LOCAL)).status).toBe(401);
  });
});

describe('a page of the host', () => {
  it('answers what is no route, and only that', async () => {
    const seen: string[] = [];
    const pages = (request: Request): Response | undefined => {
      const { pathname } = new URL(request.url);
      seen.push(pathname);
      return pathname === '/'
        ? new Response('<h1>Hello</h1>', { headers: { 'content-type': 'text/html', 'content-security-policy': "default-src 'self'" } })
        : undefined;
    };
    const server = await AskedServer.open({ pages });
    const page = await server.ask({}, 'GET', '/');
    expect([page.status, page.text, page.headers.get('content-security-policy')]).toEqual([200, '<h1>Hello</h1>', "default-src 'self'"]);
    expect((await server.ask({}, 'GET', '/missing')).status).toBe(404);
    expect((await server.ask({}, 'GET', '/api/missing')).status).toBe(401);
    expect(seen).toEqual(['/', '/missing']);
  });
});
