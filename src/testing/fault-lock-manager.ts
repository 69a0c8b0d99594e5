/** A lock manager that fails, delays or hangs, and whose leases can be lost, when a test says so (behaviour §28). */
import { SystemClock, type Clock } from '../core/clock.js';
import { LeaseLostError } from '../core/errors.js';
import { InMemoryLockManager } from '../core/locks/in-memory.js';
import type { RoomLease, RoomLockManager } from '../core/locks/lock.js';
import type { Awaitable } from '../core/models/json.js';
import { isPromise } from '../core/models/json.js';
import { FaultPlan, unavailable, type AnyStep, type FailTiming, type FaultTiming } from './faults.js';

/** Where a lock can go wrong. */
export type LockStep = 'acquire' | 'release';

/** How a {@link FaultLockManager} behaves beside its faults. */
export interface FaultLockManagerOptions {
  /** For delays; default the system's. */
  readonly clock?: Clock;
  /** Give leases a token that grows per room, as a distributed manager does (LOCK-01). Default false. */
  readonly fencing?: boolean;
  /** What the kit shall believe (KIT-02). Default: the inner manager's. */
  readonly distributed?: boolean;
}

/** Wraps a lock manager; two kits may share one. */
export class FaultLockManager implements RoomLockManager {
  readonly distributed: boolean;
  readonly #plan: FaultPlan;
  readonly #tokens = new Map<string, number>();
  readonly #held = new Map<string, FaultLease>();

  constructor(
    readonly inner: RoomLockManager = new InMemoryLockManager(),
    private readonly options: FaultLockManagerOptions = {},
  ) {
    this.distributed = options.distributed ?? inner.distributed;
    this.#plan = new FaultPlan(options.clock ?? new SystemClock());
  }

  /** The step rejects. `acquire` with `when: 'after'`: the lock was taken, and its caller does not know; it is freed again. */
  fail(step: LockStep | AnyStep, timing: FailTiming = {}): void {
    this.#plan.plan(step, { kind: 'fail', error: timing.error ?? unavailable('lock', step), throws: timing.throws ?? false }, timing);
  }

  /** The step takes this long. */
  delay(step: LockStep | AnyStep, ms: number, timing: FaultTiming = {}): void {
    this.#plan.plan(step, { kind: 'delay', ms }, timing);
  }

  /** The step answers when `resume` is called. */
  hang(step: LockStep | AnyStep, timing: FaultTiming = {}): void {
    this.#plan.plan(step, { kind: 'hang' }, timing);
  }

  /** The process dies at this step: it and all that follow are never answered. */
  crash(step: LockStep | AnyStep, timing: FaultTiming = {}): void {
    this.#plan.plan(step, { kind: 'crash' }, timing);
  }

  /** Forgets faults that have not happened yet. */
  clear(): void {
    this.#plan.clear();
  }

  /** Lets every step that hangs go on. */
  resume(): void {
    this.#plan.resume();
  }

  /** How often a step was taken, failed ones included; without a name, all of them. */
  calls(step?: LockStep): number {
    return this.#plan.calls(step);
  }

  /** The holder of this room loses it, as when its lease ran out: its signal aborts and the next one is let in. False when nobody holds it. */
  async lose(roomId: string): Promise<boolean> {
    const lease = this.#held.get(roomId);
    if (lease === undefined) return false;
    await lease.lose();
    return true;
  }

  acquire(roomId: string, options?: { signal?: AbortSignal }): Awaitable<RoomLease> {
    let taken: Awaitable<RoomLease> | undefined;
    const acquired = this.#plan.call('acquire', (): Awaitable<RoomLease> => {
      taken = this.#take(roomId, options);
      return taken;
    });
    if (isPromise(acquired)) {
      // Taken, but nobody was told: what nobody holds is freed, or the room would be locked for ever.
      acquired.then(undefined, () => {
        Promise.resolve(taken)
          .then((lease) => lease?.release())
          .catch(() => undefined);
      });
    }
    return acquired;
  }

  async close(): Promise<void> {
    await this.inner.close?.();
  }

  #take(roomId: string, options: { signal?: AbortSignal } | undefined): Awaitable<RoomLease> {
    const lease = this.inner.acquire(roomId, options);
    return isPromise(lease) ? lease.then((given) => this.#wrap(roomId, given)) : this.#wrap(roomId, lease);
  }

  #wrap(roomId: string, lease: RoomLease): RoomLease {
    const token = this.options.fencing === true ? (this.#tokens.get(roomId) ?? 0) + 1 : lease.token;
    if (token !== undefined) this.#tokens.set(roomId, token);
    const wrapped = new FaultLease(lease, token, roomId, (free) =>
      this.#plan.call('release', () => {
        if (this.#held.get(roomId) === wrapped) this.#held.delete(roomId);
        return free();
      }),
    );
    this.#held.set(roomId, wrapped);
    return wrapped;
  }
}

class FaultLease implements RoomLease {
  readonly #lost = new AbortController();
  #released = false;

  constructor(
    private readonly inner: RoomLease,
    readonly token: number | undefined,
    private readonly roomId: string,
    private readonly releasing: (free: () => Awaitable<void>) => Awaitable<void>,
  ) {}

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  release(): Awaitable<void> {
    if (this.#released) return;
    this.#released = true;
    return this.releasing(() => this.inner.release());
  }

  async lose(): Promise<void> {
    this.#lost.abort(new LeaseLostError(`The lease of room '${this.roomId}' was lost (a fault of roomkit/testing).`));
    await this.release();
  }
}
