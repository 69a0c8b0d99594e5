/** RoomKit in a Hono application: the handler is a function from Request to Response, as Hono's own are. */
// #region mount
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono } from 'hono';
import type { ServerHandler } from 'roomkit/server';

export function application(handle: ServerHandler): Hono {
  const app = new Hono();
  app.get('/', (context) => context.text('My own page'));
  for (const path of ['/api/*', '/mcp', '/openapi.json'])
    app.all(path, (context) => {
      const { address } = getConnInfo(context).remote; // on other runtimes: what they know of the caller, or nothing
      return handle(context.req.raw, address === undefined ? {} : { address });
    });
  return app;
}
// #endregion
