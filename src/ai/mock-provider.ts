/** A provider without a model: fixed, scripted or computed answers, plain or streamed (behaviour §28). */
import { SystemClock, type Clock } from '../core/clock.js';
import { ValidationError } from '../core/errors.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import type { AIContext, AIMessage, AIResponse, AIStreamItem } from '../core/models/ai.js';
import type { AIProvider, GenerateOptions } from './provider.js';

/** One scripted answer: a text, a response whose missing fields get the mock's defaults, or an error to throw. */
export type ScriptedReply = string | Partial<AIResponse> | Error;

/** What a mock answers, and how fast. */
export interface MockAIProviderOptions {
  /** Answers in turn, over and over. Default `['Hello from AI']`. */
  readonly responses?: readonly string[];
  /** Answers given once each, before `responses` and `responder`. */
  readonly script?: readonly ScriptedReply[];
  /** Computes the answer from what the model would see; takes the place of `responses`. */
  readonly responder?: (context: AIContext) => ScriptedReply | Promise<ScriptedReply>;
  /** Default false. */
  readonly vision?: boolean;
  /** Default false. */
  readonly streaming?: boolean;
  /** Characters of a streamed piece; default: one word. */
  readonly chunkSize?: number;
  /** Pause before each streamed piece, or before a whole answer. Default 0: none. */
  readonly delayMs?: number;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Default `mock`. */
  readonly name?: string;
  /** Default `mock-model`. */
  readonly model?: string;
}

/** How many contexts {@link MockAIProvider.calls} holds. */
const MAX_CALLS = 200;
const USAGE = Object.freeze({ input_tokens: 10, output_tokens: 5 });

/** Answers without a model or a key. `calls` holds what it was asked (the newest 200). */
export class MockAIProvider implements AIProvider {
  readonly name: string;
  readonly modelName: string;
  readonly supportsVision: boolean;
  readonly supportsStreaming: boolean;
  readonly supportsTools = true;
  readonly calls: AIContext[] = [];
  /** How often it was asked in all. */
  callCount = 0;
  closed = false;
  readonly #options: MockAIProviderOptions;
  readonly #responses: readonly string[];
  readonly #clock: Clock;
  readonly #delayMs: number;
  #scripted = 0;
  #answered = 0;

  constructor(options: MockAIProviderOptions = {}) {
    this.#options = options;
    this.name = options.name ?? 'mock';
    this.modelName = options.model ?? 'mock-model';
    this.supportsVision = options.vision ?? false;
    this.supportsStreaming = options.streaming ?? false;
    for (const name of ['responses', 'script'] as const) {
      if (options[name] !== undefined && !Array.isArray(options[name])) throw new ValidationError(`${name} is no list. Give ${name}: ['Hello'].`);
    }
    this.#responses = options.responses === undefined || options.responses.length === 0 ? ['Hello from AI'] : options.responses;
    this.#clock = options.clock ?? new SystemClock();
    this.#delayMs = options.delayMs ?? 0;
  }

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    this.#record(context);
    if (this.#delayMs > 0) await this.#clock.sleep(this.#delayMs, options?.signal);
    const response = this.#next(context);
    return isPromise(response) ? await response : response;
  }

  generateStream(context: AIContext, options?: GenerateOptions): AsyncIterable<AIStreamItem> {
    if (this.#delayMs > 0 || this.#options.responder !== undefined) return this.#slowly(context, options);
    return new AtOnce(() => {
      this.#record(context);
      return items(toResponse(this.#scriptedNext()), this.#options.chunkSize);
    });
  }

  async *#slowly(context: AIContext, options: GenerateOptions | undefined): AsyncGenerator<AIStreamItem, void> {
    this.#record(context);
    const next = this.#next(context);
    const response = isPromise(next) ? await next : next;
    for (const item of items(response, this.#options.chunkSize)) {
      if (this.#delayMs > 0 && item.type === 'text_delta') await this.#clock.sleep(this.#delayMs, options?.signal);
      yield item;
    }
  }

  close(): void {
    this.closed = true;
  }

  #record(context: AIContext): void {
    this.callCount++;
    if (this.calls.length === MAX_CALLS) this.calls.shift();
    this.calls.push(context);
  }

  #next(context: AIContext): Awaitable<AIResponse> {
    const { script, responder } = this.#options;
    if (responder === undefined || this.#scripted < (script?.length ?? 0)) return toResponse(this.#scriptedNext());
    const reply = responder(context);
    return isPromise(reply) ? reply.then(toResponse) : toResponse(reply);
  }

  /** The script first, then the responses over and over. */
  #scriptedNext(): ScriptedReply {
    const script = this.#options.script;
    if (script !== undefined && this.#scripted < script.length) return script[this.#scripted++] ?? '';
    return this.#responses[this.#answered++ % this.#responses.length] ?? '';
  }
}

/** A stream that is there as soon as it is asked for: a promise for each item, and no generator. */
class AtOnce implements AsyncIterableIterator<AIStreamItem> {
  #items: readonly AIStreamItem[] | undefined;
  #position = 0;

  constructor(private readonly begin: () => readonly AIStreamItem[]) {}

  async next(): Promise<IteratorResult<AIStreamItem, undefined>> {
    this.#items ??= this.begin();
    const value = this.#items[this.#position++];
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  async return(): Promise<IteratorResult<AIStreamItem, undefined>> {
    this.#items = EMPTY_LIST;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A whole answer as the pieces of a stream. */
function items(response: AIResponse, chunkSize: number | undefined): AIStreamItem[] {
  const all: AIStreamItem[] = pieces(response.content, chunkSize).map((text) => ({ type: 'text_delta', text }));
  for (const call of response.toolCalls ?? []) all.push({ type: 'tool_call', ...call });
  all.push({ type: 'done', finishReason: response.finishReason, usage: response.usage, metadata: response.metadata });
  return all;
}

function toResponse(reply: ScriptedReply): AIResponse {
  if (reply instanceof Error) throw reply;
  if (typeof reply === 'string') return { content: reply, finishReason: 'stop', usage: USAGE };
  return { content: '', finishReason: (reply.toolCalls?.length ?? 0) > 0 ? 'tool_calls' : 'stop', usage: USAGE, ...reply };
}

function pieces(text: string, size: number | undefined): string[] {
  if (size === undefined) return text.match(/\s*\S+|\s+$/g) ?? [];
  // By code points, so that no piece holds half a character.
  const characters = Array.from(text);
  const all: string[] = [];
  for (let at = 0; at < characters.length; at += size) all.push(characters.slice(at, at + size).join(''));
  return all;
}

/** The words of a message, whatever its form; for responders and tests. */
export function messageText(message: AIMessage | undefined): string {
  if (message === undefined) return '';
  if (typeof message.content === 'string') return message.content;
  const texts: string[] = [];
  for (const part of message.content) {
    if (part.type === 'text') texts.push(part.text);
    else if (part.type === 'tool_result' && typeof part.result === 'string') texts.push(part.result);
  }
  return texts.join('\n');
}
