/** The channels that a process listens to, over one connection; after it was lost they are asked for again. */
import { RedisConnection } from './connection.js';
import type { CheckedRedisOptions } from './options.js';

export class RedisSubscriber {
  readonly #wanted = new Set<string>();
  readonly #connection: RedisConnection;
  #wasReady = false;

  constructor(
    feature: string,
    options: CheckedRedisOptions,
    private readonly told: {
      readonly onMessage: (channel: string, text: string) => void;
      /** Something may have been said that nobody heard. */
      readonly onGap?: () => void;
    },
  ) {
    this.#connection = new RedisConnection(feature, options, { onReady: () => void this.#again(), onMessage: told.onMessage });
  }

  /** What cannot be asked for now is so when the connection is back. */
  async subscribe(channel: string): Promise<void> {
    this.#wanted.add(channel);
    await this.#connection.run((client) => client.subscribe(channel));
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#wanted.delete(channel);
    await this.#connection.run((client) => client.unsubscribe(channel));
  }

  close(): Promise<void> {
    this.#wanted.clear();
    return this.#connection.close();
  }

  async #again(): Promise<void> {
    const isAgain = this.#wasReady;
    this.#wasReady = true;
    if (!isAgain || this.#wanted.size === 0) return;
    try {
      await this.#connection.run((client) => client.subscribe(...this.#wanted));
      this.told.onGap?.();
    } catch {
      // The connection is lost anew, or too slow; it comes back, and this with it.
    }
  }
}
