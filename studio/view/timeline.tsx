/**
 * The timeline: only the rows in view are drawn, so that ten thousand events scroll like ten. It follows the newest until
 * somebody scrolls up, and holds what they look at still while other rows come and grow.
 */
import { computed, signal, type Signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { lineOf } from '../logic/content.js';
import { authorOf, channelName } from '../logic/names.js';
import { Offsets } from '../logic/offsets.js';
import type { Row } from '../logic/rows.js';
import type { OpenRoom } from '../store/room.js';
import { go, isNarrow, route } from '../store/route.js';
import type { WireEvent } from '../types.js';
import { Empty } from './empty.js';
import { Icon } from './icons.js';
import { RowItem, WritingItem } from './row.js';

const GUESS = 58;
const OVERSCAN = 500;
/** So near to the end counts as being there. */
const NEAR = 32;
const TRACES_MS = 150;

/** What keys act on: the timeline that is on the screen. */
let active: { show: (index: number) => void; move: (step: number) => void; open: () => void; newest: () => void } | undefined;

export function moveRow(step: number): void {
  active?.move(step);
}

export function openRow(): void {
  active?.open();
}

export function toNewest(): void {
  active?.newest();
}

interface Anchor {
  readonly key: string;
  readonly offset: number;
}

export function Timeline({ room, isLoading }: { room: OpenRoom; isLoading: boolean }): VNode {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const offsets = useMemo(() => new Offsets(GUESS), [room]);
  const following = useMemo(() => signal(route.value.event === undefined), [room]);
  const opened = useMemo(() => signal<ReadonlySet<string>>(new Set()), [room]);
  const [view, setView] = useState({ top: 0, height: 900 });
  const anchor = useRef<Anchor | undefined>(undefined);
  const lastTop = useMemo(() => ({ current: 0 }), [room]);
  const drawn = useRef(0);

  const { list: rows, version, prepended } = room.rows.value;
  if (drawn.current !== version) {
    drawn.current = version;
    if (rows.list.length < offsets.count) offsets.clear();
    offsets.resize(rows.list.length, prepended);
  }
  const count = rows.list.length;
  const end = offsets.total;
  // While it follows, the end is what is in view, wherever the last drawing left the scroll bar.
  const top = following.value ? Math.max(0, end - view.height) : view.top;
  const first = count === 0 ? 0 : offsets.at(Math.max(0, top - OVERSCAN));
  const last = count === 0 ? -1 : offsets.at(top + view.height + OVERSCAN);
  const visible = rows.list.slice(first, last + 1);

  const remember = (): void => {
    const box = scroller.current;
    if (box === null) return;
    lastTop.current = box.scrollTop;
    let at = offsets.at(box.scrollTop);
    while (at < rows.list.length - 1 && rows.list[at]?.kind === 'day') at++;
    const row = rows.list[at];
    anchor.current = row === undefined ? undefined : { key: row.key, offset: box.scrollTop - offsets.top(at) };
  };

  const settle = (): void => {
    const box = scroller.current;
    // In a frame that is not shown nothing has a height.
    if (box === null || list.current === null || box.clientHeight === 0) return;
    let grew = 0;
    for (const child of list.current.children) {
      const position = Number((child as HTMLElement).dataset['position']);
      grew += Math.abs(offsets.measure(position, child.getBoundingClientRect().height));
    }
    // All of it is in view: there is nothing to come back to.
    if (!following.value && !room.hasLater.value && box.scrollHeight <= box.clientHeight + 1) following.value = true;
    if (following.value) {
      if (grew > 0) setView({ top: box.scrollTop, height: box.clientHeight });
      // Somebody scrolls up right now: their scroll event comes first, and ends the following.
      const isLeaving = box.scrollTop < lastTop.current - 2 && box.scrollHeight - box.scrollTop - box.clientHeight >= NEAR;
      if (isLeaving) return;
      box.scrollTop = box.scrollHeight;
      lastTop.current = box.scrollTop;
      return;
    }
    const kept = anchor.current;
    const at = kept === undefined ? undefined : rows.find(kept.key);
    // Somebody is scrolling right now: their scroll event comes first.
    if (kept !== undefined && at !== undefined && Math.abs(box.scrollTop - lastTop.current) < 2) {
      const wanted = offsets.top(at) + kept.offset;
      if (Math.abs(wanted - box.scrollTop) > 1) {
        box.scrollTop = wanted;
        lastTop.current = box.scrollTop;
      }
    }
    if (grew > 0) setView({ top: box.scrollTop, height: box.clientHeight });
  };
  useLayoutEffect(settle);

  const onScroll = (): void => {
    const box = scroller.current;
    if (box === null) return;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (atEnd) following.value = !room.hasLater.value;
    else if (box.scrollTop < lastTop.current - 2) following.value = false;
    remember();
    setView({ top: box.scrollTop, height: box.clientHeight });
    if (box.scrollTop < 800) void room.readEarlier().catch(() => undefined);
    if (box.scrollHeight - box.scrollTop - box.clientHeight < 800) void room.readLater().catch(() => undefined);
  };

  useEffect(() => {
    const box = scroller.current;
    if (box === null || list.current === null) return;
    const observer = new ResizeObserver(() => setView({ top: box.scrollTop, height: box.clientHeight }));
    observer.observe(box);
    observer.observe(list.current);
    return () => observer.disconnect();
  }, [isLoading]);

  const show = (index: number): void => {
    const event = room.eventAt(index);
    const at = event === undefined ? undefined : rows.find(event.id);
    const box = scroller.current;
    if (event === undefined || at === undefined || box === null) return;
    const from = offsets.top(at);
    const to = offsets.top(at + 1);
    if (from < box.scrollTop + 24 || to > box.scrollTop + box.clientHeight - 24) {
      following.value = false;
      const wanted = from < box.scrollTop + 24 ? Math.max(0, from - 80) : to - box.clientHeight + 80;
      box.scrollTop = wanted;
      lastTop.current = box.scrollTop;
      anchor.current = { key: rows.list[at]?.key ?? event.id, offset: box.scrollTop - from };
      setView({ top: box.scrollTop, height: box.clientHeight });
    }
  };

  /** Shows it, and again once the rows around it have their heights, unless somebody scrolls meanwhile. */
  const bring = (index: number): void => {
    const again = (): void => {
      if (route.peek().event === index && Math.abs((scroller.current?.scrollTop ?? 0) - lastTop.current) < 2) active?.show(index);
    };
    show(index);
    requestAnimationFrame(again);
    for (const ms of [120, 500, 900]) setTimeout(again, ms);
  };

  // The selected event comes into view, once, when it is selected from elsewhere.
  const selected = route.value.event;
  const shownFor = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (selected === undefined || isLoading || shownFor.current === selected) return;
    shownFor.current = selected;
    if (room.eventAt(selected) !== undefined) {
      bring(selected);
    } else void room.jumpTo(selected).then(() => bring(selected));
  }, [selected, isLoading, version]);

  useEffect(() => {
    active = {
      show,
      move: (step) => {
        const from = route.value.event === undefined ? undefined : room.eventAt(route.value.event);
        let at = from === undefined ? (step > 0 ? offsets.at(scroller.current?.scrollTop ?? 0) - 1 : count) : (rows.find(from.id) ?? count);
        do at += step;
        while (rows.list[at]?.kind === 'day');
        const next = rows.list[at];
        if (next === undefined || next.kind === 'day') return;
        const event = next.kind === 'fold' ? next.events[0] : next.event;
        if (event === undefined) return;
        shownFor.current = event.index;
        go({ event: event.index, ...(!isNarrow() && { inspect: 'event' as const, subject: undefined }) });
        show(event.index);
        requestAnimationFrame(() => {
          show(event.index);
          list.current?.querySelector<HTMLElement>(`[data-index="${event.index}"] .ix`)?.focus({ preventScroll: true });
        });
      },
      open: () => {
        const event = route.value.event === undefined ? undefined : room.eventAt(route.value.event);
        const at = event === undefined ? undefined : rows.find(event.id);
        const row = at === undefined ? undefined : rows.list[at];
        if (row?.kind === 'fold') toggle(opened, row.key);
        if (event !== undefined) go({ inspect: 'event', subject: undefined });
      },
      newest: () => void jump(),
    };
    return () => (active = undefined);
  });

  const jump = async (): Promise<void> => {
    following.value = true;
    go({ event: undefined });
    await room.jumpToNewest();
    following.value = true;
    requestAnimationFrame(() => settle());
  };

  // What was decided is asked for once the rows stand still.
  const wanted = visible.flatMap((row) => (row.kind === 'event' ? [row.event] : row.kind === 'handoff' ? [row.event] : []));
  const wantedKey = wanted.map(({ id }) => id).join(' ');
  useEffect(() => {
    if (room.as !== undefined) return;
    const timer = setTimeout(() => {
      const ids = wanted.flatMap(({ id, type, parentEventId }) =>
        type === 'message' ? [id, ...(parentEventId === undefined ? [] : [parentEventId])] : [],
      );
      room.wantTraces([...new Set(ids)]);
    }, TRACES_MS);
    return () => clearTimeout(timer);
  }, [wantedKey]);

  if (isLoading) return <Skeleton />;
  const names = room.names.value;
  const traces = room.traces.value;
  const deliveries = room.deliveries.value;
  const find = (id: string): WireEvent | undefined => room.event(id);
  const writing = room.writing.value;
  // Notes of the kit, such as that channels were attached, are not what somebody comes for.
  const isSilent =
    writing.length === 0 && !room.hasEarlier.value && !room.hasLater.value && rows.list.every(({ kind }) => kind !== 'event' && kind !== 'handoff');
  const isEmpty = isSilent && count === 0;
  return (
    <div class="timeline-box">
      <div
        class="timeline"
        id="timeline"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label="Timeline"
        data-following={following.value}
      >
        {!isEmpty && !room.hasEarlier.value && first === 0 && room.as === undefined && <p class="begin">The room begins here.</p>}
        {room.hasEarlier.value && first === 0 && <p class="begin">Reading what was before…</p>}
        <ol
          ref={list}
          class="events"
          style={{ paddingTop: `${offsets.top(first)}px`, paddingBottom: `${Math.max(0, end - offsets.top(last + 1))}px` }}
        >
          {visible.map((row, position) => (
            <RowItem
              key={row.key}
              row={row}
              position={first + position}
              count={count}
              names={names}
              selected={isSelected(row, selected)}
              opened={
                row.kind === 'fold' &&
                (opened.value.has(row.key) || (isSelected(row, selected) && row.events.length > 1 && row.events[0]?.index !== selected))
              }
              find={find}
              trace={row.kind === 'event' ? traces.get(row.event.id) : undefined}
              cause={row.kind === 'event' && row.event.parentEventId !== undefined ? traces.get(row.event.parentEventId) : undefined}
              deliveries={row.kind === 'event' ? deliveries.get(row.event.id) : undefined}
              onToggle={toggleRow(opened)}
            />
          ))}
        </ol>
        {isSilent && (
          <Empty
            title="Nothing was said yet"
            code={`await kit.processInbound(\n  { channelId: 'web', senderId: 'ada', content: 'Hello' },\n  { roomId: '${room.roomId}' },\n);`}
          >
            The first message appears here the moment it is committed. Open the devices below and say something, or send it from code.
          </Empty>
        )}
        <ol class="events writing" aria-hidden="true">
          {writing.map((one) => (
            <WritingItem key={one.streamId} writing={one} names={names} />
          ))}
        </ol>
        <Typing room={room} />
      </div>
      <Follow room={room} following={following} onJump={() => void jump()} />
      <Announcer room={room} />
    </div>
  );
}

function isSelected(row: Row, selected: number | undefined): boolean {
  if (selected === undefined || row.kind === 'day') return false;
  return row.kind === 'fold' ? row.events.some(({ index }) => index === selected) : row.event.index === selected;
}

const togglers = new WeakMap<Signal<ReadonlySet<string>>, (key: string) => void>();

/** The same function at every drawing, so that rows that did not change are not drawn again. */
function toggleRow(opened: Signal<ReadonlySet<string>>): (key: string) => void {
  const known = togglers.get(opened) ?? ((key: string): void => toggle(opened, key));
  togglers.set(opened, known);
  return known;
}

function toggle(opened: Signal<ReadonlySet<string>>, key: string): void {
  const next = new Set(opened.value);
  if (!next.delete(key)) next.add(key);
  opened.value = next;
}

function Follow({ room, following, onJump }: { room: OpenRoom; following: Signal<boolean>; onJump: () => void }): VNode | null {
  const sinceIndex = useRef(room.latestIndex.value);
  const behind = room.latestIndex.value - sinceIndex.current;
  if (following.value) {
    sinceIndex.current = room.latestIndex.value;
    return null;
  }
  return (
    <button type="button" class="follow" onClick={onJump}>
      {behind > 0 ? `${behind} new` : 'Paused'}
      <span>Newest</span>
      <Icon name="down" size={14} />
    </button>
  );
}

function Typing({ room }: { room: OpenRoom }): VNode | null {
  const writing = new Set(room.writing.value.map(({ source }) => source.channelId));
  const typing = room.typing.value.filter((id) => !writing.has(id));
  if (typing.length === 0) return null;
  const names = room.names.value;
  const who = typing.map((id) => names.participants.get(id)?.displayName ?? channelName(names, id));
  return (
    <p class="typing">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {who.join(', ')} {who.length === 1 ? 'is' : 'are'} typing
    </p>
  );
}

const ANNOUNCE_MS = 1500;

/** Tells a screen reader the newest message, never faster than it can be heard. */
function Announcer({ room }: { room: OpenRoom }): VNode {
  const [said, say] = useState('');
  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const newest = useMemo(() => computed(() => room.announced.value), [room]);
  const event = newest.value;
  useEffect(() => {
    if (event === undefined || event.type !== 'message') return;
    pending.current ??= setTimeout(() => {
      pending.current = undefined;
      const latest = room.announced.value;
      if (latest !== undefined) say(`${authorOf(latest.source, room.names.value).name}: ${lineOf(latest).slice(0, 200)}`);
    }, ANNOUNCE_MS);
  }, [event]);
  useEffect(() => () => clearTimeout(pending.current), []);
  return (
    <p class="hidden" role="log" aria-live="polite" aria-label="New messages">
      {said}
    </p>
  );
}

function Skeleton(): VNode {
  return (
    <div class="timeline skeleton" id="timeline" aria-busy="true" aria-label="The timeline is being read">
      {[58, 82, 40, 71, 64, 35, 78].map((width) => (
        <div key={width} class="bone">
          <i />
          <i />
          <i class={`w${width}`} />
        </div>
      ))}
    </div>
  );
}
