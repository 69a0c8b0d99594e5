/**
 * One payload's way through the deciding handlers of a gate (HK-01): one after another, each with a time of its own. Nothing is
 * awaited of a handler that answers at once; all that wait share one deadline, which looks at whose turn it is.
 */
import type { Deadline } from '../async/deadlines.js';
import { TimeoutError, ValidationError } from '../errors.js';
import { isPromise } from '../models/json.js';
import type { HookVerdictTrace } from '../models/trace.js';
import type { RoomContext } from '../rooms/context.js';
import { HookCallContext } from './context.js';
import { collectEffects, type SideEffects } from './effects.js';
import { checkModifiedPayload } from './payload.js';
import { matches, type RegisteredHook } from './registered-hook.js';
import { TRIGGERS, type HookTrigger } from './triggers.js';
import { HookResult } from './verdict.js';
import type { HookCall, HookEngineOptions } from './engine.js';

/** A handler did not answer in its time. */
export class HookTimeout extends TimeoutError {
  constructor(hook: RegisteredHook) {
    super(`Hook '${hook.label}' on ${hook.trigger} did not answer within ${hook.timeoutMs / 1000} s.`);
  }
}

export interface GateRunParts extends Pick<HookEngineOptions, 'deadlines' | 'now' | 'organizationId' | 'watchCall'> {
  readonly report: (hook: RegisteredHook, roomId: string | undefined, error: unknown) => void;
}

export class GateRun<Payload> {
  modified = false;
  effects: SideEffects | undefined = undefined;
  stop: { readonly blockedBy: string; readonly reason: string } | undefined = undefined;
  /** Whether somebody observes what passes. */
  observed = false;
  context: RoomContext | undefined = undefined;
  private position = 0;
  /** The handler that is asked now. */
  private asked: Asked | undefined = undefined;
  private deadline: Deadline | undefined = undefined;
  private deadlineAt = Infinity;
  private finish: (() => void) | undefined = undefined;

  constructor(
    private readonly parts: GateRunParts,
    private readonly trigger: HookTrigger,
    private readonly hooks: readonly RegisteredHook[],
    public payload: Payload,
    private readonly call: HookCall,
  ) {}

  /**
   * Asks the handlers that have not been asked. Undefined: all have answered. A promise resolves when that is so, or when one
   * was given up: call it again, so that the next one is asked where the gate runs and not where a timer fires.
   */
  run(): Promise<void> | undefined {
    const waiting = this.askOn();
    if (waiting === undefined) {
      this.deadline?.cancel();
      return undefined;
    }
    return new Promise((resolve) => {
      this.finish = resolve;
      void this.follow(waiting);
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
      const asked = (this.asked = new Asked(hook, context));
      if (call.verdicts !== undefined) asked.startedAt = parts.now();
      asked.ended = parts.watchCall?.(this.trigger, hook.label, 'sync', call.roomId);
      try {
        const result = hook.handler(this.payload, context);
        if (isPromise(result)) return result;
        this.take(asked, result);
      } catch (error) {
        this.fail(asked, error);
      }
    }
    return undefined;
  }

  /** Waits for one handler after another until the last one has answered, or one is given up. */
  private async follow(first: Promise<unknown>): Promise<void> {
    for (let waiting: Promise<unknown> | undefined = first; waiting !== undefined; waiting = this.askOn()) {
      const asked = this.asked;
      if (asked === undefined) break;
      this.limit(asked);
      try {
        const result = await waiting;
        if (asked.givenUp) return; // a late answer is nobody's business (CON-08)
        this.take(asked, result);
      } catch (error) {
        if (asked.givenUp) return;
        this.fail(asked, error);
      }
    }
    this.finish?.();
  }

  private limit(asked: Asked): void {
    asked.until = this.parts.now() + asked.hook.timeoutMs;
    if (asked.until < this.deadlineAt) this.arm(asked.hook.timeoutMs, asked.until);
  }

  private arm(ms: number, at: number): void {
    this.deadline?.cancel();
    this.deadlineAt = at;
    this.deadline = this.parts.deadlines.add(ms, () => this.expire());
  }

  private expire(): void {
    this.deadlineAt = Infinity;
    const asked = this.asked;
    if (asked === undefined) return;
    const left = asked.until - this.parts.now();
    if (left > 0) {
      this.arm(left, asked.until);
      return;
    }
    asked.givenUp = true;
    const error = new HookTimeout(asked.hook);
    asked.context.abort(error);
    this.fail(asked, error);
    this.finish?.();
  }

  private take(asked: Asked, result: unknown): void {
    try {
      this.end(asked, this.judge(asked.hook, result));
    } catch (error) {
      this.fail(asked, error);
    }
  }

  private judge(hook: RegisteredHook, result: unknown): HookVerdictTrace['verdict'] {
    if (!(result instanceof HookResult)) {
      const behaviour = TRIGGERS[this.trigger];
      if (behaviour.result === 'lenient' && (result === undefined || result === null)) return 'allow';
      throw new ValidationError(
        `Hook '${hook.label}' on ${this.trigger} returned ${describe(result)}. Return HookResult.allow(), .block(reason) or .modify(payload).`,
      );
    }
    if (result.action === 'modify') {
      const checked = checkModifiedPayload(this.trigger, TRIGGERS[this.trigger].payload, this.payload, result.payload);
      this.payload = checked as Payload; // checked just now
      this.modified = true;
    }
    this.effects = collectEffects(this.effects, result);
    if (result.action === 'block') {
      const reason = result.reason ?? 'blocked';
      this.stop = { blockedBy: hook.name ?? reason, reason };
    }
    return result.action;
  }

  private fail(asked: Asked, error: unknown): void {
    this.parts.report(asked.hook, this.call.roomId, error);
    if (asked.hook.failure === 'closed') this.stop = { blockedBy: 'hook_failed', reason: 'hook_failed' };
    this.end(asked, error instanceof HookTimeout ? 'timeout' : 'failed');
  }

  private end(asked: Asked, verdict: HookVerdictTrace['verdict']): void {
    asked.ended?.(verdict === 'failed' || verdict === 'timeout');
    const ms = this.call.verdicts === undefined ? 0 : this.parts.now() - asked.startedAt;
    this.call.verdicts?.push({ hook: asked.hook.label, trigger: this.trigger, verdict, ms });
  }
}

/** One handler's call. */
class Asked {
  givenUp = false;
  /** When its time is up. */
  until = 0;
  startedAt = 0;
  ended: ((failed: boolean) => void) | undefined = undefined;

  constructor(
    readonly hook: RegisteredHook,
    readonly context: HookCallContext,
  ) {}
}

/** What a handler gave in place of a result, in words. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object that is not a HookResult' : `a ${typeof value}`;
}
