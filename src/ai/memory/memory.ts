/** The contract of an agent's memory (MEM-01): what of a conversation a model is shown. */
import type { AIMessage, AITool, Usage } from '../../core/models/ai.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Awaitable } from '../../core/models/json.js';
import type { Logger } from '../../core/logger.js';
import type { RoomContext } from '../../core/rooms/context.js';
import type { FoundEvent } from '../../core/rooms/memory-access.js';
import type { StoredSummary, SummaryBasis } from '../../core/rooms/summaries.js';

/** What a model is shown of the past. */
export interface MemoryResult {
  /** Put before the events. */
  readonly messages: readonly AIMessage[];
  /** Ascending; turned into messages by the channel. */
  readonly events: readonly RoomEvent[];
}

/** What a memory may count on while it decides. */
export interface MemoryOptions {
  /** Aborted with the turn (TURN-02). */
  readonly signal: AbortSignal;
  /** What else the model will be given; budgets reserve it (MEM-05). */
  readonly systemPrompt?: string;
  /** The tools the model will be offered. */
  readonly tools: readonly AITool[];
  /** All that the turn answers, oldest first; the last one is the event asked about. Absent: that one alone. */
  readonly triggers?: readonly RoomEvent[];
  /** What the store holds for this reader. Absent where there is none, as in a test without a kit. */
  readonly store?: MemoryStore;
}

/** What a memory may use of the store: the reader's own view of it, and nothing beside. */
export interface MemoryStore {
  readonly logger: Logger;
  /** The room's conversation as the reader may see it, ascending. */
  events(query: { readonly afterIndex: number; readonly limit: number }): Promise<{ readonly events: readonly RoomEvent[]; readonly more: boolean }>;
  /** Earlier messages with some of these words, best first, without what the turn answers. Absent when the store has no full-text search. */
  readonly search?: (words: readonly string[], options: { scope: 'room' | 'identity'; signal: AbortSignal }) => Promise<readonly FoundEvent[]>;
  /** What {@link MemoryStore.saveSummary} has kept; gone when an event in it was changed or removed. */
  summary(): StoredSummary | undefined;
  /** Keeps a summary for this reader alone; false when what it was made of no longer stands. */
  saveSummary(made: Pick<StoredSummary, 'text' | 'upToIndex'>, basis: SummaryBasis): Promise<boolean>;
  /** Says what a generation of the memory's own has cost (USG-01). */
  spent(used: { readonly provider: string; readonly model: string; readonly tokens: Usage; readonly ms: number }): Awaitable<void>;
  /** For how long something took, in milliseconds. */
  monotonic(): number;
  /** Runs beside the turn. The kit waits for it, and aborts it when it closes. */
  background(work: (signal: AbortSignal) => Promise<void>): void;
}

/** An agent's memory. What it throws is logged, and the plain window takes its place (MEM-04). */
export interface MemoryProvider {
  readonly name: string;
  /** How many events it wants to be handed; default 50. */
  readonly maxEvents?: number | undefined;
  /**
   * What to show for this event. `context.recentEvents` is the history as this reader may see it, without the event
   * itself; older events are in `options.store`, which shows the same reader's view. There is no other way to them, on purpose.
   */
  retrieve(roomId: string, event: RoomEvent, context: RoomContext, channelId: string, options: MemoryOptions): Awaitable<MemoryResult>;
  /** Told once of every committed event the reader may see. */
  ingest?(event: RoomEvent): Awaitable<void>;
  /** Forgets a room. */
  clear?(roomId: string): Awaitable<void>;
  /** Called when the agent's channel closes. */
  close?(): Awaitable<void>;
}
