/** From the Messages API's answers, whole and streamed, to the kit's. */
import type Anthropic from '@anthropic-ai/sdk';
import type { AIResponse, AIStreamItem, AIToolCall, Usage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { interrupted } from '../_shared/ai/failure.js';
import { toolCallOf } from '../_shared/ai/tool-arguments.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { keepThinking, type ThinkingBlock } from './thinking.js';

const FINISH: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'refusal',
};

export function answerOf(message: Anthropic.Message, names: ToolNames): AIResponse {
  let content = '';
  const toolCalls: AIToolCall[] = [];
  const thoughts: ThinkingBlock[] = [];
  for (const block of message.content) {
    if (block.type === 'text') content += block.text;
    else if (block.type === 'tool_use') toolCalls.push(toolCallOf(block.id, names.fromWire(block.name), JSON.stringify(block.input)));
    else if (block.type === 'thinking') thoughts.push({ type: 'thinking', thinking: block.thinking, signature: block.signature });
    else if (block.type === 'redacted_thinking') thoughts.push({ type: 'redacted_thinking', data: block.data });
  }
  return {
    content,
    toolCalls,
    finishReason: finishOf(message.stop_reason),
    usage: usageOf(message.usage),
    metadata: { ...metadataOf(message), ...keepThinking(thoughts) },
  };
}

/** One block of the answer while it is being written. */
interface OpenBlock {
  readonly kind: Anthropic.ContentBlock['type'];
  readonly id: string;
  readonly name: string;
  text: string;
  signature: string;
}

export async function* itemsOf(events: AsyncIterable<Anthropic.RawMessageStreamEvent>, names: ToolNames): AsyncGenerator<AIStreamItem, void> {
  const open = new Map<number, OpenBlock>();
  const thoughts: ThinkingBlock[] = [];
  let usage: Counted = {};
  let metadata: Metadata = {};
  let stopReason: string | null = null;
  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        usage = event.message.usage;
        metadata = metadataOf(event.message);
        break;
      case 'content_block_start': {
        const block = event.content_block;
        const [id, name] = block.type === 'tool_use' ? [block.id, block.name] : ['', ''];
        open.set(event.index, { kind: block.type, id, name, text: block.type === 'redacted_thinking' ? block.data : '', signature: '' });
        break;
      }
      case 'content_block_delta': {
        const block = open.get(event.index);
        if (block === undefined) break;
        const { delta } = event;
        if (delta.type === 'text_delta') yield { type: 'text_delta', text: delta.text };
        else if (delta.type === 'input_json_delta') block.text += delta.partial_json;
        else if (delta.type === 'signature_delta') block.signature = delta.signature;
        else if (delta.type === 'thinking_delta') {
          block.text += delta.thinking;
          yield { type: 'thinking_delta', text: delta.thinking };
        }
        break;
      }
      case 'content_block_stop': {
        const block = open.get(event.index);
        open.delete(event.index);
        if (block?.kind === 'tool_use') yield { type: 'tool_call', ...toolCallOf(block.id, names.fromWire(block.name), block.text) };
        else if (block?.kind === 'thinking') thoughts.push({ type: 'thinking', thinking: block.text, signature: block.signature });
        else if (block?.kind === 'redacted_thinking') thoughts.push({ type: 'redacted_thinking', data: block.text });
        break;
      }
      case 'message_delta':
        usage = { ...usage, ...counted(event.usage) };
        stopReason = event.delta.stop_reason;
        break;
      case 'message_stop':
        yield { type: 'done', finishReason: finishOf(stopReason), usage: usageOf(usage), metadata: { ...metadata, ...keepThinking(thoughts) } };
        return;
    }
  }
  throw interrupted('anthropic');
}

type Counted = Partial<
  Pick<Anthropic.Usage, 'input_tokens' | 'output_tokens' | 'cache_read_input_tokens' | 'cache_creation_input_tokens' | 'output_tokens_details'>
>;

/** The last word on each number is cumulative; what it leaves out was said at the start. */
function counted(usage: Anthropic.MessageDeltaUsage): Counted {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null && value !== undefined));
}

/** The vendor's input tokens leave out what came from its cache already. */
function usageOf(usage: Counted): Usage {
  const { cache_read_input_tokens: read, cache_creation_input_tokens: written, output_tokens_details: details } = usage;
  return {
    input_tokens: usage.input_tokens ?? 0,
    output_tokens: usage.output_tokens ?? 0,
    ...(read && { cache_read_tokens: read }),
    ...(written && { cache_write_tokens: written }),
    ...(details?.thinking_tokens && { reasoning_tokens: details.thinking_tokens }),
  };
}

function metadataOf(message: Anthropic.Message): Metadata {
  return { response_id: message.id, model: message.model };
}

/** A reason of a later time is `other` (AIP-01). */
function finishOf(reason: string | null): string {
  return reason === null ? 'other' : (FINISH[reason] ?? 'other');
}
