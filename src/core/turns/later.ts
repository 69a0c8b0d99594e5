/** Answers of tools that come later (LTR-01): tasks that are stored with the turn's reply, or beside it when it has none. */
import { insist } from '../async/insist.js';
import { isoTime } from '../clock.js';
import { frozenMap } from '../models/json.js';
import type { Task, TaskDraft } from '../models/task.js';
import type { KitParts } from '../parts.js';
import type { EventCommit } from '../store/store.js';
import type { TurnWork } from './turn-work.js';

/** Whoever may hear the turn's reply may hear what comes of it later, and nobody else (BC-06). */
export function laterTask(parts: KitParts, { row, trigger }: TurnWork, draft: TaskDraft): Task {
  const visible = trigger.responseVisibility;
  return {
    ...draft,
    id: draft.id ?? parts.ids.next(),
    roomId: row.roomId,
    status: draft.status ?? 'in_progress',
    createdAt: draft.createdAt ?? isoTime(parts.clock.now()),
    metadata: frozenMap({ ...draft.metadata, ...(visible !== undefined && { response_visibility: visible }) }),
  };
}

/** What a commit of this turn has to store. */
export function tasksOf(work: TurnWork | undefined): Pick<EventCommit, 'tasks'> {
  return work?.later === undefined ? {} : { tasks: work.later };
}

/** A commit has stored them. */
export function tasksStored(parts: KitParts, work: TurnWork | undefined): void {
  if (work?.later === undefined) return;
  for (const { expiresAt } of work.later) if (expiresAt !== undefined) parts.timeouts.watch(expiresAt);
  delete work.later;
}

/** The turn ends without a commit of its own: the tool is at work all the same. */
export async function keepLater(parts: KitParts, work: TurnWork): Promise<void> {
  try {
    for (const task of work.later ?? [])
      await insist(parts, { taskId: task.id }, async () => {
        if ((await parts.store.getTask(task.id)) === null) await parts.store.createTask(task);
      });
  } catch (error) {
    if (!parts.stopping.aborted) parts.logger.error('What a tool will answer later could not be stored.', { turnId: work.row.id, error });
  }
  tasksStored(parts, work);
}
