/** The contract of a language model's adapter (AI-11), and the one way in which all of them are read as a stream. */
import type { AIContext, AIResponse, AIStreamItem } from '../core/models/ai.js';
import type { RetryPolicy } from '../core/models/delivery.js';
import type { Awaitable } from '../core/models/json.js';

/** What goes with one generation. */
export interface GenerateOptions {
  /** Aborted when the turn is cancelled or out of time: the request is to be aborted too. */
  readonly signal?: AbortSignal;
}

/** A language model's adapter. Translate {@link AIContext} to the vendor's request and its answer back; throw `ProviderError`. */
export interface AIProvider {
  /** The vendor's name, as stored in `source.provider` of replies. */
  readonly name: string;
  readonly modelName: string;
  /** Whether messages may hold images (AI-05). */
  readonly supportsVision: boolean;
  readonly supportsStreaming: boolean;
  /** Without it no tools are offered. */
  readonly supportsTools: boolean;
  /** Whether the result of a tool may hold images; default false: they follow in a user message (TL-05). */
  readonly supportsImageResults?: boolean;
  /** What follows a retryable failure where the agent has no policy of its own (AI-09). Absent: nothing is tried again. */
  readonly retryPolicy?: RetryPolicy;
  /** One answer. Throws `ProviderError`; only `retryable` ones are tried again (AI-09). */
  generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse>;
  /** The same answer piece by piece; the last item is `done`. Present where `supportsStreaming` is true. */
  generateStream?(context: AIContext, options?: GenerateOptions): AsyncIterable<AIStreamItem>;
  /** Idempotent. Called by the channel that owns the provider. */
  close?(): Awaitable<void>;
}

/** Whether the provider can be read piece by piece. */
export function canStream(provider: AIProvider): provider is AIProvider & Required<Pick<AIProvider, 'generateStream'>> {
  return provider.supportsStreaming && provider.generateStream !== undefined;
}

/** Reads any provider as a stream: one that cannot stream gives one delta, its tool calls, and `done`. */
export async function* streamFrom(provider: AIProvider, context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
  if (canStream(provider)) {
    yield* provider.generateStream(context, options);
    return;
  }
  const response = await provider.generate(context, options);
  if (response.content !== '') yield { type: 'text_delta', text: response.content };
  for (const call of response.toolCalls ?? []) yield { type: 'tool_call', ...call };
  yield {
    type: 'done',
    ...(response.finishReason !== undefined && { finishReason: response.finishReason }),
    ...(response.usage !== undefined && { usage: response.usage }),
    ...(response.metadata !== undefined && { metadata: response.metadata }),
  };
}

/** The finish reasons that mean the answer was cut off by a length limit. */
export function isLengthLimit(finishReason: string | undefined): boolean {
  return finishReason === 'length' || finishReason === 'max_tokens';
}
