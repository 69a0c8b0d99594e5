/**
 * From the kit's context to a request of generateContent (providers §8).
 * @see https://ai.google.dev/api/generate-content (v1beta)
 */
import type { Content, FunctionDeclaration, GenerateContentConfig, GenerateContentParameters, Part, ThinkingConfig } from '@google/genai';
import type { AIContext, AIContextPart, AIMessage, AITool } from '../../core/models/ai.js';
import { inlineImage, isWebUrl } from '../_shared/ai/images.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import type { GeminiConfig } from './config.js';
import { cleanParameters } from './schema.js';
import { keptSignatures, signFirst } from './signatures.js';

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/heic', 'image/heif'];
const TYPE_BY_ENDING: Readonly<Record<string, string>> = { png: 'image/png', webp: 'image/webp', heic: 'image/heic', heif: 'image/heif' };
/** The vendor takes no conversation that the model opened, and none that it ended. */
const OPENING = '[The conversation began before this.]';
const CLOSING = '[Please go on.]';

export function requestOf(context: AIContext, config: GeminiConfig, names: ToolNames): GenerateContentParameters {
  const thinking = thinkingOf(context, config);
  const maxTokens = context.maxTokens ?? config.maxTokens;
  const temperature = context.temperature ?? config.temperature;
  const system = systemOf(context);
  const settings: GenerateContentConfig = {
    ...(system !== '' && { systemInstruction: { parts: [{ text: system }] } }),
    ...(temperature !== undefined && { temperature }),
    // What is thought counts against the same limit.
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens + Math.max(thinking?.thinkingBudget ?? 0, 0) }),
    ...(thinking !== undefined && { thinkingConfig: thinking }),
    ...(context.tools.length > 0 && { tools: [{ functionDeclarations: context.tools.map((tool) => declared(tool, names)) }] }),
  };
  return { model: config.model, contents: contentsOf(context.messages, config.model, names), config: settings };
}

function thinkingOf(context: AIContext, { thinking }: GeminiConfig): ThinkingConfig | undefined {
  // The client's enum is this word; a value of it would load the package.
  if (typeof thinking === 'string') return { thinkingLevel: thinking.toUpperCase(), includeThoughts: true } as ThinkingConfig;
  const wanted = context.metadata?.['thinking_budget'];
  const budget = typeof wanted === 'number' ? wanted : thinking;
  return budget === undefined ? undefined : { thinkingBudget: budget, ...(budget !== 0 && { includeThoughts: true }) };
}

function systemOf(context: AIContext): string {
  const parts = [context.systemPrompt ?? ''];
  for (const message of context.messages) if (message.role === 'system') parts.push(textOf(message));
  return parts.filter((part) => part.trim() !== '').join('\n\n');
}

function textOf({ content }: AIMessage): string {
  return typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

function declared(tool: AITool, names: ToolNames): FunctionDeclaration {
  const parameters = cleanParameters(tool.parameters);
  return {
    name: names.toWire(tool.name),
    ...(tool.description !== '' && { description: tool.description }),
    ...(parameters !== undefined && { parameters }),
  };
}

function contentsOf(messages: readonly AIMessage[], model: string, names: ToolNames): Content[] {
  const contents: { role: 'user' | 'model'; kind: AIMessage['role']; parts: Part[] }[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    const parts = partsOf(message, names, model);
    if (parts.length === 0) continue;
    const last = contents.at(-1);
    // Results of tools stay among themselves: they have to be as many as the calls.
    if (last?.kind === message.role) last.parts.push(...parts);
    else contents.push({ role: message.role === 'assistant' ? 'model' : 'user', kind: message.role, parts });
    if (message.role === 'assistant') signFirst(parts, model);
  }
  if (contents[0]?.role !== 'user') contents.unshift({ role: 'user', kind: 'user', parts: [{ text: OPENING }] });
  if (contents.at(-1)?.role !== 'user') contents.push({ role: 'user', kind: 'user', parts: [{ text: CLOSING }] });
  return contents.map(({ role, parts }) => ({ role, parts }));
}

function partsOf(message: AIMessage, names: ToolNames, model: string): Part[] {
  if (typeof message.content === 'string') return textPart(message.content);
  const signatures = keptSignatures(message, model);
  return message.content.flatMap((part) => partOf(part, names, signatures));
}

function partOf(part: AIContextPart, names: ToolNames, signatures: ReadonlyMap<string, string>): Part[] {
  switch (part.type) {
    case 'text':
      return textPart(part.text);
    case 'image':
      return [imagePart(part.url, part.mimeType)];
    case 'thinking':
      return []; // the signature beside the call holds it
    case 'tool_call': {
      const thoughtSignature = signatures.get(part.id);
      const functionCall = { id: part.id, name: names.toWire(part.name), args: part.arguments };
      return [{ functionCall, ...(thoughtSignature !== undefined && { thoughtSignature }) }];
    }
    case 'tool_result': {
      const text = typeof part.result === 'string' ? part.result : part.result.map((one) => (one.type === 'text' ? one.text : '')).join('\n');
      const response = part.isError === true ? { error: text } : { result: text };
      return [{ functionResponse: { id: part.toolCallId, name: names.toWire(part.name), response } }];
    }
  }
}

function textPart(text: string): Part[] {
  return text.trim() === '' ? [] : [{ text }];
}

function imagePart(url: string, mimeType: string | undefined): Part {
  const inline = inlineImage(url);
  if (inline !== undefined && IMAGE_TYPES.includes(inline.mimeType)) return { inlineData: { mimeType: inline.mimeType, data: inline.data } };
  if (isWebUrl(url) || url.startsWith('gs://')) {
    const ending = /\.(\w+)(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? '';
    return { fileData: { fileUri: url, mimeType: mimeType ?? TYPE_BY_ENDING[ending] ?? 'image/jpeg' } };
  }
  return { text: `[An image of a kind that cannot be shown${inline === undefined ? '' : `: ${inline.mimeType}`}]` };
}
