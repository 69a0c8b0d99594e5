/**
 * From the answers of the responses API, whole and streamed, to the kit's.
 * @see https://developers.openai.com/api/reference/resources/responses/streaming-events
 */
import type { AIResponse, AIStreamItem, AIToolCall, Usage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { interrupted, providerError } from '../_shared/ai/failure.js';
import { toolCallOf } from '../_shared/ai/tool-arguments.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { usageFrom } from '../_shared/openai-chat/answer.js';
import { failureOf } from '../_shared/openai-chat/connection.js';
import { countOf, fieldsOf, listOf, textOf, type Fields } from '../_shared/openai-chat/fields.js';
import { ReasoningKeeper } from './reasoning.js';

export interface ResponsesReading {
  readonly provider: string;
  readonly names: ToolNames;
  /** As it is asked for. */
  readonly model: string;
}

export function responsesAnswerOf(value: unknown, { provider, names, model }: ResponsesReading): AIResponse {
  const response = fieldsOf(value);
  if (!Array.isArray(response['output'])) throw providerError({ provider, code: 'invalid_response', retryable: false, cause: value });
  if (response['status'] === 'failed') throw failedOf(provider, response);
  const keeper = new ReasoningKeeper(model);
  const toolCalls: AIToolCall[] = [];
  let content = '';
  let isRefused = false;
  for (const one of listOf(response['output'])) {
    keeper.add(one);
    const item = fieldsOf(one);
    if (item['type'] === 'function_call') toolCalls.push(callOf(item, names));
    if (item['type'] !== 'message') continue;
    for (const part of listOf(item['content']).map(fieldsOf)) {
      isRefused ||= part['type'] === 'refusal';
      content += textOf(part['text']) || textOf(part['refusal']);
    }
  }
  return {
    content,
    toolCalls,
    finishReason: finishOf(response, isRefused, toolCalls.length > 0),
    ...usageIn(response),
    metadata: { ...metadataOf(response), ...keeper.metadata },
  };
}

export async function* responsesItemsOf(
  events: AsyncIterable<unknown>,
  { provider, names, model }: ResponsesReading,
): AsyncGenerator<AIStreamItem, void> {
  const keeper = new ReasoningKeeper(model);
  const called = new Set<string>();
  let isRefused = false;
  for await (const value of events) {
    const event = fieldsOf(value);
    switch (event['type']) {
      case 'response.refusal.delta':
      case 'response.output_text.delta': {
        isRefused ||= event['type'] === 'response.refusal.delta';
        const text = textOf(event['delta']);
        if (text !== '') yield { type: 'text_delta', text };
        break;
      }
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta': {
        const text = textOf(event['delta']);
        if (text !== '') yield { type: 'thinking_delta', text };
        break;
      }
      case 'response.reasoning_summary_part.added':
        if (countOf(event['summary_index']) > 0) yield { type: 'thinking_delta', text: '\n\n' };
        break;
      case 'response.output_item.done': {
        const item = fieldsOf(event['item']);
        keeper.add(item);
        if (item['type'] !== 'function_call') break;
        const call = callOf(item, names);
        called.add(call.id);
        yield { type: 'tool_call', ...call };
        break;
      }
      case 'response.completed':
      case 'response.incomplete': {
        const response = fieldsOf(event['response']);
        const metadata = { ...metadataOf(response), ...keeper.metadata };
        yield { type: 'done', finishReason: finishOf(response, isRefused, called.size > 0), ...usageIn(response), metadata };
        return;
      }
      case 'response.failed':
        throw failedOf(provider, fieldsOf(event['response']));
      case 'error':
        throw failureOf(provider, { code: wordOf(event['code']), message: textOf(event['message']), cause: event });
    }
  }
  throw interrupted(provider);
}

function callOf({ call_id, id, name, arguments: text }: Fields, names: ToolNames): AIToolCall {
  return toolCallOf(textOf(call_id) || textOf(id), names.fromWire(textOf(name)), textOf(text));
}

function failedOf(provider: string, response: Fields): Error {
  const { code, message } = fieldsOf(response['error']);
  return failureOf(provider, { code: wordOf(code), message: textOf(message), cause: response['error'] });
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.-]{1,80}$/.test(value) ? value : undefined;
}

function usageIn(response: Fields): { readonly usage?: Usage } {
  if (typeof response['usage'] !== 'object' || response['usage'] === null) return {};
  const usage = fieldsOf(response['usage']);
  const read = fieldsOf(usage['input_tokens_details']);
  return {
    usage: usageFrom({
      input: countOf(usage['input_tokens']),
      output: countOf(usage['output_tokens']),
      cached: countOf(read['cached_tokens']),
      cacheWritten: countOf(read['cache_write_tokens']),
      reasoning: countOf(fieldsOf(usage['output_tokens_details'])['reasoning_tokens']),
    }),
  };
}

function metadataOf({ id, model }: Fields): Metadata {
  return { ...(typeof id === 'string' && { response_id: id }), ...(typeof model === 'string' && { model }) };
}

/** A status or a reason of a later time is `other` (AIP-01). */
function finishOf(response: Fields, isRefused: boolean, hasCalls: boolean): string {
  if (response['status'] === 'incomplete') {
    const { reason } = fieldsOf(response['incomplete_details']);
    return reason === 'max_output_tokens' ? 'length' : reason === 'content_filter' ? 'content_filter' : 'other';
  }
  if (response['status'] !== 'completed') return 'other';
  return isRefused ? 'refusal' : hasCalls ? 'tool_calls' : 'stop';
}
