/**
 * What is said on subjects at the moment. NATS has no way to ask it to wait, so messages are asked for by the number: a
 * subscription ends by itself after so many, and the next one is made while there is room. The server sends no more than
 * can be kept; what it has nobody to send to goes to another member of the queue group, or is lost, as NATS loses what
 * nobody listens to.
 */
import { randomUUID } from 'node:crypto';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { sourceError } from '../_shared/source/failure.js';
import type { Arrival } from '../_shared/source/intake.js';
import { Mailbox } from '../_shared/source/mailbox.js';
import { receivedOf } from './payload.js';
import type { Feed } from './feed.js';

export interface SubscriptionsOptions {
  readonly subjects: readonly string[];
  readonly queue: string | undefined;
  readonly maxPendingMessages: number;
  readonly maxSizeBytes: number;
}

export class Subscriptions implements Feed {
  /** How many messages the server may still send, by subject. */
  readonly #left = new Map<string, number>();
  readonly #mailbox = new Mailbox<Msg>();
  /** Two subscriptions of one group never bring the same message: the next one may begin before the last one has ended. */
  readonly #queue: string;
  #isClosed = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly source: string,
    private readonly options: SubscriptionsOptions,
  ) {
    this.#queue = options.queue ?? `roomkit-${randomUUID()}`;
  }

  /** Over when the server knows of it: what is said after that comes. */
  async open(): Promise<void> {
    this.#askForMore();
    await this.connection.flush();
  }

  close(): void {
    this.#isClosed = true;
    this.#mailbox.end();
  }

  lost(error: Error): void {
    this.#isClosed = true;
    this.#mailbox.end(error);
  }

  get arrivals(): AsyncIterable<Arrival> {
    return this.#read();
  }

  async *#read(): AsyncGenerator<Arrival, void> {
    for await (const message of this.#mailbox) {
      yield { received: receivedOf(message, this.options.maxSizeBytes) };
      this.#askForMore();
    }
  }

  #askForMore(): void {
    const { subjects, maxPendingMessages: max } = this.options;
    for (const subject of subjects) {
      if (this.#isClosed || this.#mailbox.size > max / 2) return;
      const left = this.#left.get(subject) ?? 0;
      if (left > max / 2) continue;
      this.#left.set(subject, left + max);
      this.connection.subscribe(subject, { queue: this.#queue, max, callback: (error, message) => this.#take(subject, error, message) });
    }
  }

  #take(subject: string, error: Error | null, message: Msg): void {
    if (error !== null) {
      const lost = { source: this.source, code: 'auth_error', message: 'may not listen to its subjects. Check what its user is allowed.' };
      this.lost(sourceError(lost));
      return;
    }
    this.#left.set(subject, (this.#left.get(subject) ?? 1) - 1);
    if (this.#isClosed) return;
    this.#mailbox.push(message);
    this.#askForMore();
  }
}
