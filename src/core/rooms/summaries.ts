/**
 * What a memory has made of a room's older events, one per reader, in the room's metadata (MEM-07). A summary is for its
 * reader alone: what goes to anybody else, or to a client, goes without.
 */
import { canRead, canSeeEvent } from '../delivery/visibility.js';
import { isoTime } from '../clock.js';
import type { RoomEvent } from '../models/event.js';
import type { Metadata } from '../models/json.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import type { Section } from '../pipeline/section.js';
import { bindingOf, type RoomState } from '../store/store.js';
import type { RoomContext } from './context.js';
import { inRoom } from './lifecycle.js';

/** The key of the metadata. Channel id → its {@link StoredSummary}. */
export const SUMMARIES = '_summaries';

/** What a reader's older events come to. */
export interface StoredSummary {
  readonly text: string;
  /** Everything it may see up to this index is in it. */
  readonly upToIndex: number;
  readonly madeAt: string;
}

/** The room without anybody's summaries; the same object where there are none. */
export function withoutSummaries<Of extends { readonly metadata: Metadata }>(room: Of): Of {
  if (room.metadata[SUMMARIES] === undefined) return room;
  const { [SUMMARIES]: _summaries, ...metadata } = room.metadata;
  return { ...room, metadata };
}

/** A reader's own, for as long as it may read. */
export function summaryOf(context: Pick<RoomContext, 'room' | 'getBinding'>, channelId: string): StoredSummary | undefined {
  const binding = context.getBinding(channelId);
  return binding === undefined || !canRead(binding) ? undefined : storedSummary(context.room, channelId);
}

function storedSummary(room: Pick<Room, 'metadata'>, channelId: string): StoredSummary | undefined {
  const all: unknown = room.metadata[SUMMARIES];
  if (typeof all !== 'object' || all === null || !Object.hasOwn(all, channelId)) return undefined;
  const one = (all as Readonly<Record<string, Partial<StoredSummary> | null>>)[channelId];
  if (typeof one?.text !== 'string' || !Number.isInteger(one.upToIndex)) return undefined;
  return { text: one.text, upToIndex: Number(one.upToIndex), madeAt: String(one.madeAt) };
}

/** What a new summary was made of: it is kept only when all of that still stands. */
export interface SummaryBasis {
  /** The summary it goes on from. */
  readonly previous: StoredSummary | undefined;
  readonly folded: readonly RoomEvent[];
}

/** False when something it was made of was changed, removed or hidden meanwhile, or another one came first. */
export function saveSummary(
  parts: KitParts,
  roomId: string,
  channelId: string,
  made: Pick<StoredSummary, 'text' | 'upToIndex'>,
  basis: SummaryBasis,
): Promise<boolean> {
  return inRoom(parts, roomId, async (section, state) => {
    const current = storedSummary(state.room, channelId);
    if (current?.upToIndex !== basis.previous?.upToIndex || current?.text !== basis.previous?.text) return false;
    if (!(await stillStands(parts, state, channelId, basis.folded))) return false;
    const others = state.room.metadata[SUMMARIES] as Metadata | undefined;
    const summary = { text: made.text, upToIndex: made.upToIndex, madeAt: isoTime(parts.clock.now()) };
    await parts.store.patchRoomMetadata(roomId, { [SUMMARIES]: { ...others, [channelId]: summary } }, section.writeOptions);
    return true;
  });
}

async function stillStands(parts: KitParts, state: RoomState, channelId: string, folded: readonly RoomEvent[]): Promise<boolean> {
  const binding = bindingOf(state, channelId);
  if (binding === undefined || !canRead(binding)) return false;
  for (const event of folded) {
    const now = await parts.store.getEvent(state.room.id, event.id);
    if (now === null || !canSeeEvent(now, binding)) return false;
    if (now.content !== event.content && JSON.stringify(now.content) !== JSON.stringify(event.content)) return false;
  }
  return true;
}

/** The metadata without the summaries that hold this event; undefined when none does. They are made anew (MEM-07). */
export function summariesWithout(room: Pick<Room, 'metadata'>, index: number): Metadata | undefined {
  const all = room.metadata[SUMMARIES] as Metadata | undefined;
  if (all === undefined) return undefined;
  const entries = Object.entries(all);
  const kept = entries.filter(([channelId]) => (storedSummary(room, channelId)?.upToIndex ?? Infinity) < index);
  if (kept.length === entries.length) return undefined;
  return { [SUMMARIES]: kept.length === 0 ? undefined : Object.fromEntries(kept) };
}

/** A host changed or removed an event. */
export async function dropSummaries(parts: KitParts, section: Section, room: Room, index: number): Promise<void> {
  const patch = summariesWithout(room, index);
  if (patch !== undefined) await parts.store.patchRoomMetadata(room.id, patch, section.writeOptions);
}
