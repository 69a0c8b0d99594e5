/** What the agent makes of the conversation: what was asked, and whether calls and results belong together. */
import { isFields, listOf, stringOf, type Fields } from '../problem.js';
import { tokensOf, type ModelRequest } from '../script.js';

/** A request that fits, told as for every vendor, and what of it only an agent's run depends on. */
export interface Asked extends ModelRequest {
  readonly threadId: string;
  readonly runId: string;
}

export function askedOf(body: Fields, model: string): Asked {
  const messages = listOf(body['messages']).filter(isFields);
  let userText = '';
  let toolResults: string[] = [];
  let imageCount = 0;
  for (const { role, content } of messages) {
    if (role === 'tool') toolResults.push(textOf(content));
    if (role !== 'user') continue;
    userText = textOf(content);
    toolResults = [];
    imageCount += listOf(content).filter((part) => isFields(part) && part['type'] === 'image').length;
  }
  return {
    model,
    threadId: stringOf(body['threadId']),
    runId: stringOf(body['runId']),
    system: messages.flatMap(({ role, content }) => (role === 'system' || role === 'developer' ? [textOf(content)] : [])).join('\n'),
    userText,
    toolResults,
    imageCount,
    tools: listOf(body['tools']).flatMap((tool) => (isFields(tool) ? [stringOf(tool['name'])] : [])),
    isStreamed: true,
    body,
  };
}

/** Why a run that was started fails; undefined for one that does not. */
export function runFault(body: Fields, contextWindow: number): string | undefined {
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const { role, toolCalls, toolCallId } of listOf(body['messages']).filter(isFields)) {
    if (role === 'assistant') for (const call of listOf(toolCalls)) if (isFields(call)) called.add(stringOf(call['id']));
    if (role !== 'tool') continue;
    const id = stringOf(toolCallId);
    if (!called.has(id)) return `Tool call with ID ${id} not found in the history.`;
    answered.add(id);
  }
  const open = [...called].filter((id) => !answered.has(id));
  if (open.length > 0)
    return `Tool call results need to be provided for all deferred tool calls. Expected: ${[...called].join(', ')}, got: ${[...answered].join(', ')}`;
  const tokens = tokensOf(JSON.stringify(body));
  if (tokens > contextWindow)
    return `status_code: 400, body: This model's maximum context length is ${contextWindow} tokens. However, your messages resulted in ${tokens} tokens.`;
  return undefined;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .flatMap((part) => (isFields(part) && typeof part['text'] === 'string' ? [part['text']] : []))
    .join('\n');
}
