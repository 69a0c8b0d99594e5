/**
 * Requests of Node as the dispatcher takes them, and its answers as Node writes them. What a route answers in one piece
 * goes the direct way; streams, pages and hosts that authenticate by the whole request go through node-server.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { RoomKitError, type Clock } from '../../core/index.js';
import type { Address } from '../auth/bearer.js';
import { bodyNotUtf8, bodyTooLarge, bodyTooSlow, type ReadText } from '../body.js';
import { Dispatcher, exchangeOf, type Exchange, type Found } from '../dispatch.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { asResponse, type Reply } from '../reply.js';
import { peerOf } from './peer.js';

/** Takes a request of Node and answers it. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

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
    const isPlain = parts.gate.goesByToken && isPlainAddress(incoming, url) && !isReadBefore(incoming, method);
    const address = isPlain ? new PlainAddress(incoming.headers.host ?? '', url) : undefined;
    const found = address && dispatcher.find(method, address.pathname);
    const body = new IncomingBody(incoming);
    if (address !== undefined && found !== undefined && body.isSmall)
      direct(incoming, outgoing, incomingExchange(incoming, method, address, body, found), body).catch(lost(outgoing));
    else void listener(incoming, outgoing);
  };
}

function incomingExchange(incoming: IncomingMessage, method: string, address: PlainAddress, body: IncomingBody, found: Found): Exchange {
  const { headers } = incoming;
  return {
    method,
    url: address.href,
    address,
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
    found,
  };
}

function noRequest(): never {
  throw new Error('The gate goes by tokens: nobody asks for the request.');
}

/** A plain address, taken apart: what a URL would say of it, too. */
class PlainAddress implements Address {
  readonly protocol = 'http:';
  readonly pathname: string;
  readonly search: string;

  constructor(
    readonly host: string,
    target: string,
  ) {
    const query = target.indexOf('?');
    this.pathname = query < 0 ? target : target.slice(0, query);
    this.search = query < 0 || query === target.length - 1 ? '' : target.slice(query);
  }

  get href(): string {
    return `http://${this.host}${this.pathname}${this.search}`;
  }

  get hostname(): string {
    return this.host.replace(/:\d+$/, '');
  }

  get searchParams(): URLSearchParams {
    return new URLSearchParams(this.search);
  }
}

const PLAIN_PATH = /^\/api(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+(?:\?[A-Za-z0-9._~%=&+-]*)?$/;
/** Names and IPv4 addresses, as a URL would leave them: without the port it leaves out, without what it decodes. */
const PLAIN_HOST = /^(?!.*xn--)(?:(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*|127\.0\.0\.1)(?::(?!80$)[1-9]\d{0,4})?$/;

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
