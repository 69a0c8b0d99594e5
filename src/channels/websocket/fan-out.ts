/** One event on its way to many connections at once (WS-02): one timer for all, and no closure per connection that succeeds. */
import { DeliveryError, TimeoutError } from '../../core/index.js';
import type { Deadline, Deadlines } from '../../core/async/deadlines.js';
import type { Connection } from './connection.js';

export interface FanOutEnd {
  succeeded(connection: Connection): void;
  failed(connection: Connection, error: unknown): void;
}

export class FanOut {
  readonly done: Promise<void>;
  #left = 0;
  #taken: number;
  #sealed = false;
  readonly #connections: Connection[] = [];
  readonly #promises: Promise<void>[] = [];
  readonly #deadline: Deadline;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #ended = false;

  constructor(
    deadlines: Deadlines,
    private readonly timeoutMs: number,
    taken: number,
    private readonly end: FanOutEnd,
  ) {
    this.#taken = taken;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#deadline = deadlines.add(timeoutMs, () => void this.#expire());
  }

  track(connection: Connection, sent: Promise<void>): void {
    this.#left++;
    this.#connections.push(connection);
    this.#promises.push(sent);
    if (connection.failures > 0) {
      sent.then(
        () => {
          this.end.succeeded(connection);
          this.#took();
        },
        (error: unknown) => this.#lost(connection, error),
      );
    } else {
      sent.then(this.#took, (error: unknown) => this.#lost(connection, error));
    }
  }

  /** A connection took it at once. */
  taken(): void {
    this.#taken++;
  }

  /** Nobody is added any more. */
  seal(): Promise<void> {
    this.#sealed = true;
    if (this.#left === 0) this.#finish();
    return this.done;
  }

  readonly #took = (): void => {
    this.#taken++;
    if (--this.#left === 0 && this.#sealed) this.#finish();
  };

  #lost(connection: Connection, error: unknown): void {
    if (this.#ended) return;
    this.end.failed(connection, error);
    if (--this.#left === 0 && this.#sealed) this.#finish();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.cancel();
    if (this.#taken > 0) this.#resolve();
    else this.#reject(new DeliveryError('disconnected', 'No connection took the event.', { retryable: true }));
  }

  /** Who has not answered? Asking a settled promise takes one turn of the microtask queue. */
  async #expire(): Promise<void> {
    const settled = new Set<number>();
    for (const [position, promise] of this.#promises.entries()) {
      const mark = (): void => void settled.add(position);
      promise.then(mark, mark);
    }
    await undefined;
    await undefined;
    if (this.#ended) return;
    for (const [position, connection] of this.#connections.entries()) {
      if (!settled.has(position)) this.end.failed(connection, new TimeoutError(`A connection did not take an event within ${this.timeoutMs} ms.`));
    }
    this.#finish();
  }
}
