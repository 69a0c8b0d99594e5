/** Rooms, and how far a conversation is, as the server answers them. */
import { z } from 'zod';
import { RoomStatus, type ConversationState, type Room as CoreRoom } from '../../core/index.js';
import { json, time } from './common.js';

export const roomStatus = z.enum(RoomStatus);

export const Collision = z.object({
  policy: z.enum(['queue', 'burst', 'steer', 'interrupt', 'reject']).optional(),
  debounceMs: z.number().optional(),
  leadingDebounceMs: z.number().optional(),
  maxQueued: z.number().optional(),
});

export const Room = z
  .object({
    id: z.string(),
    organizationId: z.string().optional(),
    status: roomStatus,
    createdAt: time,
    updatedAt: time,
    closedAt: time.optional(),
    timers: z.object({
      inactiveAfterSeconds: z.number().optional(),
      closedAfterSeconds: z.number().optional(),
      lastActivityAt: time.optional(),
    }),
    metadata: json,
    aiConfig: z.looseObject({}).optional(),
    agentResponsePolicy: z.enum(['agent_chain', 'addressed_only']),
    collision: Collision.optional(),
    eventCount: z.number().int(),
    latestIndex: z.number().int(),
    version: z.number().int(),
  })
  .meta({ id: 'Room', description: 'A room as programs of the host see it.' }) satisfies z.ZodType<CoreRoom>;

/** Metadata, timers and configuration are the host's. */
export const ClientRoom = z
  .object({
    id: z.string(),
    status: roomStatus,
    createdAt: time,
    updatedAt: time,
    closedAt: time.optional(),
    latestIndex: z.number().int(),
  })
  .meta({ id: 'ClientRoom', description: 'A room as people in it see it.' });

const Transition = z.object({
  fromPhase: z.string(),
  toPhase: z.string(),
  fromAgent: z.string().nullish(),
  toAgent: z.string().nullish(),
  reason: z.string(),
  timestamp: time,
  metadata: json,
});

export const Conversation = z
  .object({
    phase: z.string(),
    activeAgentId: z.string().nullish(),
    previousAgentId: z.string().nullish(),
    handoffCount: z.number().int(),
    phaseStartedAt: time,
    phaseHistory: z.array(Transition),
    context: json,
  })
  .meta({ id: 'Conversation', description: 'Phase, who leads, and how it came there.' }) satisfies z.ZodType<ConversationState>;
