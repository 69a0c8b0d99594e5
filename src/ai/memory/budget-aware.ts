/** As much history as a model's context can hold, beside everything else that has to fit into it (MEM-05). */
import { ValidationError } from '../../core/errors.js';
import type { AIMessage } from '../../core/models/ai.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Awaitable } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import { readContent } from '../content-parts.js';
import type { MemoryOptions, MemoryProvider, MemoryResult } from './memory.js';

/** How many tokens there are, and how they are counted (MEM-05). */
export interface BudgetOptions {
  /** What the model takes in all, its answer included. */
  readonly maxContextTokens: number;
  /** Kept free for whatever the host adds; default 0. */
  readonly reservedTokens?: number;
  /** Kept free for the answer; default 1024. */
  readonly answerTokens?: number;
  /** Default: a token per 3.5 characters, rounded up. */
  readonly countTokens?: (text: string) => number;
  /** Shown whatever they cost, the newest; default 2. */
  readonly minEvents?: number;
}

/** Newest first until what system prompt, tools, the message itself, injected messages and the answer leave is used up. */
export class BudgetAwareMemory implements MemoryProvider {
  readonly name: string;
  readonly ingest?: (event: RoomEvent) => Awaitable<void>;
  readonly #count: (text: string) => number;

  constructor(
    private readonly inner: MemoryProvider,
    private readonly options: BudgetOptions,
  ) {
    if (!Number.isFinite(options.maxContextTokens) || options.maxContextTokens <= 0) {
      throw new ValidationError(`Option maxContextTokens is ${String(options.maxContextTokens)}. Give the number of tokens the model takes.`);
    }
    this.name = `BudgetAware(${inner.name})`;
    this.#count = options.countTokens ?? ((text) => Math.ceil(text.length / 3.5));
    if (inner.ingest !== undefined) this.ingest = (event) => inner.ingest?.(event);
  }

  get maxEvents(): number | undefined {
    return this.inner.maxEvents;
  }

  async retrieve(roomId: string, event: RoomEvent, context: RoomContext, channelId: string, options: MemoryOptions): Promise<MemoryResult> {
    const { messages, events } = await this.inner.retrieve(roomId, event, context, channelId, options);
    let left =
      this.options.maxContextTokens -
      (this.options.reservedTokens ?? 0) -
      (this.options.answerTokens ?? 1024) -
      this.#count(options.systemPrompt ?? '') -
      this.#toolTokens(options) -
      this.#messageTokens(messages) -
      this.#askedTokens(options.triggers ?? [event]);
    const least = this.options.minEvents ?? 2;
    let from = events.length;
    for (; from > 0; from--) {
      const older = events[from - 1];
      if (older === undefined) break;
      left -= this.#eventTokens(older);
      if (left < 0 && events.length - from >= least) break;
    }
    return { messages, events: from === 0 ? events : events.slice(from) };
  }

  clear(roomId: string): Awaitable<void> {
    return this.inner.clear?.(roomId);
  }

  close(): Awaitable<void> {
    return this.inner.close?.();
  }

  #toolTokens(options: MemoryOptions): number {
    let tokens = 0;
    for (const { name, description, parameters } of options.tools) tokens += this.#count(`${name}${description}${JSON.stringify(parameters ?? {})}`);
    return tokens;
  }

  #askedTokens(triggers: readonly RoomEvent[]): number {
    let tokens = 0;
    for (const event of triggers) tokens += this.#eventTokens(event);
    return tokens;
  }

  #messageTokens(messages: readonly AIMessage[]): number {
    let tokens = 0;
    for (const { content } of messages) tokens += this.#count(typeof content === 'string' ? content : JSON.stringify(content));
    return tokens;
  }

  #eventTokens(event: RoomEvent): number {
    const text = readContent(event.content, false);
    return typeof text === 'string' ? this.#count(text) : 0;
  }
}
