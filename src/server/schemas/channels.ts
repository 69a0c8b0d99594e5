/** Channels and their bindings, as the server answers and takes them. */
import { z } from 'zod';
import {
  Access,
  ChannelCategory,
  ChannelDirection,
  ChannelMediaType,
  ChannelType,
  SourceStatus,
  type ChannelBinding,
  type ChannelCapabilities,
} from '../../core/index.js';
import { json, time } from './common.js';
import { Collision } from './rooms.js';

export const channelType = z.enum(ChannelType);
export const access = z.enum(Access);

const limit = z.number().positive().optional();
export const RateLimit = z.object({ maxPerSecond: limit, maxPerMinute: limit, maxPerHour: limit, burst: limit });

export const RetryPolicy = z.object({
  maxRetries: z.number().int().min(0).optional(),
  baseDelaySeconds: z.number().min(0).optional(),
  maxDelaySeconds: z.number().min(0).optional(),
  exponentialBase: z.number().min(0).optional(),
  jitter: z.enum(['none', 'full']).optional(),
  retryableErrors: z.array(z.string()).optional(),
});

export const Capabilities = z
  .object({
    mediaTypes: z.array(z.enum(ChannelMediaType)),
    maxLength: z.number().optional(),
    overflow: z.enum(['truncate', 'split']),
    supportsThreading: z.boolean(),
    supportsReactions: z.boolean(),
    supportsEdit: z.boolean(),
    supportsDelete: z.boolean(),
    supportsReadReceipts: z.boolean(),
    supportsTyping: z.boolean(),
    supportsTemplates: z.boolean(),
    supportsRichText: z.boolean(),
    supportsButtons: z.boolean(),
    supportsCards: z.boolean(),
    supportsQuickReplies: z.boolean(),
    supportsMedia: z.boolean(),
    supportsAudio: z.boolean(),
    supportsVideo: z.boolean(),
    maxSegments: z.number().optional(),
    maxButtons: z.number().optional(),
    supportedMediaTypes: z.array(z.string()),
    maxMediaSizeBytes: z.number().optional(),
    maxAudioDurationSeconds: z.number().optional(),
    supportedAudioFormats: z.array(z.string()),
    maxVideoDurationSeconds: z.number().optional(),
    supportedVideoFormats: z.array(z.string()),
    custom: json,
  })
  .meta({ id: 'Capabilities', description: 'What a channel can carry.' }) satisfies z.ZodType<ChannelCapabilities>;

export const Binding = z
  .object({
    channelId: z.string(),
    roomId: z.string(),
    channelType,
    category: z.enum(ChannelCategory),
    direction: z.enum(ChannelDirection),
    access,
    muted: z.boolean(),
    outputMuted: z.boolean(),
    visibility: z.string(),
    participantId: z.string().optional(),
    address: z.string().optional(),
    attachedAt: time,
    capabilities: Capabilities,
    rateLimit: RateLimit.optional(),
    retryPolicy: RetryPolicy.nullish(),
    collision: Collision.optional(),
    metadata: json,
  })
  .meta({ id: 'Binding', description: 'How one channel takes part in one room.' }) satisfies z.ZodType<ChannelBinding>;

export const Channel = z
  .object({
    channelId: z.string(),
    channelType,
    category: z.enum(ChannelCategory),
    direction: z.enum(ChannelDirection),
    provider: z.string().optional(),
    durable: z.boolean(),
    ready: z.boolean(),
    breaker: z.string().optional(),
    source: z.enum(SourceStatus).optional(),
    capabilities: Capabilities,
  })
  .meta({ id: 'Channel', description: 'A channel that the kit has registered, and how it is doing.' });
