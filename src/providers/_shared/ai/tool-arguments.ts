/** The arguments of a model's tool call, as it wrote them (AIP-02). */
import type { AIToolCall } from '../../../core/models/ai.js';
import type { Metadata } from '../../../core/models/json.js';

/** A call of this JSON text. What is no JSON object becomes `{ raw }` and is marked: the loop tells the model so (TL-04). */
export function toolCallOf(id: string, name: string, text: string): AIToolCall {
  if (text.trim() === '') return { id, name, arguments: {} };
  const args = parsed(text);
  return args === undefined ? { id, name, arguments: { raw: text }, invalid: true } : { id, name, arguments: args };
}

function parsed(text: string): Metadata | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Metadata) : undefined;
  } catch {
    return undefined;
  }
}
