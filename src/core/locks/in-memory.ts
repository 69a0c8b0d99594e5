/** The lock of a single process (LOCK-05): first come, first served; a free room costs one map entry and no promise. */
import { abortReason } from '../clock.js';
import type { RoomLease, RoomLockManager } from './lock.js';

interface Waiter {
  readonly grant: (lease: RoomLease) => void;
  aborted: boolean;
}

export class InMemoryLockManager implements RoomLockManager {
  readonly distributed = false;
  /** Held rooms only: a room that nobody holds or awaits has no entry. */
  readonly #held = new Map<string, Held>();

  acquire(roomId: string, options?: { signal?: AbortSignal }): RoomLease | Promise<RoomLease> {
    const held = this.#held.get(roomId);
    if (held === undefined) {
      const lease = new Held(roomId, this.#held);
      this.#held.set(roomId, lease);
      return new Lease(lease);
    }
    return held.wait(options?.signal);
  }

  /** Rooms that are held; zero when nothing runs. */
  get size(): number {
    return this.#held.size;
  }
}

class Held {
  private waiting: Waiter[] | undefined = undefined;

  constructor(
    private readonly roomId: string,
    private readonly rooms: Map<string, Held>,
  ) {}

  wait(signal: AbortSignal | undefined): Promise<RoomLease> {
    return new Promise<RoomLease>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      const onAbort = (): void => {
        waiter.aborted = true;
        reject(abortReason(signal));
      };
      const waiter: Waiter = {
        aborted: false,
        grant: (lease) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(lease);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      (this.waiting ??= []).push(waiter);
    });
  }

  passOn(): void {
    const waiting = this.waiting;
    while (waiting !== undefined && waiting.length > 0) {
      const next = waiting.shift();
      if (next === undefined || next.aborted) continue;
      next.grant(new Lease(this));
      return;
    }
    this.rooms.delete(this.roomId);
  }
}

class Lease implements RoomLease {
  private released = false;

  constructor(private readonly held: Held) {}

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held.passOn();
  }
}
