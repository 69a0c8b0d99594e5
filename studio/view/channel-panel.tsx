/** One channel in this room: what it may do, whom it reaches, what it can carry; each of these can be changed here. */
import type { VNode } from 'preact';
import { channelName, typeName } from '../logic/names.js';
import { exactTime } from '../logic/time.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { handOver, setAccess, setMuted, setVisibility } from '../store/writes.js';
import type { Access, ChannelBinding } from '../types.js';
import { health } from './health.js';
import { Icon } from './icons.js';
import { DeliveryActions } from './event-panel.js';
import { Facts, Json, PanelHead, Section } from './parts.js';
import { Tick } from './row.js';
import { reachOf } from '../logic/reach.js';

const ACCESS: readonly (readonly [Access, string])[] = [
  ['read_write', 'read and write'],
  ['read_only', 'read only'],
  ['write_only', 'write only'],
  ['none', 'neither'],
];

export function ChannelPanel({ room, channelId }: { room: OpenRoom; channelId: string }): VNode {
  const names = room.names.value;
  const detail = room.detail.value;
  const binding = names.bindings.get(channelId);
  const name = channelName(names, channelId);
  if (binding === undefined || detail === undefined) {
    return (
      <>
        <PanelHead kind="Channel" title={name} />
        <p class="quiet-line padded">{channelId} is not attached to this room any more.</p>
      </>
    );
  }
  const isAgent = binding.category === 'intelligence';
  const isActive = detail.state.activeAgentId === channelId;
  const isOpen = detail.room.status === 'active' || detail.room.status === 'paused';
  const breaker = health.value?.breakers[channelId];
  return (
    <>
      <PanelHead kind={isAgent ? 'Agent' : `Channel · ${typeName(binding.channelType)}`} title={name} />
      <Section title="Permissions">
        <div class="card controls">
          <label>
            <span>
              Muted<small>nothing it writes is heard</small>
            </span>
            <input
              type="checkbox"
              role="switch"
              checked={binding.muted}
              disabled={!isOpen}
              onChange={(event) => void setMuted(room.roomId, channelId, event.currentTarget.checked)}
            />
          </label>
          <label>
            <span>
              Access<small>what it may do here</small>
            </span>
            <select
              value={binding.access}
              disabled={!isOpen}
              onChange={(event) => void setAccess(room.roomId, channelId, event.currentTarget.value as Access)} // the options are
            >
              {ACCESS.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>
              Visibility<small>who hears what it says</small>
            </span>
            <VisibilitySelect room={room} binding={binding} disabled={!isOpen} />
          </label>
        </div>
        <div class="actions wide">
          <button type="button" onClick={() => go({ as: room.as === channelId ? undefined : channelId })}>
            <Icon name="eye" size={14} />
            {room.as === channelId ? 'Show everything' : 'Only what it could see'}
          </button>
          {isAgent && !isActive && isOpen && (
            <button type="button" onClick={() => void handOver(room.roomId, channelId, name)}>
              <Icon name="hand" size={14} />
              Hand over to it
            </button>
          )}
        </div>
      </Section>
      <Section title="Facts">
        <Facts
          facts={[
            ['Id', <code>{channelId}</code>],
            ['Type', typeName(binding.channelType)],
            ['Direction', binding.direction],
            binding.address !== undefined && ['Reaches', binding.address],
            binding.participantId !== undefined && ['Person', binding.participantId],
            breaker !== undefined && ['Breaker', <span class={breaker === 'closed' ? 'ok' : 'fail'}>{breaker.replace('_', ' ')}</span>],
            ['Carries', binding.capabilities.mediaTypes.join(', ')],
            binding.capabilities.maxLength !== undefined && ['Longest text', binding.capabilities.maxLength],
            binding.rateLimit !== undefined && [
              'Rate limit',
              Object.entries(binding.rateLimit)
                .map(([key, value]) => `${key} ${value}`)
                .join(', '),
            ],
            ['Attached', exactTime(binding.attachedAt)],
          ]}
        />
        {Object.keys(binding.metadata).length > 0 && <Json title="Metadata" value={binding.metadata} />}
      </Section>
      <Deliveries room={room} channelId={channelId} />
    </>
  );
}

function VisibilitySelect({ room, binding, disabled }: { room: OpenRoom; binding: ChannelBinding; disabled: boolean }): VNode {
  const names = room.names.value;
  const others = [...names.bindings.keys()].filter((id) => id !== binding.channelId);
  const fixed = ['all', 'transport', 'intelligence', 'internal', 'none'];
  const options: readonly (readonly [string, string])[] = [
    ['all', 'everybody'],
    ['transport', 'people only'],
    ['intelligence', 'agents only'],
    ['internal', 'nobody, kept as a note'],
    ['none', 'nobody'],
    ...others.map((id) => [id, `only ${channelName(names, id)}`] as const),
    ...(!fixed.includes(binding.visibility) && !others.includes(binding.visibility) ? [[binding.visibility, binding.visibility] as const] : []),
  ];
  return (
    <select
      value={binding.visibility}
      disabled={disabled}
      onChange={(event) => void setVisibility(room.roomId, binding.channelId, event.currentTarget.value)}
    >
      {options.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** The newest deliveries to this channel; what failed first. */
function Deliveries({ room, channelId }: { room: OpenRoom; channelId: string }): VNode | null {
  const rows = [...room.deliveries.value.values()].flat().filter((row) => row.channelId === channelId);
  if (rows.length === 0) return null;
  const newest = [...rows].sort((a, b) => Number(isBad(b.state)) - Number(isBad(a.state)) || b.eventIndex - a.eventIndex).slice(0, 12);
  return (
    <Section title={`Deliveries · ${rows.length}`}>
      <ul class="card reached">
        {newest.map((row) => {
          const event = room.event(row.eventId);
          const state = event === undefined ? undefined : reachOf(event, [row]).find((reach) => reach.channelId === channelId);
          return (
            <li key={row.id} data-state={state?.state ?? row.state}>
              <button type="button" class="plain" onClick={() => go({ event: row.eventIndex, inspect: 'event', subject: undefined })}>
                Event {row.eventIndex}
              </button>
              <span class="outcome">
                {state !== undefined && <Tick state={state.state} />} {state?.detail ?? row.state}
              </span>
              <DeliveryActions room={room} row={row} />
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function isBad(state: string): boolean {
  return state === 'failed' || state === 'expired' || state === 'unknown';
}
