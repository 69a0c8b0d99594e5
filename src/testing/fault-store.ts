/** A store that fails, delays, hangs or crashes when a test says so (behaviour §28). Everything else it hands to a real one. */
import { SystemClock, type Clock } from '../core/clock.js';
import { InMemoryStore } from '../core/store/in-memory.js';
import type { ConversationStore } from '../core/store/store.js';
import { FaultPlan, unavailable, type AnyStep, type FailTiming, type FaultTiming } from './faults.js';

/** The methods of a store, by name. */
export type StoreMethod = {
  [Name in keyof ConversationStore]-?: NonNullable<ConversationStore[Name]> extends (...given: never[]) => unknown ? Name : never;
}[keyof ConversationStore];

/** How a {@link FaultStore} behaves beside its faults. */
export interface FaultStoreOptions {
  /** For delays; default the system's. */
  readonly clock?: Clock;
  /** What the kit shall believe: `true` lets rows of an in-memory store survive their kit, as a file would. Default: the inner store's. */
  readonly persistent?: boolean;
  /** What it says of itself (KIT-02); default as the store it wraps. */
  readonly shared?: boolean;
  /** Close the inner store with this one. Default true; false keeps it for the kit that comes after a crash. */
  readonly ownsStore?: boolean;
}

/** Every method of the inner store, so that what stores learn to do later passes through as well. */
const PassThrough = class {
  constructor(inner: ConversationStore, options: FaultStoreOptions, plan: FaultPlan) {
    const wrapped: Record<string, unknown> = {
      name: inner.name,
      persistent: options.persistent ?? inner.persistent,
      shared: options.shared ?? inner.shared,
    };
    for (const name of methodsOf(inner)) {
      if (name === 'knownRoom') continue; // it asks nobody: what is to fail has to be asked
      const method = inner[name] as (...given: unknown[]) => unknown; // methodsOf names methods only
      const run = name === 'close' && options.ownsStore === false ? () => undefined : method.bind(inner);
      wrapped[name] = (...given: unknown[]) => plan.call(name, () => run(...given));
    }
    Object.assign(this, wrapped);
  }
} as new (inner: ConversationStore, options: FaultStoreOptions, plan: FaultPlan) => ConversationStore; // what has all methods of a store is one

export function methodsOf(store: ConversationStore): StoreMethod[] {
  const names = new Set<string>();
  for (let level: object | null = store; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object | null) {
    for (const name of Object.getOwnPropertyNames(level)) names.add(name);
  }
  names.delete('constructor');
  return ([...names] as StoreMethod[]).filter((name) => typeof store[name] === 'function');
}

/**
 * Wraps a store. Faults are planned by the method's name, or for whatever is called (`'*'`).
 * @example store.fail('commitEvent', { nth: 3, when: 'after' })
 */
export class FaultStore extends PassThrough {
  readonly #plan: FaultPlan;

  constructor(
    /** The store behind it: what a crash left. */
    readonly inner: ConversationStore = new InMemoryStore(),
    options: FaultStoreOptions = {},
  ) {
    const plan = new FaultPlan(options.clock ?? new SystemClock());
    super(inner, options, plan);
    this.#plan = plan;
  }

  // --- what goes wrong -----------------------------------------------------------------------------------------------

  /** The call rejects. `when: 'after'` is the lost acknowledgement: it is stored, and the caller is told it failed. */
  fail(method: StoreMethod | AnyStep, timing: FailTiming = {}): void {
    this.#plan.plan(method, { kind: 'fail', error: timing.error ?? unavailable('store', method), throws: timing.throws ?? false }, timing);
  }

  /** The call takes this long. */
  delay(method: StoreMethod | AnyStep, ms: number, timing: FaultTiming = {}): void {
    this.#plan.plan(method, { kind: 'delay', ms }, timing);
  }

  /** The call answers when `resume` is called. */
  hang(method: StoreMethod | AnyStep, timing: FaultTiming = {}): void {
    this.#plan.plan(method, { kind: 'hang' }, timing);
  }

  /** The process dies at this call: it and all that follow are never answered. Go on with a new kit on `inner`. */
  crash(method: StoreMethod | AnyStep, timing: FaultTiming = {}): void {
    this.#plan.plan(method, { kind: 'crash' }, timing);
  }

  /** Forgets faults that have not happened yet. */
  clear(): void {
    this.#plan.clear();
  }

  /** Lets every call that hangs go on. */
  resume(): void {
    this.#plan.resume();
  }

  /** Calls that hang now. */
  get hanging(): number {
    return this.#plan.hanging;
  }

  /** Whether it has crashed: every call fails from then on. */
  get crashed(): boolean {
    return this.#plan.crashed;
  }

  /** How often a method was called, failed calls included; without a name, all calls. */
  calls(method?: StoreMethod): number {
    return this.#plan.calls(method);
  }
}
