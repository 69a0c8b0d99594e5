/**
 * A model's reasoning, kept as the vendor gave it, encrypted: it goes back unchanged before what it led to, because the vendor
 * keeps nothing (`store: false`).
 */
import type OpenAI from 'openai';
import type { AIMessage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { fieldsOf, listOf, textOf } from '../_shared/openai-chat/fields.js';

/** What follows a piece of reasoning: the model's words, or the call of this id. */
export const WORDS = 'words';

interface KeptReasoning {
  readonly id: string;
  readonly summary: readonly string[];
  readonly encrypted: string;
  /** {@link WORDS}, or the id of a call. */
  readonly before: string;
  /** As it is asked for: another one could not read it. */
  readonly model: string;
}

const KEY = 'openai_reasoning';

/** Collects the reasoning of one answer, item by item as they stand in it. */
export class ReasoningKeeper {
  readonly #kept: KeptReasoning[] = [];
  #waiting: Omit<KeptReasoning, 'before'>[] = [];

  constructor(private readonly model: string) {}

  /** Any item of the answer. */
  add(value: unknown): void {
    const item = fieldsOf(value);
    const encrypted = textOf(item['encrypted_content']);
    if (item['type'] === 'reasoning') {
      if (encrypted === '') return; // without it the vendor would look the item up, and it has kept none
      const summary = listOf(item['summary']).map((part) => textOf(fieldsOf(part)['text']));
      this.#waiting.push({ id: textOf(item['id']), summary, encrypted, model: this.model });
      return;
    }
    const before = item['type'] === 'message' ? WORDS : item['type'] === 'function_call' ? textOf(item['call_id']) : '';
    if (before === '') return;
    for (const one of this.#waiting) this.#kept.push({ ...one, before });
    this.#waiting = [];
  }

  /** For the metadata of the answer: what {@link keptReasoning} needs. Reasoning that led to nothing is left out. */
  get metadata(): Metadata {
    return this.#kept.length === 0 ? {} : { [KEY]: this.#kept.map((one) => ({ ...one })) };
  }
}

/** The reasoning of this model that led to these words or to this call. */
export function keptReasoning(message: AIMessage, before: string, model: string): OpenAI.Responses.ResponseReasoningItem[] {
  const kept: unknown = message.metadata?.[KEY];
  return listOf(kept).flatMap((value) => {
    const one = fieldsOf(value);
    const encrypted = textOf(one['encrypted']);
    if (one['before'] !== before || one['model'] !== model || encrypted === '') return [];
    const summary = listOf(one['summary']).map((text) => ({ type: 'summary_text' as const, text: textOf(text) }));
    return [{ type: 'reasoning' as const, id: textOf(one['id']), summary, encrypted_content: encrypted }];
  });
}
