/** What became of something somebody pressed: a line at the bottom that goes by itself, errors when they were read. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { Icon } from './icons.js';

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isError: boolean;
}

const notices = signal<readonly Notice[]>([]);
let last = 0;

export function tell(text: string): void {
  add(text, false);
}

export function complain(error: unknown): void {
  add(error instanceof Error ? error.message : String(error), true);
}

function add(text: string, isError: boolean): void {
  const id = ++last;
  notices.value = [...notices.value.slice(-2), { id, text, isError }];
  if (!isError) setTimeout(() => remove(id), 4000);
}

function remove(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices(): VNode {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, isError }) => (
        <p key={id} class={isError ? 'notice error' : 'notice'}>
          <Icon name={isError ? 'warn' : 'check'} />
          <span>{text}</span>
          <button type="button" class="bare" aria-label="Close" onClick={() => remove(id)}>
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}
