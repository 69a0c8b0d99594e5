/**
 * The server as one web-standard function: a Request in, a Response out (behaviour §31). It mounts wherever such a function
 * does; `serve` in node.ts puts it on a port.
 */
import type { RoomKit } from '../core/index.js';
import { checkOptionNames } from '../core/option-names.js';
import type { Peer } from './auth/address.js';
import { Dispatcher, exchangeOf } from './dispatch.js';
import { HANDLER_OPTIONS, serverParts, type HandlerOptions, type ServerParts } from './parts.js';
import { asResponse } from './reply.js';

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
  const dispatcher = new Dispatcher(parts);
  const handler: ServerHandler = async (request, peer) => asResponse(await dispatcher.answer(exchangeOf(request, peer)));
  handlers.set(handler, parts);
  return handler;
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
