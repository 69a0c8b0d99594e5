/** The room in one glance: its state, and the path from phase to phase and agent to agent. */
import type { VNode } from 'preact';
import { channelName, humane, roomTitle, type Names } from '../logic/names.js';
import { clock } from '../logic/time.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { rooms } from '../store/rooms.js';
import type { ConversationState } from '../types.js';
import { RoomApprovals } from './approvals.js';
import { Icon } from './icons.js';

/** Steps of the path that fit; earlier ones are counted. */
const STEPS = 4;

export function RoomHead({ room }: { room: OpenRoom }): VNode {
  const detail = room.detail.value;
  const known = rooms.value.get(room.roomId) ?? detail?.room;
  const title = roomTitle(room.roomId, detail?.participants ?? [], known?.metadata);
  const state = detail?.state;
  return (
    <header class="room-head">
      <div class="headline">
        <h1 title={room.roomId}>{title}</h1>
        {known !== undefined && (
          <span class="pill" data-status={known.status}>
            {known.status}
          </span>
        )}
        <RoomApprovals roomId={room.roomId} />
        <code class="room-id">{room.roomId}</code>
        <span class="grow" />
        <Reader room={room} />
        <button type="button" class="details" onClick={() => go({ inspect: 'people', subject: undefined, event: undefined })}>
          Details
        </button>
      </div>
      <div class="path-line">
        {state !== undefined && <Path state={state} names={room.names.value} />}
        <span class="facts">
          {known !== undefined &&
            [
              state !== undefined && state.handoffCount > 0 && `${state.handoffCount} handoff${state.handoffCount === 1 ? '' : 's'}`,
              `${known.eventCount} event${known.eventCount === 1 ? '' : 's'}`,
              `since ${clock(known.createdAt)}`,
            ]
              .filter(Boolean)
              .join(' · ')}
        </span>
      </div>
    </header>
  );
}

/** With whose eyes the room is seen. */
function Reader({ room }: { room: OpenRoom }): VNode {
  const bindings = room.detail.value?.bindings ?? [];
  return (
    <label class={room.as === undefined ? 'reader' : 'reader on'}>
      <Icon name="eye" size={14} />
      <span class="hidden">Only what a channel could see</span>
      <select
        value={room.as ?? ''}
        onChange={(event) => go({ as: event.currentTarget.value === '' ? undefined : event.currentTarget.value })}
        aria-label="Only what a channel could see"
      >
        <option value="">Everything</option>
        {bindings.map(({ channelId }) => (
          <option key={channelId} value={channelId}>
            only what {channelName(room.names.value, channelId)} could see
          </option>
        ))}
        {room.as !== undefined && !bindings.some(({ channelId }) => channelId === room.as) && (
          <option value={room.as}>only what {room.as} could see</option>
        )}
      </select>
    </label>
  );
}

/** Who leads, unless the phase is called the same. */
function nameBeside({ phase, activeAgentId }: ConversationState, names: Names): string {
  if (activeAgentId == null) return '';
  const name = channelName(names, activeAgentId);
  return name === humane(phase) ? '' : ` · ${name}`;
}

function Path({ state, names }: { state: ConversationState; names: Names }): VNode {
  const steps = state.phaseHistory;
  const visible = steps.slice(-STEPS);
  const isHuman = state.activeAgentId == null && state.context['handled_by'] === 'human';
  return (
    <ol class="path" aria-label="Phases of the conversation">
      {steps.length > STEPS && <li class="count">+{steps.length - STEPS} before</li>}
      {visible.map(({ fromPhase, fromAgent, reason, timestamp }, position) => (
        <li key={position} title={reason === '' ? undefined : reason}>
          <span>
            {humane(fromPhase)}
            {fromAgent != null && humane(fromPhase) !== channelName(names, fromAgent) && <em> {channelName(names, fromAgent)}</em>}
          </span>
          <i aria-hidden="true">→</i>
          <span class="hidden">until {clock(timestamp)}, then</span>
        </li>
      ))}
      <li aria-current="step">
        <span class={isHuman ? 'now human' : state.activeAgentId == null ? 'now nobody' : 'now'}>
          {humane(state.phase)}
          {isHuman ? ' · a person' : nameBeside(state, names)}
        </span>
      </li>
    </ol>
  );
}
