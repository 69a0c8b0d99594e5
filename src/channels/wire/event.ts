/** Events as clients see them (WIRE-06), and frames as JSON text: made once for all connections of a channel that get them. */
import type { EphemeralEvent } from '../../core/models/ephemeral.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Participant } from '../../core/models/people.js';
import type { EventFrame, Shared, StreamFrame } from '../websocket/frames.js';
import type { WireEvent } from './frames.js';

/** The display name of a participant, where it is known. */
export type NameOf = (participantId: string) => string | undefined;

/** As a client sees it: no vendor payload, no channel data, no keys of the kit (WIRE-06). */
export function wireEvent(event: RoomEvent, nameOf?: NameOf): WireEvent {
  return visibleEvent(event, nameOf);
}

function visibleEvent(event: RoomEvent, nameOf?: NameOf): Writable<WireEvent> {
  // What may be missing is added at the end: spreading it in between would cost more than all the rest.
  const shown: Writable<WireEvent> = {
    id: event.id,
    roomId: event.roomId,
    index: event.index,
    type: event.type,
    status: event.status,
    source: wireSource(event.source, nameOf),
    content: event.content,
    visibility: event.visibility,
    chainDepth: event.chainDepth,
    createdAt: event.createdAt,
    metadata: publicMetadata(event),
  };
  if (event.correlationId !== undefined) shown.correlationId = event.correlationId;
  if (event.parentEventId !== undefined) shown.parentEventId = event.parentEventId;
  return shown;
}

type Writable<Shown> = { -readonly [Name in keyof Shown]: Shown[Name] };

/** As a host sees it: also what was blocked by whom, and what became of the deliveries (WIRE-15). */
export function hostEvent(event: RoomEvent, nameOf?: NameOf): WireEvent {
  const shown = visibleEvent(event, nameOf);
  if (event.blockedBy !== undefined) shown.blockedBy = event.blockedBy;
  if (event.deliveryResults !== undefined) shown.deliveryResults = event.deliveryResults;
  return shown;
}

export function wireSource(source: RoomEvent['source'], nameOf?: NameOf): WireEvent['source'] {
  const { channelId, channelType, participantId } = source;
  const displayName = participantId === undefined ? undefined : nameOf?.(participantId);
  const shown: Writable<WireEvent['source']> = { channelId, channelType };
  if (participantId !== undefined) shown.participantId = participantId;
  if (displayName !== undefined) shown.displayName = displayName;
  return shown;
}

/** Keys that start with `_` are the kit's own. */
function publicMetadata(event: RoomEvent): WireEvent['metadata'] {
  for (const key in event.metadata) {
    if (key.startsWith('_')) return Object.fromEntries(Object.entries(event.metadata).filter(([name]) => !name.startsWith('_')));
  }
  return event.metadata;
}

export function namesOf(participants: readonly Participant[]): NameOf {
  return (participantId) => participants.find((participant) => participant.id === participantId)?.displayName;
}

/** An event frame as text, whole or as the event alone for an acknowledgement. */
export class EventText {
  readonly event: string;
  #frame: string | undefined;

  constructor(
    private readonly source: EventFrame,
    nameOf?: NameOf,
  ) {
    this.event = JSON.stringify(wireEvent(source.event, nameOf));
  }

  get frame(): string {
    const { roomId, prev } = this.source;
    return (this.#frame ??= `{"type":"event","roomId":${JSON.stringify(roomId)},"prev":${prev},"event":${this.event}}`);
  }
}

/** Live events know their room's participants; for replayed ones the connection says who is who. */
export function eventText(frame: EventFrame, shared: Shared, nameOf: NameOf | undefined): EventText {
  return shared.participants === undefined ? new EventText(frame, nameOf) : shared.form(frame, liveEventText);
}

function liveEventText(frame: EventFrame, shared: Shared): EventText {
  return new EventText(frame, namesOf(shared.participants ?? []));
}

export function streamText(frame: StreamFrame, shared: Shared): string {
  const { type, roomId, streamId } = frame;
  switch (frame.type) {
    case 'stream_start':
      return JSON.stringify({ type, roomId, streamId, source: wireSource(frame.source) });
    case 'stream_chunk':
      return JSON.stringify({ type, roomId, streamId, delta: frame.delta, offset: frame.offset });
    case 'stream_end':
      return JSON.stringify({ type, roomId, streamId, prev: frame.prev, event: wireEvent(frame.event, namesOf(shared.participants ?? [])) });
    case 'stream_error': {
      const { code, prev, event } = frame;
      return JSON.stringify({
        type,
        roomId,
        streamId,
        code,
        ...(event !== undefined && { prev, event: wireEvent(event, namesOf(shared.participants ?? [])) }),
      });
    }
  }
}

export function ephemeralText(event: EphemeralEvent): string {
  return JSON.stringify({ type: 'ephemeral', roomId: event.roomId, event });
}

export function changedText(event: RoomEvent, nameOf: NameOf | undefined): string {
  return JSON.stringify({ type: 'event_changed', roomId: event.roomId, event: wireEvent(event, nameOf) });
}
