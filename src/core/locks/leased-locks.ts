/**
 * The lock of several processes, over whatever can keep leases (LOCK-01, LOCK-04): who waits in this process waits in a line, and
 * only the first of the line asks the others. Postgres, Redis and the simulator bring the leases.
 */
import { allowManyListeners } from '../async/many-listeners.js';
import { abortReason, sleepWith, type Clock, type Timer } from '../clock.js';
import { RoomKitError } from '../errors.js';
import type { Logger } from '../logger.js';
import { InMemoryLockManager } from './in-memory.js';
import type { RoomLease, RoomLockManager } from './lock.js';

/** What keeps the leases, seen by one process. */
export interface LeaseBackend {
  /**
   * Takes a room that is free or whose lease has ended, for so long from now. Otherwise says how long to wait before asking again, at most.
   * After a failure it is asked again, unless the failure is a RoomKitError that is not `retryable`.
   */
  take(roomId: string, leaseMs: number): Promise<{ readonly token: number } | { readonly askAgainInMs: number }>;
  /** Prolongs a lease; false when it is somebody else's by now. */
  renew(roomId: string, token: number, leaseMs: number): Promise<boolean>;
  /** Ends a lease, if it is still this one. */
  release(roomId: string, token: number): Promise<void>;
  /** Calls back when a room may be free again, where that can be heard; the answer ends it. */
  watch?(roomId: string, onFree: () => void): () => void;
  /** Idempotent. */
  close?(): Promise<void>;
}

/** How leases are held. */
export interface LeasedLocksOptions {
  /** By it leases are renewed. Required; `new SystemClock()` is the machine's. */
  readonly clock: Clock;
  /** Told of leases that are lost or cannot be had. Required; `new StderrLogger()` writes to stderr. */
  readonly logger: Logger;
  /** How long a dead holder keeps a room; renewed at a third of it. Default 30. */
  readonly leaseSeconds?: number;
}

/** How soon after a failure the leases are asked again. */
const AFTER_FAILURE_MS = 200;

/** The lock of several processes, over leases that a database or server keeps for it. */
export class LeasedLocks implements RoomLockManager {
  readonly distributed = true;
  readonly #line = new InMemoryLockManager();
  readonly #leaseMs: number;
  #closed = false;
  readonly #closing = new AbortController();

  constructor(
    private readonly backend: LeaseBackend,
    private readonly options: LeasedLocksOptions,
  ) {
    this.#leaseMs = (options.leaseSeconds ?? 30) * 1000;
    allowManyListeners(this.#closing.signal); // every room that is waited for listens
  }

  async acquire(roomId: string, { signal }: { signal?: AbortSignal } = {}): Promise<RoomLease> {
    const place = await this.#line.acquire(roomId, signal === undefined ? {} : { signal });
    try {
      const { token, takenAt } = await this.#take(roomId, signal);
      return new HeldLease(this.backend, this.options, { roomId, token, leaseMs: this.#leaseMs, takenAt }, place);
    } catch (error) {
      await place.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort(new Error('The lock manager is closed.'));
    await this.backend.close?.();
  }

  async #take(roomId: string, signal: AbortSignal | undefined): Promise<{ token: number; takenAt: number }> {
    const { clock, logger } = this.options;
    for (;;) {
      if (isAborted(signal)) throw abortReason(signal);
      if (this.#closed) throw abortReason(this.#closing.signal);
      // The lease began at the latest when it was asked for: what the answer takes is not added to it.
      const takenAt = clock.monotonic();
      let waitMs = AFTER_FAILURE_MS;
      try {
        const answer = await this.backend.take(roomId, this.#leaseMs);
        if ('token' in answer) {
          const isOver = clock.monotonic() - takenAt >= this.#leaseMs;
          if (!isAborted(signal) && !isOver) return { token: answer.token, takenAt };
          this.#giveBack(roomId, answer.token);
          if (isAborted(signal)) throw abortReason(signal);
          logger.warn('The lock of a room came later than its lease lasts; it is asked for again.', { roomId });
          continue;
        }
        waitMs = answer.askAgainInMs;
      } catch (error) {
        // What time does not mend, a wrong password or a missing package, is for whoever waits.
        if (isAborted(signal) || this.#closed || (error instanceof RoomKitError && !error.retryable)) throw error;
        logger.warn('The lock of a room could not be asked for; it is tried again.', { roomId, error });
      }
      if (waitMs > 0) await this.#untilFree(roomId, waitMs, signal);
    }
  }

  async #untilFree(roomId: string, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const wake = new AbortController();
    const onWake = (): void => wake.abort();
    const unwatch = this.backend.watch?.(roomId, onWake);
    signal?.addEventListener('abort', onWake, { once: true });
    this.#closing.signal.addEventListener('abort', onWake, { once: true });
    try {
      await sleepWith(this.options.clock, waitMs, wake.signal);
    } catch {
      // Woken: the room may be free, or nobody waits any more; whoever asks again finds out.
    } finally {
      unwatch?.();
      signal?.removeEventListener('abort', onWake);
      this.#closing.signal.removeEventListener('abort', onWake);
    }
  }

  #giveBack(roomId: string, token: number): void {
    this.backend.release(roomId, token).catch((error: unknown) => {
      this.options.logger.debug('A room that nobody waits for any more could not be given back; its lease ends by itself.', { roomId, error });
    });
  }
}

/** Asked anew: while something was waited for it may have changed. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

interface Lease {
  readonly roomId: string;
  readonly token: number;
  readonly leaseMs: number;
  /** By the clock that does not jump. */
  readonly takenAt: number;
}

class HeldLease implements RoomLease {
  readonly token: number;
  readonly #lost = new AbortController();
  #renewing: Timer | undefined;
  #ending: Timer | undefined;
  #isReleased = false;

  constructor(
    private readonly backend: LeaseBackend,
    private readonly options: LeasedLocksOptions,
    private readonly lease: Lease,
    private readonly place: RoomLease,
  ) {
    this.token = lease.token;
    this.#keep(lease.takenAt);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#renewing?.cancel();
    this.#ending?.cancel();
    if (this.#lost.signal.aborted) return;
    try {
      await this.backend.release(this.lease.roomId, this.lease.token);
    } finally {
      await this.place.release();
    }
  }

  /** It ends by itself when it was not renewed in time: nobody has to say so. */
  #keep(sinceMs: number): void {
    const { clock } = this.options;
    const { leaseMs } = this.lease;
    const leftMs = sinceMs + leaseMs - clock.monotonic();
    this.#ending?.cancel();
    this.#ending = clock.setTimer(leftMs, () => this.#lose('it was not renewed in time'));
    this.#renewAfter(Math.max(0, leftMs - (leaseMs * 2) / 3));
  }

  #renewAfter(ms: number): void {
    this.#renewing?.cancel();
    this.#renewing = this.options.clock.setTimer(ms, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { roomId, token, leaseMs } = this.lease;
    const askedAt = this.options.clock.monotonic();
    try {
      const isKept = await this.backend.renew(roomId, token, leaseMs);
      if (this.#isReleased || this.#lost.signal.aborted) return;
      if (isKept) this.#keep(askedAt);
      else this.#lose('another process holds it');
    } catch (error) {
      if (this.#isReleased || this.#lost.signal.aborted) return;
      this.options.logger.warn('The lease of a room could not be renewed; it is tried again.', { roomId, error });
      this.#renewAfter(AFTER_FAILURE_MS);
    }
  }

  #lose(why: string): void {
    this.#renewing?.cancel();
    this.#ending?.cancel();
    if (this.#isReleased || this.#lost.signal.aborted) return;
    this.options.logger.warn('The lease of a room is lost; what this process still writes there is refused.', { roomId: this.lease.roomId, why });
    // Whoever is next need not wait for a holder that may do nothing any more.
    void this.place.release();
    this.#lost.abort(new Error(`The lease of room '${this.lease.roomId}' is lost: ${why}.`));
  }
}
