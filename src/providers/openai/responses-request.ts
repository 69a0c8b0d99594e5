/**
 * From the kit's context to a request of the responses API (providers §8).
 * @see https://developers.openai.com/api/reference/resources/responses
 */
import type OpenAI from 'openai';
import type { AIContext, AIContextPart, AIMessage, AITool } from '../../core/models/ai.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { canBeShown, parametersOf, systemTextOf, textOf, UNSHOWN } from '../_shared/openai-chat/request.js';
import { isStrictSchema } from '../_shared/openai-chat/strict-schema.js';
import type { OpenAIConfig } from './config.js';
import { keptReasoning, WORDS } from './reasoning.js';

type Item = OpenAI.Responses.ResponseInputItem;
type Body = Omit<OpenAI.Responses.ResponseCreateParams, 'stream'>;
type Content = OpenAI.Responses.ResponseInputText | OpenAI.Responses.ResponseInputImage;

/** The vendor refuses to write less. */
const LEAST_TOKENS = 16;

export interface ResponsesSettings extends Omit<OpenAIConfig, 'apiKey'> {
  readonly reasons: boolean;
}

export function responsesRequestOf(context: AIContext, settings: ResponsesSettings, names: ToolNames): Body {
  const { model, reasons } = settings;
  const maxTokens = context.maxTokens ?? settings.maxTokens;
  const temperature = reasons ? undefined : (context.temperature ?? settings.temperature);
  const instructions = systemTextOf(context);
  return {
    model,
    input: context.messages.flatMap((message) => itemsOf(message, names, reasons ? model : undefined)),
    store: false,
    ...(instructions !== '' && { instructions }),
    ...(maxTokens !== undefined && { max_output_tokens: Math.max(maxTokens, LEAST_TOKENS) }),
    ...(temperature !== undefined && { temperature }),
    ...(reasons && { ...reasoningOf(settings), include: ['reasoning.encrypted_content' as const] }),
    ...(context.tools.length > 0 && { tools: context.tools.map((tool) => toolOf(tool, settings, names)) }),
  };
}

function reasoningOf({ reasoningEffort: effort, reasoningSummary = false }: ResponsesSettings): { readonly reasoning?: OpenAI.Reasoning } {
  const summary = reasoningSummary === true ? 'auto' : reasoningSummary;
  if (effort === undefined && summary === false) return {};
  return { reasoning: { ...(effort !== undefined && { effort }), ...(summary !== false && { summary }) } };
}

/** Here strict is the vendor's default, and a schema that does not qualify would be changed: it is always said. */
function toolOf(tool: AITool, { strictTools = true }: ResponsesSettings, names: ToolNames): OpenAI.Responses.FunctionTool {
  const parameters = parametersOf(tool);
  return {
    type: 'function',
    name: names.toWire(tool.name),
    ...(tool.description !== '' && { description: tool.description }),
    parameters,
    strict: strictTools && isStrictSchema(parameters),
  };
}

/** `model` is one that reasons. */
function itemsOf(message: AIMessage, names: ToolNames, model: string | undefined): Item[] {
  switch (message.role) {
    case 'system':
      return []; // among the instructions
    case 'user': {
      const content = contentOf(message.content);
      return content.length === 0 ? [] : [{ type: 'message', role: 'user', content }];
    }
    case 'assistant':
      return assistantItems(message, names, model);
    case 'tool':
      return resultItems(message);
  }
}

function assistantItems(message: AIMessage, names: ToolNames, model: string | undefined): Item[] {
  const { content } = message;
  const reasoned = (before: string): Item[] => (model === undefined ? [] : keptReasoning(message, before, model));
  const text = textOf(content);
  const items: Item[] = text.trim() === '' ? [] : [...reasoned(WORDS), { type: 'message', role: 'assistant', content: text }];
  if (typeof content === 'string') return items;
  for (const part of content) {
    if (part.type !== 'tool_call') continue;
    items.push(...reasoned(part.id), {
      type: 'function_call',
      call_id: part.id,
      name: names.toWire(part.name),
      arguments: JSON.stringify(part.arguments),
    });
  }
  return items;
}

function resultItems({ content }: AIMessage): Item[] {
  if (typeof content === 'string') return [];
  return content.flatMap((part): Item[] => {
    if (part.type !== 'tool_result') return [];
    const { toolCallId, result } = part;
    const hasImages = typeof result !== 'string' && result.some(({ type }) => type === 'image');
    return [{ type: 'function_call_output', call_id: toolCallId, output: hasImages ? contentOf(result) : textOf(result) }];
  });
}

function contentOf(content: string | readonly AIContextPart[]): Content[] {
  if (typeof content === 'string') return content.trim() === '' ? [] : [{ type: 'input_text', text: content }];
  return content.flatMap((part): Content[] => {
    if (part.type === 'text') return contentOf(part.text);
    if (part.type !== 'image') return [];
    return [canBeShown(part.url) ? { type: 'input_image', image_url: part.url, detail: 'auto' } : { type: 'input_text', text: UNSHOWN }];
  });
}
