/** How the kit itself is: in short below the rooms, in full in the inspector. */
import { effect, signal, untracked } from '@preact/signals';
import type { VNode } from 'preact';
import { api } from '../api.js';
import { milliseconds } from '../logic/time.js';
import { access, connection, hear, now } from '../store/host.js';
import { go, route } from '../store/route.js';
import { rooms } from '../store/rooms.js';
import { Hidden } from './icons.js';
import type { KitInfo, Statistics } from '../types.js';

const EVERY_MS = 3000;

export const health = signal<Statistics | undefined>(undefined);
export const kitInfo = signal<KitInfo | undefined>(undefined);
/** Committed events in each of the last seconds, newest last. */
export const rate = signal<readonly number[]>([]);

const lastIndex = new Map<string, number>();
let counted = 0;

// Rooms tell their latest index four times a second at most: what lies between was committed meanwhile.
hear((frame) => {
  if (frame.type !== 'room') return;
  const { id, latestIndex } = frame.room;
  const before = lastIndex.get(id) ?? rooms.value.get(id)?.latestIndex ?? latestIndex;
  lastIndex.set(id, latestIndex);
  counted += Math.max(0, latestIndex - before);
});

setInterval(() => {
  rate.value = [...rate.value.slice(-59), counted];
  counted = 0;
}, 1000);

async function read(): Promise<void> {
  try {
    const [statistics, kit] = await Promise.all([api.statistics(), kitInfo.value ?? api.kit()]);
    health.value = statistics;
    kitInfo.value = kit;
  } catch {
    health.value = undefined;
  }
}

effect(() => {
  if (access.value.kind === 'open' && connection.value.kind === 'online') untracked(() => void read());
});
setInterval(() => {
  if (access.value.kind === 'open' && connection.value.kind === 'online' && !document.hidden) void read();
}, EVERY_MS);

/** Age of what waits longest in the outbox; below 0 when nothing waits. */
export function oldestMs(): number {
  const at = health.value?.oldestQueuedAt;
  return at === undefined ? -1 : Math.max(0, now.value - Date.parse(at));
}

/** Events per second, over the last five. */
export function eventsPerSecond(): number {
  const recent = rate.value.slice(-5);
  return recent.length === 0 ? 0 : recent.reduce((sum, count) => sum + count, 0) / recent.length;
}

/** As people read it: one decimal while there are few. */
export function shownRate(): string {
  const perSecond = eventsPerSecond();
  return perSecond === 0 ? '0' : perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

export function openBreakers(): readonly string[] {
  return Object.entries(health.value?.breakers ?? {}).flatMap(([channelId, state]) => (state === 'closed' ? [] : [channelId]));
}

export function HealthStrip(): VNode {
  const known = health.value;
  const open = openBreakers();
  return (
    <button
      type="button"
      class="health"
      aria-pressed={route.value.inspect === 'health'}
      onClick={() => go({ inspect: route.value.inspect === 'health' ? undefined : 'health', subject: undefined })}
    >
      <Hidden>Health of the kit</Hidden>
      <span>Events / s</span>
      <b>{shownRate()}</b>
      <span>Oldest undelivered</span>
      <b class={oldestMs() > 10_000 ? 'wait' : ''}>{known === undefined ? '–' : oldestMs() < 0 ? 'none' : milliseconds(oldestMs())}</b>
      <span>Lanes busy</span>
      <b>{known?.lanes ?? '–'}</b>
      <span>Breakers open</span>
      <b class={known === undefined ? '' : open.length > 0 ? 'fail' : 'ok'}>{known === undefined ? '–' : open.length > 0 ? open.length : 'none'}</b>
    </button>
  );
}
