/** From the kit's context to the call of an AI SDK language model (specifications v3 and v4). */
import type { AIContext, AIContextPart, AIMessage } from '../../core/models/ai.js';
import { withTrace } from '../../core/telemetry/outgoing.js';
import { inlineImage, isWebUrl } from '../_shared/ai/images.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import type { AISDKConfig } from './config.js';
import { keptOf, nameOf, type Kept } from './kept.js';
import type { AISDKCallOptions, AISDKModel } from './model.js';

type Part = Readonly<Record<string, unknown>>;

/** Many vendors take no conversation that the assistant opened. */
const OPENING = '[The conversation began before this.]';

export async function callOf(context: AIContext, config: AISDKConfig, names: ToolNames, abortSignal: AbortSignal): Promise<AISDKCallOptions> {
  const { model, providerOptions } = config;
  const headers = withTrace(config.headers);
  const maxOutputTokens = context.maxTokens ?? config.maxTokens;
  const temperature = context.temperature ?? config.temperature;
  const tools = context.tools.map(({ name, description, parameters }) => ({
    type: 'function',
    name: names.toWire(name),
    ...(description !== '' && { description }),
    inputSchema: { properties: {}, ...parameters, type: 'object' },
  }));
  return {
    prompt: promptOf(context, names, new Files(model, await model.supportedUrls)),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(tools.length > 0 && { tools }),
    ...(headers !== undefined && { headers }),
    ...(providerOptions !== undefined && { providerOptions }),
    abortSignal,
  };
}

function promptOf(context: AIContext, names: ToolNames, files: Files): Part[] {
  const system = [context.systemPrompt ?? ''];
  const turns: { role: 'user' | 'assistant' | 'tool'; content: Part[] }[] = [];
  for (const message of context.messages) {
    if (message.role === 'system') {
      system.push(textOf(message));
      continue;
    }
    const content = partsOf(message, names, files);
    const last = turns.at(-1);
    if (content.length === 0) continue;
    if (last?.role === message.role) last.content.push(...content);
    else turns.push({ role: message.role, content });
  }
  if (turns[0]?.role !== 'user') turns.unshift({ role: 'user', content: [{ type: 'text', text: OPENING }] });
  const text = system.filter((part) => part.trim() !== '').join('\n\n');
  return text === '' ? turns : [{ role: 'system', content: text }, ...turns];
}

function textOf({ content }: AIMessage): string {
  return typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

function partsOf(message: AIMessage, names: ToolNames, files: Files): Part[] {
  const kept = keptOf(message, files.model);
  const thoughts = message.role === 'assistant' ? kept.reasoning.map((one): Part => ({ type: 'reasoning', ...one })) : [];
  const content: readonly AIContextPart[] = typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
  return [...thoughts, ...content.flatMap((part) => partOf(part, names, files, kept))];
}

function partOf(part: AIContextPart, names: ToolNames, files: Files, kept: Kept): Part[] {
  switch (part.type) {
    case 'text':
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text, ...(kept.text !== undefined && { providerOptions: kept.text }) }];
    case 'image':
      return [files.of(part.url, part.mimeType)];
    case 'thinking':
      return []; // what is wanted back is kept in the answer's metadata
    case 'tool_call': {
      const providerOptions = kept.calls[part.id];
      const call = { type: 'tool-call', toolCallId: part.id, toolName: names.toWire(part.name), input: part.arguments };
      return [{ ...call, ...(providerOptions !== undefined && { providerOptions }) }];
    }
    case 'tool_result': {
      const value = typeof part.result === 'string' ? part.result : part.result.map((one) => (one.type === 'text' ? one.text : '')).join('\n');
      const output = { type: part.isError === true ? 'error-text' : 'text', value };
      return [{ type: 'tool-result', toolCallId: part.toolCallId, toolName: names.toWire(part.name), output }];
    }
  }
}

/** Images as parts of a file, in the shape of the model's specification. */
class Files {
  /** Whose words are kept. */
  readonly model: string;
  readonly #isV4: boolean;
  readonly #fetchable: readonly RegExp[];

  constructor(model: AISDKModel, supportedUrls: Readonly<Record<string, RegExp[]>>) {
    this.model = nameOf(model);
    this.#isV4 = model.specificationVersion === 'v4';
    this.#fetchable = Object.entries(supportedUrls).flatMap(([type, patterns]) => (/^(\*$|\*\/\*$|image\/)/.test(type) ? patterns : []));
  }

  of(url: string, mimeType: string | undefined): Part {
    const inline = inlineImage(url);
    if (inline !== undefined)
      return { type: 'file', mediaType: inline.mimeType, data: this.#isV4 ? { type: 'data', data: inline.data } : inline.data };
    // Nothing is fetched here: whoever writes into a room would choose the address.
    if (!isWebUrl(url) || !URL.canParse(url) || !this.#fetchable.some((pattern) => pattern.test(url)))
      return { type: 'text', text: '[An image that cannot be shown to this model]' };
    const address = new URL(url);
    return { type: 'file', mediaType: mimeType ?? 'image/*', data: this.#isV4 ? { type: 'url', url: address } : address };
  }
}
