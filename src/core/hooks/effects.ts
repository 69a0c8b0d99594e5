/** What hooks and agents leave behind beside their verdict or reply: kept whatever becomes of the event (HK-04). */
import type { InjectedEvent } from '../models/delivery.js';
import type { Metadata } from '../models/json.js';
import type { ObservationDraft, TaskDraft } from '../models/task.js';
import type { HookExtras } from './verdict.js';

export interface SideEffects {
  injectedEvents: InjectedEvent[];
  tasks: TaskDraft[];
  observations: ObservationDraft[];
  metadata: Metadata | undefined;
}

/** Adds what a result carries; allocates nothing for one that carries nothing. */
export function collectEffects(into: SideEffects | undefined, extra: HookExtras): SideEffects | undefined {
  const injected = extra.injectedEvents ?? [];
  const tasks = extra.tasks ?? [];
  const observations = extra.observations ?? [];
  if (injected.length === 0 && tasks.length === 0 && observations.length === 0 && isEmpty(extra.metadata)) return into;
  const effects = into ?? { injectedEvents: [], tasks: [], observations: [], metadata: undefined };
  effects.injectedEvents.push(...injected);
  effects.tasks.push(...tasks);
  effects.observations.push(...observations);
  if (!isEmpty(extra.metadata)) effects.metadata = { ...effects.metadata, ...extra.metadata };
  return effects;
}

function isEmpty(metadata: Metadata | undefined): boolean {
  if (metadata === undefined) return true;
  for (const _key in metadata) return false;
  return true;
}
