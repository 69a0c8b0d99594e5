/** An SSESource in front of a server of node:http that keeps what it has said. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSESource, type SSESourceOptions } from '../../src/providers/sources/index.js';
import type { OpenSource } from '../../src/testing/index.js';
import { unusedAddress } from '../providers/unused-address.js';
import { jsonOf, SECRET } from './open-websocket.js';

export type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

export interface EventServer {
  readonly port: number;
  readonly requests: IncomingMessage[];
  /** The newest. */
  readonly response: () => ServerResponse;
  readonly openConnections: () => number;
  close(): Promise<void>;
}

/** Says at once that it is there, and what comes after the client's `Last-Event-ID`. */
export function stream(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(': hello\n\n');
}

export async function eventServer(answer: Answer = stream): Promise<EventServer> {
  const requests: IncomingMessage[] = [];
  const responses: ServerResponse[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    requests.push(request);
    responses.push(response);
    open.add(response);
    response.on('close', () => open.delete(response));
    answer(request, response, requests.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    response: () => responses.at(-1) as ServerResponse,
    openConnections: () => open.size,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function sseSourceOf(port: number, more: Partial<SSESourceOptions> = {}): SSESource {
  return new SSESource({ url: `http://127.0.0.1:${port}/events`, channelId: 'feed', ...more });
}

export const openSSE: OpenSource = async ({ isUnreachable = false, isSilent = false } = {}) => {
  const server = await eventServer(isSilent ? () => undefined : stream);
  const port = isUnreachable ? Number(new URL(await unusedAddress()).port) : server.port;
  let id = 0;
  const write = (text: string): void => void server.response().write(text);
  return {
    source: sseSourceOf(port, {
      url: `http://ada:${SECRET}@127.0.0.1:${port}/events?token=${SECRET}`,
      headers: { 'x-key': SECRET },
    }),
    channelId: 'feed',
    secret: SECRET,
    say: (...said) => {
      for (const one of said) write(`id: ${++id}\ndata: ${jsonOf(one)}\n\n`);
    },
    babble: () => {
      for (const data of ['', 'hello', '[]', 'null', '{}', '{"sender_id":7}']) write(`data: ${data}\n\n`);
      write(`event: price\ndata: ${jsonOf({ senderId: 'ada', text: 'of no interest' })}\n\n`);
    },
    cut: () => void server.response().destroy(),
    openConnections: server.openConnections,
    close: server.close,
  };
};
