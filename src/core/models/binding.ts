/** A binding: how one channel takes part in one room (behaviour §3.3). */
import type { ChannelCapabilities } from './capabilities.js';
import type { CollisionConfig, RateLimit, RetryPolicy } from './delivery.js';
import type { Metadata } from './json.js';
import type { Access, ChannelCategory, ChannelDirection, ChannelType } from './vocabulary.js';

/** A channel in a room: what it may do there, how it is reached, and what it could carry when it was attached. */
export interface ChannelBinding {
  readonly channelId: string;
  readonly roomId: string;
  readonly channelType: ChannelType;
  readonly category: ChannelCategory;
  readonly direction: ChannelDirection;
  readonly access: Access;
  /** Nothing it writes is heard; it still listens (PERM-03). */
  readonly muted: boolean;
  /** Nothing is delivered to it. */
  readonly outputMuted: boolean;
  /** Who hears what this channel says, unless the event itself says otherwise (PERM-05). */
  readonly visibility: string;
  readonly participantId?: string;
  /** Whom this binding reaches: `metadata[recipientKey]`, else `participantId`. Kept by the kit for routing (RTR-01). */
  readonly address?: string;
  readonly attachedAt: string;
  /** Snapshot taken when the channel was attached (CHO-02). */
  readonly capabilities: ChannelCapabilities;
  readonly rateLimit?: RateLimit;
  /** `null`: one attempt, no retries (OUT-05). */
  readonly retryPolicy?: RetryPolicy | null;
  readonly collision?: CollisionConfig;
  readonly metadata: Metadata;
}
