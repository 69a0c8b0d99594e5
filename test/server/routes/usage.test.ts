/** What agents have used, over HTTP: of one organization for its callers. */
import { describe, expect, it } from 'vitest';
import { AIChannel, MockAIProvider, RoomKit } from 'roomkit';
import { createHandler, type Principal } from 'roomkit/server';
import { silentLogger } from '../../../src/core/logger.js';
import { TestTransport } from '../../support/harness.js';
import { verifies } from '../../requirements.js';

async function served(): Promise<{ kit: RoomKit; ask: (query: string, principal?: Partial<Principal>) => Promise<{ status: number; json: never }> }> {
  const kit = new RoomKit({ logger: silentLogger, prices: { 'mock-model': { input: 100_000, output: 200_000 } } });
  kit.registerChannel(new TestTransport('web'));
  kit.registerChannel(new AIChannel('helper', { provider: new MockAIProvider() }));
  for (const organizationId of ['acme', 'globex']) {
    const roomId = `${organizationId}-1`;
    await kit.createRoom({ roomId, organizationId });
    for (const channelId of ['web', 'helper']) await kit.attachChannel(roomId, channelId);
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hello' }, { roomId });
  }
  let caller: Principal = { id: 'ops', kind: 'service', scopes: ['operate'] };
  const handler = createHandler(kit, { authenticate: () => caller });
  return {
    kit,
    ask: async (query, principal = {}) => {
      caller = { id: 'ops', kind: 'service', scopes: ['operate'], ...principal };
      const response = await handler(new Request(`http://server.test/api/usage${query}`));
      return { status: response.status, json: (await response.json()) as never };
    },
  };
}

describe('GET /api/usage', () => {
  it('sums by agent and model, of a room, an agent and a time', async () => {
    verifies('USG-01', 'USG-02');
    const { kit, ask } = await served();
    const one = { generations: 1, tokens: { input_tokens: 10, output_tokens: 5 }, cost: 2, unpriced: 0, ms: expect.any(Number) };
    const two = { ...one, generations: 2, tokens: { input_tokens: 20, output_tokens: 10 }, cost: 4 };
    expect(await ask('')).toEqual({
      status: 200,
      json: {
        ...two,
        byAgent: { helper: two },
        byModel: { 'mock-model': two },
        rows: [{ agentId: 'helper', provider: 'mock', model: 'mock-model', ...two }],
      },
    });
    expect((await ask('?roomId=acme-1&agentId=helper')).json).toMatchObject(one);
    expect((await ask('?agentId=other')).json).toMatchObject({ generations: 0, rows: [] });
    expect((await ask('?to=2020-01-01T00:00:00Z')).json).toMatchObject({ generations: 0 });
    expect((await ask('?from=2020-01-01T00:00:00Z')).json).toMatchObject({ generations: 2 });
    expect(await ask('?roomId=nowhere')).toMatchObject({ status: 404, json: { code: 'room_not_found' } });
    expect((await ask('?from=yesterday')).status).toBe(400);
    await kit.close();
  });

  it('tells callers of one organization, and of single rooms, of theirs alone', async () => {
    verifies('USG-01', 'AUTH-09', 'PERM-09');
    const { kit, ask } = await served();
    const acme = { organizationId: 'acme' };
    expect((await ask('', acme)).json).toMatchObject({ generations: 1 });
    expect((await ask('?organizationId=globex', acme)).json).not.toMatchObject({ generations: 2 });
    expect((await ask('?roomId=acme-1', acme)).json).toMatchObject({ generations: 1 });
    expect((await ask('?roomId=globex-1', acme)).status).toBe(404);
    expect((await ask('', { rooms: ['acme-1'] })).status).toBe(403);
    expect((await ask('?roomId=acme-1', { rooms: ['acme-1'] })).json).toMatchObject({ generations: 1 });
    expect((await ask('?roomId=globex-1', { rooms: ['acme-1'] })).status).toBe(404);
    expect((await ask('', { scopes: ['read'] })).status).toBe(403);
    await kit.close();
  });
});
