/** From the answers of an AI SDK language model, whole and streamed, to the kit's. */
import type { AIResponse, AIStreamItem, AIToolCall, Usage } from '../../core/models/ai.js';
import { interrupted } from '../_shared/ai/failure.js';
import { toolCallOf } from '../_shared/ai/tool-arguments.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { Keeper, nameOf } from './kept.js';
import type { AISDKFinish, AISDKGenerated, AISDKModel, AISDKPart, AISDKUsage } from './model.js';

const FINISH: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
};

/** A failure that the model reports as a part of its stream. */
export class ReportedError extends Error {
  constructor(readonly reported: unknown) {
    super('The model reported an error in mid-stream.', { cause: reported });
  }
}

export function answerOf(generated: AISDKGenerated, names: ToolNames, model: AISDKModel): AIResponse {
  let content = '';
  const toolCalls: AIToolCall[] = [];
  const keeper = new Keeper(nameOf(model));
  generated.content.forEach((part, at) => {
    const { type, text = '', providerMetadata } = part;
    if (type === 'text') {
      content += text;
      keeper.text(String(at), providerMetadata);
    } else if (type === 'reasoning') keeper.thought(String(at), text, providerMetadata);
    else if (type === 'tool-call' && part.providerExecuted !== true) {
      const call = callOf(part, names);
      keeper.call(call.id, providerMetadata);
      toolCalls.push(call);
    }
  });
  const { response } = generated;
  return {
    content,
    toolCalls,
    finishReason: finishOf(generated.finishReason),
    usage: usageOf(generated.usage),
    metadata: {
      ...(response?.id !== undefined && { response_id: response.id }),
      ...(response?.modelId !== undefined && { model: response.modelId }),
      ...keeper.metadata,
    },
  };
}

export async function* itemsOf(parts: AsyncIterable<AISDKPart>, names: ToolNames, model: AISDKModel): AsyncGenerator<AIStreamItem, void> {
  const keeper = new Keeper(nameOf(model));
  const inputs = new Inputs();
  let named = {};
  for await (const part of parts) {
    const { type, id = '', delta = '', providerMetadata } = part;
    switch (type) {
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        keeper.text(id, providerMetadata);
        if (delta !== '') yield { type: 'text_delta', text: delta };
        break;
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        keeper.thought(id, delta, providerMetadata);
        if (delta !== '') yield { type: 'thinking_delta', text: delta };
        break;
      case 'tool-input-start':
      case 'tool-input-delta':
        inputs.add(part);
        break;
      case 'tool-call': {
        const call = callOf(part, names);
        inputs.close(call.id);
        if (part.providerExecuted === true) break;
        keeper.call(call.id, providerMetadata);
        yield { type: 'tool_call', ...call };
        break;
      }
      case 'response-metadata':
        named = { ...named, ...(part.id !== undefined && { response_id: part.id }), ...(part.modelId !== undefined && { model: part.modelId }) };
        break;
      case 'error':
        throw new ReportedError(part.error);
      case 'finish': {
        if (isBrokenOff(part.finishReason)) throw interrupted(model.provider);
        for (const call of inputs.open) yield { type: 'tool_call', ...callOf(call, names) };
        const { finishReason, usage } = part;
        yield { type: 'done', finishReason: finishOf(finishReason), usage: usageOf(usage), metadata: { ...named, ...keeper.metadata } };
        return;
      }
    }
  }
  throw interrupted(model.provider);
}

/** Inputs of tools that came piece by piece, until the whole call comes. Some models leave that out. */
class Inputs {
  readonly #open = new Map<string, { toolName: string; input: string }>();

  add({ type, id = '', toolName = '', delta = '', providerExecuted }: AISDKPart): void {
    const known = this.#open.get(id);
    if (known !== undefined) known.input += delta;
    else if (type === 'tool-input-start' && providerExecuted !== true) this.#open.set(id, { toolName, input: '' });
  }

  close(id: string): void {
    this.#open.delete(id);
  }

  get open(): readonly AISDKPart[] {
    return [...this.#open].map(([toolCallId, call]) => ({ type: 'tool-call', toolCallId, ...call }));
  }
}

function callOf({ toolCallId = '', toolName = '', input = '' }: AISDKPart, names: ToolNames): AIToolCall {
  return toolCallOf(toolCallId, names.fromWire(toolName), input);
}

/** A stream that broke off still finishes: v4 says so, the models of v3 have nothing to say. */
function isBrokenOff(finish: AISDKFinish | undefined): boolean {
  return finish === undefined || finish.unified === 'interrupted' || (finish.unified === 'other' && finish.raw === undefined);
}

/** A refusal has no word of its own in the specification. */
function finishOf(finish: AISDKFinish | undefined): string {
  return finish?.raw === 'refusal' ? 'refusal' : (FINISH[finish?.unified ?? ''] ?? 'other');
}

function usageOf(usage: AISDKUsage | undefined): Usage {
  const { total = 0, noCache, cacheRead = 0, cacheWrite = 0 } = usage?.inputTokens ?? {};
  const { total: written = 0, reasoning = 0 } = usage?.outputTokens ?? {};
  return {
    input_tokens: noCache ?? Math.max(total - cacheRead - cacheWrite, 0),
    output_tokens: written,
    ...(cacheRead > 0 && { cache_read_tokens: cacheRead }),
    ...(cacheWrite > 0 && { cache_write_tokens: cacheWrite }),
    ...(reasoning > 0 && { reasoning_tokens: reasoning }),
  };
}
