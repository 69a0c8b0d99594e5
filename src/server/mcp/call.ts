/** Calls a route of the server from inside: same checks, same answers, no HTTP. */
import { RoomKitError } from '../../core/index.js';
import type { Principal } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { problemOf } from '../problem.js';
import type { Route } from '../routes/route.js';
import { ROUTES } from '../routes/table.js';

/** What a route is called with; the query as it would stand in an address. */
export interface RouteArguments {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export type CallRoute = (id: string, given: RouteArguments) => Promise<unknown>;

const byId: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [route.id, route]));

/** The route of this operationId. */
export function routeNamed(id: string): Route {
  const route = byId.get(id);
  if (route === undefined) throw new Error(`There is no route '${id}'.`);
  return route;
}

/** A way to call routes as this caller; the call throws what the route refuses with. */
export function callRouteAs(parts: ServerParts, principal: Principal): CallRoute {
  return async (id, { params = {}, query = {}, body, headers = {} }) => {
    const written = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
    const answer = await routeNamed(id).run({
      parts,
      principal,
      params,
      query: Object.fromEntries(written),
      readBody: () => Promise.resolve(body),
      header: (name) => headers[name],
    });
    return answer instanceof Response ? undefined : (answer.body ?? {});
  };
}

/** What may be said of an error, in one line; what nobody expected is logged and says nothing but that. */
export function refusalText({ kit }: ServerParts, error: unknown): string {
  const requestId = kit.ids.next();
  const { code, detail } = problemOf(error, requestId);
  if (code !== 'internal') return `${code}: ${detail ?? ''}`;
  kit.logger.error('An MCP request failed.', { requestId, error: error instanceof RoomKitError ? error.code : error });
  return `internal: Something went wrong on the server. It is logged as request ${requestId}.`;
}
