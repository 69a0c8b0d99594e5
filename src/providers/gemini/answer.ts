/** From the answers of generateContent, whole and streamed, to the kit's. */
import { randomUUID } from 'node:crypto';
import type { FunctionCall, GenerateContentResponse, GenerateContentResponseUsageMetadata } from '@google/genai';
import type { AIResponse, AIStreamItem, AIToolCall, Usage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { interrupted } from '../_shared/ai/failure.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { keepSignatures } from './signatures.js';

const FINISH: Readonly<Record<string, string>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
};

export async function answerOf(response: GenerateContentResponse, names: ToolNames, model: string): Promise<AIResponse> {
  let content = '';
  const toolCalls: AIToolCall[] = [];
  for await (const item of itemsOf([response], names, model)) {
    if (item.type === 'text_delta') content += item.text;
    else if (item.type === 'tool_call') {
      const { type: _type, ...call } = item;
      toolCalls.push(call);
    } else if (item.type === 'done') {
      const { type: _type, ...rest } = item;
      return { content, toolCalls, ...rest };
    }
  }
  throw interrupted('gemini');
}

export async function* itemsOf(
  chunks: AsyncIterable<GenerateContentResponse> | Iterable<GenerateContentResponse>,
  names: ToolNames,
  model: string,
): AsyncGenerator<AIStreamItem, void> {
  const signatures = new Map<string, string>();
  let usage: GenerateContentResponseUsageMetadata = {};
  let metadata: Metadata = {};
  let finish: string | undefined;
  let hasCalls = false;
  for await (const chunk of chunks) {
    usage = chunk.usageMetadata ?? usage; // each is the sum until then
    metadata = { ...metadata, ...metadataOf(chunk) };
    const [candidate] = chunk.candidates ?? [];
    for (const part of candidate?.content?.parts ?? []) {
      if (part.functionCall) {
        const call = callOf(part.functionCall, names);
        if (typeof part.thoughtSignature === 'string') signatures.set(call.id, part.thoughtSignature);
        hasCalls = true;
        yield { type: 'tool_call', ...call };
      } else if (typeof part.text === 'string' && part.text !== '') {
        yield { type: part.thought === true ? 'thinking_delta' : 'text_delta', text: part.text };
      }
    }
    finish = candidate?.finishReason ?? finish;
    // What the vendor does not even pass to the model has no candidate, and no other end than this.
    if (chunk.promptFeedback?.blockReason !== undefined) finish = 'PROHIBITED_CONTENT';
  }
  if (finish === undefined) throw interrupted('gemini');
  yield {
    type: 'done',
    finishReason: hasCalls && finish === 'STOP' ? 'tool_calls' : (FINISH[finish] ?? 'other'),
    usage: usageOf(usage),
    metadata: { ...metadata, ...keepSignatures(signatures, model) },
  };
}

/** Models before Gemini 3 give calls no id. */
function callOf({ id, name = '', args = {} }: FunctionCall, names: ToolNames): AIToolCall {
  return { id: id === undefined || id === '' ? `call_${randomUUID()}` : id, name: names.fromWire(name), arguments: args };
}

/** The vendor counts what came from its cache among what was read, and leaves thoughts out of what was written. */
function usageOf(usage: GenerateContentResponseUsageMetadata): Usage {
  const { promptTokenCount = 0, cachedContentTokenCount: cached = 0, candidatesTokenCount = 0, thoughtsTokenCount: thoughts = 0 } = usage;
  return {
    input_tokens: Math.max(promptTokenCount - cached, 0),
    output_tokens: candidatesTokenCount + thoughts,
    ...(cached > 0 && { cache_read_tokens: cached }),
    ...(thoughts > 0 && { reasoning_tokens: thoughts }),
  };
}

function metadataOf({ responseId, modelVersion, promptFeedback }: GenerateContentResponse): Metadata {
  return {
    ...(responseId !== undefined && { response_id: responseId }),
    ...(modelVersion !== undefined && { model: modelVersion }),
    ...(promptFeedback?.blockReason !== undefined && { block_reason: promptFeedback.blockReason }),
  };
}
