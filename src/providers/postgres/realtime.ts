/** `PostgresRealtime`: ephemeral events and wake-ups between processes by LISTEN and NOTIFY (EPH-01). */
import { randomUUID } from 'node:crypto';
import { checkedConfig, type PostgresOptions } from './config.js';
import { Connections } from './connection.js';
import {
  InMemoryRealtime,
  StderrLogger,
  SystemClock,
  UuidGenerator,
  type Clock,
  type Logger,
  type RealtimeBackend,
  type RealtimeCallback,
  type RealtimeMessage,
} from './core.js';
import { channelName, Listener } from './listener.js';
import { Json, parseJson } from './text.js';

/** Where messages go through. */
export interface PostgresRealtimeOptions extends PostgresOptions {
  /** For tests. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: warnings and errors on stderr. */
  readonly logger?: Logger;
}

/** The server takes 7,999 bytes; what is larger is put into a table, and its number is sent. */
const MAX_PAYLOAD = 7_900;
/** Long enough for whoever is slow, short enough for the table. */
const KEPT_SECONDS = 60;
/** More wait for the server only when it does not answer; then the oldest are dropped, as ephemeral events may be. */
const MAX_WAITING = 1_000;

/** What travels. The number keeps apart what is said twice: equal notices of one transaction are one. */
interface Envelope {
  readonly from: string;
  readonly n: number;
  readonly channel?: string;
  readonly message?: RealtimeMessage;
  readonly ref?: number;
}

interface Waiting {
  readonly channel: string;
  readonly message: Json;
  readonly done: () => void;
}

/**
 * Carries ephemeral events between processes over PostgreSQL. Open it with {@link PostgresRealtime.open}.
 * @example const realtime = await PostgresRealtime.open('postgres://localhost/app')
 */
export class PostgresRealtime implements RealtimeBackend {
  readonly distributed = true;
  readonly #local: InMemoryRealtime;
  readonly #listener: Listener;
  readonly #self = randomUUID();
  /** Subscription → its channel; and how many a channel has. */
  readonly #subscriptions = new Map<string, string>();
  readonly #listeners = new Map<string, number>();
  #waiting: Waiting[] = [];
  #isSending = false;
  #count = 0;
  /** What is heard is passed on in the order it came, also what has to be fetched first. */
  #hearing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** Connects, and brings the schema to this version. Throws RoomKitErrors that say how to mend it. */
  static async open(options: PostgresRealtimeOptions | string = {}): Promise<PostgresRealtime> {
    const { clock = new SystemClock(), logger = new StderrLogger(), ...others } = typeof options === 'string' ? { url: options } : options;
    const connections = await Connections.start(checkedConfig(others, process.env), 'PostgresRealtime');
    const realtime = new PostgresRealtime(connections, clock, logger);
    try {
      await realtime.#listener.start();
      return realtime;
    } catch (error) {
      await realtime.close();
      throw error;
    }
  }

  private constructor(
    private readonly connections: Connections,
    clock: Clock,
    private readonly logger: Logger,
  ) {
    this.#local = new InMemoryRealtime({ ids: new UuidGenerator(), logger });
    const { config, place } = connections;
    this.#listener = new Listener({
      config,
      place,
      feature: 'PostgresRealtime',
      clock,
      logger,
      onNotice: (_channel, payload) => this.#hear(payload),
    });
  }

  /** Told at once in this process; the promise ends when the server has it, or it is lost, which is logged. */
  async publish(channel: string, message: RealtimeMessage): Promise<void> {
    if (this.#closing !== undefined) return;
    const json = new Json(message);
    this.#local.publish(channel, message);
    await new Promise<void>((done) => {
      if (this.#waiting.length >= MAX_WAITING) this.#waiting.shift()?.done();
      this.#waiting.push({ channel, message: json, done });
      if (!this.#isSending) void this.#send();
    });
  }

  async subscribe(channel: string, callback: RealtimeCallback): Promise<string> {
    const id = this.#local.subscribe(channel, callback);
    this.#subscriptions.set(id, channel);
    const before = this.#listeners.get(channel) ?? 0;
    this.#listeners.set(channel, before + 1);
    if (before === 0) await this.#listener.listen(channelName(this.connections.config.schema, channel));
    return id;
  }

  async unsubscribe(subscriptionId: string): Promise<boolean> {
    const channel = this.#subscriptions.get(subscriptionId);
    if (channel === undefined || !this.#local.unsubscribe(subscriptionId)) return false;
    this.#subscriptions.delete(subscriptionId);
    const left = (this.#listeners.get(channel) ?? 1) - 1;
    if (left > 0) this.#listeners.set(channel, left);
    else {
      this.#listeners.delete(channel);
      await this.#listener.unlisten(channelName(this.connections.config.schema, channel));
    }
    return true;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    await this.#local.close();
    for (const { done } of this.#waiting.splice(0)) done();
    await this.#listener.close();
    await this.connections.close();
  }

  /** Everything that waits goes in one statement; the next waits for its answer, so that the order stays. */
  async #send(): Promise<void> {
    this.#isSending = true;
    for (let batch = this.#waiting; batch.length > 0; batch = this.#waiting) {
      this.#waiting = [];
      try {
        const { schema } = this.connections.config;
        const payloads: Json[] = [];
        for (const { channel, message } of batch) payloads.push(await this.#payload(channel, message));
        await this.connections.all(
          'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS said (channel, payload, n) ORDER BY n',
          batch.map(({ channel }) => channelName(schema, channel)),
          payloads,
        );
      } catch (error) {
        if (this.#closing === undefined) this.logger.warn('Ephemeral events could not be told to other processes.', { lost: batch.length, error });
      }
      for (const { done } of batch) done();
    }
    this.#isSending = false;
  }

  async #payload(channel: string, message: Json): Promise<Json> {
    const head = { from: this.#self, n: this.#count++, channel };
    const whole = Json.raw(`${new Json(head).text.slice(0, -1)},"message":${message.text}}`);
    if (Buffer.byteLength(whole.text) <= MAX_PAYLOAD) return whole;
    const [row] = await this.connections.all(
      `WITH expired AS (DELETE FROM @notices WHERE at < clock_timestamp() - ${KEPT_SECONDS} * interval '1 second')
       INSERT INTO @notices (json) VALUES ($1) RETURNING id`,
      whole,
    );
    return new Json({ from: this.#self, n: head.n, ref: row?.['id'] });
  }

  #hear(payload: string): void {
    const envelope = parseJson<Envelope>(payload);
    if (envelope.from === this.#self) return;
    this.#hearing = this.#hearing.then(async () => {
      const { channel, message } = envelope.ref === undefined ? envelope : await this.#fetch(envelope.ref);
      if (channel !== undefined && message !== undefined) this.#local.publish(channel, message);
    });
  }

  async #fetch(id: number): Promise<Partial<Envelope>> {
    try {
      const [row] = await this.connections.read('SELECT json FROM @notices WHERE id = $1', id);
      return row === undefined ? {} : parseJson<Envelope>(row['json'] as string);
    } catch (error) {
      if (this.#closing === undefined) this.logger.warn('A large ephemeral event of another process could not be read.', { error });
      return {};
    }
  }
}
