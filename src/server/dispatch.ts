/**
 * The way of every request: its page's origin, who asks, how often, which route, and what goes with the answer. Where a
 * request comes from, and how its answer is written, is the handler's and the mounts' affair.
 */
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { RoomKitError } from '../core/index.js';
import type { Peer } from './auth/address.js';
import { holdsCredential, type Address } from './auth/bearer.js';
import type { Asked } from './auth/gate.js';
import type { Principal } from './auth/principal.js';
import { readJson, textOf, type ReadText } from './body.js';
import type { ServerParts } from './parts.js';
import { Refusal, statusOf } from './problem.js';
import { jsonReply, problemReply, withHeaders, withoutBody, type Reply } from './reply.js';
import { isOpenRoute } from './routes/health.js';
import { mediaRoute } from './routes/media.js';
import type { Route } from './routes/route.js';
import { ROUTES } from './routes/table.js';
import { isWebhookPath } from './webhooks.js';

/** A request, whatever carries it. */
export interface Exchange extends Asked {
  readonly method: string;
  readonly url: string;
  readonly peer: Peer | undefined;
  readonly readText: ReadText;
  /** Where it was looked for already. */
  readonly found?: Found;
  /** Where `url` was taken apart already. */
  readonly address?: Address;
}

export function exchangeOf(request: Request, peer: Peer | undefined, readText: ReadText = textOf(request)): Exchange {
  const { method, url, headers } = request;
  return { method, url, headers, peer, readText, toRequest: () => request };
}

/** A route, and what stands in the places of its parameters. */
export type Found = readonly [route: Route, params: Readonly<Record<string, string>>];

const NOBODY: Principal = Object.freeze({ id: 'nobody', kind: 'service', scopes: Object.freeze([]) });

export class Dispatcher {
  readonly #router = new RegExpRouter<Route>();

  constructor(private readonly parts: ServerParts) {
    // Without a store that opens links, their address is a page's like any other.
    const routes = parts.kit.mediaStore?.openLink === undefined ? ROUTES : [...ROUTES, mediaRoute];
    for (const route of routes) this.#router.add(route.method.toUpperCase(), route.path.replaceAll(/\{(\w+)\}/g, ':$1'), route);
  }

  /** Never rejects: what goes wrong is an answer too. */
  async answer(exchange: Exchange): Promise<Reply | Response> {
    const { method, headers, peer } = exchange;
    const requestId = this.parts.kit.ids.next();
    const url = exchange.address ?? new URL(exchange.url);
    const own: Record<string, string> = { 'x-request-id': requestId };
    let answer: Reply | Response;
    try {
      const isListed = this.parts.gate.judgeOrigin(exchange, url, peer) === 'listed';
      if (isListed) Object.assign(own, pageHeaders(headers.get('origin') ?? ''));
      const isPreflight = isListed && method === 'OPTIONS' && headers.has('access-control-request-method');
      answer = isPreflight ? preflightReply() : await this.#route(exchange, url, requestId);
    } catch (error) {
      answer = this.#refusal(error, requestId, nameOf(method, url));
    }
    return withHeaders(method === 'HEAD' ? withoutBody(answer) : answer, own);
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

  async #route(exchange: Exchange, url: Address, requestId: string): Promise<Reply | Response> {
    const { parts } = this;
    const { method, headers, peer } = exchange;
    const { pathname } = url;
    let principal = NOBODY;
    if (isApiPath(pathname) && !isOpenRoute(pathname, () => parts.gate.isLocal(exchange, peer))) {
      principal = await parts.gate.admit(exchange, url, peer);
      parts.rates.take(`${principal.kind}:${principal.id}`);
    }
    if (isWebhookPath(pathname)) return parts.webhooks.answer(exchange.toRequest(), pathname);
    if (parts.devices !== undefined && isDevicePath(pathname) && parts.gate.isLocal(exchange, peer)) {
      const answer = await parts.devices(exchange.toRequest());
      if (answer !== undefined) return answer;
    }
    if (pathname === '/mcp') {
      const { answerMcp } = await import('./mcp/server.js');
      return answerMcp(parts, principal, exchange.toRequest());
    }
    const [route, params] = exchange.found ?? this.find(method, pathname) ?? [];
    if (route === undefined || params === undefined) return this.#page(exchange, url, requestId);
    const run = (): ReturnType<Route['run']> =>
      route.run({
        parts,
        principal,
        params,
        query: queryOf(url),
        readBody: () => readJson(headers.get('content-type'), parts.limits, parts.kit.clock, exchange.readText),
        header: (name) => headers.get(name) ?? undefined,
        isHead: method === 'HEAD',
      });
    const answer = await parts.kit.continueTrace(headers, run);
    return answer instanceof Response ? answer : jsonReply(answer);
  }

  /** The route of a method and a path; HEAD is answered by that of GET. */
  find(method: string, pathname: string): Found | undefined {
    const [found, values] = this.#router.match(method === 'HEAD' ? 'GET' : method, pathname);
    const [route, places] = found[0] ?? [];
    return route && [route, paramsOf(places ?? {}, values ?? [])];
  }

  async #page({ method, toRequest }: Exchange, url: Address, requestId: string): Promise<Reply | Response> {
    const page = isApiPath(url.pathname) ? undefined : await this.parts.pages?.(toRequest());
    // A copy: what a page handler fetched elsewhere has headers that cannot be added to.
    if (page !== undefined) return new Response(page.body, page);
    return problemReply(new Refusal('route_not_found', `There is nothing at ${nameOf(method, url)}.${hintFor(url.pathname)}`), requestId);
  }
}

/** What somebody probably looked for. */
function hintFor(path: string): string {
  if (/^\/studio(\/(index\.html)?)?$/.test(path)) return ' Studio is off: serve(kit, { studio: true }) turns it on.';
  return path === '/' ? ' The rooms are at /api/rooms, and serve(kit, { studio: true }) shows them here.' : '';
}

/** A request in a message or a log: an address that carries a credential is not repeated there (AUTH-06). */
function nameOf(method: string, { pathname }: Address): string {
  return holdsCredential(pathname) ? `this ${method}` : `${method} ${pathname}`;
}

function isDevicePath(path: string): boolean {
  return path === '/devices' || path.startsWith('/devices/');
}

function isApiPath(path: string): boolean {
  return (
    path === '/api' ||
    path.startsWith('/api/') ||
    path === '/healthz' ||
    path === '/readyz' ||
    path === '/metrics' ||
    path === '/openapi.json' ||
    path === '/mcp'
  );
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
function queryOf(url: Address): Record<string, string> {
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
