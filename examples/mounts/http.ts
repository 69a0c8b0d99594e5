/** RoomKit in a server of `node:http`, with its sockets. */
// #region mount
import { createServer, type Server } from 'node:http';
import { attachSockets, toNodeListener, type ServerHandler } from 'roomkit/server';

export function application(handle: ServerHandler): Server {
  const listener = toNodeListener(handle);
  const server = createServer((request, response) => {
    if (request.url === '/') response.end('My own page');
    else listener(request, response);
  });
  attachSockets(server, handle); // browsers connect to /ws
  return server;
}
// #endregion
