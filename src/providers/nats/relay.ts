/** What happens at the moment, as messages of NATS: one connection, made again for as long as anybody wants it. */
import type { NatsConnection } from '@nats-io/transport-node';
import { sleepWith } from '../../core/clock.js';
import { MissingPeerError, ProviderError, RoomKitError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { HearText, RealtimeRelay } from '../../core/realtime/relayed.js';
import { connectNats, troubleOf, type NATSConnecting } from './connect.js';

export interface NATSRelayOptions extends NATSConnecting {
  readonly prefix: string;
  readonly logger: Logger;
}

/** The longest time between two attempts to connect. */
const MAX_RETRY_MS = 1000;

export class NATSRelay implements RealtimeRelay {
  readonly #wanted = new Set<string>();
  /** How each channel that is listened to over the present connection is ended. */
  readonly #heard = new Map<string, () => void>();
  readonly #closing = new AbortController();
  /** The connection, or the attempt to have one. */
  #connection: Promise<NatsConnection> | undefined;
  #flush: Promise<void> | undefined;
  /** How those who wait for an answer are told that there will be none. */
  readonly #asked = new Set<(error: Error) => void>();

  constructor(
    private readonly options: NATSRelayOptions,
    private readonly hear: HearText,
  ) {}

  async publish(channel: string, text: string): Promise<void> {
    const connection = await this.#connected();
    connection.publish(this.#subject(channel), text);
    await this.#sent(connection);
  }

  async subscribe(channel: string): Promise<void> {
    this.#wanted.add(channel);
    const connection = await this.#connected();
    this.#listen(connection, channel);
    await this.#within(connection.flush());
  }

  unsubscribe(channel: string): void {
    this.#wanted.delete(channel);
    this.#heard.get(channel)?.();
    this.#heard.delete(channel);
  }

  async close(): Promise<void> {
    const current = this.#connection;
    this.#closing.abort(this.#closed());
    this.#wanted.clear();
    this.#heard.clear();
    const connection = await current?.catch(() => undefined);
    await connection?.close();
  }

  /** While there is none, everybody gets the failure of the attempt that is under way, or was last. */
  async #connected(): Promise<NatsConnection> {
    if (this.#closing.signal.aborted) throw this.#closed();
    const connection = await (this.#connection ??= this.#connect(0));
    if (connection.isClosed()) throw this.#failure('connection_lost', 'has closed the connection.');
    return connection;
  }

  #connect(attempt: number): Promise<NatsConnection> {
    const connecting = this.#open();
    connecting.then(
      (connection) => {
        this.#connection = connecting;
        for (const channel of this.#wanted) this.#listen(connection, channel);
        void connection.closed().then(() => {
          this.#heard.clear();
          for (const fail of this.#asked) fail(this.#failure('connection_lost', 'has closed the connection.'));
          this.#again(0);
        });
      },
      (error: unknown) => {
        this.#connection = connecting;
        // Without the package there is nothing to try again.
        if (!(error instanceof MissingPeerError)) this.#again(attempt + 1);
      },
    );
    return connecting;
  }

  /** Until it is known whether there is one again, what was known before holds. */
  #again(attempt: number): void {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    sleepWith(this.options.clock, Math.min(MAX_RETRY_MS, 25 * 2 ** attempt), signal).then(
      () => void this.#connect(attempt),
      () => undefined, // closed
    );
  }

  async #open(): Promise<NatsConnection> {
    const { signal } = this.#closing;
    let connection: NatsConnection | undefined;
    try {
      connection = await connectNats('NATSRealtime', this.options, signal);
    } catch (error) {
      throw this.#translated(error);
    }
    if (connection === undefined) throw this.#closed();
    if (signal.aborted) {
      await connection.close();
      throw this.#closed();
    }
    return connection;
  }

  #listen(connection: NatsConnection, channel: string): void {
    if (this.#heard.has(channel) || !this.#wanted.has(channel) || connection.isClosed()) return;
    const subscription = connection.subscribe(this.#subject(channel), {
      callback: (error, message) => {
        if (error === null) this.hear(channel, message.string());
        else this.options.logger.warn('A subject of NATS may not be listened to. Check what its user is allowed.', { channel });
      },
    });
    this.#heard.set(channel, () => subscription.unsubscribe());
  }

  /** One answer of the server for all that is published at a time: without any, a slow one would be sent more and more. */
  #sent(connection: NatsConnection): Promise<void> {
    if (this.#flush !== undefined) return this.#flush;
    const flush = Promise.resolve().then(() => {
      if (this.#flush === flush) this.#flush = undefined;
      return this.#within(connection.flush());
    });
    this.#flush = flush;
    return flush;
  }

  async #within(answer: Promise<void>): Promise<void> {
    const { clock, timeoutSeconds } = this.options;
    let fail: (error: Error) => void = () => undefined;
    const failed = new Promise<never>((_, reject) => (fail = reject));
    this.#asked.add(fail);
    const timer = clock.setTimer(timeoutSeconds * 1000, () => fail(this.#failure('timeout', `did not answer within ${timeoutSeconds} seconds.`)));
    try {
      await Promise.race([answer, failed]);
    } catch (error) {
      throw this.#translated(error);
    } finally {
      timer.cancel();
      this.#asked.delete(fail);
    }
  }

  /** Names hold what subjects cannot: dots, spaces and wildcards are written as in addresses. */
  #subject(channel: string): string {
    const token = encodeURIComponent(channel).replace(/[.*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
    return `${this.options.prefix}.${token}`;
  }

  #translated(error: unknown): RoomKitError {
    if (error instanceof RoomKitError) return error;
    switch (troubleOf(error)) {
      case 'not let in':
        return this.#failure('auth_error', 'has not let us in. Check the credentials.', false);
      case 'no answer':
        return this.#failure('timeout', `did not answer within ${this.options.timeoutSeconds} seconds. Check servers.`);
      case 'another': {
        const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
        return this.#failure(
          'network_error',
          `cannot be reached${/^ \([A-Z0-9_]+\)$/.test(code) ? code : ''}. Check servers, and what lies between.`,
        );
      }
    }
  }

  #closed(): RoomKitError {
    return new RoomKitError('connection_closed', 'NATSRealtime is closed. Make a new one.');
  }

  #failure(code: string, what: string, retryable = true): RoomKitError {
    const server = this.options.servers[0] ?? '';
    return new ProviderError(`NATS '${server}' ${what}`, { provider: `nats:${server}`, code, retryable });
  }
}
