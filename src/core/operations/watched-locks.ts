/** Locks whose waiting is counted. A lock that is free is counted without a clock and without a promise. */
import type { Clock } from '../clock.js';
import type { RoomLease, RoomLockManager } from '../locks/lock.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { Counters } from './counters.js';

export class WatchedLocks implements RoomLockManager {
  constructor(
    private readonly inner: RoomLockManager,
    private readonly counters: Counters,
    private readonly clock: Clock,
  ) {}

  get distributed(): boolean {
    return this.inner.distributed;
  }

  acquire(roomId: string, options?: { signal?: AbortSignal }): Awaitable<RoomLease> {
    const acquired = this.inner.acquire(roomId, options);
    if (isPromise(acquired)) return this.#waited(acquired);
    this.counters.lockWait.observe(0);
    return acquired;
  }

  async #waited(acquiring: Promise<RoomLease>): Promise<RoomLease> {
    const { counters, clock } = this;
    const since = clock.monotonic();
    counters.locksWaited++;
    try {
      const lease = await acquiring;
      counters.lockWait.observe(Math.max(0, clock.monotonic() - since) / 1000);
      return lease;
    } finally {
      counters.locksWaited--;
    }
  }

  close(): Awaitable<void> {
    return this.inner.close?.();
  }
}
