/** Real MCP servers for tests: over HTTP by the SDK, and the older transport by hand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createMcpHandler, McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { RoomKit, silentLogger, type ToolContext } from 'roomkit';
import { MCPToolProvider, type MCPToolProviderOptions } from 'roomkit/mcp';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly requests: IncomingMessage[];
  /** Cuts every connection, and takes no new ones. */
  stop(): Promise<void>;
}

export async function listen(listener: (request: IncomingMessage, response: ServerResponse) => unknown, port = 0): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(request);
    void listener(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  onTestFinished(stop);
  const { port: taken } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${taken}/mcp`, port: taken, requests, stop };
}

export type Build = (server: McpServer) => void;

const build = (tools: Build) => (): McpServer => {
  const server = new McpServer({ name: 'test', version: '1.0.0' });
  tools(server);
  return server;
};

export interface HttpServer extends TestServer {
  /** Tells who listens that the tools are others now. */
  toolsChanged(): void;
}

/** Of both generations, one server per request. */
export async function httpServer(tools: Build, port = 0): Promise<HttpServer> {
  const handler = createMcpHandler(build(tools));
  onTestFinished(() => handler.close());
  const server = await listen(
    getRequestListener((request) => handler.fetch(request)),
    port,
  );
  return { ...server, toolsChanged: () => void handler.notify.toolsChanged() };
}

/** Of the older generation: one server per session, and sessions that a restart forgets. */
export async function sessionServer(tools: Build, port = 0): Promise<TestServer> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const answer = async (request: Request): Promise<Response> => {
    const known = sessions.get(request.headers.get('mcp-session-id') ?? '');
    if (known !== undefined) return known.handleRequest(request);
    if (request.headers.has('mcp-session-id')) return new Response('no such session', { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await build(tools)().connect(transport);
    return transport.handleRequest(request);
  };
  return listen(getRequestListener(answer), port);
}

/** The HTTP+SSE transport of 2024: answers come on one stream, requests are posted. Speaks just enough of MCP. */
export async function sseServer(
  call: (name: string, args: Record<string, unknown>) => unknown,
  names: readonly string[],
  port = 0,
): Promise<TestServer> {
  const streams = new Map<string, ServerResponse>();
  return listen(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method === 'GET') {
      const id = String(streams.size + 1);
      streams.set(id, response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: /post?session=${id}\n\n`);
      return;
    }
    const stream = streams.get(url.searchParams.get('session') ?? '');
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { id, method, params } = JSON.parse(body) as { id?: number; method: string; params?: Record<string, unknown> };
    response.writeHead(stream === undefined ? 404 : 202).end();
    if (id === undefined || stream === undefined) return;
    const answer = async (): Promise<unknown> => {
      if (method === 'initialize') return { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: 'sse', version: '1' } };
      if (method === 'tools/list') return { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) };
      return call(params?.['name'] as string, params?.['arguments'] as Record<string, unknown>);
    };
    const result = await answer();
    stream.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
  }, port);
}

/** One tool `echo` that says back what it was given. */
export const echo: Build = (server) => {
  const inputSchema = z.object({ words: z.string() });
  server.registerTool('echo', { description: 'Says it back.', inputSchema }, ({ words }) => ({ content: [{ type: 'text', text: words }] }));
};

/** A provider that is closed when the test is over. */
export function provider(options: MCPToolProviderOptions): MCPToolProvider {
  const mcp = new MCPToolProvider({ logger: silentLogger, ...options });
  onTestFinished(() => mcp.close());
  return mcp;
}

export function context(signal = new AbortController().signal): ToolContext {
  return { roomId: 'room', channelId: 'agent', turnId: 'turn', callId: 'call', idempotencyKey: 'key', signal, kit: new RoomKit() };
}

export const call = async (mcp: MCPToolProvider, name: string, args: Record<string, unknown> = {}, signal?: AbortSignal): Promise<unknown> =>
  mcp.handler(name, args, context(signal));

export const program = (name: string): string => new URL(`programs/${name}.mjs`, import.meta.url).pathname;

/** Until it holds; bounded by the test's own limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
