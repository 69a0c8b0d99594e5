/** How a conversation is reached: Teams says with each activity at which of its regional addresses. */
import type { Awaitable } from '../../core/models/json.js';

/** Where a bot may write into a conversation. JSON-safe. */
export interface ConversationReference {
  readonly conversationId: string;
  /** The regional address of the connector. */
  readonly serviceUrl: string;
  /** The bot, as Teams knows it in this conversation. */
  readonly botId?: string;
  readonly tenantId?: string;
}

/** Keeps references by conversation: for messages into rooms that nobody has written to yet. */
export interface ConversationReferences {
  /** Undefined for a conversation that nothing is known of. */
  get(conversationId: string): Awaitable<ConversationReference | undefined>;
  /** Replaces what was known of it. */
  set(conversationId: string, reference: ConversationReference): Awaitable<void>;
}

const MAX_REFERENCES = 10_000;

/** In this process alone; the conversations that were heard of longest ago go first. */
export class MemoryReferences implements ConversationReferences {
  readonly #known = new Map<string, ConversationReference>();

  /** Undefined for a conversation that nothing is known of. */
  get(conversationId: string): ConversationReference | undefined {
    return this.#known.get(conversationId);
  }

  /** Replaces what was known of it. */
  set(conversationId: string, reference: ConversationReference): void {
    this.#known.delete(conversationId);
    this.#known.set(conversationId, reference);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_REFERENCES && oldest !== undefined) this.#known.delete(oldest);
  }
}
