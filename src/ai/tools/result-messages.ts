/** The results of a round in the words of its provider: one tool message in the order of the calls, and images that have to follow it. */
import type { AIContextPart, AIMessage, AIToolCall } from '../../core/models/ai.js';
import type { AIProvider } from '../provider.js';
import type { CallOutcome } from './rounds.js';

export function resultMessages(calls: readonly AIToolCall[], outcomes: readonly CallOutcome[], provider: AIProvider): readonly AIMessage[] {
  const results: AIContextPart[] = [];
  const following: AIContextPart[] = [];
  calls.forEach((call, at) => {
    const outcome = outcomes[at];
    if (outcome === undefined) return;
    let result: string | readonly AIContextPart[] = outcome.text;
    if (outcome.images.length > 0) {
      if (provider.supportsImageResults === true) {
        result = [...(outcome.text === '' ? [] : [{ type: 'text', text: outcome.text } as const]), ...outcome.images];
      } else if (provider.supportsVision) {
        result = outcome.text === '' ? 'The image follows.' : outcome.text;
        following.push({ type: 'text', text: `Result of ${call.name}:` }, ...outcome.images);
      } else {
        result = outcome.text === '' ? '[Image]' : outcome.text;
      }
    }
    results.push({ type: 'tool_result', toolCallId: call.id, name: call.name, result, ...(outcome.isError && { isError: true }) });
  });
  const messages: AIMessage[] = [{ role: 'tool', content: results }];
  if (following.length > 0) messages.push({ role: 'user', content: following });
  return messages;
}
