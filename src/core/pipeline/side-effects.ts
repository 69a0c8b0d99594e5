/** Step 15: tasks, observations and metadata that hooks and agents leave; each failure is logged alone (INB-15). */
import { isoTime } from '../clock.js';
import type { SideEffects } from '../hooks/effects.js';
import { EMPTY, frozenMap, type Metadata } from '../models/json.js';
import type { Observation, ObservationDraft, Task, TaskDraft } from '../models/task.js';
import type { KitParts } from '../parts.js';
import { contextOf } from '../rooms/history.js';
import type { Cascade } from './cascade.js';
import { loadState } from './commit.js';
import { looseSystemEvent } from './event-draft.js';

/** Stores what was left and tells it; the cascade waits for it, the lock does not. */
export function storeEffects(parts: KitParts, roomId: string, channelId: string, effects: SideEffects, cascade: Cascade): void {
  if (effects.tasks.length === 0 && effects.observations.length === 0 && effects.metadata === undefined) return;
  cascade.add();
  void parts.tasks.run(async () => {
    try {
      for (const draft of effects.tasks) await attempt(parts, 'task', () => storeTask(parts, roomId, draft));
      for (const draft of effects.observations) await attempt(parts, 'observation', () => storeObservation(parts, roomId, channelId, draft));
      const metadata = effects.metadata;
      if (metadata !== undefined) await attempt(parts, 'metadata', () => mergeMetadata(parts, roomId, metadata));
    } finally {
      cascade.done();
    }
  });
}

export async function storeTask(parts: KitParts, roomId: string, draft: TaskDraft): Promise<Task> {
  const task: Task = {
    ...draft,
    id: draft.id ?? parts.ids.next(),
    roomId,
    status: draft.status ?? 'pending',
    createdAt: draft.createdAt ?? isoTime(parts.clock.now()),
    metadata: frozenMap(draft.metadata),
  };
  await parts.store.createTask(task);
  await tell(parts, roomId, 'on_task_created', {
    type: 'task_created',
    code: 'task_created',
    body: task.title,
    metadata: { task_id: task.id, task_title: task.title },
  });
  return task;
}

export async function storeObservation(parts: KitParts, roomId: string, channelId: string, draft: ObservationDraft): Promise<Observation> {
  const observation: Observation = {
    ...draft,
    id: draft.id ?? parts.ids.next(),
    roomId,
    channelId: draft.channelId ?? channelId,
    confidence: Math.min(1, Math.max(0, draft.confidence ?? 1)),
    createdAt: draft.createdAt ?? isoTime(parts.clock.now()),
    metadata: frozenMap(draft.metadata),
  };
  await parts.store.addObservation(observation);
  await tell(parts, roomId, 'on_observation', {
    type: 'observation',
    code: 'observation',
    body: observation.content,
    metadata: {
      observation_id: observation.id,
      category: observation.category ?? null,
      channel_id: observation.channelId,
      confidence: observation.confidence,
    },
  });
  return observation;
}

/** Keys that start with `_` belong to the kit. */
async function mergeMetadata(parts: KitParts, roomId: string, metadata: Metadata): Promise<void> {
  const allowed: Record<string, unknown> = {};
  const refused: string[] = [];
  for (const [key, value] of Object.entries(metadata)) {
    if (key.startsWith('_')) refused.push(key);
    else allowed[key] = value;
  }
  if (refused.length > 0)
    parts.logger.warn("Metadata keys that start with '_' belong to the kit and were not changed.", { roomId, keys: refused.join(',') });
  if (Object.keys(allowed).length > 0) await parts.store.patchRoomMetadata(roomId, allowed);
}

async function tell(
  parts: KitParts,
  roomId: string,
  trigger: 'on_task_created' | 'on_observation',
  notice: { type: 'task_created' | 'observation'; code: string; body: string; metadata: Metadata },
): Promise<void> {
  if (!parts.hooks.has(trigger, roomId)) return;
  const state = await loadState(parts, roomId);
  const event = looseSystemEvent(parts, roomId, { ...notice, data: EMPTY });
  await parts.hooks.notice(trigger, event, { roomId, source: event.source, context: () => contextOf(state) });
}

async function attempt(parts: KitParts, what: string, fn: () => Promise<unknown>): Promise<void> {
  try {
    await fn();
  } catch (error) {
    parts.logger.error('A side effect could not be stored.', { what, error });
  }
}
