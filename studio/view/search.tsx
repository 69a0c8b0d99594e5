/** Finds a room, a person or a text. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { go } from '../store/route.js';
import { sorted, titleOf } from '../store/rooms.js';
import { Icon } from './icons.js';

export const searchOpen = signal(false);

export function Search(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [query, setQuery] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const words = query.trim().toLowerCase();
  const found = sorted.value
    .filter((room) => words === '' || room.id.toLowerCase().includes(words) || titleOf(room).toLowerCase().includes(words))
    .slice(0, 8);
  return (
    <dialog
      ref={dialog}
      class="dialog search"
      aria-label="Search"
      onClose={() => (searchOpen.value = false)}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <label>
        <Icon name="search" />
        <input
          type="search"
          placeholder="Find a room, person, text"
          aria-label="Find a room, person, text"
          autofocus
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </label>
      <ul>
        {found.map((room) => (
          <li key={room.id}>
            <button
              type="button"
              onClick={() => {
                dialog.current?.close();
                go({ roomId: room.id });
              }}
            >
              {titleOf(room)}
            </button>
          </li>
        ))}
      </ul>
    </dialog>
  );
}
