/**
 * The way of every request: its page's origin, who asks, how often, which route, and what goes with the answer. Where a
 * request comes from, and how its answer is written, is the handler's and the mounts' affair.
 */
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { RoomKitError } from '../core/index.js';
import type { Peer } from './auth/address.js';
import { holdsCredential } from './auth/bearer.js';
import type { Principal } from './auth/principal.js';
import { readJson, type ReadText } from './body.js';
import type { ServerParts } from './parts.js';
import { Refusal, statusOf } from './problem.js';
import { jsonReply, problemReply, withHeaders, withoutBody, type Reply } from './reply.js';
import { isOpenRoute } from './routes/health.js';
import type { Route } from './routes/route.js';
import { ROUTES } from './routes/table.js';

/** A request, and how its body is read where that can be done better than by its stream. */
export interface Exchange {
  readonly request: Request;
  readonly peer: Peer | undefined;
  readonly readText?: ReadText | undefined;
}

const NOBODY: Principal = Object.freeze({ id: 'nobody', kind: 'service', scopes: Object.freeze([]) });

export class Dispatcher {
  readonly #router = new RegExpRouter<Route>();

  constructor(private readonly parts: ServerParts) {
    for (const route of ROUTES) this.#router.add(route.method.toUpperCase(), route.path.replaceAll(/\{(\w+)\}/g, ':$1'), route);
  }

  /** Never rejects: what goes wrong is an answer too. */
  async answer(exchange: Exchange): Promise<Reply | Response> {
    const { request, peer } = exchange;
    const requestId = this.parts.kit.ids.next();
    const url = new URL(request.url);
    const own: Record<string, string> = { 'x-request-id': requestId };
    let answer: Reply | Response;
    try {
      const { headers } = request;
      const isListed = this.parts.gate.judgeOrigin(request, url, peer) === 'listed';
      if (isListed) Object.assign(own, pageHeaders(headers.get('origin') ?? ''));
      const isPreflight = isListed && request.method === 'OPTIONS' && headers.has('access-control-request-method');
      answer = isPreflight ? preflightReply() : await this.#route(exchange, url, requestId);
    } catch (error) {
      answer = this.#refusal(error, requestId, nameOf(request.method, url));
    }
    return withHeaders(request.method === 'HEAD' ? withoutBody(answer) : answer, own);
  }

  /** The answer to what is not even a request. */
  refuse(error: unknown): Reply | Response {
    const requestId = this.parts.kit.ids.next();
    return withHeaders(this.#refusal(error, requestId, undefined), { 'x-request-id': requestId });
  }

  #refusal(error: unknown, requestId: string, request: string | undefined): Reply {
    if (!(error instanceof RoomKitError) || statusOf(error.code) === 500)
      this.parts.kit.logger.error('A request failed.', { requestId, ...(request !== undefined && { request }), error });
    return problemReply(error, requestId);
  }

  async #route(exchange: Exchange, url: URL, requestId: string): Promise<Reply | Response> {
    const { parts } = this;
    const { request, peer } = exchange;
    const { pathname } = url;
    let principal = NOBODY;
    if (isApiPath(pathname) && !isOpenRoute(pathname, () => parts.gate.isLocal(request, peer))) {
      principal = await parts.gate.admit(request, url, peer);
      parts.rates.take(`${principal.kind}:${principal.id}`);
    }
    if (pathname === '/mcp') {
      const { answerMcp } = await import('./mcp/server.js');
      return answerMcp(parts, principal, request);
    }
    const [found, values] = this.#router.match(request.method === 'HEAD' ? 'GET' : request.method, pathname);
    const [route, places] = found[0] ?? [];
    if (route === undefined) return this.#page(request, url, requestId);
    const answer = await route.run({
      parts,
      principal,
      params: paramsOf(places ?? {}, values ?? []),
      query: queryOf(url),
      readBody: () => readJson(request, parts.limits, parts.kit.clock, exchange.readText),
      header: (name) => request.headers.get(name) ?? undefined,
      request,
    });
    return answer instanceof Response ? answer : jsonReply(answer);
  }

  async #page(request: Request, url: URL, requestId: string): Promise<Reply | Response> {
    const page = isApiPath(url.pathname) ? undefined : await this.parts.pages?.(request);
    // A copy: what a page handler fetched elsewhere has headers that cannot be added to.
    if (page !== undefined) return new Response(page.body, page);
    return problemReply(new Refusal('route_not_found', `There is nothing at ${nameOf(request.method, url)}.`), requestId);
  }
}

/** A request in a message or a log: an address that carries a credential is not repeated there (AUTH-06). */
function nameOf(method: string, { pathname }: URL): string {
  return holdsCredential(pathname) ? `this ${method}` : `${method} ${pathname}`;
}

function isApiPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/') || path === '/healthz' || path === '/readyz' || path === '/openapi.json' || path === '/mcp';
}

/** The router tells by number where each parameter stands in what it matched; or, for a path without any, nothing. */
function paramsOf(places: Readonly<Record<string, string | number>>, values: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const name in places) {
    const place = places[name];
    params[name] = decoded(typeof place === 'number' ? (values[place] ?? '') : (place ?? ''));
  }
  return params;
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Of a name that is given twice, the first. */
function queryOf(url: URL): Record<string, string> {
  const query: Record<string, string> = {};
  if (url.search === '') return query;
  for (const [name, value] of url.searchParams) if (!Object.hasOwn(query, name)) Object.defineProperty(query, name, { value, enumerable: true });
  return query;
}

/** The host listed this page: its browser may read the answer. */
function pageHeaders(origin: string): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'x-request-id, retry-after',
    vary: 'origin',
  };
}

function preflightReply(): Reply {
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id',
      'access-control-max-age': '600',
    },
    body: null,
  };
}
