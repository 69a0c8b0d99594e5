/** The server on a port of Node: the one place that knows Node's HTTP server, its sockets and its files. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { getRequestListener, RequestError } from '@hono/node-server';
import { WebSocketServer, type WebSocket } from 'ws';
import { SUBPROTOCOL } from '../channels/index.js';
import { ConflictError, ValidationError, type RoomKit } from '../core/index.js';
import { isLoopbackHost, type Peer } from './auth/address.js';
import type { ClientTokenOptions, MintedToken } from './auth/client-tokens.js';
import { handlerOf } from './handler.js';
import { MAX_FRAME_BYTES } from './limits.js';
import { pagesFrom, type PageHandler, type ReadPage } from './pages.js';
import { serverParts, type HandlerOptions, type ServerParts } from './parts.js';
import { problemResponse, Refusal } from './problem.js';
import { Sockets, type Admission } from './sockets.js';
import { studioFrom } from './studio.js';

/** On which port, for whom, with which page. */
export interface ServeOptions extends Omit<HandlerOptions, 'pages'> {
  /** 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1: this machine only. Any other needs `authenticate` or `clientTokens` (AUTH-07). */
  readonly host?: string;
  /** A page of your own beside the API: a folder of files, or a function. */
  readonly pages?: PageHandler | { readonly directory: string };
  /** Studio, the window into the running kit, at `/studio/`, and at `/` when there are no `pages`. Default false. */
  readonly studio?: boolean;
}

/** A running server. Closing it leaves the kit open. */
export interface RoomKitServer {
  /** `http://127.0.0.1:4170`; the WebSocket is at `/ws` below it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** A token for one person in a few rooms. Throws ValidationError, also when this server has no secret to sign with. */
  mintClientToken(options: ClientTokenOptions): Promise<MintedToken>;
  /** Stops accepting, says goodbye to sockets and closes; the kit stays as it is. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const SOCKET_PATH = '/ws';
const SWEEP_SECONDS = 60;
/** How long sockets and requests may take to end by themselves. */
const CLOSING_MS = 2000;

/**
 * Serves a kit: its rooms over HTTP, the browser wire protocol at `/ws`, and a page. Throws ConflictError when the port is in
 * use, and ValidationError for options that cannot be or that would let anybody in (AUTH-07).
 */
export async function serve(kit: RoomKit, options: ServeOptions): Promise<RoomKitServer> {
  const { port, host = '127.0.0.1' } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ValidationError(`Port ${String(port)} is none. Give a whole number from 0 to 65535; 0 takes any free one.`);
  if (typeof host !== 'string' || host === '')
    throw new ValidationError(`host is ${JSON.stringify(host)}. Give a name or an address, such as '127.0.0.1'.`);
  const isLoopback = isLoopbackHost(host);
  const isProtected = options.authenticate !== undefined || options.clientTokens !== undefined;
  if (!isLoopback && !isProtected && options.insecureAllowAnonymous !== true) {
    throw new ValidationError(
      `On host '${host}' others could reach this server, and nothing says who may use it. Give serve(kit, { authenticate }) or { clientTokens: { secrets } }, listen on 127.0.0.1, or, in a closed network only, set insecureAllowAnonymous: true.`,
    );
  }
  const closing = new AbortController();
  const pages = await withStudio(options.studio, await pagesOf(options.pages));
  const parts = serverParts(kit, { ...options, pages }, isLoopback, closing.signal);
  const server = httpServer(parts);
  const sockets = webSockets(parts, server);
  await listen(server, port, host);
  if (!kit.isSweeping) kit.startSweeping(SWEEP_SECONDS);
  return new RunningServer(parts, server, sockets, closing, host);
}

class RunningServer implements RoomKitServer {
  readonly port: number;
  readonly url: string;
  #closed: Promise<void> | undefined;

  constructor(
    private readonly parts: ServerParts,
    private readonly server: Server,
    private readonly sockets: { readonly open: Sockets; readonly live: ReadonlySet<WebSocket> },
    private readonly closing: AbortController,
    readonly host: string,
  ) {
    this.port = (server.address() as AddressInfo).port; // it listens on a port, not on a pipe
    this.url = `http://${nameOf(host)}:${this.port}`;
  }

  async mintClientToken(options: ClientTokenOptions): Promise<MintedToken> {
    const { clientTokens } = this.parts;
    if (clientTokens === undefined)
      throw new ValidationError('This server has no secret to sign client tokens with. Configure serve(kit, { clientTokens: { secrets: […] } }).');
    return clientTokens.mint(options);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { server, sockets } = this;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.closing.abort();
    sockets.open.close();
    server.closeIdleConnections();
    const late = this.parts.kit.clock.setTimer(CLOSING_MS, () => {
      for (const socket of sockets.live) socket.terminate();
      server.closeAllConnections();
    });
    await closed;
    late.cancel();
  }
}

// --- requests ----------------------------------------------------------------------------------------------------------

function httpServer(parts: ServerParts): Server {
  const { limits, kit } = parts;
  const handle = handlerOf(parts);
  const listener = getRequestListener((request, { incoming }) => handle(request, peerOf(incoming.socket.remoteAddress)), {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      const requestId = kit.ids.next();
      if (error instanceof RequestError)
        return problemResponse(new Refusal('invalid', 'The address or the Host header of the request is not valid.'), requestId);
      kit.logger.error('A request failed.', { requestId, error });
      return problemResponse(error, requestId);
    },
  });
  const headersTimeout = limits.headersSeconds * 1000;
  const server = createServer({
    headersTimeout,
    requestTimeout: headersTimeout + limits.bodySeconds * 1000,
    connectionsCheckingInterval: Math.min(1000, Math.ceil(headersTimeout / 2)),
  });
  // Once the server closes, a connection whose answer is out is not kept for the next request.
  const closeIdle = (): void => {
    if (parts.closing.aborted) server.closeIdleConnections();
  };
  server.on('request', (incoming, outgoing) => {
    outgoing.once('close', closeIdle);
    void listener(incoming, outgoing);
  });
  return server;
}

function peerOf(address: string | undefined): Peer {
  return address === undefined ? {} : { address };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE')
      throw new ConflictError(`Port ${port} on ${host} is in use. Give another one, or 0 for any free one.`, { cause: error });
    throw new ValidationError(`The server cannot listen on ${host}:${port} (${String(code)}). Check host, port and the rights of this user.`, {
      cause: error,
    });
  });
}

/** A host name for people and programs on this machine. */
function nameOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

// --- sockets -----------------------------------------------------------------------------------------------------------

function webSockets(parts: ServerParts, server: Server): { readonly open: Sockets; readonly live: ReadonlySet<WebSocket> } {
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
    if (new URL(request.url).pathname !== SOCKET_PATH) throw new Refusal('route_not_found', `Sockets are at ${SOCKET_PATH}.`);
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
    const ignore = (): void => undefined; // a reset by the other side; `close` follows
    socket.on('error', ignore);
    upgrade(incoming, socket, head).catch((error: unknown) => refuseUpgrade(parts, socket, error));
  });
  return { open: sockets, live };
}

function attach(sockets: Sockets, ws: WebSocket, socket: Duplex, admission: Admission): void {
  const batch = new WriteBatch(socket);
  const session = sockets.open(
    {
      send: (text) => {
        batch.hold();
        ws.send(text);
      },
      close: (code, reason) => ws.close(code, reason),
      terminate: () => ws.terminate(),
      ping: () => ws.ping(),
      bufferedBytes: () => ws.bufferedAmount,
    },
    admission,
  );
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

/** Frames that are sent in one turn of the event loop leave in one write: a system call costs more than a frame. */
class WriteBatch {
  static #held: WriteBatch[] = [];
  #isHeld = false;

  constructor(private readonly socket: Duplex) {}

  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.socket.cork();
    if (WriteBatch.#held.push(this) === 1) setImmediate(WriteBatch.#releaseAll);
  }

  static readonly #releaseAll = (): void => {
    const held = WriteBatch.#held;
    WriteBatch.#held = [];
    for (const one of held) {
      one.#isHeld = false;
      one.socket.uncork();
    }
  };
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

// --- files -------------------------------------------------------------------------------------------------------------

async function pagesOf(given: unknown): Promise<PageHandler | undefined> {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return given as PageHandler; // its answers are looked at when it gives them
  if (typeof given === 'object' && given !== null && 'directory' in given && typeof given.directory === 'string')
    return directoryPages(given.directory);
  throw new ValidationError(`pages is a ${typeof given}. Give a function (request) => Response, or { directory: './page' }.`);
}

/** The host's pages with Studio beside them. Throws ValidationError when Studio was not built. */
async function withStudio(studio: unknown, pages: PageHandler | undefined): Promise<PageHandler | undefined> {
  if (studio === undefined || studio === false) return pages;
  if (studio !== true) throw new ValidationError(`studio is a ${typeof studio}. Give true or false.`);
  const show = await studioPages({ isHome: pages === undefined });
  return async (request) => (await show(request)) ?? pages?.(request);
}

/**
 * Studio's files as a page handler, for a server of your own around `createHandler`. `isHome`: `/` leads to it too.
 * Throws ValidationError when they are not there.
 */
export async function studioPages({ isHome = false }: { readonly isHome?: boolean } = {}): Promise<PageHandler> {
  // Beside the built server, or, when the sources run, where the build left them.
  for (const place of ['../studio/', '../../dist/studio/']) {
    const directory = fileURLToPath(new URL(place, import.meta.url));
    const isBuilt = await stat(join(directory, 'index.html')).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isBuilt) return studioFrom(await filesOf(directory), isHome);
  }
  throw new ValidationError("Studio's files are missing from the package. Install it anew, or run `npm run build` in its sources.");
}

/** Files of one folder; a link that leads out of it is not followed. Throws ValidationError when there is no such folder. */
async function directoryPages(directory: string): Promise<PageHandler> {
  return pagesFrom(await filesOf(directory));
}

async function filesOf(directory: string): Promise<ReadPage> {
  const root = await realpath(directory).catch(() => undefined);
  if (root === undefined || !(await stat(root)).isDirectory())
    throw new ValidationError(`The folder '${directory}' of pages does not exist. Give one that does.`);
  return async (path) => {
    const file = await realpath(join(root, path)).catch(() => undefined);
    if (file?.startsWith(root + sep) !== true || !(await stat(file)).isFile()) return undefined;
    return new Uint8Array(await readFile(file));
  };
}
