/**
 * Brings a conversation into the form every model takes (AI-08): speakers take turns, each tool call has its result
 * right behind it, and the last word is not the model's own.
 */
import type { AIContextPart, AIMessage } from '../core/models/ai.js';
import { errorText } from './tools/results.js';

/** The same list when nothing is to be mended. */
export function repairConversation(messages: readonly AIMessage[]): readonly AIMessage[] {
  if (isSound(messages)) return messages;
  const repaired = withResults(merged(messages.filter((message) => message.content.length > 0)));
  const last = repaired.at(-1);
  if (last === undefined || last.role === 'assistant') repaired.push({ role: 'user', content: 'Please go on.' });
  return repaired;
}

/** The usual case: plain texts of alternating roles that end with the user, or nothing that could be out of place. */
function isSound(messages: readonly AIMessage[]): boolean {
  let previous: AIMessage['role'] | undefined;
  for (const { role, content } of messages) {
    if (role === previous || role === 'tool' || content.length === 0) return false;
    if (role === 'assistant' && typeof content !== 'string') return false;
    previous = role;
  }
  return previous === 'user';
}

/** Consecutive messages of one role become one; each keeps a part of its own. */
function merged(messages: readonly AIMessage[]): AIMessage[] {
  const result: AIMessage[] = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (last === undefined || last.role !== message.role) result.push(message);
    else result[result.length - 1] = { ...last, content: [...partsOf(last), ...partsOf(message)], ...mergedMetadata(last, message) };
  }
  return result;
}

function mergedMetadata(first: AIMessage, second: AIMessage): Pick<AIMessage, 'metadata'> {
  return second.metadata === undefined ? {} : { metadata: { ...first.metadata, ...second.metadata } };
}

/** Gives every call a result in the message after it, and drops results that belong to no call. */
function withResults(messages: readonly AIMessage[]): AIMessage[] {
  const result: AIMessage[] = [];
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at];
    if (message === undefined || message.role === 'tool') continue; // a result without its call
    result.push(message);
    if (message.role !== 'assistant' || typeof message.content === 'string') continue;
    const calls = message.content.filter((part) => part.type === 'tool_call');
    if (calls.length === 0) continue;
    const next = messages[at + 1];
    const given = next?.role === 'tool' ? partsOf(next).filter((part) => part.type === 'tool_result') : [];
    result.push({
      role: 'tool',
      content: calls.map(({ id, name }) => {
        // Each result is used once: some models give two calls one id.
        const at = given.findIndex((part) => part.toolCallId === id);
        const [own] = at < 0 ? [] : given.splice(at, 1);
        return own ?? ({ type: 'tool_result', toolCallId: id, name, result: errorText('This call has no result.'), isError: true } as const);
      }),
    });
  }
  // Dropping stray results may have brought two messages of one role together.
  return merged(result);
}

function partsOf(message: AIMessage): readonly AIContextPart[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}
