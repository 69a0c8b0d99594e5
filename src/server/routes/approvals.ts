/** Calls of tools that wait for people, and their answers. */
import { z } from 'zod';
import { RoomKitError, RoomNotFoundError, type Approval as CoreApproval } from '../../core/index.js';
import { reachRoom, scopeOf } from '../access.js';
import { isClient, requireScope, type Principal } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { id, metadata, text, wholeNumber } from '../schemas/common.js';
import { Approval, approvalState, Task } from '../schemas/work.js';
import { ok, route, type Route } from './route.js';

export const approvalRoutes: readonly Route[] = [
  route({
    id: 'listApprovals',
    method: 'get',
    path: '/api/approvals',
    tag: 'approvals',
    scope: 'operate',
    summary: 'List calls of tools that wait, or have waited, for a person, the first to expire first.',
    description: 'A caller of one organization is told of its rooms alone; a caller of single rooms names the room.',
    query: z.object({
      roomId: id.optional(),
      turnId: id.optional(),
      agentId: id.optional(),
      state: approvalState.optional(),
      limit: wholeNumber(0, 1000).default(100),
    }),
    answers: { 200: { description: 'The approvals.', schema: z.object({ approvals: z.array(Approval) }) } },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, query }) {
      if (query.roomId !== undefined) {
        await reachRoom(kit, principal, query.roomId);
        return ok({ approvals: await kit.listApprovals(query) });
      }
      const organizationId = scopeOf(kit, principal);
      return ok({ approvals: await kit.listApprovals({ ...query, ...(organizationId !== undefined && { organizationId }) }) });
    },
  }),

  route({
    id: 'resolveApproval',
    method: 'post',
    path: '/api/approvals/{approvalId}/resolve',
    tag: 'approvals',
    scope: 'principal',
    summary: 'Allow or reject a call.',
    description:
      'The first valid answer counts; `status` says whether it was this one. A program of the host (scope operate) says who answers, in `by`; a person with a client token answers for himself, if he may.',
    body: z.strictObject({
      approve: z.boolean(),
      by: id.optional().meta({ description: 'Who answers: a participant, or a name of the host. A client token has its own.' }),
      reason: text(4000).optional(),
      arguments: metadata.optional().meta({ description: 'What is to run in place of what was asked for.' }),
    }),
    answers: {
      200: {
        description: 'What came of the answer.',
        schema: z.object({ status: z.enum(['resolved', 'already_resolved', 'expired']), approval: Approval }),
      },
    },
    refusals: ['approval_not_found', 'forbidden'],
    async handle({ parts, principal, params: { approvalId }, body: { by, ...answer } }) {
      const approval = await reachApproval(parts, principal, approvalId);
      const who = whoAnswers(principal, by);
      const result = await parts.kit.resolveApproval(approval.id, { ...answer, ...who });
      if (result.status === 'not_found') throw notFound(approvalId);
      if (result.status === 'forbidden') throw new Refusal('forbidden', `'${who.by}' may not answer this approval.`);
      return ok(result);
    },
  }),

  route({
    id: 'completeTask',
    method: 'post',
    path: '/api/tasks/{taskId}/complete',
    tag: 'work',
    scope: 'operate',
    summary: "Give a tool's later answer.",
    description: 'Once: `status` says whether it was this call. The agent that called the tool is asked with the result.',
    body: z.strictObject({
      result: z.unknown().optional().meta({ description: 'Anything JSON can hold.' }),
      error: text(4000).min(1).optional().meta({ description: 'What went wrong, in words for the agent; in place of a result.' }),
    }),
    answers: {
      200: { description: 'What came of it.', schema: z.object({ status: z.enum(['completed', 'already_completed']), task: Task }) },
    },
    refusals: ['task_not_found'],
    async handle({ parts: { kit }, principal, params: { taskId }, body }) {
      const task = await kit.store.getTask(taskId);
      if (task !== null) await reachRoom(kit, principal, task.roomId).catch(() => Promise.reject(taskMissing(taskId)));
      const { error, result = null } = body;
      const completed = await kit.completeTask(taskId, error === undefined ? { result } : { error });
      if (completed.status === 'not_found') throw taskMissing(taskId);
      return ok(completed);
    },
  }),
];

function whoAnswers(principal: Principal, by: string | undefined): { readonly by: string; readonly isParticipant: boolean } {
  if (isClient(principal)) {
    requireScope(principal, 'write');
    return { by: principal.participantId, isParticipant: true };
  }
  requireScope(principal, 'operate');
  return { by: by ?? principal.id, isParticipant: false };
}

/** One of a room that is not there for this caller is not there either. */
async function reachApproval({ kit }: ServerParts, principal: Principal, approvalId: string): Promise<CoreApproval> {
  const approval = await kit.getApproval(approvalId);
  if (approval === null) throw notFound(approvalId);
  try {
    await reachRoom(kit, principal, approval.roomId);
  } catch (error) {
    throw error instanceof RoomNotFoundError ? notFound(approvalId) : error;
  }
  return approval;
}

function notFound(approvalId: string): RoomKitError {
  return new RoomKitError('approval_not_found', `There is no approval '${approvalId}'. GET /api/approvals lists what there is.`);
}

function taskMissing(taskId: string): RoomKitError {
  return new RoomKitError('task_not_found', `There is no task '${taskId}'. GET /api/rooms/ROOM_ID/tasks lists those of a room.`);
}
