/** One event: what it is, where its time went, what each hook decided, whom it reached and why not others. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { authorOf, channelName, isOneOfMany, type Names } from '../logic/names.js';
import { lineOf } from '../logic/content.js';
import { reachOf } from '../logic/reach.js';
import { answersOf, isDeleted } from '../logic/rows.js';
import { exactTime, milliseconds } from '../logic/time.js';
import { cancelDelivery, deleteEvent, editEvent, retryDelivery } from '../store/writes.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import type { DecisionTrace, OutboxRow, WireEvent } from '../types.js';
import { Glyph, Icon } from './icons.js';
import { VERDICTS } from './hook-panel.js';
import { Copyable, Facts, Json, PanelHead, Section } from './parts.js';
import { Tick } from './row.js';
import { StoredTurns, Turns } from './turns.js';
import { WaterfallView } from './waterfall.js';

export function EventPanel({ room, index }: { room: OpenRoom; index: number }): VNode {
  // Drawn again when the window of the timeline changes.
  void room.rows.value;
  const event = room.eventAt(index);
  const names = room.names.value;
  const replies = room.events.filter((one) => event !== undefined && (one.parentEventId === event.id || answersOf(one).includes(event.id)));
  // What its turns did is known when their answers are there.
  useEffect(() => {
    if (event === undefined || room.as !== undefined) return;
    room.wantTraces([event.id, ...(event.parentEventId === undefined ? [] : [event.parentEventId])], true);
  }, [event?.id, replies.length]);
  const isTraceless = event !== undefined && room.as === undefined && room.traces.value.get(event.id) === null;
  useEffect(() => {
    if (isTraceless) void room.readTurns(event.id);
  }, [event?.id, isTraceless]);
  if (event === undefined) {
    return (
      <>
        <PanelHead kind="Event" title={`Event ${index}`} />
        <p class="quiet-line padded">This event is not in what is shown.</p>
      </>
    );
  }
  const trace = room.traces.value.get(event.id);
  const cause = event.parentEventId === undefined ? undefined : room.event(event.parentEventId);
  const causeTrace = event.parentEventId === undefined ? undefined : room.traces.value.get(event.parentEventId);
  const author = authorOf(event.source, names);
  const isReply = causeTrace != null && trace != null && causeTrace.turnSteps.some(({ channelId }) => channelId === event.source.channelId);
  const answered = answersOf(event).filter((id) => id !== event.parentEventId);
  return (
    <>
      <PanelHead kind={`${event.type.replaceAll('_', ' ')} · ${author.via}`} title={`Event ${event.index}`} />
      <p class="said" dir="auto">
        <b>{author.name}</b> {lineOf(event)}
      </p>
      {event.type === 'message' && room.as === undefined && <Changes room={room} event={event} answers={answersTo(event, room.events)} />}
      {room.as !== undefined ? (
        <p class="quiet-line padded">What was decided is the host’s to see. Show everything to see it.</p>
      ) : trace == null ? (
        <Section title="Where the time went">
          <p class="quiet-line">
            {trace === undefined
              ? 'Reading…'
              : 'Decided before this process started, too long ago, or by another process: the figures are not here, the event is. The kit keeps those of the newest events: new RoomKit({ traceEvents: 1000 }).'}
          </p>
        </Section>
      ) : (
        <Section title={isReply ? 'Turn' : 'Where the time went'}>
          <WaterfallView
            trace={isReply ? causeTrace : trace}
            names={names}
            reply={isReply ? { trace, channelId: event.source.channelId } : undefined}
          />
        </Section>
      )}
      {trace === null && <StoredTurns room={room} turns={room.turns.value.get(event.id) ?? []} />}
      {trace != null && <Turns room={room} trace={isReply ? causeTrace : trace} channelId={isReply ? event.source.channelId : undefined} />}
      <Hooks event={event} trace={trace} />
      <Reach room={room} event={event} trace={trace} names={names} />
      {(replies.length > 0 || cause !== undefined) && (
        <Section title="Cause and answers">
          <ul class="card links">
            {cause !== undefined && <EventLink event={cause} names={names} kind="caused by" />}
            {answered.map((id) => {
              const other = room.event(id);
              return other !== undefined && <EventLink key={id} event={other} names={names} kind="answers too" />;
            })}
            {replies.map((reply) => (
              <EventLink key={reply.id} event={reply} names={names} kind="answer" />
            ))}
          </ul>
        </Section>
      )}
      <Section title="Facts">
        <Facts
          facts={[
            ['Time', exactTime(event.createdAt)],
            ['Status', event.status],
            [
              'Channel',
              <button type="button" class="link" onClick={() => go({ inspect: 'channel', subject: event.source.channelId })}>
                {event.source.channelId}
              </button>,
            ],
            event.source.participantId !== undefined && [
              'Person',
              <button type="button" class="link" onClick={() => go({ inspect: 'participant', subject: event.source.participantId })}>
                {event.source.displayName ?? event.source.participantId}
              </button>,
            ],
            ['Visibility', event.visibility],
            ['Chain depth', event.chainDepth],
            typeof event.metadata['model'] === 'string' && ['Model', event.metadata['model']],
            ['Id', <Copyable text={event.id} />],
          ]}
        />
        <Json title="Content" value={event.content} />
        {Object.keys(event.metadata).length > 0 && <Json title="Metadata" value={event.metadata} />}
      </Section>
    </>
  );
}

/** How many events it caused, and these in turn. */
function answersTo({ id }: WireEvent, events: readonly WireEvent[]): number {
  const causes = new Set([id]);
  for (const { id: answer, parentEventId } of events) if (parentEventId !== undefined && causes.has(parentEventId)) causes.add(answer);
  return causes.size - 1;
}

/** What a host may do to a message after the fact. */
function Changes({ room, event, answers }: { room: OpenRoom; event: WireEvent; answers: number }): VNode {
  const [isEditing, setEditing] = useState(false);
  const { content } = event;
  const remove = async (): Promise<void> => {
    if (await deleteEvent(room.roomId, event, answers)) go({ event: undefined, inspect: undefined, subject: undefined });
  };
  if (isEditing && content.type === 'text') return <Editor room={room} event={event} body={content.body} onClose={() => setEditing(false)} />;
  return (
    <div class="actions padded changes">
      {content.type === 'text' && !isDeleted(event) && event.status !== 'blocked' && (
        <button type="button" class="small" onClick={() => setEditing(true)}>
          <Icon name="edit" size={14} />
          Edit
        </button>
      )}
      <button type="button" class="small" onClick={() => void remove()}>
        <Icon name="trash" size={14} />
        Delete
      </button>
    </div>
  );
}

function Editor({ room, event, body, onClose }: { room: OpenRoom; event: WireEvent; body: string; onClose: () => void }): VNode {
  const box = useRef<HTMLTextAreaElement>(null);
  const [isSaving, setSaving] = useState(false);
  // Before it is shown: a key that is pressed at once is meant for it.
  useLayoutEffect(() => {
    box.current?.focus();
    box.current?.select();
  }, []);
  const save = async (): Promise<void> => {
    const words = box.current?.value.trim() ?? '';
    if (words === '' || words === body) return onClose();
    setSaving(true);
    // What was written stays when it is refused.
    if (await editEvent(room.roomId, event, words)) onClose();
    else setSaving(false);
  };
  return (
    <form
      class="editor padded"
      onSubmit={(submit) => {
        submit.preventDefault();
        void save();
      }}
    >
      <textarea
        ref={box}
        dir="auto"
        rows={3}
        aria-label={`Words of event ${event.index}`}
        defaultValue={body}
        onKeyDown={(key) => {
          if (key.key === 'Escape') {
            key.stopPropagation();
            onClose();
          } else if (key.key === 'Enter' && (key.ctrlKey || key.metaKey)) void save();
        }}
      />
      <p class="quiet-line">People who watch see the change at once. What went out over other channels stays as it was sent.</p>
      <div class="actions">
        <button type="submit" class="primary small" disabled={isSaving}>
          Save
        </button>
        <button type="button" class="small" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function EventLink({ event, names, kind }: { event: WireEvent; names: Names; kind: string }): VNode {
  const author = authorOf(event.source, names);
  return (
    <li>
      <button type="button" onClick={() => go({ event: event.index, inspect: 'event', subject: undefined })}>
        <span class="num">{event.index}</span>
        <span class="words-line" dir="auto">
          <b>{author.name}</b> {lineOf(event)}
        </span>
        <span class="kind">{kind}</span>
      </button>
    </li>
  );
}

function Hooks({ event, trace }: { event: WireEvent; trace: DecisionTrace | null | undefined }): VNode | null {
  const hooks = trace?.hooks ?? [];
  if (hooks.length === 0 && event.blockedBy === undefined) return null;
  return (
    <Section title="Hooks">
      <ul class="card hooks">
        {hooks.map(({ hook, trigger, verdict, reason, ms }, position) => (
          <li key={position} data-verdict={verdict}>
            <button
              type="button"
              class="plain name"
              title={`${trigger}: what it decided lately`}
              onClick={() => go({ inspect: 'hook', subject: hook })}
            >
              {hook}
            </button>
            <span class="verdict">
              {VERDICTS[verdict] ?? verdict}
              {reason !== undefined && reason !== hook && `: ${reason}`}
            </span>
            <span class="ms">{milliseconds(ms)}</span>
          </li>
        ))}
        {event.blockedBy !== undefined && !hooks.some(({ verdict }) => verdict === 'block') && (
          <li data-verdict="block">
            <span class="name">{event.blockedBy}</span>
            <span class="verdict">blocked</span>
            <span class="ms" />
          </li>
        )}
      </ul>
    </Section>
  );
}

const WHY_NOT: Readonly<Record<string, string>> = {
  source: 'it said it',
  access: 'may not read here',
  direction: 'only produces',
  visibility: 'may not see it',
  muted: 'its output is muted',
  not_solicited: 'not asked',
  turn: 'asked for an answer',
  delivery: 'delivered',
};

function Reach({
  room,
  event,
  trace,
  names,
}: {
  room: OpenRoom;
  event: WireEvent;
  trace: DecisionTrace | null | undefined;
  names: Names;
}): VNode | null {
  const rows = room.deliveries.value.get(event.id) ?? [];
  const reached = reachOf(event, rows, [...names.bindings.keys()]);
  const served = new Set(reached.map(({ channelId }) => channelId));
  const others = (trace?.targets ?? []).filter(({ channelId }) => !served.has(channelId));
  if (event.status === 'blocked' && reached.length === 0 && others.length === 0) {
    return (
      <Section title="Reached">
        <p class="quiet-line">Nobody: it was stopped before it went out.</p>
      </Section>
    );
  }
  if (reached.length === 0 && others.length === 0) return null;
  return (
    <Section title="Reached">
      <ul class="card reached">
        {reached.map(({ channelId, state, detail }) => {
          const row = rows.find((candidate) => candidate.channelId === channelId);
          return (
            <li key={channelId} data-state={state}>
              <ChannelCell channelId={channelId} names={names} note={row?.provider} />
              <button
                type="button"
                class="plain outcome"
                title="Each attempt, and what the vendor said"
                onClick={() => go({ event: event.index, inspect: 'delivery', subject: channelId })}
              >
                <Tick state={state} /> {detail}
              </button>
              {row !== undefined && <DeliveryActions room={room} row={row} />}
            </li>
          );
        })}
        {others.map(({ channelId, decision }) => (
          <li key={channelId} data-state={decision === 'turn' ? 'turn' : 'none'}>
            <ChannelCell channelId={channelId} names={names} />
            <span class="outcome">{WHY_NOT[decision] ?? decision}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function ChannelCell({ channelId, names, note }: { channelId: string; names: Names; note?: string | undefined }): VNode {
  const binding = names.bindings.get(channelId);
  const name = channelName(names, channelId);
  return (
    <span class="channel-cell">
      <Glyph
        type={binding?.channelType}
        name={name}
        isAgent={binding?.category === 'intelligence'}
        isOneOfMany={isOneOfMany(names, binding?.channelType)}
      />
      <button type="button" class="plain" onClick={() => go({ inspect: 'channel', subject: channelId })}>
        {name}
      </button>
      {note !== undefined && <small>{note}</small>}
    </span>
  );
}

export function DeliveryActions({ room, row }: { room: { readonly roomId: string }; row: OutboxRow }): VNode | null {
  if (row.state === 'failed' || row.state === 'expired' || row.state === 'cancelled' || row.state === 'unknown') {
    return (
      <button type="button" class="small" onClick={() => void retryDelivery(room.roomId, row)}>
        Retry
      </button>
    );
  }
  if (row.state !== 'queued') return null;
  return (
    <button type="button" class="small" onClick={() => void cancelDelivery(room.roomId, row)}>
      Cancel
    </button>
  );
}
