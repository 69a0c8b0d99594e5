/** What tells of all rooms tells a caller of one organization of its own alone: deliveries, and how the kit is doing. */
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKit } from 'roomkit';
import { createHandler, type Principal } from 'roomkit/server';
import { silentLogger } from '../../../src/core/logger.js';
import { verifies } from '../../requirements.js';
import { TestTransport } from '../../support/harness.js';
import { Served, type Caller } from './served.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** Two failed deliveries of acme, one of globex, and one in a room of nobody. */
async function open(): Promise<Served> {
  const served = await Served.open();
  opened.push(served);
  const { kit } = served;
  await kit.createRoom({ roomId: 'nobody-1' });
  await kit.createRoom({ roomId: 'acme-2', organizationId: 'acme' });
  for (const roomId of ['nobody-1', 'acme-2']) {
    await kit.attachChannel(roomId, 'web');
    await kit.attachChannel(roomId, 'sms', { retryPolicy: null, visibility: 'none' });
  }
  for (const roomId of ['acme-2', 'globex-1', 'nobody-1'])
    await kit.processInbound({ channelId: 'web', senderId: 'gus', content: 'Hello' }, { roomId });
  return served;
}

interface Row {
  readonly id: string;
  readonly roomId: string;
  readonly eventId: string;
}

async function rowsOf(served: Served, caller: Caller, query = ''): Promise<readonly Row[]> {
  const { status, json } = await served.ask(caller, 'get', `/api/deliveries${query}`);
  expect(status).toBe(200);
  return json['deliveries'] as readonly Row[];
}

describe('all deliveries', () => {
  it('are those of the caller’s organization, by every filter and by ids that were guessed', async () => {
    verifies('AUTH-09', 'PERM-09');
    const served = await open();
    const all = await rowsOf(served, 'root');
    expect(all.map(({ roomId }) => roomId)).toEqual(['acme-1', 'acme-2', 'globex-1', 'nobody-1']);
    const [ours, , foreign] = all;
    expect((await rowsOf(served, 'acme')).map(({ roomId }) => roomId)).toEqual(['acme-1', 'acme-2']);
    expect((await rowsOf(served, 'globex')).map(({ roomId }) => roomId)).toEqual(['globex-1']);
    for (const [caller, own, other] of [
      ['acme', ours, foreign],
      ['globex', foreign, ours],
    ] as const) {
      expect(await rowsOf(served, caller, `?eventId=${own?.eventId}`)).toEqual([own]);
      expect(await rowsOf(served, caller, `?eventId=${other?.eventId}`)).toEqual([]);
      expect((await rowsOf(served, caller, '?state=failed&channelId=sms')).every(({ id }) => id !== other?.id)).toBe(true);
    }
    // The limit counts what is shown: foreign rows before ours take no place.
    expect((await rowsOf(served, 'globex', '?limit=1')).map(({ roomId }) => roomId)).toEqual(['globex-1']);
    // A query cannot say whose they are.
    expect((await rowsOf(served, 'globex', '?organizationId=acme')).map(({ roomId }) => roomId)).toEqual(['globex-1']);
  });

  it('stay closed to a caller with a fixed list of rooms', async () => {
    verifies('AUTH-03', 'AUTH-09');
    await using kit = new RoomKit({ logger: silentLogger });
    const principal: Principal = { id: 'ops', kind: 'service', scopes: ['operate'], rooms: ['acme-1'] };
    const handler = createHandler(kit, { authenticate: () => principal });
    for (const path of ['/api/deliveries', '/api/stats']) {
      const response = await handler(new Request(`http://server.test${path}`));
      expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([403, expect.stringContaining('Ask by room')]);
    }
  });
});

describe('statistics', () => {
  it('count the deliveries of one organization for its callers, and say nothing of how much others have to do', async () => {
    verifies('AUTH-09', 'PERM-09');
    const served = await open();
    const { json: whole } = await served.ask('root', 'get', '/api/stats');
    expect(whole).toMatchObject({ deliveries: { failed: 4 }, rooms: expect.any(Number), lanes: 0, queued: 0, tasks: expect.any(Number) });
    expect(whole['organizationId']).toBeUndefined();
    for (const [caller, failed] of [
      ['acme', 2],
      ['globex', 1],
    ] as const) {
      const { status, json } = await served.ask(caller, 'get', '/api/stats');
      expect(status).toBe(200);
      const deliveries = { queued: 0, sending: 0, unknown: 0, failed };
      expect(json).toEqual({ state: 'open', organizationId: caller, breakers: whole['breakers'], deliveries });
    }
  });

  it('of a kit of one organization are whole for its callers, and empty for others', async () => {
    verifies('PERM-09');
    await using kit = new RoomKit({ logger: silentLogger, organizationId: 'acme' });
    kit.registerChannel(new TestTransport('sms', { deliver: () => Promise.reject(new Error('down')) }));
    kit.registerChannel(new TestTransport('web'));
    await kit.createRoom({ roomId: 'acme-1' });
    await kit.attachChannel('acme-1', 'web');
    await kit.attachChannel('acme-1', 'sms', { retryPolicy: null });
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hello' }, { roomId: 'acme-1' });
    let organizationId = 'acme';
    const authenticate = (): Principal => ({ id: 'ops', kind: 'service', scopes: ['operate'], organizationId });
    const handler = createHandler(kit, { authenticate });
    const ask = async (path: string): Promise<unknown> => (await handler(new Request(`http://server.test${path}`))).json();
    expect(await ask('/api/stats')).toMatchObject({ lanes: 0, deliveries: { failed: 1 } });
    organizationId = 'globex';
    expect(await ask('/api/stats')).toEqual({
      state: 'open',
      organizationId,
      breakers: expect.any(Object),
      deliveries: { queued: 0, sending: 0, unknown: 0, failed: 0 },
    });
    expect(await ask('/api/deliveries')).toEqual({ deliveries: [] });
  });
});
