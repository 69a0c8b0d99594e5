/** The contract of the per-room lock (behaviour §9.1). */
import type { Awaitable } from '../models/json.js';

/** Lets one holder at a time grow a room. Implement it over a database or Redis for more than one process. */
export interface RoomLockManager {
  /** Whether it also excludes other processes (KIT-02). */
  readonly distributed: boolean;
  /**
   * Waits for the room, first come first served. At once, without a promise, when the room is free and the manager can.
   * Rejects with the signal's reason when it aborts while waiting (LOCK-05).
   */
  acquire(roomId: string, options?: { signal?: AbortSignal }): Awaitable<RoomLease>;
  /** Called when the kit closes. Idempotent. */
  close?(): Awaitable<void>;
}

/** A room that is held. Release it in `finally`. */
export interface RoomLease {
  /** Grows strictly per room; absent where one process is all there is (LOCK-01). */
  readonly token?: number;
  /** Aborts when the lease is lost; absent where it cannot be. */
  readonly signal?: AbortSignal;
  /** Idempotent. */
  release(): Awaitable<void>;
}
