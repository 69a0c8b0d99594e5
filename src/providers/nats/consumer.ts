/**
 * What a stream of JetStream keeps, asked for in small numbers, and acknowledged once the kit has taken it.
 * @see https://docs.nats.io/reference/reference-protocols/nats_api_reference
 */
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.js';
import { sourceError } from '../_shared/source/failure.js';
import type { Arrival, Outcome } from '../_shared/source/intake.js';
import { Mailbox } from '../_shared/source/mailbox.js';
import { receivedOf } from './payload.js';
import type { Feed } from './feed.js';

export interface ConsumerOptions {
  readonly stream: string;
  readonly durable: string;
  /** What a consumer that is made here brings; none for all of the stream. */
  readonly subjects: readonly string[];
  /** So many are asked for at a time. */
  readonly batch: number;
  readonly maxSizeBytes: number;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

/** How long the server keeps a question for messages, and how often it says that it still does. */
const PULL_SECONDS = 30;
const HEARTBEAT_SECONDS = 5;
/** After how many heartbeats that did not come the server is taken for lost. */
const MAX_SILENT_BEATS = 3;
/** What the kit could not take comes again after so long. */
const RETRY_SECONDS = 1;

const nanoseconds = (seconds: number): number => seconds * 1_000_000_000;

/** What the API answers, as far as it is of use here. */
interface Answer {
  readonly error?: { readonly code?: number; readonly err_code?: number };
  readonly config?: { readonly ack_policy?: string; readonly deliver_subject?: string };
}
const CONSUMER_NOT_FOUND = 10014;
const STREAM_NOT_FOUND = 10059;

export class Consumer implements Feed {
  readonly #inbox = `_INBOX.${randomUUID()}`;
  readonly #mailbox = new Mailbox<Msg>(() => this.#pull());
  /** How many messages of the last question may still come. */
  #left = 0;
  #isClosed = false;
  #watch: Timer | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly source: string,
    private readonly options: ConsumerOptions,
  ) {}

  async open(): Promise<void> {
    await this.#ensure();
    if (this.#isClosed) return;
    this.connection.subscribe(this.#inbox, {
      callback: (error, message) =>
        error === null ? this.#take(message) : this.#fail('auth_error', 'may not read its stream. Check what its user is allowed.'),
    });
  }

  close(): void {
    this.#end();
  }

  lost(error: Error): void {
    this.#end(error);
  }

  get arrivals(): AsyncIterable<Arrival> {
    return this.#read();
  }

  async *#read(): AsyncGenerator<Arrival, void> {
    for await (const message of this.#mailbox) {
      const key = keyOf(message);
      yield {
        received: receivedOf(message, this.options.maxSizeBytes),
        ...(key !== undefined && { key }),
        done: (outcome) => this.#answer(message, outcome),
      };
    }
  }

  /** Taken and hopeless ones do not come again, the others do. An answer that is lost is one more redelivery. */
  #answer(message: Msg, outcome: Outcome): void {
    if (this.connection.isClosed()) return;
    if (outcome === 'taken') message.respond('+ACK');
    else if (outcome === 'failed') message.respond(`-NAK ${JSON.stringify({ delay: nanoseconds(RETRY_SECONDS) })}`);
    else message.respond('+TERM');
  }

  #pull(): void {
    if (this.#isClosed || this.#left > 0) return;
    const { stream, durable, batch } = this.options;
    this.#left = batch;
    const question = { batch, expires: nanoseconds(PULL_SECONDS), idle_heartbeat: nanoseconds(HEARTBEAT_SECONDS) };
    this.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, JSON.stringify(question), { reply: this.#inbox });
    this.#watchOver();
  }

  #take(message: Msg): void {
    if (this.#isClosed) return;
    const status = message.headers?.code ?? 0;
    if (status === 0) {
      this.#left--;
      this.#mailbox.push(message);
    }
    if (this.#left > 0) this.#watchOver();
    else this.#watch?.cancel();
    if (status === 0 || status === 100) return;
    if (status === 409 && /deleted|push/i.test(message.headers?.description ?? '')) {
      this.#fail('stream_not_found', `has lost its consumer '${this.options.durable}': it was deleted.`);
    } else if (status === 503) {
      this.#fail('stream_not_found', 'reads from a server without JetStream. Start it with -js, or leave jetStream out.');
    } else this.#pullAgain(status);
  }

  /** The question is over, with fewer messages than it asked for. */
  #pullAgain(status: number): void {
    this.#left = 0;
    this.#watch?.cancel();
    if (this.#mailbox.size > 0) return; // asked again when they are read
    if (status === 404 || status === 408) this.#pull();
    else this.#watch = this.options.clock.setTimer(1000, () => this.#pull()); // a new leader, a server that goes
  }

  #watchOver(): void {
    this.#watch?.cancel();
    this.#watch = this.options.clock.setTimer(HEARTBEAT_SECONDS * MAX_SILENT_BEATS * 1000, () =>
      this.#fail('connection_lost', 'hears nothing from the stream any more.'),
    );
  }

  #fail(code: string, message: string): void {
    this.#end(sourceError({ source: this.source, code, message }));
  }

  #end(error?: Error): void {
    this.#isClosed = true;
    this.#watch?.cancel();
    this.#mailbox.end(error);
  }

  /** A consumer that is there stays as it is: its operator may have made it. */
  async #ensure(): Promise<void> {
    const { stream, durable, subjects } = this.options;
    let answer = await this.#ask(`CONSUMER.INFO.${stream}.${durable}`);
    if (answer.error?.err_code === CONSUMER_NOT_FOUND) {
      const config = {
        durable_name: durable,
        ack_policy: 'explicit',
        deliver_policy: 'all',
        ...(subjects[0] !== undefined && { filter_subject: subjects[0] }),
      };
      answer = await this.#ask(`CONSUMER.DURABLE.CREATE.${stream}.${durable}`, { stream_name: stream, config });
    }
    const { error, config } = answer;
    if (error?.err_code === STREAM_NOT_FOUND)
      throw this.#failure('stream_not_found', `finds no stream '${stream}'. Create it first: nats stream add ${stream}.`);
    if (error !== undefined)
      throw this.#failure(
        'invalid_request',
        `cannot have its consumer '${durable}' (JetStream's error ${error.err_code ?? error.code ?? 'without a number'}).`,
      );
    if (config?.ack_policy !== 'explicit' || config.deliver_subject !== undefined)
      throw this.#failure('invalid_request', `has a consumer '${durable}' that pushes, or wants no explicit acknowledgement. Give another name.`);
  }

  async #ask(what: string, body: unknown = {}): Promise<Answer> {
    let answer: unknown;
    try {
      const { data } = await this.connection.request(`$JS.API.${what}`, JSON.stringify(body), { timeout: this.options.timeoutSeconds * 1000 });
      answer = JSON.parse(new TextDecoder().decode(data));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      if (cause instanceof Error && cause.name.startsWith('NoResponders'))
        throw this.#failure('stream_not_found', 'reads from a server without JetStream. Start it with -js, or leave jetStream out.');
      throw this.#failure('connection_lost', 'had no answer of JetStream.');
    }
    return typeof answer === 'object' && answer !== null ? answer : {};
  }

  #failure(code: string, message: string): Error {
    return sourceError({ source: this.source, code, message });
  }
}

/** `$JS.ACK.stream.consumer.delivered.sequence.sequence.time.pending`, or the same with domain and account in front. */
function keyOf({ reply }: Msg): string | undefined {
  const parts = reply?.split('.') ?? [];
  if (parts[0] !== '$JS' || parts[1] !== 'ACK' || parts.length < 9) return undefined;
  const at = parts.length === 9 ? 2 : 4;
  // The time is of the message: a stream that was made anew counts from one again.
  return `nats:${parts[at] ?? ''}:${parts[at + 3] ?? ''}:${parts[at + 5] ?? ''}`;
}
