/**
 * The server as an MCP server at `/mcp` (streamable HTTP): an assistant joins rooms with the same credentials, scopes and
 * organization as any other caller. Loaded with the first request; needs the package `@modelcontextprotocol/server`.
 */
import type * as Sdk from '@modelcontextprotocol/server';
import { MissingPeerError } from '../../core/index.js';
import { hasScope, isClient, type Principal, type Scope } from '../auth/principal.js';
import { readJson, textOf } from '../body.js';
import type { ServerParts } from '../parts.js';
import { VERSION } from '../version.js';
import { callRouteAs, refusalText, routeNamed, type CallRoute } from './call.js';
import { RESOURCES, resourceUri, roomOf } from './resources.js';
import { MCP_TOOLS, type McpTool } from './tools.js';

const INSTRUCTIONS =
  'Conversations happen in rooms. Read a room with get_room and read_timeline before you act in it. What is said with send_message is heard by people; use visibility "internal" for notes among agents. Call escalate_to_human when a person should go on.';

const handlers = new WeakMap<ServerParts, Promise<Sdk.McpHttpHandler>>();

/** Answers one MCP request of a caller who has been let in. Throws MissingPeerError without the package that `load` loads. */
export async function answerMcp(
  parts: ServerParts,
  principal: Principal,
  request: Request,
  load = (): Promise<typeof Sdk> => import('@modelcontextprotocol/server'),
): Promise<Response> {
  let opening = handlers.get(parts);
  if (opening === undefined) handlers.set(parts, (opening = open(parts, load)));
  const handler = await opening.catch((error: unknown) => {
    handlers.delete(parts); // it may be installed meanwhile
    throw error;
  });
  const parsedBody =
    request.method === 'POST' ? await readJson(request.headers.get('content-type'), parts.limits, parts.kit.clock, textOf(request)) : undefined;
  // The body has been read: what is handed on are its headers, and the JSON beside it.
  const head = new Request(request.url, { method: request.method, headers: request.headers, signal: request.signal });
  const authInfo = { token: '', clientId: principal.id, scopes: [...principal.scopes], extra: { principal } };
  return handler.fetch(head, { authInfo, ...(parsedBody !== undefined && { parsedBody }) });
}

async function open(parts: ServerParts, load: () => Promise<typeof Sdk>): Promise<Sdk.McpHttpHandler> {
  const sdk = await load().catch((error: unknown): never => {
    throw new MissingPeerError('The MCP server at /mcp', '@modelcontextprotocol/server', { cause: error });
  });
  return sdk.createMcpHandler(({ authInfo }) => serverFor(sdk, parts, authInfo?.extra?.['principal'] as Principal), {
    onerror: (error) => parts.kit.logger.debug('An MCP request was refused.', { error: error.message }),
  });
}

/** One server per request: it shows what this caller may do, and nothing else. */
function serverFor(sdk: typeof Sdk, parts: ServerParts, principal: Principal): Sdk.McpServer {
  const server = new sdk.McpServer({ name: 'roomkit', title: 'RoomKit', version: VERSION }, { instructions: INSTRUCTIONS });
  const call = callRouteAs(parts, principal);
  for (const tool of MCP_TOOLS) if (mayCall(principal, tool.route, tool.scope)) addTool(server, parts, principal, call, tool);
  if (!hasScope(principal, 'read')) return server;
  for (const resource of RESOURCES) {
    if (!mayCall(principal, resource.route)) continue;
    const template = new sdk.ResourceTemplate(`room://{roomId}${resource.path}`, { list: () => listed(call, resource.path, resource.title) });
    const { name, title, description } = resource;
    server.registerResource(name, template, { title, description, mimeType: 'application/json' }, async (uri, variables) => {
      const roomId = roomOf(variables['roomId']);
      try {
        const body = await resource.read(call, roomId);
        return { contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(body) }] };
      } catch (error) {
        throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, refusalText(parts, error));
      }
    });
  }
  return server;
}

function addTool(server: Sdk.McpServer, parts: ServerParts, principal: Principal, call: CallRoute, tool: McpTool): void {
  const { name, title, description, input, annotations } = tool;
  server.registerTool(name, { title, description, inputSchema: input, annotations }, async (given) => {
    try {
      const body = await tool.run(call, given, principal);
      return { content: [{ type: 'text', text: JSON.stringify(body) }] };
    } catch (error) {
      return { isError: true, content: [{ type: 'text', text: refusalText(parts, error) }] };
    }
  });
}

function mayCall(principal: Principal, routeId: string, needed?: Scope): boolean {
  const scope = needed ?? routeNamed(routeId).scope;
  if (scope === 'open' || scope === 'principal') return true;
  if (isClient(principal) && (scope === 'operate' || scope === 'admin')) return false;
  return hasScope(principal, scope);
}

const LISTED_ROOMS = 50;

async function listed(call: CallRoute, path: string, title: string): Promise<{ resources: { uri: string; name: string; mimeType: string }[] }> {
  const { rooms } = (await call('listRooms', { query: { limit: LISTED_ROOMS } })) as { rooms: { id: string }[] }; // as its schema says
  return { resources: rooms.map(({ id }) => ({ uri: resourceUri(id, path), name: `${title} of ${id}`, mimeType: 'application/json' })) };
}
