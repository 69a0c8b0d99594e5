/** A WebSocketSource in front of a server of the package `ws`. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { WebSocketSource, type WebSocketSourceOptions } from '../../src/providers/sources/index.js';
import type { OpenSource, SaidToSource } from '../../src/testing/index.js';
import { unusedAddress } from '../providers/unused-address.js';
import { silentServer } from './silent-server.js';

export const SECRET = 's3cr3t-nobody-may-see';

export const jsonOf = ({ senderId, text, externalId }: SaidToSource): string =>
  JSON.stringify({ sender_id: senderId, text, ...(externalId !== undefined && { external_id: externalId }) });

export interface TestSocketServer {
  readonly port: number;
  /** Everybody who has ever come. */
  readonly sockets: WebSocket[];
  readonly requests: IncomingMessage[];
  /** The newest. */
  readonly socket: () => WebSocket;
  close(): Promise<void>;
}

export async function socketServer(options: ServerOptions = {}): Promise<TestSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  const sockets: WebSocket[] = [];
  const requests: IncomingMessage[] = [];
  server.on('connection', (socket, request) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    requests.push(request);
  });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    requests,
    socket: () => sockets.at(-1) as WebSocket,
    close: async () => {
      for (const socket of sockets) socket.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function sourceOf(port: number, more: Partial<WebSocketSourceOptions> = {}): WebSocketSource {
  return new WebSocketSource({ url: `ws://127.0.0.1:${port}/events`, channelId: 'feed', ...more });
}

export const openWebSocket: OpenSource = async ({ isUnreachable = false, isSilent = false } = {}) => {
  const server = await socketServer();
  const silent = isSilent ? await silentServer() : undefined;
  const port = isUnreachable ? Number(new URL(await unusedAddress()).port) : (silent ?? server).port;
  return {
    source: sourceOf(port, {
      url: `ws://ada:${SECRET}@127.0.0.1:${port}/events?token=${SECRET}`,
      headers: { 'x-key': SECRET },
    }),
    channelId: 'feed',
    secret: SECRET,
    say: (...said) => {
      for (const one of said) if (server.socket().readyState === 1) server.socket().send(jsonOf(one));
    },
    babble: () => {
      for (const text of ['', 'hello', '[]', 'null', '{}', '{"sender_id":7}', '{"sender_id":"ada","text":1}']) server.socket().send(text);
      server.socket().send(Buffer.from(jsonOf({ senderId: 'ada', text: 'binary' })));
    },
    cut: () => server.socket().terminate(),
    openConnections: () => silent?.openConnections() ?? server.sockets.filter(({ readyState }) => readyState === 1).length,
    close: async () => {
      await silent?.close();
      await server.close();
    },
  };
};
