/** Messages from NATS: what is said on subjects at the moment, or what a stream keeps until the kit has taken it. */
import type { NatsConnection } from '@nats-io/transport-node';
import { MissingPeerError } from '../../core/errors.js';
import type { SourceStatus } from '../../core/models/vocabulary.js';
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../core/sources/source.js';
import { sourceError, unreachable } from '../_shared/source/failure.js';
import { DEFAULT_MAX_CONCURRENT_EMITS } from '../_shared/source/intake.js';
import { SourceRecord } from '../_shared/source/record.js';
import { SourceRun, type Running } from '../_shared/source/run.js';
import { connectNats, troubleOf } from './connect.js';
import { Consumer } from './consumer.js';
import type { Feed } from './feed.js';
import { natsOptions, type CheckedNATSOptions, type NATSSourceOptions } from './options.js';
import { Subscriptions } from './subscriptions.js';

/**
 * Listens to subjects of NATS, or reads a stream of JetStream through a durable consumer, whose messages are acknowledged
 * once the kit has taken them. When the connection is lost it fails and is started again, on any of its servers.
 */
export class NATSSource implements SourceProvider {
  /** `nats:` and the first server's host and port. */
  readonly name: string;
  readonly #options: CheckedNATSOptions;
  readonly #record: SourceRecord;
  readonly #run: SourceRun;

  constructor(options: NATSSourceOptions) {
    this.#options = natsOptions(options);
    this.name = `nats:${this.#options.servers[0] ?? ''}`;
    this.#record = new SourceRecord(this.#options.clock);
    this.#run = new SourceRun(this.name, this.#record, this.#options);
  }

  /** How it stands now. */
  get status(): SourceStatus {
    return this.#record.status;
  }

  start(emit: SourceEmit, options: SourceStartOptions): Promise<void> {
    const { maxConcurrentEmits = DEFAULT_MAX_CONCURRENT_EMITS } = options;
    return this.#run.start(emit, options, (running) => this.#connect(running, maxConcurrentEmits));
  }

  stop(): Promise<void> {
    return this.#run.stop();
  }

  healthcheck(): SourceHealth {
    return this.#record.health();
  }

  async #connect({ stopped, signal, intake, connected }: Running, most: number): Promise<void> {
    const connection = await this.#open(stopped);
    if (connection === undefined) return;
    const { jetStream } = this.#options;
    const feed: Feed =
      jetStream === undefined
        ? new Subscriptions(connection, this.name, this.#options)
        : new Consumer(connection, this.name, { ...this.#options, ...jetStream, batch: most });
    let isOpen = false;
    const close = (): void => {
      feed.close();
      if (!isOpen) void connection.close(); // ends what is asked of the server
    };
    stopped.addEventListener('abort', close, { once: true });
    void connection.closed().then((error) => feed.lost(this.#failure(error ?? undefined, 'connection_lost', 'has lost its connection.')));
    try {
      await feed.open();
      isOpen = true;
      if (stopped.aborted) feed.close();
      else connected();
      await intake.run(feed.arrivals);
    } finally {
      stopped.removeEventListener('abort', close);
      await said(connection, signal);
      await connection.close();
    }
  }

  /** Undefined when it was stopped meanwhile. */
  async #open(stopped: AbortSignal): Promise<NatsConnection | undefined> {
    try {
      return await connectNats('NATSSource', this.#options, stopped);
    } catch (error) {
      throw this.#failure(error, 'network_error', '');
    }
  }

  /** By the name of the package's error only: its words are not ours. */
  #failure(error: unknown, code: string, message: string): Error {
    if (error instanceof MissingPeerError) return error;
    switch (troubleOf(error)) {
      case 'not let in':
        return sourceError({ source: this.name, code: 'auth_error', message: 'was not let in. Check its credentials.' });
      case 'no answer':
        return sourceError({
          source: this.name,
          code: 'timeout',
          message: `was not let in within ${this.#options.timeoutSeconds} seconds. Check its server.`,
        });
      case 'another':
        return code === 'network_error' ? unreachable(this.name, error) : sourceError({ source: this.name, code, message });
    }
  }
}

/** The last acknowledgements have reached the server, or nobody waits for that any more. */
async function said(connection: NatsConnection, signal: AbortSignal): Promise<void> {
  if (connection.isClosed() || signal.aborted) return;
  let abort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (abort = resolve));
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([connection.flush().catch(() => undefined), connection.closed(), aborted]);
  signal.removeEventListener('abort', abort);
}
