/** An event as clients see it (WIRE-06), put into JSON once and shared by all connections of a channel. */
import type { RoomEvent } from '../../core/index.js';
import type { WireEvent } from './frames.js';

export type NameOf = (participantId: string) => string | undefined;

export function wireEvent(event: RoomEvent, nameOf?: NameOf): WireEvent {
  const { channelId, channelType, participantId } = event.source;
  const displayName = participantId === undefined ? undefined : nameOf?.(participantId);
  return {
    id: event.id,
    roomId: event.roomId,
    index: event.index,
    type: event.type,
    status: event.status,
    source: { channelId, channelType, ...(participantId !== undefined && { participantId }), ...(displayName !== undefined && { displayName }) },
    content: event.content,
    visibility: event.visibility,
    chainDepth: event.chainDepth,
    ...(event.parentEventId !== undefined && { parentEventId: event.parentEventId }),
    ...(event.correlationId !== undefined && { correlationId: event.correlationId }),
    createdAt: event.createdAt,
    metadata: publicMetadata(event),
  };
}

/** As a host sees it: also what was blocked by whom, and what became of the deliveries (WIRE-15). */
export function hostEvent(event: RoomEvent, nameOf?: NameOf): WireEvent {
  return {
    ...wireEvent(event, nameOf),
    ...(event.blockedBy !== undefined && { blockedBy: event.blockedBy }),
    ...(event.deliveryResults !== undefined && { deliveryResults: event.deliveryResults }),
  };
}

/** Keys that start with `_` are the kit's own. */
function publicMetadata(event: RoomEvent): WireEvent['metadata'] {
  for (const key in event.metadata) {
    if (key.startsWith('_')) return Object.fromEntries(Object.entries(event.metadata).filter(([name]) => !name.startsWith('_')));
  }
  return event.metadata;
}

const texts = new WeakMap<RoomEvent, string>();

/** The event as JSON text; made once per event. */
export function eventText(event: RoomEvent, nameOf?: NameOf): string {
  let text = texts.get(event);
  if (text === undefined) texts.set(event, (text = JSON.stringify(wireEvent(event, nameOf))));
  return text;
}

let lastFrame = { event: undefined as RoomEvent | undefined, prev: 0, text: '' };

/** The `event` frame as JSON text; connections that have seen the same events before share it. */
export function eventFrameText(event: RoomEvent, prev: number, nameOf?: NameOf): string {
  if (lastFrame.event === event && lastFrame.prev === prev) return lastFrame.text;
  const text = `{"type":"event","roomId":${JSON.stringify(event.roomId)},"prev":${prev},"event":${eventText(event, nameOf)}}`;
  lastFrame = { event, prev, text };
  return text;
}
