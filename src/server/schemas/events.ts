/** Events and what became of them, as the server answers them. */
import { z } from 'zod';
import type { WireEvent } from '../../channels/index.js';
import {
  EventStatus,
  TurnEndReason,
  CollisionPolicy,
  TurnState,
  type DecisionTrace,
  type DeliveryResult as CoreResult,
  type TurnResult as CoreTurnResult,
} from '../../core/index.js';
import { channelType } from './channels.js';
import { counts, json, time } from './common.js';
import { Content } from './content.js';

export const eventStatus = z.enum(EventStatus);

const Failure = z.object({ code: z.string(), message: z.string(), retryable: z.boolean(), retryAfterSeconds: z.number().optional() });

export const DeliveryResult = z
  .object({
    channelId: z.string(),
    status: z.enum(['sent', 'queued', 'failed', 'unknown', 'skipped']),
    providerMessageId: z.string().optional(),
    providerResult: z.looseObject({ success: z.boolean() }).optional(),
    attempts: z.number().int(),
    error: Failure.optional(),
  })
  .meta({ id: 'DeliveryResult', description: 'What became of an event on one channel.' }) satisfies z.ZodType<CoreResult>;

export const Event = z
  .object({
    id: z.string(),
    roomId: z.string(),
    index: z.number().int(),
    type: z.string(),
    status: z.string(),
    source: z.object({ channelId: z.string(), channelType, participantId: z.string().optional(), displayName: z.string().optional() }),
    content: Content,
    visibility: z.string(),
    chainDepth: z.number().int(),
    parentEventId: z.string().optional(),
    correlationId: z.string().optional(),
    createdAt: time,
    metadata: json,
    blockedBy: z.string().optional(),
    deliveryResults: z.record(z.string(), DeliveryResult).optional(),
  })
  .meta({
    id: 'Event',
    description: 'One entry of a timeline. `blockedBy` and `deliveryResults` are for the host alone.',
  }) satisfies z.ZodType<WireEvent>;

const OperationError = z.object({ code: z.string(), message: z.string(), channelId: z.string().optional() });

const TurnResult = z
  .object({
    channelId: z.string(),
    turnId: z.string(),
    state: z.enum(TurnState),
    endReason: z.enum(TurnEndReason).optional(),
    reason: z.string().optional(),
    replyEventIds: z.array(z.string()),
    usage: counts,
    error: OperationError.optional(),
  })
  .meta({ id: 'TurnResult', description: "How one agent's turn ended." }) satisfies z.ZodType<CoreTurnResult>;

export const MessageResult = z
  .object({
    event: Event.optional(),
    blocked: z.boolean(),
    duplicate: z.boolean(),
    reason: z.string().optional(),
    deliveryResults: z.record(z.string(), DeliveryResult).optional(),
    turns: z.array(TurnResult).optional(),
  })
  .meta({ id: 'MessageResult', description: 'What became of a message. Being blocked is an outcome, not an error.' });

export const Trace = z
  .object({
    eventId: z.string(),
    roomId: z.string(),
    startedAt: time,
    lockWaitMs: z.number(),
    commitMs: z.number(),
    hooks: z.array(
      z.object({
        hook: z.string(),
        trigger: z.string(),
        verdict: z.enum(['allow', 'block', 'modify', 'failed', 'timeout']),
        reason: z.string().optional().describe('Why it blocked.'),
        ms: z.number(),
      }),
    ),
    targets: z.array(
      z.object({
        channelId: z.string(),
        decision: z.enum(['delivery', 'turn', 'source', 'access', 'direction', 'visibility', 'muted', 'not_solicited']),
      }),
    ),
    deliveries: z.array(z.object({ channelId: z.string(), attempt: z.number().int(), startedAt: time, ms: z.number(), code: z.string() })),
    turnDecisions: z
      .array(
        z.object({
          channelId: z.string(),
          turnId: z.string(),
          decision: z.enum(['queued', 'merged', 'interrupted', 'rejected', 'waiting', 'resumed']),
          policy: z.enum(CollisionPolicy),
          at: time,
          reason: z.string().optional(),
          mergedInto: z.string().optional().describe('The turn that answers this message too.'),
          answeredWith: z.string().optional().describe('The event whose trace has the steps of that turn.'),
          interruptedBy: z.string().optional().describe('The newer message.'),
        }),
      )
      .describe('What became of turns whose agent was not free.'),
    turnSteps: z.array(
      z.object({
        channelId: z.string(),
        turnId: z.string(),
        kind: z.enum(['generation', 'tool']),
        name: z.string(),
        startedAt: time,
        ms: z.number(),
        firstTokenMs: z.number().optional(),
        tokens: counts.optional(),
        cost: z.number().optional().meta({ description: 'In the currency of the host’s prices; absent without prices.' }),
        code: z.string().optional(),
        recovery: z.enum(['retry', 'shorter', 'fallback']).optional().describe('What was done after a generation that failed.'),
        prompt: z
          .object({
            parts: z.array(
              z.object({
                part: z.enum(['own_prompt', 'identity', 'notes', 'tools', 'memory', 'history', 'asked', 'work']),
                chars: z.number().int(),
                count: z.number().int().optional().describe('How many messages, or tools.'),
              }),
            ),
            images: z.number().int(),
            tools: z.array(z.string()),
          })
          .optional()
          .describe('What the model was given, in figures.'),
      }),
    ),
    turnEnds: z.array(
      z.object({
        channelId: z.string(),
        turnId: z.string(),
        at: time,
        state: z.enum(TurnState),
        endReason: z.enum(TurnEndReason).optional(),
        reason: z.string().optional(),
        code: z.string().optional(),
        replyEventIds: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'Trace', description: 'What was decided about one event, step by step, without its content.' }) satisfies z.ZodType<DecisionTrace>;

export { Failure, OperationError };
