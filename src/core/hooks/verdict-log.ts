/**
 * What the handlers of one gate decided, for the decision trace. Two plain lists, put into words only when somebody asks. A list
 * that begins with an element has room for one; an empty one that grows takes room for seventeen, and there is one per event.
 */
import type { HookVerdictTrace } from '../models/trace.js';
import type { RegisteredHook } from './registered-hook.js';

export class VerdictLog {
  private hooks: readonly RegisteredHook[] = [];
  /** Whole microseconds by a handler's place in the list; −1 where it was not asked. */
  private micros: number[] | undefined = undefined;
  /** What was not `allow`, and where. */
  private others: { readonly position: number; readonly verdict: HookVerdictTrace['verdict'] }[] | undefined = undefined;
  /** Of the one that blocked, after which nobody is asked. */
  private reason: string | undefined = undefined;

  add(hooks: readonly RegisteredHook[], position: number, verdict: HookVerdictTrace['verdict'], ms: number, reason?: string): void {
    this.hooks = hooks;
    const micros = Math.round(ms * 1000);
    if (this.micros === undefined && position === 0) this.micros = [micros];
    else {
      const all = (this.micros ??= []);
      while (all.length < position) all.push(-1);
      all.push(micros);
    }
    if (verdict !== 'allow') {
      if (this.others === undefined) this.others = [{ position, verdict }];
      else this.others.push({ position, verdict });
    }
    if (verdict === 'block') this.reason = reason;
  }

  format(): HookVerdictTrace[] {
    return (this.micros ?? []).flatMap((micros, position) => {
      const hook = this.hooks[position];
      if (micros < 0 || hook === undefined) return [];
      const verdict = this.others?.find((other) => other.position === position)?.verdict ?? 'allow';
      const { reason } = this;
      return [
        { hook: hook.label, trigger: hook.trigger, verdict, ...(verdict === 'block' && reason !== undefined && { reason }), ms: micros / 1000 },
      ];
    });
  }
}
