/**
 * The handler in servers of Node that are the host's own: as a listener for requests (`node:http`, Express, Fastify), and
 * with the socket at `/ws`.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { WebSocket, WebSocketServer } from 'ws';
import { SUBPROTOCOL } from '../channels/index.js';
import { RoomKitError, ValidationError, type Clock } from '../core/index.js';
import type { Peer } from './auth/address.js';
import { bodyNotUtf8, bodyTooLarge, bodyTooSlow, type ReadText } from './body.js';
import { Dispatcher, exchangeOf, type Exchange } from './dispatch.js';
import { partsOf, type ServerHandler } from './handler.js';
import { MAX_FRAME_BYTES } from './limits.js';
import type { ServerParts } from './parts.js';
import { problemResponse, Refusal } from './problem.js';
import { asResponse, type Reply } from './reply.js';
import { Sockets, type Admission } from './sockets.js';

/** Takes a request of Node and answers it. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Where the sockets of a server of one's own are. */
export interface AttachSocketsOptions {
  /** Default `/ws`. */
  readonly path?: string;
}

/** The sockets of a server of one's own. They also close when the handler's `closing` is aborted. */
export interface AttachedSockets {
  /** Says goodbye to everybody and takes no more; the server itself stays as it is. Idempotent. */
  close(): void;
}

export const SOCKET_PATH = '/ws';
/** How long sockets and requests may take to end by themselves. */
export const CLOSING_MS = 2000;

/**
 * A handler as a listener for requests of Node. Mount it before anything that reads bodies, such as `express.json()`. Throws
 * ValidationError for a function that `createHandler` has not made.
 * @example http.createServer(toNodeListener(createHandler(kit, { authenticate })))
 */
export function toNodeListener(handler: ServerHandler): NodeListener {
  return listenerOf(requireParts(handler));
}

/**
 * Opens the browser wire protocol on a server of one's own, at `/ws` unless told otherwise. Other upgrades are left to the
 * server's other listeners; without any they are refused. Throws ValidationError for a handler that `createHandler` has not made.
 */
export function attachSockets(server: Server, handler: ServerHandler, options: AttachSocketsOptions = {}): AttachedSockets {
  const { path = SOCKET_PATH } = options;
  if (typeof path !== 'string' || !path.startsWith('/')) throw new ValidationError(`path is ${JSON.stringify(path)}. Give one that begins with '/'.`);
  const parts = requireParts(handler);
  const sockets = openSockets(parts, server, path);
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    parts.closing.removeEventListener('abort', close);
    sockets.close();
    parts.kit.clock.setTimer(CLOSING_MS, () => sockets.terminate());
  };
  if (parts.closing.aborted) close();
  else parts.closing.addEventListener('abort', close);
  return { close };
}

function requireParts(handler: ServerHandler): ServerParts {
  const parts = partsOf(handler);
  if (parts === undefined)
    throw new ValidationError('This handler was not made by createHandler(kit, options). Give the one it returned, not a wrapper.');
  return parts;
}

// --- requests ----------------------------------------------------------------------------------------------------------

/** The listener of a handler whose parts are known. */
export function listenerOf(parts: ServerParts): NodeListener {
  const dispatcher = new Dispatcher(parts);
  const refuse = (error: unknown): Response =>
    asResponse(
      dispatcher.refuse(
        error instanceof RequestError
          ? new Refusal('invalid', 'The address or the Host header of the request is not valid.', { cause: error })
          : error,
      ),
    );
  const isReadBefore = (incoming: IncomingMessage, method: string): boolean => incoming.readableDidRead && method !== 'GET' && method !== 'HEAD';
  /** Answers that are there already, for node-server to write. */
  const answers = new WeakMap<object, Response>();
  const listener = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const answer = answers.get(incoming);
      if (answer !== undefined) return answer;
      if (isReadBefore(incoming as IncomingMessage, request.method)) return refuse(bodyWasRead());
      const found = await dispatcher.answer(exchangeOf(request, peerOf(incoming.socket.remoteAddress)));
      if (found instanceof Response || !incoming.complete || outgoing.destroyed || outgoing.headersSent) return asResponse(found);
      writeWhole(found, outgoing as ServerResponse);
      return RESPONSE_ALREADY_SENT;
    },
    { overrideGlobalObjects: false, errorHandler: refuse },
  );
  /** What a route answers in one piece needs neither a Request nor a Response; everything else goes the standard way. */
  const direct = async (incoming: IncomingMessage, outgoing: ServerResponse, exchange: Exchange, body: IncomingBody): Promise<void> => {
    const answer = await dispatcher.answer(exchange);
    if (!(answer instanceof Response) && body.isOver && !outgoing.destroyed) writeWhole(answer, outgoing);
    else {
      answers.set(incoming, asResponse(answer));
      await listener(incoming, outgoing);
    }
  };
  const lost = (outgoing: ServerResponse) => (error: unknown) => {
    parts.kit.logger.error('An answer could not be written.', { error });
    outgoing.destroy();
  };
  return (incoming, outgoing) => {
    const { method = '', url = '' } = incoming;
    const query = url.indexOf('?');
    const isPlain =
      parts.gate.goesByToken &&
      isPlainAddress(incoming, url) &&
      !isReadBefore(incoming, method) &&
      dispatcher.find(method, query < 0 ? url : url.slice(0, query)) !== undefined;
    const body = isPlain ? new IncomingBody(incoming) : undefined;
    if (body?.isSmall === true) direct(incoming, outgoing, incomingExchange(incoming, method, url, body), body).catch(lost(outgoing));
    else void listener(incoming, outgoing);
  };
}

function incomingExchange(incoming: IncomingMessage, method: string, url: string, body: IncomingBody): Exchange {
  const { headers } = incoming;
  return {
    method,
    url: `http://${headers.host}${url}`,
    headers: {
      get(name) {
        const value = headers[name];
        return value === undefined ? null : typeof value === 'string' ? value : value.join(', ');
      },
      has: (name) => headers[name] !== undefined,
    },
    peer: peerOf(incoming.socket.remoteAddress),
    readText: body.read,
    toRequest: noRequest,
  };
}

function noRequest(): never {
  throw new Error('The gate goes by tokens: nobody asks for the request.');
}

const PLAIN_PATH = /^\/api(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+(?:\?[A-Za-z0-9._~%=&+-]*)?$/;
const PLAIN_HOST = /^[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/;

/**
 * An address that no standard reads in another way than it stands there, over plain HTTP/1, and with one credential at most:
 * of two Node would keep the first, and nobody knows which was meant.
 */
function isPlainAddress({ headers, rawHeaders, httpVersionMajor, socket }: IncomingMessage, url: string): boolean {
  if (httpVersionMajor !== 1 || 'encrypted' in socket || !PLAIN_PATH.test(url) || !PLAIN_HOST.test(headers.host ?? '')) return false;
  let credentials = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === CREDENTIAL.length && name.toLowerCase() === CREDENTIAL) credentials++;
  }
  return credentials <= 1;
}

const CREDENTIAL = 'authorization';

function writeWhole({ status, headers, body }: Reply, outgoing: ServerResponse): void {
  if (body === null) {
    outgoing.writeHead(status, headers).end();
  } else {
    headers['content-length'] = String(Buffer.byteLength(body));
    outgoing.writeHead(status, headers).end(body);
  }
}

/** Bodies up to here are read without a stream. */
const SMALL_BODY_BYTES = 64 * 1024;

/** The body of a request of Node. One that is small, and whose length is known, is read from Node itself. */
class IncomingBody {
  /** Infinity when it is not announced. */
  readonly #bytes: number;
  #isTaken = false;

  constructor(private readonly incoming: IncomingMessage) {
    const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headers;
    this.#bytes = encoding !== undefined ? Infinity : Number(length ?? 0);
  }

  get isSmall(): boolean {
    return this.#bytes <= SMALL_BODY_BYTES;
  }

  /** Whether nothing of it is still on its way. It may all be there before the parser says so. */
  get isOver(): boolean {
    return this.#isTaken || this.incoming.complete || this.#isThere;
  }

  get #isThere(): boolean {
    return this.incoming.readableLength === this.#bytes;
  }

  readonly read: ReadText = (maxBytes, maxMs, clock) => {
    if (this.#bytes > maxBytes) throw bodyTooLarge(maxBytes);
    if (this.#bytes === 0) return '';
    if (!this.#isThere || this.incoming.destroyed) return bytesOf(this.incoming, maxMs, clock).then((bytes) => this.#text(bytes));
    return this.#text(takeAll(this.incoming));
  };

  #text(bytes: Buffer): string {
    this.#isTaken = true;
    if (!isUtf8(bytes)) throw bodyNotUtf8();
    const text = bytes.toString();
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }
}

function takeAll(incoming: IncomingMessage): Buffer {
  const bytes = incoming.read() as Buffer; // nobody has set an encoding
  incoming.resume(); // to its end, which is all that is left
  return bytes;
}

/** Everything that comes until the end. Rejects when that takes too long, or the connection is lost before. */
function bytesOf(incoming: IncomingMessage, maxMs: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const take = (chunk: Buffer): void => void chunks.push(chunk);
    const settle = (outcome: Buffer | Error): void => {
      timer.cancel();
      incoming.off('data', take).off('end', whole).off('close', lost).off('error', lost);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    const whole = (): void => settle(Buffer.concat(chunks));
    const lost = (): void => settle(new Refusal('invalid', 'The connection ended before the body was there.'));
    const timer = clock.setTimer(maxMs, () => settle(bodyTooSlow(maxMs)));
    if (incoming.destroyed) lost();
    else incoming.on('data', take).once('end', whole).once('close', lost).once('error', lost);
  });
}

function bodyWasRead(): RoomKitError {
  return new RoomKitError(
    'body_read',
    'The body of a request was read before it came to the handler. Mount the handler before body parsers such as express.json().',
  );
}

function peerOf(address: string | undefined): Peer {
  return address === undefined ? {} : { address };
}

// --- sockets -----------------------------------------------------------------------------------------------------------

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
  const batch = new WriteBatch(ws, socket);
  const session = sockets.open(
    {
      send: (text) => batch.add(text),
      close: (code, reason) => {
        batch.release();
        ws.close(code, reason);
      },
      terminate: () => ws.terminate(),
      ping: () => ws.ping(),
      bufferedBytes: () => batch.units + ws.bufferedAmount,
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

/**
 * Frames that are sent in one turn of the event loop leave in one write, of one buffer: a system call costs more than a
 * frame, and handing `ws` each of them more than writing it. Between its frames others may go, since none is compressed.
 */
class WriteBatch {
  static #held: WriteBatch[] = [];
  /** What was sent to the socket before is, in a broadcast, sent to the next one, too. */
  static #newest: { readonly text: string; readonly frame: Buffer } | undefined;
  #texts: string[] = [];
  /** Length of what is held; in bytes it may be more. */
  units = 0;

  constructor(
    private readonly ws: WebSocket,
    private readonly socket: Duplex,
  ) {}

  add(text: string): void {
    this.units += text.length;
    if (this.#texts.push(text) === 1 && WriteBatch.#held.push(this) === 1) setImmediate(WriteBatch.#releaseAll);
  }

  release(): void {
    const texts = this.#texts;
    if (texts.length === 0) return;
    this.#texts = [];
    this.units = 0;
    // A socket that is closing takes no more frames; `ws` would drop them, too.
    if (this.ws.readyState !== WebSocket.OPEN || !this.socket.writable) return;
    const [first = ''] = texts;
    this.socket.write(texts.length === 1 ? WriteBatch.#frameOf(first) : Buffer.concat(texts.map(WriteBatch.#frameOf)));
  }

  static readonly #frameOf = (text: string): Buffer => {
    if (WriteBatch.#newest?.text === text) return WriteBatch.#newest.frame;
    const frame = textFrame(text);
    WriteBatch.#newest = { text, frame };
    return frame;
  };

  static readonly #releaseAll = (): void => {
    const held = WriteBatch.#held;
    WriteBatch.#held = [];
    for (const one of held) one.release();
    WriteBatch.#newest = undefined;
  };
}

/** A whole, unmasked text frame of a server (RFC 6455, section 5.2). */
function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + bytes);
  frame[0] = 0x81;
  if (head === 2) {
    frame[1] = bytes;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, head);
  return frame;
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
