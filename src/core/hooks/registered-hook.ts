/** A hook as the engine keeps it. */
import type { HookContext } from './context.js';
import type { HookSource } from './engine.js';
import type { HookTrigger } from './triggers.js';

export interface RegisteredHook {
  readonly trigger: HookTrigger;
  readonly name: string | undefined;
  readonly label: string;
  readonly priority: number;
  readonly order: number;
  readonly roomId: string | undefined;
  readonly observer: boolean;
  readonly timeoutMs: number;
  readonly channelTypes: ReadonlySet<string> | undefined;
  readonly channelIds: ReadonlySet<string> | undefined;
  readonly directions: ReadonlySet<string> | undefined;
  readonly failure: 'open' | 'closed';
  readonly preview: boolean;
  readonly handler: (payload: unknown, context: HookContext, extra?: unknown) => unknown;
}

/** Whether its filters let it hear of what comes from there (HK-03). */
export function matches(hook: RegisteredHook, source: HookSource | undefined): boolean {
  if (hook.channelTypes !== undefined && (source?.channelType === undefined || !hook.channelTypes.has(source.channelType))) return false;
  if (hook.channelIds !== undefined && (source?.channelId === undefined || !hook.channelIds.has(source.channelId))) return false;
  return hook.directions === undefined || (source?.direction !== undefined && hook.directions.has(source.direction));
}
