/** What the parts of Redis are made with, and what of it makes no sense. No message holds the URL: it may have a password. */
import { SystemClock, type Clock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import { StderrLogger, type Logger } from '../../core/logger.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { Secret } from '../../core/telemetry/secret.js';

/** What is used of a client of `ioredis`, version 5 or 6: `Redis` or `Cluster`. */
export interface RedisClient {
  /** Runs a script of Redis. */
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** The same of one that the server knows already. */
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** Tells whoever listens. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Begins to listen. */
  subscribe(...channels: string[]): Promise<unknown>;
  /** Ends it. */
  unsubscribe(...channels: string[]): Promise<unknown>;
  /** A connection of the same settings: one that listens can do nothing else. */
  duplicate(): RedisClient;
  /** What happens on the connection: `message`, `ready`, `error`, `close` … */
  on(event: string, listener: (...given: unknown[]) => void): unknown;
  /** Ends the connection at once. */
  disconnect(): void;
}

/** Where Redis is, and how it is used. */
export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, `rediss://` encrypts; default `redis://127.0.0.1:6379`. It is never shown. */
  readonly url?: string | Secret;
  /** In the place of `url`, for a cluster or sentinels: a client of `ioredis` of your own, which is not closed. */
  readonly client?: RedisClient;
  /** What all keys and channels begin with; default `roomkit:`. Kits that share rooms have the same. */
  readonly prefix?: string;
  /** How long an answer may take; default 5. */
  readonly timeoutSeconds?: number;
  /** Default: warnings and errors on stderr. */
  readonly logger?: Logger;
  /** For tests. */
  readonly clock?: Clock;
}

/** How {@link RedisLockManager} is made. */
export interface RedisLockOptions extends RedisOptions {
  /** How long a dead holder keeps a room; renewed at a third of it. Default 30. */
  readonly leaseSeconds?: number;
}

const NAMES: OptionNames<RedisOptions> = { url: true, client: true, prefix: true, timeoutSeconds: true, logger: true, clock: true };
const LOCK_NAMES: OptionNames<RedisLockOptions> = { ...NAMES, leaseSeconds: true };

export interface CheckedRedisOptions {
  /** What failures call it: `redis:host:port`. */
  readonly name: string;
  readonly url: Secret;
  readonly client: RedisClient | undefined;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

export function redisOptions(feature: string, options: RedisOptions, names: Readonly<Record<string, true>> = NAMES): CheckedRedisOptions {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw new ValidationError(`new ${feature} takes options: { url: 'redis://127.0.0.1:6379' }.`);
  checkOptionNames(`new ${feature}`, options, names);
  const { client, prefix = 'roomkit:', timeoutSeconds = 5, logger = new StderrLogger(), clock = new SystemClock() } = options;
  if (client !== undefined && options.url !== undefined) throw new ValidationError(`${feature} has a url and a client. Give one of them.`);
  checkSeconds(feature, 'timeoutSeconds', timeoutSeconds);
  if (typeof prefix !== 'string' || /[{}\s]/.test(prefix))
    throw new ValidationError(`The prefix of ${feature} is no text without spaces and braces. Give one like 'roomkit:'.`);
  if (client !== undefined) checkClient(feature, client);
  const { url, host } = urlOf(feature, options.url ?? 'redis://127.0.0.1:6379');
  return { name: client === undefined ? `redis:${host}` : 'redis', url, client, prefix, timeoutMs: timeoutSeconds * 1000, logger, clock };
}

export function redisLockOptions(feature: string, options: RedisLockOptions): CheckedRedisOptions & { readonly leaseSeconds: number } {
  const checked = redisOptions(feature, options, LOCK_NAMES);
  const { leaseSeconds = 30 } = options;
  checkSeconds(feature, 'leaseSeconds', leaseSeconds);
  return { ...checked, leaseSeconds };
}

function checkSeconds(feature: string, name: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw new ValidationError(`The ${name} of ${feature} is ${String(value)}. Give seconds, above 0.`);
}

function checkClient(feature: string, client: RedisClient): void {
  const { options } = client as { readonly options?: { readonly keyPrefix?: unknown; readonly redisOptions?: { readonly keyPrefix?: unknown } } };
  if (typeof client !== 'object' || typeof client.evalsha !== 'function' || typeof client.duplicate !== 'function')
    throw new ValidationError(`The client of ${feature} is none of ioredis. Pass new Redis(…) or new Cluster(…).`);
  if ((options?.keyPrefix ?? options?.redisOptions?.keyPrefix ?? '') !== '')
    throw new ValidationError(
      `The client of ${feature} has a keyPrefix, which channels know nothing of. Leave it out, and give the prefix to ${feature}.`,
    );
}

function urlOf(feature: string, given: string | Secret): { readonly url: Secret; readonly host: string } {
  const text: unknown = given instanceof Secret ? given.reveal() : given;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new ValidationError(`The url of ${feature} is no address of Redis. Give one like 'redis://:password@127.0.0.1:6379', or 'rediss://…'.`);
  if (!/^\/?\d*$/.test(url.pathname))
    throw new ValidationError(`The url of ${feature} names a database that is no number. End it like 'redis://127.0.0.1:6379/0'.`);
  return { url: new Secret(url.href), host: `${url.hostname}:${url.port === '' ? '6379' : url.port}` };
}
