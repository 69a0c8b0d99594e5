/** Everything by keyboard: which keys there are, and what they do. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { go, isNarrow, route } from '../store/route.js';
import { showApprovals } from './approvals.js';
import { searchOpen } from './search.js';
import { moveRoom } from './room-list.js';
import { moveRow, openRow, toNewest } from './timeline.js';

export const helpOpen = signal(false);

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['j', 'k'], 'next and previous event'],
  [['Enter'], 'inspect the event, open a fold'],
  [['/'], 'search'],
  [['[', ']'], 'previous and next room'],
  [['g'], 'go to the newest and follow it'],
  [['d'], 'devices: speak as a customer'],
  [['a'], 'approvals that wait'],
  [['h'], 'health of the kit'],
  [['Escape'], 'close what is open'],
  [['?'], 'this list'],
];

export function useKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement;
      if (event.key === 'Escape') return onEscape(target);
      if (target.closest('input, textarea, select, dialog, [contenteditable]') !== null) return;
      const action = ACTIONS[event.key];
      if (action === undefined || action(target) === false) return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** False: the key is left to whom it was for. */
const ACTIONS: Readonly<Record<string, (target: HTMLElement) => void | false>> = {
  j: () => moveRow(1),
  k: () => moveRow(-1),
  // A button is pressed, also the one of a row that is not the selected one.
  Enter: (target) => (target.closest('button, a, summary') !== null ? false : openRow()),
  '/': () => void (searchOpen.value = true),
  '?': () => void (helpOpen.value = true),
  '[': () => moveRoom(-1),
  ']': () => moveRoom(1),
  g: () => toNewest(),
  d: () => go({ devices: !route.value.devices }),
  a: () => (route.value.inspect === 'approvals' ? go({ inspect: undefined, subject: undefined }) : showApprovals()),
  h: () => go({ inspect: route.value.inspect === 'health' ? undefined : 'health' }),
};

function onEscape(target: HTMLElement): void {
  if (target.closest('dialog') !== null) return; // closes itself
  if (target.matches('input, textarea')) target.blur();
  else if (route.value.inspect !== undefined) go({ inspect: undefined, subject: undefined });
  else if (route.value.event !== undefined) go({ event: undefined });
  else if (isNarrow() && route.value.roomId !== undefined) go({ roomId: undefined });
}

export function Help(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="help-title"
      onClose={() => (helpOpen.value = false)}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" class="actions">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
