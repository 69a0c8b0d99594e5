/** A memory that says what it is told to and records what it was asked (behaviour §28). */
import type { AIMessage } from '../../core/models/ai.js';
import type { RoomEvent } from '../../core/models/event.js';
import { EMPTY_LIST } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import type { MemoryOptions, MemoryProvider, MemoryResult } from './memory.js';

/** What a mock memory shows. */
export interface MockMemoryOptions {
  /** Put before the history; default none. */
  readonly messages?: readonly AIMessage[];
  /** Default: the history it is handed. */
  readonly events?: readonly RoomEvent[];
  /** Thrown by every retrieval. */
  readonly error?: Error;
}

/** One retrieval, as it was asked for. */
export interface MemoryCall {
  readonly roomId: string;
  readonly event: RoomEvent;
  readonly context: RoomContext;
  readonly channelId: string;
  readonly options: MemoryOptions;
}

/** For tests: records every call, shows what it was given. */
export class MockMemoryProvider implements MemoryProvider {
  readonly name = 'Mock';
  readonly calls: MemoryCall[] = [];
  readonly ingested: RoomEvent[] = [];
  readonly cleared: string[] = [];
  closed = false;

  constructor(private readonly options: MockMemoryOptions = {}) {}

  retrieve(roomId: string, event: RoomEvent, context: RoomContext, channelId: string, options: MemoryOptions): MemoryResult {
    this.calls.push({ roomId, event, context, channelId, options });
    if (this.options.error !== undefined) throw this.options.error;
    return { messages: this.options.messages ?? EMPTY_LIST, events: this.options.events ?? context.recentEvents };
  }

  ingest(event: RoomEvent): void {
    this.ingested.push(event);
  }

  clear(roomId: string): void {
    this.cleared.push(roomId);
  }

  close(): void {
    this.closed = true;
  }
}
