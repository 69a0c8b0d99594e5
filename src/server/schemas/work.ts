/** Tasks, observations, deliveries and turns, as the server answers them. */
import { z } from 'zod';
import {
  ApprovalState,
  OutboxState,
  TaskStatus,
  TurnEndReason,
  TurnState,
  type Approval as CoreApproval,
  type Observation as CoreObservation,
  type OutboxRow,
  type Task as CoreTask,
  type TurnRow,
} from '../../core/index.js';
import { counts, json, time } from './common.js';
import { Failure, OperationError } from './events.js';

export const taskStatus = z.enum(TaskStatus);
export const outboxState = z.enum(OutboxState);
export const turnState = z.enum(TurnState);

export const Task = z
  .object({
    id: z.string(),
    roomId: z.string(),
    title: z.string(),
    description: z.string().optional(),
    assignedTo: z.string().optional(),
    status: taskStatus,
    createdAt: time,
    expiresAt: time.optional(),
    metadata: json,
  })
  .meta({ id: 'Task', description: 'Something to be done.' }) satisfies z.ZodType<CoreTask>;

export const approvalState = z.enum(ApprovalState);

export const Approval = z
  .object({
    id: z.string(),
    roomId: z.string(),
    turnId: z.string(),
    callId: z.string(),
    agentId: z.string(),
    tool: z.string(),
    arguments: json,
    requestedAt: time,
    expiresAt: time,
    visibility: z.string(),
    approvers: z.union([z.array(z.string()), z.literal('tool')]).optional(),
    askedBy: z.array(z.string()),
    state: approvalState,
    resolvedAt: time.optional(),
    resolvedBy: z.string().optional(),
    reason: z.string().optional(),
    approvedArguments: json.optional(),
    changedBy: z.string().optional(),
  })
  .meta({ id: 'Approval', description: 'A call of a tool that a person has to allow.' }) satisfies z.ZodType<CoreApproval>;

export const Observation = z
  .object({
    id: z.string(),
    roomId: z.string(),
    channelId: z.string(),
    content: z.string(),
    category: z.string().optional(),
    confidence: z.number(),
    createdAt: time,
    metadata: json,
  })
  .meta({ id: 'Observation', description: 'Something that was noticed about a conversation.' }) satisfies z.ZodType<CoreObservation>;

const lease = { leaseOwner: z.string().optional(), leaseUntil: time.optional() };

const trace = {
  trace: z
    .object({ traceparent: z.string(), tracestate: z.string().optional() })
    .optional()
    .describe('The trace it belongs to, where telemetry knows trace context.'),
};

export const Delivery = z
  .object({
    id: z.string(),
    roomId: z.string(),
    eventId: z.string(),
    eventIndex: z.number().int(),
    channelId: z.string(),
    state: outboxState,
    attempts: z.number().int(),
    nextAttemptAt: time.optional(),
    ...lease,
    fencingToken: z.number().optional(),
    idempotencyKey: z.string(),
    createdAt: time,
    expiresAt: time,
    provider: z.string().optional(),
    providerMessageId: z.string().optional(),
    partsSent: z.number().int().optional(),
    partMessageIds: z.array(z.string()).optional(),
    lastError: Failure.optional(),
    ...trace,
  })
  .meta({ id: 'Delivery', description: 'One planned delivery of one event to one channel.' }) satisfies z.ZodType<OutboxRow>;

export const Attempt = z
  .object({ channelId: z.string(), attempt: z.number().int(), startedAt: time, ms: z.number(), code: z.string() })
  .meta({ id: 'Attempt', description: 'One attempt of one delivery; kept of the newest events of this process only.' });

export const Turn = z
  .object({
    id: z.string(),
    roomId: z.string(),
    channelId: z.string(),
    triggerEventIds: z.array(z.string()),
    triggerIndex: z.number().int(),
    state: turnState,
    attempts: z.number().int(),
    ...lease,
    createdAt: time,
    expiresAt: time,
    endReason: z.enum(TurnEndReason).optional(),
    replyEventIds: z.array(z.string()).optional(),
    usage: counts.optional(),
    error: OperationError.optional(),
    startedTools: z.array(z.string()).optional(),
    mergedInto: z.string().optional().describe('The turn that answers its message too.'),
    ...trace,
  })
  .meta({ id: 'Turn', description: 'One run of one agent for its triggering events.' }) satisfies z.ZodType<TurnRow>;
