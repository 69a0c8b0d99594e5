/** The rooms of the kit, newest first, with what the list says of each; kept up to date by the host's socket. */
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { api, ApiError } from '../api.js';
import { roomTitle } from '../logic/names.js';
import { isQuiet } from '../logic/rows.js';
import type { Room, RoomDetail, WireEvent } from '../types.js';
import { generation, hear, say } from './host.js';
import { route } from './route.js';

/** What the list knows of a room beyond the room itself; read when it comes into view. */
export interface Summary {
  readonly detail: RoomDetail;
  readonly last: WireEvent | undefined;
  /** The room's latest index when this was read. */
  readonly at: number;
}

export type Filter = 'all' | 'live' | 'waiting' | 'closed';

const PAGE = 200;
/** Among so many of a room's newest events the last that was said is looked for. */
export const SUMMARY_EVENTS = 8;
/** A room counts as live so long after its last event. */
export const LIVE_MS = 60_000;

export const rooms = signal<ReadonlyMap<string, Room>>(new Map());
export const loading = signal<'first' | 'idle' | 'failed'>('first');
export const failure = signal<string | undefined>(undefined);
export const hasMore = signal(false);
export const summaries = signal<ReadonlyMap<string, Summary>>(new Map());
export const filter = signal<Filter>('all');

/** Newest activity first. */
export const sorted = computed(() =>
  [...rooms.value.values()].sort((a, b) => (activityOf(a) < activityOf(b) ? 1 : activityOf(a) > activityOf(b) ? -1 : 0)),
);

export function activityOf({ updatedAt, timers }: Room): string {
  return timers.lastActivityAt !== undefined && timers.lastActivityAt > updatedAt ? timers.lastActivityAt : updatedAt;
}

export const shown = computed(() => sorted.value.filter((room) => matches(room, filter.value)));

function matches(room: Room, wanted: Filter): boolean {
  switch (wanted) {
    case 'all':
      return true;
    case 'live':
      return room.status === 'active' || room.status === 'paused';
    case 'waiting':
      return isWithHuman(room);
    case 'closed':
      return room.status === 'closed' || room.status === 'archived';
  }
}

/** A person has the conversation. */
export function isWithHuman(room: Room): boolean {
  const state = room.metadata['_conversation_state'] as { activeAgentId?: string | null; context?: Record<string, unknown> } | undefined;
  return state?.activeAgentId == null && state?.context?.['handled_by'] === 'human';
}

export function titleOf(room: Room): string {
  return roomTitle(room.id, summaries.value.get(room.id)?.detail.participants ?? [], room.metadata);
}

// --- reading -----------------------------------------------------------------------------------------------------------

export async function loadRooms(): Promise<void> {
  try {
    const found = await api.listRooms({ limit: PAGE });
    batch(() => {
      const known = new Map(untracked(() => rooms.value));
      for (const room of found) known.set(room.id, newer(known.get(room.id), room));
      rooms.value = known;
      hasMore.value = found.length === PAGE;
      loading.value = 'idle';
      failure.value = undefined;
    });
    baseline(found);
  } catch (error) {
    loading.value = 'failed';
    failure.value = error instanceof ApiError ? error.message : String(error);
  }
}

export async function loadMoreRooms(): Promise<void> {
  const found = await api.listRooms({ limit: PAGE, offset: rooms.value.size });
  rooms.value = new Map([...rooms.value, ...found.map((room) => [room.id, room] as const)]);
  hasMore.value = found.length === PAGE;
  baseline(found);
}

function newer(known: Room | undefined, room: Room): Room {
  return known !== undefined && known.version > room.version && known.latestIndex >= room.latestIndex ? known : room;
}

export function putRoom(room: Room): void {
  rooms.value = new Map(rooms.value).set(room.id, room);
}

hear((frame) => {
  if (frame.type === 'room') arrived.set(frame.room.id, frame.room);
  if (frame.type === 'room' && arrived.size === 1) setTimeout(takeArrived, 100);
});

const arrived = new Map<string, Room>();

/** Many rooms may change at once: the list is drawn once for all of them. */
function takeArrived(): void {
  rooms.value = new Map([...rooms.value, ...arrived]);
  for (const room of arrived.values()) if (!seen.value.has(room.id)) markSeen(room.id, -1);
  arrived.clear();
}

effect(() => {
  if (generation.value === 0) return;
  untracked(() => {
    say({ type: 'subscribe', id: 'rooms', roomId: '*' });
    void loadRooms();
  });
});

// --- what the list says ------------------------------------------------------------------------------------------------

const wanted = new Set<string>();
let isReading = false;

/** Asks for what the list says of a room; called for every room in view, cheap when it is known. */
export function want(room: Room): void {
  const known = summaries.value.get(room.id);
  if (known !== undefined && known.at >= room.latestIndex && known.detail.room.version >= room.version) return;
  wanted.add(room.id);
  if (!isReading) void readWanted();
}

async function readWanted(): Promise<void> {
  isReading = true;
  while (wanted.size > 0) {
    const next = [...wanted].slice(0, 4);
    const read = await Promise.all(
      next.map(async (roomId) => {
        wanted.delete(roomId);
        return summarize(roomId).catch(() => undefined);
      }),
    );
    const known = new Map(summaries.value);
    for (const summary of read) if (summary !== undefined) known.set(summary.detail.room.id, summary);
    summaries.value = known;
    // At most some twenty questions a second, however many rooms are busy.
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  isReading = false;
}

async function summarize(roomId: string): Promise<Summary> {
  const [detail, page] = await Promise.all([api.readRoom(roomId), api.readEvents(roomId, { newestFirst: true, limit: SUMMARY_EVENTS })]);
  const last = [...page.events].reverse().find((event) => !isQuiet(event)) ?? page.events.at(-1);
  return { detail, last, at: page.latestIndex };
}

// --- unread ------------------------------------------------------------------------------------------------------------

const SEEN = 'roomkit-studio-seen';

/** Room → the last index somebody looked at in this browser. */
export const seen = signal<ReadonlyMap<string, number>>(readSeen());

export function unreadOf(room: Room): number {
  if (room.id === route.value.roomId) return 0;
  const last = seen.value.get(room.id);
  return last === undefined ? 0 : Math.max(0, room.latestIndex - last);
}

export function markSeen(roomId: string, index: number): void {
  const before = seen.value.get(roomId);
  if (before !== undefined && before >= index) return;
  seen.value = new Map(seen.value).set(roomId, index);
  saveSeen();
}

/** What was there before anybody looked is not news. */
function baseline(found: readonly Room[]): void {
  const next = new Map(seen.value);
  for (const room of found) if (!next.has(room.id)) next.set(room.id, room.latestIndex);
  seen.value = next;
  saveSeen();
}

function readSeen(): Map<string, number> {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(SEEN) ?? '{}') as Record<string, number>)); // written by saveSeen
  } catch {
    return new Map();
  }
}

let saving: ReturnType<typeof setTimeout> | undefined;

function saveSeen(): void {
  clearTimeout(saving);
  saving = setTimeout(() => {
    try {
      localStorage.setItem(SEEN, JSON.stringify(Object.fromEntries([...seen.value].slice(-1000))));
    } catch {
      // A full or forbidden storage forgets what was read; nothing else is lost.
    }
  }, 500);
}
