/** Tasks and observations of a room. */
import { z } from 'zod';
import { RoomKitError } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { id, metadata, metadataPatch, text } from '../schemas/common.js';
import { Observation, Task, taskStatus } from '../schemas/work.js';
import { created, ok, route, type Route } from './route.js';

const title = text(1000).min(1);
const description = text(20_000);
const OneTask = z.object({ task: Task });

export const workRoutes: readonly Route[] = [
  route({
    id: 'listTasks',
    method: 'get',
    path: '/api/rooms/{roomId}/tasks',
    tag: 'work',
    scope: 'operate',
    summary: 'List the tasks of a room, oldest first.',
    query: z.object({ status: taskStatus.optional() }),
    answers: { 200: { description: 'The tasks.', schema: z.object({ tasks: z.array(Task) }) } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId }, query }) {
      await reachRoom(kit, principal, roomId);
      return ok({ tasks: await kit.listTasks(roomId, query) });
    },
  }),

  route({
    id: 'createTask',
    method: 'post',
    path: '/api/rooms/{roomId}/tasks',
    tag: 'work',
    scope: 'operate',
    summary: 'Leave a task in a room.',
    body: z.strictObject({
      title,
      description: description.optional(),
      assignedTo: id.optional(),
      status: taskStatus.optional(),
      metadata: metadata.optional(),
    }),
    answers: { 201: { description: 'The new task.', schema: OneTask } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId }, body }) {
      await reachRoom(kit, principal, roomId);
      return created({ task: await kit.createTask(roomId, body) });
    },
  }),

  route({
    id: 'getTask',
    method: 'get',
    path: '/api/rooms/{roomId}/tasks/{taskId}',
    tag: 'work',
    scope: 'operate',
    summary: 'Read a task.',
    answers: { 200: { description: 'The task.', schema: OneTask } },
    refusals: ['room_not_found', 'task_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, taskId } }) {
      await reachRoom(kit, principal, roomId);
      const task = await kit.getTask(roomId, taskId);
      if (task === null) throw taskNotFound(roomId, taskId);
      return ok({ task });
    },
  }),

  route({
    id: 'changeTask',
    method: 'patch',
    path: '/api/rooms/{roomId}/tasks/{taskId}',
    tag: 'work',
    scope: 'operate',
    summary: 'Change a task, for example when it is done.',
    description: 'Metadata is merged, and `null` removes a key.',
    body: z.strictObject({
      title: title.optional(),
      description: description.optional(),
      assignedTo: id.optional(),
      status: taskStatus.optional(),
      metadata: metadataPatch.optional(),
    }),
    answers: { 200: { description: 'The task as it is now.', schema: OneTask } },
    refusals: ['room_not_found', 'task_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, taskId }, body }) {
      await reachRoom(kit, principal, roomId);
      const task = await kit.updateTask(roomId, taskId, body);
      if (task === null) throw taskNotFound(roomId, taskId);
      return ok({ task });
    },
  }),

  route({
    id: 'listObservations',
    method: 'get',
    path: '/api/rooms/{roomId}/observations',
    tag: 'work',
    scope: 'operate',
    summary: 'List what was noticed about a conversation, oldest first.',
    answers: { 200: { description: 'The observations.', schema: z.object({ observations: z.array(Observation) }) } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId } }) {
      await reachRoom(kit, principal, roomId);
      return ok({ observations: await kit.listObservations(roomId) });
    },
  }),

  route({
    id: 'addObservation',
    method: 'post',
    path: '/api/rooms/{roomId}/observations',
    tag: 'work',
    scope: 'operate',
    summary: 'Say what was noticed about a conversation.',
    body: z.strictObject({
      content: text(20_000).min(1),
      channelId: id.default('system').meta({ description: 'Who noticed it.' }),
      category: id.optional(),
      confidence: z.number().min(0).max(1).optional(),
      metadata: metadata.optional(),
    }),
    answers: { 201: { description: 'The new observation.', schema: z.object({ observation: Observation }) } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId }, body }) {
      await reachRoom(kit, principal, roomId);
      return created({ observation: await kit.addObservation(roomId, body) });
    },
  }),
];

function taskNotFound(roomId: string, taskId: string): RoomKitError {
  return new RoomKitError('task_not_found', `Room '${roomId}' has no task '${taskId}'. GET /api/rooms/${roomId}/tasks lists what there is.`);
}
