/** One connection to Redis: made when it is first needed, again after it was lost, and asked no longer than it may take. */
import type { Timer } from '../../core/clock.js';
import { ProviderError, RoomKitError } from '../../core/errors.js';
import { loadPeer } from '../_shared/peer.js';
import type { CheckedRedisOptions, RedisClient } from './options.js';

/** The longest time between two attempts to connect. */
const MAX_RETRY_MS = 1000;

export class RedisConnection {
  #client: Promise<RedisClient> | undefined;
  /** What kept it from working last, in words of ours. */
  #trouble: RoomKitError | undefined;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;
  #pinging: Timer | undefined;

  constructor(
    private readonly feature: string,
    private readonly options: CheckedRedisOptions,
    /** A connection that only listens is always of its own, and is told each time that it can be used. */
    private readonly listening?: { readonly onReady: () => void; readonly onMessage: (channel: string, text: string) => void },
  ) {}

  /** What is asked, or why there is no answer. `late` gets an answer that nobody waits for any more. */
  async run<Answer>(ask: (client: RedisClient) => Promise<Answer>, late?: (answer: Answer) => void): Promise<Answer> {
    if (this.#isClosed) throw new RoomKitError('connection_closed', `${this.feature} is closed. Make a new one.`);
    const client = await (this.#client ??= this.#open());
    const asked = ask(client);
    const running = asked.catch(() => undefined).finally(() => this.#running.delete(running));
    this.#running.add(running);
    let timer: Timer | undefined;
    let isLate = false;
    const tooLong = new Promise<never>((_, reject) => {
      timer = this.options.clock.setTimer(this.options.timeoutMs, () => {
        isLate = true;
        reject(this.#failure('timeout', `did not answer within ${this.options.timeoutMs / 1000} seconds. Check its load, and what lies between.`));
      });
    });
    try {
      const answer = await Promise.race([asked, tooLong]);
      // A database that is not there leaves the connection at another one, which is not meant.
      if (this.#trouble?.code === 'invalid_request') throw this.#trouble;
      return answer;
    } catch (error) {
      if (isLate) {
        if (late !== undefined) void asked.then(late, () => undefined);
        throw error;
      }
      throw this.#translated(error);
    } finally {
      timer?.cancel();
    }
  }

  /** Waits for what is asked already, not longer than an answer may take. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pinging?.cancel();
    if (this.#client === undefined) return;
    await this.#untilAnswered();
    const client = await this.#client.catch(() => undefined);
    this.#pinging?.cancel(); // begun meanwhile
    if (client === undefined || client === this.options.client) return;
    // One that waits to connect again has nothing to end, and says nothing of its end.
    const hasSocket = ['connecting', 'connect', 'ready'].includes((client as { readonly status?: string }).status ?? '');
    const ended = new Promise<void>((resolve) => client.on('end', () => resolve()));
    client.disconnect();
    if (hasSocket) await ended;
  }

  async #untilAnswered(): Promise<void> {
    if (this.#running.size === 0 || this.#trouble !== undefined) return;
    let timer: Timer | undefined;
    const tooLong = new Promise<void>((resolve) => (timer = this.options.clock.setTimer(this.options.timeoutMs, resolve)));
    await Promise.race([Promise.all(this.#running), tooLong]);
    timer?.cancel();
  }

  async #open(): Promise<RedisClient> {
    const { client: given, url, timeoutMs } = this.options;
    if (given !== undefined && this.listening === undefined) return given;
    const client = given?.duplicate() ?? (await connect(this.feature, url.reveal(), timeoutMs));
    client.on('error', (error: unknown) => void (this.#trouble = this.#translated(error)));
    client.on('ready', () => {
      if (this.#trouble?.code !== 'invalid_request') this.#trouble = undefined;
      this.listening?.onReady();
    });
    if (given === undefined && this.listening !== undefined) this.#ping(client as RedisClient & { ping(): Promise<unknown> });
    client.on('message', (channel, text) => this.listening?.onMessage(String(channel), String(text)));
    return client;
  }

  /** Who only listens would not notice that nobody is there any more: a question that stays open ends the connection. */
  #ping(client: RedisClient & { ping(): Promise<unknown> }): void {
    this.#pinging = this.options.clock.setTimer(this.options.timeoutMs, () => {
      client.ping().catch(() => undefined); // what is wrong is seen by the connection itself
      this.#ping(client);
    });
  }

  /** By what the error is called: its words may hold what was sent. */
  #translated(error: unknown): RoomKitError {
    if (error instanceof RoomKitError) return error;
    const { message = '', code } = (error ?? {}) as { readonly message?: string; readonly code?: unknown };
    if (/^(WRONGPASS|NOAUTH)|invalid password|no password is set/i.test(message))
      return this.#failure('auth_error', 'has not let us in. Check user and password of its url.', false);
    if (message.startsWith('NOPERM'))
      return this.#failure('auth_error', "does not allow what is needed. Its user needs the prefix's keys and channels, scripts and pub/sub.", false);
    if (message.includes('DB index is out of range'))
      return this.#failure('invalid_request', 'has no database of that number. Check the end of its url.', false);
    if (/^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|BUSY)\b/.test(message))
      return this.#failure('unavailable', `takes nothing at the moment (${message.slice(0, message.indexOf(' '))}).`);
    if (this.#trouble !== undefined) return this.#trouble;
    const why = typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? ` (${code})` : '';
    return this.#failure('network_error', `cannot be reached${why}. Check its url, and what lies between.`);
  }

  #failure(code: string, what: string, retryable = true): RoomKitError {
    const { name } = this.options;
    return new ProviderError(`Redis '${name.replace(/^redis:?/, '')}' ${what}`.replace(" ''", ''), { provider: name, code, retryable });
  }
}

async function connect(feature: string, url: string, timeoutMs: number): Promise<RedisClient> {
  const { Redis } = await loadPeer(feature, 'ioredis', () => import('ioredis'));
  return new Redis(url, {
    connectTimeout: timeoutMs,
    // An answer that was lost with its connection is asked for by whoever still wants it.
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    // It waits so long with the process alive, also when there is no connection to end.
    disconnectTimeout: 100,
    retryStrategy: (attempt: number) => Math.min(MAX_RETRY_MS, 25 * 2 ** attempt),
    // A server that says nothing while it is asked is left, and another connection tried.
    socketTimeout: timeoutMs * 2,
  });
}
