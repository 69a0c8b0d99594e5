/** The server on a port of Node, with a page. How requests and sockets of Node come to it is in mount.ts. */
import { createServer, type Server } from 'node:http';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConflictError, ValidationError, type RoomKit } from '../core/index.js';
import { checkOptionNames, type OptionNames } from '../core/option-names.js';
import { isLoopbackHost } from './auth/address.js';
import type { ClientTokenOptions, MintedToken } from './auth/client-tokens.js';
import { SOCKET_PATH } from './mount.js';
import { listenerOf } from './node/listener.js';
import { CLOSING_MS, openSockets, type OpenSockets } from './node/open-sockets.js';
import { pagesFrom, type PageHandler, type ReadPage } from './pages.js';
import { HANDLER_OPTIONS, serverParts, type HandlerOptions, type ServerParts } from './parts.js';
import { studioFrom } from './studio.js';

/** On which port, for whom, with which page. */
export interface ServeOptions extends Omit<HandlerOptions, 'pages' | 'closing'> {
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
  /**
   * Begins to shut down (OPS-08): `/readyz` is 503 from now on, sockets are told to come back elsewhere, event streams end. All else is
   * still answered, so that nothing is lost on its way here. Idempotent; {@link RoomKitServer.close} ends it.
   */
  drain(): void;
  /** Stops accepting, says goodbye to sockets and closes; the kit stays as it is. Idempotent. */
  close(): Promise<void>;
  /** For `await using server = await serve(kit)`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void>;
}

const SERVE_OPTIONS: OptionNames<ServeOptions> = { ...HANDLER_OPTIONS, port: true, host: true, studio: true };

const SWEEP_SECONDS = 60;

/**
 * Serves a kit: its rooms over HTTP, the browser wire protocol at `/ws`, and a page. Throws ConflictError when the port is in
 * use, and ValidationError for options that cannot be or that would let anybody in (AUTH-07).
 */
export async function serve(kit: RoomKit, options: ServeOptions): Promise<RoomKitServer> {
  checkOptionNames('serve', options, SERVE_OPTIONS);
  const { port, host = '127.0.0.1' } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ValidationError(`Port ${String(port)} is none. Give { port } a whole number from 0 to 65535; 0 takes any free one.`);
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
  const sockets = openSockets(parts, server, SOCKET_PATH);
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
    private readonly sockets: OpenSockets,
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

  drain(): void {
    this.closing.abort();
    this.sockets.close();
  }

  async #close(): Promise<void> {
    const { server, sockets } = this;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.drain();
    server.closeIdleConnections();
    const late = this.parts.kit.clock.setTimer(CLOSING_MS, () => {
      sockets.terminate();
      server.closeAllConnections();
    });
    await closed;
    late.cancel();
  }
}

// --- the port ----------------------------------------------------------------------------------------------------------

/** Longer than the proxies in front of it wait (most: 60 s), so that none sends a request into a connection that just closes. */
const KEEP_ALIVE_MS = 75_000;

function httpServer(parts: ServerParts): Server {
  const { limits } = parts;
  const headersTimeout = limits.headersSeconds * 1000;
  const server = createServer({
    headersTimeout,
    requestTimeout: headersTimeout + limits.bodySeconds * 1000,
    connectionsCheckingInterval: Math.min(1000, Math.ceil(headersTimeout / 2)),
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  const listener = listenerOf(parts);
  // Once the server closes, a connection whose answer is out is not kept for the next request.
  const closeIdle = (): void => {
    if (parts.closing.aborted) server.closeIdleConnections();
  };
  server.on('request', (incoming, outgoing) => {
    outgoing.once('close', closeIdle);
    listener(incoming, outgoing);
  });
  return server;
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
