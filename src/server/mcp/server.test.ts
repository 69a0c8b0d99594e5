import { describe, expect, it } from 'vitest';
import { RoomKit, silentLogger } from '../../core/index.js';
import { verifies } from '../../../test/requirements.js';
import { serverParts } from '../parts.js';
import { problemResponse } from '../problem.js';
import { answerMcp } from './server.js';

describe('the MCP server', () => {
  it('says which package it needs when that is not installed, and is there as soon as it is', async () => {
    verifies('MCP-04');
    await using kit = new RoomKit({ logger: silentLogger });
    const parts = serverParts(kit, {}, true, new AbortController().signal);
    const admin = { id: 'root', kind: 'service', scopes: ['admin'] } as const;
    const ask = (load?: () => Promise<never>): Promise<Response> =>
      answerMcp(
        parts,
        admin,
        new Request('http://127.0.0.1/mcp', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
        }),
        load,
      );
    const missing = await ask(() => Promise.reject(new Error('Cannot find package'))).catch((error: unknown) => error);
    expect(missing).toMatchObject({ code: 'missing_peer', message: expect.stringContaining('npm install @modelcontextprotocol/server') });
    const refused = problemResponse(missing, 'r-1');
    expect([refused.status, await refused.json()]).toMatchObject([501, { code: 'missing_peer', detail: expect.stringContaining('npm install') }]);
    expect((await ask()).status).toBe(200);
  });
});
