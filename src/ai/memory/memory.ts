/** The contract of an agent's memory (MEM-01): what of a conversation a model is shown. */
import type { AIMessage, AITool } from '../../core/models/ai.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Awaitable } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';

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
}

/** An agent's memory. What it throws is logged, and the plain window takes its place (MEM-04). */
export interface MemoryProvider {
  readonly name: string;
  /** How many events it wants to be handed; default 50. */
  readonly maxEvents?: number | undefined;
  /**
   * What to show for this event. `context.recentEvents` is the history as this reader may see it, without the event
   * itself; there is no other way to older events, on purpose.
   */
  retrieve(roomId: string, event: RoomEvent, context: RoomContext, channelId: string, options: MemoryOptions): Awaitable<MemoryResult>;
  /** Told once of every committed event the reader may see. */
  ingest?(event: RoomEvent): Awaitable<void>;
  /** Forgets a room. */
  clear?(roomId: string): Awaitable<void>;
  /** Called when the agent's channel closes. */
  close?(): Awaitable<void>;
}
