/** The leases of rooms, for all processes of a run. */
import { LeasedLocks, type LeaseBackend } from '../../core/locks/leased-locks.js';
import type { RoomLockManager } from '../../core/locks/lock.js';
import { silentLogger } from '../../core/logger.js';
import type { SimulatedProcess } from './process.js';
import type { Stage } from './stage.js';

interface Lease {
  readonly token: number;
  until: number;
}

/** Who holds which room, and until when. */
export class SimulatedLeases {
  readonly #held = new Map<string, Lease>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #token = 0;

  constructor(private readonly stage: Stage) {}

  /** The room, if it is free; else how long to wait at most. */
  take(roomId: string, leaseMs: number): { token: number } | { askAgainInMs: number } {
    const held = this.#held.get(roomId);
    if (held !== undefined && held.until > this.stage.now) return { askAgainInMs: Math.min(held.until - this.stage.now, 1000) };
    const token = ++this.#token;
    this.#held.set(roomId, { token, until: this.stage.now + leaseMs });
    return { token };
  }

  /** False when it is somebody else's by now. */
  renew(roomId: string, token: number, leaseMs: number): boolean {
    const held = this.#held.get(roomId);
    if (held?.token !== token || held.until <= this.stage.now) return false;
    held.until = this.stage.now + leaseMs;
    return true;
  }

  /** Frees the room, if it is still this lease. */
  release(roomId: string, token: number): void {
    if (this.#held.get(roomId)?.token !== token) return;
    this.#held.delete(roomId);
    for (const onFree of [...(this.#watchers.get(roomId) ?? [])]) onFree();
  }

  /** Ends whatever lease the room has. */
  lose(roomId: string): void {
    this.#held.delete(roomId);
    for (const onFree of [...(this.#watchers.get(roomId) ?? [])]) onFree();
  }

  /** Calls back when the room may be free. */
  watch(roomId: string, onFree: () => void): () => void {
    let watchers = this.#watchers.get(roomId);
    if (watchers === undefined) this.#watchers.set(roomId, (watchers = new Set()));
    watchers.add(onFree);
    return () => {
      watchers.delete(onFree);
      if (watchers.size === 0) this.#watchers.delete(roomId);
    };
  }
}

/** The leases as one process sees them. */
export function simulatedLocks(process: SimulatedProcess, leases: SimulatedLeases, leaseSeconds: number): RoomLockManager {
  const backend: LeaseBackend = {
    take: (roomId, leaseMs) => process.call('lock.take', () => leases.take(roomId, leaseMs)),
    renew: (roomId, token, leaseMs) => process.call('lock.renew', () => leases.renew(roomId, token, leaseMs)),
    release: (roomId, token) => process.call('lock.release', () => leases.release(roomId, token)),
    watch: (roomId, onFree) => leases.watch(roomId, () => process.setTimer(0.5, onFree)),
  };
  return new LeasedLocks(backend, { clock: process, logger: silentLogger, leaseSeconds });
}
