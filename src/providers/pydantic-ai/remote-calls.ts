/** What the agent's own tools did in a run: it is told so when the run goes on, and does not do it again. */
import type { AIMessage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';

export interface RemoteCall {
  readonly id: string;
  readonly name: string;
  /** As the model wrote them. */
  readonly arguments: string;
  readonly result: string;
}

const KEY = 'ag_ui_calls';

/** For the metadata of an answer: what {@link keptCalls} needs. */
export function keepCalls(calls: readonly RemoteCall[]): Metadata {
  return calls.length === 0 ? {} : { [KEY]: calls.map((call) => ({ ...call })) };
}

/** A message with the calls, and one for each result. */
export function keptCalls(message: AIMessage): readonly Readonly<Record<string, unknown>>[] {
  const kept: unknown = message.metadata?.[KEY];
  const calls = Array.isArray(kept) ? kept.filter(isCall) : [];
  if (calls.length === 0) return [];
  const toolCalls = calls.map(({ id, name, arguments: args }) => ({ id, type: 'function', function: { name, arguments: args } }));
  return [{ role: 'assistant', toolCalls }, ...calls.map(({ id, result }) => ({ role: 'tool', toolCallId: id, content: result }))];
}

function isCall(value: unknown): value is RemoteCall {
  if (typeof value !== 'object' || value === null || !('id' in value && 'name' in value && 'arguments' in value && 'result' in value)) return false;
  return [value.id, value.name, value.arguments, value.result].every((one) => typeof one === 'string');
}
