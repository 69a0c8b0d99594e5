/** Messages from a WebSocket: one message of the kit for each frame that is one. */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../core/sources/source.js';
import type { SourceStatus } from '../../core/models/vocabulary.js';
import { retryAfterOf, sourceError, statusError, unreachable } from '../_shared/source/failure.js';
import type { Arrival } from '../_shared/source/intake.js';
import { Mailbox } from '../_shared/source/mailbox.js';
import { revealed } from '../_shared/source/options.js';
import { SourceRecord } from '../_shared/source/record.js';
import { SourceRun, type Running } from '../_shared/source/run.js';
import { Heartbeat } from './heartbeat.js';
import { webSocketOptions, type Checked, type WebSocketSourceOptions } from './options.js';

/** So many frames may wait before the socket is not read any more. */
const MAX_WAITING = 16;

/**
 * Keeps a WebSocket to a server and brings the messages that come over it. When the connection is lost, it fails and is
 * started again: a server that closes it, however politely, is no end. What was sent meanwhile is lost, unless the server
 * repeats it.
 */
export class WebSocketSource implements SourceProvider {
  /** `websocket:` and the server's host. */
  readonly name: string;
  readonly #options: Checked<WebSocketSourceOptions>;
  readonly #record: SourceRecord;
  readonly #run: SourceRun;

  constructor(options: WebSocketSourceOptions) {
    this.#options = webSocketOptions(options);
    this.name = `websocket:${this.#options.endpoint.host}`;
    this.#record = new SourceRecord(this.#options.clock);
    this.#run = new SourceRun(this.name, this.#record, this.#options);
  }

  /** How it stands now. */
  get status(): SourceStatus {
    return this.#record.status;
  }

  start(emit: SourceEmit, options: SourceStartOptions): Promise<void> {
    return this.#run.start(emit, options, (running) => this.#connect(running));
  }

  stop(): Promise<void> {
    return this.#run.stop();
  }

  healthcheck(): SourceHealth {
    return this.#record.health();
  }

  async #connect({ stopped, signal, intake, connected }: Running): Promise<void> {
    const { endpoint, subprotocols, maxSizeBytes } = this.#options;
    const { WebSocket } = await import('ws');
    if (stopped.aborted) return;
    const socket = new WebSocket(endpoint.url.reveal(), [...subprotocols], {
      headers: revealed(endpoint.headers),
      maxPayload: maxSizeBytes,
      perMessageDeflate: false, // what a frame unfolds to would not be bounded by what the socket holds
      followRedirects: false, // headers may hold a key: it goes where the program says, and nowhere else
    });
    const terminate = (): void => socket.terminate();
    signal.addEventListener('abort', terminate, { once: true });
    const frames = new Mailbox<Arrival>(() => socket.resume());
    try {
      this.#listen(socket, frames, stopped, connected);
      await intake.run(frames);
    } finally {
      signal.removeEventListener('abort', terminate);
      socket.terminate();
    }
  }

  #listen(socket: WebSocket, frames: Mailbox<Arrival>, stopped: AbortSignal, connected: () => void): void {
    const { clock, timeoutSeconds, closeTimeoutSeconds, maxSizeBytes } = this.#options;
    let failure: Error | undefined;
    let isOpen = false;
    const fail = (code: string, message: string): void => {
      failure ??= sourceError({ source: this.name, code, message });
      socket.terminate();
    };
    const heartbeat = new Heartbeat(this.#options, socket, () => {
      fail('ping_timeout', `had no answer to a ping within ${this.#options.pingTimeoutSeconds} seconds. Its connection is lost.`);
    });
    const opening = clock.setTimer(timeoutSeconds * 1000, () =>
      fail('timeout', `was not let in within ${timeoutSeconds} seconds. Check its server.`),
    );
    let closing = opening;
    const stop = (): void => {
      if (!isOpen) {
        socket.terminate();
        return;
      }
      socket.resume(); // the server's goodbye stands behind what was not read
      socket.close(1000);
      closing = clock.setTimer(closeTimeoutSeconds * 1000, () => socket.terminate());
    };
    stopped.addEventListener('abort', stop, { once: true });

    socket.on('open', () => {
      isOpen = true;
      opening.cancel();
      heartbeat.begin();
      connected();
    });
    socket.on('message', (data, isBinary) => {
      if (stopped.aborted) return;
      const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data;
      frames.push({ received: { data: isBinary ? bytes : bytes.toString('utf8') } });
      if (frames.size >= MAX_WAITING) socket.pause();
    });
    socket.on('unexpected-response', (_request, { statusCode = 0, headers }: IncomingMessage) => {
      failure ??= statusError(this.name, statusCode, retryAfterOf(headers['retry-after'], clock.now()));
      socket.terminate();
    });
    socket.on('error', (error) => {
      if (failure !== undefined) return;
      const isTooLong = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
      failure = isTooLong
        ? sourceError({
            source: this.name,
            code: 'message_too_large',
            message: `was sent a frame of more than ${maxSizeBytes} bytes. Raise maxSizeBytes, if that is meant.`,
          })
        : isOpen
          ? sourceError({ source: this.name, code: 'connection_lost', message: 'was sent what is no WebSocket frame, or lost its connection.' })
          : unreachable(this.name, error);
    });
    socket.on('close', (code) => {
      stopped.removeEventListener('abort', stop);
      opening.cancel();
      closing.cancel();
      heartbeat.end();
      const lost = { source: this.name, code: 'connection_lost', message: `has lost its connection (closed with ${code}).` };
      frames.end(stopped.aborted ? undefined : (failure ?? sourceError(lost)));
    });
  }
}
