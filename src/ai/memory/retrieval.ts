/** What was said of this before: the store's full-text hits for the newest message (MEM-08). */
import { errorCode, ValidationError } from '../../core/errors.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Awaitable } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import type { FoundEvent } from '../../core/rooms/memory-access.js';
import { readContent } from '../content-parts.js';
import { FOUND_END, FOUND_MARK, singleLine } from '../escape.js';
import { speakerName } from '../speakers.js';
import type { MemoryOptions, MemoryProvider, MemoryResult } from './memory.js';

/** How much is found, and where. */
export interface RetrievalOptions {
  /** Default 5. */
  readonly maxHits?: number;
  /**
   * `room` (default): in this room. `identity`: also in other rooms of the same organization that the agent is in, of the
   * identified person who wrote the message, and of those only what this person may read there.
   */
  readonly scope?: 'room' | 'identity';
}

/** The longest words of a message say most of what it is about. */
const MAX_WORDS = 8;
const LEAST_LETTERS = 3;
const MAX_QUOTE = 500;

/**
 * Puts before what `inner` shows the earlier messages that share the most words with the newest one.
 * @example new RetrievalMemory(new SlidingWindowMemory({ maxEvents: 20 }), { maxHits: 3 })
 */
export class RetrievalMemory implements MemoryProvider {
  readonly name: string;
  readonly ingest?: (event: RoomEvent) => Awaitable<void>;
  readonly #maxHits: number;
  readonly #scope: 'room' | 'identity';
  #hasTold = false;

  constructor(
    private readonly inner: MemoryProvider,
    options: RetrievalOptions = {},
  ) {
    this.#maxHits = options.maxHits ?? 5;
    this.#scope = options.scope ?? 'room';
    if (!Number.isInteger(this.#maxHits) || this.#maxHits < 1)
      throw new ValidationError(`Option maxHits is ${String(options.maxHits)}. Give a whole number of 1 or more; default 5.`);
    if (this.#scope !== 'room' && this.#scope !== 'identity')
      throw new ValidationError(`Option scope is ${JSON.stringify(options.scope)}. Give 'room' or 'identity'; default 'room'.`);
    this.name = `Retrieval(${inner.name})`;
    if (inner.ingest !== undefined) this.ingest = (event) => inner.ingest?.(event);
  }

  get maxEvents(): number | undefined {
    return this.inner.maxEvents;
  }

  async retrieve(roomId: string, event: RoomEvent, context: RoomContext, channelId: string, options: MemoryOptions): Promise<MemoryResult> {
    const shown = await this.inner.retrieve(roomId, event, context, channelId, options);
    const found = await this.#find(event, options);
    const isKnown = new Set([...shown.events, ...(options.triggers ?? [event])].map(({ id }) => id));
    const hits = found.filter((hit) => !isKnown.has(hit.event.id)).slice(0, this.#maxHits);
    if (hits.length === 0) return shown;
    hits.sort(oldestFirst);
    const content = [FOUND_MARK, ...hits.map((hit) => quote(hit, channelId)), FOUND_END].join('\n');
    return { messages: [{ role: 'user', content }, ...shown.messages], events: shown.events };
  }

  clear(roomId: string): Awaitable<void> {
    return this.inner.clear?.(roomId);
  }

  close(): Awaitable<void> {
    return this.inner.close?.();
  }

  /** Nothing, with a word in the log, when the store cannot search: what `inner` shows is not to be lost by it. */
  async #find(event: RoomEvent, { store, signal }: MemoryOptions): Promise<readonly FoundEvent[]> {
    if (store === undefined) return [];
    if (store.search === undefined) {
      if (!this.#hasTold)
        store.logger.warn('The store has no full-text search: RetrievalMemory finds nothing in it. SqliteStore has.', { memory: this.name });
      this.#hasTold = true;
      return [];
    }
    const words = wordsOf(event);
    if (words.length === 0) return [];
    try {
      return await store.search(words, { scope: this.#scope, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      store.logger.warn('Earlier messages could not be searched.', { memory: this.name, roomId: event.roomId, code: errorCode(error) });
      return [];
    }
  }
}

function oldestFirst({ event: left }: FoundEvent, { event: right }: FoundEvent): number {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt ? -1 : 1;
  return left.index - right.index;
}

function wordsOf(event: RoomEvent): readonly string[] {
  const text = readContent(event.content, false);
  if (typeof text !== 'string') return [];
  const words = new Set((text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).filter((word) => word.length >= LEAST_LETTERS));
  return [...words].sort((left, right) => right.length - left.length).slice(0, MAX_WORDS);
}

/** On one line, so that nothing in it can pass for another line of the list (AI-10). */
function quote({ event, participants }: FoundEvent, channelId: string): string {
  const name = event.source.channelId === channelId ? 'you' : speakerName(event, participants);
  const text = readContent(event.content, false);
  return `${event.createdAt.slice(0, 16).replace('T', ' ')} ${name}: "${singleLine(typeof text === 'string' ? text : '', MAX_QUOTE)}"`;
}
