/** One row of the timeline: who, what, how far it came, and what the hooks made of it. */
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { lineOf } from '../logic/content.js';
import { authorOf, channelName, handoffWords, isOneOfMany, type Names } from '../logic/names.js';
import { reachOf, type Reach } from '../logic/reach.js';
import { answersOf, cutOf, foldSummary, isDeleted, isEdited, isHidden, type EventRow, type Row } from '../logic/rows.js';
import { clock, dayName, exactTime, milliseconds, since } from '../logic/time.js';
import { go } from '../store/route.js';
import { decisionWords, isFailed, spanOf } from '../logic/turns.js';
import { now } from '../store/host.js';
import type { Writing } from '../store/room.js';
import type { DecisionTrace, OutboxRow, WireEvent } from '../types.js';
import { RequestedApprovals } from './approvals.js';
import { ContentView } from './content.js';
import { Glyph, Hidden, Icon } from './icons.js';

export interface RowProps {
  readonly row: Row;
  readonly position: number;
  readonly count: number;
  readonly names: Names;
  readonly selected: boolean;
  readonly opened: boolean;
  readonly trace: DecisionTrace | null | undefined;
  /** The trace of what caused it: its turn is noted there. */
  readonly cause: DecisionTrace | null | undefined;
  readonly deliveries: readonly OutboxRow[] | undefined;
  /** An event of the room, by its id. */
  readonly find: (eventId: string) => WireEvent | undefined;
  readonly onToggle: (key: string) => void;
}

export function RowItem(props: RowProps): VNode {
  const { row } = props;
  switch (row.kind) {
    case 'day':
      return (
        <li class="day" data-position={props.position}>
          <span>{dayName(row.at, now.peek())}</span>
        </li>
      );
    case 'fold':
      return <FoldItem {...props} row={row} />;
    case 'handoff':
      return <HandoffItem {...props} row={row} />;
    case 'event':
      return <EventItem {...props} row={row} />;
  }
}

function select(event: WireEvent): void {
  go({ event: event.index, inspect: 'event', subject: undefined });
}

/** Choosing words with the mouse is not a click on the row. */
function onRowClick(mouse: MouseEvent, act: () => void): void {
  if ((mouse.target as HTMLElement).closest('a, button, summary, select, input, textarea, label, pre') !== null) return;
  if (window.getSelection()?.isCollapsed === false) return;
  act();
}

function IndexButton({ event, label, selected }: { event: WireEvent; label: string; selected: boolean }): VNode {
  return (
    <button
      type="button"
      class="ix"
      aria-label={`Event ${event.index}, ${label}`}
      aria-current={selected ? 'true' : undefined}
      onClick={() => select(event)}
    >
      {event.index}
    </button>
  );
}

function FoldItem({ row, position, count, selected, opened, onToggle, names }: RowProps & { row: Extract<Row, { kind: 'fold' }> }): VNode | null {
  const [first] = row.events;
  if (first === undefined) return null;
  const isOne = row.events.length === 1;
  return (
    <li
      class={selected ? 'fold selected' : 'fold'}
      data-position={position}
      data-index={first.index}
      data-row
      aria-posinset={position + 1}
      aria-setsize={count}
    >
      {isOne ? (
        <div class="quiet" onClick={(mouse) => onRowClick(mouse, () => select(first))}>
          <IndexButton event={first} label={lineOf(first)} selected={selected} />
          <span class="what" dir="auto">
            {lineOf(first)}
          </span>
          <time title={exactTime(first.createdAt)}>{clock(first.createdAt)}</time>
        </div>
      ) : (
        <>
          <button type="button" class="quiet" aria-expanded={opened} onClick={() => onToggle(row.key)}>
            <span class="ix">
              {first.index}–{row.events.at(-1)?.index}
            </span>
            <span class="what">
              <Icon name="right" size={12} />
              {foldSummary(row.events)}
            </span>
            <time>{clock(first.createdAt)}</time>
          </button>
          {opened && (
            <ol>
              {row.events.map((event) => (
                <li key={event.id} data-index={event.index} onClick={(mouse) => onRowClick(mouse, () => select(event))}>
                  <IndexButton event={event} label={lineOf(event)} selected={false} />
                  <span class="what" dir="auto">
                    {lineOf(event)}
                  </span>
                  <span class="by">{channelName(names, event.source.channelId)}</span>
                </li>
              ))}
            </ol>
          )}
        </>
      )}
    </li>
  );
}

function HandoffItem({ row, position, count, names, selected }: RowProps & { row: Extract<Row, { kind: 'handoff' }> }): VNode {
  const { event } = row;
  const [who, what, whom] = handoffWords(event, names);
  const given = event.metadata['reason'] ?? event.metadata['summary'];
  const reason = typeof given === 'string' ? given : '';
  return (
    <li
      class={selected ? 'handoff selected' : 'handoff'}
      data-position={position}
      data-index={event.index}
      data-row
      aria-posinset={position + 1}
      aria-setsize={count}
      onClick={(mouse) => onRowClick(mouse, () => select(event))}
    >
      <IndexButton event={event} label={`${who} ${what} ${whom}`} selected={selected} />
      <p>
        <b>{who}</b> {what} <b>{whom}</b>
        {reason !== '' && <em dir="auto"> — {reason}</em>}
      </p>
    </li>
  );
}

/** So young is what comes in while somebody looks: it may show that it just happened. */
const FRESH_MS = 1000;

function EventItem({ row, position, count, names, selected, trace, cause, deliveries, find }: RowProps & { row: EventRow }): VNode {
  const { event, depth, sinceMs, answers } = row;
  const author = authorOf(event.source, names);
  const blocked = event.status === 'blocked';
  const hidden = isHidden(event);
  const deleted = isDeleted(event);
  const isFresh = useRef(Date.now() - Date.parse(event.createdAt) < FRESH_MS);
  const classes = [
    'event',
    isFresh.current && 'fresh',
    selected && 'selected',
    blocked && 'blocked',
    hidden && 'internal',
    deleted && 'deleted',
    `depth-${depth}`,
  ];
  const cut = cutOf(event, (id) => find(id)?.index);
  const answered = answersOf(event).length;
  return (
    <li
      class={classes.filter(Boolean).join(' ')}
      data-position={position}
      data-index={event.index}
      data-row
      aria-posinset={position + 1}
      aria-setsize={count}
      onClick={(mouse) => onRowClick(mouse, () => select(event))}
    >
      <IndexButton event={event} label={`by ${author.name}`} selected={selected} />
      <time class="dt" dateTime={event.createdAt} title={exactTime(event.createdAt)}>
        {sinceMs === undefined ? clock(event.createdAt) : since(sinceMs)}
      </time>
      <Glyph
        type={event.source.channelType}
        name={author.isAgent ? author.name : channelName(names, event.source.channelId)}
        isAgent={author.isAgent}
        isOneOfMany={isOneOfMany(names, event.source.channelType)}
        title={event.source.channelId}
      />
      <div class="body">
        <p class="by">
          <b>{author.name}</b>
          <span class="via">{viaOf(event, author.via, cause)}</span>
          {answers !== undefined && (
            <button type="button" class="answers" onClick={() => select(answers)}>
              answers {answers.index}
            </button>
          )}
          {answered > 1 && <span class="via">answers {answered} messages</span>}
          <Visibility event={event} names={names} />
        </p>
        <Tools event={event} cause={cause} />
        <div class="words">
          {deleted ? <p class="gone">This message was deleted.</p> : <ContentView content={event.content} />}
          {cut !== undefined && (
            <span class="cut">
              <i aria-hidden="true" /> {cut}
            </span>
          )}
        </div>
        {event.type === 'system' && <RequestedApprovals event={event} />}
        <Marks event={event} trace={trace} names={names} find={find} />
      </div>
      <Reached event={event} deliveries={deliveries} names={names} />
    </li>
  );
}

function viaOf(event: WireEvent, via: string, cause: DecisionTrace | null | undefined): string {
  const took = turnMs(event, cause);
  return took === undefined ? via : `${via} · ${milliseconds(took)}`;
}

/** From the first thing the turn did to its last. */
function turnMs(event: WireEvent, cause: DecisionTrace | null | undefined): number | undefined {
  return spanOf(cause?.turnSteps.filter(({ channelId }) => channelId === event.source.channelId) ?? []);
}

function Visibility({ event, names }: { event: WireEvent; names: Names }): VNode | null {
  const { visibility } = event;
  if (visibility === 'all') return null;
  const words =
    visibility === 'internal' || visibility === 'none'
      ? 'hidden'
      : visibility === 'transport'
        ? 'people only'
        : visibility === 'intelligence'
          ? 'agents only'
          : `only ${visibility
              .split(',')
              .map((id) => channelName(names, id.trim()))
              .join(', ')}`;
  return (
    <span class="only">
      <Icon name="hidden" size={12} />
      {words}
    </span>
  );
}

function Tools({ event, cause }: { event: WireEvent; cause: DecisionTrace | null | undefined }): VNode | null {
  const tools = cause?.turnSteps.filter(({ kind, channelId }) => kind === 'tool' && channelId === event.source.channelId) ?? [];
  if (tools.length === 0) return null;
  return (
    <p class="tools">
      {tools.map(({ name, ms, code }, position) => (
        <span key={position} class={isFailed(code) ? 'tool failed' : 'tool'}>
          <Icon name="tool" size={12} />
          {name}
          <em>{code === 'waiting' ? 'had to wait' : isFailed(code) ? `${code} · ${milliseconds(ms)}` : milliseconds(ms)}</em>
        </span>
      ))}
    </p>
  );
}

/** The hook of conversation pipelines. */
const ROUTER = 'conversation_router';

/** What became of a message whose agent was not free, where that is not just that it waited. */
const ODD: ReadonlySet<string> = new Set(['merged', 'interrupted', 'rejected']);

/** Hooks that changed something, edits, and what stopped it. What let it pass is in the inspector. */
function Marks({ event, trace, names, find }: Pick<RowProps, 'trace' | 'names' | 'find'> & { event: WireEvent }): VNode | null {
  const marks: VNode[] = [];
  for (const { hook, verdict, ms } of trace?.hooks ?? []) {
    if (hook === ROUTER) continue; // it decides who answers, not what is said
    if (verdict === 'modify') marks.push(<span class="mark wait">{`${hook} rewrote this · ${milliseconds(ms)}`}</span>);
    else if (verdict === 'failed' || verdict === 'timeout')
      marks.push(<span class="mark fail">{`${hook} ${verdict === 'failed' ? 'failed' : 'took too long'} · ${milliseconds(ms)}`}</span>);
  }
  if (event.status === 'blocked') {
    const by = event.blockedBy ?? 'a rule';
    const verdict = trace?.hooks.find(({ hook, verdict }) => hook === by && verdict === 'block');
    marks.push(<span class="mark fail">{`blocked by ${by}${verdict === undefined ? '' : ` · ${milliseconds(verdict.ms)}`}`}</span>);
  }
  for (const decision of trace?.turnDecisions ?? []) {
    if (!ODD.has(decision.decision)) continue; // it had its turn later
    const { text, tone, eventId } = decisionWords(decision, channelName(names, decision.channelId));
    const other = eventId === undefined ? undefined : find(eventId);
    marks.push(
      other === undefined ? (
        <span class={`mark ${tone}`}>{text}</span>
      ) : (
        <button type="button" class={`mark ${tone}`} onClick={() => select(other)}>
          {text} {other.index}
        </button>
      ),
    );
  }
  if (event.status === 'failed') marks.push(<span class="mark fail">failed</span>);
  if (isEdited(event)) marks.push(<span class="mark">edited</span>);
  return marks.length === 0 ? null : <p class="marks">{marks}</p>;
}

function Reached({ event, deliveries, names }: { event: WireEvent; deliveries: readonly OutboxRow[] | undefined; names: Names }): VNode {
  const order = [...names.bindings.keys()];
  const reached = reachOf(event, deliveries, order).filter(({ channelId }) => channelId !== event.source.channelId);
  if (event.status === 'blocked') return <span class="reach none">nobody</span>;
  if (reached.length === 0) return <span class="reach none">{isHidden(event) ? 'not delivered' : ''}</span>;
  return (
    <ul class="reach" aria-label="Reached">
      {reached.slice(0, 5).map((reach) => (
        <ReachMark key={reach.channelId} reach={reach} names={names} />
      ))}
      {reached.length > 5 && <li>+{reached.length - 5}</li>}
    </ul>
  );
}

export function ReachMark({ reach, names }: { reach: Reach; names: Names }): VNode {
  const binding = names.bindings.get(reach.channelId);
  const name = channelName(names, reach.channelId);
  return (
    <li data-state={reach.state} title={`${name}: ${reach.detail}`}>
      <Glyph
        type={binding?.channelType}
        name={name}
        isAgent={binding?.category === 'intelligence'}
        isOneOfMany={isOneOfMany(names, binding?.channelType)}
      />
      <Tick state={reach.state} />
      <Hidden>
        {name} {reach.detail}
      </Hidden>
    </li>
  );
}

/** One tick: sent. Two: delivered, in colour when read. Clock: waiting. Triangle: failed. */
export function Tick({ state }: { state: Reach['state'] }): VNode {
  switch (state) {
    case 'sent':
      return <Icon name="check" size={12} />;
    case 'delivered':
    case 'read':
      return (
        <svg class="icon" viewBox="0 0 20 16" width={15} height={12} aria-hidden="true">
          <path d="m1 8.5 3.2 3.2L11 4.8M8.5 10.2l1.5 1.5 6.8-6.9" />
        </svg>
      );
    case 'waiting':
      return <Icon name="clock" size={12} />;
    case 'failed':
      return <Icon name="warn" size={12} />;
    case 'unknown':
      return <b aria-hidden="true">?</b>;
    case 'cancelled':
      return <Icon name="close" size={12} />;
  }
}

/** A reply that is still being written, in the place where it will stand. */
export function WritingItem({ writing, names }: { writing: Writing; names: Names }): VNode {
  const author = authorOf(writing.source, names);
  return (
    <li class="event depth-1 live">
      <span class="ix">…</span>
      <span class="dt" />
      <Glyph type={writing.source.channelType} name={author.name} isAgent={author.isAgent} />
      <div class="body">
        <p class="by">
          <b>{author.name}</b>
          <span class="via">{author.via} · writing</span>
        </p>
        <div class="words">
          <p dir="auto">
            {writing.text}
            <i class="caret" />
          </p>
        </div>
      </div>
      <span class="reach" />
    </li>
  );
}
