/**
 * Runs hooks (behaviour §8): gates one after another, notices side by side. A trigger nobody listens to costs one look-up;
 * a handler that returns no promise is not awaited, and a timer exists only for one that does not settle at once (HK-07).
 */
import type { Deadlines } from '../async/deadlines.js';
import { errorMessage, ValidationError } from '../errors.js';
import type { Logger } from '../logger.js';
import { isPromise, type Awaitable } from '../models/json.js';
import { IdentityHookResult } from '../models/people.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';
import type { ChannelDirection, ChannelType, HookExecution } from '../models/vocabulary.js';
import type { RoomContext } from '../rooms/context.js';
import { HookCallContext, type HookContext } from './context.js';
import type { SideEffects } from './effects.js';
import { describe, GateRun, HookTimeout, type GateRunParts } from './gate-run.js';
import { matches, type RegisteredHook } from './registered-hook.js';
import { HookTrigger, TRIGGERS, type HookArguments, type HookPayload, type HookReturn, type TriggerBehaviour } from './triggers.js';
import type { VerdictLog } from './verdict-log.js';

/** When a hook runs and for whom. Filters are conjunctive: all that are given must fit (HK-03). */
export interface HookOptions<Execution extends HookExecution = HookExecution> {
  /** Names it in `blockedBy`, traces and for `removeHook`. */
  readonly name?: string;
  /** Ascending; default 0. */
  readonly priority?: number;
  /** `sync` (default) decides; `async` observes what a gate let through. */
  readonly execution?: Execution;
  /** Default: the kit's `hookTimeoutSeconds` (30). */
  readonly timeoutSeconds?: number;
  /** Only for events from channels of these types. */
  readonly channelTypes?: readonly ChannelType[];
  /** Only for events from these channels. */
  readonly channelIds?: readonly string[];
  /** Only for events that go this way. */
  readonly directions?: readonly ChannelDirection[];
  /** Gates only: what a failing handler means; default by the trigger table. */
  readonly failure?: 'open' | 'closed';
  /** `before_broadcast` only: previews of streamed replies may be shown before this hook has decided (STR-02). Default false. */
  readonly preview?: boolean;
}

/** A hook's function, typed by its trigger. What it throws, or a time that runs out, is judged by `failure` (HK-06). */
export type HookHandler<Trigger extends HookTrigger, Execution extends HookExecution = 'sync'> = (
  payload: HookPayload<Trigger>,
  context: HookContext,
  ...extra: HookArguments<Trigger>
) => Execution extends 'async'
  ? unknown
  : HookReturn<Trigger> extends void
    ? void | Promise<void>
    : HookReturn<Trigger> | Promise<HookReturn<Trigger>>;

/** What a filter looks at (HK-03). */
export interface HookSource {
  readonly channelId?: string;
  readonly channelType?: ChannelType;
  readonly direction?: ChannelDirection;
}

export interface HookCall {
  readonly roomId?: string;
  readonly source?: HookSource;
  /** Built once, and only when somebody listens (HK-12). */
  readonly context: () => RoomContext;
  /** Collects verdicts for the decision trace. */
  readonly verdicts?: VerdictLog | undefined;
  /** How long the caller of a gate can wait for all of its handlers together. */
  readonly limit?: { guard(onExpire: (error: Error) => void): void; ease(): void } | undefined;
}

export interface GateOutcome<Payload> {
  readonly payload: Payload;
  readonly modified: boolean;
  /** Set when the payload was stopped. */
  readonly blockedBy?: string;
  readonly reason?: string;
  readonly effects?: SideEffects;
}

/** What went wrong with a handler, for framework events. */
export interface HookFailure {
  readonly hook: string;
  readonly trigger: HookTrigger;
  readonly roomId?: string;
  readonly error?: unknown;
  readonly timeoutSeconds?: number;
}

export interface HookEngineOptions {
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  readonly timeoutSeconds: number;
  readonly organizationId: string | undefined;
  /** The monotonic clock. */
  readonly now: () => number;
  readonly onFailure: (failure: HookFailure) => void;
  /** Opens a span around a handler. Absent without telemetry, and undefined where none is wanted. */
  readonly watchCall?:
    ((trigger: HookTrigger, hook: string, execution: HookExecution, roomId: string | undefined) => HookWatch | undefined) | undefined;
}

/** The span of one handler's call. */
export interface HookWatch {
  /** Runs the handler inside it. */
  run<T>(handler: () => T): T;
  /** Ends it, once. */
  end(failed: boolean): void;
}

const NONE: readonly RegisteredHook[] = [];

/** Awaiting it gives way to what is settled already. */
const SOON = Promise.resolve();

export class HookEngine {
  readonly #global = new Map<HookTrigger, RegisteredHook[]>();
  readonly #rooms = new Map<string, Map<HookTrigger, RegisteredHook[]>>();
  readonly #gateParts: GateRunParts;
  #order = 0;

  constructor(private readonly options: HookEngineOptions) {
    const { deadlines, now, organizationId, watchCall } = options;
    this.#gateParts = { deadlines, now, organizationId, watchCall, report: (hook, roomId, error) => this.#report(hook, roomId, error) };
  }

  add(trigger: HookTrigger, options: HookOptions, handler: RegisteredHook['handler'], roomId?: string): () => void {
    const behaviour = checkTrigger(trigger);
    checkOptions(trigger, behaviour, options, handler);
    const order = ++this.#order;
    const hook: RegisteredHook = {
      trigger,
      name: options.name,
      label: options.name ?? `${trigger}#${order}`,
      priority: options.priority ?? 0,
      order,
      roomId,
      observer: behaviour.kind === 'gate' && options.execution === 'async',
      timeoutMs: (options.timeoutSeconds ?? this.options.timeoutSeconds) * 1000,
      channelTypes: options.channelTypes && new Set(options.channelTypes),
      channelIds: options.channelIds && new Set(options.channelIds),
      directions: options.directions && new Set(options.directions),
      failure: options.failure ?? (behaviour.failure === 'closed' ? 'closed' : 'open'),
      preview: options.preview ?? false,
      handler,
    };
    const byTrigger = roomId === undefined ? this.#global : mapOf(this.#rooms, roomId);
    // Copy on write: a running chain keeps the list it started with (HK-09).
    byTrigger.set(trigger, [...(byTrigger.get(trigger) ?? NONE), hook].sort(byPriority));
    return () => this.#remove(roomId, (other) => other === hook);
  }

  removeNamed(name: string, roomId?: string): boolean {
    return this.#remove(roomId, (hook) => hook.name === name);
  }

  forgetRoom(roomId: string): void {
    this.#rooms.delete(roomId);
  }

  /** Whether anybody listens; the one thing a quiet trigger costs (HK-12). */
  has(trigger: HookTrigger, roomId?: string): boolean {
    if (this.#global.has(trigger)) return true;
    return roomId !== undefined && this.#rooms.size > 0 && this.#rooms.get(roomId)?.has(trigger) === true;
  }

  /** Whether a matching deciding hook forbids previews of streams from this source (STR-02). */
  forbidsPreview(roomId: string, source: HookSource): boolean {
    return this.#list('before_broadcast', roomId).some((hook) => !hook.observer && !hook.preview && matches(hook, source));
  }

  /** Runs the deciding handlers in order, then the observing ones with the final payload (HK-01). */
  gate<Payload>(trigger: HookTrigger, payload: Payload, call: HookCall): Awaitable<GateOutcome<Payload>> {
    return this.#goOn(new GateRun(this.#gateParts, trigger, this.#list(trigger, call.roomId), payload, call), call);
  }

  #goOn<Payload>(run: GateRun<Payload>, call: HookCall): Awaitable<GateOutcome<Payload>> {
    const waiting = run.run();
    if (waiting !== undefined) return waiting.then(() => this.#goOn(run, call));
    const { payload, modified, stop, effects, context } = run;
    const outcome = { payload, modified, ...stop, ...(effects && { effects }) };
    if (!run.observed || stop !== undefined) return outcome;
    const observers = run.hooks.filter((hook) => hook.observer && matches(hook, call.source));
    return this.#all(observers, payload, call, context ?? call.context()).then(() => outcome);
  }

  /** The identity triggers: the first result that is not nothing wins; a failing hook is skipped (IDN-05). */
  async identity(
    trigger: 'on_identity_ambiguous' | 'on_identity_unknown',
    payload: unknown,
    extra: unknown,
    call: HookCall,
  ): Promise<IdentityHookResult | null> {
    const list = this.#list(trigger, call.roomId).filter((hook) => matches(hook, call.source));
    if (list.length === 0) return null;
    const context = call.context();
    let decided: IdentityHookResult | null = null;
    for (const hook of list) {
      if (hook.observer) continue;
      const hookContext = new HookCallContext(context, trigger, hook.name, this.options.organizationId);
      const watch = this.options.watchCall?.(trigger, hook.label, 'sync', call.roomId);
      let failed = false;
      try {
        let result = callHandler(watch, hook, payload, hookContext, extra);
        if (isPromise(result)) result = await this.#settle(hook, result, hookContext);
        if (result === undefined || result === null) continue;
        if (!(result instanceof IdentityHookResult)) {
          throw new ValidationError(`Hook '${hook.label}' on ${trigger} returned ${describe(result)}. Return an IdentityHookResult or nothing.`);
        }
        decided = result;
        break;
      } catch (error) {
        failed = true;
        this.#report(hook, call.roomId, error);
      } finally {
        watch?.end(failed);
      }
    }
    await this.#all(
      list.filter((hook) => hook.observer),
      payload,
      call,
      context,
      extra,
    );
    return decided;
  }

  /** Tells everybody who listens, side by side; what they return or throw changes nothing (HK-08). */
  async notice(trigger: HookTrigger, payload: unknown, call: HookCall): Promise<void> {
    const list = this.#list(trigger, call.roomId).filter((hook) => matches(hook, call.source));
    if (list.length > 0) await this.#all(list, payload, call, call.context());
  }

  async #all(list: readonly RegisteredHook[], payload: unknown, call: HookCall, context: RoomContext, extra?: unknown): Promise<void> {
    await Promise.all(
      list.map(async (hook) => {
        const hookContext = new HookCallContext(context, hook.trigger, hook.name, this.options.organizationId);
        const watch = this.options.watchCall?.(hook.trigger, hook.label, 'async', call.roomId);
        let failed = false;
        try {
          const result = callHandler(watch, hook, payload, hookContext, extra);
          if (isPromise(result)) await this.#settle(hook, result, hookContext);
        } catch (error) {
          failed = true;
          this.#report(hook, call.roomId, error);
        } finally {
          watch?.end(failed);
        }
      }),
    );
  }

  /** Waits for a handler, at most its timeout; a late result or rejection is nobody's business (CON-08). */
  async #settle(hook: RegisteredHook, promise: Promise<unknown>, context: HookCallContext): Promise<unknown> {
    const watch = new Watch(promise);
    await SOON; // a promise that is settled already has told us by now
    if (watch.state === 'pending') await this.#patiently(hook, watch, context);
    if (watch.state === 'failed') throw watch.value;
    return watch.value;
  }

  /** It did not settle at once: now there is a timer. */
  #patiently(hook: RegisteredHook, watch: Watch, context: HookCallContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = this.options.deadlines.add(hook.timeoutMs, () => {
        const error = new HookTimeout(hook);
        context.abort(error);
        reject(error);
      });
      watch.onSettled = () => {
        deadline.cancel();
        resolve();
      };
    });
  }

  #report(hook: RegisteredHook, roomId: string | undefined, error: unknown): void {
    const timedOut = error instanceof HookTimeout;
    this.options.logger.warn(timedOut ? 'A hook timed out.' : 'A hook failed.', {
      hook: hook.label,
      trigger: hook.trigger,
      roomId,
      error: errorMessage(error),
    });
    this.options.onFailure({
      hook: hook.label,
      trigger: hook.trigger,
      ...(roomId !== undefined && { roomId }),
      ...(timedOut ? { timeoutSeconds: hook.timeoutMs / 1000 } : { error }),
    });
  }

  #list(trigger: HookTrigger, roomId: string | undefined): readonly RegisteredHook[] {
    const global = this.#global.get(trigger) ?? NONE;
    if (roomId === undefined || this.#rooms.size === 0) return global;
    const room = this.#rooms.get(roomId)?.get(trigger);
    if (room === undefined) return global;
    return global.length === 0 ? room : [...global, ...room].sort(byPriority);
  }

  #remove(roomId: string | undefined, test: (hook: RegisteredHook) => boolean): boolean {
    const byTrigger = roomId === undefined ? this.#global : this.#rooms.get(roomId);
    if (byTrigger === undefined) return false;
    let removed = false;
    for (const [trigger, list] of byTrigger) {
      const kept = list.filter((hook) => !test(hook));
      if (kept.length === list.length) continue;
      removed = true;
      if (kept.length > 0) byTrigger.set(trigger, kept);
      else byTrigger.delete(trigger);
    }
    if (roomId !== undefined && byTrigger.size === 0) this.#rooms.delete(roomId);
    return removed;
  }
}

/** Inside its span, where it has one. */
function callHandler(watch: HookWatch | undefined, hook: RegisteredHook, payload: unknown, context: HookCallContext, extra: unknown): unknown {
  return watch === undefined ? hook.handler(payload, context, extra) : watch.run(() => hook.handler(payload, context, extra));
}

/** A promise whose state can be looked at. */
class Watch {
  state: 'pending' | 'done' | 'failed' = 'pending';
  value: unknown = undefined;
  onSettled: (() => void) | undefined = undefined;

  constructor(promise: Promise<unknown>) {
    promise.then(
      (value) => this.settle('done', value),
      (error: unknown) => this.settle('failed', error),
    );
  }

  private settle(state: 'done' | 'failed', value: unknown): void {
    this.state = state;
    this.value = value;
    this.onSettled?.();
  }
}

/** Priority, then global before room hooks, then registration (HK-02). */
function byPriority(a: RegisteredHook, b: RegisteredHook): number {
  return a.priority - b.priority || Number(a.roomId !== undefined) - Number(b.roomId !== undefined) || a.order - b.order;
}

function checkTrigger(trigger: HookTrigger): TriggerBehaviour {
  const behaviour = (TRIGGERS as Partial<Record<string, TriggerBehaviour>>)[trigger];
  if (behaviour === undefined) {
    throw new ValidationError(`There is no hook trigger ${JSON.stringify(trigger)}. Triggers: ${Object.values(HookTrigger).join(', ')}.`);
  }
  return behaviour;
}

const NAMES: OptionNames<HookOptions> = {
  name: true,
  priority: true,
  execution: true,
  timeoutSeconds: true,
  channelTypes: true,
  channelIds: true,
  directions: true,
  failure: true,
  preview: true,
};

function checkOptions(trigger: HookTrigger, behaviour: TriggerBehaviour, options: HookOptions, handler: unknown): void {
  if (typeof handler !== 'function') {
    throw new ValidationError(`kit.hook('${trigger}', …) needs a handler function as its last argument.`);
  }
  checkOptionNames(`kit.hook('${trigger}')`, options, NAMES);
  if (options.timeoutSeconds !== undefined && !(options.timeoutSeconds > 0)) {
    throw new ValidationError(`timeoutSeconds of hook ${options.name ?? trigger} is ${options.timeoutSeconds}; give a number above 0.`);
  }
  if (options.failure !== undefined && behaviour.kind !== 'gate') {
    throw new ValidationError(`'${trigger}' is a notice: its handlers decide nothing, so 'failure' has no meaning there. Leave it out.`);
  }
}

function mapOf<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = map.get(key);
  if (inner === undefined) map.set(key, (inner = new Map<L, V>()));
  return inner;
}
