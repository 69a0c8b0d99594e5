/** What a vLLM server answers: near to chat completions, with fields of its own. */
import { idText, tokensIn } from '../counting.js';
import type { ServerEvent } from '../event-stream.js';
import { isFields } from '../problem.js';
import { argumentsText, piecesOf, type ModelRequest, type ScriptedAnswer } from '../script.js';

/**
 * Where a server puts the thoughts of its model: a field, by the name of today or the former one, when a parser of the server
 * tells them apart; else in the text, with both tags, or with the closing one alone where the template had opened it.
 */
export type ThinkingPlace = 'reasoning' | 'reasoning_content' | 'tags' | 'closing_tag';

export interface Said {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly thoughts: Readonly<Record<string, string>>;
  readonly text: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finish: string;
  readonly usage: unknown;
}

export function saidOf(answer: ScriptedAnswer, asked: ModelRequest, place: ThinkingPlace): Said {
  const { text = '', thinking, toolCalls = [], finish } = answer;
  const isField = place === 'reasoning' || place === 'reasoning_content';
  return {
    id: `chatcmpl-${idText(32)}`,
    created: Math.floor(Date.now() / 1000),
    model: asked.model,
    thoughts: isField && thinking !== undefined ? { [place]: thinking } : {},
    text: isField ? text : textWith(thinking, text, place),
    toolCalls: toolCalls.map((call) => ({ id: call.id ?? `chatcmpl-tool-${idText(16)}`, name: call.name, arguments: argumentsText(call) })),
    finish: finish ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop'),
    usage: usageOf(answer, asked),
  };
}

/** A template that opens the tag has the model close it, whether it thought or not. */
function textWith(thinking: string | undefined, text: string, place: ThinkingPlace): string {
  if (place === 'closing_tag') return `${thinking ?? ''}\n</think>\n\n${text}`;
  return thinking === undefined ? text : `<think>\n${thinking}\n</think>\n\n${text}`;
}

export function wholeOf({ id, created, model, thoughts, text, toolCalls, finish, usage }: Said): unknown {
  const message = {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    tool_calls: toolCalls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })),
    reasoning: null,
    ...thoughts,
  };
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish, stop_reason: null, token_ids: null }],
    service_tier: null,
    system_fingerprint: null,
    usage,
    prompt_logprobs: null,
    prompt_token_ids: null,
    kv_transfer_params: null,
  };
}

/** Usage comes only when it was asked for. */
export function chunksOf(said: Said, answer: ScriptedAnswer, { body }: ModelRequest): readonly ServerEvent[] {
  const { id, created, model, thoughts, text, toolCalls, finish, usage } = said;
  const options = isFields(body) && isFields(body['stream_options']) ? body['stream_options'] : {};
  const chunk = (more: Readonly<Record<string, unknown>>): ServerEvent => ({
    data: { id, object: 'chat.completion.chunk', created, model, ...more },
  });
  const delta = (own: unknown, ended: Readonly<Record<string, unknown>> = { finish_reason: null }): ServerEvent =>
    chunk({ choices: [{ index: 0, delta: own, logprobs: null, ...ended, token_ids: null }] });
  return [
    delta({ role: 'assistant', content: '' }),
    ...Object.entries(thoughts).flatMap(([field, thought]) => piecesOf(thought, answer.pieceChars).map((piece) => delta({ [field]: piece }))),
    ...piecesOf(text, answer.pieceChars).map((piece) => delta({ content: piece })),
    ...toolCalls.flatMap((call, index) => [
      delta({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name } }] }),
      ...piecesOf(call.arguments, answer.pieceChars).map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    delta({ content: '' }, { finish_reason: finish, stop_reason: null }),
    ...(options['include_usage'] === true ? [chunk({ choices: [], usage })] : []),
    { data: '[DONE]' },
  ];
}

/** Thoughts are among the tokens written, and not counted apart. */
function usageOf(answer: ScriptedAnswer, asked: ModelRequest): unknown {
  const { input, output, cached } = tokensIn(answer, asked);
  return {
    prompt_tokens: input,
    total_tokens: input + output,
    completion_tokens: output,
    prompt_tokens_details: cached > 0 ? { cached_tokens: cached } : null,
  };
}
