/** What an agent's memory may use of the store: nothing that its reader may not see comes out here (MEM-01, MEM-08). */
import { Cancellation } from '../async/cancellation.js';
import { inCleanScope } from '../call-scope.js';
import { isoTime } from '../clock.js';
import { canSeeEvent } from '../delivery/visibility.js';
import { errorCode, TimeoutError } from '../errors.js';
import type { ChannelBinding } from '../models/binding.js';
import type { RoomEvent } from '../models/event.js';
import type { Awaitable } from '../models/json.js';
import type { Participant } from '../models/people.js';
import type { UsageRecord } from '../models/usage.js';
import type { KitParts } from '../parts.js';
import { bindingOf, type RoomState } from '../store/store.js';
import { saveSummary, type StoredSummary, type SummaryBasis } from './summaries.js';

/** Finds earlier events by their words. */
export interface MemorySearch {
  /** The message it is about: its room, and, for `identity`, whose other rooms. */
  readonly event: RoomEvent;
  /** Each is searched by itself: what holds more of them, and longer ones, comes first. */
  readonly words: readonly string[];
  /** `identity`: also the other rooms, of the same organization, of whoever wrote the message. */
  readonly scope: 'room' | 'identity';
  readonly signal: AbortSignal;
}

/** An earlier event that was found, with the people of its room. */
export interface FoundEvent {
  readonly event: RoomEvent;
  readonly participants: readonly Participant[];
}

/** One channel's access to what it may remember. */
export interface MemoryAccess {
  /** Best first; only what the channel may see. Absent when the store has no full-text search. */
  readonly search?: (search: MemorySearch) => Promise<readonly FoundEvent[]>;
  /** Keeps the channel's summary of a room; false when what it was made of no longer stands. */
  saveSummary(roomId: string, made: Pick<StoredSummary, 'text' | 'upToIndex'>, basis: SummaryBasis): Promise<boolean>;
  /** Records what a generation of a memory has cost (USG-01). */
  spent(used: Omit<UsageRecord, 'agentId' | 'cost' | 'at'>): Awaitable<void>;
  /** Runs beside its caller, tracked by the kit and aborted when the kit takes no new work; its failure is logged. */
  background(work: (signal: AbortSignal) => Promise<void>): void;
}

const HITS_PER_WORD = 100;
/** A memory's work may take so long; a model that hangs holds nothing up for ever. */
const WORK_SECONDS = 120;

export function memoryAccess(parts: KitParts, channelId: string): MemoryAccess {
  return {
    ...(parts.store.searchEvents !== undefined && { search: (search) => findForMemory(parts, channelId, search) }),
    saveSummary: (roomId, made, basis) => saveSummary(parts, roomId, channelId, made, basis),
    spent: (used) => {
      const cost = parts.prices?.costOf(used.model, used.tokens);
      return parts.store.addUsage?.([{ ...used, agentId: channelId, at: isoTime(parts.clock.now()), ...(cost !== undefined && { cost }) }]);
    },
    background: (work) => runBeside(parts, channelId, work),
  };
}

function runBeside(parts: KitParts, channelId: string, work: (signal: AbortSignal) => Promise<void>): void {
  if (parts.draining.aborted) return;
  const limit = {
    deadlines: parts.deadlines,
    ms: WORK_SECONDS * 1000,
    reason: () => new TimeoutError(`A memory's work took longer than ${WORK_SECONDS} s.`),
  };
  const cancellation = new Cancellation(undefined, limit);
  const stop = (): void => cancellation.abort(parts.draining.reason as Error);
  parts.draining.addEventListener('abort', stop, { once: true });
  void inCleanScope(() =>
    parts.tasks.run(async () => {
      try {
        await cancellation.guard(work(cancellation.signal));
      } catch (error) {
        if (!parts.draining.aborted) parts.logger.warn('The work of a memory failed.', { channelId, code: errorCode(error) });
      } finally {
        cancellation.release();
        parts.draining.removeEventListener('abort', stop);
      }
    }),
  );
}

/** What is found is looked at in its own room: with that room's binding of the channel. */
async function findForMemory(parts: KitParts, channelId: string, search: MemorySearch): Promise<readonly FoundEvent[]> {
  const { event: asked, words, scope, signal } = search;
  const home = await parts.store.loadRoom(asked.roomId);
  if (home === null) return [];
  const reach = new Reach(parts, channelId, home, scope === 'identity' ? await identityOf(parts, home, asked) : undefined);
  const found = new Map<string, { event: RoomEvent; words: Set<string>; weight: number }>();
  for (const word of words) {
    for (const where of reach.searches) {
      signal.throwIfAborted();
      for (const event of (await parts.store.searchEvents?.({ text: word, limit: HITS_PER_WORD, ...where })) ?? []) {
        const known = found.get(event.id) ?? { event, words: new Set(), weight: 0 };
        found.set(event.id, known);
        if (known.words.has(word)) continue; // found in its room, and in its organization
        known.words.add(word);
        known.weight += word.length;
      }
    }
  }
  const best = [...found.values()].sort(
    (left, right) => right.weight - left.weight || compare(right.event.createdAt, left.event.createdAt) || right.event.index - left.event.index,
  );
  const shown: FoundEvent[] = [];
  for (const { event } of best) {
    signal.throwIfAborted();
    if (event.roomId === asked.roomId && event.index >= asked.index) continue;
    const state = await reach.stateFor(event);
    if (state !== undefined) shown.push({ event, participants: state.participants });
  }
  return shown;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Who wrote it, as the identity that stands behind it today (IDN-13). */
async function identityOf(parts: KitParts, { participants }: RoomState, { source }: RoomEvent): Promise<string | undefined> {
  const writer = participants.find(({ id }) => id === source.participantId);
  return writer?.identification !== 'identified' ? undefined : canonical(parts, writer.identityId);
}

async function canonical(parts: KitParts, identityId: string | undefined): Promise<string | undefined> {
  return identityId === undefined ? undefined : ((await parts.store.getIdentity(identityId))?.id ?? identityId);
}

/** Which rooms may be looked into, and what of them may be shown. */
class Reach {
  readonly searches: readonly { roomId?: string; organizationId?: string }[];
  readonly #states = new Map<string, { state: RoomState; binding: ChannelBinding; people: readonly ChannelBinding[] } | undefined>();

  constructor(
    private readonly parts: KitParts,
    private readonly channelId: string,
    private readonly home: RoomState,
    private readonly identityId: string | undefined,
  ) {
    const { id: roomId, organizationId } = home.room;
    const others = identityId === undefined ? [] : [organizationId === undefined ? {} : { organizationId }];
    this.searches = [{ roomId }, ...others];
  }

  /** The state of the event's room when the event may be shown. */
  async stateFor(event: RoomEvent): Promise<RoomState | undefined> {
    const { roomId } = event;
    if (!this.#states.has(roomId)) this.#states.set(roomId, await this.#look(roomId));
    const seen = this.#states.get(roomId);
    if (seen === undefined || !canSeeEvent(event, seen.binding)) return undefined;
    if (roomId === this.home.room.id) return seen.state;
    // Of another room only what the person was told there, too: not what others said to the agent alone.
    return seen.people.some((binding) => canSeeEvent(event, binding)) ? seen.state : undefined;
  }

  async #look(roomId: string): Promise<{ state: RoomState; binding: ChannelBinding; people: readonly ChannelBinding[] } | undefined> {
    const state = roomId === this.home.room.id ? this.home : await this.parts.store.loadRoom(roomId);
    if (state === null || state.room.organizationId !== this.home.room.organizationId) return undefined;
    const binding = bindingOf(state, this.channelId);
    if (binding === undefined) return undefined;
    if (state === this.home) return { state, binding, people: [] };
    const channels = new Set<string>();
    for (const participant of state.participants) {
      if (participant.identification !== 'identified' || participant.status === 'banned') continue;
      if ((await canonical(this.parts, participant.identityId)) !== this.identityId) continue;
      for (const channelId of [participant.channelId, ...participant.connectedVia]) channels.add(channelId);
    }
    if (channels.size === 0) return undefined;
    return { state, binding, people: state.bindings.filter(({ channelId }) => channels.has(channelId)) };
  }
}
