/** Messages from a stream of server-sent events, resumed where it broke off. */
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../core/sources/source.js';
import type { SourceStatus } from '../../core/models/vocabulary.js';
import { retryAfterOf, sourceError, statusError, unreachable } from '../_shared/source/failure.js';
import type { Arrival } from '../_shared/source/intake.js';
import { revealed } from '../_shared/source/options.js';
import { SourceRecord } from '../_shared/source/record.js';
import { SourceRun, type Running } from '../_shared/source/run.js';
import { serverSentEvents, TooLongError } from '../_shared/server-sent-events.js';
import { sseOptions, type Checked, type SSESourceOptions } from './options.js';
import { Resumption } from './resumption.js';

/**
 * Reads the server-sent events of a URL and brings those that are messages. When the stream breaks, it fails, is started
 * again, and asks for what comes after the last event that the kit has taken (`Last-Event-ID`).
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class SSESource implements SourceProvider {
  /** `sse:` and the server's host. */
  readonly name: string;
  readonly #options: Checked<SSESourceOptions>;
  readonly #record: SourceRecord;
  readonly #run: SourceRun;
  readonly #resumption: Resumption;
  /** What the server's `retry` asks for. */
  #retryAfterSeconds: number | undefined;

  constructor(options: SSESourceOptions) {
    this.#options = sseOptions(options);
    this.name = `sse:${this.#options.endpoint.host}`;
    this.#record = new SourceRecord(this.#options.clock);
    this.#run = new SourceRun(this.name, this.#record, this.#options);
    this.#resumption = new Resumption(this.#options.lastEventId);
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

  /** `metadata.last_event_id` is what a later process gives as `lastEventId` to go on. */
  healthcheck(): SourceHealth {
    const { lastEventId } = this.#resumption;
    return this.#record.health(lastEventId === '' ? {} : { last_event_id: lastEventId });
  }

  async #connect({ stopped, intake, connected }: Running): Promise<void> {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    stopped.addEventListener('abort', end, { once: true });
    try {
      const response = await this.#ask(ending);
      if (response === undefined) return; // 204: there is nothing to come, ever
      connected();
      this.#resumption.begin(end);
      await intake.run(this.#arrivals(response, stopped));
    } finally {
      stopped.removeEventListener('abort', end);
      end();
    }
  }

  async #ask(ending: AbortController): Promise<(Response & { readonly body: ReadableStream<Uint8Array> }) | undefined> {
    const { endpoint, fetch: ask, clock, timeoutSeconds } = this.#options;
    const { lastEventId } = this.#resumption;
    let isLate = false;
    const timer = clock.setTimer(timeoutSeconds * 1000, () => {
      isLate = true;
      ending.abort();
    });
    let response: Response;
    try {
      response = await ask(endpoint.url.reveal(), {
        headers: {
          ...revealed(endpoint.headers),
          accept: 'text/event-stream',
          'cache-control': 'no-store',
          // The standard sends ids as UTF-8, which a header is given byte by byte.
          ...(lastEventId !== '' && { 'last-event-id': Buffer.from(lastEventId, 'utf8').toString('latin1') }),
        },
        redirect: 'manual', // headers may hold a key: it goes where the program says, and nowhere else
        signal: ending.signal,
      });
    } catch (error) {
      throw isLate ? this.#failure('timeout', `got no answer within ${timeoutSeconds} seconds. Check its server.`) : unreachable(this.name, error);
    } finally {
      timer.cancel();
    }
    const { status, body } = response;
    if (status === 204) return undefined;
    const isStream = /^text\/event-stream\s*(;|$)/i.test(response.headers.get('content-type') ?? '');
    if (status === 200 && isStream && body !== null) return response as Response & { readonly body: ReadableStream<Uint8Array> };
    await body?.cancel().catch(() => undefined); // its words are of no use
    if (status !== 200) throw statusError(this.name, status, retryAfterOf(response.headers.get('retry-after'), clock.now()));
    throw this.#failure('invalid_response', 'was answered with something else than server-sent events. Check its url.');
  }

  async *#arrivals(response: { readonly body: ReadableStream<Uint8Array> }, stopped: AbortSignal): AsyncGenerator<Arrival, void> {
    const resumption = this.#resumption;
    const { maxSizeBytes } = this.#options;
    try {
      const events = serverSentEvents(response.body, maxSizeBytes, {
        per: 'event',
        onRetry: (milliseconds) => (this.#retryAfterSeconds = milliseconds / 1000),
        onId: (id) => resumption.follow(id, true)('ignored'),
      });
      let before = '';
      for await (const { data, event, id } of events) {
        if (resumption.hasLost) break; // what follows would come before what was lost
        const isOwn = id !== '' && id !== before;
        before = id;
        const done = resumption.follow(id, isOwn);
        if (isOwn && resumption.hasTaken(id)) done('taken');
        else yield { received: { data, event, id }, done };
      }
    } catch (error) {
      if (stopped.aborted) return;
      if (resumption.hasLost) throw this.#notTaken();
      if (error instanceof TooLongError)
        throw this.#failure('message_too_large', `was sent an event of more than ${maxSizeBytes} bytes. Raise maxSizeBytes, if that is meant.`);
      throw this.#failure('stream_interrupted', 'has lost its connection.');
    }
    if (stopped.aborted) return;
    if (resumption.hasLost) throw this.#notTaken();
    throw this.#failure('stream_interrupted', 'was sent the end of the stream.');
  }

  #notTaken(): Error {
    return this.#failure('not_taken', 'brought a message that the kit could not take. It is asked for again.');
  }

  #failure(code: string, message: string): Error {
    return sourceError({ source: this.name, code, message, retryAfterSeconds: this.#retryAfterSeconds });
  }
}
