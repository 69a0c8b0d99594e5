/** Finds a room, a person or a text: what the list knows at once, and the words of all events from the server. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../api.js';
import { lineOf } from '../logic/content.js';
import { authorOf, namesOf, NO_NAMES } from '../logic/names.js';
import { ago } from '../logic/time.js';
import { now } from '../store/host.js';
import { go, route } from '../store/route.js';
import { activityOf, rooms, sorted, summaries, titleOf } from '../store/rooms.js';
import type { WireEvent } from '../types.js';
import { Icon } from './icons.js';

export const searchOpen = signal(false);

interface Hit {
  readonly key: string;
  readonly icon: 'chat' | 'person' | 'search';
  readonly title: string;
  readonly about: string;
  readonly side: string;
  readonly open: () => void;
}

const WAIT_MS = 200;
const MOST = 30;

export function Search(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [query, setQuery] = useState('');
  const [events, setEvents] = useState<readonly WireEvent[]>([]);
  const [state, setState] = useState<{ readonly kind: 'idle' | 'busy' | 'failed'; readonly reason?: string }>({ kind: 'idle' });
  const [here, setHere] = useState(false);
  const [chosen, choose] = useState(0);
  const { roomId } = route.value;
  const words = query.trim();
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    choose(0);
    if (words.length < 2) {
      setEvents([]);
      setState({ kind: 'idle' });
      return;
    }
    let isStale = false;
    setState({ kind: 'busy' });
    const timer = setTimeout(() => {
      api.search({ text: words, limit: MOST, ...(here && roomId !== undefined && { roomId }) }).then(
        (found) => {
          if (isStale) return;
          setEvents(found);
          setState({ kind: 'idle' });
        },
        (error: unknown) => {
          if (isStale) return;
          setEvents([]);
          setState({ kind: 'failed', reason: error instanceof ApiError ? error.message : 'The search failed.' });
        },
      );
    }, WAIT_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [words, here]);

  const close = (): void => dialog.current?.close();
  const hits = [...(here ? [] : roomHits(words)), ...(here ? [] : personHits(words)), ...events.map(eventHit)];
  const openHit = (hit: Hit | undefined): void => {
    if (hit === undefined) return;
    close();
    hit.open();
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const next = Math.max(0, Math.min(hits.length - 1, chosen + step));
      choose(next);
      list.current?.querySelectorAll('[role=option]')[next]?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      openHit(hits[chosen]);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="dialog search"
      aria-label="Search"
      onClose={() => (searchOpen.value = false)}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="search-hits"
          aria-activedescendant={hits[chosen] === undefined ? undefined : `hit-${chosen}`}
          placeholder="Find a room, person, text"
          aria-label="Find a room, person, text"
          autofocus
          autocomplete="off"
          spellcheck={false}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        {roomId !== undefined && (
          <button type="button" class="scope" aria-pressed={here} onClick={() => setHere(!here)}>
            this room only
          </button>
        )}
      </div>
      <ul id="search-hits" ref={list} role="listbox" aria-label="Found">
        {hits.map((hit, position) => (
          <li
            key={hit.key}
            id={`hit-${position}`}
            role="option"
            aria-selected={position === chosen}
            onMouseMove={() => choose(position)}
            onClick={() => openHit(hit)}
          >
            <Icon name={hit.icon} size={14} />
            <span class="title">
              <Marked text={hit.title} words={words} />
            </span>
            <span class="side">{hit.side}</span>
            {hit.about !== '' && (
              <span class="about" dir="auto">
                <Marked text={hit.about} words={words} />
              </span>
            )}
          </li>
        ))}
      </ul>
      <p class="foot" role="status">
        {state.kind === 'failed'
          ? state.reason
          : state.kind === 'busy'
            ? 'Searching the words of all events…'
            : words.length < 2
              ? 'Rooms and people by name; two letters or more search every event.'
              : hits.length === 0
                ? `Nothing has “${words}” in it.`
                : `${hits.length} found. Arrows choose, Enter opens.`}
      </p>
    </dialog>
  );
}

function roomHits(words: string): Hit[] {
  const asked = words.toLowerCase();
  return sorted.value
    .filter((room) => asked === '' || room.id.toLowerCase().includes(asked) || titleOf(room).toLowerCase().includes(asked))
    .slice(0, 6)
    .map((room) => ({
      key: `room ${room.id}`,
      icon: 'chat',
      title: titleOf(room),
      about: '',
      side: `${room.status} · ${ago(activityOf(room), now.peek())}`,
      open: () => go({ roomId: room.id }),
    }));
}

function personHits(words: string): Hit[] {
  if (words === '') return [];
  const asked = words.toLowerCase();
  const hits: Hit[] = [];
  for (const { detail } of summaries.value.values()) {
    for (const { id, displayName, channelId } of detail.participants) {
      if (!(displayName ?? id).toLowerCase().includes(asked) && !id.toLowerCase().includes(asked)) continue;
      hits.push({
        key: `person ${detail.room.id} ${id}`,
        icon: 'person',
        title: displayName ?? id,
        about: '',
        side: `${channelId} in ${titleOf(detail.room)}`,
        open: () => go({ roomId: detail.room.id, inspect: 'participant', subject: id }),
      });
    }
  }
  return hits.slice(0, 4);
}

function eventHit(event: WireEvent): Hit {
  const room = rooms.value.get(event.roomId);
  const detail = summaries.value.get(event.roomId)?.detail;
  const names = detail === undefined ? NO_NAMES : namesOf(detail.bindings, detail.participants);
  return {
    key: event.id,
    icon: 'search',
    title: authorOf(event.source, names).name,
    about: lineOf(event),
    side: `${room === undefined ? event.roomId : titleOf(room)} · ${event.index} · ${ago(event.createdAt, now.peek())}`,
    open: () => go({ roomId: event.roomId, event: event.index, inspect: 'event', subject: undefined, as: undefined }),
  };
}

/** The found words stand out. A long text begins shortly before them. */
function Marked({ text, words }: { text: string; words: string }): VNode {
  const at = words === '' ? -1 : text.toLowerCase().indexOf(words.toLowerCase());
  if (at < 0) return <>{text.slice(0, 200)}</>;
  const from = Math.max(0, at - 60);
  return (
    <>
      {from > 0 && '…'}
      {text.slice(from, at)}
      <mark>{text.slice(at, at + words.length)}</mark>
      {text.slice(at + words.length, at + words.length + 140)}
    </>
  );
}
