/** The answers of chat completions: a whole completion, and the chunks it is streamed as. */
import { randomUUID } from 'node:crypto';
import { idText, tokensIn } from '../counting.js';
import type { ServerEvent } from '../event-stream.js';
import { isFields } from '../problem.js';
import { argumentsText, piecesOf, type ModelRequest, type ScriptedAnswer } from '../script.js';

interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface Completion {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly content: string | null;
  readonly refusal: string | null;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: string;
  readonly usage: unknown;
}

export function completionOf(answer: ScriptedAnswer, asked: ModelRequest): Completion {
  const { text = '', toolCalls = [], finish } = answer;
  const isRefusal = finish === 'refusal'; // the vendor's word for it is a field, and the end a stop
  return {
    id: `chatcmpl-${idText(29)}`,
    created: Math.floor(Date.now() / 1000),
    model: asked.model,
    content: isRefusal || (text === '' && toolCalls.length > 0) ? null : text,
    refusal: isRefusal ? text : null,
    toolCalls: toolCalls.map((call) => ({
      id: call.id ?? `call_${idText(24)}`,
      type: 'function',
      function: { name: call.name, arguments: argumentsText(call) },
    })),
    finish: (isRefusal ? 'stop' : finish) ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop'),
    usage: usageOf(answer, asked),
  };
}

export function wholeOf({ id, created, model, content, refusal, toolCalls, finish, usage }: Completion): unknown {
  const message = { role: 'assistant', content, refusal, annotations: [], ...(toolCalls.length > 0 && { tool_calls: toolCalls }) };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finish }];
  return { id, object: 'chat.completion', created, model, choices, usage, service_tier: 'default', system_fingerprint: null };
}

/** The role, the words, each call with its arguments in pieces, why it ended, the usage if it was asked for, and `[DONE]`. */
export function chunksOf(completion: Completion, answer: ScriptedAnswer, { body }: ModelRequest): readonly ServerEvent[] {
  const { id, created, model, content, refusal, toolCalls, finish, usage } = completion;
  const options = isFields(body) && isFields(body['stream_options']) ? body['stream_options'] : {};
  const withUsage = options['include_usage'] === true;
  const chunk = (choices: readonly unknown[], counted: unknown = null): ServerEvent => ({
    data: {
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      service_tier: 'default',
      system_fingerprint: null,
      choices,
      ...(withUsage && { usage: counted }),
      ...(options['include_obfuscation'] !== false && { obfuscation: randomUUID().slice(0, 8) }),
    },
  });
  const delta = (own: unknown, reason: string | null = null): ServerEvent => chunk([{ index: 0, delta: own, logprobs: null, finish_reason: reason }]);
  return [
    delta({ role: 'assistant', content: content === null ? null : '', refusal: null }),
    ...piecesOf(content ?? '', answer.pieceChars).map((piece) => delta({ content: piece })),
    ...piecesOf(refusal ?? '', answer.pieceChars).map((piece) => delta({ refusal: piece })),
    ...toolCalls.flatMap(({ function: called, ...call }, index) => [
      delta({ tool_calls: [{ index, ...call, function: { name: called.name, arguments: '' } }] }),
      ...piecesOf(called.arguments, answer.pieceChars).map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    delta({}, finish),
    ...(withUsage ? [chunk([], usage)] : []),
    { data: '[DONE]' },
  ];
}

function usageOf(answer: ScriptedAnswer, asked: ModelRequest): unknown {
  const { input, output, cached, cacheWritten, thinking } = tokensIn(answer, asked);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0, cache_write_tokens: cacheWritten },
    completion_tokens_details: { reasoning_tokens: thinking, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}
