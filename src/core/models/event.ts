/** An event: one entry of a room's ordered timeline (behaviour §3.1). Frozen once it is committed (CON-05). */
import type { EventContent } from './content.js';
import type { DeliveryResult } from './delivery.js';
import type { Metadata } from './json.js';
import type { ChannelDirection, ChannelType, EventStatus, EventType } from './vocabulary.js';

/** Where an event comes from: the channel, whom it speaks for, and what the vendor said. */
export interface EventSource {
  readonly channelId: string;
  readonly channelType: ChannelType;
  readonly direction: ChannelDirection;
  readonly participantId?: string;
  /** The id the vendor gave the message. */
  readonly externalId?: string;
  readonly provider?: string;
  /** The vendor's whole payload, as received. */
  readonly rawPayload: Metadata;
  readonly providerMessageId?: string;
}

/** What only the channel's vendor understands, kept beside the content. */
export interface ChannelData {
  readonly provider?: string;
  readonly externalId?: string;
  readonly threadId?: string;
  readonly extra?: Metadata;
}

/** One entry of a room's timeline: frozen once committed, at `index` for ever. */
export interface RoomEvent {
  readonly id: string;
  readonly roomId: string;
  readonly type: EventType;
  readonly source: EventSource;
  readonly content: EventContent;
  readonly status: EventStatus;
  /** The hook's name or the reason that blocked it. */
  readonly blockedBy?: string;
  /** `all`, `none`, `transport`, `intelligence`, `internal` or a comma list of channel ids (PERM-06). */
  readonly visibility: string;
  /** Position in the room's timeline, from 0, without gaps (STO-02). −1 in a draft. */
  readonly index: number;
  /** 0 for what came from outside; an answer is one deeper than its trigger (BC-04). */
  readonly chainDepth: number;
  readonly parentEventId?: string;
  /** The root of the cascade this event belongs to. */
  readonly correlationId?: string;
  readonly idempotencyKey?: string;
  /** Exactly these agents are solicited; empty means nobody (BC-03). */
  readonly addressedTo?: readonly string[];
  /** Becomes the visibility of every reply it causes (BC-06). */
  readonly responseVisibility?: string;
  /** ISO-8601 UTC with milliseconds. Orders nothing (CON-12). */
  readonly createdAt: string;
  readonly metadata: Metadata;
  readonly channelData: ChannelData;
  /** Channel id → outcome. Present on events read through the kit, never stored in the event itself (OUT-06). */
  readonly deliveryResults?: Readonly<Record<string, DeliveryResult>>;
}

/** An event under construction: the commit gives it its index and freezes it. */
export type RoomEventDraft = { -readonly [Field in keyof RoomEvent]: RoomEvent[Field] };

/** A copy to be changed. Field by field: most events are frozen, and spreading a frozen object takes ten times as long. */
export function copyOfEvent(event: RoomEvent): RoomEventDraft {
  const { id, roomId, type, source, content, status, visibility, index, chainDepth, createdAt, metadata, channelData } = event;
  const copy: RoomEventDraft = { id, roomId, type, source, content, status, visibility, index, chainDepth, createdAt, metadata, channelData };
  if (event.blockedBy !== undefined) copy.blockedBy = event.blockedBy;
  if (event.parentEventId !== undefined) copy.parentEventId = event.parentEventId;
  if (event.correlationId !== undefined) copy.correlationId = event.correlationId;
  if (event.idempotencyKey !== undefined) copy.idempotencyKey = event.idempotencyKey;
  if (event.addressedTo !== undefined) copy.addressedTo = event.addressedTo;
  if (event.responseVisibility !== undefined) copy.responseVisibility = event.responseVisibility;
  if (event.deliveryResults !== undefined) copy.deliveryResults = event.deliveryResults;
  return copy;
}

/**
 * What a channel makes of an inbound message (TRN-01) or an agent answers with: the kit adds id, index, status,
 * chain depth and time. Absent fields get their defaults.
 */
export interface EventDraft {
  readonly type?: EventType;
  readonly source: EventSource;
  readonly content: EventContent;
  readonly visibility?: string;
  readonly parentEventId?: string;
  readonly idempotencyKey?: string;
  readonly addressedTo?: readonly string[];
  readonly responseVisibility?: string;
  readonly metadata?: Metadata;
  readonly channelData?: ChannelData;
}
