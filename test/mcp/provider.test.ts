/** Tools of MCP servers: real servers over each transport, and agents that use them. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { Agent, composeToolHandlers, MockAIProvider, RoomKit, silentLogger, unknownTool, WebSocketChannel } from 'roomkit';
import { MCPToolProvider, type McpCallResult, type McpClient } from 'roomkit/mcp';
import { aCall, AgentHarness, asks, resultsIn } from '../ai-harness.js';
import { verifies } from '../requirements.js';
import { Served } from '../server/routes/served.js';
import { call, context, echo, httpServer, program, provider, sessionServer, sseServer, until } from './servers.js';

/** A client whose one tool gives this. */
const gives = (result: unknown, name = 'tool'): McpClient => ({
  listTools: () => Promise.resolve({ tools: [{ name, inputSchema: { type: 'object' } }] }),
  callTool: () => Promise.resolve(result as McpCallResult),
});

async function outputOf(result: unknown): Promise<unknown> {
  const mcp = provider({ client: gives(result) });
  await mcp.connect();
  return call(mcp, 'tool');
}

const text = (words: string): object => ({ type: 'text', text: words });

describe('a provider of MCP tools', () => {
  it('speaks to servers of both generations over streamable HTTP', async () => {
    verifies('MCP-01', 'MCP-02');
    for (const { url } of [await httpServer(echo), await sessionServer(echo)]) {
      const mcp = MCPToolProvider.fromUrl(url);
      await mcp.connect();
      expect(mcp.tools).toMatchObject([{ name: 'echo', description: 'Says it back.', parameters: { type: 'object', required: ['words'] } }]);
      expect(await call(mcp, 'echo', { words: 'hello' })).toBe('hello');
      expect(await mcp.asToolHandler()('echo', { words: 'again' }, context())).toBe('again');
      await mcp.close();
    }
  });

  it('speaks to servers over the older transport of one stream', async () => {
    verifies('MCP-01');
    const { url } = await sseServer((name, args) => ({ content: [text(`${name} ${JSON.stringify(args)}`)] }), ['echo']);
    const mcp = provider({ serverUrl: url, transport: 'sse' });
    await mcp.connect();
    expect(await call(mcp, 'echo', { a: 1 })).toBe('echo {"a":1}');
  });

  it('starts programs that speak over stdio, without this process’s secrets', async () => {
    verifies('MCP-01', 'F60');
    const sums = provider({ command: process.execPath, args: [program('sdk-server')] });
    await sums.connect();
    expect(await call(sums, 'add', { a: 2, b: 40 })).toBe('42');
    process.env['ROOMKIT_TEST_SECRET'] = 'sk-secret';
    try {
      const raw = provider({ command: process.execPath, args: [program('raw-server')] });
      await raw.connect();
      expect(raw.tools.map(({ name }) => name)).toEqual(['echo', 'die', 'hang', 'garbage', 'huge', 'pid']); // of two pages
      expect(JSON.parse(String(await call(raw, 'echo', { a: 1 })))).toEqual({ args: { a: 1 }, secret: null });
    } finally {
      delete process.env['ROOMKIT_TEST_SECRET'];
    }
  });

  it('uses another kit’s rooms, with a key', async () => {
    verifies('MCP-01', 'MCP-04');
    const served = await Served.open();
    const mcp = provider({ serverUrl: `${served.server.url}/mcp`, headers: { authorization: `Bearer ${served.credential('reader')}` } });
    await mcp.connect();
    expect(JSON.parse(String(await call(mcp, 'get_room', { roomId: 'acme-1' })))).toMatchObject({ room: { id: 'acme-1' } });
    expect(mcp.tools.map(({ name }) => name)).not.toContain('send_message');
    await mcp.close();
    await served.close();
  });

  it('says what to do when it is used before it is connected, and after it was closed', async () => {
    verifies('MCP-01');
    const mcp = provider({ client: gives({ content: [] }) });
    expect(() => mcp.tools).toThrow(/was not connected yet. Call await mcp.connect\(\) first/);
    await expect(call(mcp, 'tool')).rejects.toMatchObject({ code: 'mcp_not_connected' });
    await expect(mcp.refresh()).rejects.toMatchObject({ code: 'mcp_not_connected' });
    await Promise.all([mcp.connect(), mcp.connect()]);
    await mcp.close();
    await mcp.close();
    await expect(call(mcp, 'tool')).rejects.toMatchObject({ code: 'mcp_closed' });
    await expect(mcp.connect()).rejects.toMatchObject({ code: 'mcp_closed' });
  });

  it('gives texts, structured content, images and errors each in its form', async () => {
    verifies('MCP-02');
    expect(await outputOf({ content: [text('one')] })).toBe('one');
    expect(await outputOf({ content: [text('one'), text('two')] })).toBe('["one","two"]');
    expect(await outputOf({ content: [text('no'), text('really')], isError: true })).toEqual({ error: 'no\nreally' });
    expect(await outputOf({ content: [], isError: true })).toEqual({ error: 'The tool failed.' });
    const structuredContent = { temperature: 21 };
    expect(await outputOf({ content: [text('21 degrees')], structuredContent })).toBe('{"text":"21 degrees","structuredContent":{"temperature":21}}');
    expect(await outputOf({ content: [text('{ "temperature": 21 }')], structuredContent })).toBe('{"temperature":21}');
    expect(await outputOf({ content: [], structuredContent })).toBe('{"temperature":21}');
    const image = { type: 'image', data: 'aGk=', mimeType: 'image/png' };
    const part = { type: 'image', url: 'data:image/png;base64,aGk=', mimeType: 'image/png' };
    expect(await outputOf({ content: [image] })).toEqual([part]);
    expect(await outputOf({ content: [image, text('a cat')] })).toEqual([text('a cat'), part]);
    expect(await outputOf({ content: [{ type: 'resource', resource: { uri: 'file:///a', text: 'inside' } }] })).toBe('inside');
    expect(await outputOf({ content: [] })).toBe('');
  });

  it('makes something harmless of results that are of no form at all', async () => {
    verifies('MCP-02', 'F59');
    for (const odd of [null, undefined, 'text', 7]) expect(await outputOf(odd)).toEqual({ error: 'The server gave no result.' });
    for (const content of [null, 'text', {}, []]) expect(await outputOf({ content })).toBe('');
    const parts = [null, 7, {}, { type: 'text' }, { type: 'video' }, { type: 'audio', data: 'x' }, { type: 'resource' }];
    expect(typeof (await outputOf({ content: parts }))).toBe('string');
    for (const image of [
      { data: '"><script>', mimeType: 'image/png' },
      { data: 'aGk=', mimeType: 'text/html' },
      { data: 'aGk=', mimeType: 'image/png,x' },
    ])
      expect(await outputOf({ content: [{ type: 'image', ...image }] })).toBe('[An image that cannot be shown]');
  });

  it('declines names outside of its set, and hands no call on for a server that claims not to know its own', async () => {
    verifies('MCP-02', 'TL-12');
    const mcp = provider({ client: gives({ content: [text('{"error":"Unknown tool: tool"}')] }) });
    await mcp.connect();
    const mine: string[] = [];
    const handler = composeToolHandlers(mcp.handler, (name) => (mine.push(name), 'mine'));
    expect(await call(mcp, 'other')).toBe(unknownTool('other'));
    expect(await handler('other', {}, context())).toBe('mine');
    expect(await handler('tool', {}, context())).toEqual({ error: 'The server says: Unknown tool: tool' });
    expect(mine).toEqual(['other']);
  });

  it('keeps servers apart by prefixes, which policies and hooks see', async () => {
    verifies('MCP-03', 'TL-10');
    const [one, two] = [await httpServer(echo), await httpServer(echo)];
    const north = provider({ serverUrl: one.url, prefix: 'north_' });
    const south = provider({ serverUrl: two.url, prefix: 'south_' });
    await Promise.all([north.connect(), south.connect()]);
    const script = [
      asks(aCall('north_echo', { words: 'hi' }), aCall('south_echo', { words: 'ho' }), aCall('echo', { words: 'he' })),
      { content: 'done' },
    ];
    const model = new MockAIProvider({ script });
    const harness = new AgentHarness(
      new Agent('agent', { provider: model, tools: [...north.tools, ...south.tools], toolPolicy: { deny: ['south_*'] } }),
    );
    await harness.ask();
    expect(model.calls[0]?.tools.map(({ name }) => name)).toEqual(['north_echo']);
    expect(harness.used.map(({ tool }) => tool)).toEqual(['north_echo']);
    expect(resultsIn(model.calls[1]).map(({ isError }) => isError === true)).toEqual([false, true, true]);
  });

  it('takes only the tools of its filter', async () => {
    verifies('MCP-01');
    const client: McpClient = {
      ...gives({ content: [] }),
      listTools: () => Promise.resolve({ tools: ['read_a', 'read_b', 'write'].map((name) => ({ name })) }),
    };
    const globs = provider({ client, toolFilter: ['read_*'] });
    const asked = provider({ client, toolFilter: (name) => name === 'write' });
    await Promise.all([globs.connect(), asked.connect()]);
    expect([globs, asked].map(({ tools }) => tools.map(({ name }) => name))).toEqual([['read_a', 'read_b'], ['write']]);
    expect(await call(globs, 'write')).toBe(unknownTool('write'));
  });

  it('leaves out tools that cannot be offered, and ends a list that has no end', async () => {
    verifies('MCP-02', 'F59');
    const reasons: unknown[] = [];
    const logger = { ...silentLogger, warn: (_message: string, fields: object = {}) => void reasons.push(fields) };
    const odd = [
      { name: 'fine/tool' },
      { name: 'fine_tool' },
      { name: '' },
      { name: 7 },
      null,
      { name: 'x'.repeat(200) },
      { name: 'a', inputSchema: 'no' },
    ];
    const rest = [
      { name: 'b', inputSchema: { type: 'array' } },
      { name: 'c', description: 7 },
      { name: 'd', inputSchema: { type: 'object', x: 'y'.repeat(200_000) } },
    ];
    const mcp = provider({ client: { ...gives({}), listTools: () => Promise.resolve({ tools: [...odd, ...rest] as never }) }, logger });
    await mcp.connect();
    expect(mcp.tools.map(({ name }) => name)).toEqual(['fine_tool']);
    expect(reasons).toHaveLength(7);
    new Agent('agent', { provider: new MockAIProvider(), tools: mcp.tools });
    const turns = { ...gives({}), listTools: () => Promise.resolve({ tools: [], nextCursor: 'again' }) };
    await expect(provider({ client: turns }).connect()).rejects.toMatchObject({ code: 'mcp_invalid' });
    let page = 0;
    const grows = { ...gives({}), listTools: () => Promise.resolve({ tools: [], nextCursor: String(page++) }) };
    await expect(provider({ client: grows }).connect()).rejects.toMatchObject({ code: 'mcp_invalid' });
  });

  it('keeps agents in step when the server’s tools change', async () => {
    verifies('MCP-02');
    const add = (server: McpServer, name: string): void => void server.registerTool(name, { inputSchema: z.object({}) }, () => ({ content: [] }));
    let names = ['one', 'two'];
    const stateless = await httpServer((server) => names.forEach((name) => add(server, name)));
    const sessions: McpServer[] = [];
    const sessionful = await sessionServer((server) => (sessions.push(server), ['one', 'two'].forEach((name) => add(server, name))));
    const agents = [stateless, sessionful].map(({ url }) => ({
      mcp: provider({ serverUrl: url }),
      agent: new Agent('agent', { provider: new MockAIProvider() }),
    }));
    const listed = (): string[] =>
      agents.map(({ agent }) =>
        agent.tools
          .map(({ name }) => name)
          .sort()
          .join(),
      );
    const stops: (() => void)[] = [];
    for (const { mcp, agent } of agents) {
      await mcp.connect();
      stops.push(mcp.offerTo(agent));
    }
    expect(listed()).toEqual(['one,two', 'one,two']);
    names = ['three', 'two'];
    stateless.toolsChanged();
    // A session's own server says so by itself, on the stream that the client holds open for it.
    await until(() => sessionful.requests.some(({ method }) => method === 'GET'));
    for (const server of sessions) add(server, 'three');
    await until(() => listed().join(' ') === 'three,two one,three,two');
    names = ['four'];
    await agents[0]?.mcp.refresh();
    expect(listed()[0]).toBe('four');
    for (const stop of stops) stop();
    expect(listed()).toEqual(['', '']);
  });

  it('works in a room as in the README', async () => {
    verifies('MCP-01', 'TL-12');
    const { url } = await httpServer(echo);
    const mcp = provider({ serverUrl: url });
    await mcp.connect();
    const own = { name: 'own', description: 'Mine.' };
    const model = new MockAIProvider({ script: [asks(aCall('echo', { words: 'hi' }), aCall('own')), { content: 'done' }] });
    await using kit = new RoomKit({ logger: silentLogger });
    kit.registerChannel(new WebSocketChannel('web'));
    const definitions = mcp.tools.map(({ name, description, parameters = {} }) => ({ name, description, parameters }));
    const handler = composeToolHandlers(mcp.handler, (name) => `${name} ran`);
    kit.registerChannel(new Agent('helper', { provider: model, tools: [...definitions, own], toolHandler: handler }));
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'web');
    await kit.attachChannel('room', 'helper');
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hello' }, { roomId: 'room' });
    expect(resultsIn(model.calls[1]).map(({ result }) => result)).toEqual(['hi', 'own ran']);
  });

  it('refuses options that make no sense', () => {
    verifies('KIT-07');
    const made = (options: unknown) => () => new MCPToolProvider(options as never);
    expect(made(undefined)).toThrow(/takes options/);
    expect(made({})).toThrow(/one of serverUrl, command and client/);
    expect(made({ serverUrl: 'http://a', command: 'b' })).toThrow(/exactly one/);
    expect(made({ serverURL: 'http://a' })).toThrow("Did you mean 'serverUrl'?");
    expect(made({ serverUrl: 'nowhere' })).toThrow(/is no URL/);
    expect(made({ serverUrl: 'file:///etc/passwd' })).toThrow(/Use http: or https:/);
    expect(made({ serverUrl: 'http://a', transport: 'carrier-pigeon' })).toThrow(/Use 'streamable_http', 'sse' or 'stdio'/);
    expect(made({ serverUrl: 'http://a', transport: 'stdio' })).toThrow(/needs a command/);
    expect(made({ serverUrl: 'http://a', prefix: 'a b' })).toThrow(/prefix is "a b"/);
    expect(made({ serverUrl: 'http://a', callTimeoutSeconds: 0 })).toThrow(/callTimeoutSeconds is 0/);
    expect(made({ client: {} })).toThrow(/no listTools and callTool/);
  });

  it('prints no secret: not in options, errors, inspect or JSON', async () => {
    verifies('F60');
    const { url } = await httpServer(echo);
    const secret = 'sk-very-secret';
    const closed = `${new URL(url).origin.replace(/\d+$/, '1')}/mcp?token=${secret}`;
    const mcp = provider({ serverUrl: closed, headers: { authorization: `Bearer ${secret}` }, env: { KEY: secret } });
    const error: unknown = await mcp.connect().catch((thrown: unknown) => thrown);
    const bad = [
      () => new MCPToolProvider({ serverUrl: `http://ada:${secret}@host/` }),
      () => new MCPToolProvider({ serverUrl: `${secret}` }),
      () => new MCPToolProvider({ serverUrl: url, headers: { authorization: `${secret}\n` + '\u0000' } }),
    ].map((make) => {
      try {
        return make();
      } catch (thrown) {
        return thrown;
      }
    });
    expect(bad.every((thrown) => thrown instanceof Error)).toBe(true);
    expect(error).toMatchObject({ code: 'mcp_unreachable', retryable: true });
    for (const shown of [mcp, error, ...bad])
      expect(`${inspect(shown, { depth: 9, showHidden: true })}${JSON.stringify(shown)}`).not.toContain(secret);
  });
});
