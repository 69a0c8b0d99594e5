/**
 * From the kit's context to a request of the Messages API (providers §8).
 * @see https://platform.claude.com/docs/en/api/messages (API version 2026-10-21)
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { AIContext, AIContextPart, AIMessage, AITool } from '../../core/models/ai.js';
import { inlineImage, isWebUrl } from '../_shared/ai/images.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { DEFAULT_MAX_TOKENS, MIN_THINKING_TOKENS, type AnthropicConfig } from './config.js';
import { keptThinking } from './thinking.js';

type Body = Anthropic.MessageCreateParamsNonStreaming;
type Block = Anthropic.ContentBlockParam;
type Message = Anthropic.MessageParam;

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] as const;
const CACHED = { type: 'ephemeral' } as const;
/** The vendor takes no conversation that the assistant opened. */
const OPENING = '[The conversation began before this.]';

export function requestOf(context: AIContext, config: AnthropicConfig, names: ToolNames): Body {
  const thinking = thinkingOf(context, config);
  const maxTokens = context.maxTokens ?? config.maxTokens ?? DEFAULT_MAX_TOKENS;
  const messages = messagesOf(context.messages, names, thinking !== undefined);
  const system = systemOf(context);
  const tools = toolsOf(context, names);
  if (config.promptCaching !== false) markForCache(messages, system, tools);
  return {
    model: config.model,
    // The budget of thinking counts against the same limit.
    max_tokens: thinking?.type === 'enabled' ? maxTokens + thinking.budget_tokens : maxTokens,
    messages,
    ...(system.length > 0 && { system }),
    ...(thinking !== undefined && { thinking }),
    ...(config.effort !== undefined && { output_config: { effort: config.effort } }),
    ...(tools.length > 0 && { tools, ...(context.tools.length === 0 && { tool_choice: { type: 'none' } as const }) }),
  };
}

function thinkingOf(context: AIContext, config: AnthropicConfig): Anthropic.ThinkingConfigEnabled | Anthropic.ThinkingConfigAdaptive | undefined {
  if (config.thinking === 'adaptive') return { type: 'adaptive' };
  const wanted = context.metadata?.['thinking_budget'];
  const budget = typeof wanted === 'number' ? wanted : config.thinking;
  return budget === undefined || budget <= 0 ? undefined : { type: 'enabled', budget_tokens: Math.max(budget, MIN_THINKING_TOKENS) };
}

function systemOf(context: AIContext): Anthropic.TextBlockParam[] {
  const parts = [context.systemPrompt ?? ''];
  for (const message of context.messages) if (message.role === 'system') parts.push(textOf(message));
  const text = parts.filter((part) => part.trim() !== '').join('\n\n');
  return text === '' ? [] : [{ type: 'text', text }];
}

/** Without tools on offer, calls that were made before still want to be known: their names are declared, and none may be called. */
function toolsOf(context: AIContext, names: ToolNames): Anthropic.Tool[] {
  if (context.tools.length > 0) return context.tools.map((tool) => ({ ...declared(tool), name: names.toWire(tool.name) }));
  const called = new Set<string>();
  for (const { content } of context.messages)
    if (typeof content !== 'string') for (const part of content) if (part.type === 'tool_call') called.add(names.toWire(part.name));
  return [...called].map((name) => ({ name, input_schema: { type: 'object' } }));
}

function declared({ description, parameters }: AITool): Omit<Anthropic.Tool, 'name'> {
  return { ...(description !== '' && { description }), input_schema: { ...parameters, type: 'object' } };
}

function messagesOf(messages: readonly AIMessage[], names: ToolNames, thinks: boolean): Message[] {
  const result: { role: 'user' | 'assistant'; content: Block[] }[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const content = blocksOf(message, names, thinks);
    if (content.length === 0) continue;
    const last = result.at(-1);
    if (last?.role === role) last.content.push(...content);
    else result.push({ role, content });
  }
  if (result[0]?.role !== 'user') result.unshift({ role: 'user', content: [{ type: 'text', text: OPENING }] });
  return result;
}

function blocksOf(message: AIMessage, names: ToolNames, thinks: boolean): Block[] {
  // What the model thought before it called a tool has to come back unchanged, signatures included.
  const blocks: Block[] = message.role === 'assistant' && thinks ? keptThinking(message) : [];
  if (typeof message.content === 'string') return message.content.trim() === '' ? blocks : [...blocks, { type: 'text', text: message.content }];
  for (const part of message.content) {
    const block = blockOf(part, names);
    if (block !== undefined) blocks.push(block);
  }
  return blocks;
}

function blockOf(part: AIContextPart, names: ToolNames): Block | undefined {
  switch (part.type) {
    case 'text':
      return textBlock(part.text);
    case 'image':
      return imageBlock(part.url);
    case 'thinking':
      return undefined; // without the vendor's own block it is no use to the vendor
    case 'tool_call':
      return { type: 'tool_use', id: part.id, name: names.toWire(part.name), input: part.arguments };
    case 'tool_result':
      return { type: 'tool_result', tool_use_id: part.toolCallId, content: resultOf(part.result), ...(part.isError === true && { is_error: true }) };
  }
}

function resultOf(result: string | readonly AIContextPart[]): string | (Anthropic.TextBlockParam | Anthropic.ImageBlockParam)[] {
  if (typeof result === 'string') return result;
  return result.flatMap((part) => {
    const block = part.type === 'text' ? textBlock(part.text) : part.type === 'image' ? imageBlock(part.url) : undefined;
    return block === undefined ? [] : [block];
  });
}

/** The vendor refuses blocks without anything to read. */
function textBlock(text: string): Anthropic.TextBlockParam | undefined {
  return text.trim() === '' ? undefined : { type: 'text', text };
}

function imageBlock(url: string): Anthropic.ImageBlockParam | Anthropic.TextBlockParam {
  const inline = inlineImage(url);
  const type = IMAGE_TYPES.find((known) => known === inline?.mimeType);
  if (inline !== undefined && type !== undefined) return { type: 'image', source: { type: 'base64', media_type: type, data: inline.data } };
  if (isWebUrl(url)) return { type: 'image', source: { type: 'url', url } };
  return { type: 'text', text: `[An image of a kind that cannot be shown${inline === undefined ? '' : `: ${inline.mimeType}`}]` };
}

function textOf(message: AIMessage): string {
  if (typeof message.content === 'string') return message.content;
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

/** At most four marks: the tools, the prompt, and the last two messages. */
function markForCache(messages: Message[], system: Anthropic.TextBlockParam[], tools: Anthropic.Tool[]): void {
  for (const list of [tools, system]) {
    const last = list.at(-1);
    if (last !== undefined) last.cache_control = CACHED;
  }
  for (const { content } of messages.slice(-2)) {
    if (typeof content === 'string') continue;
    const last = content.findLast((block) => block.type !== 'thinking' && block.type !== 'redacted_thinking');
    if (last !== undefined && 'type' in last) (last as { cache_control?: Anthropic.CacheControlEphemeral }).cache_control = CACHED;
  }
}
