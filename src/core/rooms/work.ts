/** Tasks as hosts read and change them. Creating one is a side effect like any other: pipeline/side-effects.ts. */
import { ValidationError } from '../errors.js';
import { frozenMap } from '../models/json.js';
import type { Task } from '../models/task.js';
import { TaskStatus } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { mergeMetadata } from '../store/metadata.js';
import { endTask, isLaterAnswer } from './later-answers.js';
import { inRoom, requireRoom } from './lifecycle.js';

/** What of a task may change. Metadata is merged; `undefined` removes a key. */
export type TaskPatch = Partial<Pick<Task, 'title' | 'description' | 'assignedTo' | 'status' | 'metadata'>>;

export async function getTask(parts: KitParts, roomId: string, taskId: string): Promise<Task | null> {
  await requireRoom(parts, roomId);
  const task = await parts.store.getTask(taskId);
  return task?.roomId === roomId ? task : null;
}

/** Under the room's lock, so that two changes do not undo each other. Null when the room has no such task. */
export async function updateTask(parts: KitParts, roomId: string, taskId: string, patch: TaskPatch): Promise<Task | null> {
  const { status } = patch;
  if (status !== undefined && !Object.values(TaskStatus).includes(status)) {
    throw new ValidationError(`Task status ${JSON.stringify(status)} is unknown. Use one of ${Object.values(TaskStatus).join(', ')}.`);
  }
  return inRoom(parts, roomId, async (section, state) => {
    let before = await parts.store.getTask(taskId);
    if (before?.roomId !== roomId) return null;
    if (status === 'cancelled' && isLaterAnswer(before)) {
      // Its agent is told that nothing comes any more (LTR-03).
      const ended = await endTask(parts, section, state, taskId, { status, told: { error: 'The task was cancelled.' } });
      before = ended.task ?? before;
    }
    const after: Task = {
      ...before,
      ...(patch.title !== undefined && { title: patch.title }),
      ...(patch.description !== undefined && { description: patch.description }),
      ...(patch.assignedTo !== undefined && { assignedTo: patch.assignedTo }),
      ...(status !== undefined && { status }),
      ...(patch.metadata !== undefined && { metadata: frozenMap(mergeMetadata(before.metadata, patch.metadata)) }),
    };
    await parts.store.updateTask(after);
    return after;
  });
}
