/**
 * From the answers of chat completions, whole and streamed, to the kit's. Servers that are only compatible leave out, add and
 * change fields, so nothing is taken for granted here.
 */
import type { AIResponse, AIStreamItem, AIToolCall, Usage } from '../../../core/models/ai.js';
import type { Metadata } from '../../../core/models/json.js';
import { interrupted, providerError } from '../ai/failure.js';
import { toolCallOf } from '../ai/tool-arguments.js';
import type { ToolNames } from '../ai/tool-names.js';
import { countOf, fieldsOf, listOf, textOf, type Fields } from './fields.js';
import { ThinkTags } from './think-tags.js';

const FINISH: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};

/** How to read answers. */
export interface ChatReading {
  readonly provider: string;
  readonly names: ToolNames;
  readonly thinkTags: boolean | 'begins';
}

export function chatAnswerOf(completion: unknown, { provider, names, thinkTags }: ChatReading): AIResponse {
  const answer = fieldsOf(completion);
  const choice = fieldsOf(listOf(answer['choices'])[0]);
  const message = fieldsOf(choice['message']);
  if (choice['message'] === undefined) throw providerError({ provider, code: 'invalid_response', retryable: false, cause: completion });
  const calls = listOf(message['tool_calls']).flatMap((value): AIToolCall[] => {
    const { id, function: called } = fieldsOf(value);
    const { name, arguments: text } = fieldsOf(called);
    return typeof name === 'string' ? [toolCallOf(idOf(id), names.fromWire(name), argumentsOf(text))] : [];
  });
  const refusal = textOf(message['refusal']);
  const usage = usageOf(answer['usage']);
  return {
    content: wordsOf(textOf(message['content']), thinkTags) || refusal,
    toolCalls: calls,
    finishReason: refusal === '' ? finishOf(choice['finish_reason'], calls.length > 0) : 'refusal',
    ...(usage !== undefined && { usage }),
    metadata: metadataOf(answer),
  };
}

function wordsOf(text: string, thinkTags: boolean | 'begins'): string {
  if (thinkTags === false) return text;
  // The whole text shows what a stream cannot: a closing tag alone means that the template had opened it.
  const close = text.indexOf('</think>');
  const open = text.indexOf('<think>');
  const tags = new ThinkTags(close !== -1 && (open === -1 || open > close));
  return [...tags.take(text), ...tags.end()].map((said) => (said.type === 'text_delta' ? said.text : '')).join('');
}

interface OpenCall {
  id: string;
  name: string;
  text: string;
}

export async function* chatItemsOf(chunks: AsyncIterable<unknown>, { provider, names, thinkTags }: ChatReading): AsyncGenerator<AIStreamItem, void> {
  const tags = thinkTags === false ? undefined : new ThinkTags(thinkTags === 'begins');
  const calls = new Calls();
  let metadata: Metadata = {};
  let usage: Usage | undefined;
  let finish: string | undefined;
  let isRefused = false;
  for await (const value of chunks) {
    const chunk = fieldsOf(value);
    usage = usageOf(chunk['usage']) ?? usage;
    if (metadata['response_id'] === undefined) metadata = metadataOf(chunk);
    const choice = fieldsOf(listOf(chunk['choices'])[0]);
    const delta = fieldsOf(choice['delta']);
    const thought = textOf(delta['reasoning']) || textOf(delta['reasoning_content']);
    if (thought !== '') yield { type: 'thinking_delta', text: thought };
    const text = textOf(delta['content']);
    if (text !== '') {
      if (tags === undefined) yield { type: 'text_delta', text };
      else yield* tags.take(text);
    }
    const refusal = textOf(delta['refusal']);
    if (refusal !== '') {
      isRefused = true;
      yield { type: 'text_delta', text: refusal };
    }
    for (const part of listOf(delta['tool_calls'])) calls.add(fieldsOf(part));
    if (typeof choice['finish_reason'] === 'string') finish = choice['finish_reason'];
  }
  if (tags !== undefined) yield* tags.end();
  if (finish === undefined) throw interrupted(provider);
  for (const call of calls.all) yield { type: 'tool_call', ...toolCallOf(idOf(call.id), names.fromWire(call.name), call.text) };
  const finishReason = isRefused ? 'refusal' : finishOf(finish, calls.all.length > 0);
  yield { type: 'done', finishReason, ...(usage !== undefined && { usage }), metadata };
}

/** Tool calls that come in pieces, told apart by their index. */
class Calls {
  readonly #open: OpenCall[] = [];
  readonly #byIndex = new Map<number, OpenCall>();

  get all(): readonly OpenCall[] {
    return this.#open.filter(({ name }) => name !== '');
  }

  add(part: Fields): void {
    const { index, id, function: called } = part;
    const { name, arguments: text } = fieldsOf(called);
    const call = this.#of(typeof index === 'number' ? index : undefined, textOf(id));
    if (call.id === '') call.id = textOf(id);
    if (call.name === '') call.name = textOf(name);
    call.text += argumentsOf(text);
  }

  /** Some servers leave the index out, and some give every call the same: another id is another call. */
  #of(index: number | undefined, id: string): OpenCall {
    const known = index === undefined ? this.#open.at(-1) : this.#byIndex.get(index);
    if (known !== undefined && (id === '' || known.id === '' || known.id === id)) return known;
    const call: OpenCall = { id, name: '', text: '' };
    this.#open.push(call);
    if (index !== undefined) this.#byIndex.set(index, call);
    return call;
  }
}

/** The vendor counts what came from its cache among the tokens it read. */
function usageOf(value: unknown): Usage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const usage = fieldsOf(value);
  const read = fieldsOf(usage['prompt_tokens_details']);
  const written = fieldsOf(usage['completion_tokens_details']);
  return usageFrom({
    input: countOf(usage['prompt_tokens']),
    output: countOf(usage['completion_tokens']),
    cached: countOf(read['cached_tokens']),
    cacheWritten: countOf(read['cache_write_tokens']),
    reasoning: countOf(written['reasoning_tokens']),
  });
}

export interface TokenCounts {
  /** Those from a cache included. */
  readonly input: number;
  readonly output: number;
  readonly cached: number;
  readonly cacheWritten: number;
  readonly reasoning: number;
}

/** Each token is counted once: `input_tokens` leaves out what is told apart. */
export function usageFrom({ input, output, cached, cacheWritten, reasoning }: TokenCounts): Usage {
  return {
    input_tokens: Math.max(0, input - cached - cacheWritten),
    output_tokens: output,
    ...(cached > 0 && { cache_read_tokens: cached }),
    ...(cacheWritten > 0 && { cache_write_tokens: cacheWritten }),
    ...(reasoning > 0 && { reasoning_tokens: reasoning }),
  };
}

function metadataOf({ id, model }: Fields): Metadata {
  return { ...(typeof id === 'string' && { response_id: id }), ...(typeof model === 'string' && { model }) };
}

/** A reason of a later time is `other` (AIP-01); some servers say `stop` beside calls. */
function finishOf(reason: unknown, hasCalls: boolean): string {
  const finish = (typeof reason === 'string' ? FINISH[reason] : undefined) ?? 'other';
  return finish === 'stop' && hasCalls ? 'tool_calls' : finish;
}

/** A result has to name its call, so that a call without an id is given one. */
function idOf(id: unknown): string {
  return typeof id === 'string' && id !== '' ? id : `call_${crypto.randomUUID().replaceAll('-', '')}`;
}

/** Some servers give the arguments as an object. */
function argumentsOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : textOf(value);
}
