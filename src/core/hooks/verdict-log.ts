/** What the handlers of one gate decided, for the decision trace. Two plain lists, put into words only when somebody asks. */
import type { HookVerdictTrace } from '../models/trace.js';
import type { RegisteredHook } from './registered-hook.js';

export class VerdictLog {
  private hooks: readonly RegisteredHook[] = [];
  /** Whole microseconds by a handler's place in the list; −1 where it was not asked. */
  private readonly micros: number[] = [];
  /** What was not `allow`, by place. */
  private verdicts: Map<number, HookVerdictTrace['verdict']> | undefined = undefined;
  /** Of the one that blocked, after which nobody is asked. */
  private reason: string | undefined = undefined;

  add(hooks: readonly RegisteredHook[], position: number, verdict: HookVerdictTrace['verdict'], ms: number, reason?: string): void {
    this.hooks = hooks;
    while (this.micros.length < position) this.micros.push(-1);
    this.micros.push(Math.round(ms * 1000));
    if (verdict !== 'allow') (this.verdicts ??= new Map()).set(position, verdict);
    if (verdict === 'block') this.reason = reason;
  }

  format(): HookVerdictTrace[] {
    return this.micros.flatMap((micros, position) => {
      const hook = this.hooks[position];
      if (micros < 0 || hook === undefined) return [];
      const verdict = this.verdicts?.get(position) ?? 'allow';
      const { reason } = this;
      return [
        { hook: hook.label, trigger: hook.trigger, verdict, ...(verdict === 'block' && reason !== undefined && { reason }), ms: micros / 1000 },
      ];
    });
  }
}
