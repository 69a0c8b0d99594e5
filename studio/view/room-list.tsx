/** The left rail: every room, what was said last, and whether the kit is well. */
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { channelName, handoffWords, namesOf } from '../logic/names.js';
import { lineOf } from '../logic/content.js';
import { isHandoff, isQuiet } from '../logic/rows.js';
import { ago } from '../logic/time.js';
import { current } from '../store/current.js';
import { now } from '../store/host.js';
import { go, route } from '../store/route.js';
import {
  activityOf,
  failure,
  filter,
  hasMore,
  isWithHuman,
  LIVE_MS,
  loading,
  loadMoreRooms,
  loadRooms,
  shown,
  sorted,
  summaries,
  SUMMARY_EVENTS,
  titleOf,
  unreadOf,
  want,
  type Filter,
} from '../store/rooms.js';
import type { Room } from '../types.js';
import { Empty } from './empty.js';
import { HealthStrip } from './health.js';
import { Glyph, Hidden, Icon } from './icons.js';
import { searchOpen } from './search.js';

const FILTERS: readonly (readonly [Filter, string])[] = [
  ['all', 'All'],
  ['live', 'Open'],
  ['waiting', 'Taken over'],
  ['closed', 'Closed'],
];

export function RoomList(): VNode {
  return (
    <nav class="rooms" aria-label="Rooms">
      <button type="button" class="find" onClick={() => (searchOpen.value = true)}>
        <Icon name="search" size={14} />
        <span>Find a room, person, text</span>
        <kbd aria-hidden="true">/</kbd>
      </button>
      <div class="filters" role="group" aria-label="Which rooms">
        {FILTERS.map(([name, label]) => (
          <button key={name} type="button" aria-pressed={filter.value === name} onClick={() => (filter.value = name)}>
            {label}
          </button>
        ))}
      </div>
      <div class="list">
        <List />
      </div>
      <HealthStrip />
    </nav>
  );
}

function List(): VNode {
  if (loading.value === 'first') return <Skeleton />;
  if (loading.value === 'failed' && sorted.value.length === 0) {
    return (
      <div class="empty">
        <h2>The rooms cannot be read</h2>
        <p>{failure.value}</p>
        <button type="button" onClick={() => void loadRooms()}>
          Try again
        </button>
      </div>
    );
  }
  if (shown.value.length === 0) {
    return sorted.value.length === 0 ? (
      <Empty title="No rooms" code="await kit.ensureRoom({ roomId: 'room-1' })">
        Rooms appear here as they are made.
      </Empty>
    ) : (
      <Empty title="None of these">No room fits this filter.</Empty>
    );
  }
  return (
    <ul>
      {shown.value.map((room) => (
        <Item key={room.id} room={room} />
      ))}
      {hasMore.value && (
        <li>
          <button type="button" class="more" onClick={() => void loadMoreRooms()}>
            More rooms
          </button>
        </li>
      )}
    </ul>
  );
}

let observer: IntersectionObserver | undefined;
const inView = new WeakMap<Element, (isIn: boolean) => void>();

/** What the list says of a room is read when it comes into view. */
function watch(element: Element, tell: (isIn: boolean) => void): () => void {
  observer ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) inView.get(target)?.(isIntersecting);
  });
  inView.set(element, tell);
  observer.observe(element);
  return () => observer?.unobserve(element);
}

function Item({ room }: { room: Room }): VNode {
  const item = useRef<HTMLLIElement>(null);
  const visible = useRef(false);
  useEffect(() => {
    if (item.current === null) return;
    return watch(item.current, (isIn) => {
      visible.current = isIn;
      if (isIn) want(room);
    });
  }, []);
  useEffect(() => {
    if (visible.current) want(room);
  }, [room]);
  const isOpen = route.value.roomId === room.id;
  const summary = summaries.value.get(room.id);
  const unread = unreadOf(room);
  const isLive = now.value - Date.parse(activityOf(room)) < LIVE_MS && room.status === 'active';
  const bindings = summary?.detail.bindings ?? [];
  const people = bindings.filter(({ category }) => category === 'transport');
  return (
    <li ref={item}>
      <a
        class="item"
        href={`#/rooms/${encodeURIComponent(room.id)}`}
        aria-current={isOpen ? 'page' : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey) return;
          event.preventDefault();
          go({ roomId: room.id, event: undefined, as: undefined, inspect: undefined });
        }}
      >
        <span class="name">
          <i class="dot" data-status={room.status} data-live={isLive} aria-hidden="true" />
          <b>{titleOf(room)}</b>
          <Hidden>, {room.status}</Hidden>
        </span>
        <time dateTime={activityOf(room)}>{ago(activityOf(room), now.value)}</time>
        <span class="last" dir="auto">
          {lastLine(room)}
        </span>
        <span class="side">
          {unread > 0 ? (
            <span class="unread">
              {unread > 99 ? '99+' : unread}
              <Hidden> new events</Hidden>
            </span>
          ) : (
            people.slice(0, 3).map(({ channelId, channelType }) => <Glyph key={channelId} type={channelType} name={channelId} title={channelId} />)
          )}
        </span>
      </a>
    </li>
  );
}

function lastLine(room: Room): string {
  const open = current.value;
  if (open?.roomId === room.id) {
    const writing = open.writing.value[0];
    if (writing !== undefined) return `${channelName(open.names.value, writing.source.channelId)} is writing…`;
  }
  if (room.status === 'closed' || room.status === 'archived') return humaneStatus(room);
  const summary = summaries.value.get(room.id);
  if (summary === undefined) return room.latestIndex < 0 ? 'Nothing yet' : `${room.eventCount} events`;
  const { last, detail } = summary;
  if (last === undefined) return 'Nothing yet';
  // Newer ones were looked for among the last few.
  if (isQuiet(last) && room.eventCount <= SUMMARY_EVENTS) return 'Nothing was said yet';
  if (isHandoff(last)) return handoffWords(last, namesOf(detail.bindings, detail.participants)).join(' ').trim();
  if (isWithHuman(room) && last.status !== 'blocked') return `With a person · ${lineOf(last)}`;
  return `${last.status === 'blocked' ? 'Blocked: ' : ''}${lineOf(last)}`;
}

function humaneStatus(room: Room): string {
  return `${room.status === 'closed' ? 'Closed' : 'Archived'} · ${room.eventCount} events`;
}

function Skeleton(): VNode {
  return (
    <ul class="skeleton" aria-busy="true" aria-label="Rooms are being read">
      {[62, 48, 70, 55, 40].map((width) => (
        <li key={width}>
          <i class={`w${width}`} />
          <i />
        </li>
      ))}
    </ul>
  );
}

/** The room above or below the open one. */
export function moveRoom(step: number): void {
  const list = shown.value;
  const at = list.findIndex(({ id }) => id === route.value.roomId);
  const next = list[at < 0 ? 0 : at + step];
  if (next !== undefined) go({ roomId: next.id });
}
