/** The lock of rooms between processes, as leases in Redis (LOCK-01, LOCK-04). */
import { randomUUID } from 'node:crypto';
import { LeasedLocks, type LeaseBackend } from '../../core/locks/leased-locks.js';
import type { RoomLease, RoomLockManager } from '../../core/locks/lock.js';
import { RedisConnection } from './connection.js';
import { redisLockOptions, type CheckedRedisOptions, type RedisLockOptions } from './options.js';
import { RELEASE, RENEW, runScript, TAKE } from './scripts.js';
import { RedisSubscriber } from './subscriber.js';

const FEATURE = 'RedisLockManager';
/** How long the last token of a room is kept, against a clock of the server that is set back. */
const TOKEN_MS = 24 * 60 * 60 * 1000;
/** A room is asked for again after so long at most: that it is free may have been said while nobody heard it. */
const ASK_AGAIN_MS = 2000;

/** Lets one process at a time work on a room: `new RoomKit({ store, lockManager: new RedisLockManager({ url }) })`. */
export class RedisLockManager implements RoomLockManager {
  readonly distributed = true;
  readonly #locks: LeasedLocks;

  constructor(options: RedisLockOptions = {}) {
    const checked = redisLockOptions(FEATURE, options);
    const { clock, logger, leaseSeconds } = checked;
    this.#locks = new LeasedLocks(new RedisLeases(checked), { clock, logger, leaseSeconds });
  }

  acquire(roomId: string, options: { signal?: AbortSignal } = {}): Promise<RoomLease> {
    return this.#locks.acquire(roomId, options);
  }

  /** What is held is free when its lease ends. */
  close(): Promise<void> {
    return this.#locks.close();
  }
}

class RedisLeases implements LeaseBackend {
  readonly #self = randomUUID();
  readonly #commands: RedisConnection;
  readonly #subscriber: RedisSubscriber;
  readonly #channel: string;
  /** Rooms that are asked for: what wakes whoever waits, and whether it came before there was anything to wake. */
  readonly #asking = new Map<string, { wasFreed: boolean; wake?: () => void }>();
  #isListening = false;

  constructor(private readonly options: CheckedRedisOptions) {
    this.#commands = new RedisConnection(FEATURE, options);
    this.#channel = `${options.prefix}free`;
    this.#subscriber = new RedisSubscriber(FEATURE, options, {
      onMessage: (_channel, roomId) => this.#freed(roomId),
      onGap: () => {
        for (const roomId of [...this.#asking.keys()]) this.#freed(roomId);
      },
    });
  }

  async take(roomId: string, leaseMs: number): Promise<{ readonly token: number } | { readonly askAgainInMs: number }> {
    const asking = { wasFreed: false };
    this.#asking.set(roomId, asking);
    let isHeard = this.#isListening;
    try {
      let answer = await this.#ask(roomId, leaseMs);
      if ('askAgainInMs' in answer && !isHeard) {
        isHeard = await this.#listen();
        answer = await this.#ask(roomId, leaseMs); // it may have been freed before that could be heard
      }
      if ('token' in answer) this.#asking.delete(roomId);
      return answer;
    } catch (error) {
      this.#asking.delete(roomId);
      throw error;
    }
  }

  async renew(roomId: string, token: number, leaseMs: number): Promise<boolean> {
    const kept = await this.#commands.run((client) => runScript(client, RENEW, [this.#key('lease', roomId)], [this.#holder(token), ms(leaseMs)]));
    return kept === 1;
  }

  async release(roomId: string, token: number): Promise<void> {
    const keys = [this.#key('lease', roomId), this.#key('waiting', roomId)];
    await this.#commands.run((client) => runScript(client, RELEASE, keys, [this.#holder(token), this.#channel, roomId]));
  }

  watch(roomId: string, onFree: () => void): () => void {
    const asking = this.#asking.get(roomId);
    if (asking === undefined) return () => undefined;
    asking.wake = onFree;
    if (asking.wasFreed) onFree();
    return () => {
      if (this.#asking.get(roomId) === asking) this.#asking.delete(roomId);
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#commands.close(), this.#subscriber.close()]);
  }

  async #ask(roomId: string, leaseMs: number): Promise<{ readonly token: number } | { readonly askAgainInMs: number }> {
    const keys = [this.#key('lease', roomId), this.#key('token', roomId), this.#key('waiting', roomId)];
    const given = [this.#self, ms(leaseMs), ms(TOKEN_MS)];
    const answer = await this.#commands.run(
      (client) => runScript(client, TAKE, keys, given) as Promise<readonly [string, number]>, // as the script has it
      ([token]) => this.#giveBack(roomId, token),
    );
    const [token, leftMs] = answer;
    return token === '' ? { askAgainInMs: Math.max(1, Math.min(Number(leftMs), ASK_AGAIN_MS)) } : { token: Number(token) };
  }

  /** One that was given when nobody waited any more. Has it been taken again meanwhile, its token is another. */
  #giveBack(roomId: string, token: string): void {
    if (token === '') return;
    this.release(roomId, Number(token)).catch((error: unknown) => {
      this.options.logger.debug('A room that nobody waits for any more could not be given back; its lease ends by itself.', { roomId, error });
    });
  }

  async #listen(): Promise<boolean> {
    try {
      await this.#subscriber.subscribe(this.#channel);
      this.#isListening = true;
    } catch (error) {
      this.options.logger.warn('That rooms become free cannot be heard; they are asked for every now and then.', { error });
    }
    return this.#isListening;
  }

  #freed(roomId: string): void {
    const asking = this.#asking.get(roomId);
    if (asking === undefined) return;
    asking.wasFreed = true;
    asking.wake?.();
  }

  #key(what: string, roomId: string): string {
    return `${this.options.prefix}{${roomId}}:${what}`;
  }

  #holder(token: number): string {
    return `${String(token)} ${this.#self}`;
  }
}

/** Redis takes whole milliseconds. */
function ms(value: number): string {
  return String(Math.max(1, Math.round(value)));
}
