/** One connection that hears what other processes notify of (LISTEN), made anew by itself when it breaks. */
import { createHash } from 'node:crypto';
import type { Client, Notification } from 'pg';
import type { PostgresConfig } from './config.js';
import { driverConfig, loadDriver } from './connection.js';
import type { Clock, Logger, Timer } from './core.js';
import { storeError } from './errors.js';

interface ListenerOptions {
  readonly config: PostgresConfig;
  readonly place: string;
  readonly feature: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onNotice: (channel: string, payload: string) => void;
  /** After a break: what was said meanwhile was not heard. */
  readonly onAgain?: () => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export class Listener {
  #client: Client | undefined;
  readonly #channels = new Set<string>();
  #connecting: Promise<void> | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(private readonly options: ListenerOptions) {}

  /** Connects, or says why it cannot. */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      throw storeError(error, this.options.place);
    }
  }

  /** From here on notices of this channel are heard; where there is no connection just now, from when there is one. */
  async listen(channel: string): Promise<void> {
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    await this.#tell(`LISTEN ${channel}`);
  }

  async unlisten(channel: string): Promise<void> {
    if (this.#channels.delete(channel)) await this.#tell(`UNLISTEN ${channel}`);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#connecting?.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }

  async #tell(statement: string): Promise<void> {
    try {
      await this.#client?.query(statement);
    } catch (error) {
      // The connection broke: with the next one everything is listened to anew.
      this.options.logger.debug('A channel could not be listened to just now.', { error });
    }
  }

  async #connect(): Promise<void> {
    const driver = await loadDriver(this.options.feature);
    const client = new driver.Client({ ...driverConfig(driver, this.options.config), idle_in_transaction_session_timeout: 0 });
    const onBroken = (): void => this.#broke(client);
    client.on('error', onBroken);
    client.on('end', onBroken);
    client.on('notification', ({ channel, payload = '' }: Notification) => {
      if (!this.#closed && this.#channels.has(channel)) this.options.onNotice(channel, payload);
    });
    await client.connect();
    this.#client = client;
    for (const channel of this.#channels) await client.query(`LISTEN ${channel}`);
    this.#pauseMs = FIRST_PAUSE_MS;
    if (this.#closed) await client.end();
  }

  #broke(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    void client.end().catch(() => undefined);
    this.#connectLater();
  }

  #connectLater(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.options.clock.setTimer(this.#pauseMs, () => {
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      this.#connecting = this.#reconnect();
    });
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect();
      this.options.onAgain?.();
    } catch (error) {
      this.#client = undefined;
      this.options.logger.warn('PostgreSQL cannot be listened to; it is tried again.', { place: this.options.place, error });
      this.#connectLater();
    }
  }
}

/** A name the server takes, whatever the channel is called. */
export function channelName(schema: string, channel: string): string {
  return `rk_${createHash('sha256').update(`${schema}\u0000${channel}`).digest('hex').slice(0, 48)}`;
}
