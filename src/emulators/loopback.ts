/** The HTTP server under every emulator: on loopback alone, real sockets, every request remembered. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as it came over the wire. */
export interface RecordedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The body as it was sent, as text. */
  readonly text: string;
  /** The body as it was sent: files that are uploaded are no text. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The body read as JSON; undefined when it is none. */
  readonly body: unknown;
  /** Whether the caller went away before it had its whole answer. */
  readonly wasAborted: boolean;
}

/** Answers one request. What it throws is answered with 500. */
export type Handler = (request: RecordedRequest, response: ServerResponse) => void | Promise<void>;

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A server on a free port of 127.0.0.1. */
export class LoopbackServer {
  readonly #requests: MutableRequest[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #port = 0;

  constructor(private readonly handler: Handler) {
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Where it listens: `http://127.0.0.1:PORT`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** All requests, oldest first. */
  get requests(): readonly RecordedRequest[] {
    return this.#requests;
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Port 0 takes a free one. */
  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection. Idempotent. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const recorded = new MutableRequest(request, await bodyOf(request));
    this.#requests.push(recorded);
    response.on('close', () => (recorded.wasAborted = !response.writableFinished));
    response.on('error', () => undefined); // the caller went away in the middle
    try {
      await this.handler(recorded, response);
    } catch (error) {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`The emulator failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
}

class MutableRequest implements RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly text: string;
  readonly body: unknown;
  wasAborted = false;

  constructor(
    request: IncomingMessage,
    readonly bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.text = Buffer.from(bytes.buffer).toString('utf8');
    this.method = request.method ?? 'GET';
    this.path = request.url ?? '/';
    this.headers = request.headers;
    this.body = parsed(this.text);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
