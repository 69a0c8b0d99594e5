/** The newest events and nothing else (MEM-02). */
import { ValidationError } from '../../core/errors.js';
import type { RoomEvent } from '../../core/models/event.js';
import { EMPTY_LIST } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import type { MemoryProvider, MemoryResult } from './memory.js';

/** How wide the window is. */
export interface SlidingWindowOptions {
  /** Default 50; 0 shows none. */
  readonly maxEvents?: number;
}

/** The newest events of the room, as many as asked for. The default memory. */
export class SlidingWindowMemory implements MemoryProvider {
  readonly name = 'SlidingWindow';
  readonly maxEvents: number;

  constructor(options: SlidingWindowOptions = {}) {
    const given: unknown = options;
    if (typeof given !== 'object' || given === null) {
      throw new ValidationError(`SlidingWindowMemory was given ${JSON.stringify(given)}. Give { maxEvents: 50 }.`);
    }
    this.maxEvents = options.maxEvents ?? 50;
    if (!Number.isInteger(this.maxEvents) || this.maxEvents < 0) {
      throw new ValidationError(`Option maxEvents is ${JSON.stringify(options.maxEvents)}. Give a whole number of 0 or more.`);
    }
  }

  retrieve(_roomId: string, _event: RoomEvent, context: RoomContext): MemoryResult {
    return { messages: EMPTY_LIST, events: newest(context.recentEvents, this.maxEvents) };
  }
}

/** The last `count` events, ascending. */
export function newest(events: readonly RoomEvent[], count: number): readonly RoomEvent[] {
  if (events.length <= count) return events;
  return count === 0 ? EMPTY_LIST : events.slice(-count);
}
