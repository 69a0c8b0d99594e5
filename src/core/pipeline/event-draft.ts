/** Builds events: complete but for the index, which the commit gives (INB-23). */
import { isoTime } from '../clock.js';
import type { EventContent } from '../models/content.js';
import type { ChannelData, EventSource, RoomEvent, RoomEventDraft } from '../models/event.js';
import { EMPTY, type Metadata } from '../models/json.js';
import type { EventStatus, EventType } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';

/** The fields of an event that its maker decides. Everything is frozen already. */
export interface EventFields {
  readonly roomId: string;
  readonly type: EventType;
  readonly source: EventSource;
  readonly content: EventContent;
  readonly visibility: string;
  readonly chainDepth: number;
  readonly metadata: Metadata;
  readonly channelData: ChannelData;
  readonly parentEventId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly addressedTo?: readonly string[] | undefined;
  readonly responseVisibility?: string | undefined;
}

export function draftEvent(parts: Pick<KitParts, 'clock' | 'ids'>, fields: EventFields, status: EventStatus = 'delivered'): RoomEventDraft {
  const now = parts.clock.now();
  const event: RoomEventDraft = {
    id: parts.ids.nextEvent(now),
    roomId: fields.roomId,
    type: fields.type,
    source: fields.source,
    content: fields.content,
    status,
    visibility: fields.visibility,
    index: -1,
    chainDepth: fields.chainDepth,
    createdAt: isoTime(now),
    metadata: fields.metadata,
    channelData: fields.channelData,
  };
  if (fields.parentEventId !== undefined) event.parentEventId = fields.parentEventId;
  if (fields.correlationId !== undefined) event.correlationId = fields.correlationId;
  if (fields.idempotencyKey !== undefined) event.idempotencyKey = fields.idempotencyKey;
  if (fields.addressedTo !== undefined) event.addressedTo = fields.addressedTo;
  if (fields.responseVisibility !== undefined) event.responseVisibility = fields.responseVisibility;
  return event;
}

/** The system as a source (CHO-08). */
export const SYSTEM_SOURCE: EventSource = Object.freeze({
  channelId: 'system',
  channelType: 'system',
  direction: 'inbound',
  rawPayload: EMPTY,
});

export interface SystemNotice {
  readonly type?: EventType;
  readonly code: string;
  readonly body: string;
  readonly data?: Metadata;
  readonly metadata?: Metadata;
  readonly visibility?: string;
  readonly source?: EventSource;
}

/** A system event: what the kit itself has to say, heard by nobody but hosts and hooks unless it says otherwise. */
export function draftSystemEvent(parts: Pick<KitParts, 'clock' | 'ids'>, roomId: string, notice: SystemNotice): RoomEventDraft {
  return draftEvent(parts, {
    roomId,
    type: notice.type ?? 'system',
    source: notice.source ?? SYSTEM_SOURCE,
    content: Object.freeze({
      type: 'system',
      body: notice.body,
      code: notice.code,
      ...(notice.data !== undefined && { data: Object.freeze({ ...notice.data }) }),
    }),
    visibility: notice.visibility ?? 'internal',
    chainDepth: 0,
    metadata: notice.metadata === undefined ? EMPTY : Object.freeze({ ...notice.metadata }),
    channelData: EMPTY,
  });
}

/** A frozen event that is not in the timeline (index −1): the payload of lifecycle hooks. */
export function looseSystemEvent(parts: Pick<KitParts, 'clock' | 'ids'>, roomId: string, notice: SystemNotice): RoomEvent {
  return Object.freeze(draftSystemEvent(parts, roomId, notice));
}
