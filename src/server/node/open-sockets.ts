/** Upgrades of a server of Node: each is judged before it happens, and is a socket of the wire protocol afterwards. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../channels/index.js';
import { MAX_FRAME_BYTES } from '../limits.js';
import type { ServerParts } from '../parts.js';
import { problemResponse, Refusal } from '../problem.js';
import type { ServerSocket } from '../socket-session.js';
import { Sockets, type Admission } from '../sockets.js';
import { peerOf } from './peer.js';
import { WriteBatch } from './write-batch.js';

/** How long sockets and requests may take to end by themselves. */
export const CLOSING_MS = 2000;

/** Every socket of one server of Node. */
export interface OpenSockets {
  /** Says goodbye; takes no more. */
  close(): void;
  /** Ends what did not close by itself. */
  terminate(): void;
}

/** Upgrades of this server at this path are sockets from now on. */
export function openSockets(parts: ServerParts, server: Server, path: string): OpenSockets {
  const sockets = new Sockets(parts);
  const live = new Set<WebSocket>();
  // `closeTimeout` is newer than the package's types.
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    closeTimeout: CLOSING_MS,
    // Without it ws answers with the client's first offer, whatever that is; the admission has seen that ours is among them.
    handleProtocols: () => SUBPROTOCOL,
  };
  const upgrader = new WebSocketServer(settings);
  const upgrade = async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const request = upgradeRequest(incoming);
    if (request === undefined) throw new Refusal('invalid', 'The address or a header of the upgrade is not valid.');
    if (new URL(request.url).pathname !== path) throw new Refusal('route_not_found', `Sockets are at ${path}.`);
    const admission = await sockets.admit(request, peerOf(incoming.socket.remoteAddress));
    // Whatever becomes of the upgrade, the place among the waiting is given back.
    socket.once('close', () => admission.release());
    if (socket.destroyed) {
      admission.release();
      return;
    }
    upgrader.handleUpgrade(incoming, socket, head, (ws) => {
      live.add(ws);
      ws.once('close', () => live.delete(ws));
      attach(sockets, ws, socket, admission);
    });
  };
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    // What is not ours may be somebody else's.
    if (server.listenerCount('upgrade') > 1 && pathOf(incoming) !== path) return;
    const ignore = (): void => undefined; // a reset by the other side; `close` follows
    socket.on('error', ignore);
    upgrade(incoming, socket, head).catch((error: unknown) => refuseUpgrade(parts, socket, error));
  });
  return {
    close: () => sockets.close(),
    terminate() {
      for (const ws of live) ws.terminate();
    },
  };
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function attach(sockets: Sockets, ws: WebSocket, socket: Duplex, admission: Admission): void {
  const session = sockets.open(new NodeSocket(ws, socket), admission);
  const count = (chunk: Buffer): void => {
    session.onBytes(chunk.length);
    if (!session.isWaiting) socket.off('data', count);
  };
  socket.on('data', count);
  // Messages come as one Buffer each: that is the default of `binaryType`.
  ws.on('message', (data, isBinary) => session.onMessage(data as Buffer, isBinary));
  ws.on('pong', () => session.onPong());
  ws.on('error', () => undefined); // too large or malformed: ws has chosen the code and closes
  ws.on('close', () => session.onClose());
}

class NodeSocket implements ServerSocket {
  readonly #batch: WriteBatch;

  constructor(
    private readonly ws: WebSocket,
    socket: Duplex,
  ) {
    this.#batch = new WriteBatch(ws, socket);
  }

  send(text: string): void {
    this.#batch.add(text);
  }

  close(code: number, reason: string): void {
    this.#batch.release();
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }

  ping(): void {
    this.ws.ping();
  }

  bufferedBytes(): number {
    return this.#batch.units + this.ws.bufferedAmount;
  }
}

/** The upgrade as a web-standard request, for `authenticate`; undefined when it cannot be one. */
function upgradeRequest(incoming: IncomingMessage): Request | undefined {
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '');
    const { host } = incoming.headers;
    if (host === undefined || incoming.url?.startsWith('/') !== true) return undefined;
    return new Request(`http://${host}${incoming.url}`, { headers });
  } catch {
    return undefined;
  }
}

/** Answers an upgrade that does not happen, as any other request would be. */
function refuseUpgrade(parts: ServerParts, socket: Duplex, error: unknown): void {
  const requestId = parts.kit.ids.next();
  const response = problemResponse(error, requestId);
  if (response.status === 500) parts.kit.logger.error('An upgrade failed.', { requestId, error });
  void response.text().then((body) => {
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const status = `HTTP/1.1 ${response.status} ${STATUS_TEXT[response.status] ?? 'Error'}\r\n`;
    socket.end(`${status}${lines}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`, () => socket.destroy());
  });
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
