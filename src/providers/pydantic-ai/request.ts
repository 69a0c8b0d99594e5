/**
 * From the kit's context to AG-UI's RunAgentInput.
 * @see https://docs.ag-ui.com/spec/1.0/basic/run-input
 */
import { randomUUID } from 'node:crypto';
import type { AIContext, AIContextPart, AIMessage } from '../../core/models/ai.js';
import { inlineImage } from '../_shared/ai/images.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { keptCalls } from './remote-calls.js';
import { keptReasoning } from './reasoning.js';

type Fields = Readonly<Record<string, unknown>>;

/** All fields that 0.x wants too, and none that it refuses: `protocolVersion` is one of 1.0. */
export interface RunAgentInput {
  readonly threadId: string;
  readonly runId: string;
  readonly state: object;
  readonly messages: readonly Fields[];
  readonly tools: readonly Fields[];
  readonly context: readonly Fields[];
  readonly forwardedProps: object;
}

export function inputOf(context: AIContext, names: ToolNames, forwardedProps: object): RunAgentInput {
  return {
    threadId: context.room?.id ?? randomUUID(),
    runId: randomUUID(),
    state: {},
    messages: messagesOf(context, names).map((message, at) => ({ id: `message-${at + 1}`, ...message })),
    tools: context.tools.map(({ name, description, parameters }) => ({
      name: names.toWire(name),
      description,
      parameters: parameters ?? { type: 'object', properties: {} },
    })),
    context: [],
    forwardedProps,
  };
}

function messagesOf(context: AIContext, names: ToolNames): Fields[] {
  const system = [context.systemPrompt ?? '', ...context.messages.filter(({ role }) => role === 'system').map(textOf)];
  const content = system.filter((text) => text.trim() !== '').join('\n\n');
  return [
    ...(content === '' ? [] : [{ role: 'system', content }]),
    ...context.messages.flatMap((message) => (message.role === 'system' ? [] : messageOf(message, names))),
  ];
}

function messageOf(message: AIMessage, names: ToolNames): readonly Fields[] {
  const parts: readonly AIContextPart[] = typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
  if (message.role === 'assistant') return assistantOf(message, parts, names);
  if (message.role === 'tool') return parts.flatMap((part) => (part.type === 'tool_result' ? [resultOf(part)] : []));
  const content = parts.flatMap(contentOf);
  if (content.length === 0) return [];
  const isText = content.every((part) => part['type'] === 'text');
  return [{ role: 'user', content: isText ? content.map((part) => String(part['text'])).join('\n') : content }];
}

function assistantOf(message: AIMessage, parts: readonly AIContextPart[], names: ToolNames): readonly Fields[] {
  const content = textOf(message);
  const toolCalls = parts.flatMap((part) =>
    part.type === 'tool_call'
      ? [{ id: part.id, type: 'function', function: { name: names.toWire(part.name), arguments: JSON.stringify(part.arguments) } }]
      : [],
  );
  if (content.trim() === '' && toolCalls.length === 0) return [];
  const said = { role: 'assistant', ...(content.trim() !== '' && { content }), ...(toolCalls.length > 0 && { toolCalls }) };
  return [...keptReasoning(message), ...keptCalls(message), said];
}

function resultOf({ toolCallId, result, isError }: Extract<AIContextPart, { type: 'tool_result' }>): Fields {
  const content = typeof result === 'string' ? result : result.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  return { role: 'tool', toolCallId, content, ...(isError === true && { error: content }) };
}

function contentOf(part: AIContextPart): readonly Fields[] {
  if (part.type === 'text') return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }];
  if (part.type !== 'image') return [];
  const inline = inlineImage(part.url);
  if (inline !== undefined) return [{ type: 'image', source: { type: 'data', value: inline.data, mimeType: inline.mimeType } }];
  return [{ type: 'image', source: { type: 'url', value: part.url, ...(part.mimeType !== undefined && { mimeType: part.mimeType }) } }];
}

function textOf({ content }: AIMessage): string {
  return typeof content === 'string' ? content : content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}
