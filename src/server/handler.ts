/**
 * The server as one web-standard function: a Request in, a Response out (behaviour §31). It mounts wherever such a function
 * does; `serve` in node.ts puts it on a port.
 */
import { Hono, type Context } from 'hono';
import { RoomKitError, type RoomKit } from '../core/index.js';
import { checkOptionNames } from '../core/option-names.js';
import type { Peer } from './auth/address.js';
import { holdsCredential } from './auth/bearer.js';
import type { Principal } from './auth/principal.js';
import { readJson } from './body.js';
import { HANDLER_OPTIONS, serverParts, type HandlerOptions, type ServerParts } from './parts.js';
import { problemResponse, Refusal, statusOf } from './problem.js';
import { isOpenRoute } from './routes/health.js';
import type { Route } from './routes/route.js';
import { ROUTES } from './routes/table.js';

/** What a route finds in its context. */
export interface ServerEnvironment {
  Bindings: { peer: Peer | undefined };
  Variables: { requestId: string; url: URL; principal: Principal | undefined };
}

export type ServerContext = Context<ServerEnvironment>;
export type ServerRoutes = Hono<ServerEnvironment>;

/** `peer` is who is at the other end of the connection, for limits and for callers without credentials. */
export type ServerHandler = (request: Request, peer?: Peer) => Promise<Response>;

/**
 * Every route of the server for a kit. Without `authenticate` and client tokens only callers are answered whose `peer` is a
 * loopback address. Throws ValidationError for options that cannot be.
 */
export function createHandler(kit: RoomKit, options: HandlerOptions = {}): ServerHandler {
  checkOptionNames('createHandler', options, HANDLER_OPTIONS);
  return handlerOf(serverParts(kit, options, false, options.closing ?? new AbortController().signal));
}

/** The handler of a server that is wired already. */
export function handlerOf(parts: ServerParts): ServerHandler {
  const app: ServerRoutes = new Hono<ServerEnvironment>();
  app.use('*', async (context, next) => {
    const requestId = parts.kit.ids.next();
    const url = new URL(context.req.url);
    context.set('requestId', requestId);
    context.set('url', url);
    const { req, env } = context;
    const origin = parts.gate.judgeOrigin(req.raw, url, env.peer) === 'listed' ? (req.header('origin') ?? '') : '';
    if (origin !== '' && req.method === 'OPTIONS' && req.header('access-control-request-method') !== undefined) {
      context.res = preflightAnswer();
    } else {
      await next();
    }
    context.res.headers.set('x-request-id', requestId);
    if (origin !== '') allowPage(context.res.headers, origin);
  });
  app.use('*', async (context, next) => {
    const path = context.req.path;
    if (!isApiPath(path) || isOpenRoute(path, () => parts.gate.isLocal(context.req.raw, context.env.peer))) return next();
    const principal = await parts.gate.admit(context.req.raw, context.var.url, context.env.peer);
    parts.rates.take(`${principal.kind}:${principal.id}`);
    context.set('principal', principal);
    return next();
  });
  for (const route of ROUTES) mount(app, parts, route);
  app.all('/mcp', async (context) => {
    const { answerMcp } = await import('./mcp/server.js');
    return answerMcp(parts, context.var.principal ?? NOBODY, context.req.raw);
  });
  app.notFound(async (context) => {
    const page = isApiPath(context.req.path) ? undefined : await parts.pages?.(context.req.raw);
    // A copy: what a page handler fetched elsewhere has headers that cannot be added to.
    return page !== undefined
      ? new Response(page.body, page)
      : problemResponse(
          new Refusal('route_not_found', `There is nothing at ${nameOf(context.req)}.${hintFor(context.req.path)}`),
          context.var.requestId,
        );
  });
  app.onError((error, context) => {
    const requestId = context.get('requestId') ?? parts.kit.ids.next();
    if (!(error instanceof RoomKitError) || statusOf(error.code) === 500)
      parts.kit.logger.error('A request failed.', { requestId, request: nameOf(context.req), error });
    return problemResponse(error, requestId);
  });
  const handler: ServerHandler = async (request, peer) => {
    const response = await app.fetch(request, { peer });
    return secured(response);
  };
  handlers.set(handler, parts);
  return handler;
}

/** What somebody probably looked for. */
function hintFor(path: string): string {
  if (/^\/studio(\/(index\.html)?)?$/.test(path)) return ' Studio is off: serve(kit, { studio: true }) turns it on.';
  return path === '/' ? ' The rooms are at /api/rooms, and serve(kit, { studio: true }) shows them here.' : '';
}

const handlers = new WeakMap<ServerHandler, ServerParts>();

/** What a handler is made of; undefined for any other function. */
export function partsOf(handler: ServerHandler): ServerParts | undefined {
  return handlers.get(handler);
}

/** A handler by method, as frameworks of routes in files take it (Next, SvelteKit, Remix). */
export type RouteHandlers = Readonly<Record<(typeof METHODS)[number], (request: Request) => Promise<Response>>>;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * One function per method, for frameworks that look for them by name. Such frameworks do not tell the caller's address.
 * @example export const { GET, POST, PUT, PATCH, DELETE } = toRouteHandlers(createHandler(kit, { authenticate }));
 */
export function toRouteHandlers(handler: ServerHandler): RouteHandlers {
  const answer = (request: Request): Promise<Response> => handler(request);
  return Object.fromEntries(METHODS.map((method) => [method, answer])) as RouteHandlers; // every method was given one
}

const NOBODY: Principal = Object.freeze({ id: 'nobody', kind: 'service', scopes: Object.freeze([]) });

function mount(app: ServerRoutes, parts: ServerParts, route: Route): void {
  app.on(route.method.toUpperCase(), route.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (context) => {
    const { req } = context;
    const answer = await route.run({
      parts,
      principal: context.var.principal ?? NOBODY,
      params: req.param(),
      query: req.query(),
      readBody: () => readJson(req.raw, parts.limits, parts.kit.clock),
      header: (name) => req.header(name),
      request: req.raw,
    });
    if (answer instanceof Response) return answer;
    const { status, body } = answer;
    return body === undefined
      ? new Response(null, { status })
      : new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
  });
}

/** A request in a message or a log: an address that carries a credential is not repeated there (AUTH-06). */
function nameOf({ method, path }: { readonly method: string; readonly path: string }): string {
  return holdsCredential(path) ? `this ${method}` : `${method} ${path}`;
}

function isApiPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/') || path === '/healthz' || path === '/readyz' || path === '/openapi.json' || path === '/mcp';
}

/** The host listed this page: its browser may read the answer. */
function allowPage(headers: Headers, origin: string): void {
  headers.set('access-control-allow-origin', origin);
  headers.set('access-control-allow-credentials', 'true');
  headers.set('access-control-expose-headers', 'x-request-id, retry-after');
  headers.append('vary', 'origin');
}

function preflightAnswer(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id',
      'access-control-max-age': '600',
    },
  });
}

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
];

/** What a page has set for itself stays. */
function secured(response: Response): Response {
  for (const [name, value] of SECURITY_HEADERS) if (!response.headers.has(name)) response.headers.set(name, value);
  return response;
}
