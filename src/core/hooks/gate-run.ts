/**
 * One payload's way through the deciding handlers of a gate (HK-01): one after another, each with a time of its own. Nothing is
 * awaited of a handler that answers at once; all that wait share one deadline, which looks at whose turn it is. Callbacks and
 * not async functions, because there may be many and each is asked about every event.
 */
import type { Deadline } from '../async/deadlines.js';
import { TimeoutError, ValidationError } from '../errors.js';
import { isPromise } from '../models/json.js';
import type { HookVerdictTrace } from '../models/trace.js';
import type { RoomContext } from '../rooms/context.js';
import { HookCallContext } from './context.js';
import { collectEffects, type SideEffects } from './effects.js';
import type { HookCall, HookEngineOptions, HookWatch } from './engine.js';
import { checkModifiedPayload } from './payload.js';
import { matches, type RegisteredHook } from './registered-hook.js';
import { TRIGGERS, type HookTrigger } from './triggers.js';
import { HookResult } from './verdict.js';

/** A handler did not answer in its time. */
export class HookTimeout extends TimeoutError {
  constructor(hook: RegisteredHook) {
    super(`Hook '${hook.label}' on ${hook.trigger} did not answer within ${hook.timeoutMs / 1000} s.`);
  }
}

export interface GateRunParts extends Pick<HookEngineOptions, 'deadlines' | 'now' | 'organizationId' | 'watchCall'> {
  readonly report: (hook: RegisteredHook, roomId: string | undefined, error: unknown) => void;
}

/** Shared by all that allow and add nothing. */
const ALLOW = HookResult.allow();

export class GateRun<Payload> {
  modified = false;
  effects: SideEffects | undefined = undefined;
  stop: { readonly blockedBy: string; readonly reason: string } | undefined = undefined;
  /** Whether somebody observes what passes. */
  observed = false;
  context: RoomContext | undefined = undefined;
  private position = 0;
  /** The handler that is asked now, what it was given, and since when. */
  private hook: RegisteredHook | undefined = undefined;
  private hookContext: HookCallContext | undefined = undefined;
  private askedAt = -1;
  private watch: HookWatch | undefined = undefined;
  /** Grows when a handler is given up: what it answers later is nobody's business (CON-08). */
  private turn = 0;
  private deadline: Deadline | undefined = undefined;
  private deadlineAt = Infinity;
  private resolve: (() => void) | undefined = undefined;
  private reject: ((error: Error) => void) | undefined = undefined;

  constructor(
    private readonly parts: GateRunParts,
    private readonly trigger: HookTrigger,
    readonly hooks: readonly RegisteredHook[],
    public payload: Payload,
    private readonly call: HookCall,
  ) {}

  /**
   * Asks the handlers that have not been asked. Undefined: all have answered. A promise resolves when that is so, or when one
   * was given up: call it again, so that the next one is asked where the gate runs and not where a timer fires.
   */
  run(): Promise<void> | undefined {
    const waiting = this.askOn();
    if (waiting === undefined) return undefined;
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.follow(waiting);
      this.call.limit?.guard(this.abandon);
    });
  }

  /** Asks one after another until somebody has to be waited for. */
  private askOn(): Promise<unknown> | undefined {
    const { hooks, call, parts } = this;
    while (this.stop === undefined && this.position < hooks.length) {
      const hook = hooks[this.position++];
      if (hook === undefined || !matches(hook, call.source)) continue;
      if (hook.observer) {
        this.observed = true;
        continue;
      }
      const context = new HookCallContext((this.context ??= call.context()), this.trigger, hook.name, parts.organizationId);
      this.hook = hook;
      this.hookContext = context;
      const watch = (this.watch = parts.watchCall?.(this.trigger, hook.label, 'sync', call.roomId));
      if (call.verdicts !== undefined && this.askedAt < 0) this.askedAt = parts.now();
      let result: unknown;
      try {
        result = watch === undefined ? hook.handler(this.payload, context) : watch.run(() => hook.handler(this.payload, context));
      } catch (error) {
        this.fail(hook, error);
        continue;
      }
      if (isPromise(result)) return result;
      this.take(hook, result);
    }
    return undefined;
  }

  /** Waits for one handler after another until the last one has answered, or one is given up. */
  private follow(first: Promise<unknown>): void {
    const { turn } = this;
    const wait = (waiting: Promise<unknown>): void => {
      this.limit();
      waiting.then(took, refused);
    };
    const goOn = (): void => {
      try {
        const next = this.askOn();
        if (next !== undefined) wait(next);
        else this.close();
      } catch (error) {
        this.reject?.(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const took = (result: unknown): void => {
      if (turn !== this.turn || this.hook === undefined) return;
      this.take(this.hook, result);
      goOn();
    };
    const refused = (error: unknown): void => {
      if (turn !== this.turn || this.hook === undefined) return;
      this.fail(this.hook, error);
      goOn();
    };
    wait(first);
  }

  private close(): void {
    this.deadline?.cancel();
    this.call.limit?.ease();
    this.resolve?.();
  }

  private limit(): void {
    const ms = this.hook?.timeoutMs ?? 0;
    if (this.call.verdicts === undefined) this.askedAt = this.parts.now();
    if (this.askedAt + ms < this.deadlineAt) this.arm(ms);
  }

  private arm(ms: number): void {
    this.deadline?.cancel();
    this.deadlineAt = this.parts.now() + ms;
    this.deadline = this.parts.deadlines.add(ms, () => this.expire());
  }

  private expire(): void {
    this.deadlineAt = Infinity;
    const { hook } = this;
    if (hook === undefined) return;
    const left = this.askedAt + hook.timeoutMs - this.parts.now();
    if (left > 0) {
      this.arm(left);
      return;
    }
    this.turn++;
    const error = new HookTimeout(hook);
    this.hookContext?.abort(error);
    this.fail(hook, error);
    this.call.limit?.ease();
    this.resolve?.();
  }

  /** Whoever asked cannot wait any longer: nobody else is asked. */
  private readonly abandon = (error: Error): void => {
    this.turn++;
    this.deadline?.cancel();
    this.hookContext?.abort(error);
    this.watch?.end(true);
    this.reject?.(error);
  };

  private take(hook: RegisteredHook, result: unknown): void {
    if (result === ALLOW) {
      this.end(hook, 'allow');
      return;
    }
    let verdict: HookVerdictTrace['verdict'];
    try {
      verdict = this.judge(hook, result);
    } catch (error) {
      this.fail(hook, error);
      return;
    }
    this.end(hook, verdict);
  }

  private judge(hook: RegisteredHook, result: unknown): HookVerdictTrace['verdict'] {
    const { payload, result: expected } = TRIGGERS[this.trigger];
    if (!(result instanceof HookResult)) {
      if (expected === 'lenient' && (result === undefined || result === null)) return 'allow';
      throw new ValidationError(
        `Hook '${hook.label}' on ${this.trigger} returned ${describe(result)}. Return HookResult.allow(), .block(reason) or .modify(payload).`,
      );
    }
    if (result.action === 'modify') {
      this.payload = checkModifiedPayload(this.trigger, payload, this.payload, result.payload) as Payload; // checked just now
      this.modified = true;
    }
    this.effects = collectEffects(this.effects, result);
    if (result.action === 'block') {
      const reason = result.reason ?? 'blocked';
      this.stop = { blockedBy: hook.name ?? reason, reason };
    }
    return result.action;
  }

  private fail(hook: RegisteredHook, error: unknown): void {
    this.parts.report(hook, this.call.roomId, error);
    if (hook.failure === 'closed') this.stop = { blockedBy: 'hook_failed', reason: 'hook_failed' };
    this.end(hook, error instanceof HookTimeout ? 'timeout' : 'failed');
  }

  private end(hook: RegisteredHook, verdict: HookVerdictTrace['verdict']): void {
    this.watch?.end(verdict === 'failed' || verdict === 'timeout');
    this.watch = undefined;
    const { verdicts } = this.call;
    if (verdicts === undefined) return;
    // Where one ends the next one begins: the clock is read once for both.
    const now = this.parts.now();
    verdicts.add(this.hooks, this.position - 1, verdict, now - this.askedAt, this.stop?.reason);
    this.askedAt = now;
  }
}

/** What a handler gave in place of a result, in words. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object that is not a HookResult' : `a ${typeof value}`;
}
