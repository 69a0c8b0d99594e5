/** What the agent thought, kept as messages of their own: AG-UI takes them back before the answer they led to. */
import type { AIMessage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';

export interface ReasoningMessage {
  readonly id: string;
  readonly content: string;
  /** What the model's vendor wants back, unread. */
  readonly encryptedValue?: string;
}

const KEY = 'ag_ui_reasoning';

/** Gathers thoughts while a run is read. Those of 0.x (`THINKING_…`) have no id, and go back to nobody. */
export class Reasoning {
  readonly #messages = new Map<string, ReasoningMessage>();

  add(id: string, delta: string): void {
    const known = this.#messages.get(id);
    this.#messages.set(id, { ...known, id, content: `${known?.content ?? ''}${delta}` });
  }

  encrypt(id: string, encryptedValue: string): void {
    const known = this.#messages.get(id);
    if (known !== undefined) this.#messages.set(id, { ...known, encryptedValue });
  }

  /** For the metadata of the answer. */
  get metadata(): Metadata {
    return this.#messages.size === 0 ? {} : { [KEY]: [...this.#messages.values()].map((message) => ({ ...message })) };
  }
}

export function keptReasoning(message: AIMessage): readonly Readonly<Record<string, unknown>>[] {
  const kept: unknown = message.metadata?.[KEY];
  if (!Array.isArray(kept)) return [];
  return kept.filter(isReasoning).map((one) => ({ ...one, role: 'reasoning' }));
}

function isReasoning(value: unknown): value is ReasoningMessage {
  return typeof value === 'object' && value !== null && 'id' in value && 'content' in value && typeof value.content === 'string';
}
