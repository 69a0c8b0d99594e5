/** The room itself: its channels with what each may do, its people, its work, and who has the conversation. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { api } from '../api.js';
import { channelName, isOneOfMany, typeName, type Names } from '../logic/names.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { closeRoom, handOver, reopenRoom, takeOver } from '../store/writes.js';
import type { ChannelBinding, Observation, Participant, RoomDetail, Task } from '../types.js';
import { Empty } from './empty.js';
import { Glyph, Icon } from './icons.js';
import { Json, Section } from './parts.js';

export function PeoplePanel({ room }: { room: OpenRoom }): VNode | null {
  const detail = room.detail.value;
  if (detail === undefined) return null;
  const names = room.names.value;
  const people = detail.participants.filter(({ role }) => role !== 'bot');
  return (
    <>
      <Lead room={room} detail={detail} names={names} />
      <Section title="Channels">
        {detail.bindings.length === 0 ? (
          <Empty title="No channels" code={`await kit.attachChannel('${room.roomId}', 'web');`}>
            Without one nobody hears what is said here.
          </Empty>
        ) : (
          <ul class="card people">
            {detail.bindings.map((binding) => (
              <ChannelRow key={binding.channelId} binding={binding} names={names} active={detail.state.activeAgentId ?? undefined} />
            ))}
          </ul>
        )}
      </Section>
      <Section title="People">
        {people.length === 0 ? (
          <p class="quiet-line">Nobody yet. People join with their first message.</p>
        ) : (
          <ul class="card people">
            {people.map((participant) => (
              <PersonRow key={participant.id} participant={participant} />
            ))}
          </ul>
        )}
      </Section>
      <Work room={room} />
      <Json title="Room metadata" value={detail.room.metadata} />
    </>
  );
}

/** Who leads, and who may lead instead. */
function Lead({ room, detail, names }: { room: OpenRoom; detail: RoomDetail; names: Names }): VNode {
  const { state, bindings } = detail;
  const agents = bindings.filter(({ category }) => category === 'intelligence');
  const isHuman = state.activeAgentId == null && state.context['handled_by'] === 'human';
  const isOpen = detail.room.status === 'active' || detail.room.status === 'paused';
  return (
    <Section title="Room">
      <div class="card lead">
        <p>
          <Icon name={isHuman ? 'person' : 'hand'} />
          <span>
            {isHuman ? (
              <>
                <b>A person</b> has the conversation. No agent answers.
              </>
            ) : state.activeAgentId == null ? (
              'No agent leads. Those who may answer do.'
            ) : (
              <>
                <b>{channelName(names, state.activeAgentId)}</b> has the conversation, in phase {state.phase}.
              </>
            )}
          </span>
        </p>
        <div class="actions">
          {isOpen && !isHuman && agents.length > 0 && (
            <button type="button" onClick={() => void takeOver(room.roomId)}>
              Take over
            </button>
          )}
          {isOpen && agents.length > 0 && (
            <select
              aria-label="Hand over to"
              value=""
              onChange={(event) => {
                const agentId = event.currentTarget.value;
                event.currentTarget.value = '';
                if (agentId !== '') void handOver(room.roomId, agentId, channelName(names, agentId));
              }}
            >
              <option value="">Hand over to…</option>
              {agents
                .filter(({ channelId }) => channelId !== state.activeAgentId)
                .map(({ channelId }) => (
                  <option key={channelId} value={channelId}>
                    {channelName(names, channelId)}
                  </option>
                ))}
            </select>
          )}
          {isOpen ? (
            <button type="button" onClick={() => void closeRoom(room.roomId)}>
              Close room
            </button>
          ) : (
            <button type="button" class="primary" onClick={() => void reopenRoom(room.roomId)}>
              Reopen room
            </button>
          )}
        </div>
      </div>
    </Section>
  );
}

function ChannelRow({ binding, names, active }: { binding: ChannelBinding; names: Names; active: string | undefined }): VNode {
  const { channelId, channelType, category, address } = binding;
  const isAgent = category === 'intelligence';
  const name = channelName(names, channelId);
  const about = isAgent
    ? active === channelId
      ? 'agent · has the conversation'
      : 'agent'
    : [isSame(name, typeName(channelType)) ? '' : typeName(channelType), address].filter(Boolean).join(' · ');
  return (
    <li>
      <button type="button" onClick={() => go({ inspect: 'channel', subject: channelId, event: undefined })}>
        <Glyph type={channelType} name={name} isAgent={isAgent} isOneOfMany={isOneOfMany(names, channelType)} />
        <span class="who">
          <b>{name}</b>
          <small>{about}</small>
        </span>
        <Permission binding={binding} />
      </button>
    </li>
  );
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

export function Permission({ binding }: { binding: ChannelBinding }): VNode {
  const { muted, outputMuted, access, visibility } = binding;
  return (
    <span class="perms">
      {visibility !== 'all' && <span class="perm off">reaches {visibility}</span>}
      {muted ? (
        <span class="perm off">muted</span>
      ) : outputMuted ? (
        <span class="perm off">output muted</span>
      ) : (
        <span class={access === 'read_write' ? 'perm' : 'perm off'}>{access === 'none' ? 'no access' : access.replace('_', ' ')}</span>
      )}
    </span>
  );
}

function PersonRow({ participant }: { participant: Participant }): VNode {
  const { id, displayName, role, status, channelId, identification } = participant;
  // Most rooms ask nobody who somebody is: only what stands out is told.
  const stands =
    identification === 'identified' || identification === 'unknown' || identification === 'pending' ? '' : identification.replaceAll('_', ' ');
  const about = [role, stands, channelId].filter((part) => part !== '');
  return (
    <li>
      <button type="button" onClick={() => go({ inspect: 'participant', subject: id, event: undefined })}>
        <span class="glyph round" aria-hidden="true">
          {(displayName ?? id).slice(0, 1).toUpperCase()}
        </span>
        <span class="who">
          <b>{displayName ?? id}</b>
          <small>{about.join(' · ')}</small>
        </span>
        {status !== 'active' && <span class="perm off">{status}</span>}
      </button>
    </li>
  );
}

function Work({ room }: { room: OpenRoom }): VNode | null {
  const work = useMemo(() => signal<{ tasks: readonly Task[]; observations: readonly Observation[] }>({ tasks: [], observations: [] }), [room]);
  const version = room.latestIndex.value;
  useEffect(() => {
    const timer = setTimeout(() => {
      void Promise.all([api.listTasks(room.roomId), api.listObservations(room.roomId)]).then(
        ([tasks, observations]) => (work.value = { tasks, observations }),
        () => undefined,
      );
    }, 300);
    return () => clearTimeout(timer);
  }, [room, version]);
  const { tasks, observations } = work.value;
  return (
    <>
      {tasks.length > 0 && (
        <Section title="Tasks">
          <ul class="card notes">
            {tasks.map(({ id, title, status, assignedTo }) => (
              <li key={id}>
                <span dir="auto">{title}</span>
                <small>{[status.replace('_', ' '), assignedTo].filter(Boolean).join(' · ')}</small>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {observations.length > 0 && (
        <Section title="Observations">
          <ul class="card notes">
            {observations.slice(-20).map(({ id, content, channelId, category, confidence }) => (
              <li key={id}>
                <span dir="auto">{content}</span>
                <small>{[category, channelId, confidence < 1 && `${Math.round(confidence * 100)} % sure`].filter(Boolean).join(' · ')}</small>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}
