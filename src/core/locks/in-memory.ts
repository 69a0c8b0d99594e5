/** The lock of a single process (LOCK-05): first come, first served; a free room costs one map entry and no promise. */
import { abortReason } from '../clock.js';
import type { RoomLease, RoomLockManager } from './lock.js';

interface Waiter {
  readonly grant: (lease: RoomLease) => void;
  aborted: boolean;
}

/** Rooms that are free again and keep their entry: a busy room is locked without one being made and removed each time. */
const MAX_IDLE = 1024;

/** The lock manager of a single process, and the default. */
export class InMemoryLockManager implements RoomLockManager {
  readonly distributed = false;
  private readonly rooms = new Map<string, Held>();
  private held = 0;

  acquire(roomId: string, options?: { signal?: AbortSignal }): RoomLease | Promise<RoomLease> {
    let room = this.rooms.get(roomId);
    if (room === undefined) this.rooms.set(roomId, (room = new Held(roomId, this.freed)));
    else if (room.taken) return room.wait(options?.signal);
    room.taken = true;
    this.held++;
    return new Lease(room);
  }

  /** Rooms that are held; zero when nothing runs. */
  get size(): number {
    return this.held;
  }

  /** A room is free, and nobody waits for it. */
  private readonly freed = (room: Held): void => {
    room.taken = false;
    this.held--;
    if (this.rooms.size - this.held > MAX_IDLE) this.rooms.delete(room.roomId);
  };
}

class Held {
  taken = false;
  private waiting: Waiter[] | undefined = undefined;

  constructor(
    readonly roomId: string,
    private readonly freed: (room: Held) => void,
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
    this.freed(this);
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
