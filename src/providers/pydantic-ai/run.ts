/**
 * Reads one run of an AG-UI agent: its events, to the kit's items.
 * @see https://docs.ag-ui.com/spec/1.0/events
 */
import type { AIStreamItem, AIToolCall, Usage } from '../../core/models/ai.js';
import { ProviderError } from '../../core/errors.js';
import { isContextOverflow, providerError } from '../_shared/ai/failure.js';
import { toolCallOf } from '../_shared/ai/tool-arguments.js';
import type { ToolNames } from '../_shared/ai/tool-names.js';
import { keepCalls, type RemoteCall } from './remote-calls.js';
import { Reasoning } from './reasoning.js';

export type AGUIEvent = Readonly<Record<string, unknown>>;

/** The agent itself said that its run failed. */
const FOR_GOOD = /invalid|auth|permission|forbidden|not_found|unsupported/i;

export class Run {
  readonly #reasoning = new Reasoning();
  /** Calls by id. Without a result at the end of the run they are for us; those of the agent's own tools have one. */
  readonly #calls = new Map<string, { readonly name: string; text: string }>();
  /** Messages that are no answer: the agent may tell those of others. */
  readonly #foreign = new Set<string>();
  #spoken = '';
  #thought = '';
  #called = '';
  #hasSpoken = false;
  #snapshot: readonly unknown[] = [];
  /** What the agent's own tools did. */
  readonly #done: RemoteCall[] = [];
  #hasRunTools = false;

  constructor(
    private readonly provider: string,
    private readonly names: ToolNames,
    private readonly offered: ReadonlySet<string>,
  ) {}

  /** What an event adds to the answer. The last item is `done`. Throws ProviderError for a run that failed. */
  *read(event: AGUIEvent): Generator<AIStreamItem, void> {
    const delta = textOf(event['delta']);
    switch (event['type']) {
      case 'TEXT_MESSAGE_START':
      case 'TEXT_MESSAGE_CHUNK':
      case 'TEXT_MESSAGE_CONTENT':
        yield* this.#say(event, delta);
        break;
      case 'REASONING_MESSAGE_CONTENT':
      case 'REASONING_MESSAGE_CHUNK':
        this.#thought = textOf(event['messageId']) || this.#thought;
        if (delta === '' || this.#isOfSubagent(event)) break;
        this.#reasoning.add(this.#thought, delta);
        yield { type: 'thinking_delta', text: delta };
        break;
      case 'THINKING_TEXT_MESSAGE_CONTENT': // before 1.0
        if (delta !== '') yield { type: 'thinking_delta', text: delta };
        break;
      case 'REASONING_ENCRYPTED_VALUE':
        this.#reasoning.encrypt(textOf(event['entityId']), textOf(event['encryptedValue']));
        break;
      case 'TOOL_CALL_START':
      case 'TOOL_CALL_CHUNK':
      case 'TOOL_CALL_ARGS':
        this.#call(event, delta);
        break;
      case 'TOOL_CALL_RESULT':
        this.#answered(textOf(event['toolCallId']), event['content']);
        break;
      case 'MESSAGES_SNAPSHOT':
        this.#snapshot = Array.isArray(event['messages']) ? event['messages'] : [];
        break;
      case 'RUN_ERROR':
        throw this.#failure(event);
      case 'RUN_FINISHED':
        yield* this.#finish(event);
        break;
    }
  }

  /** The run ended without its last event (AIP-03). What its tools did is not done again. */
  interrupted(cause?: unknown): ProviderError {
    return new ProviderError('The answer broke off before its end.', {
      provider: this.provider,
      code: 'stream_interrupted',
      retryable: !this.#hasRunTools,
      cause,
    });
  }

  *#say(event: AGUIEvent, delta: string): Generator<AIStreamItem, void> {
    const id = textOf(event['messageId']) || this.#spoken;
    const role = event['role'];
    if (typeof role === 'string' && role !== 'assistant') this.#foreign.add(id);
    if (delta === '' || this.#foreign.has(id) || this.#isOfSubagent(event)) return;
    // A run may hold several messages: they are told apart as the rounds of a turn are.
    const text = this.#hasSpoken && id !== this.#spoken ? `\n\n${delta}` : delta;
    this.#spoken = id;
    this.#hasSpoken = true;
    yield { type: 'text_delta', text };
  }

  /** What the helpers of the agent say among themselves is not its answer. */
  #isOfSubagent(event: AGUIEvent): boolean {
    return textOf(event['subagentRunId']) !== '';
  }

  #call(event: AGUIEvent, delta: string): void {
    const id = textOf(event['toolCallId']) || this.#called;
    this.#called = id;
    const known = this.#calls.get(id);
    if (known !== undefined) known.text += delta;
    else if (event['type'] !== 'TOOL_CALL_ARGS') this.#calls.set(id, { name: textOf(event['toolCallName']), text: delta });
  }

  #answered(id: string, content: unknown): void {
    this.#hasRunTools = true;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    const result = typeof content === 'string' ? content : (JSON.stringify(content) ?? '');
    if (call !== undefined) this.#done.push({ id, name: call.name, arguments: call.text || '{}', result });
  }

  *#finish(event: AGUIEvent): Generator<AIStreamItem, void> {
    const calls: AIToolCall[] = [];
    for (const [id, { name, text }] of this.#calls) if (this.offered.has(name)) calls.push(toolCallOf(id, this.names.fromWire(name), text));
    const told = this.#hasSpoken || calls.length > 0 ? '' : lastWords(this.#snapshot);
    if (told !== '') yield { type: 'text_delta', text: told };
    for (const call of calls) yield { type: 'tool_call', ...call };
    const outcome = isFields(event['outcome']) ? textOf(event['outcome']['type']) : '';
    const isDone = outcome === '' || outcome === 'success';
    yield {
      type: 'done',
      finishReason: calls.length > 0 ? 'tool_calls' : isDone ? 'stop' : 'other',
      usage: usageOf(event['usage']),
      metadata: { run_id: textOf(event['runId']), ...(!isDone && { outcome }), ...this.#reasoning.metadata, ...keepCalls(this.#done) },
    };
  }

  /** Nothing says which failures pass. One after the agent has run tools of its own is not tried again. */
  #failure(event: AGUIEvent): ProviderError {
    const [message, code] = [textOf(event['message']), textOf(event['code'])];
    const isTooLong = isContextOverflow(`${code} ${message}`);
    return providerError({
      provider: this.provider,
      code: isTooLong ? 'context_overflow' : 'provider_error',
      type: /^[\w.-]{1,60}$/.test(code) ? code : undefined,
      retryable: !isTooLong && !this.#hasRunTools && !FOR_GOOD.test(code),
      cause: event,
    });
  }
}

/** Some agents tell their answer only in the snapshot of all messages. */
function lastWords(messages: readonly unknown[]): string {
  const fields = messages.filter(isFields);
  const asked = fields.findLastIndex(({ role }) => role === 'user');
  return fields
    .slice(asked + 1)
    .flatMap(({ role, content }) => (role === 'assistant' && typeof content === 'string' && content !== '' ? [content] : []))
    .join('\n\n');
}

/** One entry for each model; the cache's counts are part of what was read. */
function usageOf(given: unknown): Usage {
  const sum: Record<string, number> = { input_tokens: 0, output_tokens: 0 };
  const add = (name: string, value: number): void => {
    if (value !== 0) sum[name] = (sum[name] ?? 0) + value;
  };
  for (const entry of Array.isArray(given) ? (given as readonly unknown[]).filter(isFields) : []) {
    const [read, written] = [countOf(entry['cachedInputTokens']), countOf(entry['cacheWriteInputTokens'])];
    add('input_tokens', Math.max(countOf(entry['inputTokens']) - read - written, 0));
    add('output_tokens', countOf(entry['outputTokens']));
    add('cache_read_tokens', read);
    add('cache_write_tokens', written);
    add('reasoning_tokens', countOf(entry['reasoningTokens']));
  }
  return sum;
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function isFields(value: unknown): value is AGUIEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
