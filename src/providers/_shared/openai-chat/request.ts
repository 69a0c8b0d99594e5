/**
 * From the kit's context to a request of chat completions (providers §8).
 * @see https://developers.openai.com/api/reference/resources/chat
 */
import type OpenAI from 'openai';
import type { AIContext, AIContextPart, AIMessage, AITool, JsonSchema } from '../../../core/models/ai.js';
import { inlineImage, isWebUrl } from '../ai/images.js';
import type { ToolNames } from '../ai/tool-names.js';
import type { ChatDialect } from './dialect.js';
import { isStrictSchema } from './strict-schema.js';

type Message = OpenAI.ChatCompletionMessageParam;
type Part = OpenAI.ChatCompletionContentPart;
type Body = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** Longest name of a tool. */
export const MAX_TOOL_NAME = 64;
/** For templates of models that want the user to begin. */
const OPENING = '[The conversation began before this.]';

export function chatRequestOf(context: AIContext, dialect: ChatDialect, names: ToolNames): Body {
  const { model, reasons } = dialect;
  const maxTokens = context.maxTokens ?? dialect.maxTokens;
  const temperature = reasons ? undefined : (context.temperature ?? dialect.temperature);
  const effort = dialect.effortOf(context.tools.length > 0);
  const system = systemTextOf(context);
  return {
    model,
    messages: [
      ...(system === '' ? [] : [{ role: reasons ? ('developer' as const) : ('system' as const), content: system }]),
      ...messagesOf(context.messages, dialect, names),
    ],
    ...(maxTokens !== undefined && (reasons ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens })),
    ...(temperature !== undefined && { temperature }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(context.tools.length > 0 && { tools: context.tools.map((tool) => toolOf(tool, dialect, names)) }),
    ...dialect.body,
  };
}

/** The prompt and the system messages of the conversation: templates of many models take one, at the beginning. */
export function systemTextOf(context: AIContext): string {
  const parts = [context.systemPrompt ?? ''];
  for (const message of context.messages) if (message.role === 'system') parts.push(textOf(message.content));
  return parts.filter((part) => part.trim() !== '').join('\n\n');
}

/** The schema of a tool as the vendor takes it: of an object, with its properties. */
export function parametersOf({ parameters }: AITool): JsonSchema {
  const schema = { ...parameters, type: 'object' };
  return 'properties' in schema ? schema : { ...schema, properties: {} };
}

function toolOf(tool: AITool, dialect: ChatDialect, names: ToolNames): OpenAI.ChatCompletionTool {
  const parameters = parametersOf(tool);
  return {
    type: 'function',
    function: {
      name: names.toWire(tool.name),
      ...(tool.description !== '' && { description: tool.description }),
      parameters,
      ...(dialect.strictTools && isStrictSchema(parameters) && { strict: true }),
    },
  };
}

function messagesOf(messages: readonly AIMessage[], dialect: ChatDialect, names: ToolNames): Message[] {
  const result: Message[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    if (message.role === 'tool') result.push(...resultsOf(message));
    else if (message.role === 'assistant') addAssistant(result, assistantOf(message, names));
    else addUser(result, userPartsOf(message));
  }
  if (dialect.userBegins && result[0] !== undefined && result[0].role !== 'user') result.unshift({ role: 'user', content: OPENING });
  return result;
}

/** Templates of many models want user and assistant to take turns, so that what one said twice is said in one message. */
function addUser(result: Message[], parts: readonly Part[]): void {
  if (parts.length === 0) return;
  const last = result.at(-1);
  const all = last?.role === 'user' ? [...(typeof last.content === 'string' ? [textPart(last.content)] : last.content), ...parts] : [...parts];
  if (last?.role === 'user') result.pop();
  const isText = all.every((part) => part.type === 'text');
  result.push({ role: 'user', content: isText ? all.map((part) => (part.type === 'text' ? part.text : '')).join('\n') : all });
}

function addAssistant(result: Message[], message: OpenAI.ChatCompletionAssistantMessageParam): void {
  const { content, tool_calls: calls } = message;
  if (content === null && calls === undefined) return;
  const last = result.at(-1);
  if (last?.role !== 'assistant' || last.tool_calls !== undefined || typeof last.content !== 'string') {
    result.push(message);
    return;
  }
  result.pop();
  result.push({ ...message, content: typeof content === 'string' ? `${last.content}\n${content}` : last.content });
}

function assistantOf({ content }: AIMessage, names: ToolNames): OpenAI.ChatCompletionAssistantMessageParam {
  const text = textOf(content);
  const calls: OpenAI.ChatCompletionMessageToolCall[] = [];
  if (typeof content !== 'string') {
    for (const part of content)
      if (part.type === 'tool_call')
        calls.push({ id: part.id, type: 'function', function: { name: names.toWire(part.name), arguments: JSON.stringify(part.arguments) } });
  }
  return { role: 'assistant', content: text.trim() === '' ? null : text, ...(calls.length > 0 && { tool_calls: calls }) };
}

function resultsOf({ content }: AIMessage): Message[] {
  if (typeof content === 'string') return [];
  return content.flatMap((part) =>
    part.type === 'tool_result' ? [{ role: 'tool', tool_call_id: part.toolCallId, content: textOf(part.result) }] : [],
  );
}

function userPartsOf({ content }: AIMessage): Part[] {
  if (typeof content === 'string') return content.trim() === '' ? [] : [textPart(content)];
  return content.flatMap((part) => {
    if (part.type === 'image') return [imagePart(part.url)];
    return part.type === 'text' && part.text.trim() !== '' ? [textPart(part.text)] : [];
  });
}

function imagePart(url: string): Part {
  return canBeShown(url) ? { type: 'image_url', image_url: { url } } : textPart(UNSHOWN);
}

/** In the place of an image that the vendor could not take. */
export const UNSHOWN = '[An image of a kind that cannot be shown]';

export function canBeShown(url: string): boolean {
  return isWebUrl(url) || ['image/png', 'image/jpeg', 'image/gif', 'image/webp'].includes(inlineImage(url)?.mimeType ?? '');
}

function textPart(text: string): OpenAI.ChatCompletionContentPartText {
  return { type: 'text', text };
}

/** The text of a message or of a tool's result; images of a result follow in a message of their own (TL-05). */
export function textOf(content: string | readonly AIContextPart[]): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' && part.text.trim() !== '' ? [part.text] : [])).join('\n');
}
