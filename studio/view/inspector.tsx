/** The right column: what is selected, else the room's channels and people. */
import type { VNode } from 'preact';
import type { OpenRoom } from '../store/room.js';
import { route } from '../store/route.js';
import { ApprovalsPanel } from './approvals.js';
import { ChannelPanel } from './channel-panel.js';
import { DeliveryPanel } from './delivery-panel.js';
import { EventPanel } from './event-panel.js';
import { HealthPanel } from './health-panel.js';
import { HookPanel } from './hook-panel.js';
import { PeoplePanel } from './people-panel.js';
import { ParticipantPanel } from './participant-panel.js';

export function Inspector({ room }: { room: OpenRoom | undefined }): VNode {
  return (
    <aside class="inspector" aria-label="Inspector">
      <Subject room={room} />
    </aside>
  );
}

function Subject({ room }: { room: OpenRoom | undefined }): VNode | null {
  const { inspect, subject, event } = route.value;
  if (inspect === 'approvals') return <ApprovalsPanel />;
  if (inspect === 'health' || room === undefined) return <HealthPanel />;
  if (room.load.value.kind !== 'ready') return null;
  if (inspect === 'event' && event !== undefined) return <EventPanel key={event} room={room} index={event} />;
  if (inspect === 'delivery' && event !== undefined && subject !== undefined)
    return <DeliveryPanel key={`${event} ${subject}`} room={room} index={event} channelId={subject} />;
  if (inspect === 'hook' && subject !== undefined) return <HookPanel key={subject} room={room} hook={subject} />;
  if (inspect === 'channel' && subject !== undefined) return <ChannelPanel key={subject} room={room} channelId={subject} />;
  if (inspect === 'participant' && subject !== undefined) return <ParticipantPanel key={subject} room={room} participantId={subject} />;
  return <PeoplePanel room={room} />;
}
